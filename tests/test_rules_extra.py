"""Rules where the cases seldom go: singular matrices, operands of one axis or none, kinks, infinities, forms of a call."""

from __future__ import annotations

import itertools
import math
import threading
import tracemalloc
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytensor as tt
from tinytensor.activations import elu, gelu, leaky_relu, silu, softplus
from tinytensor.decompositions import cofactors
from tinytensor.fused import linear, linear_relu
from tinytensor.rules.neural import nll, where_positive
from tinytensor.rules.table import RULES
from tinytensor.special import erf, normal_cdf
from tinytensor.testing.tolerances import count_operations

from .strategies import values


def derivatives(function, arrays, framework, orders):
    """The derivatives of each order, each a weighted sum of those below, in all inputs and in the gradient that arrives."""
    wrap, grad = (tt.Tensor, tt.grad) if framework is tt else (torch.tensor, torch.autograd.grad)
    xs = [wrap(a, requires_grad=True) for a in arrays]
    out = function(*xs)
    rng = np.random.default_rng(0)
    xs.append(wrap(rng.uniform(0.5, 2.0, tuple(out.shape)), requires_grad=True))
    total, found = (out * xs[-1]).sum(), []
    for _ in range(orders):
        grads = [framework.zeros(x.shape) if g is None else g for g, x in zip(
            grad(total, xs, create_graph=True, allow_unused=True), xs, strict=True)]  # fmt: skip
        found.append([g.data if framework is tt else g.numpy(force=True) for g in grads])
        total = sum((wrap(rng.uniform(0.5, 2.0, tuple(g.shape))) * g).sum() for g in grads)
        if not total.requires_grad:
            break
    return found


def assert_same_derivatives(ours, theirs, arrays, orders=3, tolerance=1e-9):
    pairs = zip(derivatives(ours, arrays, tt, orders), derivatives(theirs, arrays, torch, orders), strict=False)
    for order, (mine, wanted) in enumerate(pairs):
        for k, (a, b) in enumerate(zip(mine, wanted, strict=True)):
            np.testing.assert_allclose(a, b, tolerance, tolerance, err_msg=f"order {order + 1}, input {k}")


# ---------------------------------------------------------------- determinants at singular matrices


def leibniz(a):
    """The determinant as the sum over permutations: a polynomial, so torch differentiates it anywhere."""
    n = a.shape[-1]
    total = torch.zeros(a.shape[:-2], dtype=a.dtype)
    for order in itertools.permutations(range(n)):
        sign = math.prod(1 if order[i] < order[j] else -1 for i in range(n) for j in range(i + 1, n))
        total = total + sign * math.prod(
            (a[..., i, order[i]] for i in range(n)), start=torch.ones(a.shape[:-2], dtype=a.dtype)
        )
    return total


@st.composite
def singular(draw):
    """Square matrices of every rank, in a batch or none; of full rank too, but near to singular."""
    n, batch = draw(st.integers(1, 4)), draw(st.sampled_from([(), (2,)]))
    rank = draw(st.integers(0, n))
    left, right = draw(values((*batch, n, rank), 0, -1, 1)), draw(values((*batch, rank, n), 1, -1, 1))
    return left @ right + draw(st.sampled_from([0.0, 1e-7])) * np.eye(n)


@settings(max_examples=60)
@given(array=singular())
def test_determinants_of_singular_matrices(array):
    assert_same_derivatives(np.linalg.det, leibniz, [array], orders=3, tolerance=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_determinants_of_singular_matrices_stay_float32(n):
    x = tt.Tensor(np.zeros((n, n), np.float32), requires_grad=True)
    (first,) = tt.grad(np.linalg.det(x), x, create_graph=True)
    (second,) = tt.grad((first * first.data).sum() + first.sum(), x, create_graph=True)
    assert (first.dtype, second.dtype) == (np.float32, np.float32)
    part = RULES[cofactors].vjps[0](np.ones_like(x.data), cofactors(x.data), x.data)  # before the engine could cast it
    assert part.dtype == np.float32


def test_the_second_derivative_of_a_determinant_needs_no_minors():
    """There are n² minors of (n - 1)² elements: a regular matrix needs a few matrices of its own size, and no more."""
    n = 30
    x = tt.Tensor(np.diag(np.linspace(1.0, 100.0, n)) / 20, requires_grad=True)
    (first,) = tt.grad(np.linalg.det(x), x, create_graph=True)
    tracemalloc.start()
    try:
        first.sum().backward()
        assert tracemalloc.get_traced_memory()[1] < 100 * x.data.nbytes
    finally:
        tracemalloc.stop()


# ---------------------------------------------------------------------------- products of vectors


@pytest.mark.parametrize(
    "shapes",
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((4, 2, 3), (3,)),
        ((3,), (4, 3, 2)),
        ((5, 1, 2, 3), (4, 3, 2)),
        ((3, 3), (3,)),
    ],
    ids=str,
)
def test_matmul_of_vectors_and_matrices(shapes):
    rng = np.random.default_rng(1)
    assert_same_derivatives(np.matmul, torch.matmul, [rng.uniform(-1, 1, shape) for shape in shapes])


# ------------------------------------------------------------------------------- powers of zero


def test_anything_to_the_power_of_zero_is_constant():
    """Also where x^(-1), or x itself, is infinite: at every order."""
    x = tt.Tensor([0.0, 2.0, 1e200, math.inf], requires_grad=True)
    for exponent in (np.zeros(4), 0, 0.0):
        (first,) = tt.grad((x**exponent).sum(), x, create_graph=True)
        np.testing.assert_array_equal(first.data, 0)
        if first.requires_grad:
            (second,) = tt.grad(first.sum(), x)
            np.testing.assert_array_equal(second.data, 0)


def test_zero_to_a_negative_power_as_in_torch():
    x, y = np.array([0.0, 0.0, 2.0]), np.array([-1.0, -0.5, -1.0])
    with np.errstate(all="ignore"):
        a, b = tt.Tensor(x, requires_grad=True), tt.Tensor(y, requires_grad=True)
        np.power(a, b).backward(np.ones(3))
    c, d = torch.tensor(x, requires_grad=True), torch.tensor(y, requires_grad=True)
    torch.pow(c, d).backward(torch.ones(3, dtype=torch.float64))
    np.testing.assert_allclose(a.grad, c.grad.numpy())
    np.testing.assert_allclose(b.grad, d.grad.numpy())


# ---------------------------------------------------------------------- eigenvalues that coincide


def test_only_the_matrix_that_has_no_derivative_gets_none():
    """Vectors of equal eigenvalues have no derivative; where they are not used, the gradient is right, beside them too."""
    x = tt.Tensor(np.stack([np.eye(2), np.diag([1.0, 2.0])]), requires_grad=True)
    w, v = np.linalg.eigh(x)
    (w.sum() + (v[1] * np.array([[1.0, 2.0], [3.0, 4.0]])).sum()).backward()
    np.testing.assert_allclose(x.grad[0], np.eye(2))
    assert np.isfinite(x.grad[1]).all()


@pytest.mark.parametrize("shape", [(3, 2), (2, 3)], ids=str)
def test_the_singular_vectors_of_nothing_have_no_derivative(shape):
    x = tt.Tensor(np.zeros(shape), requires_grad=True)
    x.data[0, 0] = 1.0
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    tall = shape[0] > shape[1]
    ((u if tall else vh) * np.arange(6.0).reshape(shape)).sum().backward()
    assert np.isnan(x.grad).any()
    x.grad = None
    s.sum().backward()  # their lengths have one
    assert x.grad[0, 0] == 1.0


@pytest.mark.parametrize("diagonal", [(2.0, 1.0, 0.0), (0.0, 3.0), (0.0,)], ids=str)
def test_the_singular_vectors_of_a_singular_square_matrix(diagonal):
    """One singular value of 0 is apart from the others, and the vectors span the whole space."""
    n = len(diagonal)
    inner, weights = np.arange(1.0, n + 1), np.arange(1.0, n * n + 1).reshape(n, n) ** 2
    assert_same_derivatives(
        lambda a: (lambda u, s, vh: (u * (s + inner)) @ vh * weights)(*np.linalg.svd(a)),
        lambda a: (lambda u, s, vh: (u * (s + torch.tensor(inner))) @ vh * torch.tensor(weights))(*torch.linalg.svd(a)),
        [np.diag(diagonal)],
        orders=1,
    )


# -------------------------------------------------------------------------------------------- norms


@pytest.mark.parametrize("ord", [2, -2, "nuc"])
@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (3, 3)], ids=str)
def test_a_norm_of_singular_values_without_axes(shape, ord):
    x = np.array([[0.3, -1.2, 0.7], [2.1, 0.4, -0.9], [-0.6, 1.5, 1.1]])[: shape[0], : shape[1]]
    assert_same_derivatives(
        lambda a: np.linalg.norm(a, ord=ord), lambda a: torch.linalg.matrix_norm(a, ord), [x], orders=2
    )


@pytest.mark.parametrize("ord", [-2.0, -1.0, 0.5, 1.5, 2.0, 3.0])
def test_norms_with_a_zero_among_the_elements(ord):
    x, y = tt.Tensor([0.0, 2.0, -1.0]), torch.tensor([0.0, 2.0, -1.0], dtype=torch.float64)
    x.requires_grad = y.requires_grad = True
    with np.errstate(divide="ignore"):  # NumPy's own, at a negative order
        (first,) = tt.grad(np.linalg.norm(x, ord), x, create_graph=True)
    (wanted,) = torch.autograd.grad(torch.linalg.vector_norm(y, ord), y, create_graph=True)
    np.testing.assert_allclose(first.data, wanted.numpy(force=True), 1e-12)
    (second,) = tt.grad((first * np.array([1.0, 2.0, 3.0])).sum(), x)
    (wanted,) = torch.autograd.grad((wanted * torch.tensor([1.0, 2.0, 3.0])).sum(), y)
    # Where torch has no second slope, ours is 0, as the first.
    np.testing.assert_allclose(second.data, np.nan_to_num(wanted.numpy()), 1e-12)


@pytest.mark.parametrize("ord", [None, 0.5, 1.5, 3])
def test_the_norm_of_nothing_but_zeros_is_flat_at_every_order(ord):
    x = tt.Tensor(np.zeros(3), requires_grad=True)
    (first,) = tt.grad(np.linalg.norm(x, ord), x, create_graph=True)
    (second,) = tt.grad((first * np.array([1.0, 2.0, 3.0])).sum(), x)
    np.testing.assert_array_equal([first.data, second.data], 0)


# ------------------------------------------------------------------------------------ kinks, infinities


@pytest.mark.parametrize("function", [elu, leaky_relu, softplus], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [-1.5, 0.0, 0.5, 2.0])
def test_mixed_derivatives_do_not_depend_on_their_order(function, x):
    """First in the input and then in the parameter, or the other way round; also at a kink."""
    x, parameter = tt.Tensor(x, requires_grad=True), tt.Tensor(0.3, requires_grad=True)
    found = []
    for one, other in ((x, parameter), (parameter, x)):
        (first,) = tt.grad(function(x, parameter), one, create_graph=True)
        found.append(tt.grad(first, other)[0].data)
    np.testing.assert_allclose(*found, 1e-12)


def test_the_threshold_of_softplus_itself_is_below():
    x, beta = tt.Tensor([1.0, 1.5], requires_grad=True), tt.Tensor(2.0, requires_grad=True)
    out = softplus(x, beta, 2.0)
    np.testing.assert_allclose(out.data, torch.nn.functional.softplus(torch.tensor(x.data), 2, 2).numpy())
    out.sum().backward()
    sigmoid = 1 / (1 + math.exp(-2))
    np.testing.assert_allclose(beta.grad, (sigmoid - out.data[0]) / 2)
    np.testing.assert_allclose(x.grad, [sigmoid, 1.0])


@pytest.mark.parametrize("function", [gelu, silu, erf, normal_cdf, softplus, elu], ids=lambda f: f.__name__)
def test_activations_far_out_are_straight_lines(function):
    """No nan from inf times 0, at any order."""
    x = tt.Tensor([-math.inf, -1e200, -1e3, 1e3, 1e200, math.inf], requires_grad=True)
    first = tt.grad(function(x).sum(), x, create_graph=True)[0]
    slope = 0 if function in (erf, normal_cdf) else 1
    np.testing.assert_array_equal(first.data, [0, 0, 0, slope, slope, slope])
    np.testing.assert_array_equal(tt.grad(first.sum(), x)[0].data, 0)


@pytest.mark.parametrize("function", [np.logaddexp, np.logaddexp2], ids=lambda f: f.__name__)
def test_the_shares_of_infinities(function):
    x = tt.Tensor([-math.inf, -math.inf, 1.0, math.inf, math.inf, 3.0], requires_grad=True)
    y = tt.Tensor([-math.inf, 1.0, -math.inf, math.inf, 3.0, math.inf], requires_grad=True)
    function(x, y).backward(np.ones(6))
    np.testing.assert_array_equal(x.grad, [0, 0, 1, 0, 1, 0])
    np.testing.assert_array_equal(y.grad, [0, 1, 0, 0, 0, 1])


def test_clip_where_something_is_nan():
    x, low, high = np.array([[2.0, math.nan, 0.5, math.nan], [math.nan, 1.0, 0.0, 0.0], [1.0, 0.0, math.nan, 1.0]])
    ours = [tt.Tensor(a, requires_grad=True) for a in (x, low, high)]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, low, high)]
    np.clip(*ours).backward(np.arange(1.0, 5.0))
    torch.clamp(*theirs).backward(torch.arange(1.0, 5.0))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.grad, b.grad.numpy())


def test_fmod_in_its_divisor_is_a_whole_number():
    """It says how often the divisor was taken away, which a quotient of rounded numbers misses by its last digit."""
    x = np.random.default_rng(0).uniform(-100, 100, 1000)
    y = tt.Tensor(np.random.default_rng(1).uniform(0.1, 1, 1000), requires_grad=True)
    np.fmod(x, y).sum().backward()
    np.testing.assert_array_equal(y.grad, np.rint(y.grad))


@pytest.mark.parametrize(
    "function", [tt.sigmoid, tt.relu, erf, normal_cdf, softplus, elu, leaky_relu], ids=lambda f: f.__name__
)
def test_an_elementwise_function_rounds_once(function):
    x = tt.Tensor(np.linspace(-1, 1, 12), requires_grad=True)
    out = function(x)
    assert count_operations(out) == 1
    out.backward(np.ones(12))


# ------------------------------------------------------------------------------------ cross-entropy


def test_the_log_probabilities_that_ride_along_have_no_gradient():
    x = tt.Tensor([[1.0, 2.0, 0.5]], requires_grad=True)
    log_probs = tt.Tensor(tt.log_softmax(x.data), requires_grad=True)
    nll(x, log_probs, np.array([2])).backward()
    assert log_probs.grad is None
    np.testing.assert_allclose(x.grad, tt.softmax(x.data) - np.array([[0.0, 0.0, 1.0]]))


def test_the_mean_over_no_sample_goes_back_without_a_warning():
    x = tt.Tensor(np.zeros((0, 3)), requires_grad=True)
    with np.errstate(invalid="ignore"):  # the mean of nothing is nan
        loss = nll(x, tt.log_softmax(x), np.zeros(0, np.intp))
    loss.backward()
    assert x.grad.shape == (0, 3)


# --------------------------------------------------------------------------------------- reductions


@pytest.mark.parametrize("function", [np.sum, np.max, np.prod, tt.logsumexp], ids=lambda f: f.__name__)
@pytest.mark.parametrize("axis", [None, 0, -1, ()])
def test_a_number_reduced_over_an_axis(function, axis):
    """NumPy lets a 0-d array be reduced over axis 0 or -1."""
    x = tt.Tensor(3.0, requires_grad=True)
    out = function(x, axis=axis)
    assert out.item() == 3.0
    out.backward()
    assert x.grad == 1.0


def test_a_mean_over_nothing_goes_back_without_a_warning():
    x = tt.Tensor(np.zeros((0, 3)), requires_grad=True)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        out = np.mean(x, axis=0)
    out.backward(np.ones(3))
    assert x.grad.shape == (0, 3)


@pytest.mark.parametrize("function", [np.cumsum, np.cumprod], ids=lambda f: f.__name__)
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_a_running_result_of_one_number(function, axis):
    x = tt.Tensor(3.0, requires_grad=True)
    out = function(x, axis=axis)
    assert out.shape == (1,)
    out.backward(np.array([2.0]))
    np.testing.assert_array_equal(x.grad, 2.0)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), (-1, 0), -2])
def test_a_mean_over_an_empty_axis(axis):
    """Some of the means are of nothing, and nan; each empty array has its empty gradient."""
    x, y = tt.Tensor(np.zeros((2, 0, 3)), requires_grad=True), torch.zeros(2, 0, 3, requires_grad=True)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        out = np.mean(x, axis=axis)
    expected = torch.mean(y) if axis is None else torch.mean(y, axis)
    np.testing.assert_array_equal(out.data, expected.numpy(force=True))
    out.backward(np.ones(out.shape))
    assert x.grad.shape == (2, 0, 3)


# ------------------------------------------------------------------------------------ forms of a call


@pytest.mark.parametrize("bounds", [{"max": 1.0}, {"min": -1.0}, {"min": -1.0, "max": 1.0}], ids=str)
def test_clip_by_its_new_names(bounds):
    x = np.array([-2.0, -1.0, 0.3, 1.0, 2.5])
    assert_same_derivatives(lambda a: np.clip(a, **bounds), lambda a: torch.clamp(a, **bounds), [x], orders=2)


@pytest.mark.parametrize(
    ("subscripts", "explicit"), [("iB,BA", "ib,ba->ai"), ("Ba,aB", "ba,ab->"), ("bA,Ac", "ba,ac->bc")]
)
def test_einsum_sorts_capitals_first(subscripts, explicit):
    x, y = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(3, 2) ** 2
    assert_same_derivatives(
        lambda a, b: np.einsum(subscripts, a, b), lambda a, b: torch.einsum(explicit, a, b), [x, y], orders=2
    )


@pytest.mark.parametrize("subscripts", ["i,i", "i,i->i", "i,j"])
def test_einsum_of_nothing_with_one(subscripts):
    x, y = tt.Tensor(np.zeros(0), requires_grad=True), tt.Tensor([2.0], requires_grad=True)
    out = np.einsum(subscripts, x, y)
    np.testing.assert_array_equal(out.data, np.einsum(subscripts, x.data, y.data))
    out.backward(np.ones(out.shape))
    assert x.grad.shape == (0,)
    np.testing.assert_array_equal(y.grad, [0.0])


# ------------------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize("function", [np.ravel, lambda a, order: np.reshape(a, (3, -1), order=order)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_reading_by_rows_or_by_columns(function, order):
    x = np.random.default_rng(2).uniform(-1, 1, (2, 3, 4))
    theirs = torch.tensor(np.arange(24.0).reshape(2, 3, 4))
    places = torch.tensor(function(theirs.numpy(), order=order).astype(np.intp))
    assert_same_derivatives(lambda a: function(a, order=order), lambda a: a.reshape(-1)[places], [x], orders=2)


@pytest.mark.parametrize(
    ("width", "pairs"),
    [
        (2, [(2, 2), (2, 2)]),
        ((1, 2), [(1, 2), (1, 2)]),
        (((1, 2),), [(1, 2), (1, 2)]),
        (((0, 1), (2, 0)), [(0, 1), (2, 0)]),
        ({1: (1, 2)}, [(0, 0), (1, 2)]),
        ({-1: 1, 0: (2, 0)}, [(2, 0), (1, 1)]),
    ],
    ids=str,
)
def test_pad_by_every_form_of_width(width, pairs):
    x = np.arange(6.0).reshape(2, 3)
    wanted = lambda a: torch.nn.functional.pad(a, [n for pair in pairs[::-1] for n in pair], value=0.5)
    assert_same_derivatives(lambda a: np.pad(a, width, constant_values=0.5), wanted, [x], orders=2)


@pytest.mark.parametrize("axes", [(-1, 0, 1), (1, -1, 0), (2, -3, 1), (-2, -1, 0), (0, 2, -2)], ids=str)
def test_transpose_by_axes_from_either_end(axes):
    x = np.arange(24.0).reshape(2, 3, 4)
    assert_same_derivatives(lambda a: np.transpose(a, axes), lambda a: a.permute(*axes), [x])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_what_arrives_at_a_layer_with_relu_keeps_its_dtype(dtype):
    """A mask of another dtype would make the two products after it wide and slow, and the engine would cast them back."""
    g, out = np.array([[1.5, -2.0]], dtype), np.array([[3.0, 0.0]], dtype)
    masked = where_positive(g, out)
    assert masked.dtype == dtype
    assert masked.tolist() == [[1.5, 0.0]]
    assert g.tolist() == [[1.5, -2.0]]  # someone may read it
    assert RULES[linear_relu].arriving(g, out, None, None).dtype == dtype


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(0, 4), (33, 0), (3,), (1, 256), (129, 256), (3, 90, 300), (32_769, 1)])
def test_a_layers_relu_is_the_same_for_outputs_of_all_sizes(shape, dtype):
    """It is computed in place, beside an array of zeros: the same comes out, nans too."""
    x = np.random.default_rng(0).standard_normal((*shape[:-1], 1)).astype(dtype)
    if x.size >= 3:
        x.reshape(-1)[:3] = [np.nan, np.inf, -np.inf]
    weight = np.ones((shape[-1], 1), dtype)
    out = linear_relu(x, weight, np.zeros(shape[-1], dtype))
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, np.maximum(linear(x, weight), 0))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("rows", [1, 256, 257])
def test_what_arrives_is_the_same_for_masks_of_all_sizes(rows, dtype):
    """Large masks multiply as bools, small ones as floats: bit for bit the same, signed zeros and nans too."""
    rng = np.random.default_rng(0)
    g, out = (rng.standard_normal((rows, 128)).astype(dtype) for _ in range(2))
    g[0, :4], out[0, 2:6] = [np.nan, np.inf, -np.inf, -0.0], [-1.0, 0.0, np.nan, 2.0]
    with np.errstate(invalid="ignore"):
        masked, expected = where_positive(g, out), g * (out > 0).astype(dtype)
    assert masked.dtype == dtype
    assert masked.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("function", [linear, linear_relu])
def test_a_weight_by_columns_has_a_gradient_by_columns_of_its_dtype(function, biased, dtype):
    """The engine would cast another dtype back, in a pass of its own: so the rule is asked too."""
    rng = np.random.default_rng(0)
    x, g, bias = (rng.uniform(0.5, 2, shape).astype(dtype) for shape in [(6, 5), (6, 4), (4,)])
    weight = tt.Tensor(np.asfortranarray(rng.uniform(0.5, 2, (4, 5)), dtype), requires_grad=True)
    operands = [bias] if biased else []
    out = function(x, weight, *operands)
    out.backward(g)
    part = RULES[function].vjps[1](g, out.data, x, weight.data, *operands)
    for found in (weight.grad, part):
        assert np.isfortran(found)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, g.T @ x, rtol=1e-2 if dtype == "float16" else 1e-5)


@pytest.mark.parametrize("traced", ["input", "weight"])
def test_the_gradient_of_a_layer_of_which_only_one_operand_is_traced(traced):
    """What arrives is NumPy's own array, so the way into memory like the weight's must look at both others."""
    rng = np.random.default_rng(0)
    x, weight, bias, g = (rng.standard_normal(shape).astype("f") for shape in [(6, 5), (4, 5), (4,), (6, 4)])
    weight = np.asfortranarray(weight)

    def gradient(given):
        w = tt.Tensor(weight, requires_grad=True) if traced == "input" else given
        return tt.grad(linear(given if traced == "input" else x, w, bias), [w], g)[0]

    given = tt.Tensor(x) if traced == "input" else tt.Tensor(weight, requires_grad=True)
    compiled = tt.compile(gradient)
    np.testing.assert_allclose(compiled(given).data, g.T @ x, rtol=1e-5, atol=1e-6)
    assert "linear_weight" not in compiled.source  # a rule that cannot be traced would be called as it is


# ------------------------------------------------------------------------------------------ threads


def test_one_function_without_gradients_in_two_threads():
    """Each call has its own mode to restore, though both are inside at once."""
    x, both, found = tt.Tensor(1.0, requires_grad=True), threading.Barrier(2, timeout=10), {}

    @tt.no_grad()
    def silent():
        both.wait()
        inside = (x * 2).requires_grad
        both.wait()
        return inside

    def call(name):
        found[name] = (silent(), (x * 2).requires_grad)

    threads = [threading.Thread(target=call, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: (False, True), 1: (False, True)}
    assert (x * 2).requires_grad
