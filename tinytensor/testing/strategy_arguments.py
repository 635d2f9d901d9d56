"""Arguments of the strategies, checked when a strategy is made: what can't be drawn is refused at once.

Hypothesis is imported here, with the extra to install where it is missing.
Read next: ``choices.py``.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from .memory import LAYOUTS
from .values import OFFSETS

try:
    from hypothesis import strategies as st
    from hypothesis.errors import InvalidArgument
    from hypothesis.extra import numpy as hnp
except ImportError:
    raise ImportError("the strategies need Hypothesis: pip install 'tinytensor[testing]'") from None

__all__ = ["st", "hnp"]

MAX_DIMS = 32  # as many as NumPy's broadcasting takes
Shape = tuple[int, ...]


def checked_int(name: str, argument: str, value: Any, low: int, high: int) -> int:
    """An integer within bounds."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}: {argument} is {value!r}; expected an integer")
    if not low <= operator.index(value) <= high:
        raise ValueError(f"{name}: {argument} is {value}; expected {low} to {high}")
    return operator.index(value)


def checked_sizes(name: str, what: str, low: Any, high: Any) -> None:
    """The bounds ``min_…`` and ``max_…`` of what is counted."""
    most = MAX_DIMS if what == "dims" else 2**31
    checked_int(name, f"min_{what}", low, 0, most)
    checked_int(name, f"max_{what}", high, 0, most)
    if low > high:
        raise ValueError(f"{name}: min_{what}={low} is above max_{what}={high}; swap them")


def checked_operand(name: str, argument: str, value: Any, low: int = 1) -> None:
    """A number of operands, or which one (with ``low=0``)."""
    checked_int(name, argument, value, low, len(OFFSETS) - 1 + low)


def checked_flags(name: str, **flags: Any) -> None:
    """True or False."""
    for argument, value in flags.items():
        if not isinstance(value, (bool, np.bool)):
            raise TypeError(f"{name}: {argument} is {value!r}; expected True or False")


def checked_dtype(name: str, dtype: npt.DTypeLike) -> np.dtype[Any]:
    """A floating dtype."""
    found = np.dtype(dtype)
    if found.kind != "f":
        raise TypeError(f"{name}: dtype is {found}, which has no gradients; expected float16, float32 or float64")
    return found


def checked_layout(name: str, layout: Any) -> None:
    """The name of a layout, or "any"."""
    if layout != "any" and layout not in LAYOUTS:
        raise ValueError(f"{name}: there is no layout {layout!r}; expected any, {', '.join(LAYOUTS)}")


def shape_of(name: str, shape: Any, argument: str = "shape") -> Shape:
    """A shape given as a tuple, a list or a number."""
    sides = shape if isinstance(shape, (tuple, list)) else (shape,)
    if len(sides) > MAX_DIMS:
        raise ValueError(f"{name}: {argument} has {len(sides)} axes; expected {MAX_DIMS} at most")
    return tuple(checked_int(name, argument, side, 0, 2**31) for side in sides)


def checked_shape(name: str, shape: Any) -> st.SearchStrategy[Shape]:
    """A strategy of shapes, from a shape or such a strategy."""
    if isinstance(shape, st.SearchStrategy):
        return shape.map(lambda drawn: shape_of(name, drawn, "what its strategy drew for shape"))
    return st.just(shape_of(name, shape))


def checked_range(name: str, low: Any, high: Any, dtype: np.dtype[Any]) -> tuple[float, float]:
    """Bounds of values with numbers of the dtype between them."""
    bounds: dict[str, Any] = {"low": -4.0 if low is None else low, "high": 4.0 if high is None else high}
    for argument, value in bounds.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise TypeError(f"{name}: {argument} is {value!r}; expected a number")
        if not abs(float(value)) <= float(np.finfo(dtype).max):  # nor nan
            raise ValueError(f"{name}: {argument} is {value}; expected a finite {dtype}")
    least, most = map(float, bounds.values())
    if not most - least > 64 * float(np.finfo(dtype).eps) * max(abs(least), abs(most)):
        raise ValueError(f"{name}: nothing to draw lies between low={least} and high={most}; give a low below high")
    return least, most


def checked_signature(name: str, signature: Any) -> int:
    """The signature of a gufunc; returns its number of operands."""
    if not isinstance(signature, str):
        raise TypeError(f'{name}: signature is {signature!r}; expected a string like "(n?,k),(k,m?)->(n?,m?)"')
    try:
        hnp.mutually_broadcastable_shapes(signature=signature).validate()
    except InvalidArgument:
        raise ValueError(f'{name}: {signature!r} is no signature; expected one like "(n?,k),(k,m?)->(n?,m?)"') from None
    count = signature.partition("->")[0].count("(")
    checked_int(name, "the number of operands in signature", count, 1, len(OFFSETS))
    return count
