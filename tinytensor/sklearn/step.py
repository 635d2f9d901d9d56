"""One training step of an estimator: forward, backward, clipping and the optimizer, compiled where asked for.

It sees batches as arrays and gives arrays. Read next: ``rows.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import optim
from .network import linear_layers
from .objective import mean_loss, squared_norm, weighted_loss

SHAPES = 16  # shapes of batches that are compiled; ragged ones beyond run uncompiled
WORTH = 250  # steps from which on compiling a shape takes less time than it saves


def make_optimizer(estimator: Any) -> Any:
    """The optimizer that the parameters name."""
    parameters, lr = estimator.model_.parameters(), float(estimator.learning_rate_init)
    if estimator.solver == "sgd":
        momentum = float(estimator.momentum)
        return optim.SGD(parameters, lr, momentum, nesterov=bool(estimator.nesterovs_momentum) and momentum > 0)
    betas, eps = (float(estimator.beta_1), float(estimator.beta_2)), float(estimator.epsilon)
    if estimator.solver == "adamw":
        return optim.AdamW(parameters, lr, betas, eps, float(estimator.weight_decay))
    return optim.Adam(parameters, lr, betas, eps)


class Objective:
    """The functions from a batch to the loss and the outputs: with weights of the rows, and without.

    Parameters
    ----------
    model : Module
    loss : str or callable
    out_activation : str
    smoothing, alpha : float
        Of the labels, and the strength of the L2 penalty.
    """

    def __init__(self, model: Any, loss: Any, out_activation: str, smoothing: float, alpha: float) -> None:
        weights = tuple(layer.weight for layer in linear_layers(model))
        plain, weighted = mean_loss(loss, out_activation, smoothing), weighted_loss(loss, out_activation, smoothing)

        def penalty() -> Any:
            total = squared_norm(weights[0])
            for weight in weights[1:]:
                total = total + squared_norm(weight)
            return total

        def of_batch(x: Any, y: Any) -> tuple[Any, Any]:
            outputs = model(x)
            value = plain(outputs, y)
            return (value + penalty() * (0.5 * alpha / x.shape[0]) if alpha else value), outputs

        def of_weighted_batch(x: Any, y: Any, w: Any) -> tuple[Any, Any]:
            outputs = model(x)
            value = weighted(outputs, y, w)
            return (value + penalty() * (0.5 * alpha) if alpha else value) / w.sum(), outputs

        self.of_batch, self.of_weighted_batch = of_batch, of_weighted_batch


class Step:
    """One step of the optimizer on a batch of rows and targets, perhaps with weights.

    Parameters
    ----------
    objective : Objective
    model : Module
    optimizer : Optimizer
    clip_norm : float or None
    compiled : bool
    """

    def __init__(self, objective: Objective, model: Any, optimizer: Any, clip_norm: Any, compiled: bool) -> None:
        parameters = model.parameters()

        def update(loss: Any) -> None:
            loss.backward()
            if clip_norm is not None:
                optim.clip_grad_norm(parameters, clip_norm)
            optimizer.step()

        def training_step(x: Any, y: Any) -> tuple[Any, Any]:
            optimizer.zero_grad()
            loss, outputs = objective.of_batch(x, y)
            update(loss)
            return loss, outputs

        def weighted_training_step(x: Any, y: Any, w: Any) -> tuple[Any, Any]:
            optimizer.zero_grad()
            loss, outputs = objective.of_weighted_batch(x, y, w)
            update(loss)
            return loss, outputs

        self.objective = objective
        self._eager: dict[int, Callable[..., tuple[Any, Any]]] = {2: training_step, 3: weighted_training_step}
        self._compiled: dict[int, Any] = {}
        if compiled:
            from ..compiler import compile

            self._compiled = {count: compile(function) for count, function in self._eager.items()}
        self._shapes: set[tuple[int, int]] = set()
        self._rare: set[int] = set()

    def expect(self, rows: int | None, size: int, epochs: int) -> None:
        """Say what batches will come, so that only those are compiled that come often enough; None: nobody knows."""
        self._rare = set()
        if rows is not None:
            coming = {size: rows // size * epochs, rows % size: epochs}
            self._rare = {length for length, times in coming.items() if times < WORTH}

    def __call__(self, batch: tuple[Any, ...]) -> tuple[Any, Any]:
        """The loss and the outputs, as arrays."""
        count, rows = len(batch), len(batch[0])
        run = self._compiled.get(count)
        if run is None or rows in self._rare or not self._is_known((count, rows)):
            run = self._eager[count]
        loss, outputs = run(*batch)
        return loss.data, outputs.data

    def _is_known(self, shape: tuple[int, int]) -> bool:
        """Whether a shape is one of those that are compiled; new ones are added as long as they are few."""
        if shape not in self._shapes:
            if len(self._shapes) >= SHAPES:
                return False
            self._shapes.add(shape)
        return True
