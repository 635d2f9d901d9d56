"""`draw`: Values and Tensors, operations, parameters and modules in one drawing.

Layout is Graphviz's. Nothing here decides what is drawn (``picture.py`` does) or computes anything. Read next:
``lecture.py``.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..lines import line_of
from .graph import oldest_first
from .labels import (
    ARROW,
    FAINT,
    FONT,
    INK,
    PAPER,
    PARAMETER,
    PLAIN,
    RESULT,
    ROOT,
    SHADES,
    kind_of,
    numbers,
    plain,
    style,
    table,
)  # fmt: skip
from .picture import CONSTANT, MODULE, MORE, OPERATION, VALUE, Box, Picture
from .texts import operation_text

if TYPE_CHECKING:
    from .drawing import Drawing

MAX_NODES = 1000
RANKDIRS = ("LR", "TB", "RL", "BT")


def draw(
    root: Any,
    *,
    model: Any = None,
    params: Any = None,
    path: Any = None,
    format: str = "svg",
    rankdir: str = "LR",
    depth: int | None = None,
    max_nodes: int = MAX_NODES,
    max_elements: int = 16,
) -> Drawing:
    """Draw the graph that a Value or a Tensor was computed by.

    Each value is a box with its name, shape and dtype, its data and its gradient; each operation is an ellipse with its
    plain arguments. Colours: parameters (without `model` and `params`, all leaves that require a gradient) are orange,
    the root green, other results blue, inputs and constants grey.

    Parameters
    ----------
    root : Value or Tensor
        The result, often the loss. Gradients are shown as they are, so call ``backward()`` first.
    model : Module, optional
        Names its parameters (``layers.0.weight``) and draws each module as a cluster. The lecture's own classes, with
        ``parameters()``, are understood too. An operation belongs to the module whose parameters it uses; what stands
        between two modules belongs to the one that holds both; losses and inputs belong to none.
    params : mapping, or iterable of tensors or pairs, optional
        More names: ``{"w": w, "b": b}``, ``model.named_parameters()``, or just tensors with labels.
    path : path_like, optional
        A file to write: ``.svg``, ``.png``, ``.pdf`` or another format of Graphviz; ``.dot`` for the source.
    format : str
        What ``drawing.render()`` and ``drawing.pipe()`` make by default.
    rankdir : {"LR", "TB", "RL", "BT"}
        The direction of computation: left to right, or top to bottom.
    depth : int, optional
        Fold every module at this depth of `model` into one box: 0 is the model itself. By default modules are folded
        only where there are more boxes than `max_nodes`, and only as far as needed.
    max_nodes : int
        Of a graph with more boxes, the part nearest to the root is drawn and one box says how many are left out.
        The layout of 1,000 boxes takes about a second, and grows faster than their number.
    max_elements : int
        Arrays up to this size, with rows of up to 8, are shown in full; larger ones by minimum, mean and maximum.

    Returns
    -------
    Drawing
        A `graphviz.Digraph`: the picture itself in a notebook; the DOT source in ``source``.

    Raises
    ------
    TypeError
        Where `root` is no Tensor or Value, or `model` no module.
    ValueError
        Where an option has no meaning, or the suffix of `path` is unknown.
    ImportError
        Where the package graphviz is missing.
    RuntimeError
        Where a picture is asked for and Graphviz's program ``dot`` is missing. The source needs no program.

    Examples
    --------
    >>> import tinytensor as tt
    >>> from tinytensor import viz
    >>> x = tt.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, label="x")
    >>> y = (x * [10.0, 20.0]).sum()
    >>> y.backward()
    >>> drawing = viz.draw(y)
    >>> "x" in drawing.source, "sum" in drawing.source
    (True, True)
    """
    from .drawing import Drawing

    if rankdir not in RANKDIRS:
        raise ValueError(f"draw: rankdir must be one of {', '.join(map(repr, RANKDIRS))}, got {rankdir!r}")
    if depth is not None and model is None:
        raise ValueError("draw: depth= folds the modules of a model; say which with model=")
    if max_nodes < 1 or (depth is not None and depth < 0):
        raise ValueError(f"draw: expected max_nodes >= 1 and depth >= 0, got {max_nodes} and {depth}")
    nodes = oldest_first(root, "draw")
    picture = Picture(nodes, model, params, "draw")
    note = _shrink(picture, depth, max_nodes)
    drawing = Drawing(format=format)
    drawing.attr(rankdir=rankdir, bgcolor="transparent", nodesep="0.15", ranksep="0.3", fontname=FONT)
    drawing.attr("node", fontname=FONT, fontsize="10", fontcolor=INK, color=FAINT, margin="0.06,0.04")
    drawing.attr("edge", color=ARROW, arrowsize="0.6")
    Sketch(picture, max_elements, bool(model is not None or params is not None)).onto(drawing)
    if note:
        drawing.node("note", label=note, shape="note", style="filled", fillcolor=PAPER, margin="0.12,0.06")
    if path is not None:
        drawing.write(path)
    return drawing


def _shrink(picture: Picture, depth: int | None, max_nodes: int) -> str:
    """Fold modules as asked for, or as far as needed, and cut what is still too much; returns what to say of it."""
    count = len(picture.boxes)
    if depth is not None:
        picture.fold(depth)
    note = ""
    for level in range(picture.deepest, -1, -1) if depth is None and picture.modules else ():
        if len(picture.boxes) <= max_nodes:
            break
        picture.fold(level)
        note = f"{count:,} boxes are more than max_nodes={max_nodes:,}:\\nmodules are folded at depth={level}"
    picture.keep(max_nodes)
    return note


class Sketch:
    """A picture in graphviz's words."""

    def __init__(self, picture: Picture, max_elements: int, knows_parameters: bool) -> None:
        self.picture, self.max_elements, self.knows_parameters = picture, max_elements, knows_parameters

    def onto(self, drawing: Any) -> None:
        """Draw everything, each box in the cluster of its module."""
        within: dict[str | None, list[str]] = {}
        for key, box in self.picture.boxes.items():
            within.setdefault(box.home, []).append(key)
        beside = self._beside()
        self._cluster(drawing, None, within, beside, 0)
        below = {(name, operation) for operation, names in beside.items() for name in names[1:]}
        for tail, head in self.picture.arrows:
            if (tail, head) in below:  # told the other way round: the first parameter above its operation, others below
                drawing.edge(head, tail, dir="back")
            else:
                drawing.edge(tail, head)

    def _beside(self) -> dict[str, list[str]]:
        """For each operation in a module, the parameters there that it alone uses: drawn in one column with it."""
        boxes = self.picture.boxes
        beside: dict[str, list[str]] = {}
        uses = Counter(tail for tail, _ in self.picture.arrows)
        for tail, head in self.picture.arrows:
            box = boxes[tail]
            is_parameter = box.kind == VALUE and box.content in self.picture.names and box.home is not None
            if is_parameter and uses[tail] == 1 and box.home == boxes[head].home:
                beside.setdefault(head, []).append(tail)
        return beside

    def _cluster(
        self, drawing: Any, module: str | None, within: dict[str | None, list[str]], beside: Any, level: int
    ) -> None:
        """The boxes of one module, and within it the clusters of its modules."""
        for key in within.get(module, ()):
            self._box(drawing, key, self.picture.boxes[key])
            if key in beside:
                with drawing.subgraph() as column:
                    column.attr(rank="same")
                    for name in [*beside[key], key]:
                        column.node(name)
        for child in self._children(module, {home for home in within if home is not None}):
            with drawing.subgraph(name=f"cluster_{child or 'model'}") as cluster:
                cluster.attr(
                    label=self._title(child), labeljust="l", fontsize="10", fontcolor=FAINT,
                    style="rounded,filled", fillcolor=SHADES[level % len(SHADES)], color="#b4c0cc", margin="8",
                )  # fmt: skip
                self._cluster(cluster, child, within, beside, level + 1)

    def _children(self, module: str | None, homes: set[str]) -> list[str]:
        """The modules directly within a module that have boxes, or modules with boxes, in them."""
        paths = [self.picture.path(home) for home in self.picture.modules if home in homes]
        level = 0 if module is None else len(self.picture.path(module))
        return list(dict.fromkeys(p[level] for p in paths if len(p) > level and (not level or p[level - 1] == module)))

    # ----------------------------------------------------------------------------------------- boxes

    def _box(self, drawing: Any, key: str, box: Box) -> None:
        if box.kind == VALUE:
            self._value(drawing, key, box.content)
        elif box.kind == OPERATION:
            text = operation_text(box.content)
            line = line_of(box.content)
            drawing.node(
                key, label=plain(text), shape="ellipse", style="filled", fillcolor=PAPER, fontsize="11",
                height="0.3", width="0.4", margin="0.04,0.02", ordering="in",
                tooltip=plain(f"{text}\n{line}" if line else text),
            )  # fmt: skip
        elif box.kind == CONSTANT:
            array = box.content
            rows = [("data", numbers(array, self.max_elements))]
            drawing.node(key, label=table("", kind_of(array), rows), **style(PLAIN, "dashed"), tooltip="constant")
        elif box.kind == MODULE:
            drawing.node(
                key, label=self._folded(box), shape="box", peripheries="2", style="filled", fillcolor=SHADES[1],
                tooltip=self._title(box.content),
            )  # fmt: skip
        elif box.kind == MORE:
            text = (f"… {box.content:,} more boxes\\nare not drawn. To see them:\\nmax_nodes=…, "
                    "fold modules with\\nmodel=… and depth=…, or\\ndraw an earlier result")  # fmt: skip
            drawing.node(key, label=text, shape="note", style="filled,dashed", fillcolor=PAPER, margin="0.12,0.06")

    def _value(self, drawing: Any, key: str, node: Any) -> None:
        """A value: its name, shape and dtype, data and gradient."""
        name = self.picture.names.get(node) or node.label
        rows = [("data", numbers(node.data, self.max_elements))]
        if node.grad is not None:
            rows.append(("grad", numbers(node.grad, self.max_elements)))
        elif node.requires_grad:
            rows.append(("grad", "None"))
        fill = ROOT if key == self.picture.root else RESULT
        if node.is_leaf:
            known = node in self.picture.names if self.knows_parameters else node.requires_grad
            fill = PARAMETER if known and node.requires_grad else PLAIN
        line = line_of(node)
        hint = "\n".join([f"{name or type(node).__name__} {kind_of(node)}"] + ([str(line)] if line else []))
        drawing.node(key, label=table(name, kind_of(node), rows), **style(fill), tooltip=plain(hint))

    def _folded(self, box: Box) -> str:
        """A module as one box: its name and class, and how much is in it."""
        module, inside = box.content, box.folded or []
        operations = sum(inner.kind == OPERATION for inner in inside)
        parameters = [inner.content for inner in inside if inner.kind == VALUE and inner.content.is_leaf]
        size = sum(parameter.size for parameter in parameters)
        rows = [
            ("", f"{size:,} parameter{'s' * (size != 1)}"),
            ("", f"{operations:,} operation{'s' * (operations != 1)}"),
        ]
        return table(self._title(module), "", rows)

    def _title(self, module: str) -> str:
        """A module's name and class."""
        kind = self.picture.modules[module]
        return f"{module}: {kind}" if module else kind
