"""Learning-rate schedules: the rate as a function of the epoch.

A schedule here is a formula from the epoch to the rate, `lr_at`; `step` counts the epochs and writes
the rate into ``optimizer.lr``. Since nothing is accumulated, a whole schedule can be plotted without
training, and resuming needs no more than the epoch. An "epoch" is one call of `step`: call it after
each batch and it is a batch. Names, arguments and numbers are PyTorch's. Read next: ``clipping.py``.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from ..modes import mode
from .base import Optimizer
from .checks import keys, number, whole


class LRScheduler:
    """What all schedules share. A new one is a subclass with `lr_at`.

    Parameters
    ----------
    optimizer : Optimizer
        Its ``lr`` is set now, to the rate of epoch 0, and at every `step`.

    Attributes
    ----------
    base_lr : float
        The rate that the schedule scales: what the optimizer was made with, or what was assigned to
        its ``lr`` last. What other schedules did to it does not count, as in PyTorch.
    last_epoch : int
        How often `step` was called.

    Examples
    --------
    >>> import tinytensor as tt
    >>> class InverseSquareRoot(tt.optim.LRScheduler):
    ...     def lr_at(self, epoch):
    ...         return self.base_lr / (1 + epoch) ** 0.5
    >>> w = tt.Tensor([1.0], requires_grad=True)
    >>> schedule = InverseSquareRoot(tt.optim.SGD([w], lr=0.6))
    >>> [schedule.lr_at(epoch) for epoch in (0, 3, 8)]
    [0.6, 0.3, 0.19999999999999998]
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__}: expected an optimizer, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.base_lr = optimizer.initial_lr
        self.last_epoch = 0
        self._write()

    def lr_at(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        raise NotImplementedError(f"{type(self).__name__} has no lr_at: write the rate of an epoch as a formula there")

    def step(self) -> None:
        """Go to the next epoch, after the optimizer's steps of this one."""
        if mode.tracer is not None:
            mode.tracer.schedule(self)
        self.last_epoch += 1
        self._write()

    def get_last_lr(self) -> list[float]:
        """The rate of this epoch as a list of one, as PyTorch has it; ``optimizer.lr`` is the same as a float."""
        return [self._rate()]

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule is. What it is (its step size, its milestones) is code, and not saved.

        Examples
        --------
        >>> import tinytensor as tt
        >>> optimizer = tt.optim.SGD([tt.Tensor([1.0], requires_grad=True)], lr=0.1)
        >>> tt.optim.ExponentialLR(optimizer, gamma=0.5).state_dict()
        {'schedule': 'ExponentialLR', 'last_epoch': 0, 'base_lr': 0.1}
        """
        return {"schedule": type(self).__name__, "last_epoch": self.last_epoch, "base_lr": self.base_lr}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where a schedule of the same class was, and set the optimizer's rate to that epoch's.

        Raises
        ------
        TypeError, ValueError
            Where the state is not one of this class; nothing is changed then.
        """
        self._check(state)
        self._load(state)
        self._write()

    def _check(self, state: dict[str, Any]) -> None:
        owner = type(self).__name__
        keys(owner, "the state", state, tuple(LRScheduler.state_dict(self)), optional=("schedulers",))
        if state["schedule"] != owner:
            raise ValueError(f"{owner}: the state is that of {state['schedule']}; load it into one of these")
        whole(owner, "last_epoch", state["last_epoch"], 0)
        number(owner, "base_lr", state["base_lr"])

    def _load(self, state: dict[str, Any]) -> None:
        self.last_epoch, self.base_lr = int(state["last_epoch"]), float(state["base_lr"])

    def _rate(self) -> float:
        return number(type(self).__name__, f"the rate of epoch {self.last_epoch}", self.lr_at(self.last_epoch))

    def _write(self) -> None:
        self.optimizer._lr = self._rate()  # past the setter: the initial rate stays for the next schedule

    def __repr__(self) -> str:
        return f"{type(self).__name__}(epoch {self.last_epoch}, lr={self.optimizer.lr})"


class StepLR(LRScheduler):
    """``base_lr * gamma ** (epoch // step_size)``: multiplied by `gamma` every `step_size` epochs.

    Parameters
    ----------
    optimizer : Optimizer
    step_size : int
        At least 1.
    gamma : float

    Examples
    --------
    >>> import tinytensor as tt
    >>> optimizer = tt.optim.SGD([tt.Tensor([1.0], requires_grad=True)], lr=0.8)
    >>> schedule = tt.optim.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> rates = []
    >>> for epoch in range(5):
    ...     rates.append(optimizer.lr)  # an epoch of training stands here
    ...     schedule.step()
    >>> rates
    [0.8, 0.8, 0.4, 0.4, 0.2]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = whole("StepLR", "step_size", step_size, 1)
        self.gamma = number("StepLR", "gamma", gamma)
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return self.base_lr * self.gamma ** (epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """``base_lr * gamma ** k``, where k milestones lie at or before the epoch.

    Parameters
    ----------
    optimizer : Optimizer
    milestones : sequence of int
        Epochs; one that is named twice counts twice.
    gamma : float

    Examples
    --------
    >>> import tinytensor as tt
    >>> optimizer = tt.optim.SGD([tt.Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = tt.optim.MultiStepLR(optimizer, milestones=[2, 3], gamma=0.5)
    >>> [schedule.lr_at(epoch) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones = _milestones("MultiStepLR", milestones)
        self.gamma = number("MultiStepLR", "gamma", gamma)
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return self.base_lr * self.gamma ** bisect_right(self.milestones, epoch)


class ExponentialLR(LRScheduler):
    """``base_lr * gamma ** epoch``.

    Parameters
    ----------
    optimizer : Optimizer
    gamma : float

    Examples
    --------
    >>> import tinytensor as tt
    >>> optimizer = tt.optim.SGD([tt.Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = tt.optim.ExponentialLR(optimizer, gamma=0.5)
    >>> [schedule.lr_at(epoch) for epoch in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = number("ExponentialLR", "gamma", gamma)
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return self.base_lr * self.gamma**epoch


class CosineAnnealingLR(LRScheduler):
    """``eta_min + (base_lr - eta_min) * (1 + cos(π epoch / T_max)) / 2``: down to `eta_min` at `T_max`.

    After `T_max` the cosine rises again, as in PyTorch: step no further, or put a constant after it
    with `SequentialLR`.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int
        Half a period, at least 1.
    eta_min : float

    Notes
    -----
    Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts" (ICLR 2017), without the restarts.

    Examples
    --------
    >>> import tinytensor as tt
    >>> optimizer = tt.optim.SGD([tt.Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = tt.optim.CosineAnnealingLR(optimizer, T_max=4)
    >>> [round(schedule.lr_at(epoch), 3) for epoch in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = whole("CosineAnnealingLR", "T_max", T_max, 1)
        self.eta_min = number("CosineAnnealingLR", "eta_min", eta_min)
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return self.eta_min + (self.base_lr - self.eta_min) * (1 + math.cos(math.pi * epoch / self.T_max)) / 2


class LinearLR(LRScheduler):
    """``base_lr`` times a factor that goes in a line from `start_factor` to `end_factor`, and stays there: a warmup.

    Parameters
    ----------
    optimizer : Optimizer
    start_factor : float
        The factor at epoch 0.
    end_factor : float
        The factor from `total_iters` on.
    total_iters : int
        How many epochs the line takes, at least 1.

    Examples
    --------
    >>> import tinytensor as tt
    >>> optimizer = tt.optim.SGD([tt.Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = tt.optim.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> [schedule.lr_at(epoch) for epoch in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor = number("LinearLR", "start_factor", start_factor)
        self.end_factor = number("LinearLR", "end_factor", end_factor)
        self.total_iters = whole("LinearLR", "total_iters", total_iters, 1)
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        done = min(epoch, self.total_iters) / self.total_iters
        return self.base_lr * (self.start_factor + (self.end_factor - self.start_factor) * done)


class LambdaLR(LRScheduler):
    """``base_lr * lr_lambda(epoch)``.

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : callable
        From the epoch to a factor.

    Examples
    --------
    >>> import tinytensor as tt
    >>> optimizer = tt.optim.SGD([tt.Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = tt.optim.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> [schedule.lr_at(epoch) for epoch in (0, 1, 3)]
    [1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        if not callable(lr_lambda):
            raise TypeError(f"LambdaLR: lr_lambda: expected a function of the epoch, got {lr_lambda!r}")
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        return self.base_lr * number("LambdaLR", f"lr_lambda({epoch})", self.lr_lambda(epoch))


class SequentialLR(LRScheduler):
    """One schedule after another: each counts from 0 when its time comes.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : sequence of LRScheduler
        All of this optimizer.
    milestones : sequence of int
        The epochs at which the second, the third, … begin.

    Examples
    --------
    >>> import tinytensor as tt
    >>> optimizer = tt.optim.SGD([tt.Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> warmup = tt.optim.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> cosine = tt.optim.CosineAnnealingLR(optimizer, T_max=4)
    >>> schedule = tt.optim.SequentialLR(optimizer, [warmup, cosine], milestones=[2])
    >>> [round(schedule.lr_at(epoch), 3) for epoch in range(7)]
    [0.5, 0.75, 1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        self.schedulers = list(schedulers)
        self.milestones = _milestones("SequentialLR", milestones)
        if len(self.milestones) != len(self.schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(self.schedulers)} schedules and {len(self.milestones)} milestones; give the epoch "
                "at which each schedule but the first begins"
            )
        for position, schedule in enumerate(self.schedulers):
            if not isinstance(schedule, LRScheduler):
                raise TypeError(f"SequentialLR: schedule {position} is a {type(schedule).__name__}, not an LRScheduler")
            if schedule.optimizer is not optimizer:
                raise ValueError(
                    f"SequentialLR: schedule {position} belongs to another optimizer; make it with this one"
                )
        super().__init__(optimizer)

    def lr_at(self, epoch: int) -> float:
        """The learning rate of an epoch."""
        k = bisect_right(self.milestones, epoch)
        begin = self.milestones[k - 1] if k else 0
        return self.schedulers[k].lr_at(epoch - begin)

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule is, and the schedules that it is made of."""
        return super().state_dict() | {"schedulers": [schedule.state_dict() for schedule in self.schedulers]}

    def _check(self, state: dict[str, Any]) -> None:
        super()._check(state)
        if len(inner := state.get("schedulers", ())) != len(self.schedulers):
            raise ValueError(f"SequentialLR: the state has {len(inner)} schedules, this one {len(self.schedulers)}")
        for schedule, saved in zip(self.schedulers, inner, strict=True):
            schedule._check(saved)

    def _load(self, state: dict[str, Any]) -> None:
        super()._load(state)
        for schedule, saved in zip(self.schedulers, state["schedulers"], strict=True):
            schedule._load(saved)


def _milestones(owner: str, milestones: Sequence[int]) -> list[int]:
    """The milestones as whole numbers in order, or an error."""
    found = [whole(owner, f"milestones[{k}]", value, 0) for k, value in enumerate(milestones)]
    if found != sorted(found):
        raise ValueError(f"{owner}: the milestones {found} are not in increasing order; sort them")
    return found
