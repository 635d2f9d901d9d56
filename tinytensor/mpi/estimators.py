"""DistributedFit: a callback that has an estimator of `tinytensor.sklearn` trained by all ranks together.

Every rank runs the whole fit, with the same batches in the same order, and computes its own rows of each. Losses and
outputs travel with the gradients, so curves, scores and early stopping are the same on all ranks. It knows
the estimator's step, and no formula of a loss. Read next: ``optimizer.py``.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import numpy as np

from .. import optim
from ..io.states import unchanged
from ..sklearn.callbacks import Callback
from ..sklearn.network import linear_layers
from ..sklearn.rows import Rows
from ..sklearn.step import Objective, Step
from .checkpoints import move_apart
from .optimizer import DistributedOptimizer
from .rows import part
from .state import same
from .world import communicator


class DistributedFit(Callback):
    """Train an estimator on all ranks: each batch is split among them, and the result is that of one process.

    The same program runs on every rank, with the same data, and all of them have the fitted estimator. `batch_size` is
    that of all ranks together, so their number changes nothing but the time (and rounding).

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        The processes that train together; all of the job by default.

    Raises
    ------
    ValueError
        From ``fit``, on every rank: where the ranks' rows, order, or options differ, as they do without
        ``random_state``; for lbfgs, and for streams.

    Examples
    --------
    Alone, and as ``mpiexec -n 4 python fit.py``; only rank 0 prints:

    >>> from sklearn.datasets import load_iris
    >>> from tinytensor import mpi
    >>> from tinytensor.sklearn import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(learning_rate_init=0.02, random_state=0, callbacks=[mpi.DistributedFit()])
    >>> score = model.fit(X, y).score(X, y)
    >>> if mpi.rank() == 0:
    ...     print(score > 0.9)
    True
    """

    def __init__(self, comm: Any = None) -> None:
        self.comm = communicator(comm)
        self._step: DistributedStep | None = None

    def on_fit_begin(self, estimator: Any) -> None:
        """Put the distributed step in the place of the estimator's own."""
        if self.comm.Get_size() == 1:
            return
        name = type(estimator).__name__
        if estimator.solver == "lbfgs":
            raise ValueError(f"{name}: DistributedFit needs a solver that takes batches, such as 'adam'; not lbfgs")
        if not isinstance(estimator._training.data, Rows):
            raise ValueError(f"{name}: DistributedFit needs X as an array, which may be memory-mapped; not a stream")
        same(self.comm, name, _described(estimator), "Give all ranks the same data and parameters, and a random_state.")
        self._step = DistributedStep(estimator, self.comm)
        estimator._step = self._step
        self._step.prime(estimator)
        move_apart(estimator.model_, self.comm.Get_rank())

    def on_fit_end(self, estimator: Any) -> None:
        """Give the estimator its own step back."""
        if self._step is not None:
            step, self._step = self._step, None
            estimator._step = step.own
            if sys.exc_info()[0] is None:  # after an error the others still wait, and hear of it when the program ends
                step.optimizer.finish()


def _described(estimator: Any) -> list[str]:
    """What has to be the same on all ranks, a line for each thing."""
    training = estimator._training
    random = estimator._random_state.get_state(legacy=False)["state"]
    numbers = np.concatenate([np.ravel(training.order), random["key"], [random["pos"]]]).astype(np.int64)
    skipped = ("callbacks", "verbose")
    options = {name: value for name, value in estimator.get_params(deep=False).items() if name not in skipped}
    plain = {name: value for name, value in options.items() if isinstance(value, str | int | float | tuple | None)}
    return [
        f"{len(training.data)} rows of {estimator.n_features_in_} columns and {estimator.n_outputs_} outputs",
        *(f"{name}={value!r}" for name, value in plain.items()),
        f"the order and random numbers {hashlib.sha256(numbers.tobytes()).hexdigest()[:8]}",
    ]


class _OnlyGradients:
    """In the place of the optimizer within a step that is to leave its gradients in the parameters."""

    def __init__(self, optimizer: Any) -> None:
        self.zero_grad = optimizer.zero_grad

    def step(self) -> None:
        """Nothing: the ranks' gradients are not averaged yet."""


class DistributedStep:
    """A `sklearn.step.Step` that this rank makes on its rows, together with all others.

    Parameters
    ----------
    estimator : BaseMLP
        With its model, optimizer and step.
    comm : mpi4py.MPI.Comm
    """

    def __init__(self, estimator: Any, comm: Any) -> None:
        self.own, self.rank, self.size = estimator._step, comm.Get_rank(), comm.Get_size()
        self.objective = self.own.objective  # for errors
        self.alpha, self.clip_norm = float(estimator.alpha), estimator.clip_norm
        self.weights = [layer.weight for layer in linear_layers(estimator.model_)]
        self.outputs = int(estimator.n_outputs_)
        rows = estimator._size_of_batch(len(estimator._training.data), False)
        self.optimizer = DistributedOptimizer(estimator.optimizer_, comm, extra=1 + rows * self.outputs)
        smoothing = float(getattr(estimator, "label_smoothing", 0.0))
        plain = Objective(estimator.model_, estimator.loss, estimator.out_activation_, smoothing, 0.0)
        self.local = Step(plain, estimator.model_, _OnlyGradients(self.optimizer), None, bool(estimator.compile))
        self.local._rare = {len(range(n)[self._mine(n)]) for n in self.own._rare}

    def _mine(self, n: int) -> slice:
        """This rank's of n rows."""
        return part(n, self.rank, self.size)

    def prime(self, estimator: Any) -> None:
        """Compute the gradients of each shape of part once.

        A first call is not compiled, and may differ in the last bit from later ones; so a training that goes on would
        not be equal to one that was not interrupted.
        """
        data = estimator._training.data
        size = estimator._size_of_batch(len(data), False)
        with np.errstate(all="ignore"), unchanged(model=estimator.model_):
            for n in {size, len(data) % size}:
                mine = tuple(array[self._mine(n)] for array in data.batch(data.order()[:n]))
                if len(mine[0]):
                    self.local(mine)

    def __call__(self, batch: tuple[Any, ...]) -> tuple[Any, Any]:
        """The loss and the outputs of the whole batch, the same on every rank."""
        n = len(batch[0])
        mine = tuple(array[self._mine(n)] for array in batch)
        samples = float(len(mine[0]) if len(batch) == 2 else mine[2].sum(dtype=np.float64))
        extra, outputs = self.optimizer.extra, self.optimizer.extra[1 : 1 + n * self.outputs].reshape(n, -1)
        extra[...] = 0.0
        if samples:
            loss, outputs[self._mine(n)] = self.local(mine)
            extra[0] = loss * samples
        total = self.optimizer.synchronize(samples)
        loss = float(extra[0]) / total + self._add_penalty(n if len(batch) == 2 else total)
        if self.clip_norm is not None:
            optim.clip_grad_norm(self.optimizer.parameters, self.clip_norm)
        self.optimizer.step()
        return loss, outputs

    def _add_penalty(self, n: float) -> float:
        """Add the gradient of α/2n Σ‖W‖² for the whole batch; that term of the loss."""
        if not self.alpha:
            return 0.0
        squares = 0.0
        for weight in self.weights:
            factor = weight.data.dtype.type(self.alpha / n)
            weight.grad = weight.grad + factor * weight.data
            squares += float(np.vdot(weight.data, weight.data))
        return 0.5 * self.alpha / n * squares
