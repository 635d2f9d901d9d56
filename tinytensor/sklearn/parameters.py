"""What the estimators' parameters may be: one row for each, checked when `fit` is called, as scikit-learn wants it.

Nothing here knows what a parameter does. Read next: ``network.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..nn.mlp import ACTIVATIONS

Check = tuple[str, Callable[[Any], bool]]

SOLVERS = ("adam", "adamw", "sgd", "lbfgs")
SCHEDULES = ("constant", "invscaling", "adaptive", "cosine")


def _is_real(value: Any) -> bool:
    """Whether it is a number, and neither a flag nor nan."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and not math.isnan(value)


def _number(low: float, high: float = math.inf, *, open_low: bool = False, open_high: bool = False) -> Check:
    """A finite number from `low` to `high`."""
    room = f"{'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"
    words = f"a finite number {'>' if open_low else '≥'} {low:g}" if math.isinf(high) else f"a number in {room}"

    def check(value: Any) -> bool:
        if not _is_real(value) or math.isinf(value):
            return False
        return (low < value if open_low else low <= value) and (value < high if open_high else value <= high)

    return words, check


def _whole(low: int) -> Check:
    """An integer from `low`."""
    return f"an integer ≥ {low}", lambda v: isinstance(v, Integral) and not isinstance(v, bool) and int(v) >= low


def _one_of(*names: str, also: str = "", accept: Callable[[Any], bool] = lambda _: False) -> Check:
    """One of some strings, or what else is accepted, in words."""
    words = "one of " + ", ".join(map(repr, names)) + (f", or {also}" if also else "")
    return words, lambda v: (isinstance(v, str) and v in names) or accept(v)


def _flag() -> Check:
    """True or False."""
    return "True or False", lambda v: isinstance(v, (bool, np.bool_))


def _is_activation(value: Any) -> bool:
    """Whether it is the name of an activation or a function."""
    if isinstance(value, str):
        return value == "logistic" or value in ACTIVATIONS
    return callable(value) and not isinstance(value, type)


def _is_floating(value: Any) -> bool:
    """Whether it names a floating dtype."""
    try:
        return np.dtype(value) in (np.dtype("float32"), np.dtype("float64"))
    except TypeError:
        return False


def layer_sizes(value: Any) -> list[int]:
    """The sizes of the hidden layers as a list; an integer is one layer."""
    sizes = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if not all(_whole(1)[1](size) for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be integers > 0, got {value!r}")
    return [int(size) for size in sizes]


def layer_activations(value: Any, hidden: int) -> list[Any]:
    """An activation for each hidden layer: one for all, or a list."""
    names = ", ".join(map(repr, ["logistic", *ACTIVATIONS]))
    given = list(value) if isinstance(value, (list, tuple)) else [value] * hidden
    for activation in given or [value]:
        if not _is_activation(activation):
            hint = f"; write {activation.__name__}()" if isinstance(activation, type) else ""
            raise ValueError(
                f"activation must be one of {names}, a function of a Tensor, a Module, or a list of these with one for "
                f"each hidden layer, got {activation!r}{hint}"
            )
    if len(given) != hidden:
        raise ValueError(f"activation has {len(given)} entries for {hidden} hidden layers; give one for each")
    return given


_callable: Callable[[Any], bool] = lambda v: callable(v) and not isinstance(v, type)  # noqa: E731

CHECKS: dict[str, Check] = {
    "solver": _one_of(*SOLVERS),
    "alpha": _number(0),
    "batch_size": _one_of("auto", also="an integer ≥ 1", accept=_whole(1)[1]),
    "learning_rate": _one_of(
        *SCHEDULES, also="a function from the optimizer to a tinytensor.optim schedule", accept=callable
    ),
    "learning_rate_init": _number(0, open_low=True),
    "power_t": _number(0),
    "max_iter": _whole(1),
    "shuffle": _flag(),
    "tol": _number(0),
    "verbose": ("True, False or an integer ≥ 0", lambda v: isinstance(v, (Integral, np.bool_)) and int(v) >= 0),
    "warm_start": _flag(),
    "momentum": _number(0, 1),
    "nesterovs_momentum": _flag(),
    "early_stopping": _flag(),
    "validation_fraction": _number(0, 1, open_low=True, open_high=True),
    "beta_1": _number(0, 1, open_high=True),
    "beta_2": _number(0, 1, open_high=True),
    "epsilon": _number(0, open_low=True),
    "n_iter_no_change": ("an integer ≥ 1 or inf", lambda v: _whole(1)[1](v) or (_is_real(v) and v == math.inf)),
    "max_fun": _whole(1),
    "class_weight": (
        "'balanced', a dict from class to weight, a list of these for several labels, or None",
        lambda v: v is None or v == "balanced" or isinstance(v, (dict, list)),
    ),
    "label_smoothing": _number(0, 1),
    "dropout": _number(0, 1, open_high=True),
    "weight_decay": _number(0),
    "clip_norm": ("None or a number > 0", lambda v: v is None or _number(0, open_low=True)[1](v)),
    "dtype": ("'float32' or 'float64'", _is_floating),
    "compile": _flag(),
}


def check_parameters(estimator: Any, losses: Iterable[str]) -> None:
    """Raise a ValueError for the first parameter that is not what its row says."""
    rows = {**CHECKS, "loss": _one_of(*losses, also="a function of outputs and targets", accept=_callable)}
    for name, (words, check) in rows.items():
        if hasattr(estimator, name) and not check(value := getattr(estimator, name)):
            raise ValueError(f"{type(estimator).__name__}: {name} must be {words}, got {value!r}")
    if estimator.solver == "lbfgs" and estimator.dropout:
        raise ValueError(
            f"{type(estimator).__name__}: dropout needs a stochastic solver; lbfgs sees one loss, without chance"
        )
    sizes = layer_sizes(estimator.hidden_layer_sizes)
    layer_activations(estimator.activation, len(sizes))


def keep(estimator: Any, given: dict[str, Any]) -> None:
    """Set an attribute for each parameter of a constructor, from its ``locals()``."""
    for name, value in given.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)
