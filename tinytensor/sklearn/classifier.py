"""`MLPClassifier`: classes, labels and probabilities around the network. Read next: ``regressor.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from .base import BaseMLP
from .data import of_stream
from .parameters import keep
from .rows import Stream
from .scores import Accuracy


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]  # scikit-learn has no types
    """A multilayer perceptron that tells classes apart, with scikit-learn's interface.

    For two classes, for many, and for several labels at once (`y` of zeros and ones, a column for each label).
    Parameters that scikit-learn's ``MLPClassifier`` has too mean the same and have the same defaults, and the initial
    weights are drawn in the same way.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        The number of neurons of each hidden layer.
    activation : str, callable, or list of these
        "relu", "tanh", "logistic" (or "sigmoid"), "identity", "gelu", "silu", "softplus", "leaky_relu", "elu", a
        Module, or any function of a Tensor; a list has one for each hidden layer.
    solver : {"adam", "adamw", "sgd", "lbfgs"}
    alpha : float
        The strength of the L2 penalty ``alpha / (2 n) ‖W‖²`` on the weights, with n rows in the batch.
    batch_size : int or "auto"
        "auto" is min(200, n_samples); of a stream, the blocks as they come.
    learning_rate : {"constant", "invscaling", "adaptive", "cosine"} or callable
        "invscaling" divides by ``(rows seen + 1)**power_t`` after each epoch, "adaptive" divides by 5 where the
        training would stop, "cosine" falls to 0 at `max_iter`. A callable gets the optimizer and gives a schedule,
        such as ``functools.partial(tinytensor.optim.StepLR, step_size=10)``, which is stepped after each epoch. For
        "adam", "adamw" and "sgd".
    learning_rate_init : float
        The learning rate at the beginning.
    power_t : float
        The exponent of "invscaling".
    max_iter : int
        Epochs; for "lbfgs", iterations.
    shuffle : bool
        Whether each epoch has another order.
    random_state : int, RandomState or None
        Of the initial weights, the split, the order and the dropout.
    tol, n_iter_no_change : float
        The training ends where for more than `n_iter_no_change` epochs the loss (with early stopping: the validation
        score) did not become better by `tol`.
    verbose : bool or int
        1: a progress bar (tqdm). 2: a line for each epoch.
    warm_start : bool
        Whether `fit` goes on from the fitted weights and the optimizer's running means. Rate, schedule and stopping
        rule start anew; the curves grow longer.
    momentum, nesterovs_momentum
        Of "sgd".
    early_stopping : bool
        Stop by the validation score, and take the weights of the best epoch. The validation data are those given to
        `fit`, or `validation_fraction` of the rows, with the shares of the classes kept.
    validation_fraction : float
        The part that early stopping sets aside.
    beta_1, beta_2, epsilon : float
        Of "adam" and "adamw".
    max_fun : int
        Evaluations of the loss, for "lbfgs".
    loss : "log_loss" or callable
        A function of the network's outputs and the targets, both for a batch, which gives a Tensor: a loss for each row
        (n,), or, without weights, their mean. Targets are class numbers (n,) for three classes or more, zeros and
        ones (n, k) for two classes (k = 1) or k labels.
    class_weight : dict, "balanced" or None
        A factor to the weight of each row by its class; "balanced" gives all classes the same sum.
    label_smoothing : float
        How much of the target's probability is spread evenly over all classes.
    dropout : float
        The probability with which the output of a hidden neuron is left out of a training step.
    weight_decay : float
        Of "adamw": decoupled from the loss, unlike `alpha`.
    clip_norm : float or None
        The largest length of the gradient; longer ones are shortened.
    callbacks : Callback, callable, or list of these
        Told about each batch and epoch; see `Callback`. A function is called with (estimator, epoch) after each epoch.
    dtype : {"float32", "float64"}
        Of weights and training.
    compile : bool
        Whether the training step runs as compiled NumPy source (``tinytensor.compile``).

    Attributes
    ----------
    model_ : nn.MLP
        The network (an `nn.Sequential` where the layers have different activations), whose outputs are logits.
    classes_ : ndarray
        The classes, in the order of the columns of `predict_proba`.
    loss_curve_, train_scores_ : list of float
        For each epoch the mean of the batches' losses, with the penalty, and the accuracy, both while it went on.
    validation_loss_curve_, validation_scores_ : list of float
        Loss, without the penalty, and accuracy on the validation data after each epoch; empty without such data.
    learning_rates_ : list of float
        The learning rate of each epoch.
    best_loss_, best_validation_score_ : float or None
        The one that is watched.
    stop_reason_ : {"max_iter", "tol", "early_stopping", "callback", "interrupted"}
        Why the last fit ended.
    n_iter_ : int
        The epochs of the last fit.
    optimizer_ : Optimizer
        Its running means go on in `partial_fit`.
    coefs_, intercepts_, n_layers_, n_outputs_, out_activation_, t_, loss_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    A fit in one batch of up to 1,024 rows, such as that of small data with ``batch_size="auto"``, takes equal rows
    together and all in one order: so it depends neither on the order of the rows nor on whether a row is there twice or
    has the weight 2, to the last bit.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from tinytensor.sklearn import MLPClassifier
    >>> X, X_test, y, y_test = train_test_split(*load_iris(return_X_y=True), random_state=0)
    >>> model = MLPClassifier(learning_rate_init=0.02, random_state=0).fit(X, y)
    >>> model.score(X_test, y_test) > 0.9
    True
    >>> model.predict_proba(X_test[:1]).round(2).shape
    (1, 3)
    """

    _losses = ("log_loss",)

    def __init__(
        self,
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
        loss: Any = "log_loss",
        class_weight: Any = None,
        label_smoothing: float = 0.0,
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
        classes: Any = None,
        resume: dict[str, Any] | None = None,
    ) -> MLPClassifier:
        """Train.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or a stream
            Arrays, memory-mapped ones too, are read batch by batch and never copied whole, unless they are small. A
            stream gives blocks ``(X, y)`` or ``(X, y, sample_weight)``: an iterable that can be iterated for each
            epoch, a function that gives an iterator, or an iterator for a single epoch; `y` is None then.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), optional
            Numbers ≥ 0. A batch's loss is the weighted mean over its rows.
        validation_data : tuple, optional
            ``(X, y)`` or ``(X, y, sample_weight)``, for the validation curves and for early stopping.
        classes : array-like, optional
            All classes, where a stream can be read only once; otherwise they are found in `y`.
        resume : dict, optional
            From `training_state`: go on where that training was, up to `max_iter` epochs in all.

        Returns
        -------
        MLPClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            For parameters, shapes, weights and classes that do not fit.
        DivergenceError
            Where the loss or the weights become infinite or nan.
        """
        fitted: MLPClassifier = self._fit(X, y, sample_weight, validation_data, False, classes, resume)
        return fitted

    @available_if(lambda estimator: estimator._stochastic())  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """Train one epoch on the given rows, from where weights, optimizer and random numbers are now.

        Parameters
        ----------
        X, y
            As for `fit`; in batches of `batch_size`.
        sample_weight : array-like of shape (n_samples,), optional
        classes : array-like, optional
            All classes that will ever come; needed at the first call, and only there.

        Returns
        -------
        MLPClassifier
            The estimator itself.
        """
        if classes is None and not hasattr(self, "model_"):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None and hasattr(self, "model_") and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes {classes!r} are not those of the first call to partial_fit, {self.classes_!r}")
        fitted: MLPClassifier = self._fit(X, y, sample_weight, None, True, classes)
        return fitted

    # -------------------------------------------------------------------------------------- targets

    def _encode(self, y: Any, first: bool, classes: Any = None) -> Any:
        check_classification_targets(y)
        several = type_of_target(y, input_name="y").startswith("multilabel")
        if first:
            self._learn_classes(y, several, classes)
        elif several != self._multilabel:
            raise ValueError(
                f"y has {'several labels' if several else 'one class'} for each row, unlike that of before"
            )
        if several and y.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {y.shape[1]} labels, expected {self.n_outputs_}")
        if several:
            return y.astype(self.dtype)
        numbers = self._numbers(y)
        return numbers if self.n_outputs_ > 1 else numbers.astype(self.dtype)[:, None]

    def _learn_classes(self, y: Any, several: bool, classes: Any) -> None:
        """The classes, and with them the outputs of the network."""
        self._multilabel = several
        if several:
            self.classes_ = np.arange(y.shape[1])
        else:
            self.classes_ = np.unique(y if classes is None else np.asarray(classes))
            if len(self.classes_) < 2:
                found = repr(self.classes_.tolist()[0])
                del self.classes_
                raise ValueError(
                    f"MLPClassifier: y has one class only, {found}; a classifier needs two classes or more"
                )
        self.n_outputs_ = len(self.classes_) if several or len(self.classes_) > 2 else 1
        self.out_activation_ = "softmax" if not several and self.n_outputs_ > 1 else "logistic"

    def _numbers(self, y: Any) -> Any:
        """The number of each row's class among the classes."""
        numbers = np.searchsorted(self.classes_, y).clip(0, len(self.classes_) - 1)
        unknown = self.classes_[numbers] != y
        if np.any(unknown):
            raise ValueError(
                f"`y` has classes not in `self.classes_`: {np.unique(y[unknown])}; the classes are {self.classes_}. "
                "Name all in `classes` at the first call, or fit without warm_start"
            )
        return numbers.astype(np.intp, copy=False)

    def _weigh(self, y: Any, weights: Any, partly: bool) -> Any:
        if self.class_weight is not None:
            if partly and isinstance(self.class_weight, str):
                raise ValueError(
                    "class_weight='balanced' needs all of y at once; for partial_fit and streams give a dict, such as "
                    "dict(zip(classes, sklearn.utils.compute_class_weight('balanced', classes=classes, y=y)))"
                )
            factors = compute_sample_weight(self.class_weight, y)
            weights = factors if weights is None else factors * weights
        if weights is not None and not partly and not self._multilabel and weights.any():
            counted = np.unique(y[weights > 0])
            if len(counted) < 2:
                raise ValueError(
                    f"MLPClassifier: without the rows of weight 0, y has one class only, {counted.tolist()[0]!r}; a "
                    "classifier needs two classes or more"
                )
        return weights

    def _learn_targets(self, stream: Stream, y: Any, classes: Any) -> None:
        if classes is None and not type_of_target(y).startswith("multilabel"):
            if stream.once:
                raise ValueError(
                    "an iterator can be read only once, so its classes can't be found before the training: pass "
                    "classes=[…], or a function that makes the iterator"
                )
            classes = np.unique(np.concatenate(list(of_stream(stream, np.unique))))
        self._encode(y, True, classes)

    def _strata(self, y: Any) -> Any:
        if self._multilabel:
            return None
        return y if y.ndim == 1 else y[:, 0].astype(np.intp)

    def _make_score(self) -> Accuracy:
        return Accuracy(self.out_activation_)

    # ---------------------------------------------------------------------------------- predictions

    def _decide(self, outputs: Any) -> Any:
        if self._multilabel:
            return (outputs > 0).astype(int)
        return self.classes_[outputs.argmax(axis=1) if self.n_outputs_ > 1 else (outputs[:, 0] > 0).astype(int)]

    def predict_proba(self, X: Any) -> Any:
        """The probabilities of the classes, or of each label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        found = self._meaning(X)
        return np.hstack([1 - found, found]) if self.n_outputs_ == 1 and not self._multilabel else found

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of `predict_proba`; -inf where a probability is 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
