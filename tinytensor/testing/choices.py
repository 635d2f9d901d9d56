"""Strategies for what goes with an array: shapes, axes, indices, memory layouts, upstream gradients.

Read next: ``array_strategies.py``, the arrays and tensors themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .memory import LAYOUTS
from .strategy_arguments import (
    Shape,
    checked_dtype,
    checked_flags,
    checked_operand,
    checked_shape,
    checked_sizes,
    hnp,
    shape_of,
    st,
)
from .values import upstream_values

Array = np.ndarray[Any, Any]
KINDS = ("basic", "integer", "boolean", "mixed")

# ----------------------------------------------------------------------------------------- shapes


def shapes(*, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 3) -> st.SearchStrategy[Shape]:
    """Shapes, of 0-d arrays and of empty ones too.

    Parameters
    ----------
    min_dims, max_dims : int
        How many axes.
    min_side, max_side : int
        How long they are.

    Raises
    ------
    ValueError, TypeError
        At once, where a bound is negative, not an integer, or a minimum lies above its maximum.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(shapes(max_dims=2, min_side=1))
    ... def test(shape):
    ...     assert len(shape) <= 2 and 0 not in shape
    >>> test()
    """
    checked_sizes("shapes", "dims", min_dims, max_dims)
    checked_sizes("shapes", "side", min_side, max_side)
    return st.lists(st.integers(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


def broadcastable_shapes(
    count: int, *, max_dims: int = 3, min_side: int = 0, max_side: int = 3
) -> st.SearchStrategy[tuple[Shape, ...]]:
    """`count` shapes (8 at most) that broadcast against each other.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(broadcastable_shapes(3))
    ... def test(drawn):
    ...     np.broadcast_shapes(*drawn)  # raises where they don't
    >>> test()
    """
    checked_operand("broadcastable_shapes", "count", count)
    checked_sizes("broadcastable_shapes", "dims", 0, max_dims)
    checked_sizes("broadcastable_shapes", "side", min_side, max_side)
    drawn = hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=max_dims, min_side=min_side, max_side=max_side)
    return drawn.map(lambda found: found.input_shapes)


# ------------------------------------------------------------------------------------------- axes


def axes_for(
    shape_or_ndim: int | Sequence[int],
    *,
    allow_none: bool = True,
    allow_int: bool = True,
    allow_tuple: bool = True,
    allow_empty: bool = True,
    allow_negative: bool = True,
) -> st.SearchStrategy[Any]:
    """Values of ``axis=``: None, an axis counted from either end, a tuple of different axes.

    Parameters
    ----------
    shape_or_ndim : int or sequence of int
        The number of axes, or the shape.
    allow_none, allow_int, allow_tuple : bool
        Which of the three to draw.
    allow_empty : bool
        Whether a tuple may be empty, which reduces over no axis at all.
    allow_negative : bool
        Whether an axis may be counted from the end.

    Raises
    ------
    ValueError, TypeError
        At once, where nothing is allowed, or nothing but an axis of an array that has none.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(axes_for((2, 3)))
    ... def test(axis):
    ...     np.sum(np.ones((2, 3)), axis=axis)
    >>> test()
    >>> axes_for(0, allow_none=False, allow_tuple=False)
    Traceback (most recent call last):
        ...
    ValueError: axes_for: an array of 0 axes has none to draw; allow_none, or give it an axis
    """
    checked_flags(
        "axes_for", allow_none=allow_none, allow_int=allow_int, allow_tuple=allow_tuple, allow_empty=allow_empty,
        allow_negative=allow_negative,
    )  # fmt: skip
    if isinstance(shape_or_ndim, (tuple, list)):
        ndim = len(shape_of("axes_for", shape_or_ndim, "shape_or_ndim"))
    else:
        checked_sizes("axes_for", "dims", 0, shape_or_ndim)
        ndim = shape_or_ndim  # type: ignore[assignment]  # it has just been checked
    one = st.integers(-ndim if allow_negative else 0, ndim - 1) if ndim else st.nothing()
    allowed: list[st.SearchStrategy[Any]] = [st.none()] if allow_none else []
    if allow_int and ndim:
        allowed.append(one)
    if allow_tuple and (ndim or allow_empty):
        several = st.lists(one, min_size=0 if allow_empty else 1, max_size=ndim, unique_by=lambda k: k % ndim)
        allowed.append(several.map(tuple) if ndim else st.just(()))
    if not allowed:
        raise ValueError(f"axes_for: an array of {ndim} axes has none to draw; allow_none, or give it an axis")
    return st.one_of(allowed)


# ---------------------------------------------------------------------------------------- indices


def indices_for(shape: int | Sequence[int], kinds: str | Sequence[str] = KINDS) -> st.SearchStrategy[Any]:
    """Indices that fit a shape.

    Parameters
    ----------
    shape : int or tuple of int
        The shape of what is indexed.
    kinds : str or sequence of str
        ``"basic"`` (integers, slices with steps of either sign, ``...``, ``None``), ``"integer"`` (an array of
        integers for each of some axes, so that elements repeat), ``"boolean"`` (a mask over some axes),
        ``"mixed"`` (slices, integers and arrays side by side).

    Raises
    ------
    ValueError, TypeError
        At once, where a kind is unknown, or none of them can index an array of this shape.

    Examples
    --------
    >>> from hypothesis import given
    >>> x = np.arange(6.0).reshape(2, 3)
    >>> @given(indices_for(x.shape))
    ... def test(index):
    ...     assert set(x[index].flat) <= set(x.flat)
    >>> test()
    >>> indices_for((), "integer")
    Traceback (most recent call last):
        ...
    ValueError: indices_for: an array without axes has no integer indices; ask for basic or boolean ones
    """
    shape = shape_of("indices_for", shape)
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if not kinds or not set(kinds) <= set(KINDS):
        raise ValueError(f"indices_for: kinds is {kinds!r}; expected some of {', '.join(KINDS)}")
    possible = [kind for kind in kinds if shape or kind in ("basic", "boolean")]
    if not possible:
        raise ValueError(
            f"indices_for: an array without axes has no {' or '.join(kinds)} indices; ask for basic or boolean ones"
        )
    makers = {"basic": _basic, "integer": _integer, "boolean": _boolean, "mixed": _mixed}
    return st.one_of([makers[kind](shape) for kind in possible])


def _basic(shape: Shape) -> st.SearchStrategy[Any]:
    return hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)


def _positions(size: int, result: Shape) -> st.SearchStrategy[Array]:
    """Integers that index an axis, from either end."""
    return hnp.arrays(np.intp, result, elements=st.integers(-size, size - 1), fill=st.nothing())


def _integer(shape: Shape) -> st.SearchStrategy[Any]:
    """Arrays of integers for the first axes, which broadcast against each other."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Any:
        count = draw(st.integers(1, len(shape)))
        result = draw(shapes(max_dims=2))
        if 0 in shape[:count]:  # an empty axis takes an index without elements only
            result = (0,)
        keys = [draw(_positions(max(size, 1), result)) for size in shape[:count]]
        return keys[0] if count == 1 and draw(st.booleans()) else tuple(keys)

    return drawn()


def _boolean(shape: Shape) -> st.SearchStrategy[Any]:
    """A mask over the first axes; all of them for a 0-d array."""
    masked = st.integers(1, len(shape)) if shape else st.just(0)
    return masked.flatmap(lambda count: hnp.arrays(np.bool, shape[:count], fill=st.nothing()))


def _mixed(shape: Shape) -> st.SearchStrategy[Any]:
    """For each of the first axes an integer, a slice or an array of integers, with None and ... between."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Any:
        keys: list[Any] = []
        count = draw(st.integers(1, len(shape)))
        length = draw(st.integers(0, 3))
        for axis, size in enumerate(shape[:count]):
            kinds: list[st.SearchStrategy[Any]] = [st.slices(size)]
            if size:
                kinds += [st.integers(-size, size - 1), _positions(size, (length,)), _positions(size, (1,))]
            keys.append(draw(kinds[-2] if axis == 0 and size else st.one_of(kinds)))
        if draw(st.booleans()):
            keys.insert(draw(st.integers(0, len(keys))), None)
        if count == len(shape) and draw(st.booleans()):
            keys.insert(draw(st.integers(0, len(keys))), ...)
        return tuple(keys)

    return drawn()


# -------------------------------------------------------------------------- layouts and gradients


def layouts(*names: str) -> st.SearchStrategy[str]:
    """Names of memory layouts for `lay_out`: of all of them, or of those given.

    Examples
    --------
    >>> from hypothesis import given
    >>> from tinytensor.testing import lay_out
    >>> x = np.arange(6.0).reshape(2, 3)
    >>> @given(layouts())
    ... def test(layout):
    ...     np.testing.assert_array_equal(lay_out(x, layout), x)
    >>> test()
    """
    unknown = [name for name in names if name not in LAYOUTS]
    if unknown:
        raise ValueError(f"layouts: there is no layout {unknown[0]!r}; expected some of {', '.join(LAYOUTS)}")
    return st.sampled_from(names or tuple(LAYOUTS))


def upstream(
    shape: int | Sequence[int] | st.SearchStrategy[Shape], dtype: npt.DTypeLike = np.float64
) -> st.SearchStrategy[Array]:
    """Random upstream gradients for an output of this shape: of both signs, no element 1.

    Ones would hide a forgotten factor ``g``, a transposed gradient, a sum over the wrong axis.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(upstream((2, 3)))
    ... def test(g):
    ...     assert g.shape == (2, 3) and np.all(np.abs(g) >= 0.5) and not np.any(g == 1)
    >>> test()
    """
    found = checked_dtype("upstream", dtype)
    sizes = checked_shape("upstream", shape)
    return st.tuples(sizes, st.integers(0, 2**16)).map(lambda drawn: upstream_values(*drawn, found))
