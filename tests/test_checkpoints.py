"""Checkpoints: a training goes on from any of them bit by bit; what can't be restored changes nothing."""

import json
import os
import threading

import numpy as np
import pytest
import safetensors.numpy

import tinytensor as tt
from tinytensor import io, nn
from tinytensor.io import files, states

from .checkpoint_run import Training

NAMES = ["checkpoint-00000002.safetensors", "checkpoint-00000003.safetensors"]


def small(seed=0):
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(2, 3, generator=rng), nn.Dropout(0.5, generator=np.random.default_rng(seed + 1)))
    optimizer = tt.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for p in optimizer.parameters:
        p.grad = rng.normal(size=p.shape).astype(np.float32)
    optimizer.step()
    return {"model": model, "optimizer": optimizer, "rng": rng}


def states_of(parts):
    arrays = {}
    document = {name: states.packed(states.taken(part), name, arrays) for name, part in parts.items()}
    return json.dumps(document), {name: array.tobytes() for name, array in arrays.items()}


# -------------------------------------------------------------------------------------- bit by bit


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_from_every_checkpoint_the_training_ends_with_the_same_bits(tmp_path, compiled):
    """At every step, within epochs, at their last batch and between them; a new process is `test_checkpoint_kills`'s."""
    straight, places = Training(compiled), []

    def save(training):
        places.append(io.Checkpointer(tmp_path / str(len(places))))
        places[-1].save(training.number, values={"losses": training.losses}, **training.parts)

    straight.run(4, save)
    expected = straight.digest()
    assert len(places) == 4 * (3 + 1)
    for checkpoints in places:
        training = Training(compiled)
        training.rng.random(5)  # what is restored does not depend on what was before
        training.resume(checkpoints)
        training.run(4)
        assert training.digest() == expected, checkpoints


def test_a_training_that_forgets_a_part_ends_elsewhere(tmp_path):
    """So the digest of the test above sees each of them."""
    straight, checkpoints = Training(), io.Checkpointer(tmp_path)
    straight.run(4, lambda t: checkpoints.save(5, **t.parts) if t.number == 5 else None)
    digests = {straight.digest()}
    for name in straight.parts:
        if name == "rng":
            continue  # the batches have the same one
        training = Training()
        parts = {other: part for other, part in training.parts.items() if other != name}
        checkpoints.restore(strict=False, **parts)
        training.number, training.losses = 5, straight.losses[:5]
        training.run(4)
        digests.add(training.digest())
    assert len(digests) == 5


def test_the_generator_of_manual_seed_goes_with_it(tmp_path):
    tt.manual_seed(1)
    tt.rand(3)
    io.Checkpointer(tmp_path).save(0)
    expected = tt.rand(3).tolist()
    generator = tt.manual_seed(7)
    io.Checkpointer(tmp_path).restore()
    assert tt.rand(3).tolist() == expected
    assert tt.creation.rng() is generator  # the same object: compiled steps know it


BIT_GENERATORS = [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]


@pytest.mark.parametrize("kind", BIT_GENERATORS)
def test_every_kind_of_generator_goes_on(tmp_path, kind):
    generator = np.random.Generator(kind(3))
    generator.random(7), generator.integers(0, 9, 3, np.int32)  # half of a word is left over
    io.Checkpointer(tmp_path).save(0, rng=generator)
    expected = generator.integers(0, 2**31, 9, np.int32).tolist(), generator.normal(size=700).tolist()
    other = np.random.Generator(kind(4))
    io.Checkpointer(tmp_path).restore(rng=other)
    assert (other.integers(0, 2**31, 9, np.int32).tolist(), other.normal(size=700).tolist()) == expected


def test_the_initial_rate_goes_with_the_optimizer(tmp_path):
    """A schedule that begins later starts from the same rate, whether the training was interrupted or not."""
    w = tt.Tensor([1.0], requires_grad=True)
    optimizer = tt.optim.SGD([w], lr=0.8)
    schedule = tt.optim.StepLR(optimizer, 1, gamma=0.5)
    schedule.step()
    io.Checkpointer(tmp_path).save(1, optimizer=optimizer, schedule=schedule)
    other = tt.optim.SGD([w], lr=0.123)
    schedule = tt.optim.StepLR(other, 1, gamma=0.5)
    io.Checkpointer(tmp_path).restore(schedule=schedule, optimizer=other)
    assert (other.lr, schedule.base_lr) == (0.4, 0.8)
    assert tt.optim.StepLR(other, 1).base_lr == tt.optim.StepLR(optimizer, 1).base_lr == 0.8


def test_unchanged_keeps_every_part_also_where_it_fails():
    parts = small()
    tt.manual_seed(5)
    expected = tt.rand(2).tolist()
    before = states_of(parts)
    for fails in (False, True):
        tt.manual_seed(5)
        try:
            with io.unchanged(**parts):
                for p in parts["optimizer"].parameters:
                    p.data = p.data + 1
                parts["optimizer"].step()
                parts["model"](np.ones((2, 2))), parts["rng"].random(), tt.rand(2)
                if fails:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            assert fails
        assert states_of(parts) == before
        assert tt.rand(2).tolist() == expected


# --------------------------------------------------------------------------------- what is in the folder


def test_the_last_few_are_kept(tmp_path):
    checkpoints = io.Checkpointer(tmp_path / "deep" / "run", keep=2)
    assert (checkpoints.steps(), checkpoints.latest(), checkpoints.restore()) == ([], None, None)
    assert not (tmp_path / "deep").exists()
    for step in (1, 2, 3, 3):
        assert checkpoints.save(step, values={"step": step}) == checkpoints.path(step)
    assert sorted(os.listdir(checkpoints.folder)) == NAMES
    assert (checkpoints.steps(), checkpoints.latest()) == ([2, 3], 3)
    assert checkpoints.restore() == io.Checkpoint(3, {"step": 3}, checkpoints.path(3))
    assert checkpoints.restore(2).values == {"step": 2}
    assert repr(checkpoints) == f"Checkpointer('{tmp_path}/deep/run', keep=2, steps=[2, 3])"
    everything = io.Checkpointer(tmp_path / "all", keep=None)
    for step in range(12):
        everything.save(step)
    assert everything.steps() == list(range(12))


def test_steps_beyond_eight_digits_are_in_order(tmp_path):
    checkpoints = io.Checkpointer(tmp_path)
    for step in (99_999_999, 100_000_000, 10**15):
        checkpoints.save(step)
    assert checkpoints.steps() == [99_999_999, 100_000_000, 10**15]


def test_other_files_are_passed_over(tmp_path):
    checkpoints = io.Checkpointer(tmp_path, keep=1)
    (tmp_path / "checkpoint-00000009.safetensors").symlink_to("/etc/passwd")
    (tmp_path / "checkpoint-00000008.safetensors").mkdir()
    others = [
        "checkpoint-0000000007.safetensors",
        "checkpoint-7.safetensors",
        "checkpoint-00000006.safetensors~",
        "notes",
    ]
    for name in others:
        (tmp_path / name).touch()
    for step in (1, 2):
        checkpoints.save(step)
    assert checkpoints.steps() == [2]
    kept = [*others, "checkpoint-00000008.safetensors", "checkpoint-00000009.safetensors", NAMES[0]]
    assert sorted(os.listdir(tmp_path)) == sorted(kept)
    with pytest.raises(io.FileError, match=r"00000009\.safetensors: a symbolic link, which is never read"):
        checkpoints.restore(9)


def test_a_folder_may_be_a_link_and_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    (tmp_path / "large disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "large disk")
    monkeypatch.chdir(tmp_path)
    checkpoints = io.Checkpointer("run")
    monkeypatch.chdir("/")
    checkpoints.save(3)
    assert os.listdir(tmp_path / "large disk") == NAMES[1:]
    assert checkpoints.latest() == 3


def test_a_checkpoint_is_a_file_of_weights_too(tmp_path):
    parts = small()
    path = io.Checkpointer(tmp_path).save(1, **parts)
    assert list(io.load(path)) == [
        "model.0.bias", "model.0.weight", "optimizer.state.0.velocity", "optimizer.state.1.velocity",
    ]  # fmt: skip
    assert np.array_equal(io.load(path)["model.0.weight"], parts["model"][0].weight.data)


def test_values_come_back(tmp_path):
    given = {
        "none": None, "flag": True, "number": 3, "text": "Ä\n", "float": 0.1, "infinite": np.inf, "nan": np.nan,
        "deep": {"list": [1, [2.5, {"array": np.arange(3)}]], "": {}}, "nan array": np.array([np.nan]),
    }  # fmt: skip
    io.Checkpointer(tmp_path).save(0, values={**given, "pair": (1, 2), "scalar": np.float32(0.1), "truth": np.True_})
    found = io.Checkpointer(tmp_path).restore().values
    assert (found.pop("pair"), found.pop("truth")) == ([1, 2], True)
    assert found["scalar"] == float(np.float32(0.1))
    assert type(found.pop("scalar")) is float
    np.testing.assert_equal(found, given)


def test_threads_may_save_at_once(tmp_path):
    checkpoints = [io.Checkpointer(tmp_path, keep=None) for _ in range(4)]
    errors = []

    def save(number):
        try:
            for _ in range(20):
                checkpoints[number].save(5, values={"by": number, "w": np.zeros(1000)})
        except Exception as error:  # shown by the assertion
            errors.append(error)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert os.listdir(tmp_path) == ["checkpoint-00000005.safetensors"]
    assert checkpoints[0].restore().values["by"] in range(4)


# -------------------------------------------------------------------------------------------- refusals


def saved_nan(folder):
    parts = small()
    parts["model"][0].weight.data[0, 0] = np.nan
    io.Checkpointer(folder).save(2, **parts)


class Odd:
    """With a state that is no plain value."""

    def state_dict(self):
        return {"function": len}

    def load_state_dict(self, state):
        raise AssertionError


SAVES = {
    "NaN": (saved_nan, ValueError, r"step 2: 'model.0.weight' holds NaN \(1 of 6 elements\); nothing was written; the last good checkpoint is step 1"),
    "an earlier step": (lambda d: io.Checkpointer(d).save(0), ValueError, r"step 0, but .* has step 1 already; restore\(\) continues"),
    "half a step": (lambda d: io.Checkpointer(d).save(1.5), ValueError, "step: expected a whole number ≥ 0, got 1.5"),
    "a step below zero": (lambda d: io.Checkpointer(d).save(-1), ValueError, "step: expected a whole number ≥ 0"),
    "a step without end": (lambda d: io.Checkpointer(d).save(10**18), ValueError, "step: expected at most 999,999,999,999,999,999"),
    "a plain value as part": (lambda d: io.Checkpointer(d).save(2, epoch=3), TypeError, "epoch is 3, which has no state; plain values go into values="),
    "a class": (lambda d: io.Checkpointer(d).save(2, model=nn.Linear), TypeError, "which has no state; expected a module"),
    "a state that is no value": (lambda d: io.Checkpointer(d).save(2, odd=Odd()), TypeError, "odd.function is of type builtin_function"),
    "a key that is a number": (lambda d: io.Checkpointer(d).save(2, values={"a": {1: 2}}), TypeError, "values.a: the key 1 can't be saved"),
    "a tensor as value": (lambda d: io.Checkpointer(d).save(2, values={"w": tt.Tensor([1.0])}), TypeError, "values.w is of type Tensor"),
    "two arrays of one name": (lambda d: io.Checkpointer(d).save(2, values={"a.b": np.ones(1), "a": {"b": np.ones(1)}}), ValueError, "'values.a.b'; rename one"),
    "keep 0": (lambda d: io.Checkpointer(d, keep=0), ValueError, "keep: expected a whole number ≥ 1, got 0"),
    "a folder that is a file": (lambda d: io.Checkpointer(d / NAMES[0].replace("2", "1")), NotADirectoryError, "this is a file; name a folder"),
    "a folder with a zero byte": (lambda d: io.Checkpointer("a\0"), ValueError, "holds a zero byte"),
    "a folder below a file": (lambda d: io.Checkpointer("/dev/null/x").save(2), NotADirectoryError, "a part of the path is a file"),
}  # fmt: skip


@pytest.mark.parametrize(("save", "error", "match"), SAVES.values(), ids=SAVES)
def test_what_can_not_be_saved_leaves_the_last_good_one(tmp_path, save, error, match):
    checkpoints = io.Checkpointer(tmp_path)
    checkpoints.save(1, **small())
    before = checkpoints.path(1).read_bytes()
    with pytest.raises(error, match=match) as caught:
        save(tmp_path)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["checkpoint-00000001.safetensors"]
    assert checkpoints.path(1).read_bytes() == before


def test_nan_is_saved_and_restored_where_it_is_allowed(tmp_path):
    parts, other = small(), small(1)
    parts["model"][0].weight.data[0, 0] = np.nan
    io.Checkpointer(tmp_path, allow_nan=True).save(2, **parts)
    io.Checkpointer(tmp_path).restore(**other)
    assert states_of(other) == states_of(parts)


def without(name):
    parts = small(1)
    del parts[name]
    return parts


def edited(path, change):
    """Change the JSON of a checkpoint, and set its checksum right."""
    arrays, texts, _ = files.read("test", str(path))
    document = json.loads(texts["tinytensor.checkpoint"])
    change(document)
    path.write_bytes(files.to_bytes("test", arrays, {"tinytensor.checkpoint": json.dumps(document)}))


def unsigned(path):
    """The same checkpoint, as another program would write it."""
    arrays, texts, _ = files.read("test", str(path))
    path.write_bytes(safetensors.numpy.save(arrays, texts))


def mersenne():
    return small(1) | {"rng": np.random.Generator(np.random.MT19937(1))}


def wider():
    model = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5, generator=np.random.default_rng(1)))
    return small(1) | {"model": model}


def another(name, part):
    return lambda: small(1) | {name: part()}


def plain():
    return nn.Sequential(nn.Linear(2, 3))


def no_change(path):
    pass


MISFITS = {
    "a part too many": (no_change, lambda: small(1) | {"more": np.random.default_rng()}, "has no part more; it was saved with 'model', 'optimizer', 'rng'"),
    "a part forgotten": (no_change, lambda: without("rng"), "saved with 'rng' too; restore that as well, or give strict=False"),
    "another model": (no_change, wider, r"model: not a state of this Sequential: .*misshapen: 0.weight: expected \(4, 2\), got \(3, 2\)"),
    "a model without the generator": (no_change, another("model", plain), r"generators in the modules differ: saved \['1.generator'\], here \[\]"),
    "another optimizer": (no_change, lambda: small(1) | {"optimizer": tt.optim.Adam(small(1)["model"].parameters())}, "optimizer: not a state of this Adam: .*that of SGD"),
    "another generator": (no_change, mersenne, "rng: not a state of this Generator: generator: expected the state of a MT19937, got that of 'PCG64'"),
    "parts exchanged": (no_change, lambda: small(1) | {"model": small(1)["optimizer"]}, "model: not a state of this SGD"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-1]), lambda: small(1), "truncated"),
    "a flipped bit": (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\7"), lambda: small(1), "damaged: the checksum does not fit"),
    "weights": (lambda path: io.save(path, small()["model"]), lambda: small(1), r"not a checkpoint; tt\.load reads files of weights"),
    "without checksum": (unsigned, lambda: small(1), r"not a checkpoint; tt\.load reads files of weights"),
    "renamed": (lambda path: edited(path, lambda d: d.update(step=7)), lambda: small(1), "saved as step 7; the file was renamed"),
    "no table": (lambda path: edited(path, lambda d: d.update(parts=[])), lambda: small(1), "not a sound checkpoint: its parts have no names"),
    "other keys": (lambda path: edited(path, lambda d: d.pop("values")), lambda: small(1), "its parts are not those of a checkpoint"),
    "an array that is not there": (lambda path: edited(path, lambda d: d["values"].update(w={"$array": "none"})), lambda: small(1), "its JSON is not one of a checkpoint"),
    "a wrong default generator": (lambda path: edited(path, lambda d: d.update(generator={"bit_generator": "PCG64"})), lambda: small(1), "generator: not a state of a PCG64"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "parts", "match"), MISFITS.values(), ids=MISFITS)
def test_what_can_not_be_restored_changes_nothing(tmp_path, spoil, parts, match):
    tt.manual_seed(0)
    checkpoints = io.Checkpointer(tmp_path)
    spoil(checkpoints.save(1, **small()))
    here = parts()
    before = states_of(here)
    with pytest.raises(io.FileError, match=match) as caught:
        checkpoints.restore(**here)
    assert str(caught.value).startswith(f"{checkpoints.path(1)}: ")
    assert "\n" not in str(caught.value)
    assert states_of(here) == before


def test_the_way_out_of_a_damaged_checkpoint_is_named(tmp_path):
    checkpoints = io.Checkpointer(tmp_path)
    for step in (1, 2):
        checkpoints.save(step, **small(step))
    checkpoints.path(2).write_bytes(b"")
    with pytest.raises(io.FileError, match=r"00000002\.safetensors: empty; delete it, or restore another step"):
        checkpoints.restore(**small())
    here = small()
    assert checkpoints.restore(1, **here).step == 1
    assert states_of(here) == states_of(small(1))


def test_a_step_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Checkpointer\.restore: there is no such file or folder"):
        io.Checkpointer(tmp_path).restore(5)


BAD_GENERATORS = {
    "a place outside": (np.random.MT19937, lambda s: s["state"].update(pos=10**6), "lies outside of the buffer"),
    "a place below": (np.random.Philox, lambda s: s.update(buffer_pos=-1), "lies outside of the buffer"),
    "half a place": (np.random.Philox, lambda s: s.update(buffer_pos=1.5), "not a state of a Philox"),
    "too short a key": (np.random.MT19937, lambda s: s["state"].update(key=np.zeros(3, np.uint32)), "not a state of a MT19937"),
    "no numbers": (np.random.PCG64, lambda s: s.pop("state"), "not a state of a PCG64"),
    "a number too large": (np.random.PCG64, lambda s: s.update(uinteger=2**64), "not a state of a PCG64"),
    "a text": (np.random.SFC64, lambda s: s.update(state="x"), "not a state of a SFC64"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "match"), BAD_GENERATORS.values(), ids=BAD_GENERATORS)
def test_a_state_that_numpy_would_believe_is_refused(kind, change, match):
    generator = np.random.Generator(kind(1))
    state = generator.bit_generator.state
    change(state)
    with pytest.raises(ValueError, match=match):
        tt.data.at_state(generator, state)
    assert np.array_equal(generator.random(5), np.random.Generator(kind(1)).random(5))
