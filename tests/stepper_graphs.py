"""The graphs that the stepper is tested on, and what their pages have to show: the engine's steps, taken by hand."""

# ruff: noqa: RET504  # the results have names, which the pages show

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinytensor as tt
from tinytensor import Value, engine
from tinytensor.scalar import MLP


def neuron():
    """The lecture's neuron."""
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    n = x1 * w1 + x2 * w2 + b
    o = n.tanh()
    return o


def classifier():
    """A batch of six through two layers, and their cross-entropy."""
    rng = np.random.default_rng(0)
    model = tt.nn.MLP(3, [5, 4], generator=rng, dtype="float64")
    X = rng.normal(size=(6, 3))
    hidden = model.layers[0](X)
    active = hidden.relu()
    logits = model.layers[1](active)
    loss = tt.nn.cross_entropy(logits, [0, 1, 2, 3, 1, 0])
    return loss


def column_and_row():
    """A column and a row make a table."""
    column = tt.Tensor([[1.0], [2.0], [-1.0]], requires_grad=True, label="column")
    row = tt.Tensor([3.0, 4.0, 5.0, -2.0], requires_grad=True, label="row")
    table = column * row
    loss = table.sum()
    return loss


def used_twice():
    """One tensor, two uses that add up."""
    a = tt.Tensor([1.0, -2.0, 3.0], requires_grad=True, label="a")
    b = a + a
    loss = (b * a).sum()
    return loss


random.seed(1337)
NETWORK = MLP(3, [4, 4, 1])


def scalar_network():
    """The lecture's network of 41 parameters on four examples."""
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    loss = sum((NETWORK(x) - y) ** 2 for x, y in zip(xs, [1.0, -1.0, -1.0, 1.0], strict=True))
    return loss


GRAPHS = {"neuron": neuron, "classifier": classifier, "column and row": column_and_row, "used twice": used_twice}


@dataclass
class Moment:
    """What a page has to show at one step: arrays by role, and by the operand's part they belong to."""

    phase: str
    node: Any = None
    arrays: dict[str, Any] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)


def operands(node):
    """The tensors and arrays among a node's arguments."""
    return [arg for arg in node._args if isinstance(arg, tt.Tensor) or np.ndim(arg)]


def data(thing):
    return thing._data if isinstance(thing, tt.Tensor) else thing


def moments(loss) -> list[Moment]:
    """Every step of a page: nodes by the time they were made, then the engine's own walk back."""
    found, stack = {}, [loss]
    while stack:
        node = stack.pop()
        found[node] = None
        stack += [operand for operand in node._operands if operand not in found]
    forward = sorted((node for node in found if node._function), key=lambda node: node._time)
    steps = [Moment("start")]
    for node in forward:
        arrays = {"out": data(node)} | {f"operand {k}": data(x) for k, x in enumerate(operands(node))}
        steps.append(Moment("forward", node, arrays))
    seed = 1.0 if isinstance(loss, Value) else np.ones_like(loss.data)
    steps.append(Moment("seed", loss, {"out": data(loss), "g": seed}))
    running = {}
    for node, g in engine.propagate(loss, seed):
        if node._function is None:
            continue
        moment = Moment("backward", node, {"g": g})
        for operand, part in engine.chain_rule(node, g):
            expected = {"to": operand, "part": part}
            if operand in running:
                expected |= {"before": running[operand], "after": running[operand] + part}
            running[operand] = expected.get("after", part)
            moment.parts.append(expected)
        steps.append(moment)
    return [*steps, Moment("end")]
