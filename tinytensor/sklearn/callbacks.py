"""Callbacks: what is told about a training while it goes on, and may stop it; and the two kinds of progress display.

Read next: ``training.py``, which calls them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Callback:
    """What an estimator calls while it is trained. Write the methods you need; return True to stop the training.

    The estimator has its curves, ``model_``, ``optimizer_`` and ``n_iter_`` at every call, and can predict. Assign to
    ``estimator.optimizer_.lr`` to change the learning rate.

    Examples
    --------
    >>> from tinytensor.sklearn import Callback, MLPClassifier
    >>> class UntilLow(Callback):
    ...     def on_epoch_end(self, estimator, epoch):
    ...         return estimator.loss_curve_[-1] < 0.1
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(learning_rate_init=0.02, max_iter=500, random_state=0, callbacks=[UntilLow()]).fit(X, y)
    >>> model.loss_curve_[-1] < 0.1 <= model.loss_curve_[-2], model.stop_reason_
    (True, 'callback')
    """

    def on_fit_begin(self, estimator: Any) -> None:
        """Before the first epoch."""

    def on_batch_end(self, estimator: Any, epoch: int, batch: int, loss: float) -> bool | None:
        """After each step; `epoch` and `batch` count from 1, `loss` is that of the batch before the step."""

    def on_epoch_end(self, estimator: Any, epoch: int) -> bool | None:
        """After each epoch; `epoch` counts from 1."""

    def on_fit_end(self, estimator: Any) -> None:
        """After the last epoch, also where the training was interrupted or failed."""


class _Function(Callback):
    """A function as a callback at the end of each epoch."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def on_epoch_end(self, estimator: Any, epoch: int) -> bool | None:
        """What the function says."""
        return self.function(estimator, epoch)


def listed(estimator: Any) -> list[Callback]:
    """The estimator's callbacks, and the display that `verbose` asks for."""
    given = () if estimator.callbacks is None else estimator.callbacks
    if isinstance(given, Callback) or (callable(given) and not isinstance(given, type)):
        given = (given,)
    if isinstance(given, (str, type)) or not isinstance(given, Iterable):
        raise ValueError(f"callbacks must be a list of Callbacks or functions, got {given!r}")
    found: list[Callback] = []
    for one in given:
        if not isinstance(one, Callback) and (isinstance(one, type) or not callable(one)):
            raise ValueError(f"a callback must be a Callback or a function of (estimator, epoch), got {one!r}")
        found.append(one if isinstance(one, Callback) else _Function(one))
    if estimator.verbose:
        found.append(Lines() if int(estimator.verbose) > 1 else Bar())
    return found


def hears_batches(callback: Callback) -> bool:
    """Whether it does something after each batch, for which the loss has to be read."""
    return type(callback).on_batch_end is not Callback.on_batch_end


def summary(estimator: Any) -> dict[str, str]:
    """The last values of the curves, as text."""
    found = {"loss": f"{estimator.loss_curve_[-1]:.4f}"}
    if estimator.train_scores_:
        found["score"] = f"{estimator.train_scores_[-1]:.4f}"
    if estimator.validation_scores_:
        found["validation loss"] = f"{estimator.validation_loss_curve_[-1]:.4f}"
        found["validation score"] = f"{estimator.validation_scores_[-1]:.4f}"
    return found


class Lines(Callback):
    """One line of text for each epoch."""

    def on_epoch_end(self, estimator: Any, epoch: int) -> None:
        """Print it."""
        print(f"epoch {epoch}: " + ", ".join(f"{name} {value}" for name, value in summary(estimator).items()))


class Bar(Callback):
    """A progress bar over the epochs, by tqdm."""

    def __init__(self) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            raise ImportError(
                "verbose=True shows a progress bar with tqdm: pip install tqdm; or use verbose=2"
            ) from None
        self._make = tqdm

    def on_fit_begin(self, estimator: Any) -> None:
        """Show it."""
        self._bar = self._make(total=estimator.max_iter, unit="epoch", desc=type(estimator).__name__)

    def on_epoch_end(self, estimator: Any, epoch: int) -> None:
        """Move it on."""
        self._bar.set_postfix(summary(estimator), refresh=False)
        self._bar.update()

    def on_fit_end(self, estimator: Any) -> None:
        """Leave it as it is."""
        self._bar.close()
