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
