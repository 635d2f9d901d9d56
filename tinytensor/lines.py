"""Which line of the user's code made a node: written down only while it is asked for.

A node has no room for it, and finding the line costs about as much as an operation. So nothing is noted by default;
within `record_lines`, the clock that gives each node its time also notes the line that runs. Nothing here knows what
an operation is. Read next: ``node.py``.
"""

from __future__ import annotations

import linecache
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np

from . import node as nodes
from . import value as values

OURS = (str(Path(__file__).parent), str(Path(np.__file__).parent), "<frozen", "<__array_function__")
MOST = 1_000_000  # lines kept; of more, the oldest are forgotten


@dataclass(frozen=True)
class Line:
    """A line of the user's code.

    Attributes
    ----------
    file : str
        The path of the file, or what Python calls it (``<stdin>``, a notebook's cell).
    number : int
        The number of the line, from 1.
    function : str
        The function that it stands in; ``<module>`` outside of any.
    """

    file: str
    number: int
    function: str = ""

    @property
    def text(self) -> str:
        """The line itself, without its indentation; empty where the source is not at hand."""
        return linecache.getline(self.file, self.number).strip()

    @property
    def place(self) -> str:
        """The file's name and the number; in a notebook the cell and the number."""
        return f"{name_of_file(self.file)}:{self.number}"

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.text else self.place


def name_of_file(file: str) -> str:
    """A file's name without its folder; ``In[3]`` for the file that stands for a notebook's cell."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    cell = shell and shell.compile.format_code_name(file)
    return cell[1] if cell else Path(file).name


def users_frame() -> FrameType | None:
    """The innermost frame that is neither ours nor NumPy's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    return frame


def users_line() -> Line | None:
    """The line of the user's code that runs now."""
    frame = users_frame()
    return frame and Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


_lines: dict[int, Line] = {}  # by the time of the node that a line made
_plain_clock = nodes.now
_watching = 0
_changing = threading.Lock()


def _noting_clock() -> int:
    time = _plain_clock()
    line = users_line()
    if line is not None:
        _lines[time] = line
        if len(_lines) > MOST:
            _lines.pop(next(iter(_lines)), None)
    return time


def _set_clock(clock: Callable[[], int]) -> None:
    for module in (nodes, values):  # the two that read it
        vars(module)["now"] = clock


@contextmanager
def record_lines() -> Iterator[None]:
    """Note for each node made in this block which line of the user's code made it.

    For pictures and errors: `line_of` tells it, also after the block. Making a node takes about twice as long. All
    threads are noted, not only this one.

    Examples
    --------
    >>> import tinytensor as tt
    >>> from tinytensor.lines import line_of, record_lines
    >>> with record_lines():
    ...     y = tt.Tensor([1.0, 2.0], requires_grad=True) * 2
    >>> line_of(y).number
    2
    """
    global _watching
    with _changing:
        _watching += 1
        _set_clock(_noting_clock)
    try:
        yield
    finally:
        with _changing:
            _watching -= 1
            if not _watching:
                _set_clock(_plain_clock)


def line_of(node: nodes.Node) -> Line | None:
    """The line of the user's code that made a node; None where it was made outside of `record_lines`."""
    return _lines.get(node._time)
