"""Words for pictures: an operation with its plain arguments, an array in full or in summary.

Nothing here knows graphviz or HTML. Read next: ``sketch.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..node import Node
from ..primitives import index
from ..rules.table import RULES, SYMBOLS, name_of
from ..value import Value

LONGEST = 48  # characters of an operation's text
WIDEST = 8  # numbers in a row; of a longer row only a summary is shown


def is_array(arg: Any) -> bool:
    """Whether an argument is data worth a place of its own in a picture: an array, not a number."""
    return isinstance(arg, np.ndarray) and arg.size > 1


def drawn_arguments(node: Any) -> list[Any]:
    """The nodes and arrays among an operation's arguments, in order, those in sequences included."""
    found: list[Any] = []
    for arg in node._args:
        inside = arg if isinstance(arg, (list, tuple)) and node._function is not index else (arg,)
        found += [item for item in inside if isinstance(item, Node) or is_array(item)]
    return found


def operation_text(node: Any) -> str:
    """What made a node, with the arguments that are no nodes or arrays.

    Examples
    --------
    >>> import tinytensor as tt
    >>> x = tt.Tensor([[1.0, 2.0]], requires_grad=True)
    >>> [operation_text(y) for y in (x * 2, 1 - x, x.sum(axis=1, keepdims=True), x[0, 1:], np.exp(x))]
    ['* 2', '1 -', 'sum(axis=1, keepdims=True)', '[0, 1:]', 'exp']
    """
    if isinstance(node, Value) or node._function not in RULES:
        return str(node._op)
    function, args = node._function, node._args
    if function is index:
        return shortened(f"[{key_text(args[1])}]")
    row = RULES[function]
    name, symbol = name_of(function), SYMBOLS.get(name_of(function), "")
    plain = [(k, arg) for k, arg in enumerate(args) if not _is_drawn(arg)]
    if symbol and len(args) == 2 and len(plain) == 1 and not node._kwargs:
        position, number = plain[0]
        return f"{symbol} {word(number)}" if position else f"{word(number)} {symbol}"
    is_ufunc = isinstance(function, np.ufunc)
    words = [word(arg) if is_ufunc or k >= len(row.names) else f"{row.names[k]}={word(arg)}"
             for k, arg in plain if arg is not None]  # fmt: skip
    words += [f"{key}={word(value)}" for key, value in node._kwargs.items()
              if value is not None and (key, value) != ("keepdims", False)]  # fmt: skip
    return shortened(f"{name}({', '.join(words)})") if words else symbol or name


def _is_drawn(arg: Any) -> bool:
    if isinstance(arg, (list, tuple)):
        return any(isinstance(item, Node) or is_array(item) for item in arg)
    return isinstance(arg, Node) or is_array(arg)


def key_text(key: Any) -> str:
    """What stood between the brackets of ``x[…]``."""
    if isinstance(key, tuple):
        return ", ".join(map(key_text, key))
    if isinstance(key, slice):
        start, stop, step = ("" if part is None else str(part) for part in (key.start, key.stop, key.step))
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    return "…" if key is Ellipsis else word(key)


def word(value: Any) -> str:
    """A plain argument in few characters."""
    if isinstance(value, np.ndarray) and value.size > WIDEST:
        return f"{value.dtype}{value.shape}"
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (float, complex)):
        return number(value)
    return getattr(value, "__name__", None) or str(value)


def shortened(text: str, most: int = LONGEST) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def number(value: Any) -> str:
    """A number in four significant digits; integers and truth values in full."""
    if isinstance(value, (float, np.floating, complex)):
        value = f"{value:.4g}"
    return "0" if value == "-0" else str(value)


def in_full(data: Any, max_elements: int) -> bool:
    """Whether all of an array's numbers are shown."""
    array = np.asarray(data)
    return 0 < array.size <= max_elements and array.ndim <= 3 and (not array.ndim or array.shape[-1] <= WIDEST)


def summary(data: Any) -> str:
    """A large array in one line: its least, mean and greatest number, and how many are none."""
    array = np.asarray(data)
    if not array.size:
        return "empty"
    if array.dtype.kind == "b":
        return f"{np.count_nonzero(array):,} of {array.size:,} True"
    finite = array[np.isfinite(array)]
    words = [f"{array.size - finite.size:,} of {array.size:,} not finite"] if finite.size < array.size else []
    if finite.size:
        facts = zip(("min", "mean", "max"), (finite.min(), finite.mean(dtype=float), finite.max()), strict=True)
        words = [f"{name} {number(fact)}" for name, fact in facts] + words
    return ", ".join(words)
