"""Weights in files: to PyTorch and back with the same outputs, whole or not at all, and what is refused on the way out."""

import os
import re
import stat
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

import tinytensor as tt
from tinytensor import io, nn


def rng(seed=0):
    return np.random.default_rng(seed)


class Torch:
    """The real modules of PyTorch, by the names of ours."""

    linear = staticmethod(lambda: torch.nn.Linear(4, 3))
    without_bias = staticmethod(lambda: torch.nn.Linear(4, 3, bias=False))
    double = staticmethod(lambda: torch.nn.Linear(4, 3, dtype=torch.float64))

    @staticmethod
    def sequential():
        inner = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Dropout(0.5), torch.nn.Sigmoid())
        return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), inner, torch.nn.Linear(8, 3, bias=False))

    class MLP(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList([torch.nn.Linear(4, 8), torch.nn.Linear(8, 8), torch.nn.Linear(8, 3)])

        def forward(self, x):
            return self.layers[2](torch.relu(self.layers[1](torch.relu(self.layers[0](x)))))

    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(torch.tanh(self.a(x)))

    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.mean = torch.nn.Buffer(torch.tensor([1.0, 2.0, 3.0, 4.0]))
            self.count = torch.nn.Buffer(torch.tensor(7))
            self.net = torch.nn.Linear(4, 3)

        def forward(self, x):
            return self.net(x - self.mean)


def sequential():
    inner = nn.Sequential(nn.Linear(8, 8, generator=rng(2)), nn.Dropout(0.5), nn.Sigmoid())
    return nn.Sequential(
        nn.Linear(4, 8, generator=rng(1)), nn.Tanh(), inner, nn.Linear(8, 3, bias=False, generator=rng(3))
    )


class Tied(nn.Module):
    def __init__(self):
        self.a, self.b = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(np.tanh(self.a(x)))


class Scaled(nn.Module):
    """With buffers: what is no parameter and is kept."""

    def __init__(self):
        self.mean = tt.Tensor(np.float32([0, 0, 0, 0]))
        self.count = tt.Tensor(np.array(0))
        self.net = nn.Linear(4, 3, generator=rng(4))

    def forward(self, x):
        return self.net(x - self.mean)


PAIRS = {
    "Linear": (lambda: nn.Linear(4, 3, generator=rng(1)), Torch.linear),
    "Linear without bias": (lambda: nn.Linear(4, 3, bias=False, generator=rng(1)), Torch.without_bias),
    "Linear in float64": (lambda: nn.Linear(4, 3, dtype=np.float64, generator=rng(1)), Torch.double),
    "Sequential within Sequential": (sequential, Torch.sequential),
    "MLP": (lambda: nn.MLP(4, [8, 8, 3], generator=rng(1)), Torch.MLP),
    "buffers, one of them 0-d and whole": (Scaled, Torch.Scaled),
}


def outputs(model, twin):
    dtype = model.parameters()[0].dtype
    x = rng(9).normal(size=(16, 4)).astype(dtype)
    return model.eval()(tt.Tensor(x)).data, twin.eval()(torch.from_numpy(x)).detach().numpy()


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
def test_a_file_of_ours_is_read_by_torch_and_the_outputs_are_the_same(tmp_path, ours, theirs):
    model, twin = ours(), theirs()
    io.save(tmp_path / "model.safetensors", model)
    state = safetensors.torch.load_file(tmp_path / "model.safetensors")
    assert twin.load_state_dict(state) == ([], [])  # strict: the same names
    for name, array in model.state_dict().items():
        assert np.array_equal(twin.state_dict()[name].numpy(), array)
    mine, other = outputs(model, twin)
    np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
def test_a_file_of_torch_is_read_by_us_and_the_outputs_are_the_same(tmp_path, ours, theirs):
    torch.manual_seed(1)
    model, twin = ours(), theirs()
    before = outputs(model, twin)
    assert not np.allclose(*before)
    safetensors.torch.save_file(twin.state_dict(), tmp_path / "model.safetensors")
    assert io.load(tmp_path / "model.safetensors", model) is model
    assert list(model.state_dict()) == list(twin.state_dict())
    for name, tensor in twin.state_dict().items():
        loaded = model.state_dict()[name]
        assert (loaded.shape, loaded.dtype.name) == (tuple(tensor.shape), str(tensor.dtype).split(".")[1])
        assert np.array_equal(loaded, tensor.numpy())
    np.testing.assert_allclose(*outputs(model, twin), rtol=1e-6, atol=1e-6)


def test_tied_weights_go_both_ways(tmp_path):
    model, twin = Tied(), Torch.Tied()
    safetensors.torch.save_model(twin, tmp_path / "theirs")  # it writes one of the two names
    assert len(io.load(tmp_path / "theirs")) == 1
    io.load(tmp_path / "theirs", model)
    assert model.a.weight is model.b.weight
    np.testing.assert_allclose(*outputs(model, twin), rtol=1e-6, atol=1e-6)
    io.save(tmp_path / "ours", Tied())
    assert twin.load_state_dict(safetensors.torch.load_file(tmp_path / "ours")) == ([], [])  # it wants both names
    assert np.array_equal(twin.a.weight.detach().numpy(), io.load(tmp_path / "ours")["a.weight"])


DTYPES = ["float16", "float32", "float64", "complex64", "bool", "int8", "int16", "int32", "int64"]
DTYPES += ["uint8", "uint16", "uint32", "uint64"]
ARRAYS = {
    "0-d": lambda dtype: np.array(1, dtype),
    "empty": lambda dtype: np.zeros((3, 0, 2), dtype),
    "rows": lambda dtype: np.arange(6).reshape(2, 3).astype(dtype),
    "columns": lambda dtype: np.arange(6).reshape(2, 3).astype(dtype).T,
    "steps": lambda dtype: np.arange(12).astype(dtype)[::-3],
    "other byte order": lambda dtype: np.arange(4).astype(np.dtype(dtype).newbyteorder(">")),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", ARRAYS.values(), ids=ARRAYS)
def test_arrays_come_back_equal_and_writable(tmp_path, make, dtype):
    array = make(dtype)
    io.save(tmp_path / "x", {"an array": array, "first": array})
    loaded = io.load(tmp_path / "x")
    assert list(loaded) == ["an array", "first"]
    for found in loaded.values():
        assert (found.shape, found.dtype) == (array.shape, np.dtype(dtype))
        assert found.dtype.isnative
        assert found.flags.c_contiguous
        assert np.array_equal(found, array)
        found[...] = 0
    assert np.array_equal(safetensors.numpy.load_file(tmp_path / "x")["first"], array)


def test_every_number_comes_back_bit_by_bit(tmp_path):
    special = np.array([np.inf, -np.inf, -0.0, 5e-324, np.finfo(float).max])
    io.save(tmp_path / "x", {"w": special})
    assert io.load(tmp_path / "x")["w"].tobytes() == special.tobytes()


def test_a_mapping_may_hold_tensors_of_both_kinds_and_lists(tmp_path):
    state = {
        "ours": tt.Tensor([1.0], requires_grad=True),
        "theirs": torch.nn.Parameter(torch.tensor([2.0])),
        "list": [3, 4],
    }
    io.save(tmp_path / "x", state)
    assert {name: array.tolist() for name, array in io.load(tmp_path / "x").items()} == {
        "list": [3, 4], "ours": [1.0], "theirs": [2.0],
    }  # fmt: skip


def test_texts_are_kept_beside_the_arrays(tmp_path):
    io.save(tmp_path / "x", {}, metadata={"labels": "Äpfel\nBirnen", "": ""})
    assert io.metadata(tmp_path / "x") == {"labels": "Äpfel\nBirnen", "": ""}
    assert io.load(tmp_path / "x") == {}
    safetensors.torch.save_file({"w": torch.zeros(1)}, tmp_path / "x", {"format": "pt"})
    assert io.metadata(tmp_path / "x") == {"format": "pt"}


def test_the_same_weights_make_the_same_checksum_in_any_order():
    a, b = np.float32([1, 2]), np.int64([[3]])
    assert io.files.digest({"a": a, "b": b}, {"t": "u", "v": "w"}) == io.files.digest(
        {"b": b, "a": a}, {"v": "w", "t": "u"}
    )
    changes = [{"a": a, "c": b}, {"a": a, "b": b.reshape(1)}, {"a": a.view(np.int32), "b": b}, {"a": -a, "b": b}]
    digests = {io.files.digest(arrays, {"t": "u"}) for arrays in [{"a": a, "b": b}, *changes]}
    assert len(digests | {io.files.digest({"a": a, "b": b}, {"t": "v"})}) == 6


def test_loading_not_strict_and_into_another_dtype(tmp_path):
    io.save(tmp_path / "x", {"weight": np.ones((3, 4)), "old": np.zeros(1)})
    layer = nn.Linear(4, 3)
    with pytest.raises(io.FileError, match=r"x: Linear.*missing: bias; unexpected: old; \(strict=False"):
        io.load(tmp_path / "x", layer)
    assert io.load(tmp_path / "x", layer, strict=False).weight.dtype == np.float32
    assert layer.weight.data.min() == 1


def test_a_parameter_keeps_its_layout(tmp_path):
    layer = nn.Linear(4, 3)
    layer.weight.data = np.asfortranarray(layer.weight.data)
    io.save(tmp_path / "x", layer)
    layer.weight.data = np.asfortranarray(layer.weight.data * 2)
    assert io.load(tmp_path / "x", layer).weight.data.flags.f_contiguous  # BLAS rounds the other layout differently


# ---------------------------------------------------------------------------------------- what is refused


def nan_model():
    model = nn.MLP(2, [3, 1])
    model.layers[1].weight.data[0, 1] = np.nan
    return model


REFUSED = {
    "NaN": (lambda: nan_model(), {}, ValueError, r"'layers.1.weight' holds NaN \(1 of 3 elements\); nothing was written"),
    "complex NaN": (lambda: {"w": np.complex64([1, complex(0, np.nan)])}, {}, ValueError, "NaN"),
    "a list": (lambda: [1, 2], {}, TypeError, "expected a Module or a mapping of names to arrays, got list"),
    "an array": (lambda: np.zeros(3), {}, TypeError, "got ndarray"),
    "a name that is a number": (lambda: {1: np.zeros(1)}, {}, ValueError, "a name of an array is 1, not a str"),
    "a name with a line end": (lambda: {"a\nb": np.zeros(1)}, {}, ValueError, r"'a\\nb' holds a control character"),
    "a name with a zero byte": (lambda: {"a\0": np.zeros(1)}, {}, ValueError, "control character"),
    "half a character": (lambda: {"a\ud800": np.zeros(1)}, {}, ValueError, "control character"),
    "a name that climbs": (lambda: {"../w": np.zeros(1)}, {}, ValueError, "leads out of a folder"),
    "a name that is absolute": (lambda: {"/etc/w": np.zeros(1)}, {}, ValueError, "leads out of a folder"),
    "a name with a drive": (lambda: {"C:\\w": np.zeros(1)}, {}, ValueError, "leads out of a folder"),
    "the format's own name": (lambda: {"__metadata__": np.zeros(1)}, {}, ValueError, "rename the array"),
    "texts as array": (lambda: {"w": np.array(["a"])}, {}, TypeError, "'w' has dtype <U1, and the format holds"),
    "objects": (lambda: {"w": np.array([None])}, {}, TypeError, "dtype object"),
    "ragged lists": (lambda: {"w": [[1], [2, 3]]}, {}, TypeError, "'w' is not an array"),
    "complex128": (lambda: {"w": np.zeros(1, complex)}, {}, TypeError, "dtype complex128, .* cast it"),
    "long double": (lambda: {"w": np.zeros(1, np.longdouble)}, {}, TypeError, "cast it"),
    "dates": (lambda: {"w": np.zeros(1, "M8[s]")}, {}, TypeError, "cast it"),
    "records": (lambda: {"w": np.zeros(1, [("a", "f4")])}, {}, TypeError, "cast it"),
    "a number as text": (dict, {"metadata": {"epoch": 3}}, TypeError, "expected texts by name, got 'epoch': 3"),
    "our own text": (dict, {"metadata": {"tinytensor.sha256": "0"}}, TypeError, "expected texts"),
    "texts without end": (dict, {"metadata": {"t": "x" * (1 << 24)}}, ValueError, "more than 16 MiB"),
}  # fmt: skip


@pytest.mark.parametrize(("state", "options", "error", "match"), REFUSED.values(), ids=REFUSED)
def test_what_can_not_be_saved_is_refused_in_one_line_and_leaves_the_file(tmp_path, state, options, error, match):
    path = tmp_path / "model.safetensors"
    io.save(path, {"w": np.arange(3)})
    with pytest.raises(error, match=match) as caught:
        io.save(path, state(), **options)
    assert str(caught.value).startswith("tt.save: ")
    assert "\n" not in str(caught.value)
    assert io.load(path)["w"].tolist() == [0, 1, 2]
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_nan_is_written_and_read_where_it_is_allowed(tmp_path):
    io.save(tmp_path / "x", nan_model(), allow_nan=True)
    model = nn.MLP(2, [3, 1])
    with pytest.raises(
        io.FileError, match=r"x: 'layers.1.weight' holds NaN \(1 of 3 elements\); allow_nan=True loads it"
    ):
        io.load(tmp_path / "x", model)
    assert np.isnan(io.load(tmp_path / "x", model, allow_nan=True).layers[1].weight.data[0, 1])


PATHS = {
    "no such folder": (lambda folder: folder / "none" / "x", FileNotFoundError, "no such file or folder; nothing was written"),
    "a folder": (lambda folder: folder, OSError, "folder|Directory not empty"),
    "below a file": (lambda folder: folder / "file" / "x", NotADirectoryError, "a part of the path is a file"),
    "a zero byte": (lambda folder: f"{folder}/a\0b", ValueError, r"\\x00b' is no path: it holds a zero byte"),
    "empty": (lambda folder: "", ValueError, "'' is no path: it is empty"),
    "a number": (lambda folder: 7, TypeError, "path: expected a str or a path-like object, got int"),
    "too long a name": (lambda folder: folder / ("x" * 300), OSError, "the name is too long"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "error", "match"), PATHS.values(), ids=PATHS)
def test_places_that_can_not_be_written(tmp_path, path, error, match):
    (tmp_path / "file").touch()
    with pytest.raises(error, match=match) as caught:
        io.save(path(tmp_path), {"w": np.zeros(1)})
    assert "tt.save: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_has_the_permissions_of_other_new_files(tmp_path):
    (tmp_path / "other").touch()
    io.save(tmp_path / "x", {})
    modes = {stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("other", "x")}
    assert len(modes) == 1


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        here = f".x.{os.getpid()}-00000000.tmp"  # in a container the killed process often had our number
        left = [f".x.{dead.pid}-0123abcd.tmp", f".x.{10**30}-0123abcd.tmp", here]
        kept = [f".x.{alive.pid}-0123abcd.tmp", f".y.{dead.pid}-0123abcd.tmp", ".x.tmp", "x.tmp"]
        for name in left + kept:
            (tmp_path / name).touch()
        io.save(tmp_path / "x", {})
        alive.communicate(b"\n")
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, "x"])


def test_a_missing_library_is_named_with_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=re.escape("tt.save needs safetensors: pip install 'tinytensor[io]'")):
        io.save(tmp_path / "x", {})


def test_the_names_at_the_top_are_these():
    assert (tt.save, tt.load, tt.io) == (io.save, io.load, io)


def test_importing_the_package_imports_no_library():
    code = "import sys, tinytensor.io; print([m for m in ('safetensors', 'pickle', 'torch') if m in sys.modules])"
    assert "safetensors" not in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
