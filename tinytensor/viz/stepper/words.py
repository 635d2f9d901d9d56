"""The sentences of the page: what was copied, what is summed and why, and what each thing is called.

Nothing here computes. Read next: ``record.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...calls import plain_args
from ...lines import line_of
from ...node import Node
from ...rules.table import RULES, SYMBOLS, name_of
from .provenance import kind_of, options_of, reduced_axes
from .walk import Operand, Part, Walk

ASSIGNED = re.compile(r"(\w+)\s*(?::[^=]+)?=(?!=)")  # the name that a line gives to its result
CREATED = re.compile(r"\w+\s*(?::[^=]+)?=\s*(?:\w+\.)?(?:Value|Tensor|tensor|zeros|ones|full|arange|eye|randn?)\(")

# ------------------------------------------------------------------------------------------- names


def named(names: Any) -> dict[Node, str]:
    """The nodes in a mapping, a module, or any nest of lists and objects with parameters, with their names."""
    found: dict[Node, str] = {}
    _search(names, "", found)
    return found


def _search(thing: Any, path: str, found: dict[Node, str]) -> None:
    """Add the nodes in `thing` to `found`, each with the path that leads to it."""
    if isinstance(thing, Node):
        found.setdefault(thing, path)
        return
    if hasattr(thing, "named_parameters"):
        children = thing.named_parameters()
    elif isinstance(thing, Mapping):
        children = thing.items()
    elif isinstance(thing, (list, tuple)):
        children = enumerate(thing)
    elif hasattr(thing, "parameters"):
        children = vars(thing).items()
    else:
        return
    for key, child in children:
        _search(child, f"{path}.{key}" if path else str(key), found)


def all_names(walk: Walk, given: dict[Node, str]) -> dict[int, str]:
    """A name for each thing in the graph, by its id: given, its label, its line's, or its operation and a number."""
    names: dict[int, str] = {}
    by_line: dict[Any, str] = {}
    results: dict[Any, Node] = {}
    for thing in walk.nodes:
        line = line_of(thing) if isinstance(thing, Node) else None
        match = ASSIGNED.match(line.text) if line else None
        # The last node of a line is its result; a leaf only where the line makes nothing else, such as a model.
        if line and match and ";" not in line.text and (thing._function or CREATED.match(line.text)):
            by_line[line], results[line] = match[1], thing
    from_lines = {id(node): by_line[line] for line, node in results.items()}
    counts: dict[str, int] = {}
    arguments = _argument_names(walk)
    for thing in walk.nodes:
        name = given.get(thing) or thing.label or from_lines.get(id(thing)) if isinstance(thing, Node) else ""
        if not name:
            stem = arguments.get(id(thing)) or _stem(thing)
            counts[stem] = counts.get(stem, 0) + 1
            name = f"{stem} {counts[stem]}" if id(thing) not in arguments or counts[stem] > 1 else stem
        names[id(thing)] = name
    return names


def _argument_names(walk: Walk) -> dict[int, str]:
    """For data and plain arrays, what the function that uses them calls them."""
    found: dict[int, str] = {}
    for node, operands in walk.operands.items():
        for operand in operands:
            if not isinstance(operand.source, Node) or not operand.source._requires_grad:
                found[id(operand.source)] = RULES[node._function].names[operand.position]  # type: ignore[index]
    return found


def _stem(node: Node) -> str:
    if node._function is not None:
        return name_of(node._function)
    return "leaf" if node._requires_grad else "data"


def symbol(node: Node) -> str:
    """The operation, as drawings show it."""
    if node._function is None:
        return ""
    name = name_of(node._function)
    shown = {"multiply": "×", "divide": "÷", "subtract": "−", "negative": "−", "power": "xʸ", "sum": "Σ sum"}
    if name == "power" and not isinstance(node._args[1], Node) and np.ndim(node._args[1]) == 0:
        return f"x^{node._args[1]:g}"
    return shown.get(name) or SYMBOLS.get(name, name)


def call_text(node: Node, names: dict[int, str], operands: list[Operand]) -> str:
    """The call as it could be typed, with the operands' names."""
    given = {(o.position, o.index): names[id(o.source)] for o in operands}
    row = RULES[node._function]  # type: ignore[index]  # asked for operations only
    shown = []
    for position, arg in enumerate(node._args):
        if (position, None) in given:
            shown.append(given[position, None])
        elif (position, 0) in given and isinstance(arg, (tuple, list)):
            shown.append("[" + ", ".join(given.get((position, i), "…") for i in range(len(arg))) + "]")
        elif arg is not None:
            name = row.names[position] if position < len(row.names) and position else ""
            shown.append(f"{name}={_short(arg)}" if name and name not in ("y", "x2") else _short(arg))
    shown += [f"{name}={_short(value)}" for name, value in node._kwargs.items()]
    return f"{name_of(node._function)}({', '.join(shown)})"  # type: ignore[arg-type]  # a leaf is not asked


def _short(value: Any) -> str:
    if isinstance(value, slice):
        text = ":".join("" if part is None else str(part) for part in (value.start, value.stop))
        return text if value.step is None else f"{text}:{value.step}"
    if isinstance(value, tuple) and any(isinstance(item, slice) or item is Ellipsis for item in value):
        return "[" + ", ".join("…" if item is Ellipsis else _short(item) for item in value) + "]"
    if isinstance(value, np.ndarray):
        return f"array{value.shape}" if value.ndim else str(value)
    text = str(value) if isinstance(value, np.dtype) else repr(value)
    return text if len(text) <= 30 else text[:29] + "…"


# ---------------------------------------------------------------------------- what is copied, and summed


def shape_text(shape: Any) -> str:
    """A shape as Python writes it."""
    return str(tuple(int(size) for size in shape))


def copied_axes(shape: tuple[int, ...], spread: tuple[int, ...]) -> list[int]:
    """The axes of `spread` along which an operand of `shape` was copied."""
    new = len(spread) - len(shape)
    return [*range(new), *(new + k for k, size in enumerate(shape) if size == 1 and spread[new + k] != 1)]


def _axes(axes: list[int]) -> str:
    words = [str(axis) for axis in axes]
    return f"axis {words[0]}" if len(words) == 1 else f"axes {', '.join(words[:-1])} and {words[-1]}"


def copying(operand: Operand, name: str) -> str:
    """How broadcasting copied an operand forward; empty where it did not."""
    shape = np.shape(operand.data)
    axes = copied_axes(shape, operand.spread)
    if not axes:
        return ""
    how = [
        f"axis {axis} (new, {operand.spread[axis]} times)"
        if axis < len(operand.spread) - len(shape)
        else f"axis {axis} (1 to {operand.spread[axis]})"
        for axis in axes
    ]
    return f"{name} of shape {shape_text(shape)} is copied to {shape_text(operand.spread)}, along {' and '.join(how)}."


def summing(node: Node, part: Part, name: str) -> tuple[list[int], str]:
    """Which axes of the arriving gradient are summed for this part, and why."""
    operand = part.operand
    shape, spread = np.shape(operand.data), operand.spread
    axes = copied_axes(shape, spread)
    if axes:
        times = int(np.prod([spread[axis] for axis in axes]))
        who = "The engine's unbroadcast sums." if part.raw is not None else "The rule sums by itself."
        why = (
            f"Summed over {_axes(axes)}: forward copied {name} of shape {shape_text(shape)} to {shape_text(spread)} "
            f"along {_axes(axes)}, so each element was used {times} times, and what is used {times} times receives the "
            f"sum of {times} gradients. {who}"
        )
        return axes, why
    return _summed_by_product(node, part, name)


def _summed_by_product(node: Node, part: Part, name: str) -> tuple[list[int], str]:
    """The axes that a matrix product sums away on the way back."""
    kind, position, out = kind_of(node), part.operand.position, np.ndim(node._data)
    if kind == "linear" and position == 1 and out > 1:
        rows = list(range(out - 1))
        count = int(np.prod(np.shape(node._data)[:-1]))
        return rows, f"The product GᵀX sums over {_axes(rows)}: each of the {count} rows used the same {name}."
    columns = np.shape(node._data)[-1] if out else 0
    if (kind == "linear" and position == 0) or (kind == "matmul" and position == 0 and out and _ndim(node, 1) > 1):
        other = "W" if kind == "linear" else "Yᵀ"
        why = f"The product G{other} sums over axis {out - 1}: each element of {name} was used in {columns} columns."
        return [out - 1], why
    if kind == "matmul" and position == 1 and _ndim(node, 0) > 1 and out:
        axis = out - (2 if _ndim(node, 1) > 1 else 1)
        rows = np.shape(node._data)[axis]
        return [axis], f"The product XᵀG sums over axis {axis}: each element of {name} was used in {rows} rows."
    return [], _spreading(node)


def _ndim(node: Node, position: int) -> int:
    return int(np.ndim(plain_args(node)[position]))


def _spreading(node: Node) -> str:
    """How a function without copies passes its gradient on."""
    kind, name = kind_of(node), name_of(node._function)  # type: ignore[arg-type]  # operations only
    if kind == "reduce":
        axes = reduced_axes(node)
        if not axes:
            return ""
        if name in ("sum", "mean"):
            over = "" if name == "sum" else ", divided by how many they are"
            return f"Forward summed over {_axes(axes)}{over}; backward copies the gradient back along it{over}."
        return f"Forward reduced {_axes(axes)}; backward each element gets the gradient times its own local derivative."
    if kind == "map":
        return "Elements only move, so each gradient moves back to where its element was."
    if kind == "row":
        axis = options_of(node).get("axis", -1) % np.ndim(node._data)
        return f"Each output depends on all elements along axis {axis}: the rule needs their sum."
    return ""


def without_gradient(node: Node, operand: Operand) -> str:
    """Why an operand of a step receives nothing."""
    name, row = name_of(node._function), RULES[node._function]  # type: ignore[arg-type, index]  # operations only
    if not isinstance(operand.source, Node) or not operand.source._requires_grad:
        return "data: needs no gradient"
    if operand.position < len(row.vjps) and row.vjps[operand.position] is None and name == "nll":
        return "the rule is None: log_probs is a function of the logits, and the logits' rule has counted it"
    return "the rule is None: mathematically no gradient"
