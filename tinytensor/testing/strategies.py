"""Hypothesis strategies for everything that a gradient test draws.

Impossible arguments are refused when a strategy is made, not when it is drawn from. Needs Hypothesis,
which ``import tinytensor`` does not import. Read next: ``array_strategies.py``, then ``random_programs.py``.
"""

from .array_strategies import arrays, tensors
from .choices import axes_for, broadcastable_shapes, indices_for, layouts, shapes, upstream
from .operands import broadcastable_arrays, broadcastable_tensors, gufunc_operands, matmul_operands

__all__ = [
    "arrays", "tensors", "broadcastable_arrays", "broadcastable_tensors", "gufunc_operands", "matmul_operands",
    "shapes", "broadcastable_shapes", "axes_for", "indices_for", "layouts", "upstream",
]  # fmt: skip
