"""`MLPRegressor`: numbers as targets, one or several for each row. Read next: ``rows.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from .base import BaseMLP
from .parameters import keep
from .scores import R2


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """A multilayer perceptron that predicts numbers, with scikit-learn's interface.

    All but what follows is as for `MLPClassifier`; scores are R², the coefficient of determination.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "poisson"} or callable
        Half of the squared error or of the Poisson deviance (then the network gives the logarithm of the rate, and
        `y` must be ≥ 0), the absolute error, or a function as for `MLPClassifier`, with targets (n, n_outputs). With
        several outputs the losses are summed over them.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter
        As for `MLPClassifier`.
    shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction
        As for `MLPClassifier`.
    beta_1, beta_2, epsilon, n_iter_no_change, max_fun, dropout, weight_decay, clip_norm, callbacks, dtype, compile
        As for `MLPClassifier`.

    Attributes
    ----------
    model_ : nn.MLP
        The network; with ``loss="poisson"`` its outputs are the logarithms of the predictions.
    loss_curve_, train_scores_, validation_loss_curve_, validation_scores_, learning_rates_, stop_reason_, …
        As for `MLPClassifier`, with R² as the score.

    Examples
    --------
    >>> import numpy as np
    >>> from tinytensor.sklearn import MLPRegressor
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> model = MLPRegressor(activation="tanh", learning_rate_init=0.01, max_iter=500, random_state=0)
    >>> model.fit(X, np.sin(2 * X[:, 0])).score(X, np.sin(2 * X[:, 0])) > 0.95
    True
    """

    _losses = ("squared_error", "absolute_error", "poisson")
    _numeric_targets = True

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        weight_decay: float = 0.01,
        clip_norm: float | None = None,
        callbacks: Any = None,
        dtype: Any = "float32",
        compile: bool = True,
    ) -> None:
        keep(self, locals())

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        validation_data: Any = None,
        resume: dict[str, Any] | None = None,
    ) -> MLPRegressor:
        """Train.

        Parameters
        ----------
        X, sample_weight, validation_data, resume
            As for `MLPClassifier.fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        MLPRegressor
            The estimator itself.

        Raises
        ------
        ValueError, DivergenceError
            As `MLPClassifier.fit`.
        """
        fitted: MLPRegressor = self._fit(X, y, sample_weight, validation_data, False, resume=resume)
        return fitted

    @available_if(lambda estimator: estimator._stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MLPRegressor:
        """Train one epoch on the given rows, from where weights, optimizer and random numbers are now.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        MLPRegressor
            The estimator itself.
        """
        fitted: MLPRegressor = self._fit(X, y, sample_weight, None, True)
        return fitted

    def _encode(self, y: Any, first: bool, classes: Any = None) -> Any:
        columns = 1 if y.ndim == 1 else y.shape[1]
        if first:
            self.n_outputs_ = columns
            self.out_activation_ = "exp" if self.loss == "poisson" else "identity"
        elif columns != self.n_outputs_:
            raise ValueError(f"y has {columns} outputs, expected {self.n_outputs_}")
        if self.loss == "poisson" and y.size and y.min() < 0:
            raise ValueError(f"loss='poisson' needs y ≥ 0, got {y.min():g}")
        return y.reshape(len(y), columns).astype(self.dtype)

    def _decide(self, outputs: Any) -> Any:
        found = np.exp(outputs) if self.out_activation_ == "exp" else outputs
        return found[:, 0] if self.n_outputs_ == 1 else found

    def _make_score(self) -> R2:
        return R2(self.out_activation_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
