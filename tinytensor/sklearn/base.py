"""What both estimators share: the way of a fit from checked data to trained weights, and predictions.

``data.py`` checks and encodes, the subclasses know what targets mean, ``training.py`` knows the loop. Nothing here
knows a formula. Read next: ``classifier.py``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .callbacks import listed
from .data import TakesData
from .errors import DivergenceError
from .lbfgs import fit_lbfgs
from .network import build, linear_layers, outputs_of
from .objective import meaning
from .parameters import check_parameters, layer_activations, layer_sizes
from .rows import Rows, Stream, parts_of
from .state import Before, give, take
from .state import check as check_state
from .step import Objective, Step, make_optimizer
from .stopping import Stopping
from .training import Training, make_schedule

_OF_THE_NETWORK = ("hidden_layer_sizes", "activation", "dropout", "dtype", "loss")
_OF_THE_OPTIMIZER = ("solver", "momentum", "nesterovs_momentum", "beta_1", "beta_2", "epsilon", "weight_decay")
_OF_THE_STEP = ("loss", "label_smoothing", "alpha", "clip_norm", "compile")


class BaseMLP(TakesData):
    """A multilayer perceptron as an estimator; use `MLPClassifier` or `MLPRegressor`."""

    _losses: ClassVar[tuple[str, ...]] = ()

    model_: Any
    optimizer_: Any
    _step: Any
    _step_options: list[Any]
    _optimizer_options: list[Any]

    # ---------------------------------------------------------------------- what the subclasses know

    def _decide(self, outputs: Any) -> Any:
        """Predictions from the network's outputs."""
        raise NotImplementedError

    def _make_score(self) -> Any:
        """A new score, to be gathered part by part."""
        raise NotImplementedError

    # -------------------------------------------------------------------------------------- fitting

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: Any,
        incremental: bool,
        classes: Any = None,
        resume: dict[str, Any] | None = None,
    ) -> Any:
        """Train: from the start, on from where the model is, or on from where another training was."""
        check_parameters(self, self._losses)
        callbacks = listed(self)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if resume is not None:
            check_state(resume)
            if self.solver == "lbfgs":
                raise ValueError("resume needs a solver that takes batches; lbfgs starts anew")
        going_on = hasattr(self, "model_") and (incremental or self.warm_start) and resume is None
        self._begin_random(going_on and incremental, resume)
        data = self._data(X, y, sample_weight, classes, going_on, incremental)
        before = None
        if going_on:
            self._check_unchanged()
            before = Before(self)
        else:
            self._begin()
        try:
            self._train(data, validation_data, incremental, going_on, callbacks, resume)
        except DivergenceError:
            self._take_back(before)
            raise
        return self

    def _begin_random(self, same: bool, resume: dict[str, Any] | None) -> None:
        """The random numbers of this call: those of before, of the parameter, or of the training that is resumed."""
        if not (same and hasattr(self, "_random_state")):
            self._random_state = check_random_state(self.random_state)
        if resume is not None:
            self._random_state = np.random.RandomState()
            self._random_state.set_state(resume["random_at_begin"])
        self._random_at_begin = self._random_state.get_state(legacy=False)

    def _train(
        self, data: Any, validation_data: Any, incremental: bool, going_on: bool, callbacks: list[Any], resume: Any
    ) -> None:
        """Everything after the checks: split, optimizer, loop."""
        data, validation = self._split(data, validation_data)
        if isinstance(data, Rows) and self._is_one_batch(len(data)):
            data = data.merged()
        self.n_iter_ = 0
        if self.solver == "lbfgs":
            if isinstance(data, Stream):
                raise ValueError("solver='lbfgs' needs all rows at every step; for a stream of batches use 'adam'")
            model = build(*self._plan(np.float64), np.random.RandomState(0))
            model.load_state_dict(self.model_.state_dict())
            fit_lbfgs(self, model, data, callbacks)
            return
        self._prepare(incremental, going_on)
        rows = None if isinstance(data, Stream) or incremental else len(data)
        self._step.expect(rows, self._size_of_batch(rows or 1, False), int(self.max_iter))
        once = incremental or (isinstance(data, Stream) and data.once)
        self._training = Training(self, data, validation, callbacks)
        try:
            if resume is not None:
                give(self, self._training, resume)
            self._training.run(1 if once else int(self.max_iter), once)
        finally:
            del self._training

    def training_state(self) -> dict[str, Any]:
        """All that the rest of this training depends on: for a callback that saves it at the end of an epoch.

        ``fit(…, resume=state)`` of an estimator with the same parameters, on the same data, goes on from there, and
        ends with the same weights, bit by bit, as if there had been no break.

        Returns
        -------
        dict
            Of numbers, strings, None, arrays, and lists and dicts of these; copies.

        Raises
        ------
        RuntimeError
            Where no training with batches is going on.
        """
        if not hasattr(self, "_training"):
            raise RuntimeError(f"{type(self).__name__}.training_state: call it in a callback, while fit goes on")
        return take(self, self._training)

    def _prepare(self, incremental: bool, going_on: bool) -> None:
        """Optimizer, schedule, stopping rule and step, each kept where it still fits."""
        options = [getattr(self, name, None) for name in _OF_THE_OPTIMIZER]
        fresh = not (going_on and hasattr(self, "optimizer_") and self._optimizer_options == options)
        if fresh:
            self.optimizer_, self._optimizer_options = make_optimizer(self), options
        if fresh or not incremental:
            self.optimizer_.lr = float(self.learning_rate_init)
            self._schedule = make_schedule(self)
            self._stopping = Stopping(float(self.tol), float(self.n_iter_no_change), bool(self.early_stopping))
        options = [getattr(self, name, None) for name in _OF_THE_STEP]
        if fresh or getattr(self, "_step", None) is None or self._step_options != options:
            smoothing, alpha = float(getattr(self, "label_smoothing", 0.0)), float(self.alpha)
            objective = Objective(self.model_, self.loss, self.out_activation_, smoothing, alpha)
            self._step = Step(objective, self.model_, self.optimizer_, self.clip_norm, bool(self.compile))
            self._step_options = options

    def _begin(self) -> None:
        """A new network, and empty curves."""
        self.model_ = build(*self._plan(self.dtype), self._random_state)
        self._network_options = [getattr(self, name) for name in _OF_THE_NETWORK]
        self.n_layers_ = len(layer_sizes(self.hidden_layer_sizes)) + 2
        self.n_iter_ = self.t_ = 0
        self.loss_curve_: list[float] = []
        self.train_scores_: list[float] = []
        self.validation_loss_curve_: list[float] = []
        self.validation_scores_: list[float] = []
        self.learning_rates_: list[float] = []
        for name in ("optimizer_", "_step", "_stopping", "_schedule", "best_loss_", "best_validation_score_"):
            self.__dict__.pop(name, None)

    def _plan(self, dtype: Any) -> tuple[list[int], list[Any], float, Any]:
        """Sizes, activations, dropout and dtype of the network."""
        hidden = layer_sizes(self.hidden_layer_sizes)
        sizes = [int(self.n_features_in_), *hidden, int(self.n_outputs_)]
        return sizes, layer_activations(self.activation, len(hidden)), float(self.dropout), np.dtype(dtype)

    def _check_unchanged(self) -> None:
        """Refuse to go on with a network of another shape."""
        for name, before in zip(_OF_THE_NETWORK, self._network_options, strict=True):
            if (now := getattr(self, name)) is not before and not np.array_equal(now, before):
                raise ValueError(
                    f"{type(self).__name__}: {name} was {before!r} and is {now!r} now; the fitted network can't go on "
                    "so. Use clone(estimator) to start anew"
                )

    def _take_back(self, before: Before | None) -> None:
        """After a divergence: the model as it was, or none."""
        self.__dict__.pop("_step", None)
        if before is None:
            del self.model_
        else:
            before.give_back(self)

    def _remember_best(self) -> None:
        """The best loss and the best score so far, as scikit-learn names them."""
        stopping = self._stopping
        self.best_loss_ = None if stopping.by_score else stopping.best_loss
        self.best_validation_score_ = stopping.best_score if stopping.by_score else None

    # ---------------------------------------------------------------------------------- predictions

    def _outputs(self, X: Any) -> Any:
        """The network's outputs, in float32 for X of float32 and in float64 for all other."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype="numeric", reset=False)
        dtype = np.float32 if X.dtype == np.float32 else np.float64
        return outputs_of(self.model_, parts_of(X), X.shape[0], dtype)

    def _meaning(self, X: Any) -> Any:
        """The outputs as probabilities or numbers."""
        return meaning(self._outputs(X), self.out_activation_)

    def predict(self, X: Any) -> Any:
        """Predict the targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Computed in float32 where it is float32, in float64 otherwise, some rows at a time.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._decide(self._outputs(X))

    # ------------------------------------------------------------------------- scikit-learn's names

    @property
    def coefs_(self) -> list[Any]:
        """Copies of the weights, of shape (in, out) as scikit-learn has them; ``model_`` has the weights themselves."""
        return [np.array(layer.weight.data.T) for layer in linear_layers(self.model_)]

    @property
    def intercepts_(self) -> list[Any]:
        """Copies of the biases."""
        return [np.array(layer.bias.data) for layer in linear_layers(self.model_)]

    def _stochastic(self) -> bool:
        """Whether the solver takes batches, so that there is a ``partial_fit``."""
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit needs a solver that takes batches; lbfgs sees all rows at once")
        return True

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> Any:
        state = dict(super().__getstate__())
        for name in ("_step", "_training"):  # compiled source is made again where it is needed
            state.pop(name, None)
        return state
