"""The activations of ``tinytensor.activations`` as layers, with PyTorch's names and defaults.

relu, tanh and sigmoid stand in ``layers.py``.
"""

from __future__ import annotations

from typing import Any

from .. import activations
from ..engine import apply
from .inputs import as_tensor
from .module import Module


class GELU(Module):
    """x times the probability that a normal variable is below x; see `tinytensor.gelu`.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        The error function itself, or the usual approximation of it.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.GELU()(tt.Tensor([-1.0, 0.0, 1.0])).data.round(4)
    array([-0.1587,  0.    ,  0.8413])
    >>> tt.nn.GELU(approximate="tanh")
    GELU(approximate='tanh')
    """

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        """The input, small where it is negative."""
        return apply(activations.gelu, (as_tensor(x),), {"approximate": self.approximate})

    def extra_repr(self) -> str:
        """The approximation."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x sigmoid(x), elementwise."""

    def forward(self, x: Any) -> Any:
        """The input, small where it is negative."""
        return apply(activations.silu, (as_tensor(x),))


class Softplus(Module):
    """log(1 + exp(beta x)) / beta, elementwise; x itself where beta x is above `threshold`.

    Parameters
    ----------
    beta : float
        How sharp the bend is; not 0.
    threshold : float
        Where the straight part begins.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.Softplus(beta=2.0)(tt.Tensor([0.0, 20.0])).data.round(4)
    array([ 0.3466, 20.    ])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        if beta == 0:
            raise ValueError("Softplus: beta must not be 0")
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Any) -> Any:
        """Positive values."""
        return apply(activations.softplus, (as_tensor(x), self.beta, self.threshold))

    def extra_repr(self) -> str:
        """The sharpness of the bend, and where it ends."""
        return f"beta={self.beta}, threshold={self.threshold}"


class LeakyReLU(Module):
    """x where it is positive, `negative_slope` times x elsewhere.

    Parameters
    ----------
    negative_slope : float
        The slope below 0, and at 0.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.LeakyReLU(0.1)(tt.Tensor([-2.0, 3.0])).tolist()
    [-0.2, 3.0]
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """The input, scaled where it is negative."""
        return apply(activations.leaky_relu, (as_tensor(x), self.negative_slope))

    def extra_repr(self) -> str:
        """The slope."""
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """x where it is positive, ``alpha * (exp(x) - 1)`` elsewhere.

    Parameters
    ----------
    alpha : float
        What the function falls towards is -alpha.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.ELU()(tt.Tensor([-1000.0, 3.0])).tolist()
    [-1.0, 3.0]
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """Values above -alpha."""
        return apply(activations.elu, (as_tensor(x), self.alpha))

    def extra_repr(self) -> str:
        """What it tends to on the left, with the sign turned."""
        return f"alpha={self.alpha}"
