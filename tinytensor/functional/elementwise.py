"""Elementwise compositions: selection and bounds.

Read next: ``shapes.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine import apply
from ..errors import wrong_call
from ..node import Node
from ..operators import as_array, plain
from ..primitives import astype
from ..rules.table import composed


@composed(np.where)
def where(condition: Any, *choices: Any) -> Any:
    """``np.where(condition, x, y)``: x where the condition holds, y elsewhere.

    With the condition alone, the indices where it holds: plain arrays, as ``np.nonzero``.
    """
    if not choices:
        return np.nonzero(condition)
    if not any(isinstance(choice, Node) for choice in choices):
        return np.where(plain(condition), *choices)
    return apply(np.where, (condition, *choices))


@composed(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None, out: None = None) -> Any:
    """``np.clip``: values held within [a_min, a_max]; None leaves a side open."""
    if out is not None:
        raise wrong_call(np.clip, "the keyword out= has no rule", "out")
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None and high is None:
        raise TypeError("clip: give a_min, a_max, or both")
    return apply(np.clip, (a, -math.inf if low is None else low, math.inf if high is None else high))


@composed(np.around)
def around(a: Any, decimals: int = 0, **others: Any) -> Any:
    """``np.around``: rounded to a number of decimals, halves to even; its gradient is 0."""
    refuse(np.around, others)
    return apply(np.round, (a, decimals))


@composed(np.fix)
def fix(x: Any, **others: Any) -> Any:
    """``np.fix``: rounded towards 0, as ``np.trunc``; its gradient is 0."""
    refuse(np.fix, others)
    return apply(np.trunc, (x,))


@composed(np.divmod)
def divmod_(x: Any, y: Any, **others: Any) -> tuple[Any, Any]:
    """``np.divmod``: the floor of the quotient, and the remainder."""
    refuse(np.divmod, others)
    return np.floor_divide(x, y), np.remainder(x, y)


@composed(np.float_power)
def float_power(x: Any, y: Any, **others: Any) -> Any:
    """``np.float_power``: a power of floating numbers, also where integers were given.

    Unlike NumPy's, which computes in float64 always, float32 stays float32.
    """
    refuse(np.float_power, others)
    return apply(np.power, (_floating(x), _floating(y)))


@composed(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """``np.nan_to_num``: numbers in place of nan and infinities, which get no gradient."""
    if not copy:
        raise wrong_call(np.nan_to_num, "copy=False would write into the tensor; use the returned one")
    return apply(np.nan_to_num, (x,), {"nan": nan, "posinf": posinf, "neginf": neginf})


def refuse(function: Any, others: dict[str, Any]) -> None:
    """Raise for the keywords that a composition was not written for (``out=None`` says nothing)."""
    for name, value in others.items():
        if name != "out" or value is not None:
            raise wrong_call(function, f"the keyword {name}= has no rule", name)


def array_or_tensor(a: Any) -> Any:
    """A tensor as it is, anything else as an array."""
    return a if isinstance(a, Node) else as_array(a)


def _floating(x: Any) -> Any:
    """Integers as floating numbers; a Python number stays weak."""
    if isinstance(x, (bool, int, float)):
        return float(x)
    x = array_or_tensor(x)
    return x if np.result_type(plain(x)).kind in "fc" else astype(x, np.float64)
