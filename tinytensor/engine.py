"""The engine: record operations on the way forward, apply the chain rule on the way back.

A node remembers the function that made it and the arguments it was made from: no closures, so the graph is data that
can be walked, drawn and replayed. The engine looks gradients up in the rule table and sums out what broadcasting
copied, in one place (`unbroadcast`). It knows no operation by name. Read `apply`, then `propagate`, then `backward`;
next: ``rules/elementwise.py``, and ``tensor.py`` for what a user sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from threading import Lock
from typing import Any

import numpy as np

from .calls import ORDINARY, bind, check_ruled, frozen, plain_args, terms, unwrapped
from .errors import changed, explain, misshapen, no_rule, not_differentiable
from .modes import mode
from .node import NOTHING, Node, changes
from .rules.table import RULES, Function, Rule

# ---------------------------------------------------------------------------------------- forward


def apply(function: Function, args: tuple[Any, ...], kwargs: dict[str, Any] = NOTHING) -> Any:
    """Run `function` on the data of its arguments, and remember how the result was made.

    At least one argument is a node or a sequence with a node. The result is of the most general class
    among them, and remembers its operands where one requires a gradient and recording is on. What
    the function says of bad arguments is raised with the operation and the shapes named.
    """
    row = RULES.get(function)
    if row is None:
        raise no_rule(function)
    if (kwargs and not row.takes(kwargs)) or len(args) > len(row.names):
        args, kwargs = bind(row, args, kwargs)
    nodes: list[Node] = []
    raw = []
    for position, arg in enumerate(args):
        if isinstance(arg, Node) and not row.sequences:  # first, since it is the most frequent case
            nodes.append(arg)
            raw.append(arg._data)
        elif type(arg) in ORDINARY:
            raw.append(arg)
        else:
            arg = frozen(row, position, arg)
            args = (*args[:position], arg, *args[position + 1 :])
            raw.append(unwrapped(arg, nodes))
    try:
        data = row.forward(*raw, **kwargs)
    except (TypeError, ValueError, IndexError) as error:
        if row.foreign:
            raise
        raise explain(error, function, raw) from None
    kind: Any = type(nodes[0])
    wanted = False
    for node in nodes:
        if node._requires_grad:
            wanted = True
        if type(node) is not kind and not isinstance(node, kind):
            kind = type(node)
    result: Node = kind._make(data)
    if wanted and mode.recording and _is_differentiable(function, result._data):
        if len(args) > len(row.vjps):
            check_ruled(row, args)
        result._requires_grad = True
        result._function, result._args, result._kwargs, result._operands = function, args, kwargs, nodes
    return result


def _is_differentiable(function: Function, data: Any) -> bool:
    kind = "f" if type(data) is float else data.dtype.kind
    if kind not in "biuf":
        raise not_differentiable(function, data.dtype)
    return kind == "f"  # an integer result was asked for, by astype or dtype=


# --------------------------------------------------------------------------------------- backward


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient down to the shape of the operand that it belongs to.

    This is the whole step from the scalar lecture to tensors. Forward, broadcasting *copies* an
    operand along new leading axes and along axes of size 1. An element that was copied k times was
    used k times, and a value used k times receives the sum of k gradients: backward *sums* over
    exactly those axes.

    Examples
    --------
    >>> unbroadcast(np.ones((4, 3)), (3,))  # a bias, copied down 4 rows
    array([4., 4., 4.])
    >>> unbroadcast(np.ones((4, 3)), (4, 1))  # a column, copied over 3 columns
    array([[3.],
           [3.],
           [3.],
           [3.]])
    """
    new = g.ndim - len(shape)
    if new:
        g = g.sum(axis=tuple(range(new)))
    stretched = tuple(k for k, size in enumerate(shape) if size == 1 and g.shape[k] != 1)
    if stretched:
        g = g.sum(axis=stretched, keepdims=True)
    return g


def newest_first(root: Node) -> list[Node]:
    """Every node that `root` was computed from and that needs a gradient, newest first.

    A node is newer than its operands, so newest first is a reverse topological order: when the walk
    comes to a node, all of its users have been there. The search keeps its own stack, since Python's
    would overflow on a chain of a thousand operations.
    """
    seen, stack = {root}, [root]
    while stack:
        for operand in stack.pop()._operands:
            if operand._requires_grad and operand not in seen:
                seen.add(operand)
                if operand._operands:
                    stack.append(operand)
    return sorted(seen, key=attrgetter("_time"), reverse=True)


def propagate(
    root: Node, seed: Any, wanted: Sequence[Node] | None = None, create_graph: bool = False
) -> Iterator[tuple[Node, Any]]:
    """Walk the graph backward and yield each node with its finished gradient.

    Parameters
    ----------
    root : Node
        Where the walk starts, and `seed`, its gradient.
    wanted : sequence of Node, optional
        Compute only what these need; everything that requires a gradient by default.
    create_graph : bool
        Run the rules on the nodes in place of their arrays, so that the gradients have graphs.
    """
    order = newest_first(root)
    needed = None if wanted is None else _leading_to(set(wanted), order)
    pending, tracer = {root: seed}, mode.tracer
    for node in order:
        g = pending.pop(node, None)
        if g is None:  # off the wanted paths, or behind a rule that is None
            continue
        if tracer is not None:
            tracer.at(node, g)
        yield node, g
        if node._function is not None:
            for operand, part in chain_rule(node, g, needed, create_graph):
                pending[operand] = pending[operand] + part if operand in pending else part
    if tracer is not None:
        tracer.done()


def chain_rule(
    node: Node, g: Any, needed: set[Node] | None = None, create_graph: bool = False
) -> list[tuple[Node, Any]]:
    """One step back: each operand of `node` with its part of the gradient, where it needs one."""
    row = RULES.get(node._function)  # type: ignore[arg-type]  # a leaf's None has no row
    if row is None:
        raise no_rule(node._function)
    if changes[0] > node._time:
        for operand in (node, *node._operands):
            if operand._version[0] > node._time:
                raise changed(node._function, operand, operand is node)
    given = (g, node, *node._args) if create_graph else (g, node._data, *plain_args(node))
    kwargs, parts = node._kwargs, []
    if row.arriving is not None:
        given = (row.arriving(*given, **kwargs), *given[1:])
    for position, vjp, operand in terms(row, node):
        if vjp is None or not isinstance(operand, Node):
            continue
        if operand._requires_grad if needed is None else operand in needed:
            part = vjp(*given, **kwargs) if kwargs else vjp(*given)
            data = operand._data
            # Nearly always the part is an array that fits, or both are a Value's Python floats.
            if not (
                part.dtype is data.dtype and part.shape == data.shape
                if type(part) is np.ndarray and type(data) is np.ndarray
                else type(part) is float and type(data) is float
            ):
                part = _settle(part, operand, node, row, position, given)
            # A leaf keeps its gradient, so it must not share memory with another's: copy what is shared.
            if operand._function is None and not create_graph and _is_shared(part, given):
                part = part.copy("K")
            parts.append((operand, part))
    return parts


def _is_shared(part: Any, given: tuple[Any, ...]) -> bool:
    """Whether a rule's result is one of the arrays that it was given, or a view."""
    for array in given:
        if part is array:
            return type(part) is not float
    return type(part) is not float and part.base is not None


def _leading_to(wanted: set[Node], order: list[Node]) -> set[Node]:
    """The nodes of `order` from which a walk backward comes to a wanted one."""
    needed = set(wanted)
    for node in reversed(order):
        if not needed.isdisjoint(node._operands):
            needed.add(node)
    return needed


def _settle(part: Any, operand: Node, node: Node, row: Rule, position: int, given: tuple[Any, ...]) -> Any:
    """Give a rule's result exactly the shape and the dtype of the operand it belongs to."""
    data = operand._data
    shape, dtype = ((), np.float64) if type(data) is float else (data.shape, data.dtype)
    if not hasattr(part, "shape"):
        part = np.asarray(part)
    if part.shape != shape:
        # Anything but the operand's shape, or the shape it was broadcast to, is a wrong rule:
        # summing that away would hide the mistake.
        spread = row.spread(position, *given[1:], **node._kwargs) if row.spread else shape
        summed = unbroadcast(part, shape) if part.shape == spread else part
        if summed.shape != shape:
            raise misshapen(row.function, position, part.shape, shape, spread)
        part = summed
    if part.dtype != dtype:
        part = part.astype(dtype)
    return float(part) if type(data) is float and not isinstance(part, Node) else part


def backward(root: Node, seed: Any) -> None:
    """Store in every node's ``grad`` the derivative of `root`, contracted with `seed`.

    Leaves add the new gradient to what they have; results of operations hold that of this walk
    alone, so that repeating ``backward()`` is well defined.
    """
    for node, g in propagate(root, seed):
        if node._function is None:
            with _adding:
                g = g if node._grad is None else node._grad + g
                node._grad = np.asarray(g) if isinstance(g, np.generic) else g
        else:
            node._grad = np.asarray(g) if isinstance(g, np.generic) else g


_adding = Lock()  # two threads may run backward into one leaf
