"""The loop of a training: epochs and batches, curves, callbacks, schedules, and the stop where it diverges.

It sees rows, a step and the estimator whose curves it writes; it knows no formula of a loss or an update. Per batch it
only copies rows into memory that is used again, and keeps the loss and the outputs; these are looked at
some thousand rows at a time. Read next: ``lbfgs.py``, the solver without batches.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .. import optim
from ..compiler.origins import CompileError
from ..modes import no_grad
from ..tensor import Tensor
from .callbacks import Callback, hears_batches
from .errors import diverged
from .network import outputs_of
from .objective import loss_by_row
from .rows import PART, Rows, Stream

HELD = 8192  # rows whose outputs are kept until they are looked at


class Stop(Exception):
    """A callback asked for the end of the training, within an epoch."""


class Training:
    """The training of an estimator on some data.

    Parameters
    ----------
    estimator : BaseMLP
        With its ``model_``, ``optimizer_``, ``_step``, ``_stopping`` and curves.
    data : Rows or Stream
    validation : Rows or None
    callbacks : list of Callback
    """

    def __init__(self, estimator: Any, data: Rows | Stream, validation: Rows | None, callbacks: list[Callback]) -> None:
        self.estimator, self.data, self.validation, self.callbacks = estimator, data, validation, callbacks
        self.at_batches = [callback for callback in callbacks if hears_batches(callback)]
        self.order = data.order() if isinstance(data, Rows) else None
        self.reason: str | None = None  # why it ends, once that is known
        estimator.model_.train()

    def run(self, epochs: int, once: bool) -> None:
        """Train for up to `epochs` epochs; with `once` that is all there is to do, and no reason to warn."""
        estimator = self.estimator
        try:
            with np.errstate(all="ignore"):  # what overflows shows in the loss, and is an error with more words
                for callback in self.callbacks:
                    callback.on_fit_begin(estimator)
                while self.reason is None and estimator.n_iter_ < epochs:
                    self.reason = self._epoch()
                estimator.stop_reason_ = self.reason or "max_iter"
        except KeyboardInterrupt:
            estimator.stop_reason_ = "interrupted"
            warnings.warn("Training interrupted by user.", stacklevel=5)
        finally:
            estimator.model_.eval()
            for callback in self.callbacks:
                callback.on_fit_end(estimator)
        self._finish(once)

    def _finish(self, once: bool) -> None:
        """Give the best weights back, and say where the training has not converged."""
        estimator, stopping = self.estimator, self.estimator._stopping
        if stopping.best_weights is not None:
            estimator.model_.load_state_dict(stopping.best_weights)
            stopping.best_weights = None
        if not all(np.isfinite(p.data).all() for p in estimator.model_.parameters()):
            raise diverged(estimator, "weights became infinite or nan", estimator.n_iter_, None, self.data)
        planned = once or estimator._schedule is not None  # to end here
        if estimator.stop_reason_ == "max_iter" and not planned:
            warnings.warn(
                f"{type(estimator).__name__}: stopped after max_iter={estimator.max_iter} epochs, before the training "
                "converged; raise max_iter, or ask for early_stopping",
                ConvergenceWarning,
                stacklevel=6,
            )

    # ------------------------------------------------------------------------------------- an epoch

    def _epoch(self) -> str | None:
        """One epoch; why the training ends after it, or None."""
        estimator = self.estimator
        score = estimator._make_score()
        self.epoch, self.batch = len(estimator.loss_curve_) + 1, 0
        loss, rows_seen, stopped = 0.0, 0, False
        rate = estimator.optimizer_.lr
        try:
            for rows, order in self._blocks():
                for part, n in self._on_block(rows, order, score):
                    loss, rows_seen = loss + part, rows_seen + n
        except Stop:
            stopped = True
        if not rows_seen:
            if stopped:
                return "callback"
            raise ValueError(f"{type(estimator).__name__}: no batch to train on: the stream gave nothing")
        estimator.n_iter_ += 1
        estimator.t_ += rows_seen
        estimator.loss_ = loss / rows_seen
        estimator.loss_curve_.append(estimator.loss_)
        estimator.train_scores_.append(score.value())
        estimator.learning_rates_.append(rate)
        if self.validation is not None:
            self._validate()
        waited = estimator._stopping.look(estimator, self.epoch)
        estimator._remember_best()
        self._next_rate()
        self.reason = self._waited_too_long() if waited else None
        asked = [callback.on_epoch_end(estimator, self.epoch) for callback in self.callbacks]
        return "callback" if stopped or any(asked) else self.reason

    def _blocks(self) -> Iterator[tuple[Rows, Any]]:
        """The blocks of an epoch with the order of their rows."""
        for rows in self.data.blocks():
            order = rows.order() if self.order is None else self.order
            if self.estimator.shuffle and len(order) > self.estimator._size_of_batch(
                len(order), isinstance(self.data, Stream)
            ):
                permutation = np.arange(len(order))  # scikit-learn shuffles in this way, so that orders can be equal
                self.estimator._random_state.shuffle(permutation)
                order = order[permutation]
                if self.order is not None:
                    self.order = order
            yield rows, order

    def _on_block(self, rows: Rows, order: Any, score: Any) -> Iterator[tuple[float, int]]:
        """Train on a block; gives, part by part, the sum of the losses and the number of rows."""
        estimator, step, take = self.estimator, self.estimator._step, rows.batch
        size, n = estimator._size_of_batch(len(order), isinstance(self.data, Stream)), len(order)
        held = max(1, HELD // size) * size
        outputs = np.empty((min(held, n), estimator.n_outputs_), estimator.dtype)
        losses = np.empty(-(-min(held, n) // size))
        for begin in range(0, n, held):
            end, k, stopped = min(begin + held, n), 0, False
            for k, start in enumerate(range(begin, end, size)):
                batch = take(order[start : start + size])
                held_at = slice(start - begin, start - begin + len(batch[0]))
                if len(batch) == 3 and not batch[2].any():  # rows of weight 0 only: nothing to learn
                    losses[k], outputs[held_at] = 0.0, 0.0
                    continue
                self.batch += 1
                try:
                    losses[k], outputs[held_at] = step(batch)
                except CompileError as error:
                    self._explain(error, batch)
                    raise
                if self.at_batches and self._tell_batch(float(losses[k])):
                    stopped, end = True, min(start + size, end)
                    break
            yield self._look(rows, order[begin:end], losses[: k + 1], outputs, size, score), end - begin
            if stopped:
                raise Stop

    def _look(self, rows: Rows, index: Any, losses: Any, outputs: Any, size: int, score: Any) -> float:
        """Check the losses of some batches, and score their outputs; the sum of the losses over the rows."""
        self._check(losses)
        score.add(outputs[: len(index)], rows.y[index], None if rows.weights is None else rows.weights[index])
        last = len(index) - (len(losses) - 1) * size
        return float(losses[:-1].sum()) * size + float(losses[-1]) * last

    def _explain(self, error: Exception, batch: tuple[Any, ...]) -> None:
        """Say where a step can't be compiled since it diverges, and add to other errors how to do without."""
        objective = self.estimator._step.objective
        with no_grad():
            loss = (objective.of_batch if len(batch) == 2 else objective.of_weighted_batch)(*batch)[0]
        if not np.isfinite(loss.data):
            raise diverged(self.estimator, f"the loss is {loss.item()}", self.epoch, self.batch, self.data) from None
        error.add_note(f"{type(self.estimator).__name__}: compile=False trains without compilation.")

    def _tell_batch(self, loss: float) -> bool:
        """Call the callbacks that hear of batches; whether one asks to stop."""
        asked = [callback.on_batch_end(self.estimator, self.epoch, self.batch, loss) for callback in self.at_batches]
        return any(asked)

    def _check(self, losses: Any) -> None:
        """Raise where a loss is not finite."""
        bad = np.flatnonzero(~np.isfinite(losses))
        if bad.size:
            batch = self.batch - len(losses) + int(bad[0]) + 1
            raise diverged(self.estimator, f"the loss is {losses[bad[0]]}", self.epoch, batch, self.data)

    # ---------------------------------------------------------------------------------- after an epoch

    def _validate(self) -> None:
        """Loss, without the penalty, and score on the validation data."""
        estimator, rows = self.estimator, self.validation
        assert rows is not None
        score, order = estimator._make_score(), rows.order()
        loss_of = loss_by_row(estimator.loss, estimator.out_activation_, getattr(estimator, "label_smoothing", 0.0))
        total = weight = 0.0
        for start in range(0, len(order), PART):
            x, y, *w = rows.batch(order[start : start + PART])
            outputs = outputs_of(estimator.model_, iter([x]), len(x), rows.dtype)
            score.add(outputs, y, w[0] if w else None)
            with no_grad():
                losses = loss_of(Tensor(outputs), y).data
            total += float((losses * w[0]).sum() if w else losses.mean() * len(x))
            weight += float(w[0].sum() if w else len(x))
        estimator.validation_loss_curve_.append(total / weight if weight else float("nan"))
        estimator.validation_scores_.append(score.value())

    def _next_rate(self) -> None:
        """The learning rate of the next epoch."""
        estimator = self.estimator
        if estimator._schedule is not None:
            estimator._schedule.step()
        elif estimator.learning_rate == "invscaling":
            estimator.optimizer_.lr = float(estimator.learning_rate_init) / (estimator.t_ + 1) ** estimator.power_t

    def _waited_too_long(self) -> str | None:
        """No improvement for too long: a lower rate where that is asked for, or the end."""
        estimator = self.estimator
        if estimator.learning_rate == "adaptive" and estimator.optimizer_.lr > 1e-6:
            estimator.optimizer_.lr /= 5.0
            estimator._stopping.waited = 0
            return None
        return "early_stopping" if estimator._stopping.by_score else "tol"


def make_schedule(estimator: Any) -> Any:
    """The schedule of the learning rate by epochs, or None where the loop itself sets the rate."""
    if estimator.learning_rate == "cosine":
        return optim.CosineAnnealingLR(estimator.optimizer_, int(estimator.max_iter))
    if not callable(estimator.learning_rate):
        return None
    schedule = estimator.learning_rate(estimator.optimizer_)
    if not isinstance(schedule, optim.LRScheduler):
        raise ValueError(
            f"{type(estimator).__name__}: learning_rate must give a tinytensor.optim schedule of the optimizer, got "
            f"{type(schedule).__name__}; for example functools.partial(tinytensor.optim.StepLR, step_size=10)"
        )
    return schedule
