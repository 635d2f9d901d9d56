"""NumPy's protocols: its functions work on Tensors, and nothing leaves the graph silently."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import tinytensor as tt


def leaf(data=((1.0, 2.0), (3.0, 4.0)), **options):
    return tt.Tensor(np.array(data), requires_grad=True, **options)


def test_functions_differentiate():
    t = leaf()
    out = np.sum(np.exp(t), axis=1)
    assert isinstance(out, tt.Tensor)
    out.backward([1.0, 10.0])
    np.testing.assert_allclose(t.grad, np.exp(t.data) * [[1.0], [10.0]])


def test_sequences_mix_tensors_and_arrays():
    t, a = leaf(), np.ones((1, 2))
    joined = np.concatenate([a, t, a])
    assert isinstance(joined, tt.Tensor)
    joined.backward(np.arange(8.0).reshape(4, 2))
    np.testing.assert_array_equal(t.grad, [[2.0, 3.0], [4.0, 5.0]])


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.sum(t, 1),
        lambda t: np.sum(a=t, axis=1),
        lambda t: np.sum(t, axis=1, out=None),
        lambda t: np.add(t, t, out=None)[:, 0],
        lambda t: np.clip(a=t, a_min=0.0, a_max=9.0)[0],
        lambda t: np.clip(t, min=0.0)[0],
        lambda t: np.concatenate([t, t], 0)[0],
        lambda t: np.reshape(t, shape=(4,)) if np.__version__ >= "2.1" else np.reshape(t, (4,)),
        lambda t: np.mean(t, dtype=np.float64, axis=0),
    ],
)
def test_arguments_by_keyword(call):
    t = leaf()
    out = call(t)
    assert isinstance(out, tt.Tensor)
    out.sum().backward()
    assert t.grad.shape == (2, 2)
    assert t.grad.any()


def test_numpy_2_names_are_the_same_functions():
    t = leaf()
    for new, old in [
        (np.concat([t, t]), np.concatenate([t, t])), (np.pow(t, 2.0), np.power(t, 2.0)),
        (np.permute_dims(t, (1, 0)), t.T), (np.matrix_transpose(t), t.mT), (np.linalg.matrix_transpose(t), t.mT),
        (np.abs(t), abs(t)), (np.amax(t), t.max()), (np.amin(t), t.min()), (np.true_divide(t, 2.0), t / 2.0),
    ]:  # fmt: skip
        np.testing.assert_array_equal(new.data, old.data)
        assert new._op == old._op


ESCAPES = {
    "np.array of tensors": (lambda t: np.array([t, t]), RuntimeError, r"np\.stack.*detach"),
    "np.asarray": (lambda t: np.asarray(t), RuntimeError, "graph would be lost"),
    "out= of a ufunc": (lambda t: np.add(t, 1.0, out=np.zeros((2, 2))), TypeError, "add.*out=.*returned tensor"),
    "out= of a function": (lambda t: np.sum(t, out=np.zeros(())), TypeError, "sum.*out="),
    "out= of clip": (lambda t: np.clip(t, 0, 1, out=np.zeros((2, 2))), TypeError, "clip.*out="),
    "out= of dot": (lambda t: np.dot(t, t, out=np.zeros((2, 2))), TypeError, "dot.*out="),
    "out= of matmul": (lambda t: np.matmul(t, t, out=np.zeros((2, 2))), TypeError, "matmul.*out="),
    "where= of a ufunc": (lambda t: np.exp(t, where=t > 1), TypeError, r"exp.*where=.*np\.where"),
    "where= of a sum": (lambda t: np.sum(t, where=t > 1), TypeError, r"sum.*where=.*np\.where"),
    "initial=": (lambda t: np.sum(t, initial=3.0), TypeError, "initial="),
    "dtype= of a ufunc": (lambda t: np.exp(t, dtype=np.float32), TypeError, r"dtype=.*astype"),
    "a ufunc's method": (lambda t: np.add.reduce(t), TypeError, r"add.*\.reduce.*np\.sum"),
    "an array += a tensor": (lambda t: np.zeros((2, 2)).__iadd__(t), TypeError, "out="),
    "a function without a rule": (lambda t: np.fft.fft(t), NotImplementedError, "fft.*Adding an operation"),
    "a ufunc without a rule": (lambda t: np.frexp(t), NotImplementedError, r"frexp has no gradient rule.*tensor\.data"),
    "a keyword without a rule": (
        lambda t: np.var(t, mean=1.0),
        TypeError,
        "var.*mean=",
    ),
    "a list of tensors as an array": (lambda t: np.add(t, [t[0], t[1]]), TypeError, r"np\.stack"),
    "a nested list of tensors": (lambda t: np.stack([[t, t], [t, t]]), RuntimeError, r"np\.stack"),
    "a complex result": (lambda t: t * 1j, TypeError, "multiply.*complex128"),
    "float() of many": (lambda t: float(t), ValueError, r"one element.*\(2, 2\)"),
    "an operand of another library's kind": (
        lambda t: t + np.ma.masked_array([1.0, 2.0], [True, False]),
        TypeError,
        "masked",
    ),
    "Tensor of a tensor": (lambda t: tt.Tensor(t), TypeError, "detach"),
    "an array with a mask": (lambda t: tt.Tensor(np.ma.masked_array([1.0], [True])), TypeError, "masked"),
    "fractions": (lambda t: t * Fraction(1, 2), TypeError, "object"),
    "an array of objects": (lambda t: t * np.array([1, 2], dtype=object), TypeError, "object"),
    "astype(object)": (lambda t: t.astype(object), TypeError, "object"),
    "astype(text)": (lambda t: t.astype("U5"), TypeError, "not numbers|would be"),
    "out= of a comparison": (lambda t: np.less(t.data, 1.0, out=tt.zeros((2, 2))), TypeError, "out="),
    "an argument without a rule": (
        lambda t: tt.primitive(lambda x, k: x * k).defvjp(lambda g, out, x, k: g * k)(t, t),
        TypeError,
        "no rule for argument 1",
    ),
    "too many positional arguments": (lambda t: np.sum(t, 0, None, None, True), TypeError, "at most 3 positional"),
}


@pytest.mark.parametrize(("escape", "error", "message"), ESCAPES.values(), ids=ESCAPES)
def test_nothing_leaves_the_graph_silently(escape, error, message):
    with pytest.raises(error, match=message):
        escape(leaf())


def test_functions_without_a_rule_run_on_data():
    assert np.fft.fft(leaf().data).shape == (2, 2)


def test_operators_refuse_foreign_operands():
    for foreign in ("a", None, {}, object()):
        with pytest.raises(TypeError, match="add"):
            leaf() + foreign


def test_integer_tensors_compute_without_gradients():
    i = tt.Tensor([1, 2, 3])
    out = (i * 2 + 1).sum()
    assert out.item() == 15
    assert out.dtype == np.int64
    assert not out.requires_grad
    x = tt.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    (x * i).sum().backward()
    assert i.grad is None
    np.testing.assert_array_equal(x.grad, [1.0, 2.0, 3.0])


def test_complex_tensors_compute_without_gradients():
    assert (tt.Tensor([1j]) * tt.Tensor([1j])).tolist() == [-1 + 0j]


def test_lists_and_matrices_as_operands_are_arrays():
    for exponent in ([1.0, 0.0], (1.0, 0.0), np.array([1.0, 0.0])):
        x = leaf([2.0, 3.0])
        (x**exponent).sum().backward()
        np.testing.assert_array_equal(x.grad, [1.0, 0.0])
    x = leaf([2.0, 0.5])
    ([0.0, 3.0] ** x).sum().backward()
    np.testing.assert_allclose(x.grad, [0.0, np.log(3) * 3**0.5])
    x = leaf()
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    (x * matrix).sum().backward()  # elementwise: with a matrix in the rule it would be another product
    np.testing.assert_array_equal(x.grad, [[1.0, 2.0], [3.0, 4.0]])


def test_one_tensor_may_be_the_sequence():
    for join in (np.stack, np.concatenate, lambda t: np.stack(arrays=(t[0], t[1]))):
        x = leaf()
        out = join(x)
        np.testing.assert_array_equal(out.data, join(x.data))
        out.backward(g := np.arange(1.0, out.size + 1).reshape(out.shape))
        np.testing.assert_array_equal(x.grad.ravel(), g.ravel())


def test_plain_functions_of_several_tensors():
    i = tt.Tensor([1, 1])
    assert np.any(leaf(), axis=(0, 1))
    assert np.array_equal(np.argmax(leaf(), axis=1), i)


def test_reductions_of_0d_with_an_axis():
    for reduce in (np.max, np.min, np.prod, np.sum, np.mean):
        x = leaf(3.0)
        reduce(x).backward()
        assert x.grad == 1.0


def test_softmax_of_integers():
    assert tt.softmax(tt.Tensor([0, 0])).tolist() == [0.5, 0.5]
    assert tt.logsumexp(tt.Tensor([0, 0])).item() == np.log(2)
    assert tt.log_softmax(tt.Tensor([0, 0])).tolist() == [-np.log(2)] * 2


def test_an_empty_list_is_an_empty_index():
    x = leaf()
    assert x[[]].shape == (0, 2)
    x[[]].sum().backward()
    assert not x.grad.any()
