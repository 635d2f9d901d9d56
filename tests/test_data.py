"""Minibatches: every sample once, nothing copied whole, and refusals at the call."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinytensor as tt
from tinytensor.data import Batches, batches


def data_set(n=10):
    """Samples that carry their own number, so that a batch says where it came from."""
    y = np.arange(n)
    return np.stack([y, -y], axis=1).astype(np.float32), y


sizes = {"n": st.integers(1, 50), "batch_size": st.integers(1, 60), "shuffle": st.booleans()}


@given(**sizes, drop_last=st.booleans(), seed=st.integers(0, 9))
def test_every_sample_once_in_batches_of_the_right_size(n, batch_size, shuffle, drop_last, seed):
    if drop_last and batch_size > n:
        batch_size = n
    X, y = data_set(n)
    loader = batches(X, y, batch_size, shuffle, np.random.default_rng(seed), drop_last)
    for _ in range(2):
        found = list(loader)
        assert len(found) == len(loader) == (n // batch_size if drop_last else math.ceil(n / batch_size))
        labels = np.concatenate([yb for _, yb in found])
        full, rest = divmod(n, batch_size)
        assert [len(yb) for _, yb in found] == [batch_size] * full + ([rest] if rest and not drop_last else [])
        for xb, yb in found:
            assert xb.dtype == np.float32
            assert xb.shape == (len(yb), 2)
            assert np.array_equal(xb, np.stack([yb, -yb], axis=1))  # a sample stays with its label
        assert len(set(labels.tolist())) == len(labels)
        if not drop_last:
            assert sorted(labels) == list(range(n))
        if not shuffle:
            assert labels.tolist() == list(range(len(labels)))


def order(loader):
    return [label for _, yb in loader for label in yb.tolist()]


def test_each_epoch_is_shuffled_anew_and_the_generator_decides():
    X, y = data_set(100)
    first, second = (batches(X, y, 8, rng=np.random.default_rng(5)) for _ in range(2))
    epochs = [order(first) for _ in range(3)]
    assert epochs == [order(second) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    assert epochs[0] != sorted(epochs[0])
    assert order(batches(X, y, 8, rng=np.random.default_rng(6))) != epochs[0]


def test_batch_size_does_not_change_the_order():
    X, y = data_set(20)
    assert order(batches(X, y, 3, rng=np.random.default_rng(1))) == order(
        batches(X, y, 7, rng=np.random.default_rng(1))
    )


def test_default_generator_is_that_of_manual_seed():
    X, y = data_set(50)
    loader = batches(X, y, 8)
    tt.manual_seed(4)
    first = order(loader)
    other = order(loader)
    tt.manual_seed(4)  # also for a loader that was made before
    assert order(loader) == first != other


def test_orders_are_drawn_when_an_epoch_begins():
    X, y = data_set(50)
    epochs = iter(loader := batches(X, y, 8, rng=np.random.default_rng(2))), iter(loader)
    interleaved = order(epochs[1]), order(epochs[0])
    straight = batches(X, y, 8, rng=np.random.default_rng(2))
    assert (order(straight), order(straight)) == interleaved[::-1]


def test_two_epochs_at_once_do_not_disturb_each_other():
    X, y = data_set(12)
    loader = batches(X, y, 5, rng=np.random.default_rng(0))
    both = list(zip(loader, loader, strict=True))
    for side in (0, 1):
        assert sorted(np.concatenate([pair[side][1] for pair in both])) == list(range(12))


def test_in_order_batches_are_views():
    X, y = data_set(10)
    for xb, yb in batches(X, y, 4, shuffle=False):
        assert np.shares_memory(xb, X)
        assert np.shares_memory(yb, y)
    t = tt.Tensor(X)
    for xb in batches(t, batch_size=4, shuffle=False):
        assert np.shares_memory(xb.data, X)


def test_shuffled_batches_are_copies():
    X, y = data_set(10)
    for xb, _ in batches(X, y, 4):
        xb[...] = np.nan
    assert np.array_equal(X, data_set(10)[0])


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("wrap", [np.asarray, tt.Tensor], ids=["array", "tensor"])
def test_the_data_set_is_not_copied(shuffle, wrap):
    X, y = wrap(np.ones((20_000, 50))), np.zeros(20_000, np.int8)  # 8,000,000 bytes
    loader = batches(X, y, 10, shuffle, np.random.default_rng(0))
    tracemalloc.start()
    try:
        for _ in loader:
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000  # the order of 20,000 samples is 160,000 bytes
    assert loader.X is X


def test_samples_alone():
    X, _ = data_set(5)
    found = list(batches(X, batch_size=2, shuffle=False))
    assert [b.shape for b in found] == [(2, 2), (2, 2), (1, 2)]
    assert np.array_equal(np.concatenate(found), X)


@pytest.mark.parametrize("shape", [(6,), (6, 2), (6, 2, 3), (6, 0)])
@pytest.mark.parametrize("shuffle", [True, False])
def test_samples_of_every_shape(shape, shuffle):
    X = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    y = np.arange(6)
    for xb, yb in batches(X, y, 4, shuffle):
        assert np.array_equal(xb, X[yb])


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda X: X[::-1], lambda X: X[:, ::2]])
def test_layouts(layout):
    X = layout(np.arange(24.0).reshape(6, 4))
    for xb, yb in batches(X, np.arange(6), 4, rng=np.random.default_rng(0)):
        assert np.array_equal(xb, X[yb])


@pytest.mark.parametrize("shuffle", [True, False])
def test_memmaps(tmp_path, shuffle):
    X, y = data_set(10)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    for xb, yb in batches(mapped, y, 4, shuffle):
        assert np.array_equal(xb, X[yb])


@pytest.mark.parametrize("shuffle", [True, False])
def test_tensors_give_tensors(shuffle):
    X, y = data_set(10)
    x = tt.Tensor(X)
    for xb, yb in batches(x, tt.Tensor(y), 4, shuffle):
        assert type(xb) is type(yb) is tt.Tensor
        assert not xb.requires_grad
        assert np.array_equal(xb.data, X[yb.data])


@pytest.mark.parametrize("shuffle", [True, False])
def test_gradients_reach_a_tensor_through_its_batches(shuffle):
    x = tt.tensor(data_set(10)[0], requires_grad=True)
    for xb in batches(x, batch_size=3, shuffle=shuffle):
        (xb * 2).sum().backward()
    assert np.array_equal(x.grad, np.full((10, 2), 2.0))  # each row once


def test_repr_and_type():
    X, y = data_set(10)
    loader = batches(X, y, np.int64(4))
    assert isinstance(loader, Batches)
    assert repr(loader) == "Batches(10 samples in 3 batches, batch_size=4, shuffle=True, drop_last=False)"


X, Y = data_set(10)
REFUSED = {
    "a list": (
        lambda: batches([[1.0], [2.0]], Y),
        TypeError,
        "X: expected an ndarray or a Tensor, got list; np.asarray",
    ),
    "a list of labels": (lambda: batches(X, Y.tolist()), TypeError, "y: expected an ndarray or a Tensor, got list"),
    "a generator": (lambda: batches(x for x in X), TypeError, "got generator"),
    "lengths": (lambda: batches(X, Y[:9]), ValueError, r"10 samples and y 9 \(shapes \(10, 2\) and \(9,\)\)"),
    "0-d": (lambda: batches(np.array(1.0)), ValueError, "X is 0-d"),
    "a Value": (lambda: batches(tt.Value(1.0)), ValueError, "X is 0-d"),
    "0-d labels": (lambda: batches(X, np.array(1)), ValueError, "y is 0-d"),
    "empty": (lambda: batches(X[:0], Y[:0]), ValueError, r"no samples, its shape is \(0, 2\)"),
    "batch size 0": (lambda: batches(X, Y, 0), ValueError, "batch_size: expected a whole number ≥ 1, got 0"),
    "batch size -3": (lambda: batches(X, Y, -3), ValueError, "batch_size"),
    "batch size 2.0": (lambda: batches(X, Y, 2.0), TypeError, "batch_size: expected a whole number, got 2.0"),
    "batch size True": (lambda: batches(X, Y, True), ValueError, "batch_size"),
    "batch size None": (lambda: batches(X, Y, None), TypeError, "batch_size"),
    "shuffle a number": (lambda: batches(X, Y, 2, 1), TypeError, "shuffle: expected True or False"),
    "drop_last a number": (lambda: batches(X, Y, 2, drop_last=1), TypeError, "drop_last: expected True or False"),
    "a seed": (lambda: batches(X, Y, rng=0), TypeError, "generator: expected a numpy.random.Generator, got int"),
    "an old generator": (lambda: batches(X, Y, rng=np.random.RandomState(0)), TypeError, "got RandomState"),
    "nothing left": (lambda: batches(X, Y, 11, drop_last=True), ValueError, "no batch of 11 from 10 samples"),
}


@pytest.mark.parametrize(("call", "error", "match"), REFUSED.values(), ids=REFUSED)
def test_refused_at_the_call(call, error, match):
    with pytest.raises(error, match=match) as caught:
        call()  # not iterated
    assert "\n" not in str(caught.value)
