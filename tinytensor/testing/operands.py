"""Hypothesis strategies for several operands at once: those that broadcast, those of a signature.

Each operand has a lattice of values of its own, so that no two tie in a maximum.
Read next: ``random_programs.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..tensor import Tensor
from .array_strategies import arrays
from .choices import broadcastable_shapes
from .strategy_arguments import checked_flags, checked_signature, checked_sizes, hnp, st

Array = np.ndarray[Any, Any]
MATMUL = "(n?,k),(k,m?)->(n?,m?)"


def broadcastable_arrays(
    count: int,
    dtype: npt.DTypeLike = np.float64,
    *,
    max_dims: int = 3,
    min_side: int = 0,
    max_side: int = 3,
    ties: bool = False,
    **options: Any,
) -> st.SearchStrategy[tuple[Array, ...]]:
    """`count` arrays that broadcast against each other, no two of which have a value in common.

    Parameters
    ----------
    count : int
        How many, up to 8.
    dtype : dtype_like
        Their dtype.
    max_dims, min_side, max_side : int
        The bounds of their shapes.
    ties : bool
        Whether to ask for equal values in different operands, as ``maximum`` has a kink there.
    **options
        The other options of `arrays`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(broadcastable_arrays(2))
    ... def test(operands):
    ...     x, y = operands
    ...     assert not np.any(x == y)
    >>> test()
    """
    drawn = broadcastable_shapes(count, max_dims=max_dims, min_side=min_side, max_side=max_side)
    return _operands("broadcastable_arrays", drawn, count, dtype, ties, options)


def broadcastable_tensors(
    count: int, dtype: npt.DTypeLike = np.float64, *, requires_grad: bool = True, **options: Any
) -> st.SearchStrategy[tuple[Tensor, ...]]:
    """`count` tensors that broadcast against each other: `broadcastable_arrays` with gradients.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(broadcastable_tensors(2, max_dims=2))
    ... def test(operands):
    ...     x, y = operands
    ...     (x + y).sum().backward()
    ...     assert x.grad.shape == x.shape and y.grad.shape == y.shape
    >>> test()
    """
    return broadcastable_arrays(count, dtype, **options).map(_tensor_maker(requires_grad))


def gufunc_operands(
    signature: str,
    dtype: npt.DTypeLike = np.float64,
    *,
    max_dims: int = 2,
    min_side: int = 0,
    max_side: int = 3,
    requires_grad: bool = True,
    as_arrays: bool = False,
    ties: bool = False,
    **options: Any,
) -> st.SearchStrategy[tuple[Any, ...]]:
    """Operands that fit the signature of a generalized ufunc: core axes, and batch axes that broadcast.

    Parameters
    ----------
    signature : str
        As NumPy writes it: ``"(m,n),(n)->(m)"``; ``n?`` is an axis that may be absent, a number one
        of that size.
    dtype : dtype_like
        Their dtype.
    max_dims : int
        The most batch axes.
    min_side, max_side : int
        How long an axis may be.
    requires_grad : bool
        Whether the tensors want gradients.
    as_arrays : bool
        Whether to draw plain arrays in place of tensors.
    ties : bool
        Whether to ask for equal values in different operands.
    **options
        The other options of `arrays`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(gufunc_operands("(n),(n)->()", min_side=1))
    ... def test(operands):
    ...     x, y = operands
    ...     assert x.shape[-1] == y.shape[-1]
    >>> test()
    >>> gufunc_operands("(n),(n")
    Traceback (most recent call last):
        ...
    ValueError: gufunc_operands: '(n),(n' is no signature; expected one like "(n?,k),(k,m?)->(n?,m?)"
    """
    count = checked_signature("gufunc_operands", signature)
    checked_sizes("gufunc_operands", "side", min_side, max_side)
    checked_sizes("gufunc_operands", "dims", 0, max_dims)
    drawn = hnp.mutually_broadcastable_shapes(
        signature=signature, max_dims=max_dims, min_side=min_side, max_side=max_side
    ).map(lambda shapes: shapes.input_shapes)
    operands = _operands("gufunc_operands", drawn, count, dtype, ties, options)
    return operands if as_arrays else operands.map(_tensor_maker(requires_grad))


def matmul_operands(dtype: npt.DTypeLike = np.float64, **options: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """Two operands of ``@``: vectors, matrices and stacks of matrices.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(matmul_operands())
    ... def test(operands):
    ...     x, y = operands
    ...     (x @ y).sum().backward()
    ...     assert x.grad.shape == x.shape
    >>> test()
    """
    return gufunc_operands(MATMUL, dtype, **options)


def _operands(
    name: str, drawn: st.SearchStrategy[Any], count: int, dtype: Any, ties: bool, options: dict[str, Any]
) -> st.SearchStrategy[tuple[Array, ...]]:
    """An array for each of the drawn shapes, each on a lattice of its own (on one and the same with `ties`)."""
    if "operand" in options or "shape" in options:
        raise TypeError(f"{name}: shape and operand are drawn here; use arrays to give them")
    checked_flags(name, ties=ties)
    lattices = [0 if ties else k for k in range(count)]
    for k in lattices:
        arrays((), dtype, operand=k, **options)  # refuses bad options now
    return drawn.flatmap(
        lambda sizes: st.tuples(*(arrays(s, dtype, operand=k, **options) for s, k in zip(sizes, lattices, strict=True)))
    )


def _tensor_maker(requires_grad: bool) -> Callable[[Iterable[Array]], tuple[Tensor, ...]]:
    return lambda drawn: tuple(Tensor(array, requires_grad=requires_grad) for array in drawn)
