"""`step_through`: one HTML file in which a graph runs forward and backward, and what a notebook shows of it.

The file holds everything: the arrays, the code, the layout library, the formulas. It asks for nothing from the
network. Read next: ``record.py``; ``static/app.js`` for the page itself.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...arrays import seed_for, to_number
from ...lines import record_lines
from ...node import Node
from ...value import Value
from .record import recorded
from .walk import walk
from .words import named

SCRIPTS = ("dagre.min", "arrays", "walk", "provenance", "folding", "drawing", "graph", "panel", "ends", "trace", "app")


class StepPage:
    """A page of the stepper.

    Attributes
    ----------
    html : str
        The whole page.
    path : Path or None
        Where it was written, if it was.
    height : int
        How many pixels high a notebook shows it.
    """

    def __init__(self, html: str, height: int = 780) -> None:
        self.html, self.height = html, height
        self.path: Path | None = None

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, and return its path."""
        self.path = Path(path)
        self.path.write_text(self.html, encoding="utf-8")
        return self.path

    def _repr_html_(self) -> str:
        """The page within a notebook: in a frame, so that its style and keys are its own."""
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" title="Backpropagation, step by step" sandbox="allow-scripts" '
            f'style="width: 100%; height: {self.height}px; border: 1px solid #8886; border-radius: 8px" '
            'loading="lazy"></iframe>'
        )

    def __repr__(self) -> str:
        where = f"in {self.path}" if self.path else 'not written: .save("backprop.html")'
        return f"<StepPage of {len(self.html) / 1000:.0f} kB, {where}>"


def step_through(
    loss: Node | Callable[[], Node],
    path: str | os.PathLike[str] | None = None,
    *,
    gradient: Any = None,
    names: Any = None,
    title: str = "",
    height: int = 780,
    limit: int = 1500,
) -> StepPage:
    """Make a page that runs a graph forward, then backward, one operation at a time.

    Every gradient on it was computed by the engine, and no ``.grad`` is changed. The page is one HTML file that needs
    neither network nor programs; a notebook shows it in place.

    Parameters
    ----------
    loss : Tensor, Value or callable
        Where the walk back starts; or a function without arguments that returns it. The function is run within
        `record_lines`, so that the page can say which line of your code made each node.
    path : path_like, optional
        Where to write the page, such as ``"backprop.html"``; by default it is not written.
    gradient : array_like, optional
        What the walk starts with, of the loss's shape; 1 by default, where it has one element.
    names : mapping, module or list, optional
        Names for nodes: ``{"x": x}``, or a module, whose parameters have names. Labels and the names in the recorded
        lines (``h = …``) are used otherwise.
    title : str
        The page's heading.
    height : int
        Pixels in a notebook.
    limit : int
        Larger graphs are refused.

    Returns
    -------
    StepPage
        With the page in ``.html``, and ``.save(path)``.

    Raises
    ------
    TypeError
        Where `loss` is neither a Tensor nor a Value, or a Value in the graph has a ``_backward`` written by hand.
    RuntimeError
        Where the loss does not require a gradient, has several elements and no `gradient`, or data have changed since
        the forward pass.
    ValueError
        Where the graph has more than `limit` nodes.

    Examples
    --------
    >>> import tinytensor as tt
    >>> from tinytensor.viz import step_through
    >>> x = tt.Tensor([[1.0], [2.0]], requires_grad=True, label="x")
    >>> w = tt.Tensor([3.0, 4.0, 5.0], requires_grad=True, label="w")
    >>> page = step_through(lambda: (x * w).sum())
    >>> page.html.startswith("<!DOCTYPE html>"), "summed over" in page.html.lower()
    (True, True)
    >>> print(x.grad)
    None
    """
    if not isinstance(loss, Node) and callable(loss):
        with record_lines():
            loss = loss()
    if not isinstance(loss, Node):
        raise TypeError(
            f"step_through: expected a Tensor or a Value, or a function that returns one, got {type(loss).__name__}"
        )
    if isinstance(loss, Value):
        seed = 1.0 if gradient is None else to_number(gradient)
    else:
        seed = seed_for(loss, gradient, "step_through")
    page = StepPage(rendered(recorded(walk(loss, seed, limit), named(names), title)), height)
    if path is not None:
        page.save(path)
    return page


def rendered(record: dict[str, Any]) -> str:
    """The page with a record in it."""
    data = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    # Within <script>, "<" could end it, and "<!--" would start another mode of the parser.
    data = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    scripts = "\n".join(f"<script>\n{_script(name)}</script>" for name in SCRIPTS)
    page = _static("page.html")
    for slot, text in (
        ("TITLE", html.escape(record["title"])),
        ("STYLE", _static("page.css")),
        ("DATA", data),
        ("SCRIPTS", scripts),
    ):
        page = page.replace(f"<!--{slot}-->", text, 1)
    return page


def _script(name: str) -> str:
    license = f"/*! {_static('dagre.LICENSE.txt')}*/\n" if name == "dagre.min" else ""
    return license + _static(f"{name}.js")


def _static(name: str) -> str:
    return (files(__package__) / "static" / name).read_text(encoding="utf-8")
