"""The solver "lbfgs": SciPy's L-BFGS on all rows at once, with our gradients.

Loss and gradient are summed part by part, in float64, so that memory is bounded by a part; the weights are given back
in the network's dtype. Read next: ``base.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from .errors import diverged
from .network import linear_layers
from .objective import mean_loss, squared_norm, weighted_loss
from .rows import Rows

ROWS = 4096  # rows whose gradient is computed at once


class _Sum:
    """Loss and gradient of all rows, as SciPy wants them: of one flat vector of float64."""

    def __init__(self, estimator: Any, model: Any, rows: Rows) -> None:
        smoothing = getattr(estimator, "label_smoothing", 0.0)
        self.model, self.rows, self.alpha = model, rows, float(estimator.alpha)
        self.parameters = model.parameters()
        self.plain = mean_loss(estimator.loss, estimator.out_activation_, smoothing)
        self.weighted = weighted_loss(estimator.loss, estimator.out_activation_, smoothing)
        self.total = float(len(rows) if rows.weights is None else rows.weights[rows.order()].sum())

    def parts(self) -> Iterator[tuple[Any, ...]]:
        """All rows, some at a time."""
        order = self.rows.order()
        for start in range(0, len(order), ROWS):
            yield self.rows.batch(order[start : start + ROWS])

    def __call__(self, flat: Any) -> tuple[float, Any]:
        put(self.parameters, flat)
        self.model.zero_grad()
        value = 0.0
        for x, y, *w in self.parts():
            outputs = self.model(x)
            loss = self.weighted(outputs, y, w[0]) if w else self.plain(outputs, y) * len(x)
            loss.backward()
            value += loss.item()
        if self.alpha:
            for layer in linear_layers(self.model):
                penalty = squared_norm(layer.weight) * (0.5 * self.alpha)
                penalty.backward()
                value += penalty.item()
        gradient = np.concatenate([p.grad.ravel() for p in self.parameters]) / self.total
        return value / self.total, gradient


def put(parameters: list[Any], flat: Any) -> None:
    """Write a flat vector into the parameters."""
    start = 0
    for p in parameters:
        new = np.empty_like(p.data)
        new[...] = flat[start : start + p.size].reshape(p.shape)
        p.data = new
        start += p.size


def fit_lbfgs(estimator: Any, model: Any, rows: Rows, callbacks: list[Any]) -> None:
    """Minimize the loss over all rows.

    Parameters
    ----------
    estimator : BaseMLP
    model : Module
        Of float64, with the initial weights.
    rows : Rows
        Of float64.
    callbacks : list of Callback
    """
    objective = _Sum(estimator, model, rows)
    start = np.concatenate([p.data.ravel() for p in model.parameters()])
    stopped = []

    def after_iteration(intermediate_result: Any) -> None:
        put(estimator.model_.parameters(), intermediate_result.x)
        estimator.n_iter_ += 1
        estimator.loss_ = float(intermediate_result.fun)
        estimator.loss_curve_.append(estimator.loss_)
        asked = [callback.on_epoch_end(estimator, estimator.n_iter_) for callback in callbacks]
        if any(asked):
            stopped.append(True)
            raise StopIteration

    for callback in callbacks:
        callback.on_fit_begin(estimator)
    try:
        with np.errstate(all="ignore"):
            result = minimize(
                objective,
                start,
                method="L-BFGS-B",
                jac=True,
                callback=after_iteration,
                options={"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol},
            )
    finally:
        for callback in callbacks:
            callback.on_fit_end(estimator)
    estimator.loss_ = float(result.fun)
    if not np.isfinite(result.fun) or not np.isfinite(result.x).all():
        raise diverged(estimator, f"the loss is {result.fun}", estimator.n_iter_, None, rows)
    put(estimator.model_.parameters(), result.x)
    estimator.n_iter_ = max(1, estimator.n_iter_)
    estimator.stop_reason_ = "callback" if stopped else "tol" if result.status == 0 else "max_iter"
    if result.status != 0 and not stopped:
        warnings.warn(
            f"{type(estimator).__name__}: lbfgs stopped after {estimator.n_iter_} iterations: {result.message}; raise "
            "max_iter or max_fun, or standardize X",
            ConvergenceWarning,
            stacklevel=5,
        )
