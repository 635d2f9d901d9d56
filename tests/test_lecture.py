"""The lecture told in tests, in its order: from a slope measured with a small step to a trained network.

What one Value does (operators, reprs, operations written by hand, the README's expression, micrograd's own tests) is in
``test_value.py``; micrograd's network and demo are in ``test_scalar.py``, its drawings in ``test_draw.py``.
"""

import math
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import tinytensor as tt
from tinytensor import Tensor, Value

# --------------------------------------------------------------------- 1. what a derivative is


def f(x):
    return 3 * x**2 - 4 * x + 5


@pytest.mark.parametrize(("x", "slope"), [(3.0, 14.0), (-3.0, -22.0), (2 / 3, 0.0)])
def test_the_slope_of_the_quadratic(x, slope):
    h = 1e-6
    measured = (f(x + h) - f(x)) / h
    assert measured == pytest.approx(slope, abs=1e-5)
    v = Value(x)
    f(v).backward()
    assert v.grad == pytest.approx(slope, abs=1e-12)


def test_the_quadratic_is_20_at_3():
    assert f(3.0) == f(Value(3.0)).data == 20.0


def test_the_slope_everywhere_at_once():
    """The lecture plots f over an array; here the array has a gradient."""
    xs = Tensor(np.arange(-5, 5, 0.25), requires_grad=True)
    ys = f(xs)
    assert ys.data == pytest.approx([f(float(x)) for x in xs.data])
    ys.sum().backward()
    assert xs.grad == pytest.approx(6 * xs.data - 4)


# ------------------------------------------------------------------- 2. a function of three inputs


@pytest.mark.parametrize(("name", "slope"), [("a", -3.0), ("b", 2.0), ("c", 1.0)])
def test_the_slopes_of_a_b_plus_c(name, slope):
    inputs = {"a": 2.0, "b": -3.0, "c": 10.0}

    def d(a, b, c):
        return a * b + c

    h = 1e-4
    assert d(**inputs) == 4.0
    assert (d(**{**inputs, name: inputs[name] + h}) - d(**inputs)) / h == pytest.approx(slope)
    values = {key: Value(number) for key, number in inputs.items()}
    d(**values).backward()
    assert values[name].grad == slope


# ------------------------------------------------------------------ 3. backpropagation by hand: L


def measured_slope(which, h=1e-4):
    """What the lecture's throwaway function prints: L again, with one of its nodes h larger."""

    def loss(step):
        nudge = {name: step if name == which else 0.0 for name in "abcdefL"}
        a, b, c, f = 2.0 + nudge["a"], -3.0 + nudge["b"], 10.0 + nudge["c"], -2.0 + nudge["f"]
        e = a * b + nudge["e"]
        d = e + c + nudge["d"]
        return d * f + nudge["L"]

    return (loss(h) - loss(0.0)) / h


GRADIENTS = {"a": 6.0, "b": -4.0, "c": -2.0, "e": -2.0, "d": -2.0, "f": 4.0, "L": 1.0}


@pytest.mark.parametrize("name", GRADIENTS)
def test_every_gradient_of_the_loss_is_the_slope_that_is_measured(name):
    a, b, c, f = Value(2.0), Value(-3.0), Value(10.0), Value(-2.0)
    e = a * b
    d = e + c
    L = d * f
    L.backward()
    nodes = {"a": a, "b": b, "c": c, "e": e, "d": d, "f": f, "L": L}
    assert L.data == -8.0
    assert nodes[name].grad == GRADIENTS[name]
    assert measured_slope(name) == pytest.approx(GRADIENTS[name], abs=1e-8)


def test_a_step_along_the_gradient_lifts_the_loss():
    a, b, c, f = Value(2.0), Value(-3.0), Value(10.0), Value(-2.0)
    ((a * b + c) * f).backward()
    for leaf in (a, b, c, f):
        leaf.data += 0.01 * leaf.grad
    L = (a * b + c) * f
    assert L.data == pytest.approx(-7.286496, abs=1e-12)


# -------------------------------------------------------------------------------- 4. the neuron

NEURON = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.8813735870195432}


def whole(n):
    return n.tanh()


def decomposed(n):
    e = (2 * n).exp()
    return (e - 1) / (e + 1)


def neuron(activation, make=Value):
    """The leaves by name, then n and o, of the lecture's neuron."""
    v = {name: make(number) for name, number in NEURON.items()}
    v["n"] = v["x1"] * v["w1"] + v["x2"] * v["w2"] + v["b"]
    v["o"] = activation(v["n"])
    return v


@pytest.mark.parametrize("activation", [whole, decomposed])
def test_the_neuron_s_gradients(activation):
    v = neuron(activation)
    v["o"].backward()
    assert v["n"].data == pytest.approx(0.8813735870195432)
    assert v["o"].data == pytest.approx(0.7071067811865476)
    assert {name: v[name].grad for name in NEURON} == pytest.approx(
        {"x1": -1.5, "x2": 0.5, "w1": 1.0, "w2": 0.0, "b": 0.5}
    )
    assert v["n"].grad == pytest.approx(1 - v["o"].data ** 2)  # tanh's slope, by its own output


def test_the_gradients_set_by_hand_are_those_of_backward():
    """The lecture fills each .grad in before it writes any _backward: + passes on, * takes the other's data."""
    v = neuron(whole)
    grad = {"o": 1.0}
    grad["n"] = (1 - v["o"].data ** 2) * grad["o"]
    grad["b"] = grad["x1w1"] = grad["x2w2"] = grad["n"]
    grad["x1"], grad["w1"] = v["w1"].data * grad["x1w1"], v["x1"].data * grad["x1w1"]
    grad["x2"], grad["w2"] = v["w2"].data * grad["x2w2"], v["x2"].data * grad["x2w2"]
    v["o"].backward()
    for name in v:
        assert v[name].grad == pytest.approx(grad[name])


# -------------------------------------------------------------------------- 5. two bugs, and cures


class Buggy:
    """The lecture's engine, small, with either of its two bugs: `=` in place of `+=`, and no set of visited nodes."""

    adds = visits_once = True

    def __init__(self, data, children=()):
        self.data, self.grad, self._prev, self._backward = data, 0.0, children, lambda: None

    def receive(self, gradient):
        self.grad = self.grad + gradient if self.adds else gradient

    def __add__(self, other):
        out = type(self)(self.data + other.data, (self, other))

        def _backward():
            self.receive(out.grad)
            other.receive(out.grad)

        out._backward = _backward
        return out

    def __mul__(self, other):
        out = type(self)(self.data * other.data, (self, other))

        def _backward():
            self.receive(other.data * out.grad)
            other.receive(self.data * out.grad)

        out._backward = _backward
        return out

    def backward(self):
        order, visited = [], set()

        def build(v):
            if self.visits_once and v in visited:
                return
            visited.add(v)
            for child in v._prev:
                build(child)
            order.append(v)

        build(self)
        self.grad = 1.0
        for node in reversed(order):
            node._backward()


class Overwrites(Buggy):
    adds = False


class VisitsAgain(Buggy):
    visits_once = False


def added_to_itself(a, b):
    return a + a


def product_times_sum(a, b):
    return (a * b) * (a + b)


def on_two_paths(a, b):
    c = a + b
    return c * (c * b)


@pytest.mark.parametrize(("expression", "bug", "wrong", "right"), [
    pytest.param(added_to_itself, Overwrites, [1.0, 0.0], [2.0, 0.0], id="a + a, overwritten: 1"),
    pytest.param(product_times_sum, Overwrites, [3.0, -2.0], [-3.0, -8.0], id="used in two places, overwritten"),
    pytest.param(on_two_paths, VisitsAgain, [12.0, 13.0], [6.0, 7.0], id="two paths, walked twice"),
])  # fmt: skip
def test_the_bug_shown_and_cured(expression, bug, wrong, right):
    def gradients(kind):
        a, b = kind(-2.0), kind(3.0)
        expression(a, b).backward()
        return [a.grad, b.grad]

    assert gradients(bug) == wrong
    assert gradients(Buggy) == right  # with neither bug
    assert gradients(Value) == right


def test_without_visited_the_walk_grows_with_the_paths():
    """30 times x = x + x: 2³⁰ paths, 31 nodes. Ours takes each node once."""
    x = start = Value(1.0)
    for _ in range(30):
        x = x + x
    x.backward()
    assert start.grad == 2.0**30


# ------------------------------------------------------------------------- 6. the same in PyTorch


def torch_number(number):
    return torch.tensor(number, dtype=torch.float64, requires_grad=True)


def tensor_of_one_number(number):
    return Tensor(number, requires_grad=True)


@pytest.mark.parametrize("activation", [whole, decomposed])
@pytest.mark.parametrize("make", [Value, tensor_of_one_number], ids=["Value", "Tensor"])
def test_the_neuron_in_pytorch(activation, make):
    ours, theirs = neuron(activation, make), neuron(activation, torch_number)
    ours["o"].backward()
    theirs["o"].backward()
    assert ours["o"].item() == pytest.approx(theirs["o"].item(), rel=1e-15)
    for name in NEURON:
        assert ours[name].grad == pytest.approx(theirs[name].grad.item(), abs=1e-15)


def test_a_tensor_is_used_as_in_pytorch():
    """What the lecture shows of a torch tensor: data.item(), grad.item(), requires_grad, dtype."""
    x = Tensor([2.0], requires_grad=True)
    assert x.dtype == np.float64
    assert x.requires_grad
    y = x.tanh()
    y.backward()
    assert y.data.item() == pytest.approx(math.tanh(2.0))
    assert x.grad.item() == pytest.approx(1 - math.tanh(2.0) ** 2)


# ------------------------------------------------------------- 7. a network of the lecture's neurons


class Neuron:
    """The lecture's: tanh of the weighted sum, with the bias drawn too. (micrograd's own has a relu, and b = 0.)"""

    def __init__(self, nin):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(random.uniform(-1, 1))

    def __call__(self, x):
        return sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b).tanh()

    def parameters(self):
        return [*self.w, self.b]


class Layer:
    def __init__(self, nin, nout):
        self.neurons = [Neuron(nin) for _ in range(nout)]

    def __call__(self, x):
        outs = [neuron(x) for neuron in self.neurons]
        return outs[0] if len(outs) == 1 else outs

    def parameters(self):
        return [p for neuron in self.neurons for p in neuron.parameters()]


class MLP:
    def __init__(self, nin, nouts):
        sizes = [nin, *nouts]
        self.layers = [Layer(before, after) for before, after in zip(sizes, nouts, strict=False)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]


XS = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
YS = [1.0, -1.0, -1.0, 1.0]


def lecture_mlp(seed=0):
    random.seed(seed)
    return MLP(3, [4, 4, 1])


def squared_errors(model):
    predictions = [model(x) for x in XS]
    return sum((yout - ygt) ** 2 for ygt, yout in zip(YS, predictions, strict=True))


def train(model, steps, rate, forget=False):
    """The lecture's loop; with `forget`, without setting the gradients to zero. Returns the losses."""
    losses = []
    for _ in range(steps):
        loss = squared_errors(model)
        if not forget:
            for p in model.parameters():
                p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data += -rate * p.grad
        losses.append(loss.data)
    return losses


def matrices(model):
    """The weights and biases of each layer as arrays: a row per neuron."""
    for layer in model.layers:
        yield np.array([[w.data for w in neuron.w] for neuron in layer.neurons])
        yield np.array([neuron.b.data for neuron in layer.neurons])


def test_the_network_has_41_parameters():
    assert len(set(lecture_mlp().parameters())) == 41


@pytest.mark.parametrize("seed", range(5))
def test_four_examples_are_learned(seed):
    model = lecture_mlp(seed)
    losses = train(model, 200, 0.1)
    assert losses[0] > 0.5
    assert losses[-1] < 0.02
    assert [model(x).data for x in XS] == pytest.approx(YS, abs=0.1)


def test_the_training_is_pytorch_s_number_for_number():
    model = lecture_mlp()
    parameters = [torch.tensor(m, requires_grad=True) for m in matrices(model)]
    losses = train(model, 20, 0.05)
    for expected in losses:
        h = torch.tensor(XS, dtype=torch.float64)
        for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
            h = torch.tanh(h @ weight.T + bias)
        loss = ((h[:, 0] - torch.tensor(YS, dtype=torch.float64)) ** 2).sum()
        assert expected == pytest.approx(loss.item(), rel=1e-11)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for p, g in zip(parameters, gradients, strict=True):
                p -= 0.05 * g
    for ours, theirs in zip(matrices(model), parameters, strict=True):
        assert ours == pytest.approx(theirs.detach().numpy(), rel=1e-10)


def test_the_same_network_on_arrays():
    """From the lecture's scalars to tensors: same weights, all four examples in one product per layer."""
    model = lecture_mlp()
    batched = tt.nn.MLP(3, [4, 4, 1], activation="tanh", output_activation="tanh", dtype=np.float64)
    for parameter, matrix in zip(batched.parameters(), matrices(model), strict=True):
        parameter.data = matrix
    assert sum(p.size for p in batched.parameters()) == 41
    optimizer = tt.optim.SGD(batched.parameters(), lr=0.05)
    for expected in train(model, 20, 0.05):
        optimizer.zero_grad()
        loss = ((batched(XS)[:, 0] - YS) ** 2).sum()
        loss.backward()
        optimizer.step()
        assert loss.item() == pytest.approx(expected, rel=1e-11)
    for parameter, matrix in zip(batched.parameters(), matrices(model), strict=True):
        assert parameter.data == pytest.approx(matrix, rel=1e-10)


# -------------------------------------------------------------------- 8. the forgotten zero_grad


def test_without_zero_grad_the_gradients_of_all_steps_are_added():
    model = lecture_mlp()
    total = np.zeros(41)
    for _ in range(3):
        fresh = lecture_mlp()
        for copy, p in zip(fresh.parameters(), model.parameters(), strict=True):
            copy.data = p.data
        squared_errors(fresh).backward()
        total += [p.grad for p in fresh.parameters()]
        train(model, 1, 0.05, forget=True)
        assert [p.grad for p in model.parameters()] == pytest.approx(total)


def test_the_lecture_s_network_forgives_it():
    """The lecture: it got away with it, since the problem is so simple. But it did not train as it should."""
    right, wrong = (train(lecture_mlp(), 60, 0.1, forget=forget) for forget in (False, True))
    assert right[0] == wrong[0]
    assert right[1] == wrong[1]  # the first step is the same too: there was nothing to be added to
    assert right[2] != wrong[2]
    assert right[-1] < 0.02
    assert wrong[-1] < 0.02
    assert max(wrong[10:]) > 100 * min(wrong[5:10])  # after it had come down, the loss went up again


def test_the_parabola_does_not_forgive_it():
    """Added gradients are a ball that rolls without friction: it runs through the valley, for ever."""

    def descend(forget):
        x, path = Value(3.0), []
        for _ in range(1000):
            if not forget:
                x.grad = 0.0
            f(x).backward()
            x.data -= 0.01 * x.grad
            path.append(abs(x.data - 2 / 3))
        return path

    assert descend(forget=False)[-1] < 1e-12
    assert max(descend(forget=True)[-100:]) > 2.0  # as far out as at the start, 3 - 2/3


# ------------------------------------------------------------------- 9. micrograd's demo, to its end


def test_the_demo_s_decision_boundary():
    """The last cell: the score's sign over a grid, of every node a Value."""
    from tinytensor.scalar import MLP as OfRelus

    np.random.seed(1337)
    random.seed(1)
    model = OfRelus(2, [16, 16, 1])
    X = np.random.normal(size=(20, 2))
    h = 0.9
    x_min, x_max = X[:, 0].min() - 1, X[:, 0].max() + 1
    y_min, y_max = X[:, 1].min() - 1, X[:, 1].max() + 1
    xx, yy = np.meshgrid(np.arange(x_min, x_max, h), np.arange(y_min, y_max, h))
    Xmesh = np.c_[xx.ravel(), yy.ravel()]
    inputs = [list(map(Value, xrow)) for xrow in Xmesh]
    scores = list(map(model, inputs))
    Z = np.array([s.data > 0 for s in scores]).reshape(xx.shape)
    weights = list(matrices(model))[::2]  # the biases are 0 before training
    hidden = np.maximum(np.maximum(Xmesh @ weights[0].T, 0) @ weights[1].T, 0) @ weights[2].T
    assert Z.dtype == bool
    assert np.array_equal(Z.ravel(), hidden[:, 0] > 0)
    assert 0 < Z.sum() < Z.size


# ------------------------------------------------------------------------- 10. the whole as a script

EXAMPLE = Path(__file__).parent.parent / "examples" / "lecture.py"


def run(*options, code=""):
    command = [sys.executable, "-W", "error", *(["-c", code] if code else [str(EXAMPLE)]), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_script_shows_the_lecture_s_numbers(tmp_path):
    result = run("--no-plots", "--out", tmp_path)
    assert result.stderr == ""
    assert not list(tmp_path.iterdir())
    for number in ("slope measured 14.0000, computed 14.0000", "slope measured 0.0000, computed 0.0000",
                   "L = -8; gradients: a 6, b -4, c -2, f 4", "L = -7.2865", "tanh whole: o = 0.7071",
                   "tanh of exp: o = 0.7071", "x1 -1.5000, w1 1.0000, x2 0.5000, w2 0.0000",
                   "a network of 41 parameters"):  # fmt: skip
        assert number in result.stdout
    losses = [float(loss) for loss in re.findall(r"^  step +\d+  loss ([\d.]+)$", result.stdout, re.M)]
    assert losses[0] > 1
    assert losses[-1] < 0.01
    assert float(re.search(r"on arrays: .* a difference of (\S+)$", result.stdout, re.M)[1]) < 1e-12
    ends = re.findall(r"between (\S+) and (\S+); the minimum is at 0.6667", result.stdout)
    assert ends[0] == ("0.6667", "0.6667")
    assert float(ends[1][1]) - float(ends[1][0]) > 4


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
def test_the_script_draws(tmp_path):
    result = run("--steps", 2, "--out", tmp_path / "out")
    assert result.stderr == ""
    drawn = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()}
    assert sorted(drawn) == ["L.svg", "network.svg", "neuron-of-exp.svg", "neuron.svg"]
    assert "grad &#45;4.0000" in drawn["L.svg"]
    assert "layers.0.weight" in drawn["network.svg"]


def test_the_script_without_graphviz_names_the_extra(tmp_path):
    code = f"import sys; sys.modules['graphviz'] = None; import runpy; sys.argv[1:] = ['--out', {str(tmp_path)!r}, '--steps', '1']; sys.path.insert(0, {str(EXAMPLE.parent)!r}); runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')"
    result = run(code=code)
    assert result.returncode == 1
    assert result.stderr == (
        "error: drawing needs the Python package graphviz: pip install 'tinytensor[viz]' (or --no-plots)\n"
    )


def test_the_script_refuses_a_rate_that_is_too_high():
    result = run("--lr", "nan")
    assert result.returncode == 2
    assert result.stderr == "lecture.py: error: argument --lr: expected a finite number above 0, got nan\n"
