"""Drawing: a graphviz Digraph that says what to do where the ``dot`` program is missing.

Importing this file imports graphviz. Nothing here knows what is drawn. Read next: ``sketch.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

try:
    import graphviz
except ImportError:
    raise ImportError("drawing needs the Python package graphviz: pip install 'tinytensor[viz]'") from None

INSTALL = (
    "apt install graphviz (Debian, Ubuntu), brew install graphviz (macOS), conda install -c conda-forge graphviz, "
    "or winget install Graphviz.Graphviz (Windows)"
)
SOURCES = (".dot", ".gv")
PIXELS = "150"  # dots per inch of a picture made of pixels: 96, the default, is blurred on today's screens


class DotMissing(graphviz.ExecutableNotFound):  # type: ignore[misc]  # graphviz has no type stubs
    """The ``dot`` program of Graphviz, which does the layout, is not on the PATH."""

    def __init__(self) -> None:
        RuntimeError.__init__(
            self,
            "the layout of a drawing is made by Graphviz's program `dot`, which is not on the PATH. Install it: "
            f"{INSTALL}. Without it there is the DOT source: drawing.source, or path='graph.dot'",
        )


class Drawing(graphviz.Digraph):  # type: ignore[misc]
    """A drawing of a graph: shown in notebooks, written to files, and readable as DOT in ``source``."""

    def pipe(self, *args: Any, **kwargs: Any) -> Any:
        """The picture as bytes or text, as in `graphviz.Digraph.pipe`."""
        try:
            return super().pipe(*args, **kwargs)
        except graphviz.ExecutableNotFound:
            raise DotMissing from None

    def render(self, *args: Any, **kwargs: Any) -> Any:
        """Write the picture to a file, as in `graphviz.Digraph.render`."""
        try:
            return super().render(*args, **kwargs)
        except graphviz.ExecutableNotFound:
            raise DotMissing from None

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, str]:
        """What a notebook shows: the picture, or how to get one."""
        try:
            return super()._repr_mimebundle_(*args, **kwargs)
        except DotMissing as error:
            return {"text/plain": f"{error}\n\n{self.source}"}

    def write(self, path: Any) -> None:
        """Write the picture, or with the suffix .dot or .gv the source, to a file of just this name."""
        path = Path(path)
        suffix = path.suffix.lower()
        formats = sorted(graphviz.FORMATS)
        if suffix in SOURCES:
            path.write_text(self.source, encoding="utf-8")
            return
        if suffix[1:] not in formats:
            given = f"the suffix {suffix!r}" if suffix else "no suffix"
            raise ValueError(f"draw: {str(path)!r} has {given}; use .svg, .png, .pdf, or .dot for the source")
        picture = self.copy()
        if suffix in (".png", ".jpg", ".jpeg", ".gif", ".webp"):
            picture.attr(dpi=PIXELS)
        path.write_bytes(picture.pipe(format=suffix[1:]))
