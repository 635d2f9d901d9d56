"""Node: what the graph is made of. Data and how they were made, but nothing that is done with them.

Read next: ``engine.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from threading import Lock
from typing import Any

from .rules.table import SYMBOLS, Function, name_of

NOTHING: dict[str, Any] = {}  # the keywords of a call without keywords; never written to
now = count(1).__next__  # one clock for the process; a node is always newer than its operands
changes = [0]  # when any node's data were last changed: what was made later need not be looked at
changing = Lock()  # so that it never goes back, whatever other threads change


def stamp(versions: Iterable[list[int]]) -> None:
    """Note that the data with these versions have changed."""
    with changing:
        time = changes[0] = now()
        for version in versions:
            version[0] = time


class StandIn:
    """What stands in an array's place while `compile` watches a function run: it computes, and writes down what."""

    __slots__ = ()


class Node:
    """A place in the graph: an array, how it was made, and the gradient that came back to it."""

    __slots__ = (
        "__weakref__",
        "_args",  # the operands, in order: nodes, arrays, numbers, sequences
        "_data",
        "_function",  # what made it; None for a leaf
        "_grad",
        "_kwargs",
        "_operands",  # the nodes among the args
        "_requires_grad",
        "_time",  # when it was made
        "_version",  # when the data were last changed; one cell for all that share them
        "label",
    )

    _args: tuple[Any, ...]
    _data: Any
    _function: Function | None
    _grad: Any
    _kwargs: dict[str, Any]
    _operands: Sequence[Node]
    _requires_grad: bool
    _time: int
    _version: list[int]
    label: str

    @classmethod
    def _make(cls, data: Any) -> Node:
        """A bare leaf with `data`. A subclass says here which kind of node holds a given result."""
        node = cls.__new__(cls)
        node._start(data)
        return node

    def _start(self, data: Any) -> None:
        self._data = data
        self._requires_grad = False
        self._grad = self._function = None
        self._args = self._operands = ()
        self._kwargs = NOTHING
        self._time, self._version = now(), [0]
        self.label = ""

    def _touch(self) -> None:
        """Note that the data have changed, so that older results are not differentiated with them."""
        stamp((self._version,))

    @property
    def is_leaf(self) -> bool:
        """Whether this was given rather than computed from something that requires a gradient."""
        return self._function is None

    @property
    def _op(self) -> str:
        """What made this, as drawings show it."""
        return "" if self._function is None else SYMBOLS.get(name := name_of(self._function), name)

    @property
    def _prev(self) -> set[Node]:
        """The operands that this was made from, as in the lecture."""
        return set(self._operands)
