"""Phrases: how each call is written in the source.

One function per word, from the operands' texts to lines of NumPy. Nothing here knows where values lie. Read
next: ``constants.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from . import vocabulary as words
from .ir import Op, Var
from .memory import is_reduction

Text = Callable[[Any], str]

GENERATED = "np"


def literal(value: Any) -> str:
    """A plain value as Python text."""
    if isinstance(value, np.dtype):
        return f"np.{value.name}" if value.name != "bool" else "np.bool"
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({literal(value.item())})"
    if isinstance(value, float) and not np.isfinite(value):
        return "np.nan" if np.isnan(value) else "np.inf" if value > 0 else "-np.inf"
    if value is Ellipsis:
        return "..."
    if isinstance(value, str):
        return quoted(value)
    return repr(value)


def quoted(text: str) -> str:
    """A text between double quotes."""
    return json.dumps(text, ensure_ascii=False)


def spelled(value: Any, name: Text) -> str:
    """An argument as text, with the names of the Vars in it."""
    if isinstance(value, Var):
        return name(value)
    if isinstance(value, tuple):
        return f"({', '.join(spelled(v, name) for v in value)}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(spelled(v, name) for v in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k!r}: {spelled(v, name)}' for k, v in value.items())}}}"
    if callable(value) and not isinstance(value, type):
        return name(value)
    return literal(value)


def key(value: Any, name: Text) -> str:
    """What stands between the brackets of an index."""
    if isinstance(value, tuple) and value:
        return ", ".join(key(part, name) for part in value) + "," * (len(value) == 1)
    if isinstance(value, slice):
        start, stop, step = (
            "" if part is None else spelled(part, name) for part in (value.start, value.stop, value.step)
        )
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return spelled(value, name)


def word(function: Any) -> str:
    """What a function is called."""
    return str(getattr(function, "__name__", ""))


def function_name(function: Any) -> str | None:
    """A NumPy function by its full name; None for what is not NumPy's."""
    if function is float:
        return "float"
    owner: Any = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{word(function)}"
    if isinstance(function, np.ufunc):
        return f"np.{word(function)}" if getattr(np, word(function), None) is function else None
    for module, prefix in ((np, "np"), (np.linalg, "np.linalg"), (np.fft, "np.fft")):
        if getattr(module, word(function), None) is function:
            return f"{prefix}.{word(function)}"
    return None


def member_text(flat: str, start: int, stop: int, shape: tuple[int, ...], by_columns: bool) -> str:
    """One of the arrays in a flat one, as an expression."""
    part = f"{flat}[{start}:{stop}]"
    if by_columns:
        return f"{part}.reshape{shape[::-1]}.T"
    return part if len(shape) == 1 else f"{part}.reshape{shape or '(())'}"


def expression(op: Op, name: Text) -> str:
    """A call as an expression with a result of its own."""
    args = op.args
    if op.function is words.getitem:
        return f"{spelled(args[0], name)}[{key(args[1], name)}]"
    if op.function is words.member:
        return member_text(name(args[0]), *args[1:])
    if op.function is words.reinterpreted:
        return f"{name(args[0])}.view({literal(args[1])})"
    if op.function is words.astype:
        return f"{name(args[0])}.astype({literal(args[1])})"
    if op.function is words.drawn:
        return f"{name(args[0])}.random({args[1]}, np.float32)"
    if op.function is np.transpose and len(args) == 1 and not op.kwargs and args[0].value.ndim <= 2:
        return f"{name(args[0])}.T"
    if op.function is words.fitted_to:
        return f"np.array(np.broadcast_to({spelled(args[0], name)}, {args[1]}), {literal(args[2])})"
    called = function_name(op.function) or name(op.function)
    given = [spelled(arg, name) for arg in args]
    given += [f"{k}={spelled(v, name)}" for k, v in op.kwargs.items()]
    return f"{called}({', '.join(given)})"


def statements(op: Op, out: str | None, result: str, name: Text) -> list[str]:
    """A call as lines: into the memory named `out`, or as a new value named `result`."""
    args = op.args
    if op.function is words.check:
        return [f"if {name(args[0])}:", f"    raise ValueError({quoted(args[1])})"]
    if op.function in (words.updated, words.scattered, words.less_one_at):
        return changed_copy(op, out, result, name)
    if op.function is words.at_labels:
        text = f"{name(args[0])}[{name(args[1])}, {name(args[2])}]"
        return [f"{out}[...] = {text}" if out else f"{result} = {text}"]
    if out is None:
        return [f"{result} = {expression(op, name)}"]
    if op.function is np.where:
        condition, x, y = (spelled(arg, name) for arg in args)
        if out not in (x, condition):
            first = [] if out == y else [f"np.copyto({out}, {y})"]
            return [*first, f"np.copyto({out}, {x}, where={condition})"]
        return [f"{out}[...] = {expression(op, name)}"]
    if op.function is words.astype:
        return [f"{out}[...] = {name(args[0])}"]  # in half the time of np.copyto
    if op.function is words.fitted_to:
        return [f"np.copyto({out}, {spelled(args[0], name)}, casting='unsafe')".replace("'", '"')]
    if op.function is words.drawn:
        return [f"{name(args[0])}.random(out={out}, dtype=np.float32)"]
    text = expression(op, name)
    return [f"{text[:-1]}, out={out})"]


def changed_copy(op: Op, out: str | None, result: str, name: Text) -> list[str]:
    """A copy of an array with some elements changed."""
    target = out or result
    first, where, value = op.args[-3:]
    start = f"np.copyto({out}, {name(first)})" if out else f"{result} = {name(first)}.copy()"
    if op.function is words.updated:
        return [start, f"{target}[{key(where, name)}] = {spelled(value, name)}"]
    if op.function is words.less_one_at:
        return [start, f"{target}[{name(where)}, {name(value)}] -= 1"]
    return [start, f"{function_name(op.args[0])}.at({target}, {spelled(where, name)}, {spelled(value, name)})"]


def word_for(op: Op) -> str:
    """A name for a result that has none: what the call is called."""
    if is_reduction(op):
        ufunc = op.function.__self__  # type: ignore[attr-defined]  # a ufunc's method
        names = {"add": "total", "maximum": "highest", "minimum": "lowest", "multiply": "product"}
        return names.get(ufunc.__name__, f"{ufunc.__name__}_reduced")
    if op.function is words.getitem:
        return "part"
    return str(op.function.__name__).removeprefix("<").removesuffix(">")
