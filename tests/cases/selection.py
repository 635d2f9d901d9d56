"""Cases: selection, order, functional updates."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinytensor.functional.selection import IN_PLACE
from tinytensor.updates import add_at, max_at, min_at, set_at

from ..strategies import broadcastable, shapes, values
from .base import case
from .shapes import torch_index


def integers(shape, low, high):
    return hnp.arrays(np.int64, shape, elements=st.integers(low, high))


@st.composite
def along_axis(draw, flattened=True, distinct=False, min_side=1):
    """An array and an axis of it, from either end, or None for the flattened array."""
    shape = draw(shapes(min_dims=1, min_side=min_side))
    one = st.integers(-len(shape), len(shape) - 1)
    axis = draw(one | st.none() if flattened else one)
    return draw(values(shape, distinct=distinct)), axis, int(np.prod(shape)) if axis is None else shape[axis]


def flat_without_axis(op):
    """A torch function of (x, axis) that takes axis None for the flattened array."""
    return lambda x, axis, **options: op(x.ravel(), 0, **options) if axis is None else op(x, axis, **options)


# ------------------------------------------------------------------------------------ by position


@st.composite
def taken(draw):
    array, axis, size = draw(along_axis())
    mode = draw(st.sampled_from(["raise", "wrap", "clip"]))
    beyond = 0 if mode == "raise" else 2 * size
    where = draw(
        integers(draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)), -size - beyond, size - 1 + beyond)
    )
    return [array], {"where": where, "axis": axis, "mode": mode}


def torch_take(x, axis, where, mode="raise"):
    size = x.shape[axis]
    where = np.clip(where, 0, size - 1) if mode == "clip" else where % size
    axis %= x.ndim
    return x.index_select(axis, torch.tensor(where).ravel()).reshape(x.shape[:axis] + where.shape + x.shape[axis + 1 :])


case(
    "take",
    lambda x, where, axis, mode: np.take(x, where, axis=axis, mode=mode),
    flat_without_axis(torch_take),
    taken(),
    np.take,
)


@st.composite
def taken_along(draw):
    array, axis, size = draw(along_axis())
    shape = [array.size] if axis is None else list(array.shape)
    shape[axis or 0] = draw(st.integers(0, 3))
    return [array], {"where": draw(integers(tuple(shape), -size, size - 1)), "axis": axis}


case(
    "take_along_axis", lambda x, where, axis: np.take_along_axis(x, where, axis),
    flat_without_axis(lambda x, axis, where: torch.take_along_dim(x, torch.from_numpy(where % x.shape[axis]), axis)),
    taken_along(), np.take_along_axis,
)  # fmt: skip


@st.composite
def repeated(draw):
    array, axis, size = draw(along_axis(min_side=0))
    return [array], {"repeats": draw(st.integers(0, 3) | integers((size,), 0, 3)), "axis": axis}


case("repeat", lambda x, repeats, axis: np.repeat(x, repeats, axis),
     flat_without_axis(lambda x, axis, repeats: torch.repeat_interleave(x, torch.as_tensor(repeats), dim=axis)),
     repeated(), np.repeat)  # fmt: skip


@st.composite
def deleted(draw):
    array, axis, size = draw(along_axis())
    some = st.lists(st.integers(-size, size - 1), max_size=3).map(lambda k: np.array(k, np.int64))
    return [array], {"at": draw(st.integers(-size, size - 1) | some | st.just(slice(0, None, 2))), "axis": axis}


def torch_delete(x, axis, at):
    kept = np.ones(x.shape[axis], bool)
    kept[at] = False
    return x.index_select(axis, torch.from_numpy(np.flatnonzero(kept)))


case("delete", lambda x, at, axis: np.delete(x, at, axis), flat_without_axis(torch_delete), deleted(), np.delete)


# ----------------------------------------------------------------------------------- by condition


@st.composite
def compressed(draw):
    array, axis, size = draw(along_axis(min_side=0))
    return [array], {"condition": draw(hnp.arrays(bool, draw(st.integers(0, size)))), "axis": axis}


case("compress", lambda x, condition, axis: np.compress(condition, x, axis),
     flat_without_axis(lambda x, axis, condition: x.index_select(axis, torch.from_numpy(np.flatnonzero(condition)))),
     compressed(), np.compress)  # fmt: skip


@st.composite
def extracted(draw):
    shape = draw(shapes())
    return [draw(values(shape))], {"condition": draw(hnp.arrays(bool, shape))}


case("extract", lambda x, condition: np.extract(condition, x),
     lambda x, condition: x[torch.tensor(condition)].ravel(), extracted(), np.extract)  # fmt: skip


@st.composite
def chosen(draw):
    number, *rest = draw(broadcastable(4, max_dims=2))
    mode = draw(st.sampled_from(["raise", "wrap", "clip"]))
    low, high = (0, 2) if mode == "raise" else (-4, 5)
    return [draw(values(s, k)) for k, s in enumerate(rest)], {"number": draw(integers(number, low, high)), "mode": mode}


def torch_choose(*choices, number, mode):
    number = np.clip(number, 0, 2) if mode == "clip" else number % 3
    *choices, number = torch.broadcast_tensors(*choices, torch.tensor(number))
    return torch.stack(choices).gather(0, number[None])[0]


case("choose", lambda *xs, number, mode: np.choose(number, xs, mode=mode), torch_choose, chosen(), np.choose)


@st.composite
def selected(draw):
    first, second, *rest = draw(broadcastable(5, max_dims=2))
    conditions = [draw(hnp.arrays(bool, s)) for s in (first, second)]
    return [draw(values(s, k)) for k, s in enumerate(rest)], {"conditions": conditions}


def torch_select(x, y, default, conditions):
    first, second = map(torch.tensor, conditions)
    return torch.where(first, x, torch.where(second, y, default))


case(
    "select",
    lambda x, y, default, conditions: np.select(conditions, [x, y], default),
    torch_select,
    selected(),
    np.select,
)
case("select or 0", lambda x, y, default, conditions: np.select(conditions, [x, y]) + 0 * default,
     lambda x, y, default, conditions: torch_select(x, y, torch.zeros_like(default), conditions) + 0 * default,
     selected(), np.select)  # fmt: skip


# --------------------------------------------------------------------------------------- by order


@st.composite
def sortable(draw):
    array, axis, _ = draw(along_axis(min_side=0))
    return [array], {"axis": axis}


@st.composite
def partitionable(draw):
    array, axis, size = draw(along_axis(distinct=True))
    return [array], {"kth": draw(st.integers(-size, size - 1)), "axis": axis}


def torch_partition(x, axis, kth):
    order = np.argpartition(x.detach().numpy(), kth, axis=axis)
    return torch.take_along_dim(x, torch.from_numpy(order), axis)


case("sort", np.sort, flat_without_axis(lambda x, axis: torch.sort(x, dim=axis, stable=True).values), sortable())
case("partition", lambda x, axis, kth: np.partition(x, kth, axis), flat_without_axis(torch_partition), partitionable(),
     np.partition)  # fmt: skip
case("unique", np.unique, lambda x: torch.sort(x.ravel()).values,
     shapes().flatmap(lambda shape: values(shape, distinct=True)).map(lambda a: ([a], {})),
     np.unique, np.unique_values)  # fmt: skip
case("unique rows", lambda x: np.unique(x, axis=0), lambda x: x[torch.argsort(x[:, 0])],
     shapes(min_dims=2, max_dims=2, min_side=1).flatmap(lambda shape: values(shape, distinct=True))
     .map(lambda a: ([a], {})), np.unique)  # fmt: skip


@st.composite
def counted(draw):
    where = draw(integers(draw(st.integers(0, 5)), 0, 3))
    return [draw(values(where.shape))], {"where": where, "minlength": draw(st.sampled_from([0, 5]))}


case("bincount", lambda w, where, minlength: np.bincount(where, w, minlength),
     lambda w, where, minlength: torch.zeros(len(np.bincount(where, minlength=minlength)), dtype=w.dtype)
     .index_add(0, torch.from_numpy(where), w), counted(), np.bincount)  # fmt: skip


# ----------------------------------------------------------------------------- functional updates

KEYS = ("basic", "boolean", "integer")


@st.composite
def updated(draw, low=(-4, -4), high=(4, 4), kinds=KEYS, distinct=False):
    """An array, a key of any kind, and values that broadcast to what it names; integer keys repeat."""
    kind = draw(st.sampled_from(kinds))
    shape = draw(shapes(min_dims=1, max_dims=2, min_side=0 if kind == "basic" else 1))
    if kind == "basic":
        key = draw(hnp.basic_indices(shape, allow_ellipsis=True, allow_newaxis=True))
    elif kind == "boolean":
        key = draw(hnp.arrays(bool, shape[: draw(st.integers(1, len(shape)))]))
    else:
        key = draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
    place = np.zeros(shape)[key].shape
    cut = draw(st.integers(0, len(place)))
    small = tuple(draw(st.sampled_from([1, n])) for n in place[cut:])
    arrays = [draw(values(s, k, low[k], high[k], distinct)) for k, s in enumerate((shape, small))]
    return arrays, {"key": key}


def written(operation, joined=torch.stack):
    """The update in torch, one number after another: obvious, and slow."""

    def update(x, v, key):
        at = np.arange(x.numel()).reshape(x.shape)[key]
        elements, new = list(x.ravel().unbind()), v.broadcast_to(at.shape).ravel()
        for k, position in enumerate(at.ravel()):
            elements[position] = operation(elements[position], new[k])
        return (joined(elements) if elements else x.ravel() * 1).reshape(x.shape) + 0 * v.sum()

    return update


UPDATES = [
    ("set", lambda x, v: v, {}, (set_at, *IN_PLACE, np.resize)),  # the functions that are refused name it
    ("add", torch.add, {}, (add_at,)),
    ("subtract", torch.subtract, {}, (add_at,)),
    ("multiply", torch.multiply, {}, (set_at,)),
    ("divide", torch.divide, {}, (set_at,)),
    ("power", torch.pow, {"low": (0, 0), "high": (2, 2)}, (set_at,)),
    ("max", torch.maximum, {"distinct": True, "kinds": ("basic", "boolean")}, (max_at,)),
    ("min", torch.minimum, {"distinct": True, "kinds": ("basic", "boolean")}, (min_at,)),
]
for name, operation, drawn, covers in UPDATES:
    case(
        f"at {name}",
        lambda x, v, key, name=name: getattr(x.at[key], name)(v),
        written(operation),
        updated(**drawn),
        *covers,
    )


def torch_extreme(reduction):
    """The extreme of each place, x among the candidates; ties share equally, however many there are."""

    def update(x, v, key):
        at = np.arange(x.numel()).reshape(x.shape)[key]
        new = v.broadcast_to(at.shape).ravel()
        return x.ravel().scatter_reduce(0, torch.from_numpy(at.ravel()), new, reduction).reshape(x.shape)

    return update


for name in ("max", "min"):
    # torch has no third derivative of it, and a wrong second one at ties: they are in tests/test_at.py.
    case(f"at {name}, repeated", lambda x, v, key, name=name: getattr(x.at[key], name)(v), torch_extreme(f"a{name}"),
         updated(kinds=("integer",)), max_at if name == "max" else min_at, orders=1)  # fmt: skip

case("at set by a tensor's index", lambda x, v, key: x.at[key].set(v * x[key]),
     lambda x, v, key: written(lambda old, new: new)(x, v * torch_index(x, key), key),
     updated(kinds=("boolean", "integer")), set_at)  # fmt: skip
