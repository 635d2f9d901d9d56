"""What counts as the data of a tensor: numbers, and nothing that would have to be guessed.

Read next: ``tensor.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .node import Node
from .operators import plain

Array = np.ndarray[Any, Any]

_NUMERIC = "biufc"  # kinds of dtype: boolean, integers, floating, complex


def to_array(data: Any, dtype: npt.DTypeLike | None = None) -> Array:
    """`data` as a numeric ndarray, or an error that says what it is instead."""
    if isinstance(data, Node) and data._requires_grad:
        raise TypeError("Tensor: the data are a tensor that requires a gradient; use it as it is, or tensor.detach()")
    try:
        array = np.asarray(plain(data), dtype=dtype)
    except (ValueError, TypeError) as error:
        raise TypeError(f"Tensor: the data are not an array of numbers: {error}") from None
    if array.dtype.kind not in _NUMERIC:
        raise TypeError(f"Tensor: the data are not numbers but {array.dtype}")
    return array


def fitted(value: Any, like: Array, what: str) -> Array:
    """`value` with exactly the shape and dtype of `like`, the same memory where possible."""
    array = to_array(plain(value))
    if array.shape != like.shape:
        raise ValueError(f"{what}: expected shape {like.shape}, got {array.shape}; make a new Tensor for a new shape")
    if not np.can_cast(array.dtype, like.dtype, "same_kind"):
        raise TypeError(f"{what}: expected {like.dtype}, got {array.dtype}")
    return array.astype(like.dtype, copy=False)
