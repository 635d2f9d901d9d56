"""Compositions of reductions: the statistics of an array, with weights, and leaving nan out.

Where nan is left out it gets no gradient. Read next: ``quantiles.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..node import Node
from ..operators import holds, plain
from ..rules.table import composed
from .elementwise import array_or_tensor, refuse
from .shapes import diagonal

composed(np.amax)(np.max)
composed(np.amin)(np.min)


@composed(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False, **others: Any) -> Any:
    """``np.ptp``: the largest element minus the smallest; the tied share the gradient."""
    refuse(np.ptp, others)
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composed(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """``np.average``: the mean, each element counted with its weight; differentiable in both.

    With ``returned=True`` the sum of the weights too.
    """
    a = array_or_tensor(a)
    if weights is None:
        out = np.mean(a, axis=axis, keepdims=keepdims)
        total = np.full(np.shape(out), np.size(a) / max(np.size(out), 1), out.dtype)
        return (out, total) if returned else out
    weights = _weights_of(a, axis, array_or_tensor(weights))
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    if holds(np.any(total == 0), "average: the weights sum to zero"):
        raise ZeroDivisionError("average: the weights sum to zero")
    out = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (out, np.broadcast_to(total, np.shape(out))) if returned else out


def _weights_of(a: Any, axis: Any, weights: Any) -> Any:
    """Weights that broadcast against `a`: of its shape, or of the shape of the axes averaged over."""
    shape = np.shape(a)
    if np.shape(weights) == shape:
        return weights
    if axis is None:
        raise TypeError(f"average: the weights have shape {np.shape(weights)} and a {shape}; name the axis")
    axes = normalize_axis_tuple(axis, len(shape))
    if np.shape(weights) != tuple(shape[k] for k in axes):
        raise ValueError(
            f"average: the weights have shape {np.shape(weights)}, expected that of the axes {axes} of {shape}"
        )
    ordered = np.transpose(weights, np.argsort(axes).tolist())
    return np.reshape(ordered, tuple(size if k in axes else 1 for k, size in enumerate(shape)))


# -------------------------------------------------------------------------------- leaving nan out


def instead_of_nan(a: Any, value: float) -> Any:
    """The array with another value in place of each nan."""
    return np.where(np.isnan(a), value, a)


@composed(np.nansum)
def nansum(a: Any, axis: Any = None, *, keepdims: bool = False, **others: Any) -> Any:
    """``np.nansum``: the sum of what is not nan."""
    refuse(np.nansum, others)
    return np.sum(instead_of_nan(a, 0), axis=axis, keepdims=keepdims)


@composed(np.nanprod)
def nanprod(a: Any, axis: Any = None, *, keepdims: bool = False, **others: Any) -> Any:
    """``np.nanprod``: the product of what is not nan."""
    refuse(np.nanprod, others)
    return np.prod(instead_of_nan(a, 1), axis=axis, keepdims=keepdims)


@composed(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, **others: Any) -> Any:
    """``np.nancumsum``: the running sum, with nan counted as 0."""
    refuse(np.nancumsum, others)
    return np.cumsum(instead_of_nan(a, 0), axis=axis)


@composed(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, **others: Any) -> Any:
    """``np.nancumprod``: the running product, with nan counted as 1."""
    refuse(np.nancumprod, others)
    return np.cumprod(instead_of_nan(a, 1), axis=axis)


@composed(np.nanmax)
def nanmax(a: Any, axis: Any = None, *, keepdims: bool = False, **others: Any) -> Any:
    """``np.nanmax``: the largest of what is not nan; nan where there is nothing else."""
    refuse(np.nanmax, others)
    nothing = np.all(np.isnan(a), axis=axis, keepdims=keepdims)
    return np.where(nothing, np.nan, np.max(instead_of_nan(a, -math.inf), axis=axis, keepdims=keepdims))


@composed(np.nanmin)
def nanmin(a: Any, axis: Any = None, *, keepdims: bool = False, **others: Any) -> Any:
    """``np.nanmin``: the smallest of what is not nan; nan where there is nothing else."""
    refuse(np.nanmin, others)
    return -nanmax(-a, axis, keepdims=keepdims)


@composed(np.nanmean)
def nanmean(a: Any, axis: Any = None, *, keepdims: bool = False, **others: Any) -> Any:
    """``np.nanmean``: the mean of what is not nan; nan where there is nothing else."""
    refuse(np.nanmean, others)
    return _per(nansum(a, axis, keepdims=keepdims), _count(a, axis, keepdims))


@composed(np.nanvar)
def nanvar(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, **others: Any) -> Any:
    """``np.nanvar``: the variance of what is not nan; nan where no more than `ddof` elements are left."""
    refuse(np.nanvar, others)
    spread = instead_of_nan(a - nanmean(a, axis, keepdims=True), 0)
    return _per(np.sum(np.square(spread), axis=axis, keepdims=keepdims), _count(a, axis, keepdims) - ddof)


@composed(np.nanstd)
def nanstd(a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, **others: Any) -> Any:
    """``np.nanstd``: the standard deviation of what is not nan; its slope is 0 where that is constant."""
    refuse(np.nanstd, others)
    variance = nanvar(a, axis, ddof=ddof, keepdims=keepdims)
    constant = variance == 0
    return np.where(constant, 0, np.sqrt(np.where(constant, 1, variance)))


def _count(a: Any, axis: Any, keepdims: bool) -> Any:
    """How many elements are not nan, in the array's own dtype."""
    return np.sum(np.logical_not(np.isnan(a)), axis=axis, keepdims=keepdims, dtype=a.dtype)


def _per(total: Any, count: Any) -> Any:
    """A total divided by a count; nan where there is nothing to divide by."""
    return np.where(count > 0, total, np.nan) / np.where(count > 0, count, 1)


# ------------------------------------------------------------------------------------ covariance


@composed(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    **others: Any,
) -> Any:
    """``np.cov``: the covariances of variables (rows, or columns with ``rowvar=False``).

    `fweights` says how often each observation was made, `aweights` how important it is; the latter
    may be a tensor. Unlike NumPy's, which computes in float64 always, float32 stays float32.
    """
    refuse(np.cov, others)
    x = _variables(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar)], axis=0)
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"cov: ddof must be an integer, got {ddof!r}")
    ddof = (0 if bias else 1) if ddof is None else ddof
    often, important = (_observation_weights(*given, x) for given in (("fweights", fweights), ("aweights", aweights)))
    weights = important if often is None else often if important is None else often * important
    total = np.shape(x)[1] if weights is None else np.sum(weights)
    degrees = total - (ddof if important is None or not ddof else ddof * np.sum(weights * important) / total)
    x = x - average(x, axis=1, weights=weights, keepdims=True)
    products = np.matmul(x if weights is None else x * weights, np.swapaxes(x, 0, 1))
    return np.squeeze(products / (max(degrees, 0) if weights is None else np.maximum(degrees, 0)))


def _variables(m: Any, rowvar: bool) -> Any:
    """Observations as a matrix with one row for each variable."""
    m = array_or_tensor(m)
    if np.ndim(m) > 2:
        raise ValueError(f"cov: expected at most two axes, got shape {np.shape(m)}")
    if np.ndim(m) < 2:
        return np.reshape(m, (1, -1))
    return m if rowvar else np.swapaxes(m, 0, 1)


def _observation_weights(name: str, given: Any, x: Any) -> Any:
    """The weights of the observations, checked, in the dtype of the observations."""
    if given is None:
        return None
    given = array_or_tensor(given)
    if np.shape(given) != np.shape(x)[1:]:
        raise ValueError(f"cov: {name} has shape {np.shape(given)}, expected {np.shape(x)[1:]}")
    wanted = f"cov: {name} must be {'whole numbers, and ' if name == 'fweights' else ''}not negative"
    if holds(np.any(given < 0), wanted) or (
        name == "fweights" and holds(np.any(plain(given) != np.round(plain(given))), wanted)
    ):
        raise ValueError(wanted)
    return given if isinstance(given, Node) else given.astype(x.dtype)


@composed(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, **others: Any) -> Any:
    """``np.corrcoef``: the correlations of variables, within [-1, 1]; float32 stays float32."""
    refuse(np.corrcoef, others)
    c = cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    deviation = np.sqrt(diagonal(c))
    return np.clip(c / deviation[:, None] / deviation[None, :], -1, 1)
