"""Operations of a user's own: the Legendre polynomial of degree 3, fitted to sin(x) with it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tinytensor as tt

from .strategies import shapes, values


@tt.primitive
def legendre3(x):
    """P3(x) = (5 x³ - 3 x) / 2."""
    return 0.5 * (5 * x**3 - 3 * x)


legendre3.defvjp(lambda g, out, x: g * 1.5 * (5 * x**2 - 1))


@given(array=shapes().flatmap(values), seed=st.integers(0, 1000))
def test_its_gradients_agree_with_torch(array, seed):
    x, y = tt.Tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    g = np.random.default_rng(seed).normal(size=array.shape)
    first = tt.grad(legendre3(x), x, g, create_graph=True)[0]
    wanted = torch.autograd.grad(0.5 * (5 * y**3 - 3 * y), y, torch.tensor(g), create_graph=True)[0]
    np.testing.assert_allclose(first.data, wanted.numpy(force=True), atol=1e-10)
    second = tt.grad(first.sum(), x)[0]
    wanted = torch.autograd.grad(wanted.sum(), y)[0]
    np.testing.assert_allclose(second.data, wanted.numpy(force=True), atol=1e-10)


def test_a_polynomial_is_fitted_to_the_sine():
    """PyTorch's tutorial: y = a + b P3(c + d x), fitted to sin(x) by gradient descent."""
    x = np.linspace(-np.pi, np.pi, 2000)
    a, b, c, d = (tt.Tensor(v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
    losses = []
    for _ in range(2000):
        loss = ((a + b * legendre3(c + d * x) - np.sin(x)) ** 2).sum()
        losses.append(loss.item())
        loss.backward()
        for parameter in (a, b, c, d):
            parameter.data -= 5e-6 * parameter.grad
            parameter.grad = None
    assert losses[-1] < 9 < 200 < losses[0]
    np.testing.assert_allclose([b.item(), d.item()], [-2.208, 0.2554], atol=2e-3)  # the tutorial's answer
    np.testing.assert_allclose([a.item(), c.item()], 0, atol=1e-6)


def test_it_is_a_plain_function_on_arrays_and_a_Value_on_values():
    assert type(legendre3(np.ones(3))) is np.ndarray
    v = tt.Value(0.5)
    out = legendre3(v)
    assert type(out) is tt.Value
    out.backward()
    assert v.grad == 1.5 * (5 * 0.25 - 1)


def test_it_keeps_its_name_and_docstring_and_can_be_pickled():
    assert legendre3.__name__ == "legendre3"
    assert "P3" in legendre3.__doc__
    assert repr(legendre3) == "<primitive legendre3>"
    assert pickle.loads(pickle.dumps(legendre3)) is legendre3


def test_arguments_by_keyword_none_and_sequences():
    @tt.primitive
    def blend(arrays, scale, power=1):
        return scale * sum(a**power for a in arrays)

    blend.defvjp(lambda g, out, arrays, scale, power=1, *, i: g * scale * power * arrays[i] ** (power - 1), None)
    x, y = tt.Tensor([1.0, 2.0], requires_grad=True), tt.Tensor([3.0, 4.0], requires_grad=True)
    blend([x, np.ones(2), y], scale=2.0, power=2).sum().backward()
    np.testing.assert_array_equal(x.grad, [4.0, 8.0])
    np.testing.assert_array_equal(y.grad, [12.0, 16.0])
    with pytest.raises(TypeError, match="blend: the keyword size= has no rule"):
        blend([x], scale=2.0, size=3)
