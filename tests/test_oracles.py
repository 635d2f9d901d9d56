"""Oracles: agreement with PyTorch and JAX, tolerances that follow from the dtype, conventions asked of torch."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch

import tinytensor as tt
from tinytensor.testing import (
    FunctionError,
    GradientError,
    Tolerance,
    assert_matches,
    assert_matches_torch,
    count_operations,
    difference_tolerance,
    probe_conventions,
    tolerance,
)

X = np.linspace(-1, 1, 12).reshape(3, 4) + 0.05


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_three_frameworks_agree(dtype, order):
    def network(module):
        return lambda x, w: module.tanh(x @ w) * module.exp(-x[:, :2])

    arrays = X.astype(dtype), X.T[:, :2].astype(dtype)
    assert_matches_torch(network(np), network(torch), *arrays, order=order)
    assert_matches(network(np), network(jnp), *arrays, order=order, framework="jax")


def test_several_outputs():
    assert_matches_torch(lambda x: (np.sin(x), x.sum()), lambda x: (torch.sin(x), x.sum()), X, order=2)


DIFFERENT = {
    "values": (lambda x: x.sin(), lambda x: torch.cos(x), r"disagree in output 0 at index \(\d, \d\)\n  tinytensor "),
    "gradients": (lambda x: np.sign(x) * 0 + x, lambda x: x.detach() + 0 * x, "order-1 gradient of operand 0 at index"),
    "shapes": (lambda x: x.sum(0), lambda x: x.sum(0, keepdim=True), r"output 0: shape \(4,\) against \(1, 4\)"),
    "numbers of outputs": (lambda x: (x, x), lambda x: x, "2 results against 1"),
}


@pytest.mark.parametrize(("ours", "theirs", "message"), DIFFERENT.values(), ids=DIFFERENT)
def test_differences_are_named(ours, theirs, message):
    with pytest.raises(GradientError, match=message):
        assert_matches_torch(ours, theirs, X)


def test_bad_arguments():
    with pytest.raises(ValueError, match="order is -1"):
        assert_matches_torch(np.sin, torch.sin, X, order=-1)
    with pytest.raises(FunctionError, match="returns a ndarray"):
        assert_matches_torch(lambda x: x.data, torch.sin, X)
    with pytest.raises(TypeError, match="expected a floating dtype"):
        tolerance(int)
    with pytest.raises(ValueError, match="operations is 0"):
        tolerance(np.float32, 0)


def test_tolerances_follow_the_dtype_and_the_operations():
    assert tolerance(np.float32).rtol / tolerance(np.float64).rtol == 2.0**29
    assert tolerance(np.float64, 10).rtol == 10 * tolerance(np.float64).rtol
    assert difference_tolerance(complex_step=True).rtol < 1e-4 * difference_tolerance().rtol


def test_the_absolute_tolerance_is_relative_to_the_largest_value():
    close = Tolerance(0.0, 1e-6)
    assert close.close(np.array([0.5, 1e6]), np.array([0.0, 1e6])).all()
    assert not close.close(np.array([0.5, 1.0]), np.array([0.0, 1.0])).all()
    assert close.close(np.array([np.nan]), np.array([np.nan])).all()
    assert not close.close(np.array([np.nan]), np.array([1.0])).any()


def test_operations_are_counted_in_the_graph():
    x = tt.ones((3, 4), requires_grad=True)
    assert count_operations(x) == 1
    assert count_operations(x.exp().sin()) == 2
    assert count_operations(x.exp().sum(0)) == 13


def test_float32_is_compared_as_float32():
    """An error of a few float32 ulps passes in float32 and fails in float64."""
    slightly = 1 + 4e-7
    assert_matches_torch(lambda x: x * slightly, lambda x: x * 1.0, X.astype(np.float32))
    with pytest.raises(GradientError):
        assert_matches_torch(lambda x: x * slightly, lambda x: x * 1.0, X)


def test_conventions_are_asked_of_the_installed_torch():
    asked = probe_conventions("torch")
    assert asked == probe_conventions("tinytensor")
    assert asked["maximum of equals"] == 0.5
    assert asked["clip at its bound"] == 1.0
    assert set(probe_conventions("jax")) == set(asked)
