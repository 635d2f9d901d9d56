"""Test gradients by properties: your own operations, your own engine, or tinytensor itself.

`gradcheck` compares gradients with derivatives; the strategies draw tensors, shapes, indices and whole
programs for Hypothesis; `assert_matches` and `assert_matches_torch` compare with another framework.
Nothing here is imported by ``import tinytensor``. Read next: ``gradcheck.py``.
"""

from __future__ import annotations

import importlib
from typing import Any

from .check import Report
from .errors import FunctionError, GradientError
from .frameworks import Framework
from .gradcheck import gradcheck
from .memory import LAYOUTS, lay_out
from .oracles import assert_matches, assert_matches_torch, probe_conventions
from .plugin import examples
from .tolerances import Tolerance, count_operations, difference_tolerance, tolerance

# These need Hypothesis, an extra: they are imported when they are asked for.
_DRAWN = {
    "strategies": [
        "tensors", "arrays", "shapes", "axes_for", "indices_for", "layouts", "upstream", "broadcastable_shapes",
        "broadcastable_arrays", "broadcastable_tensors", "gufunc_operands", "matmul_operands",
    ],
    "random_programs": ["programs", "Program", "check_program"],
}  # fmt: skip

__all__ = [
    "gradcheck", "Report", "GradientError", "FunctionError",
    "assert_matches", "assert_matches_torch", "probe_conventions", "Framework",
    "Tolerance", "tolerance", "difference_tolerance", "count_operations", "examples", "LAYOUTS", "lay_out",
    *(name for names in _DRAWN.values() for name in names),
]  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _DRAWN.items():
        if name in names:
            return getattr(importlib.import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
