"""What a case is: an operation beside its equivalent in torch, and the inputs to compare them on.

A case draws a list of operand arrays and a dict of options; ``ours`` takes Tensors, ``theirs`` torch
tensors. ``covers`` names the rows of the rule table (or the compositions) that it exercises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st


@dataclass
class Case:
    name: str
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    draw: st.SearchStrategy[Any]
    covers: tuple[Any, ...] = field(default_factory=tuple)
    orders: int = 3

    def __repr__(self) -> str:
        return self.name


CASES: list[Case] = []


def case(name, ours, theirs, draw, *covers, orders=3):
    CASES.append(Case(name, ours, theirs, draw, covers or (ours,), orders))
