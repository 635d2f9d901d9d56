"""`gradcheck`: right gradients pass, wrong ones are named with their cause, kinks are told apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import tinytensor as tt
from tinytensor.operators import plain
from tinytensor.testing import FunctionError, GradientError, Tolerance, gradcheck
from tinytensor.testing.diagnose import likely_cause

from .cases import CASES

X = np.array([[0.3, -0.7, 1.1], [0.9, 0.2, -1.3]])
SQUARE = np.array([[0.3, -0.7], [0.9, 0.2]])


# ------------------------------------------------------------------------------ right gradients pass


ONE_TRIANGLE = {"cholesky", "eigh", "eigvalsh"}


@pytest.mark.parametrize("case", CASES, ids=repr)
@settings(max_examples=3)
@given(data=st.data())
def test_every_operation_passes(case, data):
    arrays, options = data.draw(case.draw)
    if case.name == "astype":
        return  # through float32: no difference quotient in float64 can be exact

    def function(*xs):
        # Their gradient is symmetric by convention, since they read one triangle only: give them symmetric input.
        xs = [(x + x.mT) / 2 for x in xs] if case.name in ONE_TRIANGLE else xs
        return case.ours(*xs, **options)

    assume(not any(np.isnan(a).any() for a in arrays))  # nan has rows in the conventions, and no derivative
    if sum(np.size(a) for a in arrays) <= 30:
        assert gradcheck(function, *arrays, order=2, layouts=["negative stride"])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_any_order(order):
    report = gradcheck(lambda x: np.exp(-x * x).sum(), [0.3, -0.7], order=order)
    assert report.elements == 2 * order
    assert not report.kinks


def test_several_outputs_and_constant_inputs():
    report = gradcheck(lambda x, k, y: (x[k] * y, np.tanh(y)), [1.0, 2.0], np.array([1, 1, 0]), [0.5, 0.1, 0.2])
    assert report.elements == 5
    assert str(report) == "<lambda>: 5 derivatives agree"


def test_large_inputs_are_sampled():
    report = gradcheck(lambda x: np.tanh(x @ x.T), np.linspace(-1, 1, 400).reshape(20, 20), max_elements=10)
    assert report.elements == 10


def test_tensors_and_numbers_are_inputs_too():
    assert gradcheck(lambda x, y: x**y, tt.Tensor([2.0, 3.0], dtype=np.float32), 1.5)


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_other_frameworks(framework):
    import jax.numpy as jnp

    module = {"torch": torch, "jax": jnp}[framework]
    assert gradcheck(lambda x, y: module.tanh(x) @ y, X, X.T, order=2, framework=framework)


# ------------------------------------------------------------------------- wrong gradients are named


def planted(forward, *vjps, **options):
    function = tt.primitive(forward)
    function.defvjp(*vjps, **options)
    return function


def product(left, right=lambda g, out, x, y: g * x):
    return planted(lambda x, y: x * y, left, right, broadcasts=True)


def matmul(left, right=lambda g, out, x, y: x.T @ g):
    return planted(lambda x, y: x @ y, left, right)


WRONG = {
    "a sign": (planted(np.sin, lambda g, out, x: -g * np.cos(x)), [X], "the sign is wrong"),
    "a factor": (planted(np.square, lambda g, out, x: g * x), [X], r"it is 0\.5 times .* a factor is wrong"),
    "a lost g": (planted(np.exp, lambda g, out, x: out), [X], "has lost its g"),
    "g twice": (planted(np.exp, lambda g, out, x: g * g * out), [X], "not proportional to the upstream gradient"),
    "a transpose": (matmul(lambda g, out, x, y: y @ g.T), [SQUARE, SQUARE + 1], "it is transposed"),
    "swapped operands": (product(lambda g, out, x, y: g * x, lambda g, out, x, y: g * y), [X, X + 2], "it is the gradient of operand 1: the operands are swapped"),
    "a mean for a sum": (planted(lambda x: x.sum(0), lambda g, out, x: np.broadcast_to(g / x.shape[0], x.shape)), [np.ones((4, 2))],
                         r"it is 0\.25 times"),
    "a mean over a broadcast axis": (product(lambda g, out, x, y: (g * y).mean(0)), [X[0], np.ones((4, 3))],
                                     "1/4 of what it should be: a mean where the sum over an axis of size 4 belongs"),
    "a factor of the operand too many": (planted(np.sin, lambda g, out, x: g * np.cos(x) * x), [X], "its operand as a factor too many"),
    "a factor of the output missing": (planted(np.exp, lambda g, out, x: g * np.ones_like(x)), [X], "lacks the output as a factor"),
    "nothing": (planted(np.exp, lambda g, out, x: g * 0), [X], "no gradient arrives at all"),
    "a reversal": (planted(lambda x: np.flip(x, 1).copy(), lambda g, out, x: g), [X], "reversed along axis 1"),
    "a mask": (planted(lambda x: x * 2, lambda g, out, x: g * 2 * (x > 0)), [X], "right in some elements and 0 in the others"),
}  # fmt: skip


@pytest.mark.parametrize(("function", "inputs", "cause"), WRONG.values(), ids=WRONG)
def test_the_cause_is_told(function, inputs, cause):
    with pytest.raises(GradientError, match=cause) as raised:
        gradcheck(function, *inputs)
    message = str(raised.value)
    for part in ("operand 0", "at index (0,", "reverse mode", "derivative", "relative error"):
        assert part in message
    assert isinstance(raised.value, AssertionError)


def test_the_error_in_full():
    with pytest.raises(GradientError) as raised:
        gradcheck(planted(lambda x: x**3, lambda g, out, x: g * 3 * x), [2.0])
    lines = str(raised.value).splitlines()
    assert lines[0] == "the gradient of <lambda> is wrong in operand 0 at index (0,), order 1"
    assert [line.split()[0] for line in lines[1:]] == ["reverse", "derivative", "likely"]
    assert "relative error 0.5)" in lines[2]


def test_a_wrong_shape_in_another_engine():
    class Forgetful:
        """An engine that forgets to sum over what it broadcast."""

        name = "forgetful"

        def tensor(self, array):
            return array

        def array(self, tensor):
            return np.asarray(tensor)

        def pullback(self, fn, weights):
            return lambda x, y: (weights[0] * y, weights[0] * x)

    with pytest.raises(
        GradientError, match=r"shape is \(4, 3\)\n  expected shape \(3,\)\n.*sum over the broadcast axis 0 is missing"
    ):
        gradcheck(lambda x, y: x * y, X[0], np.ones((4, 3)), framework=Forgetful())


def test_a_rule_that_is_right_at_first_order_only():
    detached = planted(np.square, lambda g, out, x: g * 2 * plain(x))
    assert gradcheck(detached, [0.5, 1.0])
    with pytest.raises(GradientError, match="order 2"):
        gradcheck(detached, [0.5, 1.0], order=2)


def test_a_rule_that_leaves_the_graph_of_g():
    severed = planted(np.sin, lambda g, out, x: plain(g) * np.cos(plain(x)))
    with pytest.raises(GradientError, match=r"forward and reverse mode of .* disagree"):
        gradcheck(severed, [0.5, 1.0])


def test_a_rule_that_depends_on_the_memory_layout():
    def careless(g, out, x):
        return g * np.cos(x) * (1.0 if plain(x).flags.writeable else 2.0)

    with pytest.raises(GradientError, match="depends on the memory layout: it is another for read-only"):
        gradcheck(planted(np.sin, careless), [0.5, 1.0])


def test_a_rule_that_treats_arrays_and_tensors_differently():
    two_faced = planted(np.sin, lambda g, out, x: g * np.cos(x) * (2.0 if isinstance(x, np.ndarray) else 1.0))
    with pytest.raises(GradientError, match=r"another in backward\(\) than in grad"):
        gradcheck(two_faced, [0.5, 1.0])


def test_a_wrong_gradient_in_few_of_many_elements():
    where = np.zeros(4000)
    where[17::50] = 1  # too few to be drawn, but random directions go through all of them
    function = planted(lambda x: x * x, lambda g, out, x: g * 2 * x * (1 - where))
    with pytest.raises(GradientError):
        gradcheck(function, np.linspace(1, 2, 4000), max_elements=3)


# ----------------------------------------------------------------------------- kinks are told apart


@pytest.mark.parametrize(
    ("function", "inputs", "kinks"),
    [
        (tt.relu, [[0.0, 1.0, -1.0]], [(1, 0, (0,))]),
        (lambda x: np.clip(x, 0, 1), [[0.5, 1.0, 2.0]], [(1, 0, (1,))]),
        (np.max, [[2.0, 2.0, 1.0]], []),  # differences from both sides give half, as the convention does
        (np.linalg.norm, [[0.0, 0.0]], []),  # central differences give its convention, 0
        (np.abs, [[0.0]], []),
        (lambda x: np.maximum(x, 1.0), [[1.0]], []),
        (np.floor_divide, [[0.5], [2.0]], []),
    ],
)
def test_kinks_are_reported_and_not_failures(function, inputs, kinks):
    report = gradcheck(function, *inputs)
    assert report.kinks == kinks


def test_a_wrong_rule_beside_a_kink_is_still_wrong():
    wrong_relu = planted(lambda x: np.maximum(x, 0), lambda g, out, x: g * (x > 0) * 2)
    with pytest.raises(GradientError, match=r"at index \(1,\)"):
        gradcheck(wrong_relu, [0.0, 1.0])


# ------------------------------------------------------------------------------------------ bad input


class Counter:
    calls = 0

    def __call__(self, x):
        Counter.calls += 1
        return x * Counter.calls


def changes_its_input(x):
    out = x * 2
    x.data[0] = 7.0
    return out


BAD = {
    "an array": (lambda x: x.data * 2, [1.0], FunctionError, "returns a ndarray, not a Tensor"),
    "in place": (changes_its_input, [1.0], FunctionError, "changes its input 0 in place"),
    "random": (Counter(), [1.0], FunctionError, "another result each time"),
    "nan": (lambda x: x * np.nan, [1.0], FunctionError, "returns nan"),
    "integers": (lambda x: x.astype(int), [1.0], FunctionError, "returns int64, which has no gradient"),
}


@pytest.mark.parametrize(("function", "x", "error", "message"), BAD.values(), ids=BAD)
def test_a_bad_function_is_told_in_one_sentence(function, x, error, message):
    with pytest.raises(error, match=message) as raised:
        gradcheck(function, x)
    assert "\n" not in str(raised.value)


ARGUMENTS = {
    "order 0": (lambda: gradcheck(np.sin, [1.0], order=0), ValueError, "order is 0"),
    "order 1.5": (lambda: gradcheck(np.sin, [1.0], order=1.5), ValueError, "order is 1.5"),
    "no function": (lambda: gradcheck([1.0], np.sin), TypeError, "the first argument is the function"),
    "no input": (lambda: gradcheck(np.sin), ValueError, "no floating input"),
    "integers only": (lambda: gradcheck(np.sin, [1, 2]), ValueError, "no floating input"),
    "text": (lambda: gradcheck(np.sin, "a"), TypeError, "input 0 is not an array of real numbers"),
    "complex": (lambda: gradcheck(np.sin, [1j]), TypeError, "complex128"),
    "a layout": (lambda: gradcheck(np.sin, [1.0], layouts=["upside down"]), ValueError, "unknown layouts"),
    "a framework": (lambda: gradcheck(np.sin, [1.0], framework="theano"), ValueError, "expected one of tinytensor"),
    "a framework of yours": (
        lambda: gradcheck(np.sin, [1.0], framework=object()),
        TypeError,
        "object lacks tensor, array, pullback",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_impossible_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_looser_tolerance_lets_more_through():
    slightly = planted(np.square, lambda g, out, x: g * 2.001 * x)
    with pytest.raises(GradientError):
        gradcheck(slightly, [1.0])
    assert gradcheck(slightly, [1.0], tolerance=Tolerance(0.01, 0.01))


def test_diagnosis_says_nothing_where_nothing_fits():
    rng = np.random.default_rng(0)
    assert likely_cause(rng.normal(size=5), rng.normal(size=5), [np.ones(5)]) == ""
