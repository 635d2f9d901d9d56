"""The lecture as tests: `Value` does what micrograd's does, with the same numbers."""

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import tinytensor as tt
from tinytensor import Tensor, Value


def gradients(output, *inputs):
    output.backward()
    return [x.grad for x in inputs]


def torch_scalar(number):
    return torch.tensor(float(number), dtype=torch.float64, requires_grad=True)


# ---------------------------------------------------------------------- micrograd's README and tests


def readme_expression(a, b):
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g


def test_readme_expression():
    a, b = Value(-4.0), Value(2.0)
    g = readme_expression(a, b)
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def sanity_check(x):
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    return h + q + q * x


@pytest.mark.parametrize("expression", [sanity_check, lambda x: readme_expression(x, x + 6)])
def test_one_input_against_torch(expression):
    x, x_torch = Value(-4.0), torch_scalar(-4.0)
    y, y_torch = expression(x), expression(x_torch)
    y.backward()
    y_torch.backward()
    assert y.data == pytest.approx(y_torch.item(), rel=1e-14)
    assert x.grad == pytest.approx(x_torch.grad.item(), rel=1e-14)


def test_more_operations_against_torch():
    a, b, a_torch, b_torch = Value(-4.0), Value(2.0), torch_scalar(-4.0), torch_scalar(2.0)
    g, g_torch = readme_expression(a, b), readme_expression(a_torch, b_torch)
    g.backward()
    g_torch.backward()
    assert g.data == pytest.approx(g_torch.item(), rel=1e-14)
    assert (a.grad, b.grad) == pytest.approx((a_torch.grad.item(), b_torch.grad.item()), rel=1e-14)


# ------------------------------------------------------------------------------------ the lecture


def test_first_expression():
    a, b, c = Value(2.0), Value(-3.0), Value(10.0)
    d = a * b + c
    assert repr(d) == "Value(data=4.0, grad=0.0)"
    assert d._op == "+"
    product, constant = sorted(d._prev, key=lambda v: v.data)
    assert constant is c
    assert product._op == "*"
    assert product._prev == {a, b}


def lecture_loss(a, b, c, f):
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    loss = d * f
    loss.label = "L"
    return loss, d, e


def test_loss_and_the_nudge():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c, f = Value(10.0, label="c"), Value(-2.0, label="f")
    loss, d, e = lecture_loss(a, b, c, f)
    assert loss.data == -8.0
    loss.backward()
    assert [v.grad for v in (a, b, c, e, d, f, loss)] == [6.0, -4.0, -2.0, -2.0, -2.0, 4.0, 1.0]
    for leaf in (a, b, c, f):
        leaf.data += 0.01 * leaf.grad
    nudged, _, _ = lecture_loss(a, b, c, f)
    assert nudged.data == pytest.approx(-7.286496, abs=1e-12)


@pytest.mark.parametrize("name", ["a", "b", "c", "f"])
def test_gradients_are_what_a_small_step_measures(name):
    start = {"a": 2.0, "b": -3.0, "c": 10.0, "f": -2.0}
    step = 1e-6
    values = {key: Value(number) for key, number in start.items()}
    loss, _, _ = lecture_loss(**values)
    loss.backward()
    moved = {key: Value(number + (step if key == name else 0.0)) for key, number in start.items()}
    measured = (lecture_loss(**moved)[0].data - loss.data) / step
    assert values[name].grad == pytest.approx(measured, rel=1e-6)


class TwoInputNeuron:
    def __init__(self, decomposed):
        self.x1, self.x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
        self.w1, self.w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
        self.b = Value(6.8813735870195432, label="b")
        self.x1w1, self.x2w2 = self.x1 * self.w1, self.x2 * self.w2
        self.sum = self.x1w1 + self.x2w2
        self.n = self.sum + self.b
        if decomposed:
            e = (2 * self.n).exp()
            self.o = (e - 1) / (e + 1)
        else:
            self.o = self.n.tanh()

    def check(self):
        assert f"{self.o.data:.4f}" == "0.7071"
        assert self.n.data == pytest.approx(0.8814, abs=5e-5)
        assert self.n.grad == pytest.approx(0.5)
        found = [v.grad for v in (self.x1, self.w1, self.x2, self.w2)]
        assert found == pytest.approx([-1.5, 1.0, 0.5, 0.0], abs=1e-14)


@pytest.mark.parametrize("decomposed", [False, True], ids=["tanh", "exp"])
def test_two_input_neuron(decomposed):
    neuron = TwoInputNeuron(decomposed)
    neuron.o.backward()
    neuron.check()


def test_two_input_neuron_step_by_step():
    neuron = TwoInputNeuron(decomposed=False)
    neuron.o.grad = 1.0
    neuron.o._backward()
    assert neuron.n.grad == pytest.approx(0.5)
    for node in (neuron.n, neuron.b, neuron.sum, neuron.x2w2, neuron.x1w1):
        node._backward()
    neuron.check()


def test_two_input_neuron_with_the_lecture_s_own_loop():
    neuron = TwoInputNeuron(decomposed=True)
    order, visited = [], set()

    def build(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build(child)
            order.append(v)

    build(neuron.o)
    neuron.o.grad = 1.0
    for node in reversed(order):
        node._backward()
    neuron.check()


def test_a_value_used_twice():
    a = Value(3.0)
    assert gradients(a + a, a) == [2.0]
    a, b = Value(-2.0), Value(3.0)
    assert gradients((a * b) * (a + b), a, b) == [-3.0, -8.0]


def test_leaves_accumulate_and_results_do_not():
    a = Value(3.0)
    square = a * a
    double = square * 2
    double.backward()
    double.backward()
    assert (a.grad, square.grad, double.grad) == (24.0, 2.0, 1.0)
    a.grad = 0.0
    double.backward()
    assert a.grad == 12.0


# ------------------------------------------------------------------- operations written by hand


def tanh_by_hand(self):
    x = self.data
    t = (math.exp(2 * x) - 1) / (math.exp(2 * x) + 1)
    out = Value(t, (self,), "tanh")

    def _backward():
        self.grad += (1 - t**2) * out.grad

    out._backward = _backward
    return out


def mul_by_hand(self, other):
    out = Value(self.data * other.data, (self, other), "*")

    def _backward():
        self.grad += other.data * out.grad
        other.grad += self.data * out.grad

    out._backward = _backward
    return out


def test_operation_by_hand_among_the_others():
    by_hand, ours = Value(0.4), Value(0.4)
    result, expected = tanh_by_hand(by_hand * 2) * by_hand, (ours * 2).tanh() * ours
    result.backward()
    expected.backward()
    assert result.data == pytest.approx(expected.data, rel=1e-14)
    assert by_hand.grad == pytest.approx(ours.grad, rel=1e-14)


def test_operation_by_hand_used_twice_and_repeated():
    a, b = Value(-2.0), Value(3.0)
    product = mul_by_hand(a, b)
    total = product * product + mul_by_hand(product, a)
    total.backward()
    first = (a.grad, b.grad)
    assert first == (2 * -6.0 * 3.0 + 2 * -2.0 * 3.0, 2 * -6.0 * -2.0 + 4.0)
    total.backward()
    assert (a.grad, b.grad) == (2 * first[0], 2 * first[1])


def test_operation_by_hand_is_labelled():
    a = Value(0.4, label="a")
    out = tanh_by_hand(a)
    assert (out._op, out._prev, out.label) == ("tanh", {a}, "")


# ------------------------------------------------------------------------------- drawing a graph


def trace(root):
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


def test_drawing_a_graph():
    neuron = TwoInputNeuron(decomposed=False)
    neuron.o.backward()
    nodes, edges = trace(neuron.o)
    assert len(nodes) == 10
    assert len(edges) == 9
    assert {v.label for v in nodes} == {"x1", "x2", "w1", "w2", "b", ""}
    assert sorted(v._op for v in nodes if v._op) == ["*", "*", "+", "+", "tanh"]
    text = f"{{ {neuron.w1.label} | data {neuron.w1.data:.4f} | grad {neuron.w1.grad:.4f} }}"
    assert text == "{ w1 | data -3.0000 | grad 1.0000 }"


def test_constants_are_nodes_and_exponents_are_not():
    a = Value(2.0)
    assert sorted(v.data for v in (a + 5)._prev) == [2.0, 5.0]
    assert (a**3)._prev == {a}
    assert (a * a)._prev == {a}
    assert a._prev == set()


@pytest.mark.parametrize(
    ("expression", "symbol"),
    [
        (lambda a: a, ""),
        (lambda a: a + 1, "+"),
        (lambda a: 1 + a, "+"),
        (lambda a: a - 1, "+"),
        (lambda a: a * 2, "*"),
        (lambda a: a / 2, "*"),
        (lambda a: -a, "*"),
        (lambda a: a**3, "**3"),
        (lambda a: a**-1, "**-1"),
        (lambda a: a**0.5, "**0.5"),
        (lambda a: a**a, "**"),
        (lambda a: 2**a, "**"),
        (lambda a: a.exp(), "exp"),
        (lambda a: a.tanh(), "tanh"),
        (lambda a: a.relu(), "ReLU"),
    ],
)
def test_op(expression, symbol):
    assert expression(Value(2.0))._op == symbol


# ----------------------------------------------------------------------- what a Value is made of


def test_constructor():
    child = Value(1.0)
    v = Value(3, (child,), "op", "name")
    assert (v.data, v.grad, v._prev, v._op, v.label) == (3.0, 0.0, {child}, "op", "name")
    bare = Value(3)
    assert (bare._prev, bare._op, bare.label) == (set(), "", "")
    assert type(bare.data) is float
    assert type(bare.grad) is float


@pytest.mark.parametrize(
    "number",
    [2, 2.0, True, np.float64(2), np.float32(2), np.int64(2), np.uint8(2), np.array(2.0), Tensor(2.0)],
    ids=lambda number: type(number).__name__,
)
def test_constructor_takes_one_number(number):
    v = Value(number)
    assert v.data == float(number)
    assert type(v.data) is float


def test_data_grad_and_label_are_assignable():
    v = Value(2)
    v.data, v.grad, v.label = np.float32(0.5), 3, "v"
    assert repr(v) == "Value(data=0.5, grad=3.0)"
    assert v.label == "v"
    v.data -= 0.25
    v.grad = None  # PyTorch's way to clear it
    assert repr(v) == "Value(data=0.25, grad=0.0)"


def test_formatting():
    v = Value(0.70710678)
    assert "%.4f" % v.data == "0.7071"  # noqa: UP031 the lecture's way
    assert "%.4f" % v == "0.7071"  # noqa: UP031
    assert f"{v.data:.4f} {v:.4f} {v:8.2f}" == "0.7071 0.7071     0.71"
    assert f"{v}" == str(v) == repr(v) == "Value(data=0.70710678, grad=0.0)"


def test_sets_and_dictionaries_go_by_identity():
    a, b = Value(1.0), Value(1.0)
    assert len({a, b, a}) == 2
    assert a in {a}
    assert b not in {a}
    assert {a: "a", b: "b"}[b] == "b"


def test_comparisons_are_those_of_the_numbers():
    a, b = Value(1.0), Value(2.0)
    assert a < b <= 2 < 3 > b > a >= 1
    assert a == 1.0
    assert a != b
    assert (a > 0) is True or type(a > 0) is bool
    assert max([a, b]) is b
    assert bool(a)
    assert not Value(0.0)


def test_conversions():
    v = Value(2.5)
    assert (float(v), int(v), v.item(), v.tolist()) == (2.5, 2, 2.5, 2.5)
    assert (v.shape, v.ndim, v.size, v.dtype) == ((), 0, 1, np.float64)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))], ids=["copy", "deepcopy", "pickle"]
)
def test_copies(again):
    v = Value(2.5, label="v")
    v.grad = 1.5
    other = again(v)
    assert type(other) is Value
    assert (other.data, other.grad, other.label) == (2.5, 1.5, "v")
    assert type(other.data) is float
    assert type(other.grad) is float
    other.data = 1.0
    assert v.data == 2.5


# ---------------------------------------------------------------------------------- its operators

OPERATORS = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: x**y,
}
NUMBERS = [3, 2.5, True, np.float64(2.5), np.float32(2.5), np.int64(3), np.int8(3), np.uint8(3), np.bool_(True)]


def number_name(number):
    return f"{type(number).__module__}.{type(number).__name__}"


@pytest.mark.parametrize("number", NUMBERS, ids=number_name)
@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_numbers_on_either_side(name, number, side):
    def compute(v, n):
        return OPERATORS[name](n, v) if side == "left" else OPERATORS[name](v, n)

    v, v_torch = Value(1.5), torch_scalar(1.5)
    result, expected = compute(v, number), compute(v_torch, float(number))
    assert type(result) is Value
    result.backward()
    expected.backward()
    assert result.data == pytest.approx(expected.item(), rel=1e-14)
    assert v.grad == pytest.approx(v_torch.grad.item(), rel=1e-14)
    assert type(result.data) is float
    assert type(v.grad) is float


def test_value_to_the_power_of_a_value():
    a, b = Value(2.0), Value(3.0)
    assert gradients(a**b, a, b) == pytest.approx([12.0, 8.0 * math.log(2.0)])
    assert type(b.grad) is float


def test_sums():
    a, b = Value(2.0), Value(3.0)
    total = sum([a, b, a])
    assert type(total) is Value
    assert total.data == 7.0
    assert gradients(total, a, b) == [2.0, 1.0]
    start = Value(10.0)
    assert gradients(sum((x * 2 for x in (a, b)), start), start) == [1.0]
    assert sum([a, b], 0.5).data == 5.5


@pytest.mark.parametrize(
    ("function", "against"),
    [
        (np.exp, torch.exp),
        (np.tanh, torch.tanh),
        (np.sin, torch.sin),
        (np.log, torch.log),
        (np.sqrt, torch.sqrt),
        (np.negative, torch.neg),
        (lambda v: v.log(), torch.log),
        (lambda v: v.sigmoid(), torch.sigmoid),
        (lambda v: tt.relu(v), torch.relu),
        (abs, abs),
    ],
)
def test_functions_of_one_value(function, against):
    v, v_torch = Value(0.7), torch_scalar(0.7)
    result, expected = function(v), against(v_torch)
    assert type(result) is Value
    result.backward()
    expected.backward()
    assert (result.data, v.grad) == pytest.approx((expected.item(), v_torch.grad.item()), rel=1e-14)
    assert type(v.grad) is float


def test_relu_at_and_below_zero():
    for x, out, slope in [(-1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (2.0, 2.0, 1.0)]:
        v = Value(x)
        assert (v.relu().data, *gradients(v.relu(), v)) == (out, slope)
    assert math.isnan(Value(math.nan).relu().data)


def test_in_place_operators_make_new_values():
    a = Value(2.0)
    b = a
    b += 1
    assert a.data == 2.0
    assert gradients(b * 3, a) == [3.0]


# ----------------------------------------------------------------- the 0-d special case of Tensor


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", [np.array, lambda x: Tensor(x, requires_grad=True)], ids=["ndarray", "Tensor"])
def test_with_arrays_it_is_a_tensor(name, side, kind):
    def compute(scalar, array):
        return OPERATORS[name](array, scalar) if side == "left" else OPERATORS[name](scalar, array)

    array, array_torch = kind([[1.0, 2.0, 4.0]]), torch.tensor([[1.0, 2.0, 4.0]], dtype=torch.float64)
    v, v_torch = Value(1.5), torch_scalar(1.5)
    result, expected = compute(v, array), compute(v_torch, array_torch)
    assert type(result) is Tensor
    assert result.shape == (1, 3)
    result.sum().backward()
    expected.sum().backward()
    assert np.allclose(result.data, expected.detach().numpy(), rtol=1e-14)
    assert v.grad == pytest.approx(v_torch.grad.item(), rel=1e-13)
    assert type(v.grad) is float


@pytest.mark.parametrize("kind", [np.array, Tensor], ids=["ndarray", "Tensor"])
def test_with_arrays_of_integers(kind):
    v = Value(3.0)
    divided = v / kind([2, 4])
    assert type(divided) is Tensor
    assert divided.tolist() == [1.5, 0.75]
    assert gradients(divided.sum(), v) == [0.75]
    assert (v - kind(np.array([2, 4], np.uint8))).tolist() == [1.0, -1.0]  # -2 is 254 in uint8


def test_gradients_flow_through_a_mixed_graph():
    w, x = Value(2.0), Tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = (x * w.tanh()).sum() * w
    y.backward()
    w_torch, x_torch = torch_scalar(2.0), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    ((x_torch * w_torch.tanh()).sum() * w_torch).backward()
    assert w.grad == pytest.approx(w_torch.grad.item(), rel=1e-14)
    assert np.allclose(x.grad, x_torch.grad.numpy(), rtol=1e-14)
    assert type(w.grad) is float


def test_a_value_is_a_weak_number_to_a_float32_tensor():
    w, x = Value(2.0), Tensor(np.ones(3, np.float32), requires_grad=True)
    y = x * w
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32
    assert w.grad == 3.0


def test_values_stacked_are_a_tensor():
    values = [Value(1.0), Value(2.0)]
    stacked = np.stack(values)
    assert type(stacked) is Tensor
    assert gradients((stacked * [3.0, 5.0]).sum(), *values) == [3.0, 5.0]


def test_no_grad_records_nothing():
    a = Value(2.0)
    with tt.no_grad():
        assert (a * 3)._prev == set()
    assert len((a * 3)._prev) == 2


# ------------------------------------------------------------------------------ second derivatives


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (lambda x: x**3, 2.0),
        (lambda x: x.tanh(), 0.5),
        (lambda x: (x * x).exp(), 0.5),
        (lambda x: x / (x + 1), 0.5),
        (lambda x: x**x, 1.5),
        (lambda x: 2**x, 1.5),
        (lambda x: (x * 3).relu() * x**3, 0.5),
    ],
)
def test_second_and_third_derivatives(function, at):
    x, x_torch = Value(at), torch_scalar(at)
    y, y_torch = function(x), function(x_torch)
    for _ in range(3):
        (y,) = tt.grad(y, x, create_graph=True)
        (y_torch,) = torch.autograd.grad(y_torch, x_torch, create_graph=True)
        assert type(y) is Value
        assert y.data == pytest.approx(y_torch.item(), rel=1e-12)
    assert x.grad == 0.0  # returned, not stored


# ------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        pytest.param(lambda: Value("x"), TypeError, "one real number, got 'x'", id="text"),
        pytest.param(lambda: Value(1j), TypeError, "one real number, got 1j", id="complex"),
        pytest.param(lambda: Value(np.complex64(1)), TypeError, "one real number", id="NumPy complex"),
        pytest.param(lambda: Value([1, 2]), TypeError, r"one real number, got \[1, 2\].*Tensor", id="list"),
        pytest.param(lambda: Value(np.ones(2)), TypeError, "one real number", id="array"),
        pytest.param(lambda: Value(None), TypeError, "one real number, got None", id="None"),
        pytest.param(lambda: setattr(Value(1), "data", "x"), TypeError, "one real number", id="data"),
        pytest.param(lambda: setattr(Value(1), "grad", [1.0]), TypeError, "one real number", id="grad"),
        pytest.param(lambda: Value(1) + "x", TypeError, "add", id="plus text"),
        pytest.param(lambda: "x" * Value(1), TypeError, "multiply", id="text times"),
        pytest.param(lambda: Value(1) + None, TypeError, "add", id="plus None"),
        pytest.param(lambda: Value(1) * 1j, TypeError, "multiply", id="times complex"),
        pytest.param(lambda: Value(0.0) ** -1, (ValueError, ZeroDivisionError), "power", id="0 ** -1"),
        pytest.param(lambda: 1 / Value(0.0), (ValueError, ZeroDivisionError), "power", id="1 / 0"),
        pytest.param(lambda: Value(1.0) / 0, ZeroDivisionError, "negative power", id="Value / 0"),
        pytest.param(lambda: Value(-2.0) ** 0.5, ValueError, r"power\(-2.0, 0.5\)", id="negative ** fraction"),
        pytest.param(lambda: Value(1000.0).exp(), OverflowError, r"exp\(1000.0\)", id="exp overflows"),
        pytest.param(lambda: len(Value(1.0)), TypeError, "0-d", id="len"),
        pytest.param(lambda: list(Value(1.0)), TypeError, "0-d", id="iteration"),
        pytest.param(lambda: Value(Value(1.0)), TypeError, "use it as it is, or its .data", id="a value with a graph"),
        pytest.param(lambda: np.array([Value(1.0), Value(2.0)]), RuntimeError, "np.stack", id="an array of values"),
    ],
)
def test_invalid_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_data_changed_after_the_forward_pass():
    a = Value(2.0)
    y = a * a
    a.data = 3.0
    with pytest.raises(RuntimeError, match=r"multiply.*changed"):
        y.backward()


# --------------------------------------------------------------------------------- deep and random


def test_a_deep_chain():
    x = Value(1.0)
    y = x
    for _ in range(50_000):
        y = y * 1.0 + 0.0
    y.backward()
    assert (y.data, x.grad) == (1.0, 1.0)


UNARY = {
    "negative": lambda x: -x,
    "tanh": lambda x: x.tanh(),
    "exp": lambda x: x.tanh().exp(),
    "relu": lambda x: x.relu(),
    "square": lambda x: x**2,
    "cube": lambda x: 0.5 * x**3,
    "reciprocal": lambda x: 1 / (x * x + 1),
    "root": lambda x: (x * x + 0.5) ** 0.5,
    "exponential": lambda x: 1.5 ** x.tanh(),
    "affine": lambda x: 3 - 2 * x / 4 + 1,
}
BINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / (y * y + 1),
    "power": lambda x, y: (x * x + 0.5) ** y.tanh(),
}
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(UNARY)), st.integers(0, 99)),
        st.tuples(st.sampled_from(sorted(BINARY)), st.integers(0, 99), st.integers(0, 99)),
    ),
    min_size=1,
    max_size=12,
)


def evaluate(leaves, program):
    """Each step takes earlier results, which may be used any number of times."""
    pool = list(leaves)
    for name, *places in program:
        operands = [pool[place % len(pool)] for place in places]
        if name == "relu":
            assume(abs(operands[0].item()) > 1e-6)  # away from the kink, where rounding decides
        pool.append((UNARY | BINARY)[name](*operands))
        assume(abs(pool[-1].item()) < 1e6)
    return sum(pool)


@given(leaves=st.lists(st.floats(-3, 3), min_size=1, max_size=3), program=steps)
def test_random_expressions_against_torch(leaves, program):
    ours, theirs = [Value(x) for x in leaves], [torch_scalar(x) for x in leaves]
    y, y_torch = evaluate(ours, program), evaluate(theirs, program)
    assert type(y) is Value
    assert y.data == pytest.approx(y_torch.item(), rel=1e-9, abs=1e-9)
    y.backward()
    y_torch.backward()
    for leaf, leaf_torch in zip(ours, theirs, strict=True):
        assert leaf.grad == pytest.approx(leaf_torch.grad.item(), rel=1e-9, abs=1e-9)
