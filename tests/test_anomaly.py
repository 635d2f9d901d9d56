"""detect_anomaly: the operation that made a NaN or an infinity is named, with its operands and the line."""

import re
import threading

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import AnomalyError, Value, engine, nn
from tinytensor.node import Node
from tinytensor.rules.table import RULES, Rule


def leaf(*values, dtype=np.float64):
    return tt.Tensor(np.array(values, dtype), requires_grad=True)


def caught(function):
    with pytest.raises(AnomalyError) as found, tt.detect_anomaly():
        function()
    return str(found.value)


FORWARD = {
    "log of zero": (lambda: np.log(leaf(1, 0)), "log: the result has -inf at [1], where x is 0.0"),
    "log of a negative": (lambda: np.log(leaf(1, -1)), "log: the result has nan at [1], where x is -1.0"),
    "division by zero": (lambda: leaf(1, 2) / leaf(1, 0), "divide: the result has inf at [1], where x is 2.0 and y is 0.0"),
    "overflow": (lambda: np.exp(leaf(0, 800)), "exp: the result has inf at [1], where x is 800.0"),
    "float32 overflow": (lambda: leaf(1e30, dtype=np.float32) ** 2, "where x is 1.0000000150474662e+30"),
    "broadcast": (lambda: leaf(1, 2) / tt.Tensor([[1.0], [0.0]]), "divide: the result has inf at [1, 0], where x is 1.0 and y is 0.0"),
    "a matrix product": (lambda: leaf(1e200, 1) @ leaf(1e200, 1), "matmul: the result has inf"),
    "without a gradient": (lambda: np.log(tt.Tensor([0.0])), "log: the result has -inf at [0]"),
    "a sequence": (lambda: np.concatenate([leaf(1), tt.Tensor([np.nan])]), "concatenate: its operand arrays[1] has nan at [0] already"),
    "NaN out of infinity": (lambda: leaf(1) * np.inf * 0.0, "multiply: the result has nan at [0], where x is inf and y is 0.0"),
    "given a NaN": (lambda: leaf(1, 2) * np.array([1.0, np.nan]), "multiply: its operand y has nan at [1] already: it was given so"),
    "a Value": (lambda: Value(1e200) * 1e200, "multiply: the result has inf, where x is 1e+200 and y is 1e+200"),
}  # fmt: skip


@pytest.mark.parametrize(("function", "words"), FORWARD.values(), ids=FORWARD)
def test_forward(function, words):
    assert words in caught(function)


BACKWARD = {
    "sqrt at zero": (lambda: np.sqrt(leaf(4, 0)).sum().backward(), "backward of sqrt: the gradient of x has inf at [1], where x is 0.0"),
    "a power": (lambda: (leaf(0) ** 0.5).sum().backward(), "backward of power: the gradient of x has inf at [0], where x is 0.0"),
    "overflow": (lambda: (leaf(1e-200) ** -1 * 1e150).sum().backward(), "backward of power: the gradient of x has -inf"),
    "create_graph": (lambda: (lambda x: tt.grad(np.sqrt(x).sum(), x, create_graph=True))(leaf(0)), "backward of sqrt: the gradient of x has inf"),
    "a seed": (lambda: (leaf(1) * 2).backward(gradient=[np.nan]), "backward of multiply: the gradient it starts from has nan at [0]"),
    "a Value": (lambda: (Value(0.0) ** 0.5).backward(), "backward of power: 0.0 cannot be raised to a negative power"),
}  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("function", "words"), BACKWARD.values(), ids=BACKWARD)
def test_backward(function, words):
    message = caught(function)
    assert words in message
    assert "line: test_anomaly.py" in message


def test_the_line_is_the_users():
    def loss(x):
        hidden = x - 1
        return np.log(hidden).sum()  # here

    assert re.search(
        r"line: test_anomaly\.py:\d+: return np\.log\(hidden\)\.sum\(\)  # here", caught(lambda: loss(leaf(1)))
    )


def test_a_layer_with_a_parameter_that_is_lost():
    model = nn.MLP(2, [4, 2])
    model.layers[1].weight.data[1, 2] = np.nan
    assert "linear: its operand weight has nan at [1, 2] already" in caught(lambda: model(np.ones((3, 2))))


WRITES = {
    "an operand": (lambda x, y: x.data.__setitem__(0, 5.0), "multiply: elements of its operand x were written"),
    "the result": (lambda x, y: y.data.__setitem__(0, 5.0), "multiply: elements of its result were written"),
}


@pytest.mark.parametrize(("write", "words"), WRITES.values(), ids=WRITES)
def test_element_writes(write, words):
    def function():
        x = leaf(1, 2)
        y = x * leaf(3, 4)
        write(x, y)
        y.sum().backward()

    message = caught(function)
    assert words in message
    assert "run forward again" in message
    function()  # without the mode it goes unnoticed, as the docs say


def test_noted_changes_keep_their_own_error():
    def function():
        x = leaf(1, 2)
        y = (x * 2).sum()
        x.data = [3.0, 4.0]
        y.backward()

    with pytest.raises(RuntimeError, match="was changed after the forward pass"), tt.detect_anomaly():
        function()


def test_infinities_on_purpose_pass():
    scores = leaf(1, 2, 3)
    with tt.detect_anomaly():
        masked = np.where(np.array([True, True, False]), scores, -np.inf)
        tt.softmax(masked)[0].backward()
    assert np.isfinite(scores.grad).all()


def test_the_gradients_are_the_same():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, 3)), rng.integers(0, 2, 8)
    model = nn.MLP(3, [5, 2], generator=rng)
    grads = []
    for checking in (False, True):
        model.zero_grad()
        loss = nn.cross_entropy(model(x), y) if not checking else None
        if checking:
            with tt.detect_anomaly():
                loss = nn.cross_entropy(model(x), y)
                loss.backward()
        else:
            loss.backward()
        grads.append([p.grad for p in model.parameters()])
    for plain, checked in zip(*grads, strict=True):
        np.testing.assert_array_equal(plain, checked)


def test_values_walk_the_same():
    def expression():
        a, b = Value(-4.0), Value(2.0)
        c = (a * b + b**3).tanh() * (a - b).relu() + (b / 3).exp()
        c.backward()
        return c.data, a.grad, b.grad

    plain = expression()
    with tt.detect_anomaly():
        assert expression() == plain


def test_nothing_is_left_behind():
    def places():
        return [
            Rule.__dict__["forward"],
            Node.__dict__["_operands"],
            engine.chain_rule,
            Value.backward,
            RULES[np.exp].forward,
        ]

    before = places()
    with tt.detect_anomaly(), tt.detect_anomaly():
        assert places() != before
    assert places() == before
    caught(lambda: np.log(leaf(0)))
    assert places() == before


def test_other_threads_are_not_checked():
    results = []

    def quiet():
        with np.errstate(all="ignore"):
            results.append(np.log(leaf(0)).data[0])

    with tt.detect_anomaly():
        thread = threading.Thread(target=quiet)
        thread.start()
        thread.join()
    assert results == [-np.inf]


def test_a_compiled_step_is_checked_operation_by_operation():
    model = nn.MLP(2, [4, 2])
    optimizer = tt.optim.SGD(model.parameters(), lr=0.1)

    @tt.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    x, y = np.ones((3, 2), np.float32), np.array([0, 1, 1])
    before = step(x, y).item()
    with tt.detect_anomaly():
        assert step(x, y).item() < before
    bad = np.full((3, 2), np.nan, np.float32)
    assert "linear_relu: its operand x has nan at [0, 0] already" in caught(lambda: step(bad, y))
    assert step(x, y).item() < before


LOSSES = {
    "cross entropy": lambda z: nn.cross_entropy(z, [0, 1]),
    "cross entropy, smoothed": lambda z: nn.cross_entropy(z, [0, 1], label_smoothing=0.1),
    "cross entropy of probabilities": lambda z: nn.cross_entropy(z, [[0.5, 0.5], [0.1, 0.9]]),
    "binary": lambda z: nn.binary_cross_entropy_with_logits(z, [[0, 1], [1, 0]]),
    "hinge": lambda z: nn.hinge(z, [[1, -1], [-1, 1]]),
    "squared error": lambda z: nn.mse(z, np.zeros((2, 2))),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e4, -1e4])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses_are_finite_for_large_logits(loss, scale, dtype):
    z = leaf([1.0, -1.0], [-1.0, 1.0], dtype=dtype)
    with tt.detect_anomaly():
        value = loss(z * scale)
        value.backward()
    assert np.isfinite(value.item())
    assert np.isfinite(z.grad).all()
