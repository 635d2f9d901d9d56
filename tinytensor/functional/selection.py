"""Compositions that choose elements: by position, by condition, by order.

Positions are plain integers, so what is chosen is one index, whose gradient is a scatter.
Read next: ``joining.py``.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..engine import apply
from ..errors import wrong_call
from ..node import Node, StandIn
from ..operators import as_array, plain
from ..primitives import astype, index, scatter
from ..rules.table import composed, name_of


def no_out(function: Any, out: Any) -> None:
    """Refuse an array to write into."""
    if out is not None:
        raise wrong_call(function, "the keyword out= has no rule", "out")


def in_dtype(values: Any, dtype: Any, what: str) -> Any:
    """`values` in another dtype, as a tensor or an array; an error where that would lose their gradient."""
    found = as_array(values).dtype
    if not np.can_cast(found, dtype, "same_kind"):
        raise TypeError(f"{what}: {found} does not fit into {dtype}; call .astype() on the one or the other")
    if not isinstance(values, Node):
        return as_array(values, dtype)
    return values if found == dtype else apply(astype, (values, np.dtype(dtype)))


def counted(axis: int, a: Any, function: Any) -> int:
    """An axis of `a` counted from the left."""
    ndim = np.ndim(a)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(f"{name_of(function)}: axis {axis} is out of range for the shape {np.shape(a)}")
    return axis % ndim


# ------------------------------------------------------------------------------------ by position


@composed(np.take)
def take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Any:
    """``np.take``: the elements (slices along `axis`) at these positions; of the flattened array without an axis.

    Examples
    --------
    >>> import tinytensor as tt
    >>> np.take(tt.Tensor([1.0, 2.0, 3.0]), [0, 4], mode="wrap").data
    array([1., 2.])
    """
    no_out(np.take, out)
    if axis is None:
        a, axis = np.ravel(a), 0
    axis = counted(axis, a, np.take)
    where = as_array(indices)
    if not np.can_cast(where.dtype, np.intp, "safe"):
        raise TypeError(f"take: indices are integers, got {where.dtype}")
    size = np.shape(a)[axis]
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"take: mode is 'raise', 'wrap' or 'clip', got {mode!r}")
    if mode != "raise" and where.size and not size:
        raise IndexError(f"take: an axis of size 0 has no elements to take, in the shape {np.shape(a)}")
    where = where.astype(np.intp)  # True is position 1 here, not a mask
    where = where % max(size, 1) if mode == "wrap" else np.clip(where, 0, size - 1) if mode == "clip" else where
    return index(a, (slice(None),) * axis + (where if where.ndim or isinstance(where, StandIn) else int(where),))


@composed(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """``np.take_along_axis``: along `axis`, the elements at the positions that an argsort or argmax gave."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    where, shape = as_array(indices), np.shape(arr)
    axis = counted(axis, arr, np.take_along_axis)
    if where.dtype.kind not in "iu":
        raise IndexError(f"take_along_axis: indices are integers, got {where.dtype}")
    if where.ndim != len(shape):
        raise ValueError(
            f"take_along_axis: indices of shape {where.shape} for an array of shape {shape}; expected as many axes"
        )
    ones = (1,) * len(shape)
    grid = (np.arange(n).reshape(ones[:k] + (n,) + ones[k + 1 :]) for k, n in enumerate(shape))
    return index(arr, tuple(where if k == axis else part for k, part in enumerate(grid)))


@composed(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """``np.repeat``: each element several times in a row, a number for all or one for each."""
    if axis is None:
        a, axis = np.ravel(a), 0
    axis, repeats = counted(axis, a, np.repeat), plain(repeats)
    shape = np.shape(a)
    if not isinstance(repeats, (int, np.integer)):
        return take(a, np.repeat(np.arange(shape[axis]), repeats), axis)
    if repeats < 0:
        raise ValueError(f"repeat: repeats may not be negative, got {repeats}")
    # A copy along a new axis: its gradient is a sum, which is faster than a scatter.
    copies = np.broadcast_to(np.expand_dims(a, axis + 1), (*shape[: axis + 1], int(repeats), *shape[axis + 1 :]))
    return np.reshape(copies, (*shape[:axis], shape[axis] * int(repeats), *shape[axis + 1 :]))


@composed(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """``np.delete``: without the elements (slices along `axis`) at these positions."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = counted(axis, arr, np.delete)
    return take(arr, np.delete(np.arange(np.shape(arr)[axis]), plain(obj)), axis)


# ----------------------------------------------------------------------------------- by condition


@composed(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    """``np.compress``: the slices along `axis` for which the condition holds."""
    no_out(np.compress, out)
    condition = as_array(condition)
    if condition.ndim != 1:
        raise ValueError(f"compress: the condition has one axis, got shape {condition.shape}")
    return take(a, np.flatnonzero(condition), axis)


@composed(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """``np.extract``: the elements for which the condition holds, on one axis."""
    return take(arr, np.flatnonzero(plain(condition)))


@composed(np.choose)
def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """``np.choose``: at each place the element of the choice that `a` numbers there."""
    no_out(np.choose, out)
    number, choices = as_array(a), list(choices)
    if number.dtype.kind not in "biu" or not choices:
        raise TypeError(
            f"choose: expected integers and at least one choice, got {number.dtype} and {len(choices)} choices"
        )
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"choose: mode is 'raise', 'wrap' or 'clip', got {mode!r}")
    if mode == "raise" and np.any((number < 0) | (number >= len(choices))):
        raise ValueError(f"choose: the numbers must lie in 0 … {len(choices) - 1}, or give mode='wrap' or 'clip'")
    number = number % len(choices) if mode == "wrap" else np.clip(number, 0, len(choices) - 1)
    chosen: Any = np.broadcast_to(choices[0], np.broadcast_shapes(number.shape, *map(np.shape, choices)))
    for k, choice in enumerate(choices[1:], start=1):
        chosen = np.where(number == k, choice, chosen)
    return chosen


@composed(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """``np.select``: at each place the first choice whose condition holds there, `default` where none does."""
    conditions = [as_array(condition) for condition in condlist]
    if len(conditions) != len(choicelist) or not conditions:
        raise ValueError(f"select: {len(conditions)} conditions for {len(choicelist)} choices; expected one for each")
    if any(condition.dtype != bool for condition in conditions):
        raise TypeError("select: the conditions must be boolean")
    for condition, choice in zip(conditions[::-1], list(choicelist)[::-1], strict=True):
        default = np.where(condition, choice, default)
    return default


# --------------------------------------------------------------------------------------- by order


@composed(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    """``np.partition``: the k-th smallest in its place, the smaller before it, the larger after it."""
    if axis is None:
        a, axis = np.ravel(a), 0
    return take_along_axis(a, np.argpartition(plain(a), plain(kth), axis=axis, kind=kind), axis)


@composed(np.unique, np.unique_values)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
) -> Any:
    """``np.unique``: the different elements in order; of equals, the first receives the gradient.

    The positions and counts that may be asked for are plain arrays.
    """
    extras: dict[str, Any] = {
        "return_inverse": return_inverse,
        "return_counts": return_counts,
        "axis": axis,
        "equal_nan": equal_nan,
    }
    found: Any = np.unique(plain(ar), return_index=True, **extras)
    _, first, *rest = found
    values = take(ar, first, axis)
    answers = (values, *([first] if return_index else []), *rest)
    return answers if len(answers) > 1 else values


@composed(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """``np.bincount``: how often each number stands in `x` (a plain array), or the sums of its weights."""
    where = as_array(x)
    counts = np.bincount(where, minlength=minlength)
    if not isinstance(weights, Node):
        return counts if weights is None else np.bincount(where, weights, minlength)
    if np.shape(weights._data) != where.shape:
        raise ValueError(f"bincount: weights of shape {np.shape(weights._data)} for numbers of shape {where.shape}")
    return scatter(weights, where, counts.shape)


# ---------------------------------------------------------------------------------------- refused


def _refused(function: Any, instead: str) -> None:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise wrong_call(function, instead)

    composed(function)(refuse)


IN_PLACE = (np.put, np.place, np.copyto, np.putmask, np.put_along_axis, np.fill_diagonal)
for _function in IN_PLACE:
    _refused(
        _function, "it writes into an array, which a graph cannot follow; x.at[i].set(v) or np.where give a new tensor"
    )
_refused(np.resize, "it repeats elements or drops them; say which with np.tile, np.pad or an index")
