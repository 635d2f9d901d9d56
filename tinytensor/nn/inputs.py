"""What comes into layers and losses: made a tensor, cast, or refused with the shapes and the fix.

All that the network's own code may then assume is checked here. Nothing here computes.
Read next: ``../primitives.py``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Array
from ..modes import mode
from ..node import StandIn
from ..tensor import Tensor

REDUCTIONS = ("mean", "sum", "none")


def as_data(value: Any, dtype: npt.DTypeLike, what: str) -> Array:
    """Plain data as an array of a network's dtype; the memory is shared where the dtype is the same.

    An array is data and has no say in the precision of a network: a float64 table, which is what
    NumPy makes by default, must not silently turn a float32 network into a float64 one.
    """
    if type(value) is np.ndarray and value.dtype == dtype:  # the most frequent case, checked at once
        return value
    return _array(value, what).astype(dtype, copy=False)


def _array(value: Any, what: str) -> Array:
    try:
        array: Any = value if isinstance(value, StandIn) else np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{what}: not an array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what}: expected real numbers, got {array.dtype}")
    return array


def as_tensor(value: Any) -> Tensor:
    """A Tensor as it is, anything else as a new one."""
    return value if isinstance(value, Tensor) else Tensor(value)


def refuse(bad: Any, what: str, error: Callable[[], Exception]) -> None:
    """Raise `error()` where the data are bad; a compiled function looks at every call, and says `what` is right."""
    if isinstance(bad, StandIn):
        mode.tracer.check(bad, what)
    elif bad:
        raise error()


def whole(given: Any, what: str, least: int = 0) -> int:
    """`given` as an int of at least `least`, or an error that says what it is instead."""
    try:
        size = operator.index(given)
    except TypeError:
        raise TypeError(f"{what} must be an integer, got {given!r}") from None
    if size < least:
        raise ValueError(f"{what} must be {least} or more, got {size}")
    return size


# ---------------------------------------------------------------------------- the operands of losses


def floating(value: Any, operation: str, what: str) -> Any:
    """A prediction as a tensor of a floating dtype."""
    tensor = as_tensor(value)
    if tensor.dtype.kind != "f":
        raise TypeError(f"{operation}: the {what} must be floating, got {tensor.dtype}; write 1.0 for 1, or use astype")
    return tensor


def alike(target: Any, prediction: Any, operation: str, what: str) -> Any:
    """The target in exactly the prediction's shape and dtype.

    A floating Tensor stays one, since it may ask for a gradient; all else is data, and is cast.
    """
    dtype = prediction.dtype
    if not isinstance(target, Tensor) or target.dtype.kind != "f":
        target = as_data(target._data if isinstance(target, Tensor) else target, dtype, f"{operation}: the target")
    elif target.dtype != dtype:
        raise TypeError(
            f"{operation}: the {what} is {dtype}, the target {target.dtype}; write target.astype(np.{dtype})"
        )
    if target.shape != prediction.shape:
        fix = f"; write target.reshape({prediction.shape})" if target.size == prediction.size else ""
        raise ValueError(
            f"{operation}: the {what} has shape {prediction.shape}, the target {target.shape}; they must be equal{fix}"
        )
    return target


def class_logits(logits: Any) -> Any:
    """The logits of `cross_entropy`: floating, with an axis of classes."""
    logits = floating(logits, "cross_entropy", "logits")
    if not logits.shape or not logits.shape[-1]:
        raise ValueError(f"cross_entropy: the logits have shape {logits.shape}; expected (…, C) with a class or more")
    return logits


def class_target(target: Any, logits: Any) -> Any:
    """The target as integer labels that are in range, or as probabilities in the logits' dtype."""
    shape = logits._data.shape
    given = target._data if isinstance(target, Tensor) else target
    if type(given) is not np.ndarray:
        given = _array(given, "cross_entropy: the target")
    kind = given.dtype.kind
    if (kind in "iu" or not given.size) and given.shape == shape[:-1]:
        labels = given.astype(np.intp, copy=False)
        if labels.size:
            # Without its sign a negative label is a huge one, so one pass finds both kinds of wrong labels.
            unsigned = labels.view(np.uintp)
            if isinstance(unsigned, StandIn):
                mode.tracer.check(unsigned.max() >= shape[-1], _range(shape))
            elif unsigned.item(unsigned.argmax()) >= shape[-1]:  # argmax takes a fifth of the time of max
                raise _out_of_range(given, shape)
        return labels
    if kind == "f" and given.shape == shape:
        return alike(target, logits, "cross_entropy", "logits")
    raise _unfit(_array(given, "cross_entropy: the target"), logits)


def _range(shape: tuple[int, ...]) -> str:
    return f"cross_entropy: with logits of shape {shape} labels are 0 to {shape[-1] - 1}"


def _out_of_range(labels: Array, shape: tuple[int, ...]) -> Exception:
    found = labels[(labels < 0) | (labels >= shape[-1])].flat[0]
    return ValueError(
        f"cross_entropy: the label {found} is out of range; with logits of shape {shape} labels are 0 to "
        f"{shape[-1] - 1}. To leave samples out, select the others: logits[mask], labels[mask]"
    )


def _unfit(target: Array, logits: Any) -> Exception:
    """The error for a target that is neither labels nor probabilities for these logits."""
    shape, kind = logits.shape, target.dtype.kind
    if target.shape == shape[:-1]:
        return TypeError(f"cross_entropy: labels must be integers, got {target.dtype}; write labels.astype(int)")
    if target.shape == shape:
        return TypeError(
            f"cross_entropy: a target of the logits' shape {shape} has probabilities, which must be floating, got "
            f"{target.dtype}; write target.astype(np.{logits.dtype}), or give labels of shape {shape[:-1]}"
        )
    fix = ""
    if kind in "iu" and target.shape == shape[:1] + shape[2:]:
        fix = "; the classes are the last axis: write np.moveaxis(logits, 1, -1)"
    elif kind in "iu" and target.size == logits.size // shape[-1]:
        fix = f"; write target.reshape({shape[:-1]})"
    return ValueError(
        f"cross_entropy: the logits have shape {shape}, the target {target.shape} of {target.dtype}; expected integer "
        f"labels of shape {shape[:-1]} or floating probabilities of shape {shape}{fix}"
    )


def check_reduction(reduction: str, operation: str, size: int) -> None:
    """Refuse an unknown reduction, and the mean over nothing."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"{operation}: reduction must be one of {', '.join(map(repr, REDUCTIONS))}, got {reduction!r}")
    if not size and reduction == "mean":
        raise ValueError(f"{operation}: the batch is empty, and a mean over nothing is undefined; use reduction='sum'")
