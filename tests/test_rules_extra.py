"""Rules where the cases seldom go: singular matrices, one-dimensional operands, powers of zero, repeated eigenvalues."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytensor as tt
from tinytensor.rules.neural import nll

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


# ------------------------------------------------------------------------------------------- shapes


@pytest.mark.parametrize("axes", [(-1, 0, 1), (1, -1, 0), (2, -3, 1), (-2, -1, 0), (0, 2, -2)], ids=str)
def test_transpose_by_axes_from_either_end(axes):
    x = np.arange(24.0).reshape(2, 3, 4)
    assert_same_derivatives(lambda a: np.transpose(a, axes), lambda a: a.permute(*axes), [x])
