"""Hypothesis strategies for arrays and tensors.

Small arrays are drawn element by element, so that they shrink to values a person can read; larger
ones as a shape and a seed, so that drawing is fast. Read next: ``operands.py``, several at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..tensor import Tensor
from .choices import layouts, shapes
from .memory import lay_out
from .strategy_arguments import (
    checked_dtype,
    checked_flags,
    checked_layout,
    checked_operand,
    checked_range,
    checked_shape,
    hnp,
    st,
)
from .values import lattice

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
SMALL = 32  # the most elements that are drawn one by one

# ----------------------------------------------------------------------------------------- arrays


def arrays(
    shape: int | Sequence[int] | st.SearchStrategy[Shape] | None = None,
    dtype: npt.DTypeLike = np.float64,
    *,
    low: float | None = None,
    high: float | None = None,
    elements: st.SearchStrategy[float] | None = None,
    distinct: bool = False,
    ties: bool = False,
    kinks: bool = False,
    operand: int = 0,
    layout: str = "contiguous",
) -> st.SearchStrategy[Array]:
    """Floating arrays to test gradients at, away from the kinks of the usual functions.

    Parameters
    ----------
    shape : int, tuple of int, or strategy, optional
        The shape; any of `shapes()` by default.
    dtype : dtype_like
        float16, float32 or float64.
    low, high : float
        The bounds, -4 and 4 by default. Values lie at least 0.04 away from all multiples of 0.5
        (less where `distinct` needs a finer lattice).
    elements : strategy, optional
        A strategy for single values, in place of the lattice; bounds and kinks are then its own affair.
    distinct : bool
        Whether all elements differ, as a gradient of ``max``, ``sort`` or ``median`` needs.
    ties : bool
        Whether to ask for equal elements: there are two different values at most.
    kinks : bool
        Whether to ask for the multiples of 0.5, 0 among them, where ``abs`` and ``floor`` have kinks.
    operand : int
        Which of the 8 lattices: arrays of different lattices have no value in common.
    layout : str
        A memory layout (see `lay_out`), or "any" to draw one.

    Returns
    -------
    strategy of ndarray

    Raises
    ------
    ValueError, TypeError
        At once, where the arguments contradict each other.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(arrays((2, 3), distinct=True, layout="any"))
    ... def test(x):
    ...     assert x.shape == (2, 3) and len(np.unique(x)) == 6
    ...     assert np.all(np.abs(x - np.round(x)) > 0.04)
    >>> test()
    >>> arrays((2, 3), distinct=True, ties=True)
    Traceback (most recent call last):
        ...
    ValueError: arrays: distinct and ties contradict each other; ask for one of them
    """
    dtype = checked_dtype("arrays", dtype)
    checked_layout("arrays", layout)
    checked_operand("arrays", "operand", operand, 0)
    checked_flags("arrays", distinct=distinct, ties=ties, kinks=kinks)
    sizes = shapes() if shape is None else checked_shape("arrays", shape)
    if elements is not None:
        _only_elements(low, high, distinct, ties, kinks, elements)
        drawn = sizes.flatmap(lambda s: hnp.arrays(dtype, s, elements=elements))
    else:
        bounds = checked_range("arrays", low, high, dtype)
        if distinct and ties:
            raise ValueError("arrays: distinct and ties contradict each other; ask for one of them")
        drawn = sizes.flatmap(lambda s: _on_lattice(s, dtype, bounds, None if kinks else operand, distinct, ties))
    return _laid_out(drawn, layout)


def _only_elements(low: Any, high: Any, distinct: bool, ties: bool, kinks: bool, elements: Any) -> None:
    given = {"low": low is not None, "high": high is not None, "distinct": distinct, "ties": ties, "kinks": kinks}
    if any(given.values()):
        names = ", ".join(name for name, present in given.items() if present)
        raise ValueError(f"arrays: elements draws the values, so {names} can't be asked for too; drop one of them")
    if not isinstance(elements, st.SearchStrategy):
        raise TypeError(f"arrays: elements is {elements!r}; expected a strategy, such as st.floats(1, 2)")


def _on_lattice(
    shape: Shape, dtype: np.dtype[Any], bounds: tuple[float, float], operand: int | None, distinct: bool, ties: bool
) -> st.SearchStrategy[Array]:
    """Arrays of one shape, with elements on the lattice of one operand."""
    count = math.prod(shape)
    points = lattice(*bounds, operand, count if distinct else 2)
    points = (points[:2] if ties else points).astype(dtype)
    if distinct and len(np.unique(points)) < count:
        raise ValueError(
            f"arrays: {dtype} has too few numbers between {bounds[0]} and {bounds[1]} for {count} distinct elements; "
            "widen the bounds or take another dtype"
        )
    if count > SMALL:
        return st.integers(0, 2**32 - 1).map(lambda seed: _seeded(points, shape, seed, distinct))
    picks = st.lists(st.sampled_from(range(len(points))), min_size=count, max_size=count, unique=distinct)
    return picks.map(lambda drawn: points[np.array(drawn, np.intp)].reshape(shape))


def _seeded(points: Array, shape: Shape, seed: int, distinct: bool) -> Array:
    rng = np.random.default_rng(seed)
    if distinct:
        return rng.permutation(points)[: math.prod(shape)].reshape(shape)
    return points[rng.integers(len(points), size=shape)]


def _laid_out(drawn: st.SearchStrategy[Array], layout: str) -> st.SearchStrategy[Array]:
    if layout == "contiguous":
        return drawn
    if layout == "any":
        return st.tuples(drawn, layouts()).map(lambda pair: lay_out(*pair))
    return drawn.map(lambda array: lay_out(array, layout))


def tensors(
    shape: int | Sequence[int] | st.SearchStrategy[Shape] | None = None,
    dtype: npt.DTypeLike = np.float64,
    *,
    requires_grad: bool = True,
    **options: Any,
) -> st.SearchStrategy[Tensor]:
    """Tensors to test gradients at: `arrays` with a gradient.

    Parameters
    ----------
    shape, dtype
        As for `arrays`.
    requires_grad : bool
        Whether the tensors want a gradient.
    **options
        The other options of `arrays`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(tensors())
    ... def test(x):
    ...     (x * x).sum().backward()
    ...     np.testing.assert_array_equal(x.grad, 2 * x.data)
    >>> test()
    """
    return arrays(shape, dtype, **options).map(lambda array: Tensor(array, requires_grad=requires_grad))
