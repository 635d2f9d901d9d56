"""Constants as text: small arrays as the expressions that a person would write, and names for them.

It knows no program. Read next: ``given.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .phrases import literal


def small_constant(value: Any) -> str:
    """A small array as an expression, or nothing."""
    array = np.asarray(value)
    dtype = literal(array.dtype)
    if array.ndim == 0:
        return f"np.array({shortest(array)}, {dtype})"
    if not array.size:
        return f"np.empty({array.shape}, {dtype})"
    if array.ndim == 1 and array.dtype.kind == "i" and array.size and np.array_equal(array, np.arange(array.size)):
        return f"np.arange({array.size}, dtype={dtype})"
    if array.size and array.dtype.kind == "f" and array.size > 1 and bool(np.all(array == array.flat[0])):
        number = array.flat[0].item()
        made = (
            f"np.ones({array.shape}, {dtype})" if number == 1 else f"np.full({array.shape}, {literal(number)}, {dtype})"
        )
        return made.replace("(1,)", "1") if array.ndim != 1 else made.replace(f"({array.size},)", str(array.size))
    if array.size <= 8:
        return f"np.array({array.tolist()}, {dtype})".replace("inf", "np.inf").replace("nan", "np.nan")
    return ""


def shortest(number: Any) -> str:
    """The fewest digits that give the same number in its own dtype."""
    number = np.asarray(number)
    return str(number[()]) if number.dtype.kind == "f" and np.isfinite(number) else literal(number.item())


def constant_name(value: Any) -> str:
    """A name for a constant: a number by its digits."""
    array = np.asarray(value)
    if array.ndim:
        is_same = bool(array.size) and bool(np.all(array == array.flat[0]))
        return "indices" if array.dtype.kind == "i" else "ones" if is_same and array.flat[0] == 1 else "constant"
    names = {0.0: "zero", 1.0: "one", 2.0: "two", 0.5: "half", -1.0: "minus_one"}
    number = array.item()
    if number in names:
        return names[number]
    return "number_" + shortest(array).removesuffix(".0").replace("-", "minus_").replace(".", "_").replace("+", "")
