"""Programs in PyTorch, and the comparison with it: every value and every gradient on the way.

torch is imported when a program is compared. Read next: ``random_programs.py``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor
from .frameworks import optional
from .program import Program

Array = np.ndarray[Any, Any]
PRECISION = 1e-10  # relative to the largest value or gradient on the way; see docs/fuzzing.md for what is measured


class Disagreement(AssertionError):
    """A program on which two frameworks differ."""


# ---------------------------------------------------------------------------- NumPy's options in torch


def reduced(op: Callable[..., Any]) -> Callable[..., Any]:
    """A torch reduction of the last axis as one with NumPy's ``axis`` and ``keepdims``."""

    def over(x: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> Any:
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        lost = sorted(k % x.ndim for k in axes)
        kept = [k for k in range(x.ndim) if k not in lost]
        rows = [x.shape[k] for k in kept]
        flat = x.permute((*kept, *lost)).reshape([*rows, math.prod(x.shape[k] for k in lost)])
        out = op(flat, **options)
        return out.reshape([1 if k in lost else x.shape[k] for k in range(x.ndim)]) if keepdims else out

    return over


def getitem(torch: Any, x: Any, key: Any) -> Any:
    """``x[key]`` by the positions that NumPy finds, since torch has no negative steps."""
    positions = np.arange(x.numel()).reshape(x.shape)[key]
    return x.reshape(-1)[torch.from_numpy(np.array(positions))]


def middle(x: Any) -> Any:
    """The median of the last axis as NumPy has it: the mean of both middle elements."""
    n = x.shape[-1]
    return x.sort(-1).values[..., (n - 1) // 2 : n // 2 + 1].mean(-1)


def lanes(x: Any, axis: int | None) -> tuple[Any, int]:
    """The operand and the axis of a cumulative sum; None flattens."""
    return (x.reshape(-1), 0) if axis is None else (x, axis)


def roll(x: Any, shift: int, axis: int | None) -> Any:
    """NumPy's roll; torch's of all elements needs contiguous ones."""
    return x.reshape(-1).roll(shift).reshape(x.shape) if axis is None else x.roll(shift, axis)


def kron(x: Any, y: Any) -> Any:
    """NumPy's kron, spelled out: torch's fails on some shapes of a single column."""
    sides = [a * b for a, b in zip(x.shape, y.shape, strict=True)]
    for k in range(x.ndim):
        x, y = x.unsqueeze(2 * k + 1), y.unsqueeze(2 * k)
    return (x * y).reshape(sides)


def flip(x: Any, axis: Any) -> Any:
    """NumPy's flip: of all axes, one, or several."""
    return x.flip(tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,))


def pad(torch: Any, x: Any, pad_width: Any, constant_values: float) -> Any:
    """NumPy's pad: torch wants the last axis first."""
    return torch.nn.functional.pad(x, [n for pair in pad_width[::-1] for n in pair], value=constant_values)


@functools.cache
def torch_functions() -> dict[str, Callable[..., Any]]:
    """torch's function for the name of each operation, with NumPy's options."""
    torch = optional("torch", "torch")
    same = [
        "negative", "tanh", "sin", "cos", "square", "sigmoid", "relu", "absolute", "exp", "expm1", "log", "log1p",
        "log2", "sqrt", "reciprocal", "arctan", "arcsinh", "sinh", "add", "subtract", "multiply", "divide", "maximum",
        "minimum", "logaddexp", "hypot", "arctan2", "ravel", "matmul", "tensordot",
    ]  # fmt: skip
    return {
        **{name: getattr(torch, name) for name in same},
        "cbrt": lambda x: x ** (1 / 3),
        "power": torch.pow,
        "power_by_number": lambda x, n: x**n,
        "clip": lambda x, a_min, a_max: torch.clamp(x, a_min, a_max),
        "where": lambda x, y, mask: torch.where(torch.from_numpy(mask), x, y),
        "sum": reduced(lambda x: x.sum(-1)),
        "prod": reduced(lambda x: x.prod(-1)),
        "mean": reduced(lambda x: x.mean(-1)),
        "max": reduced(lambda x: x.amax(-1)),
        "min": reduced(lambda x: x.amin(-1)),
        "var": reduced(lambda x, ddof: x.var(-1, correction=ddof)),
        "std": reduced(lambda x, ddof: x.std(-1, correction=ddof)),
        "norm": reduced(lambda x: torch.linalg.vector_norm(x, dim=-1)),
        "logsumexp": reduced(lambda x: x.logsumexp(-1)),
        "median": reduced(middle),
        "cumsum": lambda x, axis: torch.cumsum(*lanes(x, axis)),
        "cumprod": lambda x, axis: torch.cumprod(*lanes(x, axis)),
        "sort": lambda x, axis: x.sort(axis).values,
        "diff": lambda x, n, axis: x.diff(n, axis),
        "roll": roll,
        "kron": kron,
        "tile": lambda x, reps: x.tile(reps),
        "tril": lambda x, k: x.tril(k),
        "repeat": lambda x, repeats, axis: torch.repeat_interleave(x, repeats, axis),
        "take": lambda x, indices, axis: x.index_select(axis, torch.from_numpy(indices % x.shape[axis])),
        "reshape": lambda x, shape: x.reshape(shape),
        "transpose": lambda x, axes: x.permute(tuple(range(x.ndim))[::-1] if axes is None else axes),
        "swapaxes": lambda x, axis1, axis2: x.swapaxes(axis1, axis2),
        "moveaxis": lambda x, source, destination: x.moveaxis(source, destination),
        "expand_dims": lambda x, axis: x.unsqueeze(axis),
        "squeeze": lambda x, axis: x.squeeze() if axis is None else x.squeeze(axis),
        "flip": flip,
        "broadcast_to": lambda x, shape: x.broadcast_to(shape),
        "pad": functools.partial(pad, torch),
        "getitem": functools.partial(getitem, torch),
        "split": lambda x, sections, axis, part: torch.tensor_split(x, sections, axis)[part],
        "concatenate": lambda x, y, axis: torch.cat([x, y], axis),
        "stack": lambda x, y, axis: torch.stack([x, y], axis),
        "outer": lambda x, y: torch.outer(x.ravel(), y.ravel()),
        "tensordot": lambda x, y, axes: torch.tensordot(x, y, axes),
        "einsum": lambda x, y, subscripts: torch.einsum(subscripts, x, y),
        "trace": lambda x, offset, axis1, axis2: x.diagonal(offset, axis1, axis2).sum(-1),
        "softmax": lambda x, axis: x.softmax(axis),
        "log_softmax": lambda x, axis: x.log_softmax(axis),
    }


# ------------------------------------------------------------------------------------- comparison


def check_program(program: Program, precision: float = PRECISION) -> float:
    """Compare a program in tinytensor with the same in PyTorch, in float64.

    Every value on the way is compared, and the gradient of every value, inputs and intermediates,
    under a random upstream gradient at each output.

    Parameters
    ----------
    program : Program
        What to compare.
    precision : float
        The tolerance, relative to the largest magnitude that the compared number was computed from:
        among the elements of a value, and among the gradients from this one to the outputs.

    Returns
    -------
    float
        The largest difference met, relative in the same way.

    Raises
    ------
    Disagreement
        Where the two differ: with the line at fault, both values, and the program as code.

    Examples
    --------
    >>> from tinytensor.testing.program_growth import seeded_program
    >>> check_program(seeded_program(seed=7)) < 1e-12
    True
    """
    torch, size = optional("torch", "torch"), len(program.inputs)
    arrays = [array.astype(np.float64) for array in program.inputs]
    ours = program.trace([Tensor(array, requires_grad=True) for array in arrays])
    theirs = program.trace([torch.tensor(array, requires_grad=True) for array in arrays], torch_functions())
    worst = 0.0
    for k in range(size, len(program)):
        actual, expected = ours[k].data, theirs[k].numpy(force=True)
        error = _error(actual, expected, max(_largest(expected), 1.0))
        if not error <= precision:
            raise _disagreement(program, k, f"the value of {program.name(k)}", actual, expected)
        worst = max(worst, error)
    if not program.steps:
        return worst
    shapes = [ours[k].shape for k in program.outputs]
    weights = [np.asarray(g, np.float64) for g in program.upstream(shapes)]
    found = torch.autograd.grad(
        [theirs[k] for k in program.outputs], theirs, [torch.from_numpy(g) for g in weights], allow_unused=True
    )
    wanted = [np.zeros(t.shape) if g is None else g.numpy(force=True) for g, t in zip(found, theirs, strict=True)]
    return max(worst, _compare_gradients(program, _gradients(program, ours, weights), wanted, precision))


def _gradients(program: Program, tensors: list[Tensor], weights: list[Array]) -> list[Array]:
    """The gradient of every value: inputs accumulate them from one output to the next, intermediates are summed here.

    A weighted sum of the outputs would do with one walk, and blame a wrong rule of ``*`` or ``sum`` on any program.
    """
    size = len(program.inputs)
    sums: list[Any] = [np.zeros(tensor.shape) for tensor in tensors]
    for k, weight in zip(program.outputs, weights, strict=True):
        tensors[k].backward(weight)
        for j in range(size, k + 1):
            if tensors[j].grad is not None:
                sums[j] = sums[j] + tensors[j].grad
                tensors[j].grad = None
    inputs: list[Any] = [tensor.grad for tensor in tensors[:size]]
    return inputs + [np.asarray(part) for part in sums[size:]]


def _compare_gradients(program: Program, ours: list[Array], theirs: list[Array], precision: float) -> float:
    """From the outputs back: the first gradient that differs was made by a wrong rule of one of its users."""
    size, worst = len(program.inputs), 0.0
    scales = [max(_largest(g), 1.0) for g in theirs]
    users: list[list[int]] = [[] for _ in scales]
    for k in range(len(program) - 1, -1, -1):
        scales[k] = max([scales[k], *(scales[user] for user in users[k])])
        error = _error(ours[k], theirs[k], scales[k])
        if not error <= precision:
            names = " or ".join(sorted({program.steps[user - size].operation for user in users[k]}))
            what = f"the gradient of {program.name(k)}, which comes through {names or 'the output itself'},"
            raise _disagreement(program, k, what, ours[k], theirs[k])
        worst = max(worst, error)
        if k >= size:
            for operand in program.steps[k - size].operands:
                users[operand].append(k)
    return worst


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array), initial=0.0))


def _error(actual: Any, expected: Array, scale: float) -> float:
    """The largest difference in units of the scale; infinite where shape or dtype differ, nan where a value is."""
    if not isinstance(actual, np.ndarray) or actual.shape != expected.shape or actual.dtype != expected.dtype:
        return math.inf
    return float(np.max(np.abs(actual - expected), initial=0.0)) / scale


def _disagreement(program: Program, k: int, what: str, actual: Any, expected: Array) -> Disagreement:
    ours = f"shape {actual.shape}, {actual.dtype}:\n{actual}" if isinstance(actual, np.ndarray) else repr(actual)
    return Disagreement(
        f"{what} differs from torch's:\n{program.line(k)}\n"
        f"tinytensor, {ours}\ntorch, shape {expected.shape}, {expected.dtype}:\n{expected}\n\n{program}"
    )
