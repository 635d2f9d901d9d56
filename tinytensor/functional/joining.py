"""Compositions that put tensors together and take them apart.

Read next: ``linalg.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import apply
from ..errors import wrong_call
from ..node import Node
from ..operators import as_array, plain
from ..primitives import index
from ..rules.table import composed
from .selection import counted, in_dtype, no_out, take

# ---------------------------------------------------------------------------------------- joining


def _listed(function: Any, arrays: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> list[Any]:
    """The arrays to be joined; a tensor stands for the list of its parts."""
    no_out(function, out)
    if dtype is not None or casting != "same_kind":
        raise wrong_call(function, "the keywords dtype= and casting= have no rule", "dtype")
    return list(arrays)


@composed(np.concatenate)
def concatenate(
    arrays: Any, axis: int | None = 0, out: None = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """``np.concatenate``: one after the other along an axis; flattened where it is None."""
    return apply(np.concatenate, (_listed(np.concatenate, arrays, out, dtype, casting), axis))


@composed(np.stack)
def stack(arrays: Any, axis: int = 0, out: None = None, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """``np.stack``: side by side along a new axis."""
    return apply(np.stack, (_listed(np.stack, arrays, out, dtype, casting), axis))


@composed(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """``np.hstack``: along the second axis; 1-D arrays along their only one."""
    parts = [np.atleast_1d(part) for part in _listed(np.hstack, tup, None, dtype, casting)]
    return np.concatenate(parts, axis=0 if parts and np.ndim(parts[0]) == 1 else 1)


@composed(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """``np.vstack``: along the first axis; 1-D arrays are rows."""
    return np.concatenate([np.atleast_2d(part) for part in _listed(np.vstack, tup, None, dtype, casting)], axis=0)


@composed(np.dstack)
def dstack(tup: Any) -> Any:
    """``np.dstack``: along the third axis."""
    return np.concatenate([np.atleast_3d(part) for part in _listed(np.dstack, tup)], axis=2)


@composed(np.column_stack)
def column_stack(tup: Any) -> Any:
    """``np.column_stack``: 1-D arrays as the columns of a matrix; matrices side by side."""
    parts = _listed(np.column_stack, tup)
    return np.concatenate([np.reshape(p, (-1, 1)) if np.ndim(p) < 2 else p for p in parts], axis=1)


@composed(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """``np.append``: `values` after `arr`, both flattened where no axis is given."""
    return np.concatenate([arr, values] if axis is not None else [np.ravel(arr), np.ravel(values)], axis=axis or 0)


@composed(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """``np.insert``: `values`, in the dtype of `arr`, before the elements at these positions."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis, obj = counted(axis, arr, np.insert), plain(obj)
    shape = np.shape(arr)
    size = shape[axis]
    values = in_dtype(values, arr.dtype if isinstance(arr, Node) else as_array(arr).dtype, "insert")  # type: ignore[attr-defined]
    values = np.reshape(values, (1,) * (len(shape) - np.ndim(values)) + np.shape(values))
    if not isinstance(obj, slice) and np.ndim(obj) == 0:
        values = np.moveaxis(values, 0, axis)
    places = np.insert(np.arange(size), obj, -1).size - size
    count = np.shape(values)[axis] if places == 1 else places  # one place takes any number of slices
    values = np.broadcast_to(values, (*shape[:axis], count, *shape[axis + 1 :]))
    order = np.insert(np.arange(size), obj, np.arange(size, size + count))
    return take(np.concatenate([arr, values], axis=axis), order, axis)


@composed(np.block)
def block(arrays: Any) -> Any:
    """``np.block``: a tensor from nested lists of blocks; the innermost lists run along the last axis.

    Examples
    --------
    >>> import tinytensor as tt
    >>> a = tt.ones((2, 2))
    >>> np.block([[a, np.zeros((2, 1))], [np.zeros((1, 2)), 5.0]]).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 5.0]]
    """
    depth = _depth(arrays)
    ndim = max([depth, *map(np.ndim, _blocks(arrays))])

    def joined(item: Any, axis: int) -> Any:
        if not isinstance(item, list):
            return np.reshape(item, (1,) * (ndim - np.ndim(item)) + np.shape(item))
        return np.concatenate([joined(part, axis + 1) for part in item], axis=axis)

    return joined(arrays, -depth)


def _depth(arrays: Any) -> int:
    """How deep the lists are nested, the same everywhere."""
    if isinstance(arrays, tuple):
        raise TypeError("block: blocks are nested in lists, got a tuple")
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(part) for part in arrays}
    if len(depths) != 1:
        raise ValueError("block: the lists are empty, or nested to different depths")
    return 1 + depths.pop()


def _blocks(arrays: Any) -> list[Any]:
    return [b for part in arrays for b in _blocks(part)] if isinstance(arrays, list) else [arrays]


# ----------------------------------------------------------------------------------- taking apart


@composed(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``np.split``: equal sections by their number, or sections that end at the given indices."""
    axis = counted(axis, ary, np.split)
    size = np.shape(ary)[axis]
    if np.ndim(indices_or_sections) == 0 and (indices_or_sections <= 0 or size % int(indices_or_sections)):
        raise ValueError(
            f"split: an axis of size {size} has no {indices_or_sections} equal sections; give the indices, or use "
            "np.array_split"
        )
    return array_split(ary, indices_or_sections, axis)


@composed(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``np.array_split``: as ``np.split``, but the sections need not be equal: the first are larger by one."""
    axis = counted(axis, ary, np.array_split)
    size = np.shape(ary)[axis]
    if np.ndim(indices_or_sections) == 0:
        count = int(indices_or_sections)
        if count <= 0:
            raise ValueError(f"array_split: expected at least one section, got {count}")
        ends = [size // count * (k + 1) + min(k + 1, size % count) for k in range(count)]
    else:
        ends = [*map(int, plain(indices_or_sections)), size]
    before = (slice(None),) * axis
    return [index(ary, (*before, slice(start, end))) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


@composed(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``np.hsplit``: along the second axis; 1-D arrays along their only one."""
    return split(ary, indices_or_sections, 1 if np.ndim(ary) > 1 else 0)


@composed(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``np.vsplit``: along the first axis of two or more."""
    if np.ndim(ary) < 2:
        raise ValueError(f"vsplit: expected two axes or more, got shape {np.shape(ary)}")
    return split(ary, indices_or_sections, 0)


@composed(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``np.dsplit``: along the third axis."""
    if np.ndim(ary) < 3:
        raise ValueError(f"dsplit: expected three axes or more, got shape {np.shape(ary)}")
    return split(ary, indices_or_sections, 2)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """``np.unstack``: the slices along an axis, without it."""
    before = (slice(None),) * counted(axis, x, unstack)
    return tuple(index(x, (*before, k)) for k in range(np.shape(x)[axis]))


if hasattr(np, "unstack"):  # since NumPy 2.1
    composed(np.unstack)(unstack)


# ---------------------------------------------------------------------------- axes, and agreement


def _one_or_all(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tuple(parts)


@composed(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """``np.atleast_1d``: numbers with an axis of size 1, all else as it is."""
    return _one_or_all([np.reshape(a, (1,)) if np.ndim(a) == 0 else a for a in arys])


@composed(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """``np.atleast_2d``: 1-D arrays as rows."""
    return _one_or_all([np.reshape(a, (1, np.size(a))) if np.ndim(a) < 2 else a for a in arys])


@composed(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """``np.atleast_3d``: (n,) becomes (1, n, 1), and (m, n) becomes (m, n, 1)."""
    return _one_or_all(
        [
            np.reshape(a, (1, np.size(a), 1)) if np.ndim(a) < 2 else np.expand_dims(a, -1) if np.ndim(a) == 2 else a
            for a in arys
        ]
    )


@composed(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """``np.broadcast_arrays``: each array in the shape that all broadcast to."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(a if np.shape(a) == shape else np.broadcast_to(a, shape) for a in args)


@composed(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """``np.meshgrid``: coordinates of a grid from those of its axes; x runs along the second axis, or 'ij'."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    axes = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        axes[:2] = 1, 0
    grid = [
        np.reshape(x, [np.size(x) if k == axis else 1 for k in range(len(xi))])
        for x, axis in zip(xi, axes, strict=True)
    ]
    return tuple(grid) if sparse else broadcast_arrays(*grid)
