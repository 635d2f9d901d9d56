"""NumPy's functions in the spelling of methods: ``t.sum(axis)`` is ``np.sum(t, axis)``.

Where PyTorch has a method that NumPy has not (``relu``, ``unsqueeze``), it is here too. Arguments
and defaults are NumPy's: ``axis`` and ``keepdims``; `var` and `std` divide by n.
Read next: ``functional/``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import functional
from .engine import apply
from .fused import log_softmax, logsumexp, softmax
from .methods_elementwise import ElementwiseMethods
from .methods_shapes import ShapeMethods
from .primitives import relu, sigmoid

Axis = int | tuple[int, ...] | None


class Methods(ShapeMethods, ElementwiseMethods):
    """The methods of a Tensor that are functions."""

    __slots__ = ()

    # ------------------------------------------------------------------------------ elementwise

    def exp(self) -> Any:
        """e to the power of each element."""
        return apply(np.exp, (self,))

    def expm1(self) -> Any:
        """exp(x) - 1, exact near 0."""
        return apply(np.expm1, (self,))

    def log(self) -> Any:
        """The natural logarithm."""
        return apply(np.log, (self,))

    def log1p(self) -> Any:
        """log(1 + x), exact near 0."""
        return apply(np.log1p, (self,))

    def sqrt(self) -> Any:
        """The square root."""
        return apply(np.sqrt, (self,))

    def square(self) -> Any:
        """The square."""
        return apply(np.square, (self,))

    def reciprocal(self) -> Any:
        """1 / x."""
        return apply(np.reciprocal, (self,))

    def abs(self) -> Any:
        """The absolute value; its slope at 0 is 0."""
        return apply(np.absolute, (self,))

    def sign(self) -> Any:
        """-1, 0 or 1; its gradient is 0."""
        return apply(np.sign, (self,))

    def sin(self) -> Any:
        """The sine, of radians."""
        return apply(np.sin, (self,))

    def cos(self) -> Any:
        """The cosine, of radians."""
        return apply(np.cos, (self,))

    def tanh(self) -> Any:
        """The hyperbolic tangent."""
        return apply(np.tanh, (self,))

    def sigmoid(self) -> Any:
        """1 / (1 + exp(-x))."""
        return apply(sigmoid, (self,))

    def relu(self) -> Any:
        """max(x, 0); its slope at 0 is 0."""
        return apply(relu, (self,))

    def pow(self, exponent: Any) -> Any:
        """``self ** exponent``."""
        return self**exponent

    def maximum(self, other: Any) -> Any:
        """The larger of two, elementwise; ties share the gradient."""
        return apply(np.maximum, (self, other))

    def minimum(self, other: Any) -> Any:
        """The smaller of two, elementwise; ties share the gradient."""
        return apply(np.minimum, (self, other))

    def clip(self, min: Any = None, max: Any = None) -> Any:
        """Values held within [min, max]."""
        return functional.clip(self, min, max)

    clamp = clip

    def where(self, condition: Any, other: Any) -> Any:
        """These values where `condition` holds, `other` elsewhere."""
        return functional.where(condition, self, other)

    # ------------------------------------------------------------------------------- reductions

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """The sum over `axis` (all axes by default)."""
        return apply(np.sum, (self,), {"axis": axis, "keepdims": keepdims})

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """The mean over `axis`."""
        return apply(np.mean, (self,), {"axis": axis, "keepdims": keepdims})

    def prod(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """The product over `axis`."""
        return apply(np.prod, (self,), {"axis": axis, "keepdims": keepdims})

    def max(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """The largest element over `axis`; the tied share the gradient."""
        return apply(np.max, (self,), {"axis": axis, "keepdims": keepdims})

    def min(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """The smallest element over `axis`; the tied share the gradient."""
        return apply(np.min, (self,), {"axis": axis, "keepdims": keepdims})

    def var(self, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
        """The variance over `axis`, divided by n - ddof. (PyTorch's default is ddof 1.)"""
        return apply(np.var, (self,), {"axis": axis, "ddof": ddof, "keepdims": keepdims})

    def std(self, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
        """The standard deviation over `axis`, of the variance divided by n - ddof."""
        return apply(np.std, (self,), {"axis": axis, "ddof": ddof, "keepdims": keepdims})

    def logsumexp(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """log(sum(exp(x))) over `axis`, without overflow."""
        return apply(logsumexp, (self,), {"axis": axis, "keepdims": keepdims})

    def norm(self, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
        """The norm over `axis`, as ``np.linalg.norm``."""
        return functional.norm(self, ord, axis, keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Any:
        """Where the largest element is: a plain integer array."""
        return np.argmax(self._data, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Any:
        """Where the smallest element is: a plain integer array."""
        return np.argmin(self._data, axis=axis, keepdims=keepdims)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """Whether any element is true: a plain boolean array."""
        return np.any(self._data, axis=axis, keepdims=keepdims)

    def all(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """Whether all elements are true: a plain boolean array."""
        return np.all(self._data, axis=axis, keepdims=keepdims)

    # ----------------------------------------------------------------------------------- shapes

    def reshape(self, *shape: Any) -> Any:
        """The same elements in another shape: ``reshape(2, 3)`` or ``reshape((2, 3))``."""
        return apply(np.reshape, (self, _one_tuple(shape)))

    def ravel(self) -> Any:
        """All elements on one axis."""
        return apply(np.ravel, (self,))

    flatten = ravel

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order; reversed by default."""
        return apply(np.transpose, (self, _one_tuple(axes) if axes and axes != (None,) else None))

    @property
    def T(self) -> Any:
        """The axes reversed."""
        return apply(np.transpose, (self,))

    @property
    def mT(self) -> Any:
        """The last two axes swapped: a matrix, or a batch of them, transposed."""
        return functional.matrix_transpose(self)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """Two axes exchanged."""
        return apply(np.swapaxes, (self, axis1, axis2))

    def moveaxis(self, source: Any, destination: Any) -> Any:
        """Axes moved to other places."""
        return apply(np.moveaxis, (self, source, destination))

    def squeeze(self, axis: Axis = None) -> Any:
        """Without the axes of size 1, or without the named ones."""
        return apply(np.squeeze, (self, axis))

    def unsqueeze(self, axis: Any) -> Any:
        """With a new axis of size 1, as ``np.expand_dims``."""
        return apply(np.expand_dims, (self, axis))

    def broadcast_to(self, *shape: Any) -> Any:
        """Copied along new axes and axes of size 1."""
        return apply(np.broadcast_to, (self, _one_tuple(shape)))

    def flip(self, axis: Axis = None) -> Any:
        """The elements in reverse order along `axis`."""
        return apply(np.flip, (self, axis))

    def split(self, indices_or_sections: Any, axis: int = 0) -> list[Any]:
        """The tensor in parts, as ``np.split``."""
        return functional.split(self, indices_or_sections, axis)

    # --------------------------------------------------------------- linear algebra, neural nets

    def matmul(self, other: Any) -> Any:
        """``self @ other``."""
        return apply(np.matmul, (self, other))

    def dot(self, other: Any) -> Any:
        """``np.dot``: the sum over this tensor's last axis and the other's second-to-last."""
        return functional.dot(self, other)

    def outer(self, other: Any) -> Any:
        """Every element times every element of the other, both flattened."""
        return functional.outer(self, other)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The sum along a diagonal."""
        return functional.trace(self, offset, axis1, axis2)

    def softmax(self, axis: int = -1) -> Any:
        """exp(x) / sum(exp(x)) along `axis`."""
        return apply(softmax, (self,), {"axis": axis})

    def log_softmax(self, axis: int = -1) -> Any:
        """log(softmax(x)) along `axis`, without overflow."""
        return apply(log_softmax, (self,), {"axis": axis})


def _one_tuple(given: tuple[Any, ...]) -> tuple[int, ...]:
    """(2, 3) from both f(2, 3) and f((2, 3))."""
    only = given[0] if len(given) == 1 else given
    return tuple(only) if isinstance(only, (tuple, list)) else (only,)
