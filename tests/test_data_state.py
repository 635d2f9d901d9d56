"""The place in the data: batches go on where others were, and refuse a state that is not theirs."""

import json
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinytensor as tt
from tinytensor.data import batches


def loader(n=10, batch_size=3, shuffle=True, seed=0, drop_last=False):
    rng = None if seed is None else np.random.default_rng(seed)
    return batches(np.arange(n), batch_size=batch_size, shuffle=shuffle, rng=rng, drop_last=drop_last)


def lists(found):
    return [batch.tolist() for batch in found]


sizes = {"n": st.integers(1, 20), "batch_size": st.integers(1, 8), "shuffle": st.booleans(), "drop_last": st.booleans()}


@given(**sizes, epochs=st.integers(0, 2), given_=st.integers(0, 20), seed=st.sampled_from([None, 0]))
def test_the_rest_of_the_epoch_and_all_later_ones_are_the_same(n, batch_size, shuffle, drop_last, epochs, given_, seed):
    made = {"n": n, "batch_size": min(batch_size, n), "shuffle": shuffle, "drop_last": drop_last, "seed": seed}
    tt.manual_seed(1)
    first = loader(**made)
    for _ in range(epochs):
        list(first)
    walk = iter(first)
    list(islice(walk, min(given_, len(first))))  # perhaps all of them, with the end not reached
    state, default = json.loads(json.dumps(first.state_dict())), tt.creation.rng().bit_generator.state
    rest = lists(walk), lists(first), lists(first)
    resumed = loader(**(made | {"seed": None if seed is None else 7}))
    tt.creation.rng().bit_generator.state = default
    resumed.load_state_dict(state)
    assert resumed.epoch == epochs
    assert (lists(resumed), lists(resumed), lists(resumed)) == rest
    assert resumed.epoch == first.epoch == epochs + 3


def test_epochs_are_counted_at_their_end():
    data = loader()
    walk = iter(data)
    assert (data.epoch, data.state_dict()["position"]) == (0, 0)
    for number, _ in enumerate(walk, 1):
        assert (data.epoch, data.state_dict()["position"]) == (0, number)
    assert (data.epoch, data.state_dict()["position"]) == (1, None)
    next(iter(data))  # a look at a batch is no epoch
    assert data.epoch == 1


def test_an_epoch_that_was_left_is_begun_anew_unless_it_was_loaded():
    data, other = loader(), loader()
    first = next(iter(data))
    state = data.state_dict()
    assert len(list(data)) == 4
    other.load_state_dict(state)
    again = lists(other)
    assert len(again) == 3
    assert first.tolist() not in again


def test_of_two_epochs_at_once_the_later_one_is_saved():
    data, resumed = loader(), loader(seed=5)
    one, two = iter(data), iter(data)
    next(two), next(one), next(one)
    resumed.load_state_dict(data.state_dict())
    assert lists(resumed) == lists(two)


def test_saving_draws_nothing_and_keeps_no_reference():
    data, other = loader(), loader()
    states = [data.state_dict() for _ in data]
    assert lists(other) != lists(data)
    assert [state["position"] for state in states] == [1, 2, 3, 4]
    for state in states:
        later = loader(seed=9)
        later.load_state_dict(state)
        assert len(list(later)) == 4 - state["position"]


BAD = {
    "no dict": (lambda s: [], TypeError, "expected a dict from state_dict"),
    "a missing key": (lambda s: s.pop("epoch") and s, TypeError, "expected a dict from state_dict"),
    "other data": (lambda s: s | {"made": s["made"] | {"samples": 11}}, ValueError, "with {'samples': 11, .*, these have {'samples': 10"),
    "another batch size": (lambda s: loader(batch_size=2).state_dict(), ValueError, "'batch_size': 2"),
    "in order": (lambda s: loader(shuffle=False).state_dict(), ValueError, "'shuffle': False"),
    "without rng": (lambda s: loader(seed=None).state_dict(), ValueError, "'rng': False"),
    "an epoch below zero": (lambda s: s | {"epoch": -1}, ValueError, "epoch: expected a whole number ≥ 0, got -1"),
    "half an epoch": (lambda s: s | {"epoch": 0.5}, ValueError, "epoch: expected a whole number"),
    "a position beyond": (lambda s: s | {"position": 5}, ValueError, "position: expected a whole number from 0 to 4, got 5"),
    "a true position": (lambda s: s | {"position": True}, ValueError, "position: expected a whole number"),
    "no generator": (lambda s: s | {"generator": None}, ValueError, "expected the state of a PCG64, got that of 'NoneType'"),
    "no state before": (lambda s: s | {"before": None}, ValueError, "expected the state of a PCG64"),
    "another kind": (lambda s: s | {"before": np.random.Generator(np.random.SFC64()).bit_generator.state}, ValueError, "got that of 'SFC64'"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "error", "match"), BAD.values(), ids=BAD)
def test_a_state_of_other_batches_is_refused_and_changes_nothing(change, error, match):
    source, data, same = loader(), loader(seed=3), loader(seed=3)
    next(iter(source))
    state = change(source.state_dict())
    with pytest.raises(error, match=match) as caught:
        data.load_state_dict(state)
    assert "\n" not in str(caught.value)
    assert data.state_dict() == same.state_dict()
    assert lists(data) == lists(same)
