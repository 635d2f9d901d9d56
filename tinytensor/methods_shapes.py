"""NumPy's functions that choose and move elements, in the spelling of methods: ``t.take(i)`` is ``np.take(t, i)``.

Arguments and defaults are NumPy's. Where NumPy's method of the same name works in place (`sort`,
`partition`), this one returns a new tensor, as PyTorch's does. Read next: ``functional/selection.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .engine import apply
from .functional import joining, selection, shapes
from .operators import Operators, plain


class ShapeMethods(Operators):
    """The methods of a Tensor that choose and move elements."""

    __slots__ = ()

    # -------------------------------------------------------------------------------- selection

    def take(self, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
        """The elements (slices along `axis`) at these positions."""
        return selection.take(self, indices, axis=axis, mode=mode)

    def take_along_axis(self, indices: Any, axis: int | None = -1) -> Any:
        """Along `axis`, the elements at the positions that an argsort or argmax gave."""
        return selection.take_along_axis(self, indices, axis)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """The slices along `axis` for which the condition holds."""
        return selection.compress(condition, self, axis)

    def choose(self, choices: Any, mode: Any = "raise") -> Any:
        """At each place the element of the choice that this integer tensor numbers there."""
        return selection.choose(self, choices, mode=mode)

    def nonzero(self) -> Any:
        """Where the elements are not 0: a tuple of plain integer arrays."""
        return np.nonzero(self._data)

    # ------------------------------------------------------------------------------------ order

    def sort(self, axis: int | None = -1, kind: Any = None) -> Any:
        """A new tensor, in order along `axis`. (NumPy's method sorts in place; PyTorch's gives the positions too.)"""
        return apply(np.sort, (self, axis, kind))

    def argsort(self, axis: int | None = -1, kind: Any = None) -> Any:
        """The positions that would sort along `axis`: a plain integer array."""
        return np.argsort(self._data, axis=axis, kind=kind)

    def partition(self, kth: Any, axis: int | None = -1) -> Any:
        """A new tensor with the k-th smallest in its place, the smaller before it, the larger after it."""
        return selection.partition(self, kth, axis=axis)

    def argpartition(self, kth: Any, axis: int | None = -1) -> Any:
        """The positions that would partition along `axis`: a plain integer array."""
        return np.argpartition(self._data, kth, axis=axis)

    def searchsorted(self, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        """Where `v` would go into this sorted tensor: plain integers."""
        return np.searchsorted(self._data, plain(v), side=side, sorter=sorter)

    # ------------------------------------------------------------------------- copies and turns

    def copy(self) -> Any:
        """The same elements in memory of their own; the gradient passes. ``detach().copy()`` leaves the graph."""
        return apply(np.copy, (self,))

    clone = copy

    def repeat(self, repeats: Any, axis: int | None = None) -> Any:
        """Each element several times in a row, as ``np.repeat``. (PyTorch's method of this name is `tile`.)"""
        return selection.repeat(self, repeats, axis)

    def tile(self, *reps: Any) -> Any:
        """The whole tensor repeated along each axis: ``tile(2, 3)`` or ``tile((2, 3))``."""
        return shapes.tile(self, reps[0] if len(reps) == 1 else reps)

    def roll(self, shift: Any, axis: Any = None) -> Any:
        """The elements moved on along `axis`; those pushed out come in at the other end."""
        return apply(np.roll, (self, shift, axis))

    def rot90(self, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
        """Turned by k quarters in the plane of two axes."""
        return shapes.rot90(self, k, axes)

    def fliplr(self) -> Any:
        """The columns in reverse order."""
        return shapes.fliplr(self)

    def flipud(self) -> Any:
        """The rows in reverse order."""
        return shapes.flipud(self)

    def permute(self, *axes: Any) -> Any:
        """The axes in another order; PyTorch's name of `transpose`."""
        return apply(np.transpose, (self, axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes))

    def unstack(self, axis: int = 0) -> Any:
        """The slices along `axis`, without it. (PyTorch: ``unbind``.)"""
        return joining.unstack(self, axis=axis)

    unbind = unstack

    # ----------------------------------------------------------------------------- of matrices

    def diag(self, k: int = 0) -> Any:
        """The k-th diagonal of a matrix, or the matrix with this vector on its k-th diagonal."""
        return shapes.diag(self, k)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The diagonals of the matrices in two axes, as a new last axis."""
        return shapes.diagonal(self, offset, axis1, axis2)

    def tril(self, k: int = 0) -> Any:
        """The elements on and below the k-th diagonal, 0 above it."""
        return apply(np.tril, (self, k))

    def triu(self, k: int = 0) -> Any:
        """The elements on and above the k-th diagonal, 0 below it."""
        return apply(np.triu, (self, k))

    def kron(self, other: Any) -> Any:
        """Every element times the whole of the other, block by block."""
        return shapes.kron(self, other)
