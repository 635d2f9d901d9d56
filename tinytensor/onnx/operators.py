"""How each function of the rule table is said in ONNX: the operators of opset 20.

One entry per function; it writes nodes through a `Writer` and returns the name of its result. It refuses to know
models and files. The operators are described at https://onnx.ai/onnx/operators/. Read next: ``export.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from .. import activations, fused, primitives, special

Name = str  # of a result within the ONNX graph


class Writer(Protocol):
    """What an entry writes with."""

    batch: int

    def add(self, operator: str, *inputs: Any, **attributes: Any) -> Name:
        """Write a node with one result, and return the result's name."""

    def constant(self, value: Any, hint: str = "constant") -> Name:
        """Write an array down, and return its name."""


Entry = Callable[..., Name]
ENTRIES: dict[Any, Entry] = {}
"""``entry(writer, node, *args, **kwargs)``: `args` are names of results, and plain values where they are no arrays."""


def entry(*functions: Any) -> Callable[[Entry], Entry]:
    """Say that the decorated function writes `functions`."""

    def register(write: Entry) -> Entry:
        ENTRIES.update(dict.fromkeys(functions, write))
        return write

    return register


def _plain(operator: str) -> Entry:
    return lambda writer, node, *args: writer.add(operator, *args)


SAME = {
    np.add: "Add", np.subtract: "Sub", np.multiply: "Mul", np.divide: "Div", np.power: "Pow", np.negative: "Neg",
    np.absolute: "Abs", np.exp: "Exp", np.log: "Log", np.sqrt: "Sqrt", np.sin: "Sin", np.cos: "Cos", np.tan: "Tan",
    np.sinh: "Sinh", np.cosh: "Cosh", np.arcsin: "Asin", np.arccos: "Acos", np.arctan: "Atan", np.tanh: "Tanh",
    np.floor: "Floor", np.ceil: "Ceil", np.rint: "Round", np.sign: "Sign", np.reciprocal: "Reciprocal",
    np.maximum: "Max", np.minimum: "Min", np.matmul: "MatMul", np.where: "Where", np.positive: "Identity",
    np.copy: "Identity", primitives.relu: "Relu", primitives.sigmoid: "Sigmoid", special.erf: "Erf",
}  # fmt: skip
ENTRIES.update({function: _plain(operator) for function, operator in SAME.items()})


# --------------------------------------------------------------------------------------- layers, activations


@entry(fused.linear)
def _linear(writer: Writer, node: Any, x: Name, weight: Name, bias: Name | None = None) -> Name:
    if len(node._args[0].shape) == 2:
        return writer.add("Gemm", x, weight, *([bias] if bias else []), transB=1)
    out = writer.add("MatMul", x, writer.add("Transpose", weight, perm=[1, 0]))
    return writer.add("Add", out, bias) if bias else out


@entry(fused.linear_relu)
def _linear_relu(writer: Writer, node: Any, x: Name, weight: Name, bias: Name | None = None) -> Name:
    return writer.add("Relu", _linear(writer, node, x, weight, bias))


@entry(fused.softmax)
def _softmax(writer: Writer, node: Any, x: Name, axis: int = -1) -> Name:
    return writer.add("Softmax", x, axis=axis)


@entry(fused.log_softmax)
def _log_softmax(writer: Writer, node: Any, x: Name, axis: int = -1) -> Name:
    return writer.add("LogSoftmax", x, axis=axis)


@entry(activations.gelu)
def _gelu(writer: Writer, node: Any, x: Name, approximate: str = "none") -> Name:
    return writer.add("Gelu", x, approximate=approximate)


@entry(activations.silu)
def _silu(writer: Writer, node: Any, x: Name) -> Name:
    return writer.add("Mul", x, writer.add("Sigmoid", x))


@entry(activations.softplus)
def _softplus(writer: Writer, node: Any, x: Name, beta: Any = 1.0, threshold: float = 20.0) -> Name:
    if beta == 1.0:
        smooth, scaled = writer.add("Softplus", x), x
    else:
        scaled = writer.add("Mul", x, writer.constant(beta))
        smooth = writer.add("Div", writer.add("Softplus", scaled), writer.constant(beta))
    return writer.add("Where", writer.add("Greater", scaled, writer.constant(threshold)), x, smooth)


@entry(activations.leaky_relu)
def _leaky_relu(writer: Writer, node: Any, x: Name, negative_slope: float = 0.01) -> Name:
    return writer.add("LeakyRelu", x, alpha=float(negative_slope))


@entry(activations.elu)
def _elu(writer: Writer, node: Any, x: Name, alpha: float = 1.0) -> Name:
    return writer.add("Elu", x, alpha=float(alpha))


# ------------------------------------------------------------------------------------------------ elementwise


@entry(np.square)
def _square(writer: Writer, node: Any, x: Name) -> Name:
    return writer.add("Mul", x, x)


@entry(np.clip)
def _clip(writer: Writer, node: Any, x: Name, low: Any = None, high: Any = None, **bounds: Any) -> Name:
    low, high = bounds.get("a_min", bounds.get("min", low)), bounds.get("a_max", bounds.get("max", high))
    for operator, bound in (("Max", low), ("Min", high)):
        if bound is not None:
            x = writer.add(operator, x, bound)
    return x


# ------------------------------------------------------------------------------------------------- reductions


def _reduction(operator: str) -> Entry:
    def write(writer: Writer, node: Any, x: Name, axis: Any = None, keepdims: bool = False, **others: Any) -> Name:
        if any(value is not None for value in others.values()):
            raise NotImplementedError(f"the options {', '.join(others)} of a reduction")
        axes = [] if axis is None else [writer.constant(np.atleast_1d(axis).astype(np.int64), "axes")]
        return writer.add(operator, x, *axes, keepdims=int(bool(keepdims)))

    return write


REDUCTIONS = {
    np.sum: "ReduceSum", np.mean: "ReduceMean", np.max: "ReduceMax", np.min: "ReduceMin", np.prod: "ReduceProd",
    fused.logsumexp: "ReduceLogSumExp",
}  # fmt: skip
ENTRIES.update({function: _reduction(operator) for function, operator in REDUCTIONS.items()})


# ----------------------------------------------------------------------------------------------------- shapes


def _reshaped(writer: Writer, node: Any, x: Name) -> Name:
    """To the result's shape, where the batch keeps its size whatever it is."""
    shape = list(node.shape)
    if shape and shape[0] == writer.batch == node._args[0].shape[0]:
        shape[0] = 0  # the size that this axis has in the input
    elif shape and shape[0] % writer.batch == 0:
        shape[0] = -1  # rows of every sample
    return writer.add("Reshape", x, writer.constant(np.array(shape, np.int64), "shape"))


@entry(np.reshape, np.ravel)
def _reshape(writer: Writer, node: Any, x: Name, *_: Any, order: str = "C", **__: Any) -> Name:
    if order != "C":
        raise NotImplementedError(f"order={order!r} of a reshape")
    return _reshaped(writer, node, x)


@entry(np.squeeze)
def _squeeze(writer: Writer, node: Any, x: Name, axis: Any = None) -> Name:
    axes = np.atleast_1d(np.flatnonzero(np.equal(node._args[0].shape, 1)) if axis is None else axis)
    return writer.add("Squeeze", x, writer.constant(axes.astype(np.int64), "axes"))


@entry(np.expand_dims)
def _expand_dims(writer: Writer, node: Any, x: Name, axis: Any) -> Name:
    return writer.add("Unsqueeze", x, writer.constant(np.atleast_1d(axis).astype(np.int64), "axes"))


@entry(np.transpose)
def _transpose(writer: Writer, node: Any, x: Name, axes: Sequence[int] | None = None) -> Name:
    count = len(node.shape)
    order = [k % count for k in axes] if axes is not None else list(range(count))[::-1]
    return writer.add("Transpose", x, perm=order)


@entry(np.swapaxes)
def _swapaxes(writer: Writer, node: Any, x: Name, first: int, second: int) -> Name:
    order = list(range(len(node.shape)))
    order[first], order[second] = order[second], order[first]
    return writer.add("Transpose", x, perm=order)


@entry(np.concatenate)
def _concatenate(writer: Writer, node: Any, arrays: list[Name], axis: int = 0) -> Name:
    return writer.add("Concat", *arrays, axis=axis)


@entry(np.stack)
def _stack(writer: Writer, node: Any, arrays: list[Name], axis: int = 0) -> Name:
    axes = writer.constant(np.array([axis], np.int64), "axes")
    return writer.add("Concat", *(writer.add("Unsqueeze", name, axes) for name in arrays), axis=axis)


@entry(primitives.index)
def _index(writer: Writer, node: Any, x: Name, key: Any) -> Name:
    """Integers, slices, an ellipsis and new axes."""
    parts = list(key) if isinstance(key, tuple) else [key]
    if not primitives.is_basic(key):
        raise NotImplementedError("an index by an array or a mask")
    if Ellipsis in parts:
        at, taken = parts.index(Ellipsis), sum(part is not None for part in parts) - 1
        parts[at : at + 1] = [slice(None)] * (len(node._args[0].shape) - taken)
    starts, ends, axes, steps, gone, new, axis, out = [], [], [], [], [], [], 0, 0
    limit = np.iinfo(np.int64).max
    for part in parts:
        if part is None:
            new.append(out)
            out += 1
            continue
        if part != slice(None):
            whole = slice(int(part), int(part) + 1 or None) if not isinstance(part, slice) else part
            step = 1 if whole.step is None else whole.step
            starts.append(whole.start if whole.start is not None else (0 if step > 0 else limit))
            ends.append(whole.stop if whole.stop is not None else (limit if step > 0 else -limit))
            axes.append(axis)
            steps.append(step)
        if isinstance(part, slice):
            out += 1
        else:
            gone.append(axis)
        axis += 1
    if axes:
        x = writer.add(
            "Slice", x, *(writer.constant(np.array(v, np.int64), "slice") for v in (starts, ends, axes, steps))
        )
    if gone:
        x = writer.add("Squeeze", x, writer.constant(np.array(gone, np.int64), "axes"))
    return writer.add("Unsqueeze", x, writer.constant(np.array(new, np.int64), "axes")) if new else x


@entry(primitives.astype)
def _astype(writer: Writer, node: Any, x: Name, dtype: Any) -> Name:
    from onnx import helper

    return writer.add("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
