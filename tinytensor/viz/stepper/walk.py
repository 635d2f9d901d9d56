"""The walk that the page replays: every node of a graph, and every step of the chain rule as the engine takes it.

The gradients come from `engine.propagate`, the parts of each step from `engine.chain_rule`, and what a rule returned
before the engine summed it from the rule itself. Nobody's ``.grad`` is touched. Nothing here knows a derivative or
the page. Read next: ``engine.py``; ``record.py`` for how the page gets it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import engine
from ...calls import plain_args, terms
from ...node import Node
from ...rules.table import RULES, Rule
from ...value import Value, written_by_hand
from .provenance import kind_of


@dataclass(eq=False)
class Operand:
    """One argument of an operation: a node, or an array that is no node.

    Attributes
    ----------
    position, index : int, int or None
        Which argument it is; within a sequence, which element.
    source : Node or ndarray
        The argument itself.
    spread : tuple of int
        The shape it was broadcast to; its own where it was not.
    """

    position: int
    index: int | None
    source: Any
    spread: tuple[int, ...]

    @property
    def data(self) -> Any:
        """The numbers of the argument."""
        return self.source._data if isinstance(self.source, Node) else self.source


@dataclass(eq=False)
class Part:
    """What one step of the chain rule adds to the gradient of one operand.

    Attributes
    ----------
    operand : Operand
        Whose gradient it is.
    value : array or float
        The part, in the operand's shape.
    raw : array or None
        What the rule returned, where the engine summed it down to `value`.
    local : array or None
        The local derivative: what the rule returns for a gradient of ones, where each element of the operand
        reaches one element of the result.
    before, after : array or float
        The operand's gradient until now (None at first), and with this part.
    """

    operand: Operand
    value: Any
    raw: Any
    local: Any
    before: Any
    after: Any


@dataclass(eq=False)
class Step:
    """One operation on the way back: the node, the gradient that has arrived, and its parts.

    `given` is what the rule's ``arriving`` makes of the gradient for all of its entries; None where it has none.
    """

    node: Node
    gradient: Any
    given: Any
    parts: list[Part] = field(default_factory=list)


@dataclass(eq=False)
class Walk:
    """A graph, forward and backward.

    Attributes
    ----------
    nodes : list of Node or ndarray
        Everything that the root was computed from, each after its operands; the root last.
    operands : dict
        The operands of each node, by the node.
    steps : list of Step
        Backward, in the engine's order.
    gradients : dict
        The finished gradient of each node that gets one.
    """

    nodes: list[Any]
    operands: dict[Node, list[Operand]]
    steps: list[Step]
    gradients: dict[Node, Any]


def walk(root: Node, seed: Any, limit: int) -> Walk:
    """Run the engine backward from `root`, and keep what it does at every node."""
    operands = _collected(root, limit)
    steps, gradients, running = [], {}, {root: seed}
    for node, gradient in engine.propagate(root, seed):
        gradients[node] = gradient
        if node._function is None:
            continue
        hook = _row(node).arriving
        step = Step(node, gradient, hook and hook(gradient, node._data, *plain_args(node), **node._kwargs))
        for operand, value, raw, local in _parts(node, gradient, step.given, operands[node]):
            before = running.get(operand.source)
            after = running[operand.source] = value if before is None else before + value
            step.parts.append(Part(operand, value, raw, local, before, after))
        steps.append(step)
    return Walk(_ordered(operands), operands, steps, gradients)


def _collected(root: Node, limit: int) -> dict[Node, list[Operand]]:
    """Every node with its operands; more than `limit` nodes are refused."""
    found: dict[Node, list[Operand]] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if node in found:
            continue
        _refuse_by_hand(node)
        found[node] = _operands(node)
        stack += [operand.source for operand in found[node] if isinstance(operand.source, Node)]
        if len(found) > limit:
            raise ValueError(
                f"step_through: the graph has more than {limit} nodes, too many to walk through one by one; take fewer "
                "examples, fewer units, or a part of the graph (the output of one layer), or allow more with limit="
            )
    return found


def _refuse_by_hand(node: Node) -> None:
    if node._function is written_by_hand or (isinstance(node, Value) and node._by_hand is not None):
        raise TypeError(
            f"step_through: the Value {node._op or 'without a name'!r} has a _backward written by hand, which adds to "
            ".grad directly: there is no rule to show. Use the operators of Value, or a tt.primitive with a rule"
        )


def _operands(node: Node) -> list[Operand]:
    """The arrays and nodes among the arguments; plain numbers and options are not operands."""
    if node._function is None:
        return []
    row, args = _row(node), plain_args(node)
    found: list[Operand] = []
    for position, arg in enumerate(node._args):
        many = position in row.sequences and isinstance(arg, (tuple, list))
        for index, source in enumerate(arg) if many else [(None, arg)]:
            if isinstance(source, Node) or (isinstance(source, np.ndarray) and source.ndim):
                operand = Operand(position, index, source, ())
                operand.spread = np.shape(operand.data)
                if row.spread and position < len(row.vjps):
                    operand.spread = tuple(row.spread(position, node._data, *args, **node._kwargs))
                found.append(operand)
    return found


def _row(node: Node) -> Rule:
    return RULES[node._function]  # type: ignore[index]  # a leaf is not asked for its row


def _parts(node: Node, gradient: Any, made: Any, operands: list[Operand]) -> list[tuple[Operand, Any, Any, Any]]:
    """The engine's parts, each with its operand, what the rule itself returned, and the local derivative."""
    row = _row(node)
    by_place = {(operand.position, operand.index): operand for operand in operands}
    places = iter(sorted(by_place, key=lambda place: (place[0], place[1] or 0)))
    ruled = []
    for position, vjp, source in terms(row, node):
        if vjp is not None and isinstance(source, Node) and source._requires_grad:
            place = next(p for p in places if p[0] == position and by_place[p].source is source)
            ruled.append((by_place[place], vjp))
    parts = engine.chain_rule(node, gradient)
    given, ones = (node._data, *plain_args(node)), _ones(gradient)
    if row.arriving is not None:
        gradient, ones = made, row.arriving(ones, *given, **node._kwargs)
    found = []
    for (operand, vjp), (_, value) in zip(ruled, parts, strict=True):
        raw = local = None
        with np.errstate(all="ignore"):  # the engine's own call has warned already
            if operand.spread != np.shape(value):
                unsummed = vjp(gradient, *given, **node._kwargs)
                raw = unsummed if np.shape(unsummed) != np.shape(value) else None
            if kind_of(node) in ("each", "reduce") or np.size(node._data) == 1:
                local = vjp(ones, *given, **node._kwargs)
        found.append((operand, value, raw, local))
    return found


def _ones(gradient: Any) -> Any:
    return 1.0 if type(gradient) is float else np.ones_like(gradient)


def _ordered(operands: dict[Node, list[Operand]]) -> list[Any]:
    """Nodes by the time they were made; an array stands before its first user."""
    ordered: list[Any] = []
    seen: set[int] = set()
    for node in sorted(operands, key=lambda node: node._time):
        for source in (*(operand.source for operand in operands[node]), node):
            if id(source) not in seen:
                seen.add(id(source))
                ordered.append(source)
    return ordered
