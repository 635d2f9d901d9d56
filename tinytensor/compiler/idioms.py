"""Idioms: the same values by other calls, where NumPy has a faster one.

Each is a pattern and what stands for it; a figure says what it saved, on 64 rows of 10 or of 128 float32. None changes
more than the last digits. Read next: ``families.py``.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from . import vocabulary as words
from .ir import Op, Var
from .memory import is_reduction
from .simplify import Program, call, drop_unused, rewrite, share

NUMBERS = (int, float, np.floating)
LARGE = 4096  # elements of a product with a mask, from which on the mask is better not an array of floats too


def use_idioms(program: Program) -> None:
    """Rewrite a program with NumPy's faster ways."""
    rectified: dict[Var, Var] = {}
    for op in program.ops:
        if op.function is np.maximum and _is_zero(op.args[1]) and isinstance(op.args[0], Var):
            rectified[op.args[0]] = op.out

    labels = _checked_labels(program)

    def change(op: Op) -> list[Op] | None:
        found = _without_initial(op) or _sign_of_rectified(op, rectified) or _product_with_vector(op)
        found = found or _mean_of_vector(op) or _times_bools(op)
        return found or _at_labels(op, labels) or _less_one_hot(op, labels)

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


def _times_bools(op: Op) -> list[Op] | None:
    """NumPy casts bools as it multiplies, piece by piece: no array of floats for a large mask. 0.98 of a step at L."""
    if op.function is not np.multiply or op.kwargs or op.out.value.size < LARGE:
        return None
    makers = [arg.op if isinstance(arg, Var) else None for arg in op.args]
    for place, maker in enumerate(makers):
        other = op.args[1 - place]
        if maker is None or maker.function is not words.astype or maker.args[0].dtype != bool:
            continue
        if isinstance(other, Var) and other.dtype == maker.out.dtype == op.out.dtype:
            args = (other, maker.args[0])
            return [call(np.multiply, args if place else args[::-1], {}, op)]
    return None


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


def _checked_labels(program: Program) -> dict[Var, int]:
    """Labels of which a check has found that all are from 0 to below a number."""
    found: dict[Var, int] = {}
    for op in program.ops:
        if op.function is words.check and (test := op.args[0].op) is not None and test.function is np.greater_equal:
            highest = test.args[0].op if isinstance(test.args[0], Var) else None
            if highest is not None and highest.function == np.maximum.reduce and type(test.args[1]) is int:
                unsigned = highest.args[0].op  # a negative label is a huge one without its sign
                if unsigned is not None and unsigned.function is words.reinterpreted:
                    found[unsigned.args[0]] = test.args[1]
    return {var: count for var, count in found.items() if var.dtype == np.intp and var.value.ndim == 1}


def _at_labels(op: Op, labels: dict[Var, int]) -> list[Op] | None:
    """Take the labels' elements by their places in memory: 0.9 us become 0.2."""
    if op.function is not words.getitem or not isinstance(op.args[1], tuple) or len(op.args[1]) != 2:
        return None
    x, (rows, columns) = op.args
    if not isinstance(columns, Var) or columns not in labels or x.value.ndim != 2:
        return None
    if x.shape[1] != labels[columns] or not _counts(rows, (x.shape[0],)):
        return None
    return [call(words.at_labels, (x, rows, columns), {}, op)]


def _less_one_hot(op: Op, labels: dict[Var, int]) -> list[Op] | None:
    """Subtract a one where the label is, in place of a whole row of zeros and a one: 3.4 us become 0.9."""
    if op.function is not np.subtract or op.kwargs or not all(isinstance(arg, Var) for arg in op.args):
        return None
    x, hot = op.args
    columns = _one_hot_of(hot)
    if columns not in labels or x.value.ndim != 2 or x.shape != op.out.shape or x.shape[1] != labels[columns]:
        return None
    rows = np.arange(x.shape[0])
    return [call(words.less_one_at, (x, Var(rows, source=("constant", rows), hint="rows"), columns), {}, op)]


def _one_hot_of(hot: Var) -> Any:
    """The labels whose one-hot rows these are, if they are."""
    op = hot.op
    if op is not None and op.function is np.transpose and len(op.args) == 1:
        op = op.args[0].op
        if op is not None and op.function is np.equal and _counts(op.args[0], (hot.shape[1], 1)):
            return op.args[1]
    elif op is not None and op.function is np.equal and _counts(op.args[1], (hot.shape[1],)):
        column = op.args[0].op if isinstance(op.args[0], Var) else None
        if column is not None and column.function is words.getitem and column.args[1] == (Ellipsis, None):
            return column.args[0]
    return None


def _counts(value: Any, shape: tuple[int, ...]) -> bool:
    """Whether a value is 0, 1, 2, … in this shape."""
    constant = value.value if isinstance(value, Var) and value.is_constant else value
    return isinstance(constant, np.ndarray) and np.array_equal(constant, np.arange(prod(shape)).reshape(shape))


def _mean_of_vector(op: Op) -> list[Op] | None:
    """The sum of a vector over a number is its product with a vector of that number's inverse: 1.1 us become 0.5."""
    if op.function is not np.divide or len(op.args) != 2 or not isinstance(op.args[0], Var):
        return None
    total, count = op.args[0].op, op.args[1]
    if total is not None and total.function is np.negative and isinstance(total.args[0], Var):
        total, count = total.args[0].op, -count if isinstance(count, NUMBERS) else None
    if total is None or total.function != np.add.reduce or not isinstance(count, NUMBERS) or not count:
        return None
    vector = total.args[0]
    whole = {"axis": None}.items() <= total.kwargs.items() and total.kwargs.keys() == {"axis"}
    if (
        not whole
        or vector.value.ndim != 1
        or vector.dtype.kind != "f"
        or vector.dtype.itemsize < 4
        or not vector.value.size
    ):
        return None
    weights = np.full(vector.shape, 1 / float(count), vector.dtype)
    return [call(np.dot, (vector, Var(weights, source=("constant", weights), hint="mean_weights")), {}, op)]


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
