"""The Tensor as a container and an arithmetic type: what a person who knows NumPy and PyTorch expects."""

from __future__ import annotations

import copy
import operator
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytensor as tt

X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.5]])


def leaf(data=X, **options):
    return tt.Tensor(np.array(data), requires_grad=True, **options)


# ------------------------------------------------------------------------------------ construction


@pytest.mark.parametrize(
    ("data", "dtype"),
    [(3, np.int64), (3.0, np.float64), ([1, 2], np.int64), ([1.0, 2], np.float64), (True, np.bool_), (1j, np.complex128),
     (np.float32(1), np.float32), (np.zeros((2, 0), np.float16), np.float16), ([[1], [2]], np.int64), (range(3), np.int64)],
)  # fmt: skip
def test_dtypes_follow_numpy(data, dtype):
    t = tt.Tensor(data)
    assert t.dtype == dtype
    assert isinstance(t.data, np.ndarray)
    assert t.shape == np.shape(data)
    assert t.grad is None
    assert not t.requires_grad


def test_arrays_are_wrapped_by_Tensor_and_copied_by_tensor():
    array = np.zeros(3)
    assert np.shares_memory(tt.Tensor(array).data, array)
    assert not np.shares_memory(tt.tensor(array).data, array)
    assert tt.Tensor(array, dtype=np.float32).dtype == np.float32


def test_creation():
    rng = np.random.default_rng
    assert (tt.zeros((2, 3)) == np.zeros((2, 3))).all()
    assert (tt.ones(4, dtype=np.float32) == 1).all()
    assert tt.ones(4, dtype=np.float32).dtype == np.float32
    assert (tt.full((2,), 7) == [7, 7]).all()
    assert (tt.arange(1, 7, 2) == [1, 3, 5]).all()
    assert (tt.eye(2, 3) == np.eye(2, 3)).all()
    for make, draw in ((tt.randn, "standard_normal"), (tt.rand, "random")):
        t = make(2, 3, generator=rng(5), requires_grad=True, dtype=np.float32)
        np.testing.assert_array_equal(t.data, getattr(rng(5), draw)((2, 3)).astype(np.float32))
        assert t.requires_grad
        tt.manual_seed(3)
        first = make(4)
        tt.manual_seed(3)
        assert (first == make(4)).all()


def test_description():
    t = tt.Tensor(X, label="x")
    assert (t.shape, t.ndim, t.size, t.dtype, len(t), t.label) == ((2, 3), 2, 6, np.float64, 2, "x")
    assert t.T.shape == (3, 2)
    assert tt.zeros((5, 2, 3)).mT.shape == (5, 3, 2)
    assert t.tolist() == X.tolist()
    assert tt.Tensor([[2.5]]).item() == 2.5
    assert float(tt.Tensor([2.5])) == 2.5
    assert int(tt.Tensor(2.5)) == 2
    assert [10, 20, 30][tt.Tensor(1)] == 20
    assert bool(tt.Tensor([1.0]))
    assert not tt.Tensor(0)
    assert 4.0 in t
    assert 9.0 not in t
    assert f"{tt.Tensor(1.23456):.2f}" == "1.23"


def test_repr_shows_values_dtype_and_origin():
    x = tt.Tensor([1.0, 2.0], requires_grad=True, dtype=np.float32)
    assert repr(x) == "Tensor([1., 2.], dtype=float32, requires_grad=True)"
    assert repr(x * 2) == "Tensor([2., 4.], dtype=float32, op=multiply)"
    assert repr(tt.Tensor([[1, 2], [3, 4]])) == "Tensor([[1, 2],\n        [3, 4]], dtype=int64)"
    assert repr(tt.Tensor(1.5, label="lr")) == "Tensor(1.5, dtype=float64, label='lr')"
    assert repr(np.linalg.norm(x)) == "Tensor(2.236068, dtype=float32, op=linalg.norm)"


def test_iteration_gives_differentiable_rows():
    x = leaf()
    first, second = x
    (first * second).sum().backward()
    np.testing.assert_array_equal(x.grad, X[::-1])


# ---------------------------------------------------------------------------------------- operators

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow]
OTHERS = [3, 2.5, np.float64(1.5), np.float32(1.5), np.int64(2), np.array([1.0, 2.0, 4.0]), np.array([[2.0], [3.0]])]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", OTHERS, ids=lambda o: f"{type(o).__name__}{np.shape(o)}")
def test_operators_on_either_side(op, other):
    positive = np.abs(X) + 0.3
    for arrange in (lambda t, o: op(t, o), lambda t, o: op(o, t)):
        ours, theirs = leaf(positive), torch.tensor(positive, requires_grad=True)
        mine = arrange(ours, other)
        assert type(mine) is tt.Tensor
        assert mine.dtype == np.float64
        expected = arrange(positive, other)
        np.testing.assert_allclose(mine.data, expected, rtol=1e-14)
        if op is operator.floordiv:  # torch has no gradient for it
            mine.sum().backward()
            assert not ours.grad.any()
            continue
        mine.sum().backward()
        arrange(theirs, torch.tensor(np.asarray(other, np.float64))).sum().backward()
        np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("op", OPERATORS, ids=lambda f: f.__name__)
def test_scalars_are_weak_and_arrays_are_not(op):
    t = tt.Tensor(np.ones(2, np.float32), requires_grad=True)
    for number in (2, 2.0):
        assert op(t, number).dtype == np.float32
        assert op(number, t).dtype == np.float32
    assert op(t, np.ones(2)).dtype == np.float64
    op(t, np.ones(2)).sum().backward()
    assert t.grad.dtype == np.float32


def test_unary_operators():
    x = leaf()
    assert (-x == -X).all()
    assert (+x == X).all()
    assert (abs(x) == abs(X)).all()
    assert divmod(x, 2)[0].shape == X.shape


def test_matmul_on_either_side():
    w = np.arange(6.0).reshape(3, 2)
    assert (leaf() @ w == X @ w).all()
    assert (w @ leaf() == w @ X).all()
    with pytest.raises(ValueError, match=r"matmul\(\(2, 3\), \(2, 3\)\).*inner sizes differ, 3 against 2.*x @ y\.mT"):
        leaf() @ leaf()


@pytest.mark.parametrize("op", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_comparisons_give_boolean_arrays(op):
    x = leaf()
    for other in (1.0, np.array([1.0, 0.0, 3.0]), tt.Tensor([1.0, 0.0, 3.0])):
        array = other.data if isinstance(other, tt.Tensor) else other
        for result, expected in ((op(x, other), op(X, array)), (op(other, x), op(array, X))):
            assert type(result) is np.ndarray
            assert result.dtype == bool
            np.testing.assert_array_equal(result, expected)


def test_hash_is_identity():
    a, b = tt.Tensor([1.0]), tt.Tensor([1.0])
    assert len({a, b, a}) == 2
    assert {a: 1, b: 2}[a] == 1


def test_augmented_assignment_rebinds():
    x = leaf()
    y = x
    y += 1
    assert y is not x
    assert (x == X).all()
    y.sum().backward()
    assert (x.grad == 1).all()


# ----------------------------------------------------------------------------------------- indexing


def test_repeated_indices_accumulate():
    x = leaf([1.0, 2.0, 3.0])
    (x[[0, 2, 0, 0]] * np.array([1.0, 10.0, 100.0, 1000.0])).sum().backward()
    np.testing.assert_array_equal(x.grad, [1101.0, 0.0, 10.0])


@given(data=st.data())
def test_every_kind_of_index(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    key = data.draw(
        hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
        | hnp.integer_array_indices(shape)
        | hnp.arrays(bool, shape)
    )
    array = np.arange(np.prod(shape), dtype=float).reshape(shape)
    x = leaf(array)
    out = x[key]
    np.testing.assert_array_equal(out.data, array[key])
    g = np.arange(1.0, out.size + 1).reshape(out.shape)
    expected = np.zeros(shape)
    np.add.at(expected, key, g)
    out.backward(g)
    np.testing.assert_array_equal(x.grad, expected)


def test_indices_may_be_tensors_and_lists():
    x = leaf([1.0, 2.0, 3.0])
    assert x[tt.Tensor([2, 0])].tolist() == [3.0, 1.0]
    assert x[[True, False, True]].tolist() == [1.0, 3.0]
    assert leaf()[tt.Tensor(1), [0, 2]].tolist() == [0.5, -1.5]


def test_an_index_changed_later_does_not_spoil_backward():
    x, chosen = leaf([1.0, 2.0, 3.0]), np.array([0, 0, 1])
    out = x[chosen]
    chosen[:] = 2
    out.sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0, 1.0, 0.0])


def test_assignment_to_elements():
    t = tt.zeros(3)
    t[1] = 5.0
    t[tt.Tensor([0])] = tt.Tensor(2.0)
    assert t.tolist() == [2.0, 5.0, 0.0]
    x = leaf()
    for target in (x, x * 1):
        with pytest.raises(RuntimeError, match=r"np\.where.*x\.data"):
            target[0] = 1.0
    with pytest.raises(RuntimeError, match="v requires a gradient"):
        t[0] = leaf(1.0)
    with tt.no_grad():
        x[0, 0] = 9.0
    assert x.data[0, 0] == 9.0


# ------------------------------------------------------------------------------- data and gradient


def test_data_and_grad_keep_shape_and_dtype():
    t = tt.Tensor(np.zeros(3, np.float32), requires_grad=True)
    t.data = np.ones(3)
    assert t.data.dtype == np.float32
    t.data -= np.full(3, 0.5)
    assert t.data.tolist() == [0.5] * 3
    t.grad = [1, 2, 3]
    assert t.grad.dtype == np.float32
    t.grad = None
    assert t.grad is None


def test_requires_grad_can_be_set_on_leaves():
    t = tt.Tensor([1.0])
    t.requires_grad = True
    assert (t * 2).requires_grad
    t.requires_grad = False
    assert not (t * 2).requires_grad
    with pytest.raises(RuntimeError, match="detach"):
        (leaf() * 2).requires_grad = False


def test_detach_shares_memory_and_has_no_graph():
    y = leaf() * 2
    d = y.detach()
    assert np.shares_memory(d.data, y.data)
    assert d.is_leaf
    assert not d.requires_grad


def test_astype_brings_the_gradient_back_in_the_old_dtype():
    x = leaf()
    y = x.astype(np.float32)
    assert y.dtype == np.float32
    (y * y).sum().backward()
    assert x.grad.dtype == np.float64
    assert y.grad.dtype == np.float32
    np.testing.assert_allclose(x.grad, 2 * X, rtol=1e-6)
    whole = x.astype(int)
    assert whole.dtype == np.int64
    assert not whole.requires_grad


# --------------------------------------------------------------------------------- copies, pickles


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
@pytest.mark.parametrize("make", [lambda: leaf(label="w"), lambda: tt.Tensor([1, 2]), lambda: tt.Value(2.0, label="v")])
def test_leaves_can_be_copied_and_pickled(duplicate, make):
    t = make()
    if t.requires_grad:
        t.grad = np.ones(t.shape)
    twin = duplicate(t)
    assert type(twin) is type(t)
    assert (twin == t).all() if isinstance(twin == t, np.ndarray) else twin == t
    assert (twin.requires_grad, twin.label, twin.dtype) == (t.requires_grad, t.label, t.dtype)
    np.testing.assert_array_equal(twin.grad, t.grad)
    if twin.requires_grad:
        (twin * 2).sum().backward() if twin.ndim else (twin * 2).backward()


def test_deepcopy_shares_nothing_and_copy_shares_the_data():
    t = leaf()
    t.grad = np.ones_like(X)
    deep = copy.deepcopy([t, t])
    assert deep[0] is deep[1]
    assert not np.shares_memory(deep[0].data, t.data)
    assert not np.shares_memory(deep[0].grad, t.grad)
    assert np.shares_memory(copy.copy(t).data, t.data)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_results_can_not_be_copied(duplicate):
    with pytest.raises(RuntimeError, match="detach"):
        duplicate(leaf() * 2)


# ----------------------------------------------------------------------------------------- interop


def test_asarray_works_where_no_graph_is_lost():
    plain = tt.Tensor(X)
    assert np.asarray(plain) is not None
    assert np.shares_memory(np.asarray(plain), plain.data)
    assert np.asarray(plain, dtype=np.float32).dtype == np.float32
    assert not np.shares_memory(np.array(plain), plain.data)
    with tt.no_grad():
        np.testing.assert_array_equal(np.asarray(leaf()), X)
    for lose in (np.asarray, np.array, lambda t: t.numpy(), lambda t: np.array([t, t])):
        with pytest.raises(RuntimeError, match="detach"):
            lose(leaf())


def test_dlpack_shares_memory_both_ways():
    t = tt.Tensor(X.copy())
    there = torch.from_dlpack(t)
    there[0, 0] = 42.0
    assert t.data[0, 0] == 42.0
    back = tt.from_dlpack(there)
    back.data[0, 1] = 7.0
    assert there[0, 1] == 7.0
    w = leaf()
    with pytest.raises(RuntimeError, match="detach"):
        torch.from_dlpack(w)
    assert torch.from_dlpack(w.detach()).shape == (2, 3)


# ----------------------------------------------------------------------------- methods are functions

METHODS = [
    ("exp", np.exp), ("expm1", np.expm1), ("sin", np.sin), ("cos", np.cos), ("tanh", np.tanh), ("square", np.square),
    ("abs", np.abs), ("sign", np.sign), ("reciprocal", np.reciprocal), ("sum", np.sum), ("mean", np.mean), ("max", np.max),
    ("min", np.min), ("prod", np.prod), ("var", np.var), ("std", np.std), ("ravel", np.ravel), ("flatten", np.ravel),
    ("transpose", np.transpose), ("squeeze", np.squeeze), ("flip", np.flip), ("trace", np.trace),
    ("norm", np.linalg.norm), ("relu", tt.relu), ("sigmoid", tt.sigmoid), ("softmax", tt.softmax),
    ("log_softmax", tt.log_softmax), ("logsumexp", tt.logsumexp),
]  # fmt: skip


@pytest.mark.parametrize(("name", "function"), METHODS, ids=lambda p: p if isinstance(p, str) else "")
def test_methods_are_the_functions(name, function):
    x, y = leaf(), leaf()
    by_method, by_function = getattr(x, name)(), function(y)
    np.testing.assert_array_equal(by_method.data, by_function.data)
    g = np.arange(1.0, by_method.size + 1).reshape(by_method.shape)
    by_method.backward(g)
    by_function.backward(g)
    np.testing.assert_array_equal(x.grad, y.grad)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda t: t.log(), np.log), (lambda t: t.log1p(), np.log1p), (lambda t: t.sqrt(), np.sqrt),
        (lambda t: t.pow(3), lambda a: a**3), (lambda t: t.maximum(1.2), lambda a: np.maximum(a, 1.2)),
        (lambda t: t.minimum(1.2), lambda a: np.minimum(a, 1.2)), (lambda t: t.clip(1, 2), lambda a: np.clip(a, 1, 2)),
        (lambda t: t.clamp(min=1), lambda a: np.clip(a, 1, None)), (lambda t: t.where(X > 0, 0.0), lambda a: np.where(X > 0, a, 0.0)),
        (lambda t: t.reshape(3, 2), lambda a: a.reshape(3, 2)), (lambda t: t.reshape((-1,)), np.ravel),
        (lambda t: t.transpose(1, 0), lambda a: a.T), (lambda t: t.swapaxes(0, 1), lambda a: a.T),
        (lambda t: t.moveaxis(0, 1), lambda a: a.T), (lambda t: t.unsqueeze(1), lambda a: a[:, None]),
        (lambda t: t.broadcast_to(4, 2, 3), lambda a: np.broadcast_to(a, (4, 2, 3))),
        (lambda t: t.split(3, axis=1)[1], lambda a: a[:, 1:2]), (lambda t: t.dot(X.T), lambda a: a @ X.T),
        (lambda t: t.matmul(X.T), lambda a: a @ X.T), (lambda t: t.outer(X), lambda a: np.outer(a, X)),
        (lambda t: t.sum(axis=0, keepdims=True), lambda a: a.sum(0, keepdims=True)),
        (lambda t: t.var(axis=1, ddof=1), lambda a: a.var(1, ddof=1)),
        (lambda t: np.zeros_like(t), np.zeros_like), (lambda t: np.ones_like(t, dtype=np.float32), lambda a: np.ones_like(a, dtype="f4")),
    ],
)  # fmt: skip
def test_methods_with_arguments(call, expected):
    positive = np.abs(X) + 0.3
    result = call(leaf(positive))
    assert isinstance(result, tt.Tensor)
    np.testing.assert_allclose(result.data, expected(positive), rtol=1e-14)


def test_indices_and_truths_are_plain_arrays():
    x = leaf()
    for result, expected in [
        (x.argmax(), np.int64(4)), (x.argmin(axis=1), np.array([1, 2])), (np.argmax(x, axis=0), np.array([0, 1, 0])),
        (x.any(), np.True_), (x.all(axis=0), np.array([True] * 3)), (np.isnan(x), np.zeros((2, 3), bool)),
        (np.argsort(x, axis=1), np.argsort(X, axis=1)), (np.count_nonzero(x), 6),
    ]:  # fmt: skip
        assert not isinstance(result, tt.Tensor)
        np.testing.assert_array_equal(result, expected)
    assert np.shape(x) == (2, 3)
    assert np.ndim(x) == 2
    assert np.size(x) == 6
    assert np.array_equal(x, X)
    assert np.allclose(x, X)
    assert [a.tolist() for a in np.where(x > 2)] == [[0, 1], [2, 1]]
