"""Cases: shapes."""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinytensor.primitives import index, scatter

from ..strategies import axes_for, broadcastable, shapes, values
from .base import case
from .elementwise import unary


@st.composite
def reshaped(draw):
    shape = draw(shapes())
    sides = [k for k in shape if k != 1]
    sides.insert(draw(st.integers(0, len(sides))), 1)
    new = draw(st.sampled_from([tuple(sides), shape[::-1], (-1,) if math.prod(shape) else (0,)]))
    return [draw(values(shape))], {"shape": new}


case("reshape", lambda x, shape: x.reshape(shape), lambda x, shape: x.reshape(shape), reshaped(), np.reshape)
case("ravel", np.ravel, torch.ravel, unary())


@st.composite
def with_axis(draw, insert=False):
    shape = draw(shapes(min_dims=1))
    ndim = len(shape) + insert
    return [draw(values(shape))], {"axis": draw(st.integers(-ndim, ndim - 1))}


case("expand_dims", np.expand_dims, lambda x, axis: x.unsqueeze(axis), with_axis(insert=True))


@st.composite
def squeezable(draw):
    shape = list(draw(shapes(max_dims=2)))
    axis = draw(st.integers(0, len(shape)))
    shape.insert(axis, 1)
    return [draw(values(tuple(shape)))], {"axis": draw(st.sampled_from([axis, axis - len(shape)]))}


case("squeeze", np.squeeze, lambda x, axis: x.squeeze(axis), squeezable())
case("squeeze all", lambda x: x.squeeze(), lambda x: x.squeeze(), unary(), np.squeeze)


@st.composite
def permuted(draw):
    shape = draw(shapes())
    order = draw(st.permutations(range(len(shape))))
    negative = draw(st.booleans())
    return [draw(values(shape))], {"axes": tuple(k - len(shape) if negative else k for k in order)}


case("transpose", np.transpose, lambda x, axes: x.permute(axes), permuted())
case("T", lambda x: x.T, lambda x: x.permute(tuple(reversed(range(x.ndim)))), unary(), np.transpose)


@st.composite
def two_axes(draw):
    shape = draw(shapes(min_dims=1))
    axis = st.integers(-len(shape), len(shape) - 1)
    return [draw(values(shape))], {"a": draw(axis), "b": draw(axis)}


case("swapaxes", lambda x, a, b: np.swapaxes(x, a, b), lambda x, a, b: x.swapaxes(a, b), two_axes(), np.swapaxes)
case("moveaxis", lambda x, a, b: np.moveaxis(x, a, b), lambda x, a, b: x.moveaxis(a, b), two_axes(), np.moveaxis)


@st.composite
def copied(draw):
    small, large = draw(broadcastable(2))
    return [draw(values(small))], {"shape": np.broadcast_shapes(small, large)}


case("broadcast_to", np.broadcast_to, lambda x, shape: x.broadcast_to(shape), copied())


@st.composite
def flipped(draw):
    shape = draw(shapes())
    return [draw(values(shape))], {"axis": draw(axes_for(len(shape)))}


def torch_flip(x, axis):
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return x.flip(tuple(axes))


case("flip", np.flip, torch_flip, flipped())


@st.composite
def joined(draw, stack=False):
    shape = list(draw(shapes(min_dims=1, max_dims=3)))
    axis = draw(st.integers(-len(shape) - stack, len(shape) - 1 + stack))
    arrays = []
    for k in range(draw(st.integers(1, 3))):
        if not stack:
            shape[axis] = draw(st.integers(0, 3))
        arrays.append(draw(values(tuple(shape), k)))
    return arrays, {"axis": axis}


case(
    "concatenate",
    lambda *xs, axis: np.concatenate(xs, axis),
    lambda *xs, axis: torch.cat(xs, axis),
    joined(),
    np.concatenate,
)
case(
    "concatenate flat", lambda *xs, axis: np.concatenate(xs, axis=None),
    lambda *xs, axis: torch.cat([x.ravel() for x in xs]), joined(), np.concatenate,
)  # fmt: skip
case(
    "stack", lambda *xs, axis: np.stack(xs, axis), lambda *xs, axis: torch.stack(xs, axis), joined(stack=True), np.stack
)


@st.composite
def sections(draw):
    shape = list(draw(shapes(min_dims=1)))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    count = draw(st.integers(1, 3))
    shape[axis] = count * draw(st.integers(0, 2))
    at = draw(st.lists(st.integers(0, shape[axis]), max_size=2).map(sorted) | st.just(count))
    return [draw(values(tuple(shape)))], {"at": at, "axis": axis}


def weighted(parts, module):
    """One output from several, each with a weight of its own."""
    return module.concatenate([(k + 1) * p.ravel() for k, p in enumerate(parts)])


case(
    "split", lambda x, at, axis: weighted(np.split(x, at, axis), np),
    lambda x, at, axis: weighted(torch.tensor_split(x, at, axis), torch), sections(), np.split,
)  # fmt: skip


@st.composite
def padded(draw):
    shape = draw(shapes(min_dims=1))
    pairs = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in shape]
    return [draw(values(shape))], {"pairs": pairs, "value": draw(st.sampled_from([0.0, 2.5]))}


case(
    "pad", lambda x, pairs, value: np.pad(x, pairs, constant_values=value),
    lambda x, pairs, value: torch.nn.functional.pad(x, [n for p in pairs[::-1] for n in p], value=value),
    padded(), np.pad,
)  # fmt: skip


@st.composite
def indexed(draw, kind="basic"):
    shape = draw(shapes(min_dims=1, min_side=0 if kind == "basic" else 1))
    array = draw(values(shape))
    if kind == "basic":
        key = draw(hnp.basic_indices(shape, allow_ellipsis=True, allow_newaxis=True))
        # torch has no negative steps; the flip test covers NumPy's
        parts = key if isinstance(key, tuple) else (key,)
        parts = tuple(slice(None) if isinstance(p, slice) and p.step is not None and p.step < 0 else p for p in parts)
        return [array], {"key": parts if isinstance(key, tuple) else parts[0]}
    if kind == "boolean":
        return [array], {"key": draw(hnp.arrays(bool, shape[: draw(st.integers(1, len(shape)))]))}
    return [array], {
        "key": draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
    }


def torch_index(x, key):
    parts = key if isinstance(key, tuple) else (key,)
    return x[tuple(torch.from_numpy(p) if isinstance(p, np.ndarray) else p for p in parts)]


for kind in ("basic", "boolean", "integer"):
    case(f"{kind} index", lambda x, key: x[key], torch_index, indexed(kind), index)


@st.composite
def scattered(draw):
    size, count = draw(st.integers(1, 4)), draw(st.integers(0, 5))
    key = draw(hnp.arrays(np.int64, (count,), elements=st.integers(0, size - 1)))
    return [draw(values((count,)))], {"key": key, "shape": (size,)}


case(
    "scatter", scatter,
    lambda g, key, shape: torch.zeros(shape, dtype=g.dtype).index_add(0, torch.from_numpy(key), g), scattered(),
)  # fmt: skip
