"""tinytensor: what comes right after micrograd.

Vectorized automatic differentiation on NumPy arrays, small enough to read in one sitting.
Read the source in this order: ``value.py`` (the lecture's scalar), ``tensor.py``, ``engine.py``,
``rules/``, ``nn/``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import blas, data, functional, nn, optim  # blas first: it chooses kernels before NumPy is imported
from .activations import elu, gelu, leaky_relu, silu, softplus
from .anomaly import detect_anomaly
from .autograd import grad
from .creation import arange, eye, from_dlpack, full, manual_seed, ones, rand, randn, tensor, zeros
from .info import show_versions, versions
from .lines import record_lines
from .modes import enable_grad, is_grad_enabled, no_grad
from .nonfinite import AnomalyError
from .primitive import primitive
from .primitives import log_softmax, logsumexp, relu, sigmoid, softmax
from .rules import (  # noqa: F401  # these fill the rule table
    decompositions,
    elementwise,
    linalg,
    neural,
    nonlinear,
    reductions,
    selection,
    shapes,
)
from .special import erf
from .tensor import Tensor
from .value import Value

if TYPE_CHECKING:
    from . import viz
    from .compiler import Compiled, CompileError, compile

__version__ = "0.1.0"

__all__ = [
    "Tensor", "Value", "tensor", "zeros", "ones", "full", "arange", "eye", "randn", "rand", "from_dlpack",
    "manual_seed", "grad", "no_grad", "enable_grad", "is_grad_enabled", "primitive", "functional", "nn", "optim",
    "data", "relu", "sigmoid", "softmax", "log_softmax", "logsumexp",
    "gelu", "silu", "softplus", "leaky_relu", "elu", "erf",
    "blas", "show_versions", "versions", "compile", "Compiled", "CompileError", "record_lines", "viz",
    "detect_anomaly", "AnomalyError",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ("compile", "Compiled", "CompileError"):  # imported when they are first used, so that import is fast
        from . import compiler

        globals().update(compile=compiler.compile, Compiled=compiler.Compiled, CompileError=compiler.CompileError)
        return globals()[name]
    if name == "viz":
        return import_module(".viz", __name__)
    raise AttributeError(f"module 'tinytensor' has no attribute {name!r}")
