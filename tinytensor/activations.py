"""Activations beyond relu, sigmoid and tanh, as functions of arrays and Tensors.

Their derivatives stand in ``rules/nonlinear.py``; as layers they are in ``nn/activations.py``.
Conventions (defaults, slopes at kinks) are PyTorch's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .primitive import primitive
from .primitives import sigmoid
from .special import normal_cdf

Array = np.ndarray[Any, Any]


@primitive
def gelu(x: Array, approximate: str = "none") -> Array:
    """x times the probability that a normal variable is below x, elementwise.

    Parameters
    ----------
    x : array_like or Tensor
        The input.
    approximate : str
        "none" for the error function itself, "tanh" for the usual approximation of it.

    Examples
    --------
    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1587,  0.    ,  0.8413])
    >>> gelu(np.array([-1.0, 0.0, 1.0]), approximate="tanh").round(4)
    array([-0.1588,  0.    ,  0.8412])
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    part = normal_cdf(x) if approximate == "none" else sigmoid(tanh_argument(x))
    return np.maximum(x, -40) * part  # below -40 the probability is 0, and -inf times 0 would be nan


def tanh_argument(x: Any) -> Any:
    """The sigmoid of this is (1 + tanh(sqrt(2/π) (x + 0.044715 x³))) / 2; it is flat beyond 40."""
    x = np.clip(x, -40, 40)
    return math.sqrt(8 / math.pi) * x * (1 + 0.044715 * np.square(x))


@primitive
def silu(x: Array) -> Array:
    """x sigmoid(x), elementwise; also known as swish.

    Parameters
    ----------
    x : array_like or Tensor
        The input, of any shape.

    Returns
    -------
    ndarray or Tensor
        Of the input's shape and dtype; a Tensor where the input is one.

    Examples
    --------
    >>> silu(np.array([-1000.0, 0.0, 1.0])).round(4)
    array([-0.    ,  0.    ,  0.7311])
    """
    return np.maximum(x, -800) * sigmoid(x)  # below -800 the sigmoid is 0


@primitive
def softplus(x: Array, beta: Any = 1.0, threshold: float = 20.0) -> Array:
    """log(1 + exp(beta x)) / beta, elementwise: a smooth relu.

    Where ``beta * x`` is above `threshold` it is x itself, as in PyTorch.

    Parameters
    ----------
    x : array_like or Tensor
        The input, of any shape.
    beta : float or Tensor
        How sharp the bend is.
    threshold : float
        Where the straight part begins.

    Returns
    -------
    ndarray or Tensor
        Of the input's shape and dtype; a Tensor where the input is one.

    Examples
    --------
    >>> softplus(np.array([-1000.0, 0.0, 100.0])).round(2)
    array([  0.  ,   0.69, 100.  ])
    """
    scaled = np.multiply(beta, x)
    return np.where(scaled > threshold, x, np.logaddexp(0, scaled) / beta)


@primitive
def leaky_relu(x: Array, negative_slope: Any = 0.01) -> Array:
    """x where it is positive, elsewhere `negative_slope` times x, which is its slope at 0 too.

    A Tensor of slopes is differentiated as well, as in PyTorch's ``prelu``.

    Parameters
    ----------
    x : array_like or Tensor
        The input, of any shape.
    negative_slope : float or Tensor
        The slope below 0.

    Returns
    -------
    ndarray or Tensor
        Of the input's shape and dtype; a Tensor where the input is one.

    Examples
    --------
    >>> leaky_relu(np.array([-1.0, 0.0, 2.0]))
    array([-0.01,  0.  ,  2.  ])
    """
    return np.where(np.greater(x, 0), x, np.multiply(x, negative_slope))


@primitive
def elu(x: Array, alpha: Any = 1.0) -> Array:
    """x where it is positive, elsewhere ``alpha * (exp(x) - 1)``; its slope at 0 is alpha.

    Parameters
    ----------
    x : array_like or Tensor
        The input, of any shape.
    alpha : float or Tensor
        What the function falls towards is -alpha.

    Returns
    -------
    ndarray or Tensor
        Of the input's shape and dtype; a Tensor where the input is one.

    Examples
    --------
    >>> elu(np.array([-1000.0, 0.0, 2.0]))
    array([-1.,  0.,  2.])
    """
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0)))
