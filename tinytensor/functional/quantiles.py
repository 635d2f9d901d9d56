"""Medians, percentiles and quantiles: elements picked by rank, and lines between them.

The order is looked up on plain arrays; the elements are picked by indexing, which is what carries the
gradient. Among equal elements those get it that a stable sort puts at the place asked for.
Read next: ``sequences.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..errors import wrong_call
from ..modes import is_grad_enabled
from ..node import Node, StandIn
from ..operators import as_array, plain
from ..primitives import index
from ..rules.table import composed
from .elementwise import array_or_tensor, refuse

# Hyndman and Fan's continuous definitions (The American Statistician 50, 1996): the place of quantile q
# among n elements, counted from 0, is n q + alpha + q (1 - alpha - beta) - 1.
CONTINUOUS = {
    "weibull": (0.0, 0.0), "hazen": (0.5, 0.5), "median_unbiased": (1 / 3, 1 / 3), "normal_unbiased": (3 / 8, 3 / 8),
    "interpolated_inverted_cdf": (0.0, 1.0),
}  # fmt: skip

# What is done with a place between two elements.
ROUNDINGS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda place: place, "lower": np.floor, "higher": np.ceil, "nearest": np.rint,
    "midpoint": lambda place: (np.floor(place) + np.ceil(place)) / 2,
}  # fmt: skip


@composed(np.quantile)
def quantile(a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False, **others: Any) -> Any:
    """``np.quantile``: what a share q of the elements lies below; nan where an element is nan.

    The methods that interpolate or round the place linearly between ranks are here; those of a
    discontinuous distribution ("inverted_cdf" and its relatives) and `weights` are refused.
    """
    refuse(np.quantile, others)
    return _quantile(np.quantile, a, q, axis, method, keepdims, skip=False)


@composed(np.percentile)
def percentile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False, **others: Any
) -> Any:
    """``np.percentile``: the quantile of q percent; see `quantile`."""
    refuse(np.percentile, others)
    return _quantile(np.percentile, a, q, axis, method, keepdims, skip=False)


@composed(np.median)
def median(a: Any, axis: Any = None, *, keepdims: bool = False, **others: Any) -> Any:
    """``np.median``: the middle element, or the mean of the two in the middle."""
    refuse(np.median, others)
    return _quantile(np.median, a, 0.5, axis, "linear", keepdims, skip=False)


@composed(np.nanquantile)
def nanquantile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False, **others: Any
) -> Any:
    """``np.nanquantile``: the quantile of what is not nan."""
    refuse(np.nanquantile, others)
    return _quantile(np.nanquantile, a, q, axis, method, keepdims, skip=True)


@composed(np.nanpercentile)
def nanpercentile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False, **others: Any
) -> Any:
    """``np.nanpercentile``: the quantile of q percent of what is not nan."""
    refuse(np.nanpercentile, others)
    return _quantile(np.nanpercentile, a, q, axis, method, keepdims, skip=True)


@composed(np.nanmedian)
def nanmedian(a: Any, axis: Any = None, *, keepdims: bool = False, **others: Any) -> Any:
    """``np.nanmedian``: the median of what is not nan."""
    refuse(np.nanmedian, others)
    return _quantile(np.nanmedian, a, 0.5, axis, "linear", keepdims, skip=True)


def _quantile(function: Any, a: Any, q: Any, axis: Any, method: str, keepdims: bool, skip: bool) -> Any:
    """Quantiles over axes, with the axes of q in front."""
    q = _shares(function, q)
    if method not in CONTINUOUS and method not in ROUNDINGS:
        raise wrong_call(function, f"method={method!r} has no rule; {', '.join([*ROUNDINGS, *CONTINUOUS])} do")
    a = array_or_tensor(a)
    shape = np.shape(a)
    lost = sorted(normalize_axis_tuple(range(len(shape)) if axis is None else axis, len(shape)))
    kept = [k for k in range(len(shape)) if k not in lost]
    size = math.prod(shape[k] for k in lost)
    if not size:
        raise ValueError(f"{function.__name__}: there are no elements along the axes {tuple(lost)} of {shape}")
    flat = np.reshape(np.transpose(a, kept + lost), (math.prod(shape[k] for k in kept), size))
    out = np.swapaxes(_of_rows(flat, np.ravel(q), method, skip), 0, 1)
    rest = [1 if k in lost else n for k, n in enumerate(shape)] if keepdims else [shape[k] for k in kept]
    return np.reshape(out, (*np.shape(q), *rest))


def _shares(function: Any, q: Any) -> Any:
    """q as an array of shares between 0 and 1."""
    if isinstance(q, Node) and q._requires_grad and is_grad_enabled():
        raise wrong_call(function, "q has no gradient; give its data")
    q = as_array(q, np.float64)
    whole = 100 if function in (np.percentile, np.nanpercentile) else 1
    if not np.all((q >= 0) & (q <= whole)):
        raise ValueError(f"{function.__name__}: q must lie between 0 and {whole}")
    return q / whole


def _of_rows(flat: Any, q: Any, method: str, skip: bool) -> Any:
    """The quantiles of each row of a matrix, one column for each q."""
    data = plain(flat)
    order = np.argsort(data, axis=1, kind="stable")  # nan stands last
    missing = np.sum(np.isnan(data), axis=1, keepdims=True)
    count = data.shape[1] - missing
    if method in CONTINUOUS:
        alpha, beta = CONTINUOUS[method]
        place = count * q + alpha + q * (1 - alpha - beta) - 1
    else:
        place = ROUNDINGS[method](np.maximum(count - 1, 0) * q)
    place = np.clip(place, 0, np.maximum(count - 1, 0))
    if not skip:
        place = np.where(missing > 0, data.shape[1] - 1, place)  # the last is nan, and so is the result
    low, high = np.floor(place).astype(np.intp), np.ceil(place).astype(np.intp)
    rows = np.arange(data.shape[0])[:, None]
    below, above = (index(flat, (rows, order[rows, rank])) for rank in (low, high))
    if not isinstance(low, StandIn) and np.array_equal(low, high):
        return below
    part = (place - low).astype(data.dtype)
    return below * (1 - part) + np.where(part == 0, 0, above) * part  # 0 times an infinite neighbour would be nan
