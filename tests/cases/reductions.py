"""Cases: reductions."""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytensor as tt

from ..strategies import axes_for, shapes, values
from .base import case


def torch_reduce(op):
    """A torch reduction of the last axis as one of any axes, with keepdims."""

    def reduced(x, axis=None, keepdims=False, **options):
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        lost = sorted(k % x.ndim for k in axes)
        kept = [k for k in range(x.ndim) if k not in lost]
        flat = x.permute(*kept, *lost) if x.ndim else x
        flat = flat.reshape([x.shape[k] for k in kept] + [math.prod(x.shape[k] for k in lost)])
        out = op(flat, **options)
        return out.reshape([1 if k in lost else x.shape[k] for k in range(x.ndim)]) if keepdims else out

    return reduced


@st.composite
def reducible(draw, min_side=0, distinct=False, **options):
    shape = draw(shapes(min_side=min_side))
    array = draw(values(shape, distinct=distinct, low=-2, high=2))
    drawn = {name: draw(strategy) for name, strategy in options.items()}
    return [array], {"axis": draw(axes_for(len(shape))), "keepdims": draw(st.booleans()), **drawn}


REDUCTIONS = [
    (np.sum, lambda x: x.sum(-1), 0, False),
    (np.mean, lambda x: x.mean(-1), 1, False),
    (np.max, lambda x: x.amax(-1), 1, True),
    (np.min, lambda x: x.amin(-1), 1, True),
    (np.prod, lambda x: x.prod(-1), 0, False),
    (tt.logsumexp, lambda x: x.logsumexp(-1), 1, False),
]
for ours, theirs, side, distinct in REDUCTIONS:
    case(ours.__name__, ours, torch_reduce(theirs), reducible(side, distinct))


@st.composite
def spreadable(draw):
    """Arrays with at least two elements along the reduced axes, and different ones."""
    (array,), options = draw(reducible(min_side=2, distinct=True))
    if array.ndim == 0 or options["axis"] == ():
        array, options["axis"] = draw(values((3,), distinct=True)), None
    return [array], {**options, "ddof": draw(st.sampled_from([0, 1]))}


case("var", np.var, torch_reduce(lambda x, ddof: x.var(-1, correction=ddof)), spreadable())
case("std", np.std, torch_reduce(lambda x, ddof: x.std(-1, correction=ddof)), spreadable())


@st.composite
def with_zeros(draw):
    (array,), options = draw(reducible(min_side=1))
    mask = draw(hnp.arrays(bool, array.shape))
    return [np.where(mask, 0.0, array)], options


case("prod with zeros", np.prod, torch_reduce(lambda x: x.prod(-1)), with_zeros(), np.prod)


@st.composite
def vector_norm(draw, orders=(None, 2, 1, 3, 1.5, math.inf, -math.inf)):
    shape = draw(shapes(min_dims=1, min_side=1))
    return [draw(values(shape, distinct=True))], {
        "axis": draw(st.integers(-len(shape), len(shape) - 1)), "ord": draw(st.sampled_from(orders)),
        "keepdims": draw(st.booleans()),
    }  # fmt: skip


case(
    "norm of vectors", np.linalg.norm,
    lambda x, axis, ord, keepdims: torch.linalg.vector_norm(x, 2 if ord is None else ord, axis, keepdims),
    vector_norm(), np.linalg.norm,
)  # fmt: skip


@st.composite
def matrix_norm(draw):
    shape = draw(shapes(min_dims=2, min_side=1))
    axes = draw(st.permutations(range(len(shape))))[:2]
    return [draw(values(shape, distinct=True))], {
        "axis": tuple(axes), "ord": draw(st.sampled_from(["fro", 1, -1, math.inf, -math.inf])),
        "keepdims": draw(st.booleans()),
    }  # fmt: skip


case(
    "norm of matrices", np.linalg.norm,
    lambda x, axis, ord, keepdims: torch.linalg.matrix_norm(x, ord, axis, keepdims), matrix_norm(), np.linalg.norm,
)  # fmt: skip
case("norm of all", np.linalg.norm, lambda x: torch.linalg.vector_norm(x),
     shapes(min_side=1).flatmap(values).map(lambda a: ([a], {})), np.linalg.norm)  # fmt: skip


# ------------------------------------------------------------------------------- running results


@st.composite
def running(draw, min_dims=0, zeros=False, **options):
    array = draw(values(draw(shapes(min_dims=min_dims)), low=-2, high=2))
    if zeros:
        array = np.where(draw(hnp.arrays(bool, array.shape)), 0.0, array)
    axis = draw(st.integers(-array.ndim, array.ndim - 1)) if array.ndim else None
    axis = axis if min_dims > 1 else draw(st.sampled_from([None, axis]))
    return [array], {"axis": axis, **{name: draw(strategy) for name, strategy in options.items()}}


def torch_running(op):
    return lambda x, axis: op(x.reshape(-1), 0) if axis is None else op(x, axis)


def torch_initial(op, start):
    """A running result after its start."""

    def run(x, axis, include_initial):
        out = op(x, 0 if axis is None else axis)
        first = torch.full_like(x.narrow(0 if axis is None else axis, 0, 1), start)
        return torch.cat([first, out], 0 if axis is None else axis) if include_initial else out

    return run


case("cumsum", np.cumsum, torch_running(torch.cumsum), running())
case("cumprod", np.cumprod, torch_running(torch.cumprod), running())
case("cumprod with zeros", np.cumprod, torch_running(torch.cumprod), running(zeros=True), np.cumprod)
if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    for function, op, start in ((np.cumulative_sum, torch.cumsum, 0.0), (np.cumulative_prod, torch.cumprod, 1.0)):
        drawn = running(2, include_initial=st.booleans()).filter(lambda d: d[0][0].size)
        case(function.__name__, function, torch_initial(op, start), drawn)


# ---------------------------------------------------------------------------------- convolution


@st.composite
def sequences(draw):
    n, m = draw(st.tuples(*(st.integers(1, 6),) * 2))
    arrays = [draw(values((n,), 0, -2, 2)), draw(values((m,), 1, -2, 2))]
    return arrays, {"mode": draw(st.sampled_from(["full", "same", "valid"]))}


def torch_convolve(a, v, mode):
    short = min(len(a), len(v))
    full = torch.conv1d(a[None, None], v.flip(0)[None, None], padding=len(v) - 1)[0, 0]
    start = {"full": 0, "same": (short - 1) // 2, "valid": short - 1}[mode]
    length = {"full": len(full), "same": max(len(a), len(v)), "valid": max(len(a), len(v)) - short + 1}[mode]
    return full[start : start + length]


def torch_correlate(a, v, mode):
    if len(v) > len(a):
        return torch_convolve(v, a.flip(0), mode).flip(0)
    return torch_convolve(a, v.flip(0), mode)


case("convolve", lambda a, v, mode: np.convolve(a, v, mode), torch_convolve, sequences(), np.convolve)
case("correlate", lambda a, v, mode: np.correlate(a, v, mode), torch_correlate, sequences(), np.correlate)
