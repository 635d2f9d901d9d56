"""Functional updates, ``x.at[key].set(v)``: what they compute, keep and refuse. (Gradients: tests/cases/selection.py.)"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tinytensor as tt


def leaf(*data, dtype=np.float64):
    return tt.Tensor(np.array(data, dtype), requires_grad=True)


OPERATIONS = {
    "set": lambda old, v: v, "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
    "power": np.power, "max": np.maximum, "min": np.minimum,
}  # fmt: skip
KEYS = {
    "integer": 1,
    "NumPy's integer": np.int64(1),
    "0-d array": np.array(1),
    "negative": -1,
    "slice": slice(0, 2),
    "ellipsis": ...,
    "new axis": (None, slice(1, None)),
    "list": [0, 2],
    "array": np.array([[0, 2], [1, 3]]),
    "pair of arrays": (np.array([0, 1]), np.array([1, 0])),
    "array and slice": (slice(None), np.array([2, 0])),
    "mask": np.array([True, False, True, False]),
    "tensor": tt.Tensor([3, 1]),
    "tuple": (1, 2),
    "empty": np.array([], np.int64),
    "all of it": (),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_value_is_that_of_an_assignment(name, key, dtype):
    x = tt.Tensor(np.arange(1, 13, dtype=dtype).reshape(4, 3))
    before, expected = x.data.copy(), x.data.copy()
    plain = key.data if isinstance(key, tt.Tensor) else key
    new = OPERATIONS[name](expected[plain], dtype(2))
    if name == "divide" and dtype is np.int64:
        with pytest.raises(TypeError, match="float64 does not fit into int64"):
            x.at[key].divide(2)
        return
    expected[plain] = new
    out = getattr(x.at[key], name)(2)
    np.testing.assert_array_equal(out.data, expected)
    assert out.dtype == dtype
    np.testing.assert_array_equal(x.data, before)
    assert not np.shares_memory(out.data, x.data)


def test_get_is_the_index():
    x = leaf(1.0, 2.0, 3.0)
    x.at[[0, 0]].get().sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0, 0.0, 0.0])


REPEATED = {
    "set": [1.0, 30.0, 40.0],
    "add": [1.0, 2.0 + 10 + 30, 3.0 + 20 + 40],
    "subtract": [1.0, 2.0 - 10 - 30, 3.0 - 20 - 40],
    "multiply": [1.0, 2.0 * 10 * 30, 3.0 * 20 * 40],
    "divide": [1.0, 2.0 / 10 / 30, 3.0 / 20 / 40],
    "power": [1.0, 2.0**300, np.inf],
    "max": [1.0, 30.0, 40.0],
    "min": [1.0, 2.0, 3.0],
}


@pytest.mark.parametrize("name", REPEATED)
def test_elements_named_twice(name):
    key = np.array([1, 2, 1, -1])
    with np.errstate(over="ignore"):
        out = getattr(leaf(1.0, 2.0, 3.0).at[key], name)(np.array([10.0, 20.0, 30.0, 40.0]))
    np.testing.assert_allclose(out.data, REPEATED[name], rtol=1e-12)


def test_the_last_writer_gets_the_gradient_however_many_there_are():
    rng = np.random.default_rng(0)
    key = rng.integers(0, 50, (100, 40))
    x, v = tt.Tensor(np.zeros(50), requires_grad=True), tt.Tensor(rng.normal(size=key.shape), requires_grad=True)
    out = x.at[key].set(v)
    last = {position: number for number, position in enumerate(key.ravel())}
    np.testing.assert_array_equal(out.data, [v.data.ravel()[last[k]] for k in range(50)])
    out.backward(np.arange(1.0, 51.0))
    expected = np.zeros(key.size)
    expected[[last[k] for k in range(50)]] = np.arange(1.0, 51.0)
    np.testing.assert_array_equal(v.grad.ravel(), expected)
    np.testing.assert_array_equal(x.grad, 0)


@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_share_equally_as_in_torch(name):
    # x ties with two of its updates, two updates tie above x, one update ties with x, none is near it
    start, key, new = [1.0, 1.0, 1.0, 1.0], [0, 0, 1, 1, 2, 3], [1.0, 1.0, 5.0, 5.0, 1.0, -5.0]
    start, new = (np.array(start), np.array(new)) if name == "max" else (-np.array(start), -np.array(new))
    x, v = leaf(*start), leaf(*new)
    y, w = torch.tensor(start, requires_grad=True), torch.tensor(new, requires_grad=True)
    g = np.array([1.0, 2.0, 3.0, 4.0])
    getattr(x.at[key], name)(v).backward(g)
    y.scatter_reduce(0, torch.tensor(key), w, f"a{name}").backward(torch.tensor(g))
    np.testing.assert_allclose(x.grad, y.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(v.grad, w.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(x.grad, [1 / 3, 0.0, 1.5, 4.0], rtol=1e-12)


def test_a_tie_shares_as_in_maximum():
    x, v, y, w = leaf(1.0, 2.0), leaf(1.0, 5.0), leaf(1.0, 2.0), leaf(1.0, 5.0)
    x.at[:].max(v).sum().backward()
    np.maximum(y, w).sum().backward()
    np.testing.assert_array_equal(x.grad, y.grad)
    np.testing.assert_array_equal(v.grad, w.grad)


def test_nan_spreads_and_has_no_gradient():
    x, v = leaf(np.nan, 1.0), leaf(0.0, np.nan)
    out = x.at[[0, 1]].max(v)
    assert np.isnan(out.data).all()
    out.backward([1.0, 1.0])
    np.testing.assert_array_equal(x.grad, [0.0, 0.0])
    np.testing.assert_array_equal(v.grad, [0.0, 0.0])


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", ["max", "min"])
def test_repeated_extremes_at_every_order(name, order):
    """torch has no third derivative of scatter_reduce; a chain of maxima has."""
    key = [0, 2, 0, 2, 1]
    pick = np.maximum if name == "max" else np.minimum

    def chain(x, v):
        places = [x[k] for k in range(3)]
        for number, k in enumerate(key):
            places[k] = pick(places[k], v[number])
        return np.stack(places)

    results = []
    for update in (lambda x, v: getattr(x.at[key], name)(v), chain):
        x, v = leaf(0.3, 1.2, -0.7), leaf(0.9, -1.1, 1.4, 0.2, 1.3)
        y = (update(x * x, v * v * v) ** 3).sum()
        for k in range(order):
            grads = tt.grad(y, [x, v], create_graph=True)
            y = sum(((k + 2 + g) * np.sin(g)).sum() for g in grads)
        results.append([g.data for g in grads])
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


def test_products_with_zeros_at_every_order():
    key, data = [0, 0, 0, 1, 0], [0.0, 2.0, 0.0, 5.0, 3.0]

    def product(x, v):
        return np.stack([x[0] * v[0] * v[1] * v[2] * v[4], x[1] * v[3]])

    results = []
    for update in (lambda x, v: x.at[key].multiply(v), product):
        x, v = leaf(7.0, 11.0), leaf(*data)
        y = (update(x, v) * np.array([1.0, 3.0])).sum()
        derived = []
        for _ in range(3):
            grads = tt.grad(y, [x, v], create_graph=True)
            derived += [g.data for g in grads]
            y = sum((g * np.arange(2.0, 2.0 + len(g))).sum() for g in grads)
        results.append(derived)
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-12)


def test_many_writes_to_one_place():
    x, v = leaf(2.0), tt.Tensor(np.full(1000, 1.001), requires_grad=True)
    x.at[np.zeros(1000, int)].multiply(v).sum().backward()
    np.testing.assert_allclose(x.grad, 1.001**1000, rtol=1e-9)
    np.testing.assert_allclose(v.grad, 2 * 1.001**999, rtol=1e-9)


def test_each_keeps_its_dtype():
    x, v = leaf(1.0, 2.0, dtype=np.float32), tt.Tensor(3.0, requires_grad=True)
    out = x.at[0].multiply(v)
    assert out.dtype == np.float32
    out.sum().backward()
    assert (x.grad.dtype, v.grad.dtype) == (np.float32, np.float64)


def test_either_side_may_be_without_gradient():
    x, v = leaf(1.0, 2.0), tt.Tensor([5.0])
    x.at[:1].set(v).sum().backward()
    np.testing.assert_array_equal(x.grad, [0.0, 1.0])
    assert v.grad is None
    x, v = tt.Tensor([1.0, 2.0]), leaf(5.0)
    x.at[:1].set(v).sum().backward()
    np.testing.assert_array_equal(v.grad, [1.0])
    assert not x.at[0].set(1.0).requires_grad
    with tt.no_grad():
        assert not leaf(1.0).at[0].set(v[0]).requires_grad


def test_an_index_changed_later_does_no_harm():
    x, v, key = leaf(1.0, 2.0, 3.0), leaf(4.0, 5.0), np.array([0, 1])
    out = x.at[key].set(v)
    key[:] = 2
    out.backward([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(v.grad, [1.0, 10.0])


def test_a_value_and_a_0d_tensor():
    x = tt.Tensor(3.0, requires_grad=True)
    x.at[...].multiply(x).backward()
    assert x.grad == 6.0
    x = tt.Tensor(3.0, requires_grad=True)
    x.at[()].add(x).at[()].max(2.0).backward()
    assert x.grad == 2.0
    with pytest.raises(TypeError, match="Value is one number"):
        tt.Value(3.0).at[()]


WRONG = {
    "an index outside": (lambda x: x.at[7].set(1.0), IndexError, r"\(2, 3\).*out of bounds"),
    "too many indices": (lambda x: x.at[0, 0, 0].add(1.0), IndexError, "too many indices"),
    "a float as an index": (lambda x: x.at[0.5].set(1.0), IndexError, "valid indices"),
    "a mask of another shape": (lambda x: x.at[np.array([True])].max(1.0), IndexError, "boolean"),
    "a shape that does not broadcast": (lambda x: x.at[0].set([1.0, 2.0]), ValueError, r"\(2,\).*broadcast to \(3,\)"),
    "a shape that is too large": (lambda x: x.at[0].add(np.ones((1, 3))), ValueError, r"\(1, 3\).*\(3,\)"),
    "a float into integers": (lambda x: tt.Tensor([1, 2]).at[0].set(1.5), TypeError, "float64 does not fit into int64"),
    "a complex number": (lambda x: x.at[0].set(1j), TypeError, "complex128"),
    "a list of tensors": (lambda x: x.at[0].set([x[0, 0]] * 3), RuntimeError, r"np\.stack"),
    "a keyword of JAX": (lambda x: x.at[0].set(1.0, mode="drop"), TypeError, "mode"),
    "a place as an array": (lambda x: np.add(x.at[0], 1.0), TypeError, "Place"),
}


@pytest.mark.parametrize(("call", "error", "message"), WRONG.values(), ids=WRONG)
def test_wrong_calls(call, error, message):
    with pytest.raises(error, match=message):
        call(tt.Tensor(np.ones((2, 3)), requires_grad=True))


def test_assignment_names_it():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"x\.at\[i\]\.set\(v\)"):
        x[0] = 5.0
    with pytest.raises(RuntimeError, match=r"x\.at\[i\]\.set\(v\)"):
        tt.zeros(2)[0] = x[0]


def test_what_they_are_is_said():
    assert "x.at[0].set(v)" in repr(leaf(1.0).at)
    assert "set" in repr(leaf(1.0).at[0])
    assert leaf(1.0).at[0].set(2.0)._op == "set_at"
