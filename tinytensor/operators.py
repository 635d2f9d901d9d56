"""Python's operators, by the name of the NumPy function that each is.

``a + b`` is ``np.add(a, b)``. Comparisons give plain boolean arrays, and there is no ``+=``, so
``x += y`` rebinds the name to a new node, as in micrograd. Read next: ``methods.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .engine import apply
from .modes import mode
from .node import Node, StandIn


class Operators(Node):
    """The operators of a Tensor."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        return apply(np.add, (self, other))

    def __radd__(self, other: Any) -> Any:
        return apply(np.add, (other, self))

    def __sub__(self, other: Any) -> Any:
        return apply(np.subtract, (self, other))

    def __rsub__(self, other: Any) -> Any:
        return apply(np.subtract, (other, self))

    def __mul__(self, other: Any) -> Any:
        return apply(np.multiply, (self, other))

    def __rmul__(self, other: Any) -> Any:
        return apply(np.multiply, (other, self))

    def __truediv__(self, other: Any) -> Any:
        return apply(np.divide, (self, other))

    def __rtruediv__(self, other: Any) -> Any:
        return apply(np.divide, (other, self))

    def __floordiv__(self, other: Any) -> Any:
        return apply(np.floor_divide, (self, other))

    def __rfloordiv__(self, other: Any) -> Any:
        return apply(np.floor_divide, (other, self))

    def __mod__(self, other: Any) -> Any:
        return apply(np.remainder, (self, other))

    def __rmod__(self, other: Any) -> Any:
        return apply(np.remainder, (other, self))

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __pow__(self, other: Any) -> Any:
        # NumPy's square is many times faster than its power, and exact.
        return apply(np.square, (self,)) if type(other) is int and other == 2 else apply(np.power, (self, other))

    def __rpow__(self, other: Any) -> Any:
        return apply(np.power, (other, self))

    def __matmul__(self, other: Any) -> Any:
        return apply(np.matmul, (self, other))

    def __rmatmul__(self, other: Any) -> Any:
        return apply(np.matmul, (other, self))

    def __neg__(self) -> Any:
        return apply(np.negative, (self,))

    def __pos__(self) -> Any:
        return apply(np.positive, (self,))

    def __abs__(self) -> Any:
        return apply(np.absolute, (self,))

    def __eq__(self, other: object) -> Any:
        return self._data == plain(other)

    def __ne__(self, other: object) -> Any:
        return self._data != plain(other)

    def __lt__(self, other: Any) -> Any:
        return self._data < plain(other)

    def __le__(self, other: Any) -> Any:
        return self._data <= plain(other)

    def __gt__(self, other: Any) -> Any:
        return self._data > plain(other)

    def __ge__(self, other: Any) -> Any:
        return self._data >= plain(other)

    __hash__ = object.__hash__  # by identity: a graph's sets and dicts hold nodes, not values


def plain(value: Any) -> Any:
    """A tensor's array; anything else as it is."""
    return value._data if isinstance(value, Node) else value


def as_array(value: Any, dtype: Any = None) -> Any:
    """``np.asarray`` of a tensor's array or of anything else; what stands in for an array stays what it is."""
    value = plain(value)
    if isinstance(value, StandIn):
        return value if dtype is None else value.astype(dtype)  # type: ignore[attr-defined]  # as an array
    return np.asarray(value, dtype)


def holds(condition: Any, message: str) -> bool:
    """Whether something is true of the data; a compiled function raises ValueError where it is."""
    if isinstance(condition, StandIn):
        mode.tracer.check(condition, message)
        return False
    return bool(condition)


def all_plain(value: Any) -> Any:
    """`plain`, also of what stands in a list or tuple."""
    return type(value)(map(all_plain, value)) if type(value) in (list, tuple) else plain(value)
