"""What the table of operations is written with: domains, kinks to keep away from, options to pick.

A *domain* says whether operands suit an operation. It is asked with the first operand alone, then with
both. A *picker* turns one integer into choices, so that a smaller integer is a simpler choice.
Read next: ``program_ops.py``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
T = TypeVar("T")

KINK = 1e-3  # no value lies closer to a kink than this, so that rounding can't decide on which side it is


class Picker:
    """Choices from one integer: each takes its remainder and leaves the quotient.

    Examples
    --------
    >>> p = Picker(7)
    >>> p.pick("abc"), p.pick("abc"), p.pick("abc")
    ('b', 'c', 'a')
    """

    def __init__(self, number: int) -> None:
        self.number = number

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices; the first where the integer is 0."""
        self.number, k = divmod(self.number, len(choices))
        return choices[k]

    def axis(self, ndim: int, none: bool = True, several: bool = True) -> Any:
        """A value of ``axis=`` for an array of so many axes."""
        axes = [*range(ndim), *range(-1, -ndim - 1, -1)]
        pairs = itertools.combinations([*range(ndim - 1), -1], 2) if several and ndim > 1 else ()
        return self.pick([*([None] if none else []), *axes, *pairs])


# ----------------------------------------------------------------------------------------- domains


def anything(*operands: Array, **options: Any) -> bool:
    """Everything will do."""
    return True


def lowest(x: Array) -> float:
    """The smallest element; infinity of none."""
    return float(np.min(x, initial=math.inf))


def positive(x: Array) -> bool:
    """Far enough above 0 for a logarithm."""
    return lowest(x) >= 0.1


def nonzero(x: Array) -> bool:
    """Far enough from 0 for a division."""
    return lowest(np.abs(x)) >= 0.2


def exponent(x: Array) -> bool:
    """Small enough for exp."""
    return float(np.max(x, initial=0.0)) <= 3


def off_zero(x: Array) -> bool:
    """Away from the kink of abs."""
    return lowest(np.abs(x)) > KINK


def has_axis(x: Array) -> bool:
    """At least one axis, and elements."""
    return x.ndim > 0 and x.size > 0


def broadcasts(x: Array, y: Array | None = None) -> bool:
    """Whether two operands broadcast."""
    if y is None or not x.ndim or not y.ndim:
        return True
    pairs = zip(x.shape[::-1], y.shape[::-1], strict=False)
    return all(a == b or a == 1 or b == 1 for a, b in pairs)


def apart(x: Array, y: Array | None = None) -> bool:
    """Whether two operands broadcast, and tie nowhere."""
    return y is None or (broadcasts(x, y) and off_zero(x - y))


def divisible(x: Array, y: Array | None = None) -> bool:
    """Whether the second operand is far from 0."""
    return y is None or (broadcasts(x, y) and nonzero(y))


def raisable(x: Array, y: Array | None = None) -> bool:
    """A positive base and a small exponent."""
    return positive(x) if y is None else broadcasts(x, y) and float(np.max(np.abs(y), initial=0.0)) <= 3


def in_right_half(y: Array, x: Array | None = None) -> bool:
    """Whether the points (x, y) lie where their angle does not jump."""
    return x is None or (broadcasts(y, x) and positive(x))


def kronable(x: Array, y: Array | None = None) -> bool:
    """Matrices or vectors, of the same number of axes."""
    return 1 <= x.ndim <= 2 and (y is None or y.ndim == x.ndim)


def multipliable(x: Array, y: Array | None = None) -> bool:
    """Whether ``x @ y`` is defined."""
    if y is None or not x.ndim or not y.ndim:
        return x.ndim > 0 and y is None
    return x.shape[-1] == y.shape[-2:][0] and broadcasts(np.empty(x.shape[:-2]), np.empty(y.shape[:-2]))


def joinable(x: Array, y: Array | None = None) -> bool:
    """Whether two operands differ along one axis at most."""
    if y is None:
        return x.ndim > 0
    return x.ndim == y.ndim and sum(a != b for a, b in zip(x.shape, y.shape, strict=True)) <= 1


def alike(x: Array, y: Array | None = None) -> bool:
    """Whether two operands have one shape."""
    return y is None or x.shape == y.shape


# ------------------------------------------------------------------ shapes of a fresh second operand


def broadcasting_partner(p: Picker, x: Array) -> Shape:
    """A shape that broadcasts against that of `x`."""
    column = (*x.shape[:-1], 1) if x.ndim else ()
    return p.pick([x.shape, (), x.shape[1:], column, (2, *x.shape)])


def matrix_partner(p: Picker, x: Array) -> Shape:
    """A shape of what `x` can be multiplied with as a matrix."""
    k = x.shape[-1]
    return p.pick([(k,), (k, 1), (k, 2), (k, 3), (2, k, 2)])


def joining_partner(p: Picker, x: Array) -> Shape:
    """The shape of `x`, or one with another number of rows."""
    return p.pick([x.shape, (1, *x.shape[1:]), (2, *x.shape[1:])])


def same_partner(p: Picker, x: Array) -> Shape:
    """The shape of `x`."""
    return x.shape


# ----------------------------------------------------------------------------------------- writing


def written(value: Any) -> str:
    """An array or an option as Python code.

    Examples
    --------
    >>> written(np.array([[1.5, 2.0]])), written(np.zeros((0, 2))), written(np.array([True]))
    ('np.array([[1.5, 2.0]])', 'np.zeros((0, 2))', 'np.array([True])')
    >>> written((slice(None, None, -1), np.array([0])))
    '(slice(None, None, -1), np.array([0]))'
    """
    if isinstance(value, tuple):
        return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
    if not isinstance(value, (np.ndarray, np.generic)):
        return repr(value)
    dtype = "" if value.dtype in (np.float64, np.int64, np.bool) else f", np.{value.dtype}"
    if not value.size:
        empty = dtype or ("" if value.dtype == np.float64 else f", np.{value.dtype}")
        return f"np.zeros({value.shape}{empty})"
    return f"np.array({value.tolist()}{dtype})"


def written_key(key: Any) -> str:
    """An index as it stands between brackets.

    Examples
    --------
    >>> written_key((0, slice(None, None, -1), None, ...)), written_key(slice(1, 3)), written_key(())
    ('0, ::-1, None, ...', '1:3', '()')
    """
    if isinstance(key, tuple) and key:
        return ", ".join(map(written_key, key)) + ("," if len(key) == 1 else "")
    if isinstance(key, slice):
        start, stop, step = ("" if part is None else str(part) for part in (key.start, key.stop, key.step))
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    return "..." if key is Ellipsis else written(key)


class Written:
    """An option in a template of code: ``{axis}`` is its value in Python, ``{key.key}`` an index."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def key(self) -> str:
        """The value as it stands between brackets."""
        return written_key(self.value)

    def __str__(self) -> str:
        return written(self.value)
