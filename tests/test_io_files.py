"""Bad files: each is refused in one line that names the file and says what is wrong, and nothing else happens."""

import gzip
import json
import os
import pickle
import re
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from tinytensor import io, nn

ROOT = Path(__file__).parent.parent


def whole(header, data=b"", length=None):
    """A file with this header, a dict or bytes, and these data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


def ours(folder, **options):
    io.save(folder / "good", {"a": np.arange(4.0), "b": np.float32([[1, 2]])}, **options)
    return (folder / "good").read_bytes()


def flipped(data, position, bit=0):
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)


def saved_by(folder, save):
    save(folder / "other")
    return (folder / "other").read_bytes()


class Evil:
    """What a pickle can do: here it would make a file, if anybody unpickled it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def np_saved(path, save):
    with path.open("wb") as file:
        save(file, np.zeros(3))


def zip_bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(50_000_000))


EIGHT = bytes(8)
BAD = {
    # ---- not all there, or more than all
    "empty": (lambda d: b"", "empty"),
    "a few bytes": (lambda d: ours(d)[:5], "truncated: 5 bytes are no safetensors file"),
    "cut in the header": (lambda d: ours(d)[:60], "truncated or damaged: a header of"),
    "cut in the data": (lambda d: ours(d)[:-3], "truncated: the arrays take 40 bytes, the file has 37 for them"),
    "longer": (lambda d: ours(d) + b"x", "followed by other bytes: the arrays take 40 bytes, the file has 41"),
    "zeros": (lambda d: bytes(4096), "there is no header at its beginning"),
    "text": (lambda d: b"name,age\n" * 100, "there is no header at its beginning"),
    # ---- headers
    "a header of 8 EiB": (lambda d: whole({}, length=2**63 - 1), "truncated or damaged: a header of 9,223,372"),
    "the longest number": (lambda d: whole({}, length=2**64 - 1), "a header of 18,446,744,073,709,551,615 bytes in a"),
    "a header larger than is read": (lambda d: whole(b"{" + b" " * (1 << 24) + b"}"), "at most 16,777,216 are read"),
    "not JSON": (lambda d: whole(b"{a: 1}"), "refused: the header is not JSON: Expecting property name"),
    "not UTF-8": (lambda d: whole(b'{"\xff": 1}'), "the header is not UTF-8"),
    "a list": (lambda d: whole(b"[]        "), "there is no header at its beginning"),
    "nested deeply": (lambda d: whole(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "the header is not a table of arrays"),
    "a long number": (lambda d: whole(b'{"a":' + b"9" * 5000 + b"}"), "refused: "),
    "texts that are numbers": (lambda d: whole({"__metadata__": {"a": 1}}), "not a table of arrays, with texts in __metadata__"),
    "an entry that is a number": (lambda d: whole({"a": 1}), "the header is not a table of arrays"),
    "an entry without offsets": (lambda d: whole({"a": {}}), "the header is not a table of arrays"),
    "an offset with a point": (lambda d: whole({"a": entry(offsets=(0, 8.0))}, EIGHT), "an offset is no whole number"),
    # ---- arrays that are not what they say
    "a shape too large": (lambda d: whole({"a": entry(shape=(3,))}, EIGHT), "refused: .*"),
    "a shape beyond all memory": (lambda d: whole({"a": entry(shape=(2**60, 2**60))}, EIGHT), "refused: .*"),
    "a shape below zero": (lambda d: whole({"a": entry(shape=(-2,))}, EIGHT), "refused: .*"),
    "70 axes": (lambda d: whole({"a": entry(shape=(1,) * 70, offsets=(0, 4))}, EIGHT[:4]), "refused: maximum supported"),
    "empty, along a huge axis": (lambda d: whole({"a": entry(shape=(0, 2**62), offsets=(0, 0))}), "refused: "),
    "arrays that overlap": (lambda d: whole({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)), "refused: .*"),
    "a gap between arrays": (lambda d: whole({"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20)), "refused: .*"),
    "an end before the beginning": (lambda d: whole({"a": entry(offsets=(8, 0))}), "refused: .*"),
    "offsets beyond 64 bits": (lambda d: whole({"a": entry(offsets=(0, 2**70))}, EIGHT), "truncated: the arrays take"),
    "a name twice": (lambda d: whole(b'{"a":%b,"a":%b}' % ((json.dumps(entry()).encode(),) * 2), EIGHT),
                     "the name 'a' comes twice"),
    "a text twice": (lambda d: whole(b'{"__metadata__":{"x":"1","x":"2"}}'), "the name 'x' comes twice"),
    "booleans of 7": (lambda d: whole({"a": entry("BOOL", (2,), (0, 2))}, b"\x07\x01"), "neither 0 nor 1"),
    "bfloat16": (lambda d: whole({"layer.w": entry("BF16", (4,))}, EIGHT),
                 "'layer.w' has dtype 'BF16', which NumPy has not; convert it in PyTorch: tensor.float()"),
    "float8": (lambda d: whole({"a": entry("F8_E4M3", (8,))}, EIGHT), "'F8_E4M3', which NumPy has not; convert"),
    "a dtype that nobody has": (lambda d: whole({"a": entry("Q7")}, EIGHT), "'Q7', which NumPy has not$"),
    "a dtype that is a list": (lambda d: whole({"a": entry(["F32"])}, EIGHT), "refused: "),
    "NaN": (lambda d: whole({"a": entry()}, b"\0\0\xc0\x7f" * 2), r"'a' holds NaN \(2 of 2 elements\); allow_nan=True"),
    # ---- names that are more than names
    "a name that climbs": (lambda d: whole({"../../etc/passwd": entry()}, EIGHT), "leads out of a folder, as a path"),
    "a name that climbs inside": (lambda d: whole({"a/../../b": entry()}, EIGHT), "leads out of a folder"),
    "a name that climbs in Windows": (lambda d: whole({"a\\..\\b": entry()}, EIGHT), "leads out of a folder"),
    "an absolute name": (lambda d: whole({"/etc/passwd": entry()}, EIGHT), "'/etc/passwd' leads out of a folder"),
    "a name with a drive": (lambda d: whole({"C:\\x": entry()}, EIGHT), "leads out of a folder"),
    "a name with a zero byte": (lambda d: whole({"a\0b": entry()}, EIGHT), r"'a\\x00b' holds a control character"),
    "a name that paints the terminal": (lambda d: whole({"\x1b[2J": entry()}, EIGHT), r"'\\x1b\[2J' holds a control"),
    "half a character": (lambda d: whole(b'{"a\\ud800":%b}' % json.dumps(entry()).encode(), EIGHT), "a control character"),
    "a name without end": (lambda d: whole({"../" + "x" * 100_000: entry()}, EIGHT), "the name '../xxx"),
    # ---- damage that only a checksum sees
    "a flipped bit in the data": (lambda d: flipped(ours(d), -1), "damaged: the checksum does not fit the contents"),
    "a flipped bit in a name": (lambda d: ours(d).replace(b'"b"', b'"c"'), "damaged: the checksum"),
    "a shape turned": (lambda d: ours(d).replace(b"[1,2]", b"[2,1]"), "damaged: the checksum"),
    "a dtype of the same size": (lambda d: ours(d).replace(b'"F64"', b'"I64"'), "damaged: the checksum"),
    "a changed text": (lambda d: ours(d, metadata={"t": "cat"}).replace(b"cat", b"dog"), "damaged: the checksum"),
    "a checksum renamed": (lambda d: ours(d).replace(b"sha256", b"sha255"), "damaged: the checksum"),
    # ---- other formats
    "torch.save": (lambda d: saved_by(d, lambda path: torch.save(torch.nn.Linear(2, 2).state_dict(), path)),
                   r"PyTorch's pickle format.*safetensors\.torch\.save_file\(torch\.load\(file, weights_only=True\)"),
    "torch.save, as it was": (lambda d: saved_by(d, lambda path: torch.save(
        {"w": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)), "PyTorch's pickle format"),
    "a pickle": (lambda d: pickle.dumps(Evil(d / "evil")), "a pickle, which can run code when it is read"),
    "an old pickle": (lambda d: pickle.dumps({"w": np.zeros(3)}, protocol=2), "a pickle, which can run code"),
    "np.savez": (lambda d: saved_by(d, lambda path: np_saved(path, np.savez)), r"Of np\.savez: tt\.save"),
    "np.save": (lambda d: saved_by(d, lambda path: np_saved(path, np.save)), "NumPy's format"),
    "a zip bomb": (lambda d: saved_by(d, zip_bomb), "a zip archive"),
    "gzip": (lambda d: gzip.compress(bytes(10_000_000)), "compressed by gzip; unpack it first"),
    "HDF5": (lambda d: b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5, as Keras writes it"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "match"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_in_one_line(tmp_path, make, match):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(make(tmp_path))
    model = nn.Linear(2, 1)
    before = model.state_dict()
    for target in (None, model):
        with pytest.raises(io.FileError, match=match) as caught:
            io.load(path, target)
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert message.isprintable()  # in one line, and nothing that moves a terminal's cursor
        assert len(message) < 800 + len(str(path))
        assert caught.value.__context__ is None or caught.value.__suppress_context__  # no second traceback
    assert not (tmp_path / "evil").exists()
    for name, array in model.state_dict().items():
        assert np.array_equal(array, before[name])


def test_every_single_flipped_bit_is_seen(tmp_path):
    """Of a file with a checksum: what loads is what was saved, wherever the bit was."""
    good = ours(tmp_path)
    expected = io.load(tmp_path / "good")
    refused = 0
    for position in range(len(good)):
        for bit in range(8):
            (tmp_path / "x").unlink(missing_ok=True)  # some file systems flush one that is written over
            (tmp_path / "x").write_bytes(flipped(good, position, bit))
            try:
                found = io.load(tmp_path / "x")
            except io.FileError:
                refused += 1
                continue
            assert found.keys() == expected.keys()  # a blank of the header may be another blank
            assert all(found[name].tobytes() == array.tobytes() for name, array in expected.items())
    assert refused > 0.98 * 8 * len(good)


def test_a_file_without_a_checksum_loads(tmp_path):
    safetensors.numpy.save_file({"w": np.arange(3.0)}, tmp_path / "x")
    assert io.load(tmp_path / "x")["w"].tolist() == [0.0, 1.0, 2.0]


def test_a_header_that_promises_much_takes_no_memory(tmp_path):
    (tmp_path / "x").write_bytes(whole(b"{}", length=10**12))
    with open(tmp_path / "sparse", "wb") as file:
        file.write(whole({"a": entry(shape=(10**11,), offsets=(0, 10**11))}))
        file.truncate(10**12)  # takes no room on the disk
    with open(tmp_path / "zeros", "wb") as file:
        file.write((2**24 - 1).to_bytes(8, "little") + b"{")
        file.truncate(10**12)
    for name, match, limit in [
        ("x", "truncated", 200_000),
        ("sparse", "followed by", 200_000),
        ("zeros", "refused", 10**8),
    ]:
        tracemalloc.start()
        try:
            with pytest.raises(io.FileError, match=match):
                io.load(tmp_path / name)
            assert tracemalloc.get_traced_memory()[1] < limit
        finally:
            tracemalloc.stop()


MISFITS = {
    "missing": ({"weight": np.zeros((1, 2))}, "missing: bias"),
    "unexpected": ({"weight": np.zeros((1, 2)), "bias": np.zeros(1), "more": np.zeros(1)}, "unexpected: more"),
    "misshapen": (
        {"weight": np.zeros((2, 1)), "bias": np.zeros(1)},
        r"misshapen: weight: expected \(1, 2\), got \(2, 1\)",
    ),
    "another kind": ({"weight": np.zeros((1, 2), "c8"), "bias": np.zeros(1)}, "wrong dtype: weight: expected float32"),
    "all of that": ({"w": np.zeros(1), "bias": np.zeros(2)}, "missing: weight; unexpected: w; misshapen: bias"),
    "another model": ({f"layers.{k}.weight": np.zeros(1) for k in range(1000)}, "unexpected: layers.0.weight, .*…$"),
}


@pytest.mark.parametrize(("state", "match"), MISFITS.values(), ids=MISFITS)
def test_a_file_of_another_model_is_refused_in_one_line_and_changes_nothing(tmp_path, state, match):
    io.save(tmp_path / "x", state)
    model = nn.Linear(2, 1)
    before = model.state_dict()
    with pytest.raises(io.FileError, match=match) as caught:
        io.load(tmp_path / "x", model)
    assert str(caught.value).startswith(
        f"{tmp_path}/x: Linear.load_state_dict: the state does not fit; nothing was loaded"
    )
    assert "\n" not in str(caught.value)
    for name, array in model.state_dict().items():
        assert np.array_equal(array, before[name])


def pipe(folder):
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def loop(folder):
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


PLACES = {
    "nothing there": (lambda d: d / "none", FileNotFoundError, "there is no such file or folder"),
    "a folder": (lambda d: d, IsADirectoryError, "this is a folder; name a file in it"),
    "below a file": (lambda d: d / "file" / "x", NotADirectoryError, "a part of the path is a file"),
    "a link to itself": (loop, OSError, "a symbolic link leads to itself"),
    "a pipe that nobody writes to": (pipe, io.FileError, "not a file but a pipe, socket or device"),
    "an endless device": (lambda d: "/dev/zero", io.FileError, "not a file but a pipe, socket or device"),
    "a zero byte": (lambda d: "a\0b", ValueError, "holds a zero byte"),
    "a number": (lambda d: 3, TypeError, "path: expected a str or a path-like object, got int"),
    "a climbing path": (lambda d: d / "../../../../../../../../etc/passwd", io.FileError, "passwd: not a safetensors file"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "error", "match"), PLACES.values(), ids=PLACES)
def test_places_that_are_no_file(tmp_path, make, error, match):
    (tmp_path / "file").touch()
    with pytest.raises(error, match=match) as caught:
        io.load(make(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_model_that_is_no_module(tmp_path):
    with pytest.raises(TypeError, match=r"tt\.load: model: expected a Module, got type"):
        io.load(tmp_path, nn.Linear)


def test_nothing_on_the_way_can_unpickle():
    """Neither pickle nor anything that builds on it is named in the sources that read files."""
    for source in (ROOT / "tinytensor" / "io").glob("*.py"):
        code = source.read_text()
        assert not re.search(r"^\s*(import|from) (pickle|marshal|shelve|dill|joblib|torch)", code, re.MULTILINE)
        assert not re.search(r"allow_pickle|(?<![\w.])(eval|exec)\(", code)


def test_the_fuzzer_finds_nothing_in_20_seconds(tmp_path):
    command = [sys.executable, ROOT / "tests" / "fuzz_files.py", "--seconds", "20", "--folder", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "files tried" in done.stdout
