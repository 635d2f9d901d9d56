"""Ties and kinks: the conventions are PyTorch's, probed here on the pinned torch, not remembered."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import tinytensor as tt
from tinytensor.activations import elu

KINKS = {
    "relu at 0": (tt.relu, torch.relu, [[0.0, -0.0, 1.0, -1.0]]),
    "abs at 0": (np.abs, torch.abs, [[0.0, -0.0, 1.0]]),
    "sign at 0": (np.sign, torch.sign, [[0.0, 2.0]]),
    "maximum of equals": (np.maximum, torch.maximum, [[1.0, 2.0, 3.0], [1.0, 5.0, 2.0]]),
    "minimum of equals": (np.minimum, torch.minimum, [[1.0, 2.0, 3.0], [1.0, 5.0, 2.0]]),
    "max over ties": (np.max, torch.amax, [[3.0, 1.0, 3.0, 3.0]]),
    "min over ties": (np.min, torch.amin, [[1.0, 1.0, 3.0]]),
    "max by row": (lambda x: np.max(x, axis=1), lambda x: torch.amax(x, 1), [[[2.0, 2.0], [1.0, 0.0]]]),
    "clip at its bounds": (lambda x: np.clip(x, -1, 1), lambda x: torch.clamp(x, -1, 1), [[-2.0, -1.0, 0.0, 1.0, 2.0]]),
    "clip by one bound": (lambda x: np.clip(x, 0, None), lambda x: torch.clamp(x, min=0), [[-1.0, 0.0, 1.0]]),
    "clip by tensors": (np.clip, torch.clamp, [[-2.0, -1.0, 0.0, 1.0, 2.0], [-1.0] * 5, [1.0] * 5]),
    "clip with crossed bounds": (np.clip, torch.clamp, [[-2.0, 0.0, 3.0, 2.0], [1.0] * 4, [-1.0, -1.0, 2.0, 1.0]]),
    "clip with equal bounds": (np.clip, torch.clamp, [[-2.0, 1.0, 3.0], [1.0] * 3, [1.0] * 3]),
    "clip at crossed bounds": (np.clip, torch.clamp, [[-1.0, 1.0], [1.0] * 2, [-1.0] * 2]),
    "elu at 0 with another alpha": (lambda x: elu(x, 2.0), lambda x: torch.nn.functional.elu(x, 2.0), [[-1.0, 0.0, 1.0]]),
    "2-norm with a zero": (np.linalg.norm, torch.linalg.vector_norm, [[0.0, 3.0, 4.0]]),
    "2-norm at 0": (np.linalg.norm, torch.linalg.vector_norm, [[0.0, 0.0]]),
    "2-norm of a row at 0": (lambda x: np.linalg.norm(x, axis=1), lambda x: torch.linalg.vector_norm(x, dim=1), [[[0.0, 0.0], [3.0, 4.0]]]),
    "1-norm at 0": (lambda x: np.linalg.norm(x, 1), lambda x: torch.linalg.vector_norm(x, 1), [[0.0, 2.0]]),
    "inf-norm with ties": (lambda x: np.linalg.norm(x, math.inf), lambda x: torch.linalg.vector_norm(x, math.inf), [[2.0, -2.0, 1.0]]),
    "prod with one zero": (np.prod, torch.prod, [[0.0, 2.0, 3.0]]),
    "prod with two zeros": (np.prod, torch.prod, [[0.0, 2.0, 0.0]]),
    "var of constants": (np.var, lambda x: torch.var(x, correction=0), [[2.0, 2.0, 2.0]]),
    "std of constants": (np.std, lambda x: torch.std(x, correction=0), [[2.0, 2.0, 2.0]]),
    "0 to the 0": (np.power, torch.pow, [[0.0, 0.0, 2.0], [0.0, 1.0, 0.0]]),
    "0 squared": (lambda x: x**2.0, lambda x: x**2.0, [[0.0, 1.0]]),
    "0 cubed": (lambda x: x**3, lambda x: x**3, [[0.0, -1.0]]),
    "x to the 0": (lambda x: x**0, lambda x: x**0, [[0.0, -1.0]]),
    "0 to the x": (lambda x: 0.0**x, lambda x: 0.0**x, [[0.0, 1.0, 2.0]]),
    "a negative base": (np.square, torch.square, [[-2.0]]),
    "logsumexp of -inf": (tt.logsumexp, lambda x: torch.logsumexp(x, 0), [[-math.inf, 1.0, 2.0]]),
    "softmax with -inf": (tt.softmax, lambda x: torch.softmax(x, -1), [[-math.inf, 1.0, 2.0]]),
    "sigmoid far out": (tt.sigmoid, torch.sigmoid, [[-800.0, -40.0, 40.0, 800.0]]),
    "where at its edge": (lambda x: np.where(x.data > 0, x, 0.0), lambda x: torch.where(x > 0, x, 0.0), [[-1.0, 0.0, 1.0]]),
}  # fmt: skip


# No second derivative exists at these points, and torch gives nan or inf there.
NO_SECOND = [
    KINKS[name][1] for name in ("0 to the 0", "0 to the x", "2-norm at 0", "2-norm of a row at 0", "std of constants")
]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("ours", "theirs", "arrays"), KINKS.values(), ids=KINKS)
def test_kinks_as_in_torch(ours, theirs, arrays, order):
    if order == 2 and theirs in NO_SECOND:
        order = 1
    xs = [tt.Tensor(np.array(a), requires_grad=True) for a in arrays]
    ys = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]
    out, expected = ours(*xs), theirs(*ys)
    g = tt.Tensor(np.arange(1.0, out.size + 1).reshape(out.shape), requires_grad=True)
    h = torch.tensor(g.data, requires_grad=True)
    first = tt.grad(out, xs, g, create_graph=True, allow_unused=True)
    wanted = torch.autograd.grad(expected, ys, h, create_graph=True, allow_unused=True)
    np.testing.assert_allclose(out.data, expected.numpy(force=True), rtol=1e-12)
    for a, b in zip(first, wanted, strict=True):
        np.testing.assert_allclose(a.data, 0 * a.data if b is None else b.numpy(force=True), rtol=1e-12, atol=1e-300)
    if order == 2 and any(b is not None and b.requires_grad for b in wanted):
        xs, ys = [*xs, g], [*ys, h]  # the arriving gradient is one more input of a rule
        total = sum((k + 2) * a.sum() for k, a in enumerate(first) if a.requires_grad)
        second = tt.grad(total, xs, allow_unused=True) if isinstance(total, tt.Tensor) else [None] * len(xs)
        total = sum((k + 2) * b.sum() for k, b in enumerate(wanted) if b is not None and b.requires_grad)
        wanted = torch.autograd.grad(total, ys, allow_unused=True)
        for a, b, x in zip(second, wanted, xs, strict=True):
            zero = np.zeros(x.shape)
            np.testing.assert_allclose(
                zero if a is None else a.data, zero if b is None else b.numpy(force=True), rtol=1e-12, atol=1e-300
            )


def test_product_where_the_quotient_would_underflow():
    x = tt.Tensor([1e-200, 1e-200, 5.0], requires_grad=True)
    np.prod(x).backward()
    np.testing.assert_array_equal(x.grad, [1e-200 * 5, 1e-200 * 5, 0.0])


def test_logsumexp_of_nothing_but_minus_infinity_and_of_nothing():
    x = tt.Tensor([-math.inf, -math.inf], requires_grad=True)
    out = tt.logsumexp(x)
    assert out.item() == -math.inf
    out.backward()
    np.testing.assert_array_equal(x.grad, [0.0, 0.0])
    assert tt.logsumexp(tt.zeros((0,))).item() == -math.inf


def test_extreme_values_stay_finite():
    x = tt.Tensor([-1e4, 0.0, 1e4], requires_grad=True)
    for function in (tt.sigmoid, tt.softmax, tt.log_softmax, tt.logsumexp, np.tanh):
        x.grad = None
        out = function(x)
        out.sum().backward()
        assert np.isfinite(out.data).all()
        assert np.isfinite(x.grad).all()


def test_a_negative_base_has_no_slope_in_its_exponent():
    for base in (tt.Tensor([-1.0, -2.0]), tt.Value(-2.0)):
        exponent = tt.Value(2.0) if isinstance(base, tt.Value) else tt.Tensor([2.0, 3.0], requires_grad=True)
        (base**exponent).backward(None if isinstance(base, tt.Value) else [1.0, 1.0])
        assert np.isnan(exponent.grad).all()
