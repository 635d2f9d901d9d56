"""Cases: statistics, quantiles, differences and interpolation."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ..strategies import shapes, values
from .base import case
from .reductions import reducible, running, spreadable, torch_reduce, torch_running

case("ptp", np.ptp, torch_reduce(lambda x: x.amax(-1) - x.amin(-1)), reducible(1, True))

# ------------------------------------------------------------------------------------- weights


@st.composite
def weighted(draw):
    """An array and positive weights: of its shape, or along one axis."""
    shape = draw(shapes(min_dims=1, min_side=1))
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    whole = axis is None or draw(st.booleans())
    weights = draw(values(shape if whole else (shape[axis],), 1, 0, 3))
    return [draw(values(shape)), weights], {"axis": axis, "keepdims": draw(st.booleans())}


def torch_weights(a, w, axis):
    """The weights in the shape of the array."""
    if w.shape != a.shape:
        w = w.reshape([-1 if k == axis % a.ndim else 1 for k in range(a.ndim)])
    return w.expand(a.shape)


def torch_average(a, w, axis, keepdims):
    """The average, and the sum of the weights."""
    w = torch_weights(a, w, axis)
    axes = tuple(range(a.ndim)) if axis is None else axis
    total = w.sum(axes, keepdim=keepdims)
    return torch.stack([(a * w).sum(axes, keepdim=keepdims) / total, total])


case("average", lambda a, w, axis, keepdims: np.average(a, axis, w, keepdims=keepdims),
     lambda *args, **options: torch_average(*args, **options)[0], weighted(), np.average)  # fmt: skip
case("average without weights", np.average, torch_reduce(lambda x: x.mean(-1)), reducible(1), np.average)
case("average returned", lambda a, w, axis, keepdims: np.stack(np.average(a, axis, w, True, keepdims=keepdims)),
     torch_average, weighted(), np.average)  # fmt: skip

# --------------------------------------------------------------------------------- leaving nan out


@st.composite
def with_nan(draw, drawn, at_least=0):
    """Another case's array with some elements nan, but `at_least` one (two) left along the axes."""
    (array,), options = draw(drawn)
    mask = draw(hnp.arrays(bool, array.shape))
    if at_least:
        axes = range(array.ndim) if options["axis"] is None else options["axis"]
        axes = [k % array.ndim for k in ((axes,) if isinstance(axes, int) else axes)]
        mask[tuple(slice(0, min(at_least, 2)) if k in axes else slice(None) for k in range(array.ndim))] = False
    return [np.where(mask, np.nan, array)], options


def leaving_out(op):
    """A torch reduction of the last axis, row by row, of what is not nan."""

    def reduced(x, **options):
        rows = [op(row[~torch.isnan(row)], **options) for row in x.reshape(-1, x.shape[-1])]
        return torch.stack(rows).reshape(x.shape[:-1])

    return torch_reduce(reduced)


case("nansum", np.nansum, torch_reduce(lambda x: x.nansum(-1)), with_nan(reducible()))
case("nanmean", np.nanmean, torch_reduce(lambda x: x.nanmean(-1)), with_nan(reducible(1), 1))
case("nanprod", np.nanprod, leaving_out(lambda x: x.prod()), with_nan(reducible(1), 1))
case("nanmax", np.nanmax, leaving_out(lambda x: x.amax()), with_nan(reducible(1, True), 1))
case("nanmin", np.nanmin, leaving_out(lambda x: x.amin()), with_nan(reducible(1, True), 1))
case("nanvar", np.nanvar, leaving_out(lambda x, ddof: x.var(correction=ddof)), with_nan(spreadable(), 2))
case("nanstd", np.nanstd, leaving_out(lambda x, ddof: x.std(correction=ddof)), with_nan(spreadable(), 2))
case("nancumsum", np.nancumsum, torch_running(lambda x, axis: torch.nan_to_num(x).cumsum(axis)), with_nan(running()))
case("nancumprod", np.nancumprod,
     torch_running(lambda x, axis: torch.where(torch.isnan(x), 1.0, x).cumprod(axis)), with_nan(running()))  # fmt: skip

# ------------------------------------------------------------------------------------- quantiles

ROUNDED = ["linear", "lower", "higher", "nearest", "midpoint"]
SHARES = st.sampled_from([0.0, 0.25, 0.4, 0.5, 0.77, 1.0, [0.1, 0.5], [[0.0, 0.3, 1.0]]])


def torch_quantile(op):
    """``op(x, q)`` of the last axis, with q of any shape in front."""

    def picked(x, q, axis, keepdims, method="linear"):
        each = [torch_reduce(lambda x, q=q: op(x, q, method))(x, axis, keepdims) for q in np.ravel(q)]
        return torch.stack(each).reshape((*np.shape(q), *each[0].shape))

    return picked


def of_torch(x, q, method):
    return torch.quantile(x, float(q), -1, interpolation=method)


def of_torch_without_nan(x, q, method):
    return torch.nanquantile(x, float(q), -1, interpolation=method)


PLACES = {
    "hazen": lambda n, q: n * q - 0.5, "weibull": lambda n, q: (n + 1) * q - 1,
    "median_unbiased": lambda n, q: (n + 1 / 3) * q - 2 / 3, "normal_unbiased": lambda n, q: (n + 0.25) * q - 5 / 8,
    "interpolated_inverted_cdf": lambda n, q: n * q - 1,
}  # fmt: skip


def of_places(x, q, method):
    place = min(max(PLACES[method](x.shape[-1], q), 0.0), x.shape[-1] - 1)
    ordered = x.sort(-1).values
    low, high = ordered[..., int(np.floor(place))], ordered[..., int(np.ceil(place))]
    return low + (high - low) * (place - np.floor(place))


def quantiles(**options):
    return reducible(1, True, q=SHARES, **options)


methods = st.sampled_from(ROUNDED)
case("quantile", np.quantile, torch_quantile(of_torch), quantiles(method=methods))
case("quantile of other places", np.quantile, torch_quantile(of_places),
     quantiles(method=st.sampled_from(sorted(PLACES))), np.quantile)  # fmt: skip
case("percentile", lambda x, q, **options: np.percentile(x, np.multiply(q, 100), **options),
     torch_quantile(of_torch), quantiles(), np.percentile)  # fmt: skip
case("median", np.median, torch_reduce(lambda x: of_torch(x, 0.5, "linear")), reducible(1, True))
case("nanquantile", np.nanquantile, torch_quantile(of_torch_without_nan), with_nan(quantiles(method=methods), 1))
case("nanpercentile", lambda x, q, **options: np.nanpercentile(x, np.multiply(q, 100), **options),
     torch_quantile(of_torch_without_nan), with_nan(quantiles(), 1), np.nanpercentile)  # fmt: skip
case("nanmedian", np.nanmedian, torch_reduce(lambda x: of_torch_without_nan(x, 0.5, "linear")),
     with_nan(reducible(1, True), 1))  # fmt: skip

# ------------------------------------------------------------------------------------ covariance


@st.composite
def observed(draw, weights=False):
    """Variables in rows, of three observations or more, and two distinct ones at least."""
    rows, n = draw(st.integers(1, 3)), draw(st.integers(3, 4))
    x = draw(values((rows, n), distinct=True, low=-2, high=2))
    x = x[0] if rows == 1 and not weights and draw(st.booleans()) else x
    return [x, *([draw(values((n,), 1, 0, 2))] if weights else [])], {"ddof": draw(st.sampled_from([0, 1]))}


case("cov", np.cov, lambda x, ddof: torch.cov(x, correction=ddof), observed())
case("cov of columns", lambda x, ddof: np.cov(x.T, rowvar=False, ddof=ddof),
     lambda x, ddof: torch.cov(x, correction=ddof), observed(), np.cov)  # fmt: skip
case("cov with weights", lambda x, w, ddof: np.cov(x, ddof=ddof, aweights=w),
     lambda x, w, ddof: torch_cov(x, w, ddof), observed(True), np.cov)  # fmt: skip


def torch_cov(x, w, ddof):
    """torch refuses aweights that require a gradient, so by the formula."""
    x = torch.atleast_2d(x)
    x = x - (x * w).sum(-1, keepdim=True) / w.sum()
    return ((x * w) @ x.T / (w.sum() - ddof * (w * w).sum() / w.sum())).squeeze()


case("cov of two", lambda x, y: np.cov(x, y), lambda x, y: torch.cov(torch.stack([x, y])),
     st.tuples(values((4,), 0), values((4,), 1)).map(lambda arrays: (list(arrays), {})), np.cov)  # fmt: skip
case("corrcoef", lambda x, ddof: np.corrcoef(x), lambda x, ddof: torch.corrcoef(x), observed(), np.corrcoef)

# ----------------------------------------------------------------- differences, integrals, lines


@st.composite
def neighbours(draw):
    shape = draw(shapes(min_dims=1, min_side=1))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    return [draw(values(shape))], {"axis": axis, "n": draw(st.integers(0, 3))}


case("diff", np.diff, lambda x, n, axis: torch.diff(x, n, axis) if n else x.clone(), neighbours())


@st.composite
def ended(draw):
    shape = draw(shapes(min_dims=1, min_side=1, max_dims=2))
    side = list(shape)
    side[-1] = draw(st.integers(0, 2))
    return [draw(values(shape)), draw(values(tuple(side), 1))], {}


case("diff with ends", lambda x, end: np.diff(x, prepend=end, append=2.0),
     lambda x, end: torch.diff(torch.cat([end, x, torch.full_like(x[..., :1], 2.0)], -1)), ended(), np.diff)  # fmt: skip
case("ediff1d", lambda x, end: np.ediff1d(x, to_begin=end, to_end=[1.5, 2.0]),
     lambda x, end: torch.cat([end.ravel(), torch.diff(x.ravel()), torch.tensor([1.5, 2.0], dtype=x.dtype)]),
     ended(), np.ediff1d)  # fmt: skip


@st.composite
def sampled(draw, coordinates=False):
    shape = draw(shapes(min_dims=1, max_dims=2, min_side=3, max_side=5))
    places = [np.cumsum(draw(values((n,), 1, 0, 2))) for n in shape] if coordinates else draw(st.just(0.5) | st.just(2))
    return [draw(values(shape))], {"places": places, "edge_order": draw(st.sampled_from([1, 2]))}


def slopes(x, places, edge_order):
    spacing = [p.astype(x.dtype) for p in places] if isinstance(places, list) else [places]
    out = np.gradient(x, *spacing, edge_order=edge_order)
    return np.stack(out) if isinstance(out, tuple) else out


def torch_slopes(x, places, edge_order):
    spacing = tuple(map(torch.tensor, places)) if isinstance(places, list) else places
    out = torch.gradient(x, spacing=spacing, edge_order=edge_order)
    return torch.stack(out) if len(out) > 1 else out[0]


case("gradient", slopes, torch_slopes, sampled(), np.gradient)
case("gradient at places", slopes, torch_slopes, sampled(True), np.gradient)


@st.composite
def points(draw):
    n = draw(st.integers(1, 5))
    y = draw(values((draw(st.integers(1, 3)), n), 0))
    x = draw(values((n,) if draw(st.booleans()) else y.shape, 1))
    return [y, x], {}


case("trapezoid", lambda y, x: np.trapezoid(y, x), lambda y, x: torch.trapezoid(y, x), points(), np.trapezoid)
case("trapezoid in equal steps", lambda y, x: np.trapezoid(y, dx=0.5, axis=0) + 0 * x.sum(),
     lambda y, x: torch.trapezoid(y, dx=0.5, dim=0) + 0 * x.sum(), points(), np.trapezoid)  # fmt: skip


@st.composite
def lines(draw):
    n = draw(st.integers(2, 5))
    xp = np.sort(draw(values((n,), 1, -3, 3, distinct=True)))
    return [draw(values(draw(shapes(max_dims=2)))), xp, draw(values((n,), 2))], {
        "left": draw(st.sampled_from([None, 7.0])), "right": draw(st.sampled_from([None, -7.0])),
    }  # fmt: skip


def torch_interp(x, xp, fp, left, right):
    """The sum over pieces of the line through each, where x lies in it."""
    out = torch.where(x < xp[0], fp[0] if left is None else left, fp[-1] if right is None else right)
    for k in range(len(xp) - 1):
        line = fp[k] + (fp[k + 1] - fp[k]) * (x - xp[k]) / (xp[k + 1] - xp[k])
        out = torch.where((xp[k] <= x) & (x <= xp[k + 1]), line, out)
    return out


case("interp", lambda x, xp, fp, left, right: np.interp(x, xp, fp, left, right), torch_interp, lines(), np.interp)
