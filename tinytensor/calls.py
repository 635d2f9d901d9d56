"""A call is checked before it runs, so that nothing leaves the graph silently.

Read next: ``engine.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import wrong_call
from .node import Node
from .rules.table import Rule

ORDINARY = frozenset(
    (np.ndarray, float, int, bool, str, type(None), type(Ellipsis), slice, np.dtype, np.float32, np.float64)
)
"""Types of arguments that can be kept as they are."""


def frozen(row: Rule, position: int, arg: Any) -> Any:
    """An argument as a node may keep it: what the caller does with its list later must not matter.

    A sequence of tensors, where the rule takes one, becomes a tuple; a list for an array becomes an array;
    a matrix, whose ``*`` is another product, a plain array.
    """
    if position in row.sequences and (isinstance(arg, Node) or holds_node(arg)):
        return tuple(arg)
    if isinstance(arg, (list, tuple)):
        if holds_node(arg):
            raise wrong_call(row.function, "a list of tensors is not an array; np.stack makes it one")
        return np.asarray(arg) if isinstance(row.function, np.ufunc) else tuple(arg)
    if isinstance(arg, np.ndarray):
        if hasattr(arg, "mask"):
            raise wrong_call(row.function, "an operand is a masked array, whose mask would be lost; use .filled(value)")
        return np.asarray(arg)
    return arg


def requires_grad(arg: Any) -> bool:
    """Whether an argument is a node, or a sequence with one, that requires a gradient."""
    return any(node._requires_grad for node in (arg if isinstance(arg, tuple) else (arg,)) if isinstance(node, Node))


def bind(row: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Check the call against the rule's own parameters; tensors given by keyword become positional."""
    kwargs = {k: v for k, v in kwargs.items() if not (k == "out" and v is None)}
    for name in kwargs:
        if name not in row.keywords:
            raise wrong_call(row.function, f"the keyword {name}= has no rule", name)
    if len(args) > len(row.names):
        raise wrong_call(row.function, f"expected at most {len(row.names)} positional arguments, got {len(args)}")
    while len(args) < len(row.names) and row.names[len(args)] in kwargs and any(map(holds_node, kwargs.values())):
        args = (*args, kwargs.pop(row.names[len(args)]))
    for name, value in kwargs.items():
        if holds_node(value):
            raise wrong_call(row.function, f"give the tensor {name}= by position")
    return args, kwargs


def holds_node(value: Any) -> bool:
    """Whether an argument is a node or a sequence with one."""
    return isinstance(value, Node) or (
        isinstance(value, (list, tuple)) and any(isinstance(item, Node) for item in value)
    )
