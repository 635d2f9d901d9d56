"""A walk as the page reads it: one JSON object, with each array stored once.

The names of its fields are short, since there are hundreds of nodes; ``static/walk.js`` says what they mean. Read
next: ``page.py``.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from ...lines import line_of
from ...node import Node
from ...rules.table import RULES, Function, name_of
from ...value import Value
from .pool import Pool
from .provenance import provenance
from .sources import row_source
from .walk import Operand, Part, Step, Walk
from .words import all_names, call_text, copying, summing, symbol, without_gradient

BARRED = re.compile(r"\\bar\{(\w)\}")  # what a formula of a rule begins with


def recorded(walk: Walk, given: dict[Node, str], title: str) -> dict[str, Any]:
    """Everything that the page shows."""
    return _Record(walk, given).whole(title)


class _Record:
    """The object being written, and where each thing stands in it."""

    def __init__(self, walk: Walk, given: dict[Node, str]) -> None:
        self.walk, self.pool = walk, Pool()
        self.names = all_names(walk, given)
        self.places = {id(thing): place for place, thing in enumerate(walk.nodes)}
        self.rules: dict[str, dict[str, Any]] = {}
        self.lines: dict[Any, int] = {}

    def whole(self, title: str) -> dict[str, Any]:
        root = self.walk.nodes[-1]
        nodes = [self.node(thing) for thing in self.walk.nodes]
        steps = [self.step(step) for step in self.walk.steps]
        lines = [{"place": line.place, "text": line.text, "function": line.function} for line in self.lines]
        return {
            "title": title or f"Backpropagation of {self.names[id(root)]}",
            "values": isinstance(root, Value),
            "nodes": nodes, "steps": steps, "lines": lines, "rules": self.rules, "arrays": self.pool.arrays,
        }  # fmt: skip

    def node(self, thing: Any) -> dict[str, Any]:
        """One node: ``n`` name, ``d`` data, and of an operation ``f`` function, ``o`` symbol, ``a`` operands."""
        if not isinstance(thing, Node):
            return {"n": self.names[id(thing)], "d": self.pool.add(thing), "k": "array"}
        entry: dict[str, Any] = {"n": self.names[id(thing)], "d": self.pool.add(thing._data)}
        if thing in self.walk.gradients:
            entry["g"] = self.pool.add(self.walk.gradients[thing])
        line = line_of(thing)
        if line is not None:
            entry["l"] = self.lines.setdefault(line, len(self.lines))
        if thing._function is None:
            entry["k"] = "leaf" if thing._requires_grad else "data"
            return entry
        operands = self.walk.operands[thing]
        entry |= {
            "k": "op", "f": self.rule(thing._function), "o": symbol(thing), "a": [self.operand(o) for o in operands],
            "c": call_text(thing, self.names, operands), "w": provenance(thing, operands),
        }  # fmt: skip
        return entry

    def operand(self, operand: Operand) -> dict[str, Any]:
        """One operand: ``n`` the node, ``p`` its position, and where it was copied ``s`` and the sentence ``c``."""
        entry: dict[str, Any] = {"n": self.places[id(operand.source)], "p": operand.position}
        if operand.index is not None:
            entry["i"] = operand.index
        sentence = copying(operand, self.names[id(operand.source)])
        if sentence:
            entry |= {"s": list(operand.spread), "c": sentence}
        return entry

    def step(self, step: Step) -> dict[str, Any]:
        """One step back: ``n`` the node, ``g`` what arrived, ``p`` the parts, ``x`` the operands without one.

        And ``h`` what the rule makes of the gradient for all of its entries, where it does.
        """
        reached = {part.operand for part in step.parts}
        entry: dict[str, Any] = {
            "n": self.places[id(step.node)],
            "g": self.pool.add(step.gradient),
            "p": [self.part(step.node, part) for part in step.parts],
        }
        if step.given is not None:
            entry["h"] = self.pool.add(step.given)
        without = [
            [place, without_gradient(step.node, operand)]
            for place, operand in enumerate(self.walk.operands[step.node])
            if operand not in reached
        ]
        return entry | ({"x": without} if without else {})

    def part(self, node: Node, part: Part) -> dict[str, Any]:
        """One part: ``a`` its operand, ``v`` the part, ``r`` it before the sum, ``l`` local, ``b`` and ``t`` totals."""
        axes, why = summing(node, part, self.names[id(part.operand.source)])
        entry: dict[str, Any] = {"a": self.walk.operands[node].index(part.operand), "v": self.pool.add(part.value)}
        for key, array in (("r", part.raw), ("l", part.local), ("b", part.before)):
            if array is not None:
                entry[key] = self.pool.add(array)
        if part.before is not None:
            entry["t"] = self.pool.add(part.after)
        return entry | ({"x": axes} if axes else {}) | ({"w": why} if why else {})

    def rule(self, function: Function) -> str:
        """Note a function's formulas and its source, once; what is unknown to the table has its source alone."""
        name = name_of(function)
        if name not in self.rules:
            ruled = [position for position, vjp in enumerate(RULES[function].vjps) if vjp is not None]
            known = formulas().get(_family(function, name), {})
            self.rules[name] = {"source": row_source(function), "p": ruled} | known
            if known:
                self.rules[name]["letters"] = letters(known["tex"], ruled)
                del self.rules[name]["tex"]
        return name


def _family(function: Function, name: str) -> str:
    """The key of a function's formulas; a user's own function of the same name has none."""
    module = getattr(function, "__module__", "") or ""
    known = isinstance(function, np.ufunc) or module.startswith(("numpy", "tinytensor"))
    return name if known else ""


def letters(formulas: list[str], positions: list[int]) -> dict[str, str]:
    """The letter of each argument in its formulas, by position, and that of the result (``out``)."""
    barred = [BARRED.match(formula) for formula in formulas[1:]]
    found = {str(p): match[1] for p, match in zip(positions, barred, strict=False) if match}
    return found | {"out": formulas[0][0]}


@lru_cache(maxsize=1)
def formulas() -> dict[str, dict[str, Any]]:
    """The formulas as MathML: see ``formulas.py``."""
    text = (files(__package__) / "static" / "formulas.json").read_text(encoding="utf-8")
    return json.loads(text)
