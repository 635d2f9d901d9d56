"""Every operation with its equivalent in torch, by family. See ``base.py``."""

from . import decompositions, elementwise, joining, linalg, moving, neural, reductions, selection, shapes, statistics
from .base import CASES, Case

__all__ = [
    "CASES",
    "Case",
    "decompositions",
    "elementwise",
    "joining",
    "linalg",
    "moving",
    "neural",
    "reductions",
    "selection",
    "shapes",
    "statistics",
]
