"""Cases: tensors put together and taken apart."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st

from ..strategies import broadcastable, shapes, values
from .base import case
from .shapes import weighted


@st.composite
def alike(draw, axis, min_dims=0, max_dims=3, count=2):
    """Arrays that differ in the size of one axis at most."""
    shape = list(draw(shapes(min_dims=min_dims, max_dims=max_dims)))
    drawn = []
    for k in range(count):
        if len(shape) > axis:
            shape[axis] = draw(st.integers(0, 3))
        drawn.append(draw(values(tuple(shape), k)))
    return drawn, {}


def listed(function):
    return lambda *xs: function(list(xs))


case("hstack", listed(np.hstack), listed(torch.hstack), alike(1) | alike(0, 1, 1), np.hstack)
case("vstack", listed(np.vstack), listed(torch.vstack), alike(0, 2) | alike(9, 0, 1), np.vstack)
case("dstack", listed(np.dstack), listed(torch.dstack), alike(2), np.dstack)
case(
    "column_stack",
    listed(np.column_stack),
    listed(torch.column_stack),
    alike(1, 1, 3) | alike(9, 0, 1),
    np.column_stack,
)
case("a row of a matrix beside a column", lambda x, y: np.column_stack([x[0], y.T]),
     lambda x, y: torch.column_stack([x[0], y.T]), st.integers(0, 3).flatmap(
         lambda n: st.tuples(values((2, n), 0), values((2, n), 1))).map(lambda a: (list(a), {})), np.column_stack)  # fmt: skip


@st.composite
def blocks(draw):
    top, bottom, left, right = (draw(st.integers(0, 2)) for _ in range(4))
    drawn = [(top, left), (top, right), (bottom, left), (bottom, right)]
    return [draw(values(s, k % 3)) for k, s in enumerate(drawn)], {}


case("block", lambda a, b, c, d: np.block([[a, b], [c, d]]),
     lambda a, b, c, d: torch.cat([torch.cat([a, b], 1), torch.cat([c, d], 1)]), blocks(), np.block)  # fmt: skip
case("block of a row and numbers", lambda x, y: np.block([[x, np.array(1, x.dtype)], [y, np.array(2, x.dtype)]]),
     lambda x, y: torch.stack([torch.cat([x, torch.ones(1, dtype=x.dtype)]), torch.cat([y, 2 * torch.ones(1, dtype=x.dtype)])]),
     st.integers(0, 3).flatmap(lambda n: st.tuples(values((n,), 0), values((n,), 1))).map(lambda a: (list(a), {})),
     np.block)  # fmt: skip
case("append", np.append, lambda x, y: torch.cat([x.ravel(), y.ravel()]),
     st.tuples(shapes().flatmap(values), shapes().flatmap(lambda s: values(s, 1))).map(lambda a: (list(a), {})))  # fmt: skip
case("append along an axis", lambda x, y: np.append(x, y, axis=-1), lambda x, y: torch.cat([x, y], -1),
     st.tuples(values((2, 3)), values((2, 1), 1)).map(lambda a: (list(a), {})), np.append)  # fmt: skip
case("concatenate the parts of one", np.concatenate, lambda x: x.reshape(-1, *x.shape[2:]),
     shapes(min_dims=2, min_side=1).flatmap(values).map(lambda a: ([a], {})), np.concatenate)  # fmt: skip
case("stack the parts of one", lambda x: np.stack(x, axis=-1), lambda x: x.movedim(0, -1),
     shapes(min_dims=1, min_side=1).flatmap(values).map(lambda a: ([a], {})), np.stack)  # fmt: skip


@st.composite
def inserted(draw):
    shape = draw(shapes(min_dims=1, max_dims=2))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    places = draw(st.lists(st.integers(-shape[axis], shape[axis]), min_size=1, max_size=3))
    one = draw(st.booleans())
    new = tuple(n for k, n in enumerate(shape) if k != axis % len(shape))
    if not one:
        new = (*shape[: axis % len(shape)], len(places), *shape[axis % len(shape) + 1 :])
    options = {"places": places[0] if one else places, "axis": axis}
    return [draw(values(shape)), draw(values(draw(st.sampled_from([new, ()])), 1))], options


def torch_insert(x, v, places, axis):
    """The slices in the order in which NumPy puts positions."""
    size, count = x.shape[axis], np.size(places)
    axis %= x.ndim
    if np.ndim(places) == 0 and v.ndim:
        v = v.unsqueeze(axis)
    v = v.broadcast_to(*x.shape[:axis], count, *x.shape[axis + 1 :])
    order = np.insert(np.arange(size), places, np.arange(size, size + count))
    return torch.cat([x, v], axis).index_select(axis, torch.from_numpy(order))


case("insert", lambda x, v, places, axis: np.insert(x, places, v, axis), torch_insert, inserted(), np.insert)


# ----------------------------------------------------------------------------------- taking apart


@st.composite
def parted(draw, axis=None, min_dims=1):
    shape = draw(shapes(min_dims=min_dims))
    axis = draw(st.integers(-len(shape), len(shape) - 1)) if axis is None else axis
    return [draw(values(shape))], {"count": draw(st.integers(1, 4)), "axis": axis}


case("array_split", lambda x, count, axis: weighted(np.array_split(x, count, axis), np),
     lambda x, count, axis: weighted(torch.tensor_split(x, count, axis), torch), parted(), np.array_split)  # fmt: skip
for name, axis in (("vsplit", 0), ("hsplit", 1), ("dsplit", 2)):
    ours = getattr(np, name)
    case(name, lambda x, count, axis, ours=ours: weighted(ours(x, [count - 1]), np),
         lambda x, count, axis: weighted(torch.tensor_split(x, [count - 1], axis), torch),
         parted(axis, max(axis + 1, 2)), ours)  # fmt: skip
case("hsplit of a row", lambda x: weighted(np.hsplit(x, 2), np), lambda x: weighted(x.split(2), torch),
     values((4,)).map(lambda a: ([a], {})), np.hsplit)  # fmt: skip
case("unstack", lambda x, axis, count: weighted(np.unstack(x, axis=axis), np),
     lambda x, axis, count: weighted(x.unbind(axis), torch), parted().filter(lambda d: d[0][0].shape[d[1]["axis"]] > 0),
     np.unstack)  # fmt: skip


# ---------------------------------------------------------------------------- axes, and agreement

for name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    ours, theirs = getattr(np, name), getattr(torch, name)
    case(name, lambda x, ours=ours: 2 * ours(x), lambda x, theirs=theirs: 2 * theirs(x),
         shapes().flatmap(values).map(lambda a: ([a], {})), ours)  # fmt: skip
    case(f"{name} of two", lambda x, y, ours=ours: weighted(ours(x, y), np),
         lambda x, y, theirs=theirs: weighted([theirs(x), theirs(y)], torch),
         st.tuples(shapes().flatmap(values), values((3,), 1)).map(lambda a: (list(a), {})), ours)  # fmt: skip


@st.composite
def agreeing(draw):
    return [draw(values(s, k)) for k, s in enumerate(draw(broadcastable(3)))], {}


case("broadcast_arrays", lambda *xs: weighted(np.broadcast_arrays(*xs), np),
     lambda *xs: weighted(torch.broadcast_tensors(*xs), torch), agreeing(), np.broadcast_arrays)  # fmt: skip


@st.composite
def coordinates(draw):
    drawn = [draw(values((draw(st.integers(0, 3)),), k)) for k in range(draw(st.integers(1, 3)))]
    return drawn, {"indexing": draw(st.sampled_from(["xy", "ij"])), "sparse": draw(st.booleans())}


def torch_meshgrid(*xs, indexing, sparse):
    grid = torch.meshgrid(*xs, indexing=indexing if len(xs) > 1 else "ij")
    if sparse:
        axes = [1, 0, 2] if indexing == "xy" and len(xs) > 1 else [0, 1, 2]
        grid = [x.reshape([-1 if k == axes[j] else 1 for k in range(len(xs))]) if x.numel() else
                x.reshape([0 if k == axes[j] else 1 for k in range(len(xs))]) for j, x in enumerate(xs)]  # fmt: skip
    return weighted(grid, torch)


case("meshgrid", lambda *xs, **options: weighted(np.meshgrid(*xs, **options), np), torch_meshgrid, coordinates(),
     np.meshgrid)  # fmt: skip
