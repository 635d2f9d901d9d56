"""Functions that are compositions of others: they need no gradient rule of their own.

Each is what NumPy's function of the same name does when it is given a Tensor. What they are composed
of is recorded, so the graph shows it. Read next: ``elementwise.py``.
"""

from . import quantiles, sequences, statistics
from .decompositions import norm
from .einsum import einsum
from .elementwise import clip, where
from .joining import split
from .linalg import dot, outer, tensordot, trace
from .shapes import diagonal, matrix_transpose, ones_like, pad, zeros_like

__all__ = ["statistics", "quantiles", "sequences", "einsum", "clip", "where", "dot", "norm", "outer", "tensordot",
           "trace", "diagonal", "matrix_transpose", "ones_like", "pad", "split", "zeros_like"]  # fmt: skip
