"""NumPy's functions that move, choose and join, on Tensors: the same answers, and nothing else.

Their gradients are compared with torch in tests/cases/; here are the calls in all their spellings.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import tinytensor as tt

X = np.array([[3.0, 1.0, 2.0, 5.0], [0.5, -1.0, 7.0, 4.0], [6.0, 9.0, -2.0, 8.0]])

SAME = {
    "sort": lambda t: np.sort(t),
    "sort flat": lambda t: np.sort(t, axis=None),
    "sort by keyword": lambda t: np.sort(t, axis=0, kind="stable"),
    "sort stable": lambda t: np.sort(t, stable=True),
    "partition": lambda t: np.sort(np.partition(t, 1, axis=1)),
    "partition by many": lambda t: np.partition(t, (0, 1, 2, 3), axis=None)[:4],
    "take": lambda t: np.take(t, [0, 5, 11]),
    "take one": lambda t: np.take(t, 2, axis=1),
    "take booleans as 0 and 1": lambda t: np.take(t, np.array([True, False, True]), axis=0),
    "take by a table": lambda t: np.take(t, np.array([[0, -1], [1, 1]]), axis=-1),
    "take and wrap": lambda t: np.take(t, [-9, 14], mode="wrap", axis=0),
    "take and clip": lambda t: np.take(t, [-9, 14], mode="clip", axis=0),
    "take nothing": lambda t: np.take(t, np.array([], int), axis=0),
    "take from a number": lambda t: np.take(t[0, 0], [0, 0]),
    "take by a tensor": lambda t: np.take(t, tt.Tensor([1, 2]) if isinstance(t, tt.Tensor) else [1, 2]),
    "take_along_axis": lambda t: np.take_along_axis(t, np.argsort(t, axis=0), axis=0),
    "take_along_axis flat": lambda t: np.take_along_axis(t, np.array([3, -1]), axis=None),
    "take_along_axis of the largest": lambda t: np.take_along_axis(t, np.argmax(t, axis=1, keepdims=True), 1),
    "compress": lambda t: np.compress([True, False, True], t, axis=0),
    "compress flat": lambda t: np.compress([0, 1, 1], t),
    "extract": lambda t: np.extract(t > 2, t),
    "choose": lambda t: np.choose([0, 2, 1, 0], t),
    "choose from a list": lambda t: np.choose(np.array([[1], [0]]), [t[0], 5.0]),
    "choose one": lambda t: np.choose(np.zeros((2, 4), int), [t[0]]),
    "choose and clip": lambda t: np.choose([-4, 7, 1, 0], [t[0], t[1]], mode="clip"),
    "select": lambda t: np.select([t > 4, t > 1], [t, -t], default=9.0),
    "select without default": lambda t: np.select([t > 4], [t]),
    "repeat": lambda t: np.repeat(t, 2),
    "repeat along": lambda t: np.repeat(t, np.int64(3), axis=-1),
    "repeat each": lambda t: np.repeat(t, [0, 2, 1], axis=0),
    "repeat by a list of one": lambda t: np.repeat(t, [2], axis=1),
    "delete": lambda t: np.delete(t, 1, axis=0),
    "delete a slice": lambda t: np.delete(t, slice(1, None, 2), axis=1),
    "delete by a mask": lambda t: np.delete(t, np.array([True, False, False, True]), axis=1),
    "insert": lambda t: np.insert(t, 1, 5, axis=1),
    "insert a row": lambda t: np.insert(t, 1, t[0], axis=0),
    "insert many at one place": lambda t: np.insert(t[0], 2, t[1]),
    "insert at many places": lambda t: np.insert(t, [0, 0, 3], t[:, :3], axis=1),
    "insert by a list of one": lambda t: np.insert(t, [1], t[:, 2:], axis=1),
    "insert by a slice": lambda t: np.insert(t[0], slice(0, 4, 2), [8, 9]),
    "insert flat": lambda t: np.insert(t, 3, 1),
    "unique": lambda t: np.unique(t),
    "roll": lambda t: np.roll(t, 2),
    "roll along": lambda t: np.roll(t, (1, -1), axis=(0, 1)),
    "roll twice along one": lambda t: np.roll(t, (1, 2), axis=(1, 1)),
    "roll by keyword": lambda t: np.roll(t, shift=3, axis=0),
    "roll both by one": lambda t: np.roll(t, 1, axis=(0, 1)),
    "rot90": lambda t: np.rot90(t),
    "rot90 thrice": lambda t: np.rot90(t, k=-1, axes=(1, 0)),
    "tile": lambda t: np.tile(t, 2),
    "tile deeper": lambda t: np.tile(t, (2, 1, 3)),
    "tile shallower": lambda t: np.tile(t, (2,)),
    "tril": lambda t: np.tril(t, -1),
    "triu": lambda t: np.triu(t, k=1),
    "triu of a row": lambda t: np.triu(t[0]),
    "diag": lambda t: np.diag(t[0], -1),
    "diag of a matrix": lambda t: np.diag(t, 9),
    "diagflat": lambda t: np.diagflat(t, 1),
    "diagonal": lambda t: np.diagonal(t, offset=1, axis1=1, axis2=0),
    "linalg.diagonal": lambda t: np.linalg.diagonal(t, offset=-1),
    "kron": lambda t: np.kron(t, np.array([1.0, 2.0])),
    "kron with a number": lambda t: np.kron(t, 2.0),
    "rollaxis": lambda t: np.rollaxis(t, 1),
    "rollaxis to the end": lambda t: np.rollaxis(t, 0, 2),
    "ravel": lambda t: np.ravel(t, order="F"),
    "reshape": lambda t: np.reshape(t, (2, -1), order="F"),
    "pad edge": lambda t: np.pad(t, 1, mode="edge"),
    "pad reflect": lambda t: np.pad(t, ((0, 2), (5, 1)), "reflect"),
    "pad symmetric": lambda t: np.pad(t, (1, 2), "symmetric"),
    "pad wrap": lambda t: np.pad(t, [(1, 7), (2, 2)], "wrap"),
    "pad one axis": lambda t: np.pad(t, ((0, 0), (1, 0)), constant_values=4.0),
    "copy": lambda t: np.copy(t),
    "zeros_like": lambda t: np.zeros_like(t, shape=(2,)),
    "ones_like": lambda t: np.ones_like(t),
    "full_like": lambda t: np.full_like(t, 3),
    "full_like of another shape": lambda t: np.full_like(t, t[0, 0], shape=(5,)),
    "hstack": lambda t: np.hstack([t, t]),
    "hstack of rows and a number": lambda t: np.hstack((t[0], 1.0)),
    "hstack of one": lambda t: np.hstack(t),
    "vstack": lambda t: np.vstack([t, t[0]]),
    "dstack": lambda t: np.dstack([t, 2 * t]),
    "column_stack": lambda t: np.column_stack([t, t[:, 0], np.ones(3)]),
    "concatenate one": lambda t: np.concatenate(t),
    "stack one": lambda t: np.stack(t, axis=1),
    "append": lambda t: np.append(t, [1.0, 2.0]),
    "append along": lambda t: np.append(t, t[:1], axis=0),
    "block": lambda t: np.block([[t, np.ones((3, 1))], [np.zeros((2, 4)), np.eye(2)[:, :1]]]),
    "block of depth 3": lambda t: np.block([[[t, t]], [[t, 2 * t]]]),
    "block of one": lambda t: np.block(t),
    "block of rows": lambda t: np.block([t[0], 7.0, t[1]]),
    "block of matrices in a row": lambda t: np.block([t, t]),
    "concat": lambda t: np.concat([t, t], axis=None),
    "permute_dims": lambda t: np.permute_dims(t, (1, 0)),
    "matrix_transpose": lambda t: np.matrix_transpose(t),
    "unique_values": lambda t: np.sort(np.unique_values(t)),
}  # fmt: skip


def compared(ours, expected, dtype):
    assert isinstance(ours, tt.Tensor)
    assert ours.dtype == np.asarray(expected).dtype == dtype
    np.testing.assert_array_equal(ours.data, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("call", SAME.values(), ids=SAME)
def test_the_answer_is_numpy_s(call, dtype):
    array = np.trunc(X).astype(dtype) if dtype is np.int64 else X.astype(dtype)
    expected = call(array)
    ours = call(tt.Tensor(array))
    compared(ours, expected, np.asarray(expected).dtype)


MANY = {
    "split": lambda t: np.split(t, 2, axis=1),
    "split at": lambda t: np.split(t, [1, 2]),
    "split far out": lambda t: np.split(t, [2, 7, -1], axis=1),
    "array_split": lambda t: np.array_split(t, 3, axis=-1),
    "array_split into too many": lambda t: np.array_split(t, 5),
    "hsplit": lambda t: np.hsplit(t, 2),
    "hsplit of a row": lambda t: np.hsplit(t[0], [1]),
    "vsplit": lambda t: np.vsplit(t, 3),
    "dsplit": lambda t: np.dsplit(np.stack([t, t], axis=2), 2),
    "unstack": lambda t: np.unstack(t, axis=1),
    "atleast_1d": lambda t: np.atleast_1d(t, t[0], t[0, 0]),
    "atleast_2d": lambda t: np.atleast_2d(t, t[0], t[0, 0], t[0, :0]),
    "atleast_3d": lambda t: np.atleast_3d(t, t[0], t[0, 0], t[:, :0]),
    "broadcast_arrays": lambda t: np.broadcast_arrays(t, t[0], t[0, 0]),
    "meshgrid": lambda t: np.meshgrid(t[0], t[1, :2]),
    "meshgrid of matrices": lambda t: np.meshgrid(t, t[0], t[1, 0], indexing="ij"),
    "meshgrid, sparse": lambda t: np.meshgrid(t[0], t[1, :2], t[2, :3], sparse=True),
    "meshgrid of one": lambda t: np.meshgrid(t[0]),
}


@pytest.mark.parametrize("call", MANY.values(), ids=MANY)
def test_the_answers_are_numpy_s(call):
    expected, ours = call(X), call(tt.Tensor(X))
    assert type(ours) is type(expected)
    assert len(ours) == len(expected)
    for a, b in zip(ours, expected, strict=True):
        compared(a, b, np.float64)


PLAIN = {
    "argsort": lambda t: np.argsort(t, axis=0),
    "argpartition": lambda t: np.argpartition(t, 2, axis=None),
    "searchsorted": lambda t: np.searchsorted(np.arange(9.0), t),
    "searchsorted in it": lambda t: np.searchsorted(np.sort(t[0]), 2.5),
    "digitize": lambda t: np.digitize(t, [0.0, 3.0]),
    "argwhere": lambda t: np.argwhere(t > 4),
    "argwhere of a tensor": lambda t: np.argwhere(t),
    "flatnonzero": lambda t: np.flatnonzero(t),
    "isin": lambda t: np.isin(t, [1.0, 2.0]),
    "bincount": lambda t: np.bincount(np.abs(t).astype(np.int64).ravel()),
    "bincount with weights": lambda t: np.bincount(t[0].astype(np.int64), np.ones(4)),
}


@pytest.mark.parametrize("call", PLAIN.values(), ids=PLAIN)
def test_what_has_no_gradient_is_a_plain_array(call):
    expected, ours = call(X), call(tt.Tensor(X, requires_grad=True))
    assert not isinstance(ours, tt.Tensor)
    np.testing.assert_array_equal(ours, expected)


def test_index_helpers_are_plain():
    square, i = tt.Tensor(np.ones((3, 3))), tt.Tensor([0, 2])
    for function in (np.tril_indices_from, np.triu_indices_from, np.diag_indices_from):
        for a, b in zip(function(square), function(square.data), strict=True):
            assert not isinstance(a, tt.Tensor)
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(square[np.ix_(i, i)].data, np.ones((2, 2)))
    np.testing.assert_array_equal(np.unravel_index(i, (2, 2)), np.unravel_index(i.data, (2, 2)))


def test_unique_tells_positions_and_counts():
    array = np.array([3.0, 1.0, 3.0, 2.0])
    t = tt.Tensor(array, requires_grad=True)
    values, *answers = np.unique(t, return_index=True, return_inverse=True, return_counts=True)
    expected = np.unique(array, return_index=True, return_inverse=True, return_counts=True)
    for a, b in zip([values.data, *answers], expected, strict=True):
        assert isinstance(a, np.ndarray)
        np.testing.assert_array_equal(a, b)
    values.backward([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(t.grad, [100.0, 1.0, 0.0, 10.0])  # the first of equals


# --------------------------------------------------------------------------------------- refusals

REFUSED = {
    "put": (lambda t: np.put(t, [0], 5.0), TypeError, r"put.*x\.at\[i\]\.set\(v\)"),
    "place": (lambda t: np.place(t, t > 1, 5.0), TypeError, r"place.*x\.at"),
    "copyto": (lambda t: np.copyto(t, 5.0), TypeError, r"copyto.*x\.at"),
    "copyto an array": (lambda t: np.copyto(np.zeros((3, 4)), t), TypeError, r"copyto.*x\.at"),
    "putmask": (lambda t: np.putmask(t, t > 1, 5.0), TypeError, r"putmask.*x\.at"),
    "put_along_axis": (lambda t: np.put_along_axis(t, np.zeros((3, 1), int), 1.0, 1), TypeError, r"x\.at"),
    "fill_diagonal": (lambda t: np.fill_diagonal(t, 5.0), TypeError, r"fill_diagonal.*x\.at"),
    "resize": (lambda t: np.resize(t, (9,)), TypeError, r"resize.*np\.tile"),
    "ascontiguousarray": (lambda t: np.ascontiguousarray(t), RuntimeError, "graph would be lost"),
    "full_like of an array": (lambda t: np.full_like(np.ones(3), t[0, 0]), TypeError, "copyto"),
    "take with out=": (lambda t: np.take(t, [0], out=np.zeros(1)), TypeError, "take.*out="),
    "compress with out=": (lambda t: np.compress([1], t, out=np.zeros(1)), TypeError, "compress.*out="),
    "choose with out=": (lambda t: np.choose([0, 0, 0, 0], t, out=np.zeros(4)), TypeError, "choose.*out="),
    "concatenate with out=": (lambda t: np.concatenate([t, t], out=np.zeros((6, 4))), TypeError, "concatenate.*out="),
    "concatenate with dtype=": (lambda t: np.concatenate([t], dtype=np.float32), TypeError, "concatenate.*astype"),
    "hstack with dtype=": (lambda t: np.hstack([t], dtype=np.float32), TypeError, "hstack.*dtype"),
    "vstack with casting=": (lambda t: np.vstack([t], casting="unsafe"), TypeError, "vstack.*casting"),
    "sort by fields": (lambda t: np.sort(t, order="a"), TypeError, "sort.*order="),
    "ravel by memory": (lambda t: np.ravel(t, order="K"), TypeError, "ravel.*memory"),
    "reshape by memory": (lambda t: np.reshape(t, -1, order="A"), TypeError, "reshape.*memory"),
    "reshape with copy=": (lambda t: np.reshape(t, -1, copy=True), TypeError, "copy"),
    "pad with ramps": (lambda t: np.pad(t, 1, "linear_ramp"), TypeError, "pad.*linear_ramp.*edge"),
    "pad with means": (lambda t: np.pad(t, 1, "mean", stat_length=2), TypeError, "stat_length"),
    "pad by a function": (lambda t: np.pad(t, 1, lambda *a: None), TypeError, "pad.*mode"),
    "pad oddly": (lambda t: np.pad(t, 1, "reflect", reflect_type="odd"), TypeError, "reflect_type"),
    "edges and constants": (lambda t: np.pad(t, 1, "edge", constant_values=3.0), TypeError, "constant_values"),
    "insert floats into integers": (lambda t: np.insert(np.ones(3, int), 0, t[0, 0]), TypeError, "float64 does not fit"),
    "unique in another order": (lambda t: np.unique(t, sorted=False), TypeError, "sorted"),
    "full_like with a wider kind": (lambda t: np.full_like(t.astype(np.int64), t[0, 0]), TypeError, "full_like.*int64"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_written_raises_at_the_call(call, error, message):
    with pytest.raises(error, match=message):
        call(tt.Tensor(X, requires_grad=True))


WRONG = {
    "take beyond": lambda t: np.take(t, [99]),
    "take by a float": lambda t: np.take(t, np.array([0.5])),
    "take along no axis": lambda t: np.take(t, 0, axis=2),
    "take in a mode": lambda t: np.take(t, 0, mode="round"),
    "take from nothing": lambda t: np.take(t[:0], 0, axis=0, mode="wrap"),
    "take_along_axis by floats": lambda t: np.take_along_axis(t, np.ones((3, 4)), 0),
    "take_along_axis of fewer axes": lambda t: np.take_along_axis(t, np.array([0]), 0),
    "compress by a matrix": lambda t: np.compress([[True]], t),
    "compress beyond": lambda t: np.compress([False] * 4 + [True], t, axis=0),
    "choose beyond": lambda t: np.choose([3, 0, 0, 0], t),
    "choose below": lambda t: np.choose([-1, 0, 0, 0], t),
    "choose by floats": lambda t: np.choose([0.5, 0, 0, 0], t),
    "select of unequal lists": lambda t: np.select([t > 1], [t, t]),
    "select of numbers": lambda t: np.select([np.ones((3, 4))], [t]),
    "repeat less than never": lambda t: np.repeat(t, -1),
    "repeat by a list of another length": lambda t: np.repeat(t, [1, 2], axis=0),
    "delete beyond": lambda t: np.delete(t, 9, axis=0),
    "insert beyond": lambda t: np.insert(t, 9, 1.0, axis=0),
    "insert what does not fit": lambda t: np.insert(t, 0, t[0, :3], axis=0),
    "roll along no axis": lambda t: np.roll(t, 1, axis=5),
    "rot90 in one axis": lambda t: np.rot90(t, axes=(0, 0)),
    "rot90 in three": lambda t: np.rot90(t, axes=(0, 1, 1)),
    "fliplr of a row": lambda t: np.fliplr(t[0]),
    "flipud of a number": lambda t: np.flipud(t[0, 0]),
    "diag of a cube": lambda t: np.diag(t[None]),
    "diagonal of a row": lambda t: np.diagonal(t[0]),
    "diagonal of one axis": lambda t: np.diagonal(t, 0, 1, 1),
    "tril of a number": lambda t: np.tril(t[0, 0]),
    "vander of a matrix": lambda t: np.vander(t),
    "pad by what does not fit": lambda t: np.pad(t, [(1, 1)] * 3, "edge"),
    "pad less than nothing": lambda t: np.pad(t, -1, "wrap"),
    "pad nothing with itself": lambda t: np.pad(t[:0], 1, "edge"),
    "hstack of unequal heights": lambda t: np.hstack([t, t[:2]]),
    "hstack of a matrix and a row": lambda t: np.hstack([t, t[0]]),
    "vstack of unequal widths": lambda t: np.vstack([t, t[:, :2]]),
    "block of tuples": lambda t: np.block(([t], [t])),
    "block of unequal depths": lambda t: np.block([[t], t]),
    "block with an empty list": lambda t: np.block([[t], []]),
    "block that does not fit": lambda t: np.block([[t, t], [t]]),
    "split unequally": lambda t: np.split(t, 2),
    "array_split into none": lambda t: np.array_split(t, 0),
    "split along no axis": lambda t: np.split(t, 1, axis=3),
    "vsplit of a row": lambda t: np.vsplit(t[0], 2),
    "hsplit of a number": lambda t: np.hsplit(t[0, 0], 1),
    "dsplit of a matrix": lambda t: np.dsplit(t, 2),
    "unstack a number": lambda t: np.unstack(t[0, 0]),
    "broadcast what does not fit": lambda t: np.broadcast_arrays(t, t.T),
    "meshgrid in an indexing": lambda t: np.meshgrid(t[0], indexing="yx"),
    "rollaxis beyond": lambda t: np.rollaxis(t, 0, 3),
    "weights of another length": lambda t: np.bincount([0, 1], t[0]),
    "bincount of negatives": lambda t: np.bincount([-1, 1, 1, 1], t[0]),
    "partition beyond": lambda t: np.partition(t, 9),
    "concatenate nothing": lambda t: np.concatenate(t[:0]),
}  # fmt: skip


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_what_numpy_refuses_is_refused(call):
    with pytest.raises((TypeError, ValueError, IndexError)) as expected:
        call(X)
    with pytest.raises(expected.type):
        call(tt.Tensor(X, requires_grad=True))


# ------------------------------------------------------------------------------ kinks, and methods


def test_equals_keep_their_order_in_a_sort_as_in_torch():
    data = [2.0, 1.0, 2.0, 1.0, 2.0]
    x, y = tt.Tensor(data, requires_grad=True), torch.tensor(data, dtype=torch.float64, requires_grad=True)
    np.sort(x).backward(np.arange(5.0))
    torch.sort(y, stable=True).values.backward(torch.arange(5.0, dtype=torch.float64))
    np.testing.assert_array_equal(x.grad, y.grad.numpy())


def test_nan_is_sorted_to_the_end_with_its_gradient():
    x = tt.Tensor([np.nan, 2.0, 1.0], requires_grad=True)
    out = np.sort(x)
    np.testing.assert_array_equal(out.data, [1.0, 2.0, np.nan])
    out.backward([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(x.grad, [100.0, 10.0, 1.0])


def test_triangles_cut_off_what_is_not_finite():
    x = tt.Tensor([[1.0, np.inf], [np.nan, 2.0]], requires_grad=True)
    np.diagonal(np.triu(np.tril(x))).sum().backward()
    np.testing.assert_array_equal(x.grad, np.eye(2))


def test_pad_with_a_dict():
    x = tt.Tensor(X, requires_grad=True)
    out = np.pad(x, {-1: (1, 2), 0: 1}, constant_values=3.0)
    np.testing.assert_array_equal(out.data, np.pad(X, ((1, 1), (1, 2)), constant_values=3.0))
    out.backward(np.arange(out.size, dtype=float).reshape(out.shape))
    np.testing.assert_array_equal(x.grad, np.arange(35.0).reshape(5, 7)[1:4, 1:5])


def test_vander_keeps_float32_where_numpy_widens():
    for array in (X[0], X[0].astype(np.float32)):
        for options in ({}, {"N": 3}, {"N": 0}, {"N": 2, "increasing": True}):
            compared(
                np.vander(tt.Tensor(array), **options), np.vander(array, **options).astype(array.dtype), array.dtype
            )


def test_a_copy_is_a_copy():
    x = tt.Tensor(X.copy(), requires_grad=True)
    y = x.copy()
    assert not np.shares_memory(x.data, y.data)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.ones_like(X))
    assert not np.shares_memory(x.clone().data, x.data)


METHODS = {
    "take": lambda t: t.take([0, -1], axis=1),
    "compress": lambda t: t.compress([False, True, True], axis=0),
    "repeat": lambda t: t.repeat(2, axis=1),
    "sort": lambda t: np.sort(t, axis=0) if isinstance(t, np.ndarray) else t.sort(0),
    "sort flat": lambda t: np.sort(t, axis=None) if isinstance(t, np.ndarray) else t.sort(axis=None),
    "argsort": lambda t: t.argsort(axis=0),
    "argpartition": lambda t: t.argpartition(1),
    "partition": lambda t: np.partition(t, 1) if isinstance(t, np.ndarray) else t.partition(1),
    "searchsorted": lambda t: np.sort(t[0]).searchsorted([2.0]),
    "nonzero": lambda t: np.stack(t.nonzero()),
    "diagonal": lambda t: t.diagonal(1),
    "copy": lambda t: t.copy(),
    "choose": lambda t: t[0, :2].astype(np.int64).choose([[5.0, 6.0]] * 4),
}
TORCH_METHODS = {
    "tile": (lambda t: t.tile(2, 1), lambda t: t.tile(2, 1)),
    "tile by a tuple": (lambda t: t.tile((2, 1)), lambda t: t.tile((2, 1))),
    "roll": (lambda t: t.roll(1, 0), lambda t: t.roll(1, 0)),
    "rot90": (lambda t: t.rot90(), lambda t: t.rot90()),
    "fliplr": (lambda t: t.fliplr(), lambda t: t.fliplr()),
    "flipud": (lambda t: t.flipud(), lambda t: t.flipud()),
    "permute": (lambda t: t.permute(1, 0), lambda t: t.permute(1, 0)),
    "permute by a tuple": (lambda t: t.permute((1, 0)), lambda t: t.permute((1, 0))),
    "unbind": (lambda t: t.unbind(1)[2], lambda t: t.unbind(1)[2]),
    "diag": (lambda t: t.diag(1), lambda t: t.diag(1)),
    "tril": (lambda t: t.tril(-1), lambda t: t.tril(-1)),
    "triu": (lambda t: t.triu(1), lambda t: t.triu(1)),
    "kron": (lambda t: t.kron(t), lambda t: t.kron(t)),
    "clone": (lambda t: t.clone(), lambda t: t.clone()),
    "take_along_axis": (lambda t: t.take_along_axis(np.array([[1], [0], [2]]), 1), lambda t: t.take_along_dim(torch.tensor([[1], [0], [2]]), 1)),
}  # fmt: skip


@pytest.mark.parametrize("call", METHODS.values(), ids=METHODS)
def test_methods_of_arrays(call):
    ours = call(tt.Tensor(X))
    np.testing.assert_array_equal(ours.data if isinstance(ours, tt.Tensor) else ours, call(X))


@pytest.mark.parametrize(("ours", "theirs"), TORCH_METHODS.values(), ids=TORCH_METHODS)
def test_methods_of_torch(ours, theirs):
    np.testing.assert_array_equal(ours(tt.Tensor(X)).data, theirs(torch.tensor(X)).numpy())


def test_the_old_name_row_stack_still_works():
    if hasattr(np, "row_stack"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert np.row_stack([tt.Tensor(X), tt.Tensor(X)]).shape == (6, 4)  # noqa: NPY201
