"""Neural networks: modules, layers and losses, with PyTorch's names.

Read in this order: ``module.py``, ``layers.py``, ``mlp.py``, ``losses.py``.
"""

from ..optim import SGD
from .activations import ELU, GELU, LeakyReLU, SiLU, Softplus
from .layers import Dropout, Identity, Linear, ReLU, Sequential, Sigmoid, Softmax, Tanh
from .losses import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HingeLoss,
    MSELoss,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    mse,
)
from .mlp import MLP
from .module import Module

__all__ = [
    "Module",
    "Linear",
    "Sequential",
    "MLP",
    "ReLU",
    "Tanh",
    "Sigmoid",
    "GELU",
    "SiLU",
    "Softplus",
    "LeakyReLU",
    "ELU",
    "Identity",
    "Softmax",
    "Dropout",
    "mse",
    "cross_entropy",
    "binary_cross_entropy_with_logits",
    "hinge",
    "MSELoss",
    "CrossEntropyLoss",
    "BCEWithLogitsLoss",
    "HingeLoss",
    "SGD",
]
