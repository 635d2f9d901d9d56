"""Optimizers, schedules and clipping: PyTorch's numbers over whole trajectories, and what is refused."""

import copy
import gc
import json
import math
import pickle
import tracemalloc
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytensor as tt
from tinytensor import Value, optim
from tinytensor.optim import base
from tinytensor.value import Value as ValueType

STEPS = 50
DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-12}

# ------------------------------------------------------------------------------------ trajectories

CONFIGURATIONS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.0}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 1.0}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "dampening": 0.5}),
    ("Adam", {}),
    ("Adam", {"lr": 0.02}),
    ("Adam", {"lr": 0.02, "betas": (0.8, 0.95)}),
    ("Adam", {"lr": 0.02, "betas": (0.0, 0.9)}),
    ("Adam", {"lr": 0.02, "betas": (0.9, 0.5)}),
    ("Adam", {"lr": 0.02, "eps": 1e-2}),
    ("Adam", {"lr": 0.02, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.02, "amsgrad": True, "betas": (0.5, 0.6)}),
    ("Adam", {"lr": 0.02, "amsgrad": True, "betas": (0.5, 0.6), "weight_decay": 0.1, "eps": 1e-4}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.02}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.0}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.5}),
    ("AdamW", {"lr": 0.02, "amsgrad": True, "betas": (0.5, 0.6), "weight_decay": 0.1, "eps": 1e-4}),
]
every_configuration = pytest.mark.parametrize(
    ("name", "options"), CONFIGURATIONS, ids=[f"{name}-{options}" for name, options in CONFIGURATIONS]
)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
each_class = pytest.mark.parametrize(
    "make",
    [
        lambda ps: optim.SGD(ps, 0.1),
        lambda ps: optim.SGD(ps, 0.1, 0.9, nesterov=True, weight_decay=0.1),
        lambda ps: optim.SGD(ps, 0.1, 0.9, dampening=0.5, weight_decay=0.1),
        lambda ps: optim.Adam(ps, 0.1, weight_decay=0.1, amsgrad=True),
        lambda ps: optim.AdamW(ps, 0.1, amsgrad=True),
    ],
    ids=["sgd", "nesterov", "dampened", "adam", "adamw"],
)


class Model:
    """A layer, a scaled layer, a part used at every third step only, and one that is never used."""

    def __init__(self, dtype, seed=0):
        rng = np.random.default_rng(seed)
        self.x, self.y = rng.standard_normal((8, 3)).astype(dtype), rng.standard_normal((8, 2)).astype(dtype)
        shapes = {"w": (5, 3), "b": (5,), "v": (2, 5), "scale": (), "sometimes": (2,), "never": (3,)}
        self.start = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
        self.ours = {name: tt.tensor(array, requires_grad=True, label=name) for name, array in self.start.items()}
        self.theirs = {name: torch.tensor(array, requires_grad=True) for name, array in self.start.items()}

    def loss(self, p, x, y, step):
        """The same expression on Tensors and on torch's."""
        out = (x @ p["w"].T + p["b"]).tanh() @ p["v"].T * p["scale"]
        if step % 3 == 0:
            out = out + p["sometimes"]
        return ((out - y) ** 2).mean()

    def our_backward(self, step):
        self.loss(self.ours, self.x, self.y, step).backward()

    def their_backward(self, step):
        self.loss(self.theirs, torch.from_numpy(self.x), torch.from_numpy(self.y), step).backward()

    def hand_over(self):
        """Give torch the gradients that we found."""
        for name, p in self.ours.items():
            self.theirs[name].grad = None if p.grad is None else torch.tensor(p.grad)

    def distance(self):
        return max(np.abs(p.data - self.theirs[name].detach().numpy()).max() for name, p in self.ours.items())


@every_dtype
@every_configuration
def test_trajectory_is_pytorchs(name, options, dtype):
    model = Model(dtype)
    ours = getattr(optim, name)(model.ours.values(), **options)
    theirs = getattr(torch.optim, name)(model.theirs.values(), **({"lr": 1e-3} | options))
    for step in range(STEPS):
        ours.zero_grad()
        model.our_backward(step)
        model.hand_over()
        assert model.ours["never"].grad is None
        assert (model.ours["sometimes"].grad is None) == (step % 3 != 0)
        ours.step()
        theirs.step()
        assert model.distance() <= TOLERANCE[dtype], step
    for key, p in model.ours.items():
        assert p.data.dtype == dtype
        moved = not np.array_equal(p.data, model.start[key])
        assert moved == (key != "never" and ours.lr > 0)


@every_configuration
def test_training_is_pytorchs_when_each_finds_its_own_gradients(name, options):
    model = Model(np.float64, seed=1)
    ours = getattr(optim, name)(model.ours.values(), **options)
    theirs = getattr(torch.optim, name)(model.theirs.values(), **({"lr": 1e-3} | options))
    for step in range(STEPS):
        ours.zero_grad()
        theirs.zero_grad()
        model.our_backward(step)
        model.their_backward(step)
        ours.step()
        theirs.step()
    assert model.distance() <= 1e-11  # rounding of the gradients comes in, and Adam's division enlarges it


@every_dtype
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_trajectory_with_a_rate_that_changes(name, dtype):
    model = Model(dtype)
    extra = {"momentum": 0.9} if name == "SGD" else {}
    ours = getattr(optim, name)(model.ours.values(), lr=0.01, **extra)
    theirs = getattr(torch.optim, name)(model.theirs.values(), lr=0.01, **extra)
    for step in range(STEPS):
        ours.lr = np.float64(0.01 * (1 + step % 7))  # NumPy's scalars must not make float32 wide
        theirs.param_groups[0]["lr"] = 0.01 * (1 + step % 7)
        ours.zero_grad()
        model.our_backward(step)
        model.hand_over()
        ours.step()
        theirs.step()
        assert model.distance() <= TOLERANCE[dtype]
    assert type(ours.lr) is float


@st.composite
def laid_out(draw):
    """A parameter and gradients for it, each in its own memory layout."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    dtype = draw(st.sampled_from(DTYPES))

    def array():
        drawn = draw(hnp.arrays(dtype, shape, elements=st.integers(-8, 8).map(lambda k: k / 4)))
        layout = draw(st.sampled_from(["C", "F", "reversed", "strided"]))
        if layout == "F":
            return np.asfortranarray(drawn).reshape(shape)
        if layout == "reversed" and shape:
            return drawn[::-1]
        if layout == "strided":
            wide = np.zeros((*shape, 2), dtype)
            wide[..., 0] = drawn
            return wide[..., 0]
        return drawn

    return array(), [array() for _ in range(3)]


@given(laid_out(), st.sampled_from(CONFIGURATIONS))
def test_every_shape_and_layout(drawn, configuration):
    array, gradients = drawn
    name, options = configuration
    start = array.copy()
    p, q = tt.Tensor(array, requires_grad=True), torch.tensor(array.copy())
    assert p.data is array
    ours = getattr(optim, name)([p], **options)
    theirs = getattr(torch.optim, name)([q], **({"lr": 1e-3} | options))
    for g in gradients:
        before = g.copy()
        p.grad, q.grad = g, torch.tensor(g.copy())
        ours.step()
        theirs.step()
        assert np.array_equal(g, before), "a gradient is the user's"
    assert p.data is array, "updates are in place"
    assert array.dtype == start.dtype
    np.testing.assert_allclose(array, q.numpy(), rtol=0, atol=TOLERANCE[array.dtype.type])


# ----------------------------------------------------------------------------------- laws of a step


def parameters(dtype=np.float64):
    rng = np.random.default_rng(3)
    return [tt.tensor(rng.standard_normal(s).astype(dtype), requires_grad=True) for s in [(4, 3), (4,), ()]]


def give_gradients(ps, seed=0):
    rng = np.random.default_rng(seed)
    for p in ps:
        p.grad = rng.standard_normal(p.shape).astype(p.dtype)


@each_class
def test_steps_keep_no_hold_on_the_gradients(make):
    """What is done to a gradient's array after the step can't reach the buffers."""
    ps, qs = parameters(), parameters()
    ours, others = make(ps), make(qs)
    for seed in range(3):
        give_gradients(ps, seed)
        give_gradients(qs, seed)
        arrays = [p.grad for p in ps]
        ours.step()
        others.step()
        for array in arrays:
            array[...] = np.nan
    for p, q in zip(ps, qs, strict=True):
        assert np.array_equal(p.data, q.data)


@each_class
def test_step_is_noted_by_the_engine(make):
    w = tt.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = make([w])
    loss = (w**2).sum()
    loss.backward()
    optimizer.step()
    with pytest.raises(RuntimeError, match="changed after the forward pass"):
        loss.backward()


def test_parameter_without_gradient_is_not_touched():
    w, other = tt.Tensor([1.0], requires_grad=True), tt.Tensor([2.0], requires_grad=True)
    optimizer = optim.AdamW([w, other], lr=0.1, weight_decay=0.5)
    loss = (w * other).sum()
    w.grad = np.ones(1)
    optimizer.step()
    assert other.data.tolist() == [2.0]  # no decay either
    with pytest.raises(RuntimeError, match="changed"):
        loss.backward()
    assert optimizer.state_dict()["state"].keys() == {"0"}


def test_zero_grad_forgets():
    ps = parameters()
    give_gradients(ps)
    optim.SGD(ps, 0.1).zero_grad()
    assert [p.grad for p in ps] == [None, None, None]


@each_class
def test_step_allocates_nothing_large(make):
    p = tt.Tensor(np.ones(1_000_000, np.float32), requires_grad=True)
    p.grad = np.ones(1_000_000, np.float32)
    optimizer = make([p])
    optimizer.step()  # makes the buffers
    gc.collect()
    tracemalloc.start()
    try:
        optimizer.step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000, "a temporary of the parameter's size would be 4,000,000 bytes"


def test_plain_sgd_is_two_numpy_calls_for_a_parameter(monkeypatch):
    calls = []

    class Counting:
        def __getattr__(self, name):
            calls.append(name)
            return getattr(np, name)

    ps = parameters()
    give_gradients(ps)
    optimizer = optim.SGD(ps, 0.1)
    monkeypatch.setattr(optim.optimizers, "np", Counting())
    optimizer.step()
    assert calls == ["multiply"] * 3  # and p -= …, which goes past the name


@each_class
def test_scalar_values_are_parameters_too(make):
    a, b = Value(2.0), Value(-1.0)
    w = tt.Tensor([2.0, -1.0], requires_grad=True)
    scalars, vector = make([a, b]), make([w])
    for _ in range(4):
        scalars.zero_grad()
        vector.zero_grad()
        ((a - 3.0) ** 2 + (b * a) ** 2).backward()
        ((w[0] - 3.0) ** 2 + (w[1] * w[0]) ** 2).backward()
        scalars.step()
        vector.step()
    assert type(a) is type(b) is ValueType
    assert type(a.data) is type(b.data) is float
    np.testing.assert_allclose([a.data, b.data], w.data, rtol=1e-14)
    assert abs(a.data - 2.0) > 0.1
    scalars.zero_grad()
    assert a.grad == 0.0


def test_scalar_values_changed_by_a_step_are_noted():
    a = Value(2.0)
    loss = a * a
    loss.backward()
    optim.SGD([a], 0.1).step()
    with pytest.raises(RuntimeError, match="changed"):
        loss.backward()


@pytest.mark.parametrize("shape", [(0,), (2, 0), ()])
def test_empty_and_single_parameters_alone(shape):
    p = tt.ones(shape, requires_grad=True)
    p.grad = np.ones(shape)
    optim.Adam([p], lr=0.5, weight_decay=0.1).step()
    assert p.shape == shape
    np.testing.assert_allclose(p.data, np.full(shape, 0.5), rtol=1e-6)


def test_mixed_dtypes_stay_what_they_are():
    ps = [tt.ones(3, dtype=dtype, requires_grad=True) for dtype in (np.float16, np.float32, np.float64, np.longdouble)]
    optimizer = optim.SGD(ps, lr=0.25, momentum=0.5, weight_decay=0.5)
    for _ in range(2):
        for p in ps:
            p.grad = np.ones(3, p.dtype)
        optimizer.step()
    for position, dtype in enumerate((np.float16, np.float32, np.float64, np.longdouble)):
        assert ps[position].data.dtype == dtype
        assert optimizer.state_dict()["state"][str(position)]["velocity"].dtype == dtype
        # g = 1.5, p = 0.625; g = 1.3125, v = 2.0625, p = 0.109375: all exact in binary
        assert ps[position].tolist() == [0.109375] * 3


def test_generators_and_tuples_are_lists_of_parameters():
    ps = parameters()
    assert optim.SGD((p for p in ps), 0.1).parameters == ps
    assert optim.Adam(tuple(ps)).parameters == ps


def test_repr_shows_the_options():
    assert repr(optim.SGD(parameters(), 0.1)) == (
        "SGD(3 parameters, lr=0.1, momentum=0.0, dampening=0.0, nesterov=False, weight_decay=0.0)"
    )


def test_own_optimizer():
    class Sign(optim.Optimizer):
        def _update(self, p, g, state, rates, a, b):
            p -= self.lr * np.sign(g)

    w = tt.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = Sign([w], lr=0.5)
    w.grad = np.array([3.0, -3.0])
    optimizer.step()
    assert w.tolist() == [0.5, 2.5]
    optimizer.load_state_dict(optimizer.state_dict())
    with pytest.raises(NotImplementedError, match="_update"):
        optim.Optimizer([w], lr=0.5).step()


# ------------------------------------------------------------------------------ saving and loading


@every_dtype
@every_configuration
def test_resumed_training_is_the_same_training(name, options, dtype):
    def train(model, optimizer, steps):
        for step in steps:
            optimizer.zero_grad()
            model.our_backward(step)
            optimizer.step()

    straight, first, second = Model(dtype), Model(dtype), Model(dtype)
    make = getattr(optim, name)
    train(straight, make(straight.ours.values(), **options), range(8))
    before = make(first.ours.values(), **options)
    train(first, before, range(4))
    saved = before.state_dict()
    for key, p in second.ours.items():
        p.data = first.ours[key].data.copy()
    after = make(second.ours.values(), lr=123.0)
    train(first, before, range(4))  # what was saved is a copy: this is not felt
    kept = copy.deepcopy(saved)
    after.load_state_dict(saved)
    train(second, after, range(4, 8))
    np.testing.assert_equal(saved, kept)  # and so is what was loaded
    assert after.lr == before.lr != 123.0
    for key, p in straight.ours.items():
        assert np.array_equal(p.data, second.ours[key].data)
        assert p.data.dtype == second.ours[key].data.dtype == dtype


def test_state_is_plain_numbers_and_arrays():
    optimizer = optim.Adam(parameters(np.float32), amsgrad=True)
    give_gradients(optimizer.parameters)
    optimizer.step()
    state = optimizer.state_dict()
    assert state["options"] == {
        "lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "amsgrad": True,
    }  # fmt: skip
    assert state["state"].keys() == {"0", "1", "2"}
    for buffers, p in zip(state["state"].values(), optimizer.parameters, strict=True):
        assert buffers["step"] == 1
        for name in ("m", "v", "v_max"):
            assert type(buffers[name]) is np.ndarray
            assert (buffers[name].shape, buffers[name].dtype) == (p.shape, np.float32)
    # So json can hold it, with lists for the arrays, and back.
    back = json.loads(json.dumps(state, default=lambda array: array.tolist()))
    other = optim.Adam(parameters(np.float32))
    other.load_state_dict(back)
    again = other.state_dict()
    assert again["options"] == state["options"]
    for key, buffers in state["state"].items():
        for name, value in buffers.items():
            assert np.array_equal(again["state"][key][name], value)
            assert np.asarray(again["state"][key][name]).dtype == np.asarray(value).dtype


def saved(change):
    """The state of an Adam over (4, 3), (4,) and (), after `change`."""
    optimizer = optim.Adam(parameters())
    give_gradients(optimizer.parameters)
    optimizer.step()
    state = optimizer.state_dict()
    change(state)
    return state


BAD_STATES = {
    "another class": (lambda s: s.update(optimizer="AdamW"), ValueError, "that of AdamW"),
    "a missing part": (lambda s: s.pop("options"), ValueError, r"missing \['options'\]"),
    "an unknown part": (lambda s: s.update(extra=1), ValueError, r"unknown \['extra'\]"),
    "a missing option": (lambda s: s["options"].pop("eps"), ValueError, r"missing \['eps'\]"),
    "an unknown option": (lambda s: s["options"].update(momentum=0.9), ValueError, r"unknown \['momentum'\]"),
    "a bad option": (lambda s: s["options"].update(lr=-1.0), ValueError, "lr: expected"),
    "a bad pair": (lambda s: s["options"].update(betas=0.9), TypeError, "betas: expected two"),
    "too many parameters": (lambda s: s["state"].update({"3": {}}), ValueError, r"unknown \['3'\]"),
    "state that is no dict": (lambda s: s.update(state=[]), TypeError, "expected a dict"),
    "a missing buffer": (lambda s: s["state"]["2"].pop("v"), ValueError, r"parameter 2 .*missing \['v'\]"),
    "an unknown buffer": (lambda s: s["state"]["2"].update(velocity=np.array(1.0)), ValueError, "unknown"),
    "a bad shape": (lambda s: s["state"]["2"].update(v=np.ones(3)), ValueError, r"v of parameter 2 .* \(3,\)"),
    "a bad dtype": (lambda s: s["state"]["2"].update(v=np.array(1j)), TypeError, "[Cc]ast"),
    "a bad step": (lambda s: s["state"]["2"].update(step=0), ValueError, "step: expected a whole number"),
    "half a step": (lambda s: s["state"]["2"].update(step=1.5), ValueError, "step: expected a whole number"),
}


@pytest.mark.parametrize(("change", "error", "match"), BAD_STATES.values(), ids=BAD_STATES)
def test_bad_states_are_refused_and_change_nothing(change, error, match):
    state = saved(change)
    optimizer = optim.Adam(parameters(), lr=0.7)
    give_gradients(optimizer.parameters, seed=5)
    optimizer.step()
    before = pickle.dumps(optimizer.state_dict())
    with pytest.raises(error, match=match):
        optimizer.load_state_dict(state)
    assert pickle.dumps(optimizer.state_dict()) == before


def test_state_must_be_a_dict():
    with pytest.raises(TypeError, match="expected a dict from state_dict"):
        optim.SGD(parameters(), 0.1).load_state_dict([1, 2])


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))], ids=["deepcopy", "pickle"]
)
def test_optimizer_and_parameters_are_copied_together(duplicate):
    ps = parameters()
    optimizer = optim.Adam(ps, lr=0.1, weight_decay=0.1)
    give_gradients(ps)
    optimizer.step()
    qs, other = duplicate((ps, optimizer))
    give_gradients(ps, seed=1)
    give_gradients(qs, seed=1)
    before = [q.data.copy() for q in qs]
    optimizer.step()
    assert all(np.array_equal(q.data, old) for q, old in zip(qs, before, strict=True))
    other.step()
    for p, q in zip(ps, qs, strict=True):
        assert np.array_equal(p.data, q.data)


# ------------------------------------------------------------------------------------------ refusals


def leaf(label=""):
    return tt.Tensor([1.0, 2.0], requires_grad=True, label=label)


def read_only():
    array = np.ones(2)
    array.flags.writeable = False
    return array


twice = leaf("w")
BAD_PARAMETERS = {
    "empty": ([], ValueError, r"no parameters.*consumed.*parameters\(\)"),
    "one tensor": (leaf(), TypeError, r"one Tensor.*\[tensor\]"),
    "a number": (3.0, TypeError, "iterable of Tensors, got float"),
    "arrays": ([np.ones(2)], TypeError, "parameter 0 is a ndarray.*requires_grad=True"),
    "groups": ([{"params": [leaf()], "lr": 0.1}], TypeError, "parameter groups"),
    "pairs": ([("w", leaf())], TypeError, "named_parameters"),
    "a state dict": ({"w": leaf()}, TypeError, "state_dict"),
    "None": ([leaf(), None], TypeError, "parameter 1 is a NoneType"),
    "a result": ([leaf(), leaf() * 2], ValueError, "parameter 1 of shape .* computed by multiply.*detach"),
    "no gradient wanted": ([tt.Tensor([1.0])], ValueError, "does not require a gradient; set requires_grad=True"),
    "twice": ([leaf(), twice, twice], ValueError, "parameter 2 'w' .* is parameter 1 again; list it once"),
    "read-only": ([tt.Tensor(read_only(), requires_grad=True)], ValueError, r"read-only.*array\.copy\(\)"),
}


@pytest.mark.parametrize("make", [lambda ps: optim.SGD(ps, 0.1), optim.Adam, optim.AdamW], ids=["SGD", "Adam", "AdamW"])
@pytest.mark.parametrize(("given", "error", "match"), BAD_PARAMETERS.values(), ids=BAD_PARAMETERS)
def test_bad_parameters(make, given, error, match):
    with pytest.raises(error, match=match) as caught:
        make(given)
    assert "\n" not in str(caught.value)


def test_consumed_generator_is_named():
    generator = (p for p in parameters())
    optim.SGD(generator, 0.1)
    with pytest.raises(ValueError, match="A generator is empty once consumed"):
        optim.SGD(generator, 0.1)


@each_class
def test_parameter_that_becomes_read_only_is_named(make):
    w = leaf("frozen")
    optimizer = make([leaf(), w])
    w.data = read_only()
    w.grad = np.ones(2)
    with pytest.raises(ValueError, match=r"parameter 1 'frozen' of shape .* read-only"):
        optimizer.step()


BAD_OPTIONS = {
    "lr below 0": ("SGD", {"lr": -0.1}, ValueError, r"SGD: lr: expected a finite number ≥ 0, got -0.1"),
    "lr nan": ("SGD", {"lr": math.nan}, ValueError, "lr: expected"),
    "lr infinite": ("Adam", {"lr": math.inf}, ValueError, "lr: expected"),
    "lr text": ("SGD", {"lr": "0.1"}, TypeError, "lr: expected a number, got '0.1'"),
    "lr True": ("SGD", {"lr": True}, TypeError, "lr: expected a number"),
    "lr a tensor": ("Adam", {"lr": tt.Tensor(0.1)}, TypeError, "lr: expected a number.*float"),
    "momentum below 0": ("SGD", {"lr": 0.1, "momentum": -0.9}, ValueError, "momentum: expected"),
    "momentum nan": ("SGD", {"lr": 0.1, "momentum": math.nan}, ValueError, "momentum: expected"),
    "dampening below 0": ("SGD", {"lr": 0.1, "dampening": -1.0}, ValueError, "dampening: expected"),
    "weight decay below 0": ("SGD", {"lr": 0.1, "weight_decay": -1e-4}, ValueError, "weight_decay: expected"),
    "nesterov alone": ("SGD", {"lr": 0.1, "nesterov": True}, ValueError, "needs momentum > 0"),
    "nesterov, dampened": (
        "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "dampening": 0.1}, ValueError, "dampening = 0",
    ),
    "nesterov a number": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": 1e-4}, TypeError, "True or False"),
    "beta 1": ("Adam", {"betas": (1.0, 0.9)}, ValueError, r"betas\[0\]: expected a finite number in \[0, 1\), got 1.0"),
    "beta below 0": ("AdamW", {"betas": (0.9, -0.1)}, ValueError, r"AdamW: betas\[1\]"),
    "one beta": ("Adam", {"betas": (0.9,)}, TypeError, "expected two numbers"),
    "a number for betas": ("Adam", {"betas": 0.9}, TypeError, "expected two numbers"),
    "eps below 0": ("Adam", {"eps": -1e-8}, ValueError, "eps: expected"),
    "amsgrad a number": ("AdamW", {"amsgrad": 1}, TypeError, "amsgrad: expected True or False"),
    "decay below 0": ("AdamW", {"weight_decay": -1}, ValueError, "AdamW: weight_decay"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "options", "error", "match"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_bad_options(name, options, error, match):
    with pytest.raises(error, match=match) as caught:
        getattr(optim, name)([leaf()], **options)
    assert "\n" not in str(caught.value)


def test_rate_is_checked_where_it_is_assigned():
    optimizer = optim.Adam([leaf()])
    with pytest.raises(ValueError, match="lr: expected"):
        optimizer.lr = -1.0
    assert optimizer.lr == 1e-3


# ------------------------------------------------------------------------------------------ schedules

EPOCHS = 60
# Each is made for our optimizers or torch's by the same call.
SCHEDULES = {
    "StepLR": lambda o, m: m.StepLR(o, 7),
    "StepLR, half": lambda o, m: m.StepLR(o, step_size=1, gamma=0.5),
    "StepLR, up": lambda o, m: m.StepLR(o, 10, gamma=1.5),
    "MultiStepLR": lambda o, m: m.MultiStepLR(o, [3, 20, 21, 50], gamma=0.3),
    "MultiStepLR, twice": lambda o, m: m.MultiStepLR(o, [5, 5, 9]),
    "MultiStepLR, at 0": lambda o, m: m.MultiStepLR(o, [0, 4], gamma=0.5),
    "MultiStepLR, none": lambda o, m: m.MultiStepLR(o, []),
    "ExponentialLR": lambda o, m: m.ExponentialLR(o, 0.93),
    "CosineAnnealingLR": lambda o, m: m.CosineAnnealingLR(o, 59),
    "CosineAnnealingLR, past the end": lambda o, m: m.CosineAnnealingLR(o, 13, eta_min=0.01),
    "CosineAnnealingLR, 1": lambda o, m: m.CosineAnnealingLR(o, T_max=1, eta_min=0.2),
    "LinearLR": lambda o, m: m.LinearLR(o),
    "LinearLR, down": lambda o, m: m.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=40),
    "LambdaLR": lambda o, m: m.LambdaLR(o, lambda epoch: 0.9**epoch / (1 + epoch)),
    "SequentialLR": lambda o, m: m.SequentialLR(
        o, [m.LinearLR(o, 0.1, total_iters=6), m.CosineAnnealingLR(o, 54)], [6]
    ),
    "SequentialLR of three": lambda o, m: m.SequentialLR(
        o,
        schedulers=[m.LambdaLR(o, lambda epoch: 1 + epoch), m.StepLR(o, 4, 0.5), m.ExponentialLR(o, 0.8)],
        milestones=[5, 25],
    ),
    "SequentialLR of one": lambda o, m: m.SequentialLR(o, [m.MultiStepLR(o, [4])], []),
}
every_schedule = pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)


def closed_form(schedule, epoch):
    """The rate of torch's own closed form, where it has one; else what it arrived at step by step."""
    if hasattr(schedule, "_get_closed_form_lr"):
        return schedule._get_closed_form_lr()[0]
    return schedule.get_last_lr()[0]


@every_schedule
def test_schedule_is_pytorchs(make):
    ours = optim.SGD([leaf()], lr=0.4)
    theirs = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.4)
    schedule, expected = make(ours, optim), make(theirs, torch.optim.lr_scheduler)
    rates = []
    for epoch in range(EPOCHS):
        assert schedule.last_epoch == epoch
        assert ours.lr == schedule.get_last_lr()[0] == schedule.lr_at(epoch)
        assert type(ours.lr) is float
        assert abs(ours.lr - closed_form(expected, epoch)) <= 1e-12
        assert abs(ours.lr - theirs.param_groups[0]["lr"]) <= 1e-12
        rates.append(ours.lr)
        theirs.step()
        schedule.step()
        expected.step()
    assert [schedule.lr_at(epoch) for epoch in range(EPOCHS)] == rates  # no state: it can be asked at any time


@every_schedule
def test_schedule_is_resumed(make):
    optimizer = optim.SGD([leaf()], lr=0.4)
    schedule = make(optimizer, optim)
    for _ in range(9):
        schedule.step()
    state = json.loads(json.dumps(schedule.state_dict()))
    other = optim.SGD([leaf()], lr=0.123)
    resumed = make(other, optim)
    resumed.load_state_dict(state)
    for _ in range(30):
        assert other.lr == optimizer.lr
        assert resumed.last_epoch == schedule.last_epoch
        schedule.step()
        resumed.step()


def test_schedule_begins_from_the_rate_that_was_set_and_not_from_another_schedule():
    optimizer = optim.SGD([leaf()], lr=0.4)
    optim.LinearLR(optimizer, start_factor=0.5)
    assert optimizer.lr == 0.2
    assert optim.ExponentialLR(optimizer, 0.9).base_lr == 0.4
    optimizer.lr = 0.1
    assert optim.ExponentialLR(optimizer, 0.9).base_lr == 0.1


def test_step_uses_the_scheduled_rate():
    w = leaf()
    optimizer = optim.SGD([w], lr=1.0)
    schedule = optim.ExponentialLR(optimizer, 0.5)
    w.grad = np.ones(2)
    optimizer.step()
    schedule.step()
    optimizer.step()
    assert w.tolist() == [-0.5, 0.5]


def test_schedule_and_optimizer_leave_no_cycle():
    gc.disable()
    try:
        optimizer = optim.SGD([leaf()], lr=1.0)
        schedule = optim.SequentialLR(optimizer, [optim.LinearLR(optimizer), optim.ExponentialLR(optimizer, 0.5)], [3])
        schedule.step()
        optimizer.step()
        alive = weakref.ref(optimizer)
        del optimizer, schedule
        assert alive() is None
    finally:
        gc.enable()


def test_repr_of_a_schedule():
    assert repr(optim.ExponentialLR(optim.SGD([leaf()], 0.5), 0.5)) == "ExponentialLR(epoch 0, lr=0.5)"


class Falling(optim.LRScheduler):
    def lr_at(self, epoch):
        return -0.1


other_optimizer = optim.SGD([leaf()], 0.1)
BAD_SCHEDULES = {
    "no optimizer": (lambda o: optim.StepLR(0.1, 3), TypeError, "expected an optimizer, got float"),
    "step size 0": (lambda o: optim.StepLR(o, 0), ValueError, "step_size: expected a whole number ≥ 1, got 0"),
    "step size 1.5": (lambda o: optim.StepLR(o, 1.5), ValueError, "step_size"),
    "step size True": (lambda o: optim.StepLR(o, True), ValueError, "step_size"),
    "gamma below 0": (lambda o: optim.StepLR(o, 3, -0.1), ValueError, "gamma"),
    "gamma nan": (lambda o: optim.ExponentialLR(o, math.nan), ValueError, "gamma"),
    "milestones in disorder": (lambda o: optim.MultiStepLR(o, [5, 3]), ValueError, "sort them"),
    "half a milestone": (lambda o: optim.MultiStepLR(o, [1, 2.5]), ValueError, r"milestones\[1\]"),
    "T_max 0": (lambda o: optim.CosineAnnealingLR(o, 0), ValueError, "T_max"),
    "eta_min below 0": (lambda o: optim.CosineAnnealingLR(o, 3, -1.0), ValueError, "eta_min"),
    "total_iters 0": (lambda o: optim.LinearLR(o, total_iters=0), ValueError, "total_iters"),
    "start_factor below 0": (lambda o: optim.LinearLR(o, -0.5), ValueError, "start_factor"),
    "no function": (lambda o: optim.LambdaLR(o, 0.5), TypeError, "function of the epoch"),
    "a function that gives text": (lambda o: optim.LambdaLR(o, str), TypeError, r"lr_lambda\(0\): expected a number"),
    "a function that gives nothing": (lambda o: optim.LambdaLR(o, lambda e: None), TypeError, "expected a number"),
    "a function below 0": (lambda o: optim.LambdaLR(o, lambda e: -1.0), ValueError, r"lr_lambda\(0\): expected"),
    "a rate below 0": (lambda o: Falling(o), ValueError, "Falling: the rate of epoch 0: expected"),
    "too few milestones": (
        lambda o: optim.SequentialLR(o, [optim.LinearLR(o), optim.StepLR(o, 1)], []), ValueError, "2 schedules and 0",
    ),
    "no schedules": (lambda o: optim.SequentialLR(o, [], []), ValueError, "0 schedules"),
    "not a schedule": (lambda o: optim.SequentialLR(o, [3], []), TypeError, "schedule 0 is a int"),
    "of another optimizer": (
        lambda o: optim.SequentialLR(o, [optim.LinearLR(other_optimizer)], []), ValueError, "another optimizer",
    ),
    "no formula": (lambda o: optim.LRScheduler(o), NotImplementedError, "lr_at"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "error", "match"), BAD_SCHEDULES.values(), ids=BAD_SCHEDULES)
def test_bad_schedules(make, error, match):
    with pytest.raises(error, match=match) as caught:
        make(optim.SGD([leaf()], lr=0.1))
    assert "\n" not in str(caught.value)


def inner_state(change):
    def bad(state):
        change(state["schedulers"][1])

    return bad


BAD_SCHEDULE_STATES = {
    "another class": (lambda s: s.update(schedule="StepLR"), ValueError, "that of StepLR"),
    "a missing part": (lambda s: s.pop("base_lr"), ValueError, r"missing \['base_lr'\]"),
    "an unknown part": (lambda s: s.update(gamma=1), ValueError, r"unknown \['gamma'\]"),
    "an epoch below 0": (lambda s: s.update(last_epoch=-1), ValueError, "last_epoch"),
    "a bad rate": (lambda s: s.update(base_lr=-1.0), ValueError, "base_lr"),
    "too few schedules": (lambda s: s["schedulers"].pop(), ValueError, "has 1 schedules, this one 2"),
    "no schedules": (lambda s: s.pop("schedulers"), ValueError, "has 0 schedules, this one 2"),
    "a bad inner rate": (inner_state(lambda s: s.update(base_lr=math.nan)), ValueError, "base_lr"),
}


@pytest.mark.parametrize(("change", "error", "match"), BAD_SCHEDULE_STATES.values(), ids=BAD_SCHEDULE_STATES)
def test_bad_schedule_states_are_refused_and_change_nothing(change, error, match):
    optimizer = optim.SGD([leaf()], lr=0.4)
    schedule = SCHEDULES["SequentialLR"](optimizer, optim)
    state = schedule.state_dict()
    state["last_epoch"] = 5
    change(state)
    before, rate = schedule.state_dict(), optimizer.lr
    with pytest.raises(error, match=match):
        schedule.load_state_dict(state)
    assert schedule.state_dict() == before
    assert optimizer.lr == rate


# ------------------------------------------------------------------------------------------- clipping


def pairs(dtype, scale=1.0):
    """The same parameters with the same gradients here and in torch; one has none."""
    rng = np.random.default_rng(7)
    ours, theirs = [], []
    for shape in [(4, 3), (0, 2), (), (5,)]:
        g = (scale * rng.standard_normal(shape)).astype(dtype)
        ours.append(tt.zeros(shape, dtype, requires_grad=True))
        theirs.append(torch.zeros(shape, dtype=getattr(torch, np.dtype(dtype).name), requires_grad=True))
        ours[-1].grad, theirs[-1].grad = g.copy(), torch.tensor(g)
    ours.append(tt.zeros(2, dtype, requires_grad=True))
    theirs.append(torch.zeros(2, requires_grad=True))
    return ours, theirs


def assert_same_gradients(ours, theirs, dtype):
    for p, q in zip(ours, theirs, strict=True):
        if q.grad is None:
            assert p.grad is None
        else:
            assert (p.grad.shape, p.grad.dtype) == (p.shape, dtype)
            np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol={np.float32: 1e-6, np.float64: 1e-12}[dtype])


@every_dtype
@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, 0.5, math.inf, 0.0])
@pytest.mark.parametrize("max_norm", [0.0, 0.5, 3.7, 100.0, math.inf])
def test_clip_by_norm_is_pytorchs(max_norm, norm_type, dtype):
    ours, theirs = pairs(dtype)
    if math.isinf(norm_type):  # torch finds no largest element of an empty gradient; we pass over it
        theirs[1].grad = None
    total = optim.clip_grad_norm(ours, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert type(total) is float
    np.testing.assert_allclose(total, float(expected), rtol={np.float32: 1e-6, np.float64: 1e-12}[dtype])
    if math.isinf(norm_type):
        theirs[1].grad = torch.zeros(0, 2, dtype=theirs[0].dtype)
    assert_same_gradients(ours, theirs, dtype)


@every_dtype
@pytest.mark.parametrize("clip_value", [0.0, 0.3, 10.0, math.inf])
def test_clip_by_value_is_pytorchs(clip_value, dtype):
    ours, theirs = pairs(dtype)
    assert optim.clip_grad_value(ours, clip_value) is None
    torch.nn.utils.clip_grad_value_(theirs, clip_value)
    assert_same_gradients(ours, theirs, dtype)


@given(st.floats(0, 10), st.floats(0, 10), st.integers(0, 1000))
def test_clipped_gradients_are_short_and_point_the_same_way(max_norm, scale, seed):
    p = tt.zeros(6, requires_grad=True)
    g = scale * np.random.default_rng(seed).standard_normal(6)
    p.grad = g.copy()
    total = optim.clip_grad_norm((q for q in [p]), max_norm)
    assert np.linalg.norm(p.grad) <= max_norm * (1 + 1e-12)
    np.testing.assert_allclose(p.grad * total, g * np.linalg.norm(p.grad), atol=1e-9)
    if total <= max_norm - 1e-6:
        assert np.array_equal(p.grad, g)


@pytest.mark.parametrize(
    "clip", [lambda ps: optim.clip_grad_norm(ps, 0.1), lambda ps: optim.clip_grad_value(ps, 0.1)], ids=["norm", "value"]
)
def test_clipping_replaces_gradients_and_writes_into_none(clip):
    """Two parameters may hold one array; each is clipped once, and whoever else holds it sees no change."""
    shared = np.array([3.0, 4.0])
    a, b = leaf(), leaf()
    a.grad = b.grad = shared
    assert a.grad is b.grad is shared
    clip([a, b])
    assert shared.tolist() == [3.0, 4.0]
    assert np.array_equal(a.grad, b.grad)
    assert a.grad is not shared
    assert a.grad.max() <= 0.1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("max_norm", [1.0, math.inf])
def test_norms_that_are_not_finite(bad, max_norm):
    ours, theirs = pairs(np.float64)
    ours[0].label = "weight"
    ours[0].grad[0, 0] = bad
    theirs[0].grad[0, 0] = bad
    before = [None if p.grad is None else p.grad.copy() for p in ours]
    with pytest.raises(RuntimeError, match=r"nan or inf in parameter 0 'weight' of shape \(4, 3\); .*=False"):
        optim.clip_grad_norm(ours, max_norm, error_if_nonfinite=True)
    for p, g in zip(ours, before, strict=True):
        np.testing.assert_array_equal(p.grad, g)
    total = optim.clip_grad_norm(ours, max_norm)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm)
    np.testing.assert_equal(total, float(expected))
    assert_same_gradients(ours, theirs, np.float64)


@pytest.mark.parametrize(("dtype", "large"), [(np.float16, 300.0), (np.float32, 1e25), (np.float64, 1e200)])
@pytest.mark.parametrize("norm_type", [2.0, 3.0])
def test_gradients_whose_squares_overflow_are_clipped_and_not_lost(dtype, large, norm_type):
    p = tt.zeros(2, dtype, requires_grad=True)
    p.grad = np.array([3 * large, -4 * large], dtype)
    length = (3**norm_type + 4**norm_type) ** (1 / norm_type)
    assert optim.clip_grad_norm([p], 1.0, norm_type) == pytest.approx(length * large, rel=1e-3)
    np.testing.assert_allclose(p.grad, [3 / length, -4 / length], rtol=2e-3)


def test_norm_without_gradients_is_zero():
    assert optim.clip_grad_norm([leaf()], 1.0) == 0.0


def test_clipping_of_scalar_values():
    a, b = Value(0.0), Value(0.0)
    a.grad, b.grad = 3.0, -4.0
    assert optim.clip_grad_norm([a, b], 1.0) == 5.0
    np.testing.assert_allclose([a.grad, b.grad], [0.6, -0.8], rtol=1e-6)
    assert type(a.grad) is float
    optim.clip_grad_value([a, b], 0.7)
    assert b.grad == -0.7


BAD_CLIPS = {
    "one tensor": (lambda: optim.clip_grad_norm(leaf(), 1.0), TypeError, "one Tensor"),
    "empty": (lambda: optim.clip_grad_norm([], 1.0), ValueError, "no parameters"),
    "empty, by value": (lambda: optim.clip_grad_value([], 1.0), ValueError, "no parameters"),
    "below 0": (lambda: optim.clip_grad_norm([leaf()], -1.0), ValueError, "max_norm: expected a number ≥ 0"),
    "nan": (lambda: optim.clip_grad_norm([leaf()], math.nan), ValueError, "max_norm"),
    "norm nan": (lambda: optim.clip_grad_norm([leaf()], 1.0, math.nan), ValueError, "norm_type"),
    "norm below 0": (lambda: optim.clip_grad_norm([leaf()], 1.0, -2.0), ValueError, "norm_type: expected a number ≥ 0"),
    "norm text": (lambda: optim.clip_grad_norm([leaf()], 1.0, "inf"), TypeError, "norm_type"),
    "flag": (lambda: optim.clip_grad_norm([leaf()], 1.0, 2.0, 1), TypeError, "error_if_nonfinite"),
    "value below 0": (lambda: optim.clip_grad_value([leaf()], -0.1), ValueError, "clip_value"),
    "twice": (lambda: optim.clip_grad_norm([twice, twice], 1.0), ValueError, "list it once"),
}


@pytest.mark.parametrize(("call", "error", "match"), BAD_CLIPS.values(), ids=BAD_CLIPS)
def test_bad_clips(call, error, match):
    with pytest.raises(error, match=match):
        call()


LARGE = {
    "SGD": lambda ps: tt.optim.SGD(ps, lr=0.1),
    "momentum": lambda ps: tt.optim.SGD(ps, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.01),
    "nesterov": lambda ps: tt.optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda ps: tt.optim.Adam(ps, lr=0.1, weight_decay=0.01),
    "amsgrad": lambda ps: tt.optim.AdamW(ps, lr=0.1, amsgrad=True),
}


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
@pytest.mark.parametrize(("order", "of_gradient"), ["CC", "FF", "CF", "FC"])
def test_a_large_parameter_is_updated_as_its_elements_are(make, order, of_gradient, monkeypatch):
    """Piece by piece or, where the layouts differ, whole: bit for bit the same, with every buffer."""
    rng = np.random.default_rng(0)
    data, gs = rng.standard_normal((7, 11)), rng.standard_normal((4, 7, 11))
    results = []
    for piece in (8, 1000):
        monkeypatch.setattr(base, "PIECE", piece)
        p = tt.Tensor(np.array(data, order=order), requires_grad=True)
        optimizer, sizes = make([p]), []
        plain = optimizer._update
        monkeypatch.setattr(
            optimizer, "_update", lambda p, *rest, plain=plain, sizes=sizes: (sizes.append(p.size), plain(p, *rest))
        )
        for g in gs:
            p.grad = np.array(g, order=of_gradient)
            optimizer.step()
        assert min(sizes) == (77 % 8 if piece == 8 and order == of_gradient else 77)
        results.append([p.data, *(v for v in optimizer._state[0].values() if isinstance(v, np.ndarray))])
    for small, whole in zip(*results, strict=True):
        np.testing.assert_array_equal(small, whole)


def test_a_large_parameter_needs_little_memory_to_be_updated():
    p = tt.Tensor(np.zeros(2**21, np.float32), requires_grad=True)
    optimizer = tt.optim.SGD([p], lr=0.1)
    p.grad = np.ones(2**21, np.float32)
    room = optimizer._rooms[0][1]
    room[...] = 7.0
    optimizer.step()
    assert 0 < np.count_nonzero(room != 7.0) <= base.PIECE


def test_a_step_that_fails_half_way_is_noticed_by_older_graphs():
    """What was updated before the error has changed, and a graph built on it must not be walked."""
    first, second = (tt.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    optimizer = tt.optim.SGD([first, second], lr=0.1)
    loss = (first * first * second).sum()
    loss.backward()
    second.data.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        optimizer.step()
    assert first.data.tolist() != [1.0, 2.0]
    with pytest.raises(RuntimeError, match="changed"):
        loss.backward()
