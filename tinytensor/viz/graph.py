"""The graph as data: its nodes and edges as in the lecture, and the whole of it as nested JSON.

Every walk keeps its own stack, so that a chain of a million operations is no deeper than one. Nothing here draws, and
`trace` knows of a node only what the lecture's has, so that it also walks an engine of your own. Read next:
``sketch.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..lines import line_of
from ..node import Node
from .names import names_of
from .texts import operation_text

NESTING = 100  # levels of JSON within one another; Python's own reader and writer stop at some hundreds
FORMAT = "tinytensor-graph-1"


def trace(root: Any) -> tuple[set[Any], set[tuple[Any, Any]]]:
    """The nodes and the edges of a graph, as in the lecture.

    Parameters
    ----------
    root : Value, Tensor or any object with ``_prev``
        The result; what it was computed from is found through ``_prev``.

    Returns
    -------
    nodes : set
        The root and everything that it was computed from, each once.
    edges : set of tuple
        A pair ``(operand, result)`` for each operand of each operation; one pair where it was used twice (``a + a``).

    Examples
    --------
    >>> from tinytensor import Value
    >>> from tinytensor.viz import trace
    >>> a, b = Value(2.0), Value(-3.0)
    >>> c = a * b
    >>> nodes, edges = trace(c)
    >>> nodes == {a, b, c}, edges == {(a, c), (b, c)}
    (True, True)
    """
    if not hasattr(root, "_prev"):
        raise TypeError(f"trace: expected a Value or a Tensor, got {type(root).__name__}")
    nodes, edges, stack = {root}, set(), [root]
    while stack:
        node = stack.pop()
        for operand in node._prev:
            edges.add((operand, node))
            if operand not in nodes:
                nodes.add(operand)
                stack.append(operand)
    return nodes, edges


def oldest_first(root: Any, caller: str) -> list[Node]:
    """Every node of a graph, operands before results, so the root last; a TypeError names the caller."""
    if not isinstance(root, Node):
        hint = " (did you mean the model's output or its loss?)" if hasattr(root, "parameters") else ""
        raise TypeError(f"{caller}: expected a Tensor or a Value, got {type(root).__name__}{hint}")
    return sorted(trace(root)[0], key=lambda node: node._time)


# ------------------------------------------------------------------------------------------- JSON


def to_json(root: Any, *, model: Any = None, params: Any = None, max_elements: int = 1000) -> dict[str, Any]:
    """The graph as nested JSON: dictionaries, lists, strings and numbers only.

    Parameters
    ----------
    root : Value or Tensor
        The result.
    model, params
        Where the names of parameters come from, as in `draw`.
    max_elements : int
        Arrays with more elements than this are given by their minimum, mean and maximum alone.

    Returns
    -------
    dict
        With the keys

        - ``format``: ``"tinytensor-graph-1"``;
        - ``nodes``: how many nodes there are;
        - ``root``: the result, a *node*;
        - ``continued``: a list of *nodes*, empty but for graphs that are more than 100 operations deep.

        A *node* has

        - ``id``: a number from 0, smaller than that of every result computed from it;
        - ``kind``: ``"Value"``, ``"Tensor"`` or the name of a subclass;
        - ``name``: the parameter's name, else the label, else ``""``;
        - ``shape``: a list of int; ``dtype``: a string;
        - ``data``, ``grad``: *numbers*; ``grad`` is null where there is none;
        - ``requires_grad``: true or false;
        - ``op``: null for a leaf, else the operation's short name as in drawings, and
          ``operation``: with its plain arguments, such as ``"sum(axis=0)"``;
        - ``line``: the line of code that made it, where `tinytensor.record_lines` noted it, else null;
        - ``operands``: a list of *nodes*. The second time a node is met there is only ``{"ref": id}`` in its place; so
          it is where nesting would go deeper than 100 operations, and then the node stands in ``continued``.

        *Numbers* are nested lists of the array's shape (one number for shape ``()``), or
        ``{"min": …, "mean": …, "max": …}`` of a larger array. Numbers that JSON has no word for are the strings
        ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, which Python's ``float`` and JavaScript's ``Number`` read.

    Examples
    --------
    >>> import json
    >>> from tinytensor import Value
    >>> from tinytensor.viz import to_json
    >>> a = Value(3.0, label="a")
    >>> b = a * a
    >>> b.backward()
    >>> graph = to_json(b)
    >>> graph["root"]["data"], graph["root"]["op"]
    (9.0, '*')
    >>> first, second = graph["root"]["operands"]
    >>> first["name"], first["grad"], second
    ('a', 6.0, {'ref': 0})
    >>> json.loads(json.dumps(graph)) == graph
    True
    """
    nodes = oldest_first(root, "to_json")
    names = names_of(model, params, "to_json")
    ids = {node: position for position, node in enumerate(nodes)}
    entries: dict[Node, dict[str, Any]] = {}
    depth = {root: 0}
    continued: list[dict[str, Any]] = []
    stack = [(root, entry := _entry(root, ids[root], names.get(root, ""), max_elements))]
    entries[root] = entry
    while stack:
        node, entry = stack.pop()
        for operand in node._operands:
            if operand in entries:
                entry["operands"].append({"ref": ids[operand]})
                continue
            new = entries[operand] = _entry(operand, ids[operand], names.get(operand, ""), max_elements)
            depth[operand] = (depth[node] + 1) % NESTING
            if depth[operand]:
                entry["operands"].append(new)
            else:
                entry["operands"].append({"ref": ids[operand]})
                continued.append(new)
            stack.append((operand, new))
    return {"format": FORMAT, "nodes": len(nodes), "root": entries[root], "continued": continued}


def _entry(node: Any, number: int, name: str, max_elements: int) -> dict[str, Any]:
    """One node, its operands still missing."""
    line = line_of(node)
    return {
        "id": number,
        "kind": type(node).__name__,
        "name": name or node.label,
        "shape": list(node.shape),
        "dtype": str(node.dtype),
        "data": _numbers(node.data, max_elements),
        "grad": None if node.grad is None else _numbers(node.grad, max_elements),
        "requires_grad": bool(node.requires_grad),
        "op": None if node.is_leaf else node._op,
        "operation": None if node.is_leaf else operation_text(node),
        "line": None if line is None else {"place": line.place, "text": line.text},
        "operands": [],
    }


def _numbers(data: Any, max_elements: int) -> Any:
    """Numbers as JSON has them: in full, or summarized."""
    array = np.asarray(data)
    if array.size > max_elements:
        with np.errstate(all="ignore"):  # a mean of infinities is not worth a warning here
            facts = {"min": array.min(), "mean": array.mean(), "max": array.max()}
        return {fact: _numbers(number, 1) for fact, number in facts.items()}
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array.tolist()
    words = np.empty(array.shape, object)
    for place, number in zip(np.ndindex(array.shape), _each(array), strict=True):
        words[place] = number if np.isfinite(number) else _word(number)
    return words.tolist()


def _each(array: Any) -> Iterator[float]:
    return (float(number) for number in array.flat)


def _word(number: float) -> str:
    return "NaN" if np.isnan(number) else "Infinity" if number > 0 else "-Infinity"
