"""What a trace can't hold is an error that names the line, and a trace that fails leaves everything as it was."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import nn, optim
from tinytensor.modes import mode

from .compile_checks import assert_same_bits

outside: list[object] = []
counter = 0
scalar = tt.Value(2.0)


class Box:
    value: object = None


box = Box()


def branch(x):
    if x.sum() > 0:  # here
        return x
    return -x


def loop(x):
    while x.max() < 10:  # here
        x = x * 2
    return x


def conditional(x):
    return x if (x > 0).all() else -x  # here


def both(x):
    return x.sum() and x  # here


def as_float(x):
    return x * float(x.sum())  # here


def as_int(x):
    return x * int(x.sum())  # here


def as_index(x):
    return [x, x][np.argmax(x)]  # here


def in_math(x):
    return x * math.sqrt(x.sum())  # here


def item(x):
    return x * x.sum().item()  # here


def data(x):
    return x * x.data  # here


def numpy_method(x):
    return x * x.detach().numpy()  # here


def tolist(x):
    return x * x.sum().tolist()  # here


def asarray(x):
    return x * np.asarray(x.detach())  # here


def array(x):
    return x * np.array(x.detach())  # here


def printed(x):
    print(x)  # here
    return x


def formatted(x):
    text = f"{x}"  # here
    return x, text


def as_text(x):
    str(x.sum())  # here
    return x


def masked(x):
    return x[x > 0]  # here


def nonzero(x):
    return x, np.nonzero(x)  # here


def unique(x):
    return np.unique(x)  # here


def counted(x):
    return np.repeat(x, x.astype(int))  # here


def contained(x):
    return x * (0.5 in x)  # here


def all_close(x):
    return x * np.allclose(x, 0)  # here


def appended(x):
    y = x * 2  # here
    outside.append(y)
    return y * 2


def kept_in_a_dict(x):
    y = x * 2  # here
    vars(box)["other"] = y
    return x


def attribute(x):
    box.value = 3  # here
    return x


def attribute_deleted(x):
    del box.value  # here
    return x


def global_name(x):
    global counter
    counter += 1  # here
    return x


def numpy_random(x):
    return x * np.random.rand(2)  # here


def own_generator(x):
    return x + np.random.default_rng().normal(size=2)  # here


def value(x):
    return x * scalar


def backward_into_argument(x):
    (x * 2).sum().backward()
    return x


def filled_array(x):
    buffer = np.zeros(2)
    buffer[0] = x[0]  # here
    return x * buffer


NAMED = [
    branch, loop, conditional, both, as_float, as_int, as_index, in_math, item, data, numpy_method, tolist, asarray,
    array, printed, formatted, as_text, masked, nonzero, unique, counted, contained, all_close, appended,
    kept_in_a_dict, attribute, attribute_deleted, global_name, filled_array,
]  # fmt: skip
NOT_NAMED = [numpy_random, own_generator, value, backward_into_argument]


def argument():
    return tt.Tensor([0.25, 1.0], requires_grad=True)


def line_of(function):
    """The line of a function that has "here" in its comment."""
    with open(__file__, encoding="utf-8") as file:
        lines = file.read().splitlines()
    first = function.__code__.co_firstlineno
    return next(k for k in range(first, first + 9) if "# here" in lines[k - 1])


@pytest.fixture(autouse=True)
def as_before():
    yield
    outside.clear()
    vars(box).clear()


@pytest.mark.parametrize("function", NAMED, ids=lambda f: f.__name__)
def test_the_line_is_named(function):
    with pytest.raises(tt.CompileError, match=rf"test_compile_errors\.py:{line_of(function)}: "):
        tt.compile(function)(argument())
    assert mode.tracer is None


@pytest.mark.parametrize("function", NOT_NAMED, ids=lambda f: f.__name__)
def test_refused(function):
    with pytest.raises(tt.CompileError, match=r"tt\.compile: "):
        tt.compile(function)(argument())
    assert mode.tracer is None


def test_nonlocal_names():
    calls = 0

    def step(x):
        nonlocal calls
        calls += 1
        return x

    with pytest.raises(tt.CompileError, match="assigns to calls, which belongs to the function around it"):
        tt.compile(step)
    assert calls == 0


def helper_with_effects(x):
    global counter
    counter += 1
    return x


def test_effects_of_the_functions_that_it_calls():
    with pytest.raises(tt.CompileError, match="assigns to the global counter"):
        tt.compile(lambda x: helper_with_effects(x) * 2)
    assert counter == 0


def test_a_generator_is_refused():
    def step(x):
        yield x

    with pytest.raises(tt.CompileError, match="generator or coroutine"):
        tt.compile(step)


@pytest.mark.parametrize("bad", [{1, 2}, bytearray(b"x"), tt.Value(1.0)], ids=["a set", "a bytearray", "a Value"])
def test_arguments_that_it_does_not_take(bad):
    with pytest.raises(tt.CompileError, match=r"tt\.compile: "):
        tt.compile(lambda x, y: x)(argument(), bad)


def test_a_returned_value():
    with pytest.raises(tt.CompileError, match="Value"):
        tt.compile(lambda x: tt.Value(2.0))(argument())


# --------------------------------------------------------------------- what a failed trace leaves behind


def training():
    generator = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(3, 4, generator=generator), nn.Dropout(0.5, generator), nn.Linear(4, 2))
    return model, optim.Adam(model.parameters(), lr=0.1), generator


def left(model, optimizer, schedule, generator):
    arrays = [p.data.copy() for p in model.parameters()]
    arrays += [None if p.grad is None else p.grad.copy() for p in model.parameters()]
    for state in optimizer._state:
        arrays += [np.array(state[name]) for name in sorted(state)]
    arrays += [np.array([optimizer.lr, schedule.last_epoch])]
    return arrays, str(generator.bit_generator.state)


def fails_by_branch(loss):
    return loss if loss > 0 else -loss


def fails_by_error(loss):
    if mode.tracer is not None:  # only where it is watched
        raise KeyError("planted")
    return loss


def fails_by_shape(loss):
    return loss if mode.tracer is None else np.reshape(loss, (7, 7))


@pytest.mark.parametrize("failing", [fails_by_branch, fails_by_error, fails_by_shape], ids=lambda f: f.__name__)
def test_a_failed_trace_leaves_everything_as_it_was(failing):
    model, optimizer, generator = training()
    schedule = optim.StepLR(optimizer, 1, 0.5)
    x, y = np.ones((5, 3), np.float32), np.array([0, 1, 0, 1, 1])

    def step(x, y):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        return failing(loss)

    twins = [(model, optimizer, schedule, generator)]
    step(x, y)  # so that there are gradients and buffers
    before, state = left(*twins[0])
    saved = generator.bit_generator.state, optimizer.state_dict(), model.state_dict(), schedule.state_dict()
    grads = [p.grad.copy() for p in model.parameters()]
    step(x, y)
    once, state_once = left(*twins[0])
    generator.bit_generator.state = saved[0]
    optimizer.load_state_dict(saved[1])
    model.load_state_dict(saved[2])
    schedule.load_state_dict(saved[3])
    for p, g in zip(model.parameters(), grads, strict=True):
        p.grad = g
    now, state_now = left(*twins[0])
    assert_same_bits(now, before)
    assert state_now == state
    with pytest.raises((tt.CompileError, KeyError, ValueError)):
        tt.compile(step)(x, y)
    after, state_after = left(*twins[0])
    assert_same_bits(after, once)  # the function ran once, as it is; the trace that failed changed nothing
    assert state_after == state_once
    assert tt.is_grad_enabled()
    assert mode.tracer is None
    assert all(type(p._data) is np.ndarray for p in model.parameters())
    step(x, y)  # and eager goes on


def test_the_error_of_a_later_trace_leaves_the_first_program():
    @tt.compile
    def double(x):
        return x.reshape(2, 2) * 2

    for _ in range(2):
        assert double(np.ones(4)).shape == (2, 2)
        with pytest.raises(ValueError, match="reshape"):
            double(np.ones(5))
    assert double(np.ones(4)).tolist() == [[2.0, 2.0], [2.0, 2.0]]
