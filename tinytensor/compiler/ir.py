"""What a trace is written in: values, and the NumPy calls that make them.

A `Var` is computed once and never changes: an update in place is a new Var. An `Op` is one call.
Nothing here knows memory, names or text. Read next: ``standin.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Var:
    """One value of the traced program.

    Attributes
    ----------
    value : ndarray, or a tuple of them
        What it was while the function was watched: its shape and dtype are those of every call.
    op : Op or None
        What makes it; None for what is given.
    source : tuple or None
        For what is given: where each call finds it, such as ``("argument", 0)``.
    hint : str
        A name for the text, if one is known.
    gradient_of : Var or None
        What it is the gradient of.
    called : str
        What the user calls it.
    """

    __slots__ = ("called", "gradient_of", "hint", "op", "source", "value")

    def __init__(self, value: Any, op: Op | None = None, source: tuple[Any, ...] | None = None, hint: str = "") -> None:
        self.value, self.op, self.source, self.hint = value, op, source, hint
        self.gradient_of: Var | None = None
        self.called = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        return self.value.shape if hasattr(self.value, "shape") else np.shape(self.value)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        return np.dtype(getattr(self.value, "dtype", np.float64))  # a Python float has none

    @property
    def is_constant(self) -> bool:
        """Whether it is the same at every call."""
        return self.source is not None and self.source[0] == "constant"

    def __repr__(self) -> str:
        made = self.source if self.op is None else getattr(self.op.function, "__name__", self.op.function)
        return f"<Var {self.hint or hex(id(self))} {self.shape} of {made}>"


class Op:
    """One call of a function, with Vars among its arguments.

    Attributes
    ----------
    function : callable
        A NumPy function, one of the few in ``vocabulary.py``, or a forward or rule that is called as it is.
    args, kwargs : tuple, dict
        Its arguments; Vars may stand in tuples and lists there.
    out : Var
        The result.
    origin : Origin or None
        Which line of the user's code it came from.
    """

    __slots__ = ("args", "function", "kwargs", "origin", "out")

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], value: Any, origin: Any
    ) -> None:
        self.function, self.args, self.kwargs, self.origin = function, args, kwargs, origin
        self.out = Var(value, self)

    def inputs(self) -> list[Var]:
        """The Vars among the arguments, in order."""
        return vars_in((self.args, self.kwargs))

    def replace(self, new: dict[Var, Var]) -> None:
        """Put other Vars in the place of some."""
        if not new.keys().isdisjoint(self.inputs()):
            self.args, self.kwargs = substituted(self.args, new), substituted(self.kwargs, new)

    def __repr__(self) -> str:
        return f"<Op {getattr(self.function, '__name__', self.function)} -> {self.out.hint} {self.out.shape}>"


def vars_in(value: Any) -> list[Var]:
    """The Vars in an argument: itself, or those in tuples, lists and dicts, in order."""
    found, stack = [], [value]
    while stack:
        item = stack.pop()
        if type(item) is Var:
            found.append(item)
        elif isinstance(item, (tuple, list)):
            stack += item[::-1]
        elif isinstance(item, dict):
            stack += reversed(item.values())
    return found


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """An argument with `change` made to everything in it that is not a tuple, list or dict."""
    if isinstance(value, tuple):
        items = [mapped(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {name: mapped(item, change) for name, item in value.items()}
    return change(value)


def substituted(value: Any, new: dict[Var, Var]) -> Any:
    """An argument with other Vars in the place of some."""
    return mapped(value, lambda item: new.get(item, item) if isinstance(item, Var) else item)


def evaluate(function: Callable[..., Any], args: Any, kwargs: Any, value_of: Callable[[Var], Any]) -> Any:
    """Call `function` with the values of the Vars among its arguments."""

    def plain(item: Any) -> Any:
        return value_of(item) if isinstance(item, Var) else item

    return function(*mapped(tuple(args), plain), **mapped(kwargs, plain))
