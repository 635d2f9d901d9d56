"""A call is checked before it runs, so that nothing leaves the graph silently.

Read next: ``engine.py``.
"""

from __future__ import annotations

from typing import Any

from .errors import wrong_call
from .node import Node
from .rules.table import Rule


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
