"""Optimizers, learning-rate schedules and gradient clipping, with PyTorch's names and numbers.

An optimizer holds a list of parameters and moves each one against its gradient, in place. It refuses
to know what the parameters belong to, what the loss was and how the gradients were made: it reads
``p.grad`` and writes ``p.data``. There are no parameter groups: one optimizer has one set of options,
and two optimizers can train two halves of a model.

Read next: ``optimizers.py`` (the update rules, as formulas), ``base.py``, ``schedules.py``, ``clipping.py``.
"""

from .base import Optimizer
from .clipping import clip_grad_norm, clip_grad_value
from .optimizers import SGD, Adam, AdamW
from .schedules import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    SequentialLR,
    StepLR,
)

__all__ = [
    "Optimizer",
    "SGD",
    "Adam",
    "AdamW",
    "LRScheduler",
    "StepLR",
    "MultiStepLR",
    "ExponentialLR",
    "CosineAnnealingLR",
    "LinearLR",
    "LambdaLR",
    "SequentialLR",
    "clip_grad_norm",
    "clip_grad_value",
]
