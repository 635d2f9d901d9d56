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
from ..operators import plain
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
