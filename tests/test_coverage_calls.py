"""NumPy's elementwise functions and statistics: bad arguments, plain results, NumPy's values, methods and modules."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import tinytensor as tt
from tinytensor.rules.table import COMPOSED, RULES

INF, NAN = math.inf, math.nan

# ------------------------------------------------------------------------------- what is refused


def leaf(data=((1.0, 2.0, 4.0), (3.0, 7.0, 5.0))):
    return tt.Tensor(np.array(data), requires_grad=True)


REFUSED = {
    **{f"out= of {f.__name__}": (lambda t, f=f: f(t, out=np.zeros((2, 3))), TypeError, "out=") for f in (
        np.floor, np.arctan, np.fix, np.round, np.around, np.cumsum, np.cumprod, np.ptp, np.median, np.nansum, np.nanmean,
        np.nanvar, np.nanstd, np.nanmax, np.nanmin, np.nanprod, np.nancumsum, np.nancumprod, np.nanmedian,
        np.cumulative_sum, np.cumulative_prod,
    )},
    "out= of quantile": (lambda t: np.quantile(t, 0.5, out=np.zeros(())), TypeError, "quantile.*out="),
    "out= of divmod": (lambda t: np.divmod(t, 2.0, out=(np.zeros((2, 3)),) * 2), TypeError, "divmod.*out="),
    "out= of float_power": (lambda t: np.float_power(t, 2.0, out=np.zeros((2, 3))), TypeError, "float_power.*out="),
    "where= of nansum": (lambda t: np.nansum(t, where=t > 1), TypeError, r"nansum.*where=.*np\.where"),
    "initial= of nanmax": (lambda t: np.nanmax(t, initial=1.0), TypeError, "nanmax.*initial="),
    "dtype= of nanmean": (lambda t: np.nanmean(t, dtype=np.float32), TypeError, "nanmean.*dtype=.*astype"),
    "correction= of nanvar": (lambda t: np.nanvar(t, correction=1), TypeError, "nanvar.*correction="),
    "dtype= of cov": (lambda t: np.cov(t, dtype=np.float32), TypeError, "cov.*dtype="),
    "overwrite_input= of median": (lambda t: np.median(t, overwrite_input=True), TypeError, "median.*overwrite_input="),
    "weights= of quantile": (lambda t: np.quantile(t, 0.5, weights=[1, 2]), TypeError, "quantile.*weights="),
    "copy=False of nan_to_num": (lambda t: np.nan_to_num(t, copy=False), TypeError, "copy=False would write"),
    "a method of discrete quantiles": (lambda t: np.quantile(t, 0.5, method="inverted_cdf"), TypeError, "inverted_cdf.*linear, lower"),
    "an unknown method": (lambda t: np.percentile(t, 50, method="cubic"), TypeError, "percentile.*'cubic'"),
    "q beyond 1": (lambda t: np.quantile(t, 1.5), ValueError, "between 0 and 1"),
    "q beyond 100": (lambda t: np.percentile(t, [50, 101]), ValueError, "between 0 and 100"),
    "q of nan": (lambda t: np.quantile(t, NAN), ValueError, "between 0 and 1"),
    "q with a gradient": (lambda t: np.quantile(t, tt.Tensor(0.5, requires_grad=True)), TypeError, "q has no gradient"),
    "a quantile of nothing": (lambda t: np.median(t[:0], axis=0), ValueError, r"median: there are no elements.*\(0, 3\)"),
    "an axis out of range": (lambda t: np.median(t, axis=2), np.exceptions.AxisError, "axis 2 is out of bounds"),
    "an axis of diff": (lambda t: np.diff(t, axis=2), np.exceptions.AxisError, "axis 2 is out of bounds"),
    "an axis named twice": (lambda t: np.quantile(t, 0.5, axis=(0, -2)), ValueError, "repeated axis"),
    "diff of a number": (lambda t: np.diff(t.sum()), ValueError, "diff: expected at least one axis"),
    "diff backwards": (lambda t: np.diff(t, n=-1), ValueError, "diff: n must be 0 or more"),
    "a running sum without axis": (lambda t: np.cumulative_sum(t), ValueError, r"cumulative_sum: name the axis.*\(2, 3\)"),
    "weights that sum to zero": (lambda t: np.average(t, 1, [1.0, 0.0, -1.0]), ZeroDivisionError, "sum to zero"),
    "weights without axis": (lambda t: np.average(t, weights=[1.0, 2.0]), TypeError, r"average.*\(2,\).*\(2, 3\); name the axis"),
    "weights of another length": (lambda t: np.average(t, 1, [1.0, 2.0]), ValueError, r"average.*\(2,\), expected.*\(1,\)"),
    "cov of three axes": (lambda t: np.cov(t[None]), ValueError, "cov: expected at most two axes"),
    "cov with half a ddof": (lambda t: np.cov(t, ddof=0.5), ValueError, "ddof must be an integer"),
    "cov, half an observation": (lambda t: np.cov(t, fweights=[1, 2, 0.5]), ValueError, "fweights must be whole"),
    "cov, negative weights": (lambda t: np.cov(t, aweights=[1, 2, -1.0]), ValueError, "aweights must be not negative"),
    "cov, too few weights": (lambda t: np.cov(t, aweights=[1, 2]), ValueError, r"aweights has shape \(2,\), expected \(3,\)"),
    "gradient of order 3": (lambda t: np.gradient(t, edge_order=3), ValueError, "edge_order must be 1 or 2"),
    "gradient of too few": (lambda t: np.gradient(t, axis=0, edge_order=2), ValueError, "axis 0 has 2 elements, expected at least 3"),
    "gradient, spacings": (lambda t: np.gradient(t, 1.0, 2.0, 3.0), TypeError, "one for each of the 2 axes, got 3"),
    "gradient, one set of places": (lambda t: np.gradient(t, [0.0, 1.0, 2.0]), TypeError, "a single spacing is a number"),
    "gradient, places": (lambda t: np.gradient(t, [0.0, 1.0], axis=1), ValueError, r"\(2,\) for an axis of 3"),
    "interp with a period": (lambda t: np.interp(t, [0.0, 1.0], [0.0, 1.0], period=1.0), TypeError, "period= has no rule"),
    "interp of unequal points": (lambda t: np.interp(t, [0.0, 1.0], [0.0]), ValueError, r"the shapes \(2,\) and \(1,\)"),
    "convolve of matrices": (lambda t: np.convolve(t, [1.0]), ValueError, r"convolve: expected two sequences.*\(2, 3\)"),
    "convolve in another mode": (lambda t: np.convolve(t[0], [1.0], "circular"), TypeError, "'full', 'same' or 'valid'"),
    "gelu by another approximation": (lambda t: tt.gelu(t, "sigmoid"), ValueError, "'none' or 'tanh'"),
    "an activation's unknown keyword": (lambda t: tt.elu(t, beta=1.0), TypeError, "elu: the keyword beta="),
    "an activation of a word": (lambda t: tt.nn.GELU("sigmoid"), ValueError, "GELU.*'none' or 'tanh'"),
    "a softplus without a bend": (lambda t: tt.nn.Softplus(0), ValueError, "beta must not be 0"),
    "frexp": (lambda t: np.frexp(t), NotImplementedError, "frexp has no gradient rule"),
    "modf": (lambda t: np.modf(t), NotImplementedError, "modf has no gradient rule"),
    "nextafter": (lambda t: np.nextafter(t, 1.0), NotImplementedError, "nextafter has no gradient rule"),
    "spacing": (lambda t: np.spacing(t), NotImplementedError, "spacing has no gradient rule"),
    "unwrap": (lambda t: np.unwrap(t), NotImplementedError, "unwrap has no gradient rule"),
    "histogram": (lambda t: np.histogram(t), NotImplementedError, "histogram has no gradient rule"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_raises_at_the_call(call, error, message):
    with pytest.raises(error, match=message):
        call(leaf())


def test_none_as_out_says_nothing():
    t = leaf()
    for function in (np.fix, np.around, np.ptp, np.median, np.nansum, np.nanvar):
        np.testing.assert_array_equal(function(t, out=None).data, function(t.data))


# ------------------------------------------------------------------------ plain results, NumPy's


@pytest.mark.parametrize("function", [
    np.isnan, np.isinf, np.isfinite, np.isposinf, np.isneginf, np.isreal, np.iscomplex, np.signbit, np.nanargmax, np.nanargmin,
    np.isrealobj, np.iscomplexobj,
], ids=lambda f: f.__name__)  # fmt: skip
def test_questions_have_plain_answers(function):
    t = tt.Tensor([1.0, -0.0, NAN, INF, -INF], requires_grad=True)
    out = function(t)
    assert not isinstance(out, tt.Tensor)
    np.testing.assert_array_equal(out, function(t.data))
    if hasattr(t, function.__name__):
        np.testing.assert_array_equal(getattr(t, function.__name__)(), out)


def test_numpy_2_names_are_the_same_ufuncs():
    for new, old in [
        ("acos", "arccos"), ("asin", "arcsin"), ("atan", "arctan"), ("atan2", "arctan2"), ("acosh", "arccosh"),
        ("asinh", "arcsinh"), ("atanh", "arctanh"), ("pow", "power"), ("abs", "absolute"), ("conj", "conjugate"),
        ("mod", "remainder"),
    ]:  # fmt: skip
        assert getattr(np, new) is getattr(np, old)
        assert getattr(np, new) in RULES


ODD = np.array([[1.5, NAN, -2.0, 1.5], [0.25, 3.0, INF, -0.0]])
VALUES = {
    "quantile": lambda a: np.quantile(a[:, [0, 1, 3]], [0.0, 0.3, 1.0], axis=0),
    "nanquantile by row": lambda a: np.nanquantile(a, 0.4, axis=1, keepdims=True),
    **{f"percentile, {m}": lambda a, m=m: np.nanpercentile(a[:, :2], [10, 45, 50], method=m) for m in (
        "linear", "lower", "higher", "nearest", "midpoint", "hazen", "weibull", "median_unbiased", "normal_unbiased",
        "interpolated_inverted_cdf",
    )},
    "median with nan": lambda a: np.median(a, axis=1),
    "nanmedian": lambda a: np.nanmedian(a, axis=(0, 1)),
    "nanvar": lambda a: np.nanvar(a[:, :2], axis=0, ddof=0),
    "nanmax": lambda a: np.nanmax(a, axis=0),
    "nanmin": lambda a: np.nanmin(a, axis=1, keepdims=True),
    "nancumprod": lambda a: np.nancumprod(a[:, :2]),
    "cumsum of all": lambda a: np.cumsum(a[1]),
    "nan_to_num": lambda a: np.nan_to_num(a),
    "heaviside": lambda a: np.heaviside(a, 0.25),
    "copysign": lambda a: np.copysign(2.0, a),
    "fmod": lambda a: np.fmod(a[1, :2], -0.7),
    "round": lambda a: np.round(a, 1),
    "ediff1d": lambda a: np.ediff1d(a[1, :2], to_begin=[9, 8], to_end=7),
    "diff": lambda a: np.diff(a[:, :2], prepend=0, append=[[1], [2]]),
    "diff, 0 times": lambda a: np.diff(a, 0),
    "cov with counts": lambda a: np.cov(a[1:, [0, 1, 3]], [1.0, 0.0, 2.0], fweights=[1, 2, 3], aweights=[1.0, 0.5, 2.0]),
    "cov, biased": lambda a: np.cov(a[1, [0, 1, 3]], bias=True),
    "corrcoef of one": lambda a: np.corrcoef(a[1, [0, 1, 3]]),
    "average of axes": lambda a: np.average(a[None, :, :2], axis=(2, 1), weights=[[1.0, 2.0], [3.0, 4.0]]),
    "interp to one point": lambda a: np.interp(a[1], [0.5], [2.0]),
    "interp outside": lambda a: np.interp(a[1], [0.5, 1.0], [2.0, 3.0], left=-1.0),
    "interp at a point": lambda a: np.interp([0.25, 3.0], a[1, :2], [2.0, 3.0]),
    "gradient along an axis": lambda a: np.gradient(a[:, [0, 1, 3]], 2.0, axis=1),
    "gradient at places": lambda a: np.gradient(a[1, [0, 1, 3]], [0.0, 1.0, 5.0], edge_order=2),
    "gradient of two": lambda a: np.gradient(a[1, :2]),
    "trapezoid along an axis": lambda a: np.trapezoid(a[:, :2], [0.0, 3.0], axis=0),
    "convolve with a number": lambda a: np.convolve(a[1, :2], 2.0),
    "correlate": lambda a: np.correlate(a[1, :2], [1.0, 2.0, 4.0], "same"),
    "float_power of integers": lambda a: np.float_power(a[1, [1, 1]].astype(int), -2),
    "divmod": lambda a: np.divmod(a[1, :2], 0.4)[1],
}  # fmt: skip


@pytest.mark.parametrize("function", VALUES.values(), ids=VALUES)
def test_the_values_are_numpys(function):
    out, expected = function(tt.Tensor(ODD)), function(ODD)
    assert isinstance(out, tt.Tensor)
    assert out.shape == np.shape(expected)
    assert out.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(out.data, expected, rtol=1e-13)


def test_float32_where_numpy_computes_in_float64():
    t = tt.Tensor(np.array([1.0, 2.0, 4.0], np.float32), requires_grad=True)
    for out in (
        np.float_power(t, 2),
        np.cov(t),
        np.cov(t, fweights=[1, 2, 3]),
        np.interp(t, [0.0, 5.0], [1.0, 2.0]).sum(),
    ):
        if out._op != "sum":  # the points of interp were a float64 array
            assert out.dtype == np.float32
        t.grad = None
        out.sum().backward()
        assert t.grad.dtype == np.float32


def test_two_infinite_middle_elements_and_a_quantile_of_equals():
    assert np.median(tt.Tensor([INF, INF, 0.0, INF])).item() == INF
    x = tt.Tensor([0.1, 0.1, 0.1, 0.1], requires_grad=True)
    out = np.quantile(x, 0.3)
    np.testing.assert_allclose(out.item(), 0.1, rtol=1e-15)
    out.backward()
    np.testing.assert_allclose(x.grad, [0.1, 0.9, 0.0, 0.0])


def test_integers_give_values_and_no_gradients():
    i = tt.Tensor([1, 5, 2])
    assert np.cumsum(i).tolist() == [1, 6, 8]
    assert np.diff(i).tolist() == [4, -3]
    assert np.median(i).item() == 2.0
    assert np.nanmean(i).item() == 8 / 3
    assert not np.cumprod(i).requires_grad


def test_values_stay_values():
    v = tt.Value(0.5)
    for function, slope in [
        (np.arctan, 0.8), (np.floor, 0.0), (np.sinc, -1.27323954), (np.hypot, 1.0), (tt.silu, 0.73996114), (np.logaddexp, 1.0),
        (tt.elu, 1.0), (tt.leaky_relu, 1.0), (tt.gelu, 0.86749512), (tt.softplus, 0.62245933), (np.fmax, 1.0), (np.log2, 2.88539008),
    ]:  # fmt: skip
        v.grad = None
        out = (
            function(v, v)
            if function in (np.logaddexp, np.fmax)
            else function(v, 0.0)
            if function is np.hypot
            else function(v)
        )
        assert type(out) is tt.Value
        out.backward()
        np.testing.assert_allclose(v.grad, slope, rtol=1e-7, err_msg=str(function))


# ----------------------------------------------------------------------------- methods, modules


METHODS = [
    "floor", "ceil", "trunc", "fix", "exp2", "log2", "log10", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan", "arcsinh",
    "arctanh", "asin", "acos", "atan", "asinh", "atanh", "deg2rad", "rad2deg", "sinc", "conj", "conjugate", "cumsum", "cumprod",
    "diff", "nansum", "nanmean", "median", "nanmedian", "cov", "corrcoef", "nan_to_num", "round",
]  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_numpys_functions(name):
    t = tt.Tensor(np.array([[0.25, -0.5, 0.75], [0.1, 0.3, 0.2]]))
    if name in ("log2", "log10"):
        t = abs(t)
    np.testing.assert_array_equal(getattr(t, name)().data, getattr(np, name)(t).data)


def test_methods_with_arguments():
    t, u = leaf(), leaf(1.5)
    for name in ("arctan2", "atan2", "hypot", "logaddexp", "logaddexp2", "fmod", "remainder", "fmax", "fmin", "copysign",
                 "heaviside", "float_power"):  # fmt: skip
        np.testing.assert_allclose(getattr(t, name)(u).data, getattr(np, name)(t.data, 1.5), rtol=1e-15)
    assert t.arccosh().tolist() == np.arccosh(t.data).tolist() == t.acosh().tolist()
    assert t.round(1).tolist() == t.tolist()
    assert t.cumsum(1).tolist() == np.cumsum(t.data, 1).tolist()
    assert t.cumprod(axis=0).tolist() == np.cumprod(t.data, 0).tolist()
    assert t.quantile([0.5], axis=1).tolist() == np.quantile(t.data, [0.5], axis=1).tolist()
    assert t.nanquantile(0.5).item() == 3.5
    assert t.nan_to_num(0.5, posinf=1.0).tolist() == t.tolist()
    np.testing.assert_array_equal(t.erf().data, tt.erf(t.data))
    assert t.real.tolist() == t.tolist()
    assert not t.imag.data.any()
    assert tt.Tensor([1 + 2j]).imag.tolist() == [2.0]


@pytest.mark.parametrize(("ours", "theirs"), [
    (tt.nn.GELU(), torch.nn.GELU()), (tt.nn.GELU("tanh"), torch.nn.GELU("tanh")), (tt.nn.SiLU(), torch.nn.SiLU()),
    (tt.nn.Softplus(), torch.nn.Softplus()), (tt.nn.Softplus(2.0, 1.0), torch.nn.Softplus(2.0, 1.0)),
    (tt.nn.LeakyReLU(), torch.nn.LeakyReLU()), (tt.nn.LeakyReLU(0.2), torch.nn.LeakyReLU(0.2)),
    (tt.nn.ELU(), torch.nn.ELU()), (tt.nn.ELU(0.5), torch.nn.ELU(0.5)),
], ids=repr)  # fmt: skip
def test_modules_are_torchs(ours, theirs):
    x = np.linspace(-3, 3, 25, dtype=np.float32)
    np.testing.assert_allclose(ours(x).data, theirs(torch.tensor(x)).numpy(), rtol=1e-5, atol=1e-6)
    assert ours(x).dtype == np.float32
    assert type(ours).__name__ == type(theirs).__name__
    assert repr(ours).startswith(type(ours).__name__ + "(")


@pytest.mark.parametrize("name", ["gelu", "silu", "softplus", "leaky_relu", "elu"])
def test_an_mlp_takes_activations_by_name(name):
    model = tt.nn.MLP(2, [3, 1], activation=name)
    assert f"activation={name}" in repr(model)
    model([[1.0, -2.0]]).sum().backward()
    assert model.layers[0].weight.grad.dtype == np.float32


def test_everything_on_the_list_is_there():
    ufuncs = (
        "floor ceil trunc rint fmod remainder arcsin arccos arctan arcsinh arccosh arctanh sinh cosh tan arctan2 hypot "
        "logaddexp logaddexp2 exp2 log2 log10 cbrt fabs float_power fmax fmin copysign deg2rad rad2deg degrees radians "
        "sinc heaviside nan_to_num round around real imag conj cumsum cumprod cumulative_sum cumulative_prod diff ediff1d "
        "ptp nansum nanmean nanmax nanmin nanprod nanvar nanstd average median percentile quantile nanmedian cov corrcoef "
        "convolve correlate interp gradient trapezoid clip"
    )
    missing = [name for name in ufuncs.split() if getattr(np, name) not in RULES and getattr(np, name) not in COMPOSED]
    assert not missing
