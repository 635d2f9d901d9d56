"""Numbers that are not finite: which operation made them, out of what, in words.

Nothing here watches anything. Read next: ``anomaly.py``, which does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .calls import operands
from .lines import users_line
from .node import Node
from .rules.table import Rule, everywhere, name_of


class AnomalyError(FloatingPointError):
    """A NaN or an infinity, and the operation that made it; or elements written after they were used."""

    __module__ = "tinytensor"


def kind_of(data: Any) -> str:
    """What is wrong with numbers: "nan", "inf" or ""."""
    data = np.asarray(data)
    if data.dtype.kind != "f" or np.isfinite(data).all():
        return ""
    return "nan" if np.isnan(data).any() else "inf"


def is_made(out: Any, given: list[Any]) -> bool:
    """Whether a NaN came out where none went in, or an infinity where all was finite."""
    kind = kind_of(out)
    kinds = [kind_of(data) for data in given]
    return bool(kind) and not any(kinds if kind == "inf" else [k == "nan" for k in kinds])


def describe(data: Any) -> str:
    """An operand in one line: shape, dtype and range."""
    array = np.asarray(data)
    if not array.ndim:
        return str(array)
    if not array.size or array.dtype.kind not in "fiub":
        return f"shape {array.shape}, {array.dtype}"
    finite = array[np.isfinite(array)]
    extent = f"from {finite.min()} to {finite.max()}" if finite.size else "nothing finite"
    lost = array.size - finite.size
    return f"shape {array.shape}, {array.dtype}, {extent}" + (f", {lost} of {array.size} not finite" if lost else "")


def first_bad(data: Any) -> tuple[int, ...]:
    """The index of the first element of the worse kind."""
    array = np.asarray(data)
    bad = np.isnan(array) if kind_of(array) == "nan" else np.isinf(array)
    return tuple(int(k) for k in np.argwhere(bad)[0])


def place_of(data: Any) -> str:
    """The first bad element in words: "nan at [1, 2]"."""
    index = first_bad(data)
    return f"{np.asarray(data)[index]}" + (f" at {list(index)}" if index else "")


def named_args(row: Rule, args: list[Any]) -> list[tuple[str, Any]]:
    """The arrays among the arguments of a call, by the names that the rule has for them."""
    found: list[tuple[str, Any]] = []
    for position, arg in enumerate(args):
        name = row.names[position] if position < len(row.names) else f"argument {position}"
        if isinstance(arg, list):
            found += [(f"{name}[{i}]", item) for i, item in enumerate(arg)]
        elif isinstance(arg, (np.ndarray, np.generic, float, int)) and not isinstance(arg, bool):
            found.append((name, arg))
    return found


def there(row: Rule, shape: tuple[int, ...], index: tuple[int, ...], named: list[tuple[str, Any]]) -> str:
    """The operands at one element of the output, where the operation goes element by element."""
    if row.spread is not everywhere and not (len(named) == 1 and np.shape(named[0][1]) == shape):
        return ""
    values = [f"{name} is {np.broadcast_to(data, shape)[index]}" for name, data in named]
    return f", where {' and '.join(values)}"


def words(title: str, line: Any, parts: list[tuple[str, Any]]) -> AnomalyError:
    """The error: what happened, where, and with what."""
    lines = [title] + ([f"line: {line}"] if line is not None else [])
    return AnomalyError("\n  ".join(lines + [f"{name}: {describe(data)}" for name, data in parts]))


def look_forward(row: Rule, out: Any, named: list[tuple[str, Any]]) -> None:
    """Raise where an operation made something not finite, or was given a NaN."""
    name, given = name_of(row.function), [data for _, data in named]
    if is_made(out, given):
        at = there(row, np.shape(out), first_bad(out), named)
        raise words(f"{name}: the result has {place_of(out)}{at}", users_line(), named)
    for which, data in named:
        if kind_of(data) == "nan":  # no operation made it, or it would have been found there
            raise words(
                f"{name}: its operand {which} has {place_of(data)} already: it was given so", users_line(), named
            )


def operand_names(row: Rule, node: Node) -> list[str]:
    """The names of a node's operands, in the order of `calls.operands`."""

    def name(position: int, i: int | None) -> str:
        known = row.names[position] if position < len(row.names) else f"argument {position}"
        return known if i is None else f"{known}[{i}]"

    return [name(position, i) for position, i, _ in operands(node)]
