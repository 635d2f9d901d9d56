"""The scalar network: micrograd's interface, and the numbers that its demo gives."""

import random

import numpy as np
import pytest
import torch
from sklearn.datasets import make_moons

from tinytensor import Value
from tinytensor.scalar import MLP, Layer, Module, Neuron

XS = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
YS = [1.0, -1.0, -1.0, 1.0]


# -------------------------------------------------------------------------------------- interface


def test_number_of_parameters():
    model = MLP(3, [4, 4, 1])
    assert len(model.parameters()) == 41
    assert len({id(p) for p in model.parameters()}) == 41


def test_parameters_are_drawn_in_micrograd_s_order():
    random.seed(1337)
    model = MLP(2, [3, 1])
    random.seed(1337)
    expected = []
    for fan_in, fan_out in [(2, 3), (3, 1)]:
        for _ in range(fan_out):
            expected += [random.uniform(-1, 1) for _ in range(fan_in)] + [0.0]
    assert [p.data for p in model.parameters()] == expected


def test_neuron():
    neuron = Neuron(2)
    for parameter, number in zip(neuron.parameters(), [2.0, -3.0, 0.5], strict=True):
        parameter.data = number
    assert neuron([1.0, 0.5]).data == 1.0
    assert neuron([Value(1.0), Value(2.0)]).data == 0.0
    neuron.nonlin = False
    assert neuron([1.0, 2.0]).data == -3.5
    assert neuron(np.array([1.0, 2.0])).data == -3.5


def test_layer_returns_one_or_several():
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    several = Layer(2, 3)([1.0, 2.0])
    assert len(several) == 3
    assert all(isinstance(v, Value) for v in several)
    assert len(Layer(2, 3)(iter([1.0, 2.0]))) == 3


def test_the_last_layer_is_linear():
    model = MLP(2, [3, 3, 1])
    assert [[n.nonlin for n in layer.neurons] for layer in model.layers] == [[True] * 3, [True] * 3, [False]]


def test_reprs():
    assert repr(Neuron(2)) == "ReLUNeuron(2)"
    assert repr(Neuron(2, nonlin=False)) == "LinearNeuron(2)"
    assert repr(Layer(3, 2)) == "Layer of [ReLUNeuron(3), ReLUNeuron(3)]"
    assert repr(MLP(2, [2, 1])) == "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"


def test_zero_grad():
    assert Module().parameters() == []
    model = MLP(2, [2, 1])
    (model([1.0, -1.0]) ** 2).backward()
    model.parameters()[-1].grad = 5.0
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0.0] * 9


# --------------------------------------------------------------------------------------- training


def test_the_lecture_s_four_examples():
    random.seed(0)
    model = MLP(3, [4, 4, 1])
    losses = []
    for _ in range(100):
        predictions = [model(x) for x in XS]
        loss = sum((predicted - y) ** 2 for predicted, y in zip(predictions, YS, strict=True))
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data += -0.02 * p.grad
        losses.append(loss.data)
    assert losses[0] > 1
    assert losses[-1] < 1e-3


def demo_loss(model, X, y):
    """The loss of micrograd's demo, in its words."""
    inputs = [list(map(Value, xrow)) for xrow in X]
    scores = list(map(model, inputs))
    losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    alpha = 1e-4
    reg_loss = alpha * sum(p * p for p in model.parameters())
    accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
    return data_loss + reg_loss, sum(accuracy) / len(accuracy)


def torch_loss(parameters, X, y):
    """The same as matrix products: two lines per layer."""
    h = torch.tensor(X)
    for i in range(0, len(parameters), 2):
        h = h @ parameters[i].T + parameters[i + 1]
        h = torch.relu(h) if i + 2 < len(parameters) else h
    scores, y = h[:, 0], torch.tensor(y)
    regularization = 1e-4 * sum((p * p).sum() for p in parameters)
    return torch.relu(1 - y * scores).mean() + regularization, ((y > 0) == (scores > 0)).double().mean().item()


def as_torch(model):
    """The same weights as matrices: a row per neuron."""
    matrices = []
    for layer in model.layers:
        matrices.append([[w.data for w in neuron.w] for neuron in layer.neurons])
        matrices.append([neuron.b.data for neuron in layer.neurons])
    return [torch.tensor(m, dtype=torch.float64, requires_grad=True) for m in matrices]


def test_the_demo_against_matrices():
    X, y = make_moons(n_samples=30, noise=0.1, random_state=1337)
    y = y * 2 - 1  # NumPy integers, as in the demo: -yi * scorei has a NumPy number on the left
    random.seed(1337)
    model = MLP(2, [16, 16, 1])
    parameters = as_torch(model)
    for k in range(5):
        loss, accuracy = demo_loss(model, X, y)
        model.zero_grad()
        loss.backward()
        expected, expected_accuracy = torch_loss(parameters, X, y)
        found = torch.autograd.grad(expected, parameters)
        assert loss.data == pytest.approx(expected.item(), rel=1e-11)
        assert accuracy == pytest.approx(expected_accuracy)
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        with torch.no_grad():
            for p, g in zip(parameters, found, strict=True):
                p -= learning_rate * g
    for ours, theirs in zip(as_torch(model), parameters, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-11)


def test_the_demo_starts_with_micrograd_s_numbers():
    """0.8958441028683222 at 50% accuracy is what micrograd's notebook prints for step 0."""
    np.random.seed(1337)
    random.seed(1337)
    X, y = make_moons(n_samples=100, noise=0.1)
    loss, accuracy = demo_loss(MLP(2, [16, 16, 1]), X, y * 2 - 1)
    assert loss.data == pytest.approx(0.8958441028683222, rel=1e-14)
    assert accuracy == 0.5
