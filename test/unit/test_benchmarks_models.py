"""The benchmarks of language models: cases, the oracle, and contenders with a small model."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needs import needs

needs("torch")
transformers = needs("transformers")

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.contender import Prepared  # noqa: E402
from benchmarks.models import oracle  # noqa: E402
from benchmarks.models.cases import CASES, GEMMA3_270M, Model, Step, steps  # noqa: E402
from benchmarks.models.contenders import CONTENDERS  # noqa: E402
from benchmarks.models.inputs import inputs  # noqa: E402

SMALL = Model(
    name="small",
    title="Small",
    vocabulary=512,
    hidden=64,
    inner=96,
    layers=6,
    heads=4,
    key_heads=1,
    depth=32,
    window=16,
    prompts=(8, 64),
    depths=(24,),
    capacity=96,
)
EVERY = pytest.mark.parametrize("case", steps(SMALL), ids=lambda case: case.name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def wanted(case: Step, folder: Path) -> Sequence[np.ndarray]:
    return oracle.expected(case, folder)


def prepared(name: str, case: Step, folder: Path, threads: int = 1) -> list[Prepared]:
    """A contender's forms, in this process; the checkpoint is there."""
    packages = {"torch": "torch", "llama.cpp": "llama_cpp", "attnorm": "iree", "read": "numpy"}
    needs(packages[name])
    contender: Any = CONTENDERS[name].load()(threads)
    return [form() for form in contender.forms(case, inputs(case, folder))]


# -- cases ---------------------------------------------------------------------------------------


def test_names_and_titles_are_unique() -> None:
    """A table's row and `--cases` mean one case."""
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.title for case in CASES}) == len(CASES)


def test_the_model_is_attnorms() -> None:
    """`gemma3-270m` means the same here and there."""
    known = importlib.import_module("attnorm.frontends.hugging_face_models").CONFIGURATIONS
    published = known["gemma3-270m"]
    assert {key: GEMMA3_270M.configuration[key] for key in published} == published


@pytest.mark.parametrize("model", [SMALL, GEMMA3_270M], ids=lambda model: model.name)
def test_parameters(model: Model) -> None:
    """As many as transformers counts, and as many layers without a window."""
    import torch

    config = transformers.AutoConfig.for_model(**model.configuration)
    with torch.device("meta"):
        made = transformers.AutoModelForCausalLM.from_config(config)
    assert model.parameters == made.num_parameters()
    assert config.layer_types.count("full_attention") == model.layers // 6


def test_bytes_moved() -> None:
    """Every weight; keys and values of all tokens in one layer, of a window in five."""
    step = Step(SMALL, "bf16", 24, 1)
    assert step.bytes_moved == 2 * (SMALL.parameters + 2 * 32 * (25 + 5 * 16))
    assert Step(SMALL, "f32", 0, 8).bytes_moved is None


def test_inputs_are_the_same_everywhere() -> None:
    """Every process draws its own."""
    case = Step(SMALL, "f32", 24, 1)
    first, second = (inputs(case, Path("folder")) for _ in range(2))
    assert np.array_equal(first.ids, second.ids)
    assert (len(first.ids), first.ids.dtype) == (25, np.int32)
    assert first.checkpoint == second.checkpoint


# -- the oracle ----------------------------------------------------------------------------------


def test_oracle_sees_errors() -> None:
    """A wrong number, NaN, another number of logits; the shape may differ."""
    case, logits = Step(SMALL, "f32", 24, 1), np.linspace(-2, 1, 512)
    right = logits.astype(np.float32)
    assert oracle.verdict(case, [right[None]], [logits]) < oracle.tolerance(case, "attnorm")
    moved = right + np.float32(2.1e-4) * (np.arange(512) == 7)
    assert oracle.verdict(case, [moved], [logits]) > oracle.tolerance(case, "attnorm")
    assert oracle.verdict(case, [right * np.float32(np.nan)], [logits]) == np.inf
    assert oracle.verdict(case, [right[1:]], [logits]) == np.inf


def test_only_who_rounds_inside_may_differ_more() -> None:
    """llama.cpp in f32, which the tables say; nobody else, and not in bf16."""
    wide, half = (Step(SMALL, dtype, 24, 1) for dtype in ("f32", "bf16"))
    limits = {name: oracle.tolerance(wide, name) for name in CONTENDERS}
    assert {name for name, limit in limits.items() if limit > 1e-4} == {"llama.cpp"}
    assert len({oracle.tolerance(half, name) for name in CONTENDERS}) == 1


def test_oracle_depends_on_what_it_should(folder: Path) -> None:
    """On tokens out of the window too, and on the norms' weights."""
    case = Step(SMALL, "f32", 24, 1)
    first = wanted(case, folder)
    other = Step(SMALL, "f32", 0, 64)
    assert oracle.verdict(case, first, wanted(other, folder)) > 100 * oracle.tolerance(
        case, "attnorm"
    )


# -- contenders ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["attnorm", "torch", "llama.cpp"])
@EVERY
def test_contenders_are_right(name: str, case: Step, folder: Path) -> None:
    """The logits are the oracle's, also where the step is repeated."""
    want = wanted(case, folder)
    right = 0
    for form in prepared(name, case, folder):
        first = oracle.verdict(case, form.results(), want)
        form.call()
        again = oracle.verdict(case, form.results(), want)
        assert again == first
        right += first <= oracle.tolerance(case, name)
    assert right


def test_read_reads_everything(folder: Path) -> None:
    """As many bytes as the case moves, to the element, on every thread."""
    (form,) = prepared("read", Step(SMALL, "bf16", 24, 1), folder, threads=2)
    assert len(form.results()) == 2
