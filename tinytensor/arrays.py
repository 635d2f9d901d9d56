"""What counts as the data of a tensor: numbers, and nothing that would have to be guessed.

Read next: ``tensor.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .node import Node, StandIn
from .operators import plain

Array = np.ndarray[Any, Any]

Number = (int, float, np.number, np.bool)

NUMERIC = "biufc"  # kinds of dtype: boolean, integers, floating, complex


def to_array(data: Any, dtype: npt.DTypeLike | None = None) -> Array:
    """`data` as a numeric ndarray, or an error that says what it is instead."""
    if isinstance(data, np.generic) and dtype is None and data.dtype.kind in NUMERIC:  # a loss is one; quickly
        return np.asarray(data)
    if isinstance(data, Node) and data._requires_grad:
        raise TypeError("Tensor: the data are a tensor that requires a gradient; use it as it is, or tensor.detach()")
    if isinstance(data, np.ndarray) and hasattr(data, "mask"):
        raise TypeError("Tensor: the data are a masked array, whose mask would be lost; use data.filled(value)")
    data = plain(data)
    if isinstance(data, StandIn):
        return data if dtype is None else data.astype(dtype)  # type: ignore[attr-defined, return-value]  # as an array
    try:
        array = np.asarray(data, dtype=dtype)
    except (ValueError, TypeError) as error:
        raise TypeError(f"Tensor: the data are not an array of numbers: {error}") from None
    if array.dtype.kind not in NUMERIC:
        raise TypeError(f"Tensor: the data are not numbers but {array.dtype}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def fitted(value: Any, like: Array, what: str) -> Array:
    """`value` with exactly the shape and dtype of `like`, the same memory where possible."""
    array = to_array(plain(value))
    if array.shape != like.shape:
        raise ValueError(f"{what}: expected shape {like.shape}, got {array.shape}; reshape it, or make a new Tensor")
    if not np.can_cast(array.dtype, like.dtype, "same_kind"):
        raise TypeError(f"{what}: expected {like.dtype}, got {array.dtype}")
    return array.astype(like.dtype, copy=False)


def seed_for(output: Node, gradient: Any, operation: str) -> Any:
    """The gradient that a walk from `output` starts with."""
    if not output._requires_grad:
        raise RuntimeError(
            f"{operation}: this tensor does not require a gradient: it was made from tensors without "
            "requires_grad=True, or under no_grad()"
        )
    if gradient is None:
        data = output._data
        if type(data) is np.ndarray and not data.shape:
            return data.dtype.type(1)
        if np.size(data) != 1:
            raise RuntimeError(
                f"{operation}: the output has shape {np.shape(data)}; reduce it to one element (sum, mean), or give "
                "its gradient"
            )
        return np.ones_like(data)
    return fitted(gradient, to_array(output._data), f"{operation}: gradient").copy("K")


def to_number(data: Any) -> float:
    """A float from one real number, or an error that says what it is instead."""
    if isinstance(data, Number) and not isinstance(data, np.complexfloating):
        return float(data)
    if (
        isinstance(data, (np.ndarray, Node))
        and np.ndim(plain(data)) == 0
        and np.asarray(plain(data)).dtype.kind in "biuf"
    ):
        return float(plain(data))
    raise TypeError(f"Value: expected one real number, got {data!r}; for arrays there is tinytensor.Tensor")


def plain_key(key: Any) -> Any:
    """An index as NumPy takes it: tensors and lists become arrays of their own.

    Index arrays are copied, so that one changed later (a shuffled permutation) can't spoil backward.
    """
    if isinstance(key, tuple):
        return tuple(plain_key(part) for part in key)
    if isinstance(key, Node):
        key = key._data
    if isinstance(key, list) and not key:
        return np.empty(0, np.intp)
    return np.array(key) if isinstance(key, (list, np.ndarray)) else key


def python_number(operand: Any) -> Any:
    """NumPy's numbers as Python's, whose negative and inverse do not overflow."""
    return operand.item() if isinstance(operand, np.generic) else operand


def to_leaf(data: Any) -> float:
    """`to_number`, of something that has no graph to lose."""
    if isinstance(data, Node) and data._requires_grad:
        raise TypeError("Value: the data are a tensor that requires a gradient; use it as it is, or its .data")
    return to_number(data)


def real_power(x: float, y: float) -> float:
    """``x ** y`` where it is a real number."""
    out = x**y
    if isinstance(out, complex):
        raise ValueError("a fractional power of a negative number is not real")
    return out
