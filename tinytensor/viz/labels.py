"""What stands in a box, in graphviz's HTML, and the colours.

Nothing here knows a graph. Read next: ``texts.py``.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from .texts import in_full, number, summary

# Dark words on opaque light boxes, and grey arrows: they are read on a white page and on a black one. The colours are
# tints of Okabe and Ito's, told apart with any kind of colour vision.
INK, FAINT, ARROW = "#1b2733", "#4a5866", "#7c8894"
PARAMETER, RESULT, ROOT, PLAIN, PAPER = "#fbe0b3", "#d5eaf7", "#bfe6d6", "#ececec", "#ffffff"
SHADES = ("#f3f6f9", "#e6ecf2", "#dae2ea")
FONT = "Helvetica,Arial,sans-serif"


def table(name: str, kind: str, rows: list[tuple[str, str]]) -> str:
    """A box's text as graphviz's HTML: a head with the name and the kind, then rows of a word and what it is."""
    head = "  ".join([f"<B>{escape(name)}</B>"] * bool(name) + [faint(kind)] * bool(kind))
    lines = "".join(f'<TR><TD ALIGN="LEFT">{text}</TD></TR>' for text in [head, *(row(*parts) for parts in rows)])
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{lines}</TABLE>>'


def row(word: str, text: str) -> str:
    """A word and what it is; a matrix has its word at the top left. Columns across rows would be pulled apart."""
    if not text.startswith("<TABLE"):
        return f"{faint(word)}  {text}" if word else text
    cells = f'<TD VALIGN="TOP">{faint(word)}</TD><TD ALIGN="LEFT">{text}</TD>'
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>{cells}</TR></TABLE>'


def faint(text: str) -> str:
    """Less important words."""
    return f'<FONT POINT-SIZE="9" COLOR="{FAINT}">{escape(text)}</FONT>'


def cell(value: Any) -> str:
    """A number of a matrix, with room before it: fonts on the page may be wider than the layout takes them for."""
    return f'<TD ALIGN="RIGHT">&#160;&#160;{number(value)}</TD>'


def kind_of(value: Any) -> str:
    """A shape and a dtype."""
    return f"{tuple(value.shape)} {value.dtype}"


def style(fill: str, line: str = "solid") -> dict[str, str]:
    """The attributes of a box with rounded corners."""
    return {"shape": "box", "style": f"rounded,filled,{line}", "fillcolor": fill}


def plain(text: str) -> str:
    """A text in which graphviz sees no markup."""
    return escape(text, quote=False).replace("\\", "\\\\").replace("\n", "\\n")


def numbers(data: Any, max_elements: int) -> str:
    """An array as HTML: in full, row by row, or in summary."""
    if not in_full(data, max_elements):
        return escape(summary(data))
    array = np.asarray(data)
    if not array.ndim:
        return number(array[()])
    matrices = array.reshape(-1, *array.shape[-2:]) if array.ndim > 1 else array.reshape(1, 1, -1)
    blocks = ["".join(f"<TR>{''.join(map(cell, row))}</TR>" for row in matrix) for matrix in matrices]
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="0">{"<HR/>".join(blocks)}</TABLE>'
