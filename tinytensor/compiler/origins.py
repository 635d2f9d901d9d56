"""Where in the user's code a call came from: for the comments in the source, and for errors.

Read next: ``simplify.py``.
"""

from __future__ import annotations

import linecache
from dataclasses import dataclass

from ..lines import name_of_file, users_frame


class CompileError(RuntimeError):
    """What `compile` can't hold in a trace, with the line of the user's code."""

    __module__ = "tinytensor"


class ShapeError(CompileError):
    """A result whose shape depends on the data: not even as a whole can such a call be written down."""


@dataclass(frozen=True)
class Origin:
    """A line of the user's code, and whether a call computes its value or its gradient.

    Attributes
    ----------
    file : str
        The path of the file.
    line : int
        The number of the line, from 1.
    operation : str
        What the line asks for there: linear, relu, SGD.
    backward : bool
        Whether the call belongs to the gradient of that.
    """

    file: str
    line: int
    operation: str = ""
    backward: bool = False

    @property
    def place(self) -> str:
        """The file's name and the line; in a notebook the cell and the line."""
        return f"{name_of_file(self.file)}:{self.line}"

    @property
    def text(self) -> str:
        """The line itself."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.text else self.place


def here() -> Origin:
    """The line of the user's code that runs now."""
    frame = users_frame()
    return Origin("?", 0) if frame is None else Origin(frame.f_code.co_filename, frame.f_lineno)
