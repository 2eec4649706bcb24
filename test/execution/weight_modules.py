"""Modules with weights, files of weights, and what the modules compute, in float64."""

from __future__ import annotations

import ml_dtypes
import numpy as np
from iree import runtime
from modules import normal
from safetensors import TensorSpec, serialize_file

import attnorm
from attnorm.dialect import new_context
from attnorm.ir.mlir import ir

SPELT = {
    np.dtype(np.float32): "f32",
    np.dtype(np.float16): "f16",
    np.dtype(np.float64): "f64",
    np.dtype(ml_dtypes.bfloat16): "bf16",
    np.dtype(np.int8): "i8",
    np.dtype(np.int32): "i32",
    np.dtype(np.int16): "i16",
    np.dtype(np.int64): "i64",
    np.dtype(np.bool_): "i1",
}


def spelt(array):
    return "x".join([*map(str, array.shape), SPELT[array.dtype]])


def constant(result, name, array):
    return f'  %{result} = stablehlo.constant dense_resource<"{name}"> : tensor<{spelt(array)}>\n'


def with_resources(functions, weights):
    """A module's text: `weights` are the bytes of its resources, by their keys."""
    lines = [f'      "{k}": "0x04000000{v.tobytes().hex()}"' for k, v in weights.items()]
    resources = ",\n".join(lines)
    return (
        f"module {{\n{functions}}}\n"
        f"{{-#\n  dialect_resources: {{\n    builtin: {{\n{resources}\n    }}\n  }}\n#-}}\n"
    )


def adding(name, array, alignment=4):
    """x + w, where w stays where it is."""
    context = new_context()
    with context, ir.Location.unknown():
        kind = f"tensor<{spelt(array)}>"
        module = ir.Module.parse(f"""func.func @main(%x: {kind}) -> {kind} {{
          %w = stablehlo.constant dense_resource<none> : {kind}
          %y = stablehlo.add %x, %w : {kind}
          return %y : {kind}
        }}""").operation
        function = module.regions[0].blocks[0].operations[0]
        value = ir.DenseResourceElementsAttr.get_from_buffer(
            array.reshape(-1).view(np.uint8), name, ir.Type.parse(kind), alignment=alignment
        )
        function.regions[0].blocks[0].operations[0].attributes["value"] = value
    return module


N, P = normal(32, seed=1), normal(24, 32, seed=2)
WEIGHTS = {"norm.weight": N, "proj.weight": P}
FUNCTION = """func.func @{name}(%x: tensor<4x32xf32>) -> tensor<4x24xf32> {{
{norm}{proj}  %one = stablehlo.constant dense<1.0> : tensor<32xf32>
  %n1 = stablehlo.add %n, %one : tensor<32xf32>
  %b = stablehlo.broadcast_in_dim %n1, dims = [1] : (tensor<32xf32>) -> tensor<4x32xf32>
  %y = stablehlo.multiply %x, %b : tensor<4x32xf32>
  %pt = stablehlo.transpose %p, dims = [1, 0] : (tensor<24x32xf32>) -> tensor<32x24xf32>
  %s = stablehlo.sine %pt : tensor<32x24xf32>
  %z = stablehlo.dot_general %y, %s, contracting_dims = [1] x [0]
      : (tensor<4x32xf32>, tensor<32x24xf32>) -> tensor<4x24xf32>
  return %z : tensor<4x24xf32>
}}
"""


def layer_text(names=("main",), values=WEIGHTS):
    norm, proj = constant("n", "norm.weight", N), constant("p", "proj.weight", P)
    functions = [FUNCTION.format(name=name, norm=norm, proj=proj) for name in names]
    return with_resources("".join(functions), values)


def layer(names=("main",), values=WEIGHTS):
    """(x * (1 + n)) @ sin(p^T), where n and p are the weights of FUNCTION."""
    return attnorm.load(layer_text(names, values))


def layer_value(x, n=N, p=P):
    x, n, p = (array.astype(np.float64) for array in (x, n, p))
    return (x * (1 + n)) @ np.sin(p.T)


def save(path, tensors):
    """Writes a .safetensors file."""
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    specs = {
        name: TensorSpec(
            dtype=array.dtype.name,
            shape=array.shape,
            data_ptr=array.ctypes.data,
            data_len=array.nbytes,
        )
        for name, array in arrays.items()
    }
    serialize_file(specs, path)
    return path


def archive(path, tensors):
    """Writes an .irpa file by IREE's own Python."""
    index = runtime.ParameterIndex()
    for name, array in tensors.items():
        runtime.parameter_index_add_numpy_ndarray(index, name, array)
    index.create_archive_file(str(path))
    return path


def close(got, want, atol=1e-5):
    np.testing.assert_allclose(got.astype(np.float64), want, rtol=1e-5, atol=atol)
