"""The calls of producers that we know by name, against what their producer means by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cases import (
    BF16,
    F16,
    F32,
    FLOATS,
    Question,
    call_case,
    check_compiled,
    check_interpreted,
    tensor,
)
from drawing import normal
from test_rms_norm import relative_error

from attnorm import reference
from attnorm.ir.mlir import ir
from attnorm.pipeline.pipelines import DEFAULT

NORM_ERROR, ATTENTION_ERROR = 2e-6, 1e-5
TORCH = (
    "scaled_dot_product_attention",
    "sdpa",
    "aten.scaled_dot_product_attention",
    "tenstorrent.scaled_dot_product_attention",
    "tt.scaled_dot_product_attention",
)
LITERT = "ai_edge_torch.scaled_dot_product_attention"


def composite(asked: Question) -> Question:
    """The same call as a `stablehlo.composite` whose decomposition says nothing."""
    original = asked.case.body

    def body(values, types):
        call = original(values, types)[0].owner
        own = {"call_target_name", "api_version"}
        parameters = {name: call.attributes[name] for name in call.attributes if name not in own}
        attributes = {
            "name": call.attributes["call_target_name"],
            "composite_attributes": ir.DictAttr.get(parameters),
            "decomposition": ir.FlatSymbolRefAttr.get("impl"),
        }
        call.erase()
        _declare([value.type for value in values], types)
        return ir.Operation.create(
            "stablehlo.composite", list(types), list(values), attributes
        ).results

    return replace(asked, case=replace(asked.case, body=body))


def _declare(arguments, results):
    module = ir.InsertionPoint.current.block.owner.parent
    with ir.InsertionPoint(module.regions[0].blocks[0]):
        ir.Operation.create(
            "func.func",
            attributes={
                "sym_name": ir.StringAttr.get("impl"),
                "sym_visibility": ir.StringAttr.get("private"),
                "function_type": ir.TypeAttr.get(ir.FunctionType.get(arguments, list(results))),
            },
            regions=1,
        )


# -- norms ---------------------------------------------------------------------------------------


def norm(target, attributes, dtype=F32, *, weighted=True, residual=False, scale=1.0, **values):
    """A norm call over the last axis and what it means; `scale` is the size of x."""
    x, weight, other = (normal(shape, dtype, i) for i, shape in enumerate([(4, 8), (8,), (4, 8)]))
    x = (x * scale).astype(dtype)
    arguments = [x, *([weight] if weighted else []), *([other] if residual else [])]
    values = {"axes": [1], **values}
    if residual:
        want = reference.add_rms_norm(x, other, weight if weighted else None, **values)[1]
    elif "layer_norm" in target:
        want = reference.layer_norm(x, weight if weighted else None, **values)
    else:
        want = reference.rms_norm(x, weight if weighted else None, **values)
    error = relative_error(x, dtype, [], {"cast": "after_weight", **values}) * np.abs(want)
    if "layer_norm" in target:
        error = NORM_ERROR * (4 + np.abs(want))
    case = call_case(target, arguments, attributes, [tensor(x.shape, dtype)])
    return Question(case, [(want, error)])


@pytest.mark.parametrize("dtype", FLOATS[:3])
def test_rms_norm_spellings(dtype):
    """Every spelling of epsilon, as attribute, dictionary and JSON, is the one in the root."""
    for attributes in (
        "epsilon = 0.5 : f64",
        "eps = 0.5 : f32",
        "backend_config = {variance_epsilon = 0.5 : f32}, api_version = 4 : i32",
        'backend_config = "{\\"eps\\": 0.5, \\"axis\\": -1}"',
        "mhlo.backend_config = {eps = 0.5 : f32}",
        "epsilon = 0.5 : f64, normalized_shape = [8]",
    ):
        check_interpreted(norm("rms_norm", attributes, dtype, epsilon=0.5))
    check_interpreted(norm("rms_norm", "eps = 0.5 : f64", dtype, weighted=False, epsilon=0.5))


@pytest.mark.parametrize("dtype", [F16, BF16, F32])
def test_rms_norm_rows(dtype):
    """LiteRT takes epsilon from the option, torch's default is that of f32; residuals are added."""
    litert = norm("ai_edge_torch.rms_norm", 'backend_config = ""', dtype, epsilon=0.25)
    check_interpreted(litert, f"{DEFAULT}{{rms-norm-epsilon=0.25}}")
    check_interpreted(norm("tenstorrent.rms_norm", "", dtype, scale=2.0**-12, epsilon=2.0**-23))
    flag = "has_residual = true, epsilon = 0.5 : f64"
    check_interpreted(norm("tenstorrent.rms_norm", flag, dtype, residual=True, epsilon=0.5))


@pytest.mark.parametrize("dtype", [F16, BF16, F32])
def test_odml_rms_norm(dtype):
    """LiteRT's composite rounds to x's type before the weight."""
    values = {"epsilon": 0.5, "cast": "before_weight"}
    check_interpreted(composite(norm("odml.rms_norm", "epsilon = 0.5 : f32", dtype, **values)))


@pytest.mark.parametrize("target", ["layer_norm", "tenstorrent.layer_norm"])
def test_layer_norm(target):
    """The variance is the population's and epsilon stands in the root."""
    check_interpreted(norm(target, "epsilon = 0.5 : f64", epsilon=0.5))


def test_softmax():
    """The axis may be counted from the end."""
    x = normal((3, 4, 2), F32, 0)
    want = reference.softmax(x, axis=1)
    for spelt in ("axis = 1 : i64", "dim = -2 : i64", "dimensions = [1]"):
        case = call_case("softmax", [x], spelt, [tensor(x.shape, F32)])
        check_interpreted(Question(case, [(want, ATTENTION_ERROR * want)]))


# -- attention -----------------------------------------------------------------------------------


def attention(target, attributes, lengths=(3, 5), mask=None, dtype=F32, **values):
    """An attention call and what it means; [B, S, H, D] outside for LiteRT's."""
    (queries, keys), depth = lengths, 16
    shapes = [(2, 2, queries, depth), (2, 2, keys, depth), (2, 2, keys, 4)]
    q, k, v = (normal(shape, dtype, index) for index, shape in enumerate(shapes))
    values = {"scale": 1 / np.sqrt(depth), "fully_masked": "zero", **values}
    want, _ = reference.sdpa(q, k, v, mask, **values)
    operands = [q, k, v]
    if target == LITERT or target.startswith("odml"):
        want, *operands = (np.ascontiguousarray(x.swapaxes(1, 2)) for x in (want, *operands))
    operands += [] if mask is None else [mask]
    case = call_case(target, operands, attributes, [tensor(want.shape, dtype)])
    return Question(case, [(want, ATTENTION_ERROR * np.full(want.shape, np.abs(v).max()))])


@pytest.mark.parametrize("target", TORCH)
@pytest.mark.parametrize("lengths", [(3, 5), (5, 3), (1, 4)])
def test_torch_causal_is_top_left(target, lengths):
    """Query 0 sees key 0 alone whatever the lengths: torch's is_causal."""
    asked = attention(target, "is_causal = true", lengths, causal=True)
    v = asked.case.arguments[2]
    np.testing.assert_allclose(asked.answers[0][0][:, :, 0], v[:, :, 0], rtol=1e-6)
    check_interpreted(asked)


def test_torch_attributes():
    """Scale, soft cap and dropout 0 under their names; the scale is 1/sqrt(D) where none is."""
    target = TORCH[0]
    asked = [
        attention(target, ""),
        attention(target, "scale = 0.3 : f64", scale=0.3),
        attention(target, "logit_cap = 0.5 : f32", softcap=0.5),
        attention(target, "dropout_p = 0.0 : f64, is_causal = false, enable_gqa = true"),
    ]
    for one in asked:
        check_interpreted(one)
    check_compiled(asked)


@pytest.mark.parametrize("target", TORCH)
def test_torch_fully_masked_rows_are_zero(target):
    """A row that the mask leaves nothing is 0, under bool and additive masks."""
    keep = np.random.default_rng(0).random((3, 5)) < 0.6
    keep[1] = False
    for mask in (keep, np.where(keep, 0, -np.inf).astype(F32)):
        asked = attention(target, "", mask=mask)
        assert (asked.answers[0][0][:, :, 1] == 0).all()
        check_interpreted(asked)
        check_compiled([asked])


@pytest.mark.parametrize("dtype", [F16, BF16, F32])
def test_litert_layout(dtype):
    """[B, S, H, D] outside; causal where no mask is given, top-left; a given mask is added."""
    for target, form in (
        (LITERT, lambda asked: asked),
        (LITERT.replace("ai_edge_torch", "odml"), composite),
    ):
        causal = attention(target, "", dtype=dtype, causal=True)
        given = attention(
            target, "scale = 0.3 : f32", mask=normal((2, 1, 3, 5), dtype, 9), dtype=dtype, scale=0.3
        )
        for asked in (causal, given):
            check_interpreted(form(asked))
