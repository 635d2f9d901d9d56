"""The one place that trains: an estimator on a data set, with checkpoints, signals and progress.

Several processes (`Ranks`) make the same training together, each with its part of every batch; one writes. It knows no
file and no argument. Read next: ``saving.py``.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .dataset import Dataset
from .errors import Problem
from .progress import Progress
from .saving import Checkpoints, Interrupted, Signals


@dataclass
class Settings:
    """What the network is and how it is trained; the defaults are those of the command line.

    Attributes
    ----------
    hidden : list of int
    activation, solver, schedule : str
    epochs, batch : int
    lr, dropout, alpha : float
    patience : int
        Epochs without a better validation score after which the training ends; 0: never.
    balanced : bool
        Whether all classes have the same weight.
    clip : float, optional
        The largest length of the gradient.
    seed : int
    """

    hidden: list[int]
    activation: str = "relu"
    solver: str = "adam"
    schedule: str = "constant"
    epochs: int = 100
    batch: int = 64
    lr: float = 1e-3
    dropout: float = 0.0
    alpha: float = 1e-4
    patience: int = 10
    balanced: bool = False
    clip: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Ranks:
    """Which of several processes this is, and what binds them; by default there is one. A wrapper for MPI makes one.

    Every process reads the same data and runs the same fit; what splits the work is a callback.

    Attributes
    ----------
    rank : int
        The one of rank 0 writes.
    callbacks : tuple of Callback
        For the estimator, such as `tinytensor.mpi.DistributedFit`.
    anywhere : callable, optional
        Whether a flag is set in any process. Then all stop together, at the end of an epoch; without it, this one
        stops after the batch.
    barrier : callable
        Waits for all processes.
    """

    rank: int = 0
    callbacks: tuple[Any, ...] = ()
    anywhere: Callable[[bool], bool] | None = None
    barrier: Callable[[], None] = lambda: None

    @property
    def writes(self) -> bool:
        """Whether this process writes files and shows anything."""
        return self.rank == 0


def estimator_for(task: str, settings: Settings, validated: bool) -> Any:
    """The estimator with these settings; it stops early where there is a validation part."""
    from ..sklearn import MLPClassifier, MLPRegressor

    stops = validated and settings.patience > 0
    options: dict[str, Any] = {
        "hidden_layer_sizes": tuple(settings.hidden),
        "activation": settings.activation,
        "solver": settings.solver,
        "alpha": settings.alpha,
        "batch_size": settings.batch,
        "learning_rate": settings.schedule,
        "learning_rate_init": settings.lr,
        "max_iter": settings.epochs,
        "random_state": settings.seed,
        "early_stopping": stops,
        "n_iter_no_change": settings.patience if stops else float("inf"),
        "dropout": settings.dropout,
        "clip_norm": settings.clip,
    }
    if task == "regression":
        return MLPRegressor(**options)
    return MLPClassifier(**options, class_weight="balanced" if settings.balanced else None)


def run(
    dataset: Dataset,
    settings: Settings,
    checkpoints: Checkpoints | None,
    progress: Progress,
    signals: Signals,
    ranks: Ranks | None = None,
) -> Any:
    """Train, from the newest checkpoint where there is one.

    Parameters
    ----------
    dataset : Dataset
    settings : Settings
    checkpoints : Checkpoints or None
        None writes none.
    progress : Progress
    signals : Signals
        Asked after each batch.
    ranks : Ranks, optional
        Of several processes; by default there is one.

    Returns
    -------
    MLPClassifier or MLPRegressor
        The fitted estimator, with the weights of the best epoch where there is a validation part.

    Raises
    ------
    Interrupted
        After a signal; the last whole epoch is saved.
    Problem
        Where the training diverges, or a checkpoint can't be written or read.
    """
    from sklearn.exceptions import ConvergenceWarning

    from ..io import FileError
    from ..sklearn import DivergenceError

    ranks = ranks or Ranks()
    n = dataset.training
    X, y = dataset.X[:n], dataset.y[:n]
    validation: Any = (dataset.X[n:], dataset.y[n:]) if n < len(dataset.y) else None
    if validation is not None and dataset.target.task == "classification" and settings.balanced:
        validation = *validation, _weights(dataset)  # so that the best epoch is chosen by the same weights
    estimator = estimator_for(dataset.target.task, settings, validation is not None)
    own = checkpoints if ranks.writes else None
    session = _session(own, progress, signals, ranks, settings.epochs, -(-len(X) // min(settings.batch, len(X))))
    estimator.callbacks = [*ranks.callbacks, session]
    options: dict[str, Any] = {"validation_data": validation}
    if dataset.target.task == "classification":
        options["classes"] = np.arange(len(dataset.target.classes))
    try:
        options["resume"] = None if checkpoints is None else checkpoints.restore()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the report says why the training ended
            estimator.fit(X, y, **options)
    except DivergenceError as error:
        what = str(error).partition(": ")[2].partition(". ")[0]
        raise Problem(f"{what}; lower --lr (try {settings.lr / 10:g}), or give --clip-norm 1") from None
    except FileError as error:
        raise Problem(f"can't resume: {error}") from None
    except (ValueError, TypeError, LookupError) as error:
        if options.get("resume") is None:
            raise
        raise Problem(f"can't resume: the checkpoint does not fit: {str(error).splitlines()[0]}") from None
    except _Stop:
        epoch = 0 if own is None else own.write()
        raise Interrupted(
            signals.number or signal.SIGINT, f"stopped after epoch {epoch} of {settings.epochs}"
        ) from None
    finally:
        progress.end()
        estimator.callbacks = None
    return estimator


def _weights(dataset: Dataset) -> Any:
    """For each validation row the weight that balances its class in the training part, as scikit-learn has it."""
    n = dataset.training
    counts = np.bincount(dataset.y[:n], minlength=len(dataset.target.classes))
    return (n / np.maximum(counts, 1) / np.count_nonzero(counts))[dataset.y[n:]]


class _Stop(Exception):
    """Raised within a training that a signal ends."""


def _session(
    checkpoints: Checkpoints | None, progress: Progress, signals: Signals, ranks: Ranks, epochs: int, batches: int
) -> Any:
    """The callback that shows progress, keeps states and looks for signals."""
    from ..sklearn import Callback

    class Session(Callback):
        """What happens after each batch and epoch."""

        def on_fit_begin(self, estimator: Any) -> None:
            """Show what is there."""
            progress.begin(epochs, batches, int(estimator.n_iter_))

        def on_batch_end(self, estimator: Any, epoch: int, batch: int, loss: float) -> None:
            """Stop here where a signal came."""
            progress.batch()
            if signals.number is not None and ranks.anywhere is None:
                raise _Stop

        def on_epoch_end(self, estimator: Any, epoch: int) -> None:
            """Keep the state. After the last epoch there is none to resume: the model is written next."""
            progress.epoch(epoch, estimator)
            state = estimator.training_state()
            if epoch >= epochs or state["stop_reason"] is not None:
                return
            if checkpoints is not None:
                checkpoints.keep(epoch, state)
            asked = signals.number is not None
            if asked if ranks.anywhere is None else ranks.anywhere(asked):
                raise _Stop

    return Session()
