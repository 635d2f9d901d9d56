"""Idioms: the same values by other calls, where NumPy has a faster one.

Each is a pattern and what stands for it; a figure says what it saved, on 64 rows of 128 float32. None changes more than the
last digits. Read next: ``families.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import vocabulary as words
from .ir import Op, Var
from .memory import is_reduction
from .simplify import Program, call, drop_unused, rewrite, share


def use_idioms(program: Program) -> None:
    """Rewrite a program with NumPy's faster ways."""
    rectified: dict[Var, Var] = {}
    for op in program.ops:
        if op.function is np.maximum and _is_zero(op.args[1]) and isinstance(op.args[0], Var):
            rectified[op.args[0]] = op.out

    def change(op: Op) -> list[Op] | None:
        return _without_initial(op) or _sign_of_rectified(op, rectified) or _product_with_vector(op)

    rewrite(program, change)
    share(program)
    drop_unused(program)


def _is_zero(value: Any) -> bool:
    if isinstance(value, Var):
        return value.is_constant and value.shape == () and bool(value.value == 0)
    return isinstance(value, (int, float)) and value == 0


def _without_initial(op: Op) -> list[Op] | None:
    """A maximum over an axis that has elements needs no -inf to start from: 6.3 us become 5.1."""
    if not is_reduction(op) or op.function.__self__ is not np.maximum or "initial" not in op.kwargs:  # type: ignore[attr-defined]
        return None
    kwargs = dict(op.kwargs)
    if kwargs.pop("initial") != -np.inf or not isinstance(op.args[0], Var) or not op.args[0].value.size:
        return None
    return [call(op.function, op.args, kwargs, op)]


def _sign_of_rectified(op: Op, rectified: dict[Var, Var]) -> list[Op] | None:
    """``x > 0`` is ``relu(x) > 0``, so that relu may write over x: one array less to go through the cache."""
    if op.function is not np.greater or len(op.args) != 2 or not _is_zero(op.args[1]):
        return None
    relu = rectified.get(op.args[0])
    return None if relu is None else [call(np.greater, (relu, op.args[1]), {}, op)]


def _product_with_vector(op: Op) -> list[Op] | None:
    """``np.dot`` hands a vector and a matrix to BLAS with less ado than ``np.matmul``: 1.3 us become 0.9."""
    if op.function is not np.matmul or op.kwargs or not all(isinstance(arg, Var) for arg in op.args):
        return None
    dimensions = [arg.value.ndim for arg in op.args]
    if sorted(dimensions) not in ([1, 2], [1, 1]) or op.out.dtype.kind != "f":
        return None
    if len({arg.dtype for arg in op.args}) != 1:
        return None
    return [call(np.dot, op.args, {}, op)]


def inlined(program: Program) -> set[Op]:
    """Calls on single numbers that only a check looks at: they are written into its `if`."""
    users: dict[Var, list[Op]] = {}
    for op in program.ops:
        for var in op.inputs():
            users.setdefault(var, []).append(op)
    kept = set(program.kept())
    found: set[Op] = set()
    for op in reversed(program.ops):
        others = users.get(op.out, [])
        only_checked = bool(others) and all(user.function is words.check or user in found for user in others)
        if only_checked and op.out.shape == () and op.out not in kept and len(others) == 1:
            found.add(op)
    return found
