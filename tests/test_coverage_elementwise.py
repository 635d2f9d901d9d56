"""NumPy's elementwise functions and statistics at their kinks, at 0, far out and among infinities.

Bad arguments, plain results and NumPy's own values: ``test_coverage_calls.py``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import tinytensor as tt
from tinytensor.special import normal_cdf, sinc_slope

F = torch.nn.functional
INF, NAN = math.inf, math.nan

KINKS = {
    "floor at integers": (np.floor, torch.floor, [[0.0, 1.0, -2.0]]),
    "round at halves": (np.round, torch.round, [[0.5, 1.5, -2.5]]),
    "fabs at 0": (np.fabs, torch.abs, [[0.0, -0.0, 1.0]]),
    "fmax of equals goes to the first": (np.fmax, torch.fmax, [[1.0, 2.0], [1.0, 3.0]]),
    "fmin of equals goes to the first": (np.fmin, torch.fmin, [[1.0, 2.0], [1.0, 3.0]]),
    "fmax of nan": (np.fmax, torch.fmax, [[1.0, NAN, 1.0, NAN], [1.0, 1.0, NAN, NAN]]),
    "fmin of nan": (np.fmin, torch.fmin, [[1.0, NAN, 1.0, NAN], [1.0, 1.0, NAN, NAN]]),
    "copysign of zeros": (np.copysign, torch.copysign, [[0.0, -0.0, 1.0, 1.0], [1.0, -1.0, -0.0, 0.0]]),
    "sinc at 0": (np.sinc, torch.sinc, [[0.0, 1.0, -1.0, 2.0]]),
    "nan_to_num": (np.nan_to_num, torch.nan_to_num, [[NAN, INF, -INF, 1.0]]),
    "fmod at multiples": (np.fmod, torch.fmod, [[6.0, -6.0, 5.0], [3.0, 3.0, -3.0]]),
    "arctan2 on the axes": (np.arctan2, torch.arctan2, [[0.0, 1.0, -1.0], [-1.0, 0.0, 0.0]]),
    "hypot on the axes": (np.hypot, torch.hypot, [[0.0, -2.0], [3.0, 0.0]]),
    "logaddexp of one infinity": (np.logaddexp, torch.logaddexp, [[INF, -INF, 1.0], [1.0, 1.0, -INF]]),
    "logaddexp of equals": (np.logaddexp, torch.logaddexp, [[1.0, -2.0], [1.0, -2.0]]),
    "logaddexp2 of equals": (np.logaddexp2, torch.logaddexp2, [[1.0, -2.0], [1.0, -2.0]]),
    "gelu at 0": (tt.gelu, F.gelu, [[0.0, -0.0, 1.0]]),
    "silu at 0": (tt.silu, F.silu, [[0.0, -0.0, 1.0]]),
    "softplus at and beyond its threshold": (tt.softplus, F.softplus, [[-1000.0, 0.0, 20.0, 20.5, 1000.0]]),
    "leaky_relu at 0": (tt.leaky_relu, F.leaky_relu, [[0.0, -0.0, 1.0, -1.0]]),
    "elu at 0": (tt.elu, F.elu, [[0.0, -0.0, 1.0, -1.0]]),
    "erf at 0": (tt.erf, torch.erf, [[0.0, -0.0, 6.0, -30.0]]),
    "cumprod with zeros": (np.cumprod, lambda x: torch.cumprod(x, 0), [[2.0, 0.0, 3.0, 0.0, 4.0]]),
    "cumprod that begins with 0": (np.cumprod, lambda x: torch.cumprod(x, 0), [[0.0, 2.0, 3.0]]),
    "median of equals": (np.median, lambda x: torch.quantile(x, 0.5), [[1.0, 1.0, 1.0, 2.0]]),
    "nanmean": (np.nanmean, torch.nanmean, [[NAN, 1.0, 3.0]]),
    "average, weights of 0": (lambda a, w: np.average(a, weights=w), lambda a, w: (a * w).sum() / w.sum(), [[1.0, 5.0], [0.0, 2.0]]),
    "nanstd of constants": (np.nanstd, lambda x: torch.std(x[1:], correction=0), [[NAN, 2.0, 2.0]]),
    "ptp of ties": (np.ptp, lambda x: x.amax() - x.amin(), [[1.0, 1.0, 3.0, 3.0]]),
}  # fmt: skip

# There torch gives nan for the second derivative; at softplus's threshold it passes to 0 one step earlier.
NO_SECOND = {"nanstd of constants", "copysign of zeros", "logaddexp of one infinity", "sinc at 0",
             "softplus at and beyond its threshold"}  # fmt: skip


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", KINKS)
def test_kinks_as_in_torch(name, order):
    ours, theirs, arrays = KINKS[name]
    xs = [tt.Tensor(np.array(a), requires_grad=True) for a in arrays]
    ys = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]
    out, expected = ours(*xs), theirs(*ys)
    np.testing.assert_allclose(out.data, expected.numpy(force=True), rtol=1e-12)
    g = np.arange(1.0, out.size + 1).reshape(out.shape)
    first = tt.grad(out, xs, g, create_graph=True)
    wanted = torch.autograd.grad(expected, ys, torch.tensor(g), create_graph=True)
    for a, b in zip(first, wanted, strict=True):
        np.testing.assert_allclose(a.data, b.numpy(force=True), rtol=1e-12, atol=1e-15)
    if order == 1 or name in NO_SECOND or not any(b.requires_grad for b in wanted):
        return
    total, theirs_total = ((values[0] * 2).sum() + sum(v.sum() for v in values[1:]) for values in (first, wanted))
    second = tt.grad(total, xs, allow_unused=True) if total.requires_grad else [None] * len(xs)
    wanted = torch.autograd.grad(theirs_total, ys, allow_unused=True)
    for a, b, x in zip(second, wanted, xs, strict=True):
        a = np.zeros(x.shape) if a is None else a.data
        b = np.zeros(x.shape) if b is None else b.numpy(force=True)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def gradients(function, *arrays):
    xs = [tt.Tensor(np.array(a, float), requires_grad=True) for a in arrays]
    out = function(*xs)
    out.backward(np.ones(out.shape))
    return [x.grad.tolist() for x in xs]


# Where torch gives nan, and a gradient that a training can go on with exists.
BETTER_THAN_NAN = {
    "hypot at the origin, as the norm": (np.hypot, ([0.0], [0.0]), [[0.0], [0.0]]),
    "hypot of huge numbers": (np.hypot, ([3e200], [4e200]), [[0.6], [0.8]]),
    "arctan2 at the origin": (np.arctan2, ([0.0], [0.0]), [[0.0], [0.0]]),
    "arctan2 of huge numbers": (np.arctan2, ([3e100], [4e100]), [[1.6e-101], [-1.2e-101]]),
    "arctan far out": (np.arctan, ([1e200, INF],), [[0.0, 0.0]]),
    "arcsinh far out": (np.arcsinh, ([1e200],), [[1e-200]]),
    "logaddexp of the same infinity": (np.logaddexp, ([-INF, INF], [-INF, INF]), [[0.0, 0.0], [0.0, 0.0]]),
    "logaddexp2 of the same infinity": (np.logaddexp2, ([-INF, INF], [-INF, INF]), [[0.0, 0.0], [0.0, 0.0]]),
    "gelu far out": (tt.gelu, ([-INF, -1e300, 1e300, INF],), [[0.0, 0.0, 1.0, 1.0]]),
    "gelu by tanh far out": (lambda x: tt.gelu(x, "tanh"), ([-INF, -1e300, 1e300, INF],), [[0.0, 0.0, 1.0, 1.0]]),
    "silu far out": (tt.silu, ([-INF, -1e300, 1e300, INF],), [[0.0, 0.0, 1.0, 1.0]]),
    "softplus far out": (tt.softplus, ([-INF, -1e300, 1e300, INF],), [[0.0, 0.0, 1.0, 1.0]]),
    "elu far out": (tt.elu, ([-INF, -1e300, 1e300, INF],), [[0.0, 0.0, 1.0, 1.0]]),
    "leaky_relu far out": (tt.leaky_relu, ([-INF, INF],), [[0.01, 1.0]]),
    "erf far out": (tt.erf, ([-INF, -1e300, 1e300, INF],), [[0.0, 0.0, 0.0, 0.0]]),
    "normal_cdf far out": (normal_cdf, ([-INF, -1e300, 1e300, INF],), [[0.0, 0.0, 0.0, 0.0]]),
    "median among infinities": (np.median, ([-INF, 1.0, INF],), [[0.0, 1.0, 0.0]]),
    "median between infinities": (np.median, ([1.0, INF, INF, 0.0],), [[0.5, 0.5, 0.0, 0.0]]),
    "nanmax of nan": (lambda x: np.nanmax(x, axis=1), ([[NAN, NAN], [1.0, NAN]],), [[[0.0, 0.0], [1.0, 0.0]]]),
}


@pytest.mark.parametrize(("function", "arrays", "wanted"), BETTER_THAN_NAN.values(), ids=BETTER_THAN_NAN)
def test_finite_gradients_without_warnings(function, arrays, wanted):
    for got, expected in zip(gradients(function, *arrays), wanted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_the_limits_of_activations():
    ends = np.array([-INF, INF])
    for function in (tt.gelu, lambda x: tt.gelu(x, "tanh"), tt.silu, tt.softplus):
        np.testing.assert_array_equal(function(ends), [0.0, INF])
    np.testing.assert_array_equal(tt.elu(ends), [-1.0, INF])


def test_erf_is_exact_to_the_last_digits():
    x = np.concatenate([np.linspace(-7, 7, 4001), np.geomspace(1e-300, 30, 500), [0.46875, 4.0]])
    np.testing.assert_allclose(tt.erf(x), [math.erf(v) for v in x], rtol=5e-16)
    left = np.linspace(-37, 8, 4001)
    np.testing.assert_allclose(normal_cdf(left), [math.erfc(-v / math.sqrt(2)) / 2 for v in left], rtol=5e-13)
    assert np.isnan(tt.erf(np.array([NAN]))).all()
    np.testing.assert_array_equal(tt.erf(np.array([-INF, INF])), [-1.0, 1.0])
    assert tt.erf(np.float32(0.5)).dtype == np.float32
    assert tt.erf(1).dtype == np.float64


def test_the_slopes_of_sinc_are_exact_near_0():
    """sinc(x) = 1 - z²/6 + z⁴/120 - …, z = πx; the textbook's (cos(πx) - sinc(x)) / x loses all digits here."""
    for x in (1e-12, 1e-6, 1e-3):
        z = math.pi * x
        np.testing.assert_allclose(sinc_slope(x, 1), math.pi * (-z / 3 + z**3 / 30), rtol=1e-12)
        np.testing.assert_allclose(sinc_slope(x, 2), math.pi**2 * (-1 / 3 + z**2 / 10), rtol=1e-10)
    x = tt.Tensor(0.0, requires_grad=True)
    (slope,) = tt.grad(np.sinc(x), x, create_graph=True)
    (curvature,) = tt.grad(slope, x)
    assert slope.item() == 0
    np.testing.assert_allclose(curvature.item(), -(math.pi**2) / 3)
    for order in range(1, 6):  # the two formulas meet
        edge = 0.5 + order / 3
        np.testing.assert_allclose(sinc_slope(edge - 1e-9, order), sinc_slope(edge + 1e-9, order), rtol=1e-6, atol=1e-6)
