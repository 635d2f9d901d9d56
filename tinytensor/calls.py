"""The arguments of a call: checked before it runs, so that nothing leaves the graph silently, and as a node has them.

Read next: ``engine.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from .errors import wrong_call
from .node import Node
from .rules.table import Function, Rule

ORDINARY = frozenset(
    (np.ndarray, float, int, bool, str, type(None), type(Ellipsis), slice, np.dtype, np.float32, np.float64)
)
"""Types of arguments that can be kept as they are."""


def frozen(row: Rule, position: int, arg: Any) -> Any:
    """An argument as a node may keep it: what the caller does with its list later must not matter.

    A sequence of tensors, where the rule takes one, becomes a tuple; a list for an array becomes an array;
    a matrix, whose ``*`` is another product, a plain array.
    """
    if position in row.sequences and holds_node(arg):
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


def check_ruled(row: Rule, args: tuple[Any, ...]) -> None:
    """Refuse a node that requires a gradient beyond the arguments that the rule is for."""
    beyond = len(row.vjps)
    if any(isinstance(arg, Node) and arg._requires_grad for arg in args[beyond:]):
        raise wrong_call(row.function, f"there is no rule for argument {beyond}; write it, or None for no gradient")


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


# ------------------------------------------------------------------- the arguments of a recorded call


def unwrapped(arg: Any, nodes: list[Node]) -> Any:
    """An argument as plain arrays; the nodes that it consists of are added to `nodes`."""
    if isinstance(arg, Node):
        nodes.append(arg)
        return arg._data
    if type(arg) is tuple and any(isinstance(item, Node) for item in arg):
        return [unwrapped(item, nodes) for item in arg]
    return arg


def operands(node: Node) -> Iterator[tuple[int, int | None, Node]]:
    """The nodes among a node's arguments: (position, index within a sequence or None, operand)."""
    for position, arg in enumerate(node._args):
        if isinstance(arg, Node):
            yield position, None, arg
        elif type(arg) is tuple:
            yield from ((position, i, a) for i, a in enumerate(arg) if isinstance(a, Node))


def plain_args(node: Node) -> list[Any]:
    """The arguments that a node was made from, as the function saw them: without nodes."""
    return [
        arg._data if isinstance(arg, Node) else arg if type(arg) is not tuple else unwrapped(arg, [])
        for arg in node._args
    ]


def terms(row: Rule, node: Node) -> Iterable[tuple[int, Function | None, Any]]:
    """What the chain rule sums: (position, vjp, argument); each element of a sequence has a vjp of its own."""
    if not row.sequences:
        return zip(row.positions, row.vjps, node._args, strict=False)  # the further arguments have no vjp
    vjps: Any = row.vjps
    within = ((k, i, a) for k, i, a in operands(node) if k < len(vjps))
    return ((k, vjps[k] if i is None else partial(vjps[k], i=i), a) for k, i, a in within)
