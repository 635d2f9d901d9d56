"""`compile`: training and inference, step by step beside eager runs of the same model from the same state."""

from __future__ import annotations

import copy
import math
import re
import threading

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import nn, optim
from tinytensor.fused import linear

from .compile_checks import assert_agree, assert_same_bits, flat

CALLS = 6
ULPS = 512.0  # after some steps: each sums a few hundred products, in an order of its own where arrays are flat


def eager(function):
    return function


# ------------------------------------------------------------------------------------------ a training


class Training:
    """A model with data, an optimizer and what else a step may need; two of the same seed are alike."""

    def __init__(self, sizes=(4, 8, 8, 3), batch=10, dtype=np.float32, make=None, activation="relu", seed=0):
        rng = np.random.default_rng(seed)
        drawn_by = np.random.default_rng(seed)
        self.model = nn.MLP(sizes[0], list(sizes[1:]), activation=activation, dtype=dtype, generator=drawn_by)
        self.optimizer = (make or (lambda ps: optim.SGD(ps, lr=0.1)))(self.model.parameters())
        self.generator = np.random.default_rng(7)
        self.batches = [
            (rng.standard_normal((batch, sizes[0])).astype(dtype), rng.integers(0, sizes[-1], batch))
            for _ in range(CALLS)
        ]
        self.extra = []  # further optimizers

    def left(self):
        """Copies of all that a step may change."""
        found = {}
        for name, p in self.model._named_tensors().items():
            found[name] = np.array(p.data)
            found["d_" + name] = None if p.grad is None else np.array(p.grad)
        for number, optimizer in enumerate([self.optimizer, *self.extra]):
            found[f"lr {number}"] = np.array(optimizer.lr)
            for k, state in enumerate(optimizer._state):
                found |= {f"{n} {k} of {number}": np.array(v) for n, v in state.items()}
        found["generator"] = np.array(self.generator.bit_generator.state["state"]["state"] % 2**64, np.uint64)
        return found


def plain_step(t):
    model, optimizer = t.model, t.optimizer

    def step(x, y):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def run_beside(make_training, make_step=plain_step, between=None, ulps=ULPS):
    """Train twice, eager and compiled, and compare all after each call."""
    ours, theirs = make_training(), make_training()
    step, expected_step = tt.compile(make_step(ours)), make_step(theirs)
    results = []
    for number in range(CALLS):
        if between is not None:
            between(ours, number)
            between(theirs, number)
        found, expected = step(*ours.batches[number]), expected_step(*theirs.batches[number])
        assert_agree(flat(found), flat(expected), ulps, f"call {number}: result")
        left, wanted = ours.left(), theirs.left()
        assert left.keys() == wanted.keys(), f"call {number}"
        for name in left:
            assert_agree([left[name]], [wanted[name]], ulps, f"call {number}: {name}")
        results.append((found, flat(found)))
    for found, then in results:
        assert_same_bits(flat(found), then)  # later calls write over nothing that was given
    return ours, step


OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 1.0, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.0}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "betas": (0.5, 0.6), "amsgrad": True}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}),
]
every_optimizer = pytest.mark.parametrize(
    ("name", "options"), OPTIMIZERS, ids=[f"{name}-{options}" for name, options in OPTIMIZERS]
)


def optimizer_of(name, options):
    return lambda parameters: getattr(optim, name)(parameters, **options)


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_optimizers(name, options, dtype):
    run_beside(lambda: Training(make=optimizer_of(name, options), dtype=dtype))


@pytest.mark.parametrize("sizes", [(2, 2), (2, 16, 16, 2), (64, 128, 64, 10), (3, 1), (5, *[4] * 12, 2)], ids=str)
@pytest.mark.parametrize("batch", [1, 33])
def test_sizes(sizes, batch):
    run_beside(lambda: Training(sizes, batch))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_activations_of_an_mlp(activation):
    run_beside(lambda: Training(activation=activation))


# ------------------------------------------------------------------------------------- ways to write a step


def accumulating(t):
    model, optimizer = t.model, t.optimizer

    def step(x, y):
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def cleared_at_the_end(t):
    model, optimizer = t.model, t.optimizer

    def step(x, y):
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step


def cleared_by_the_model(t):
    model, optimizer = t.model, t.optimizer

    def step(x, y):
        model.zero_grad()
        nn.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def two_backwards(t):
    model, optimizer = t.model, t.optimizer

    def step(x, y):
        optimizer.zero_grad()
        first = nn.cross_entropy(model(x), y)
        first.backward()
        second = (model(x * 0.5) ** 2).mean()
        second.backward()
        optimizer.step()
        return {"first": first, "second": [second, None], "sum": first + second}

    return step


def two_steps(t):
    model, optimizer = t.model, t.optimizer

    def step(x, y):
        losses = []
        for _ in range(2):
            optimizer.zero_grad()
            loss = nn.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss)
        return tuple(losses)

    return step


def without_optimizer(t):
    model = t.model

    def step(x, y):
        model.zero_grad()
        logits = model(x)
        loss = nn.cross_entropy(logits, y)
        loss.backward()
        return loss, logits

    return step


def two_optimizers(t):
    model = t.model
    half = len(model.parameters()) // 2
    first, second = optim.SGD(model.parameters()[:half], lr=0.1, momentum=0.9), optim.Adam(model.parameters()[half:])
    t.extra = [first, second]

    def step(x, y):
        first.zero_grad()
        second.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        first.step()
        second.step()
        return loss

    return step


def scheduled(t):
    model, optimizer = t.model, t.optimizer
    schedule = optim.StepLR(optimizer, 2, 0.5)

    def step(x, y):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss

    return step


def cosine_first(t):
    model, optimizer = t.model, t.optimizer
    schedule = optim.CosineAnnealingLR(optimizer, 10)

    def step(x, y):
        schedule.step()
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def clipping(max_norm, **options):
    def make(t):
        model, optimizer = t.model, t.optimizer

        def step(x, y):
            optimizer.zero_grad()
            loss = nn.cross_entropy(model(x), y)
            loss.backward()
            optim.clip_grad_norm(model.parameters(), max_norm, **options)
            optimizer.step()
            return loss

        return step

    return make


def clipping_values(t):
    model, optimizer = t.model, t.optimizer

    def step(x, y):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optim.clip_grad_value(model.parameters(), 0.01)
        optimizer.step()
        return loss

    return step


def with_dropout(t):
    model, optimizer, dropout = t.model, t.optimizer, nn.Dropout(0.3, generator=t.generator)

    def step(x, y):
        optimizer.zero_grad()
        hidden = dropout(model.layers[0](x).relu())
        loss = nn.cross_entropy(model(dropout(x)), y) + (hidden**2).mean()
        loss.backward()
        optimizer.step()
        return loss, hidden

    return step


def penalized(t):
    model, optimizer = t.model, t.optimizer

    def step(x, y):
        optimizer.zero_grad()
        penalty = sum((p**2).sum() for p in model.parameters())
        loss = nn.cross_entropy(model(x), y) + 0.01 * penalty
        loss.backward()
        optimizer.step()
        return loss

    return step


def under_no_grad(t):
    model = t.model

    def step(x, y):
        with tt.no_grad():
            logits = model(x)
        return logits, np.argmax(logits, axis=1) == y

    return step


STEPS = [
    accumulating, cleared_at_the_end, cleared_by_the_model, two_backwards, two_steps, without_optimizer,
    two_optimizers, scheduled, cosine_first, clipping_values, with_dropout, penalized, under_no_grad,
]  # fmt: skip


@pytest.mark.parametrize("make_step", STEPS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_ways_to_write_a_step(make_step, name):
    options = {"lr": 0.05, "momentum": 0.9} if name == "SGD" else {"lr": 0.01}
    run_beside(lambda: Training(make=optimizer_of(name, options)), make_step)


@pytest.mark.parametrize("max_norm", [0.01, 1.0, 1e6, math.inf], ids=str)
@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf])
def test_clipping_by_norm(max_norm, norm_type):
    run_beside(Training, clipping(max_norm, norm_type=norm_type))


def test_the_norm_is_returned():
    weight = tt.Tensor(np.array([3.0, 4.0], np.float32), requires_grad=True)

    optimizer = optim.SGD([weight], lr=0.1)

    @tt.compile
    def norm(x):
        optimizer.zero_grad()
        (weight * x).sum().backward()
        return optim.clip_grad_norm([weight], 1.0)

    for scale in (1.0, 2.0, 0.0, 0.01):
        found = norm(np.array([3.0, 4.0], np.float32) * np.float32(scale))
        np.testing.assert_allclose(found, 5 * scale, rtol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(weight.grad), min(1, 5 * scale), rtol=1e-5)


def test_a_step_without_zero_grad_adds_to_what_is_there():
    def between(t, number):
        if number in (2, 4):
            t.optimizer.zero_grad()
        if number == 3:
            for p in t.model.parameters():
                p.grad = np.ones_like(p.data)

    run_beside(Training, accumulating, between)


# ---------------------------------------------------------------------------- changes between the calls


def lr_assigned(t, number):
    t.optimizer.lr = 0.1 / (1 + number)


def lr_from_zero(t, number):
    t.optimizer.lr = 0.0 if number < 3 else 0.1


def momentum_changed(t, number):
    if number == 3:
        t.optimizer.momentum = 0.5


def weight_decay_begun(t, number):
    if number == 3:
        t.optimizer.weight_decay = 0.1


def state_loaded(t, number):
    if number == 0:
        t.saved = t.model.state_dict()
    if number == 3:
        t.model.load_state_dict(t.saved)


def optimizer_loaded(t, number):
    if number == 2:
        t.saved = t.optimizer.state_dict()
    if number == 4:
        t.optimizer.load_state_dict(t.saved)


def data_exchanged(t, number):
    if number == 3:
        p = t.model.parameters()[0]
        p.data = np.full_like(p.data, 0.25)


def data_written(t, number):
    if number in (1, 3):
        t.model.parameters()[1].data[...] = 0.5
        t.model.parameters()[0].data *= 0.5


def layer_exchanged(t, number):
    if number == 3:
        t.model.layers[1] = nn.Linear(8, 8, generator=np.random.default_rng(5))


def layer_inserted(t, number):
    if number == 3:
        t.model.layers.insert(1, nn.Linear(8, 8, generator=np.random.default_rng(5)))


def frozen_later(t, number):
    if number in (2, 4):
        p = t.model.parameters()[0] if number == 2 else t.frozen
        t.frozen = p
        p.requires_grad = number == 4
        p.grad = None


def grads_touched(t, number):
    for p in t.model.parameters():
        if number == 2:
            p.grad = None
        elif number == 4:
            p.grad = np.ones_like(p.data)


def grad_written_by_hand(t, number):
    if number == 3:
        for p in t.model.parameters():
            p.grad[...] = 1.0


def tensor_exchanged(t, number):
    if number == 3:
        layer = t.model.layers[0]
        layer.weight = tt.Tensor(np.array(layer.weight.data) * 0.5, requires_grad=True)


def smaller_batch(t, number):
    x, y = t.batches[number]
    if number in (2, 4):
        t.batches[number] = x[:3], y[:3]


def other_layout(t, number):
    x, y = t.batches[number]
    if number in (2, 4):
        t.batches[number] = np.asfortranarray(x), y[::-1]
    if number == 3:
        t.batches[number] = np.repeat(x, 2, axis=1)[:, ::2], y.astype(np.int32)


def cast_by_the_layer(t, number):
    x, y = t.batches[number]
    t.batches[number] = x.astype(np.float64), y.astype(np.int16)


def tensors_given(t, number):
    x, y = t.batches[number]
    if number % 2:
        t.batches[number] = tt.Tensor(x), y


CHANGES = [
    lr_assigned, lr_from_zero, momentum_changed, weight_decay_begun, state_loaded, optimizer_loaded, data_exchanged,
    data_written, layer_exchanged, layer_inserted, frozen_later, grads_touched, grad_written_by_hand,
    tensor_exchanged, smaller_batch, other_layout, cast_by_the_layer, tensors_given,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("make_step", [plain_step, accumulating], ids=lambda make: make.__name__)
def test_changes_between_calls_are_seen(change, make_step):
    run_beside(lambda: Training(make=lambda ps: optim.SGD(ps, lr=0.05, momentum=0.9)), make_step, change)


@pytest.mark.parametrize("change", [state_loaded, optimizer_loaded, lr_assigned, data_exchanged, smaller_batch])
def test_changes_between_calls_are_seen_with_adam(change):
    run_beside(lambda: Training(make=lambda ps: optim.Adam(ps, lr=0.05)), plain_step, change)


def test_a_schedule_stepped_outside():
    def between(t, number):
        if number == 0:
            t.schedule = optim.ExponentialLR(t.optimizer, 0.5)
        elif number % 2:
            t.schedule.step()

    run_beside(Training, plain_step, between)


def test_some_frozen_from_the_start():
    def make():
        t = Training()
        t.model.layers[0].weight.requires_grad = False
        t.optimizer = optim.SGD(t.model.parameters(), lr=0.1, momentum=0.9)
        return t

    run_beside(make)


def test_eval_and_train_are_seen():
    class Net(nn.Module):
        def __init__(self, generator):
            self.layer, self.dropout = nn.Linear(4, 3, generator=np.random.default_rng(0)), nn.Dropout(0.5, generator)

        def forward(self, x):
            return self.dropout(self.layer(x))

    nets = [Net(np.random.default_rng(3)) for _ in range(2)]
    x = np.ones((5, 4), np.float32)
    net = nets[0]
    compiled = tt.compile(lambda x: net(x))
    for training in (True, True, False, False, True, False, True):
        for each in nets:
            each.train(training)
        assert_agree(flat(compiled(x)), flat(nets[1](x)))


# ----------------------------------------------------------------------------------- losses and layers

ROWS, CLASSES = 6, 3


def labels(rng):
    return rng.integers(0, CLASSES, ROWS)


def probabilities(rng):
    p = rng.random((ROWS, CLASSES), np.float32)
    return p / p.sum(axis=1, keepdims=True)


def numbers(rng):
    return rng.standard_normal((ROWS, CLASSES)).astype(np.float32)


def zeros_and_ones(rng):
    return rng.integers(0, 2, (ROWS, CLASSES)).astype(np.float32)


def signs(rng):
    return rng.choice([-1.0, 1.0], (ROWS, CLASSES)).astype(np.float32)


LOSSES = [
    ("cross_entropy", labels, {}),
    ("cross_entropy", labels, {"label_smoothing": 0.1}),
    ("cross_entropy", probabilities, {}),
    ("cross_entropy", probabilities, {"label_smoothing": 0.1}),
    ("mse", numbers, {}),
    ("binary_cross_entropy_with_logits", zeros_and_ones, {}),
    ("hinge", signs, {}),
]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "target", "options"), LOSSES, ids=[f"{n}-{t.__name__}-{o}" for n, t, o in LOSSES])
def test_losses(name, target, options, reduction):
    def make():
        t = Training((4, 5, CLASSES), ROWS)
        rng = np.random.default_rng(1)
        t.batches = [(x, target(rng)) for x, _ in t.batches]
        return t

    def make_step(t):
        model, optimizer, loss_of = t.model, t.optimizer, getattr(nn, name)

        def step(x, y):
            optimizer.zero_grad()
            loss = loss_of(model(x), y, reduction=reduction, **options)
            loss.mean().backward()
            optimizer.step()
            return loss

        return step

    run_beside(make, make_step)


FUNCTIONS = [
    tt.relu, tt.sigmoid, tt.softmax, tt.log_softmax, tt.gelu, tt.silu, tt.softplus, tt.leaky_relu, tt.elu, np.tanh,
    lambda x: x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-5),
    lambda x: (x - x.mean(axis=0)) / (x.std(axis=0) + 0.1),
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_activations_in_a_training(function):
    def make_step(t):
        model, optimizer = t.model, t.optimizer

        def step(x, y):
            optimizer.zero_grad()
            hidden = function(model.layers[0](x))
            loss = nn.cross_entropy(model.layers[2](function(model.layers[1](hidden))), y)
            loss.backward()
            optimizer.step()
            return loss, hidden

        return step

    run_beside(Training, make_step)


# ---------------------------------------------------------------------------------- functions of arrays


def beside(function, *calls, ulps=8.0):
    """One function compiled and as it is, on several arguments, twice each."""
    compiled = tt.compile(function)
    for args in [*calls, *calls]:
        found, expected = compiled(*args), function(*args)
        assert type(found) is type(expected)
        assert_agree(flat(found), flat(expected), ulps)
    return compiled


def some(*shape, seed=0, requires_grad=True):
    return tt.Tensor(np.random.default_rng(seed).standard_normal(shape), requires_grad=requires_grad)


def test_inference():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax())
    predict = beside(lambda x: model(x), *((np.random.default_rng(k).random((5, 4), np.float32),) for k in range(3)))
    assert not predict(np.ones((5, 4), np.float32)).requires_grad


def test_gradients_are_returned():
    beside(lambda x, y: tt.grad((x * y).sum(), (x, y)), *((some(3, seed=k), some(3, seed=k + 9)) for k in range(3)))
    beside(lambda x: tt.grad(np.exp(x).sum() * 2, x, np.array(3.0)), (some(2, 3),), (some(2, 3, seed=1),))


def test_second_derivatives():
    def hessian_product(x, v):
        (g,) = tt.grad((np.sin(x) * x**2).sum(), x, create_graph=True)
        return tt.grad((g * v).sum(), x)[0]

    beside(hessian_product, *((some(4, seed=k), some(4, seed=k + 9)) for k in range(3)))

    def penalized(x):
        (g,) = tt.grad(np.tanh(x).sum(), x, create_graph=True)
        return tt.grad((g**2).sum(), x)

    beside(penalized, (some(2, 3),), (some(2, 3, seed=1),))


def test_results_of_every_form():
    def function(x, options, pair):
        first, (second, factor) = x * 2, pair
        return {"a": first, "b": [second + first, None], "c": (first.sum() * factor, "text", 3)}, x

    x, y = some(3), some(3, seed=2)
    beside(function, (x, {"k": y}, (y, 2.0)), (y, {"k": x}, (x, 3.0)))
    beside(lambda x: None, (x,))
    beside(lambda x: [], (x,))
    beside(lambda x: x, (x,), (y,))


def test_a_returned_argument_is_no_part_of_the_next_call():
    compiled = tt.compile(lambda x: (x, x.reshape(1, 3), x * 2))
    results = []
    for k in range(4):
        x = some(3, seed=k)
        results.append((compiled(x), np.array(x.data)))
        x.data[...] = 0.0
    for k, (found, values) in enumerate(results[1:]):
        np.testing.assert_array_equal(found[0].data, values, err_msg=str(k))
        np.testing.assert_array_equal(found[1].data, values[None], err_msg=str(k))


def test_a_returned_parameter_is_a_copy():
    weight = tt.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([weight], lr=0.5)

    @tt.compile
    def step(x):
        optimizer.zero_grad()
        (weight * x).sum().backward()
        optimizer.step()
        return weight

    found = [step(np.ones(2)) for _ in range(4)]
    assert [f.data.tolist() for f in found] == [[0.5, 1.5], [0.0, 1.0], [-0.5, 0.5], [-1.0, 0.0]]


def test_numbers_that_change():
    compiled = beside(lambda x, scale: x * scale + scale**2, *((some(3), float(k)) for k in range(4)))
    assert repr(compiled) == "<compiled <lambda> for 1 signatures>"
    counted = beside(lambda x, times, flag=False: x * times if flag else x - times, (some(3), 2), (some(3), 3, True))
    assert repr(counted) == "<compiled <lambda> for 2 signatures>"  # integers and flags belong to the signature
    beside(lambda x, *, scale=2.0: x * scale, (some(3),))


def test_keywords():
    compiled = tt.compile(lambda x, y=None, scale=1.0: x * scale if y is None else x * y)
    for _ in range(2):
        for k in range(3):
            x, y = some(3, seed=k), some(3, seed=k + 5)
            assert_same_bits(flat(compiled(x)), flat(x))
            assert_same_bits(flat(compiled(x, scale=2.0)), flat(x * 2.0))
            assert_same_bits(flat(compiled(x, y=y)), flat(x * y))


def test_methods_belong_to_their_object():
    class Line:
        def __init__(self, slope):
            self.slope = tt.Tensor(slope, requires_grad=True)

        @tt.compile
        def forward(self, x):
            """A line."""
            return self.slope * x

    lines = [Line(2.0), Line(3.0)]
    for _ in range(3):
        assert [line.forward(np.array(2.0)).item() for line in lines] == [4.0, 6.0]
    lines[0].slope.data[...] = 5.0
    assert [line.forward(np.array(2.0)).item() for line in lines] == [10.0, 6.0]
    assert Line.forward.__doc__ == "A line."


global_model = nn.Linear(3, 2, generator=np.random.default_rng(0))
global_scale = 2.0


def of_globals(x):
    return global_model(x) * global_scale


def test_globals_are_watched(monkeypatch):
    x = np.random.default_rng(0).random((4, 3), np.float32)
    compiled = beside(of_globals, (x,))
    monkeypatch.setitem(globals(), "global_scale", 3.0)
    assert_agree(flat(compiled(x)), flat(of_globals(x)))
    monkeypatch.setitem(globals(), "global_model", nn.Linear(3, 2, generator=np.random.default_rng(1)))
    for _ in range(2):
        assert_agree(flat(compiled(x)), flat(of_globals(x)))


def helper(x):
    return x * global_scale


def test_globals_of_the_functions_that_it_calls_are_watched(monkeypatch):
    compiled = beside(lambda x: helper(x) + 1, (some(3),))
    monkeypatch.setitem(globals(), "global_scale", 5.0)
    for _ in range(2):
        assert_agree(flat(compiled(some(3))), flat(helper(some(3)) + 1))


def test_models_within_other_objects_are_watched():
    class Parts:
        pass

    parts, table = Parts(), {}
    parts.dropout = table["dropout"] = nn.Dropout(0.5, generator=np.random.default_rng(0))
    compiled = [tt.compile(lambda x: parts.dropout(x)), tt.compile(lambda x: table["dropout"](x))]
    x = np.ones(64, np.float32)
    for f in compiled:
        for training in (True, False, True, False):
            parts.dropout.train(training)
            for _ in range(3):
                assert (flat(f(x))[0] == 0).any() == training


class Settings:
    def __init__(self):
        self.scale, self.array, self.table = 2.0, np.array([1.0, 2.0]), {"scale": 2.0}
        self.history = []

    def step(self, x):
        return tt.Tensor(x) * self.scale * self.array * self.table["scale"]


settings_of_all, numbers_of_all, array_of_all = {"scale": 2.0}, [2.0], np.array([2.0, 3.0])


def of_containers(x):
    return tt.Tensor(x) * settings_of_all["scale"] * numbers_of_all[0] * np.exp(array_of_all)


def test_what_stands_in_containers_and_objects_is_watched(monkeypatch):
    x, settings = np.array([1.0, 2.0]), Settings()
    method, function = tt.compile(settings.step), tt.compile(of_containers)
    changes = [
        lambda: setattr(settings, "scale", 3.0),
        lambda: np.copyto(settings.array, 5.0),
        lambda: setattr(settings, "array", np.array([7.0, 8.0])),
        lambda: settings.table.update(scale=9.0),
        lambda: monkeypatch.setitem(settings_of_all, "scale", 3.0),
        lambda: numbers_of_all.append(numbers_of_all.pop() + 1),
        lambda: np.copyto(array_of_all, [2.5, 3.5]),
    ]
    for change in [lambda: None, *changes]:
        change()
        for _ in range(2):
            assert_agree(flat(method(x)), flat(settings.step(x)), 8.0)
            assert_agree(flat(function(x)), flat(of_containers(x)), 8.0)
    traced = method._bound
    before = list(traced.values())
    settings.history.append(1)  # it is not named in the step, so nothing is traced anew
    method(x)
    assert all(a is b for a, b in zip(before, traced.values(), strict=True))


def test_closures_are_watched():
    scale, bias = 2.0, tt.Tensor([1.0, 2.0])

    def function(x):
        return x * scale + bias

    compiled = beside(function, (some(2),))
    scale = 3.0
    beside(function, (some(2),))
    for _ in range(2):
        assert_agree(flat(compiled(some(2))), flat(function(some(2))))
    bias = tt.Tensor([5.0, 6.0])
    for _ in range(2):
        assert_agree(flat(compiled(some(2))), flat(function(some(2))))


def test_compiled_functions_within_compiled_functions():
    inner = tt.compile(lambda x: np.tanh(x) * 2)
    beside(lambda x: inner(x) + inner(x * 2), (some(3),), (some(3, seed=1),))


def test_threads_take_turns():
    t, expected = Training(), Training()
    step, expected_step = tt.compile(plain_step(t)), plain_step(expected)
    predict = tt.compile(lambda x: np.tanh(x) * 2)
    failed = []

    def work(seed):
        try:
            for k in range(30):
                x = np.random.default_rng(seed + k).random(100 + k % 3)
                np.testing.assert_allclose(predict(x).data, np.tanh(x) * 2, rtol=1e-12)
                step(*t.batches[0])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (0, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    for _ in range(60):
        expected_step(*t.batches[0])
    for p, q in zip(t.model.parameters(), expected.model.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-3, atol=1e-4)


def test_a_thread_that_runs_eager_while_another_traces():
    model, failed, done = nn.MLP(4, [8, 3]), [], threading.Event()

    def eagerly():
        try:
            while not done.is_set():
                x = np.random.default_rng(0).random((5, 4), np.float32)
                loss = nn.cross_entropy(nn.MLP(4, [8, 3])(x), np.zeros(5, int))
                loss.backward()
                assert type(loss.item()) is float
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=eagerly)
    thread.start()
    for k in range(1, 20):
        tt.compile(lambda x: model(x).sum())(np.ones((k, 4), np.float32))
    done.set()
    thread.join()
    assert not failed


def test_grad_mode_belongs_to_the_signature():
    weight = tt.Tensor([1.0, 2.0], requires_grad=True)
    compiled = tt.compile(lambda x: tt.grad((weight * x).sum(), weight)[0] if tt.is_grad_enabled() else weight * x)
    x = np.array([3.0, 4.0])
    for _ in range(3):
        assert compiled(x).tolist() == [3.0, 4.0]
        with tt.no_grad():
            assert compiled(x).tolist() == [3.0, 8.0]
        assert tt.is_grad_enabled()


def test_a_bad_label_changes_nothing():
    t = Training(make=lambda ps: optim.Adam(ps, lr=0.1))
    model, optimizer = t.model, t.optimizer
    schedule = optim.StepLR(optimizer, 1, 0.5)
    dropout = nn.Dropout(0.5, generator=t.generator)

    @tt.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(dropout(x)), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss

    for batch in t.batches[:3]:
        step(*batch)
    for bad in (-1, 3, 10**6):
        x, y = t.batches[3]
        wrong = y.copy()
        wrong[4] = bad
        before, epoch, rate = t.left(), schedule.last_epoch, schedule.get_last_lr()
        with pytest.raises(ValueError, match="labels are 0 to 2"):
            step(x, wrong)
        after = t.left()
        assert before.keys() == after.keys()
        for name in before:
            if name != "generator":  # eager has drawn by then too
                assert_same_bits([after[name]], [before[name]])
        assert (schedule.last_epoch, schedule.get_last_lr()) == (epoch, rate)
        step(x, y)


@pytest.mark.parametrize("layouts", ["FFF", "CCC", "CFC", "FCF"])
@pytest.mark.parametrize("make", [lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9), lambda ps: optim.Adam(ps, lr=0.1)])
def test_a_flat_array_keeps_each_weights_layout(layouts, make):
    """Weights by rows, as a user may set them, or by columns, as a Linear makes them: the same training."""

    def turned(training, number):
        if number not in (0, 3):
            return
        for layer, order in zip(training.model.layers, layouts, strict=True):
            if number == 3:  # values from outside, the other way round
                order = "FC"[order == "F"]
            layer.weight.data = np.array(layer.weight.data, order=order)

    ours, step = run_beside(lambda: Training(make=make), between=turned)
    for layer, order in zip(ours.model.layers, layouts, strict=True):
        for array in (layer.weight.data, layer.weight.grad):
            assert array.flags["F_CONTIGUOUS" if order == "F" else "C_CONTIGUOUS"]
            assert array.base is not None  # a part of the flat array
    assert len(re.findall(r" layers_\d_weight = parameters.*\.T$", step.source, re.M)) == layouts.count("F")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("look", [np.ravel, lambda g: g.reshape(-1), lambda g: g.T.reshape(-1), np.transpose])
def test_views_of_a_single_gradient_are_of_each_calls_own(order, look):
    """Not of an array with another layout, which would be a copy of the first call's."""

    def made():
        layer = nn.Linear(3, 2, generator=np.random.default_rng(0))
        layer.weight.data = np.array(layer.weight.data, order=order)
        layer.weight.grad = np.ones((2, 3), np.float32, order="FC"[order == "F"])

        def norm(x):
            layer.zero_grad()
            (layer(x) ** 2).sum().backward()
            return np.linalg.norm(look(layer.weight.grad) * 2.0)

        return norm

    ours, theirs = tt.compile(made()), made()
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal((4, 3)).astype(np.float32)
        assert float(ours(x)) == pytest.approx(float(theirs(x)), rel=1e-5)


@pytest.mark.parametrize("bias", [True, False])
def test_clipping_alone(bias):
    """Gradients that were there before: what it looks at is of now, and not of the first call."""

    def made():
        layer = nn.Linear(3, 2, bias, generator=np.random.default_rng(0))

        def clip():
            optim.clip_grad_norm(layer.parameters(), 1.0)

        return layer, clip

    (ours, clip), (theirs, expected) = made(), made()
    clip = tt.compile(clip)
    for scale in (1.0, 10.0, 0.1):
        for layer in (ours, theirs):
            layer.zero_grad()
            (layer(np.full((4, 3), scale, np.float32)) ** 2).sum().backward()
        clip()
        expected()
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(p.grad, q.grad, rtol=1e-5)


def test_a_layer_made_within_the_function():
    """Its weight is an array and what comes to it is traced: NumPy calls like any other."""

    def gradient(x):
        weight = tt.Tensor(np.asfortranarray(np.arange(6.0, dtype=np.float32).reshape(2, 3)), requires_grad=True)
        linear(x, weight).sum().backward()
        return weight.grad

    x = tt.tensor(np.ones((4, 3), np.float32))
    compiled = tt.compile(gradient)
    np.testing.assert_array_equal(np.asarray(compiled(x)), np.asarray(gradient(x)))
    assert "linear_weight" not in compiled.source


def test_gradients_can_be_read_and_changed_between_calls():
    model = nn.Linear(3, 2, generator=np.random.default_rng(0))
    twin = copy.deepcopy(model)

    def step_of(model):
        def step(x):
            model.zero_grad()
            loss = (model(x) ** 2).mean()
            loss.backward()
            return loss

        return step

    compiled, expected = tt.compile(step_of(model)), step_of(twin)
    for k in range(5):
        x = np.random.default_rng(k).random((4, 3), np.float32)
        compiled(x)
        expected(x)
        for p, q in zip(model.parameters(), twin.parameters(), strict=True):
            assert_agree([p.grad], [q.grad], 16.0)
            p.grad *= 0.5
            p.grad = None if k % 2 else p.grad


def test_gradients_are_forgotten_where_nothing_comes_back():
    weight = tt.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([weight], lr=0.1)

    @tt.compile
    def forget(x):
        optimizer.zero_grad()
        return weight * x

    for _ in range(3):
        weight.grad = np.ones(2)
        forget(np.ones(2))
        assert weight.grad is None


def test_dropout_draws_new_masks_from_the_generator():
    generators = [np.random.default_rng(3) for _ in range(2)]
    dropouts = [nn.Dropout(0.5, generator=g) for g in generators]
    dropout = dropouts[0]
    compiled = tt.compile(lambda x: dropout(x))
    x, masks = np.ones(50, np.float32), []
    for _ in range(5):
        found = compiled(x)
        assert_same_bits(flat(found), flat(dropouts[1](x)))
        masks.append(found.data.tobytes())
        assert generators[0].bit_generator.state == generators[1].bit_generator.state
    assert len(set(masks)) == 5


def test_the_same_calls_give_the_same_bits():
    runs = []
    for _ in range(2):
        t = Training((8, 16, 4), make=lambda ps: optim.Adam(ps, lr=0.01))
        step = tt.compile(plain_step(t))
        runs.append([flat(step(*batch)) for batch in t.batches] + [[p.data for p in t.model.parameters()]])
    for first, second in zip(*runs, strict=True):
        assert_same_bits(first, second)


def test_random_numbers_of_the_default_generator():
    dropout = nn.Dropout(0.5)
    compiled = tt.compile(lambda x: dropout(x))
    x, found = np.ones(100, np.float32), []
    for function in (compiled, compiled, dropout):
        tt.manual_seed(5)
        found.append([flat(function(x)) for _ in range(3)])
    for first, second, expected in zip(*found, strict=True):
        assert_same_bits(first, expected)
        assert_same_bits(second, expected)


def test_what_compile_takes():
    with pytest.raises(TypeError, match="expected a function, got int"):
        tt.compile(3)
    compiled = tt.compile(lambda x: x * 2)
    with pytest.raises(RuntimeError, match="call it once first"):
        compiled.source
    model = nn.Linear(2, 2)
    predict = tt.compile(model)  # a module is callable
    x = np.ones((1, 2), np.float32)
    for _ in range(3):
        assert_agree(flat(predict(x)), flat(model(x)))


def test_one_tensor_in_two_arguments():
    function = lambda x, y: tt.grad((x * x * y).sum(), (x, y))
    a, b = (tt.Tensor([1.0 + k, 2.0], requires_grad=True) for k in range(2))
    compiled = tt.compile(function)
    for given in [(a, b), (a, b), (a, a), (a, a), (b, a), (b, b)]:
        assert_agree(flat(compiled(*given)), flat(function(*given)), 4.0)


def test_a_captured_tensor_as_an_argument():
    w, a = tt.Tensor([1.0, 2.0], requires_grad=True), tt.Tensor([3.0, 4.0], requires_grad=True)
    function = lambda x: tt.grad((x * w * w).sum(), w)
    compiled = tt.compile(function)
    for _ in range(2):
        assert_agree(flat(compiled(a)), flat(function(a)), 4.0)
    with pytest.raises(tt.CompileError, match="by another name too"):
        compiled(w)
    assert_agree(flat(compiled(a)), flat(function(a)), 4.0)
