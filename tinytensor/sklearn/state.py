"""The whole state of a training between two epochs, so that another process can go on as if nothing had been.

It is made of numbers, strings, arrays, and lists and dicts of these: whoever writes files can write it. Nothing here
knows files. Read next: ``training.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn

CURVES = ("loss_curve_", "train_scores_", "validation_loss_curve_", "validation_scores_", "learning_rates_")
PARTS = (
    "model", "optimizer", "schedule", "curves", "stopping", "stop_reason", "epochs", "rows", "order", "random_at_begin",
    "random", "dropout",
)  # fmt: skip
NUMBERS = ("n_iter_", "t_", "loss_", "best_loss_", "best_validation_score_", "stop_reason_")
STOPPING = ("waited", "best_loss", "best_score", "best_epoch", "best_weights")


def take(estimator: Any, training: Any) -> dict[str, Any]:
    """Copies of all that the rest of a training depends on."""
    generator = _dropout_generator(estimator.model_)
    stopping, schedule = estimator._stopping, estimator._schedule
    return {
        "model": estimator.model_.state_dict(),
        "optimizer": estimator.optimizer_.state_dict(),
        "schedule": None if schedule is None else schedule.state_dict(),
        "curves": {name: list(getattr(estimator, name)) for name in CURVES},
        "stopping": {name: getattr(stopping, name) for name in STOPPING},
        "stop_reason": training.reason,
        "epochs": int(estimator.n_iter_),
        "rows": int(estimator.t_),
        "order": None if training.order is None else np.array(training.order),
        "random_at_begin": estimator._random_at_begin,
        "random": estimator._random_state.get_state(legacy=False),
        "dropout": None if generator is None else generator.bit_generator.state,
    }


class Before:
    """An estimator as it was before it went on, to give it back where that fails."""

    def __init__(self, estimator: Any) -> None:
        self.model = estimator.model_.state_dict()
        self.numbers = {name: vars(estimator)[name] for name in NUMBERS if name in vars(estimator)}
        self.curves = {name: list(getattr(estimator, name)) for name in CURVES}
        self.optimizer = getattr(estimator, "optimizer_", None)
        if self.optimizer is not None:
            self.options, self.means = estimator._optimizer_options, self.optimizer.state_dict()
            self.schedule = None if estimator._schedule is None else estimator._schedule.state_dict()

    def give_back(self, estimator: Any) -> None:
        """Weights, curves and optimizer of before; an optimizer that was exchanged since is made anew next time."""
        estimator.model_.load_state_dict(self.model)
        vars(estimator).update(self.numbers, **self.curves)
        if self.optimizer is not None and estimator.optimizer_ is self.optimizer:
            self.optimizer.load_state_dict(self.means)
            if self.schedule is not None and estimator._schedule is not None:
                estimator._schedule.load_state_dict(self.schedule)
        else:
            vars(estimator).pop("optimizer_", None)


def check(state: Any) -> None:
    """Raise where it is no state, or lacks something."""
    missing = [name for name in PARTS if not isinstance(state, dict) or name not in state]
    if missing:
        raise ValueError(f"resume: expected what training_state() gave; missing: {', '.join(missing)}")


def give(estimator: Any, training: Any, state: dict[str, Any]) -> None:
    """Put an estimator and its training where another was; both have just begun on the same data."""
    order = state["order"]
    if (order is None) != (training.order is None) or (order is not None and len(order) != len(training.order)):
        raise ValueError("resume: the data are not those of the training that is to go on")
    _prime(estimator, training)
    estimator.model_.load_state_dict(state["model"])
    estimator.optimizer_.load_state_dict(state["optimizer"])
    if estimator._schedule is not None:
        estimator._schedule.load_state_dict(state["schedule"])
    for name in CURVES:
        setattr(estimator, name, list(state["curves"][name]))
    for name in STOPPING:
        setattr(estimator._stopping, name, state["stopping"][name])
    estimator.n_iter_, estimator.t_ = int(state["epochs"]), int(state["rows"])
    estimator.loss_ = estimator.loss_curve_[-1]
    estimator._remember_best()
    training.order, training.reason = None if order is None else np.array(order), state["stop_reason"]
    estimator._random_state.set_state(state["random"])
    generator = _dropout_generator(estimator.model_)
    if generator is not None:
        generator.bit_generator.state = state["dropout"]


def _prime(estimator: Any, training: Any) -> None:
    """Run each shape of batch once: a first call is not compiled, and would differ in the last bit from later ones."""
    done: set[int] = set()
    with np.errstate(all="ignore"):
        for rows in training.data.blocks():
            order, n = rows.order(), len(rows)
            size = estimator._size_of_batch(n, training.order is None)
            for length in {size, n % size} - {0} - done:
                estimator._step(rows.batch(order[:length]))
                done.add(length)


def _dropout_generator(model: Any) -> Any:
    """The generator of the dropout, which all such layers share; None without dropout."""
    return next((module.generator for module in model.modules() if isinstance(module, nn.Dropout)), None)
