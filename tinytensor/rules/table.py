"""The rule table: which derivative belongs to which NumPy function.

One row per function. A row has one entry per array argument, in NumPy's order and with NumPy's
parameter names; the entry is a *vector-Jacobian product* (vjp) in plain NumPy::

    rule(np.multiply, lambda g, out, x, y: g * y,
                      lambda g, out, x, y: g * x)

``g`` is the gradient arriving at the output, ``out`` the output, then the arguments. ``None`` in
place of an entry means "mathematically no gradient". An entry with a keyword ``i`` belongs to an
argument that is a sequence of arrays, and is asked for the gradient of element ``i``.

This file refuses to know Tensors, graphs and broadcasting. Read next: ``rules/elementwise.py``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., Any]
Spread = Callable[..., tuple[int, ...]]

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Rule:
    """One row of the table: a function, what runs on arrays, and its vjps.

    Attributes
    ----------
    function : callable
        The function as a user calls it, and the key of the row.
    forward : callable
        What computes the output from plain arrays (NumPy's function itself, nearly always).
    vjps : tuple of callable or None
        One entry per array argument.
    foreign : bool
        Whether `forward` is a user's own function.
    arriving : callable or None
        ``arriving(g, out, *args, **kwargs)`` is what the entries are given in place of ``g``: what they would all
        compute, done once. None where there is no such thing.
    spread : callable or None
        ``spread(position, out, *args, **kwargs)`` is the shape that the argument was broadcast to;
        None where the function does not broadcast its arguments.
    """

    __slots__ = (
        "arriving",
        "foreign",
        "forward",
        "function",
        "keywords",
        "names",
        "positions",
        "sequences",
        "spread",
        "vjps",
    )

    def __init__(
        self,
        function: Function,
        forward: Function,
        vjps: tuple[Function | None, ...],
        spread: Spread | None,
        arriving: Function | None = None,
    ) -> None:
        self.function, self.forward, self.vjps = function, forward, vjps
        self.spread, self.arriving, self.positions = spread, arriving, range(len(vjps))
        # Errors of NumPy's functions are put in better words; those of a user's own are left alone.
        self.foreign = forward is not function and not forward.__module__.startswith("tinytensor.")
        signatures = [None if vjp is None else inspect.signature(vjp).parameters for vjp in vjps]
        self.sequences = frozenset(k for k, s in enumerate(signatures) if s and "i" in s)
        parameters = next((list(s.values())[2:] for s in signatures if s), [])
        if not any(signatures) and inspect.isfunction(forward):  # no gradients: the function says it itself
            parameters = list(inspect.signature(forward).parameters.values())
        self.names = tuple(p.name for p in parameters if p.kind in POSITIONAL)
        # A ufunc takes its operands by position only; its keywords (out, where, …) are refused.
        is_ufunc = isinstance(function, np.ufunc)
        self.keywords = frozenset(() if is_ufunc else (p.name for p in parameters)) - {"i"}

    def takes(self, kwargs: dict[str, Any]) -> bool:
        """Whether these keywords may be passed on as they are: known to the rule, and plain values."""
        return kwargs.keys() <= self.keywords and self.plain.issuperset(map(type, kwargs.values()))

    plain = frozenset((bool, int, float, str, type(None)))

    def __repr__(self) -> str:
        return f"<rule of {name_of(self.function)}({', '.join(self.names)})>"


RULES: dict[Function, Rule] = {}
"""The differentiable functions."""

COMPOSED: dict[Function, Function] = {}
"""NumPy functions that tinytensor writes in terms of others: NumPy's function -> ours."""

PLAIN: set[Function] = set()
"""NumPy functions of Tensors that return plain arrays, since no gradient flows through them."""


def everywhere(position: int, out: Any, *args: Any, **kwargs: Any) -> tuple[int, ...]:
    """The spread of an elementwise function: every operand is broadcast to the output's shape."""
    return tuple(np.shape(out))


def rule(
    function: Function,
    *vjps: Function | None,
    forward: Function | None = None,
    spread: Spread | None = None,
    arriving: Function | None = None,
) -> None:
    """Write one row of the table.

    Parameters
    ----------
    function : callable
        A NumPy function or ufunc, or one of ``tinytensor.primitives``.
    *vjps : callable or None
        One entry per array argument: ``vjp(g, out, *args, **kwargs)`` returns the gradient of that
        argument, in the argument's shape or in the shape that the argument was broadcast to.
    forward : callable, optional
        What runs on plain arrays; `function` itself by default.
    spread : callable, optional
        See `Rule`. Ufuncs without a core signature broadcast all of their operands.
    arriving : callable, optional
        See `Rule`.
    """
    if spread is None and isinstance(function, np.ufunc) and function.signature is None:
        spread = everywhere
    RULES[function] = Rule(function, forward or function, vjps, spread, arriving)


def composed(*functions: Function) -> Callable[[Function], Function]:
    """Say that the decorated composition is what `functions` do on Tensors."""

    def register(composition: Function) -> Function:
        COMPOSED.update(dict.fromkeys(functions, composition))
        return composition

    return register


def name_of(function: Function) -> str:
    """The name a user knows a function by.

    Examples
    --------
    >>> name_of(np.linalg.norm), name_of(np.multiply)
    ('linalg.norm', 'multiply')
    """
    name = getattr(function, "__name__", type(function).__name__)
    return f"linalg.{name}" if getattr(function, "__module__", "") == "numpy.linalg" else name


SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@", "negative": "-",
           "relu": "ReLU", "index": "[]"}
"""Short names for drawings."""
