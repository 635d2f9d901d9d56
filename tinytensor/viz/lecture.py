"""`draw_dot`: the lecture's drawing of a graph, node by node.

It knows of a node only what the lecture's has: ``data``, ``grad``, ``_prev``, ``_op`` and perhaps ``label``. Read next:
``sketch.py``, a drawing that knows more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .graph import trace
from .labels import plain
from .texts import in_full, summary

if TYPE_CHECKING:
    from .drawing import Drawing

RANKDIRS = ("LR", "TB", "RL", "BT")


def draw_dot(root: Any, format: str = "svg", rankdir: str = "LR", max_nodes: int = 2000) -> Drawing:
    """Draw a graph as in the lecture: a record for each value, an ellipse for each operation.

    Parameters
    ----------
    root : Value, Tensor or an object of your own engine
        With ``data``, ``grad``, ``_prev`` and ``_op`` as in the lecture, and ``label`` where there is one.
    format : str
        ``"svg"``, ``"png"`` or another format of Graphviz.
    rankdir : {"LR", "TB"}
        Left to right, or top to bottom.
    max_nodes : int
        A graph with more nodes is refused: the layout would take minutes.

    Returns
    -------
    Drawing
        A `graphviz.Digraph`. Its nodes are named ``str(id(value))`` and ``str(id(value)) + value._op``.

    Raises
    ------
    ValueError
        Where the graph has more than `max_nodes` nodes; `draw` summarizes such a graph.
    ImportError, RuntimeError
        As `draw`.

    Notes
    -----
    The lecture's drawing: A. Karpathy, "The spelled-out intro to neural networks and backpropagation: building
    micrograd". A Tensor's numbers are written where they are few; otherwise there is a summary.

    Examples
    --------
    >>> from tinytensor import Value
    >>> from tinytensor.viz import draw_dot
    >>> a = Value(2.0, label="a")
    >>> "{ a | data 2.0000 | grad 0.0000 }" in draw_dot(a * a).source
    True
    """
    from .drawing import Drawing

    if rankdir not in RANKDIRS:
        raise ValueError(f"draw_dot: rankdir must be 'LR' or 'TB', got {rankdir!r}")
    nodes, edges = trace(root)
    if len(nodes) > max_nodes:
        raise ValueError(
            f"draw_dot: the graph has {len(nodes):,} nodes, more than max_nodes={max_nodes:,}, and the layout would "
            "take minutes. Draw an earlier result, pass a larger max_nodes, or use viz.draw, which summarizes"
        )
    drawing = Drawing(format=format, graph_attr={"rankdir": rankdir})
    order = {node: position for position, node in enumerate(sorted(nodes, key=lambda n: getattr(n, "_time", 0)))}
    for node in order:
        name, operation = str(id(node)), _operation_name(node)
        fields = [f"data {_lecture_s(node.data)}", f"grad {_lecture_s(node.grad)}"]
        if hasattr(node, "label"):  # the lecture's Value has one; that of micrograd itself has not
            fields.insert(0, _record(node.label))
        drawing.node(name, label=f"{{ {' | '.join(fields)} }}", shape="record")
        if node._op:
            drawing.node(operation, label=plain(node._op))
            drawing.edge(operation, name)
    for operand, result in sorted(edges, key=lambda edge: (order[edge[1]], order[edge[0]])):
        drawing.edge(str(id(operand)), _operation_name(result))
    return drawing


def _operation_name(node: Any) -> str:
    """The name of an operation's node; a colon would be read as a port."""
    return f"{id(node)}{node._op}".replace(":", "_")


def _lecture_s(value: Any) -> str:
    """A number with four decimals, as in the lecture; an array in few words."""
    if value is None:
        return "None"
    if np.ndim(value) == 0:
        return f"{float(value):.4f}"
    array = np.asarray(value)
    text = np.array2string(array, precision=4, separator=", ") if in_full(array, 8) and array.ndim == 1 else ""
    return _record(text or f"{array.shape} {summary(array)}")


def _record(text: str) -> str:
    """A text in which graphviz sees no fields of a record."""
    for sign in "\\{}|<>":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("&", "&amp;").replace("\n", " ")
