"""Every operation with its equivalent in torch, by family. See ``base.py``."""

from . import elementwise, linalg, neural, reductions, shapes
from .base import CASES, Case

__all__ = ["CASES", "Case", "elementwise", "linalg", "neural", "reductions", "shapes"]
