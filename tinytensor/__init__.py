"""tinytensor: what comes right after micrograd.

Vectorized automatic differentiation on NumPy arrays, small enough to read in one sitting.
Read the source in this order: ``value.py`` (the lecture's scalar), ``tensor.py``, ``engine.py``,
``rules/``, ``nn/``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import blas, data, functional, nn, optim  # blas first: it chooses kernels before NumPy is imported
from .activations import elu, gelu, leaky_relu, silu, softplus
from .autograd import grad
from .creation import arange, eye, from_dlpack, full, manual_seed, ones, rand, randn, tensor, zeros
from .fused import log_softmax, logsumexp, softmax
from .info import show_versions, versions
from .modes import enable_grad, is_grad_enabled, no_grad
from .primitive import primitive
from .primitives import relu, sigmoid
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
    from . import io, onnx, viz
    from . import mpi as mpi
    from . import sklearn as sklearn
    from .anomaly import detect_anomaly
    from .compiler import Compiled, CompileError, compile
    from .io import load, save
    from .lines import record_lines
    from .nonfinite import AnomalyError

__version__ = "0.1.0"

__all__ = [
    "Tensor", "Value", "tensor", "zeros", "ones", "full", "arange", "eye", "randn", "rand", "from_dlpack",
    "manual_seed", "grad", "no_grad", "enable_grad", "is_grad_enabled", "primitive", "functional", "nn", "optim",
    "data", "relu", "sigmoid", "softmax", "log_softmax", "logsumexp",
    "gelu", "silu", "softplus", "leaky_relu", "elu", "erf",
    "blas", "show_versions", "versions", "compile", "Compiled", "CompileError", "record_lines", "viz", "onnx",
    "io", "save", "load",
    "detect_anomaly", "AnomalyError",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LATER:  # imported when they are first used, so that import is fast
        module = import_module(_LATER[name], __name__)
        value = module if name in _ROOMS else getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'tinytensor' has no attribute {name!r}")


# Those that are not in __all__ need an extra, so that `from tinytensor import *` does not.
_ROOMS = ("viz", "io", "onnx", "sklearn", "mpi")
_LATER = {
    **{name: f".{name}" for name in _ROOMS},
    **dict.fromkeys(("compile", "Compiled", "CompileError"), ".compiler"),
    **dict.fromkeys(("save", "load"), ".io"),
    "detect_anomaly": ".anomaly",
    "AnomalyError": ".nonfinite",
    "record_lines": ".lines",
}
