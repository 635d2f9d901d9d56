"""What a user can do wrong at the command line: each is one line on stderr with the place, and the right exit status."""

import gzip
import json
import re
import shutil

import numpy as np
import pytest

from tinytensor.cli import main

pytest.importorskip("sklearn")
pytest.importorskip("safetensors")

GOOD = "size,colour,label\n" + "".join(f"{k}.5,{'red' if k % 3 else 'blue'},{'ab'[k % 2]}\n" for k in range(24))
TRAIN = ["train", "data.csv", "--target", "label", "--epochs", "2", "--quiet"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def failure(capsys, *arguments):
    """The status of a command that fails, and its message, which must be one line."""
    try:
        status = main(list(arguments))
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"tinytensor[ a-z]*: error: .+\n", err)
    return status, err


def rows(*lines, header="size,colour,label"):
    return "\n".join([header, *lines, ""])


def many(line, count=30):
    """Rows made of a function of the row's number."""
    return rows(*map(line, range(count)))


# what data.csv holds (None: it is not there), further arguments, and what the message says
TABLES = {
    "no such file": (None, [], "data.csv: there is no such file"),
    "empty": ("", [], "data.csv: the file is empty"),
    "blank lines": ("\n\n\n", [], "the file holds no rows"),
    "header only": (rows(), [], "there is a header and no row below it"),
    "one row": (rows("1,red,a"), [], "the same value in every row"),
    "two rows": (rows("1,red,a", "2,blue,b"), [], "2 rows can't be split"),
    "one column": ("label\na\nb\n", [], "there is one column only, 'label'"),
    "only a target": (many(lambda k: f"1,red,{'ab'[k % 2]}"), [], "no column is left to learn from"),
    "no target": (GOOD, ["--target", "lable"], "has no column 'lable'; did you mean 'label'?"),
    "no target, other case": (GOOD, ["--target", "LABEL"], "did you mean 'label'?"),
    "no target like it": (GOOD, ["--target", "xyz"], "the columns are 'size', 'colour', 'label'"),
    "one class": (many(lambda k: f"{k}.5,red,a"), [], "the same value in every row, 'a'; there is nothing to learn"),
    "one number": (many(lambda k: f"{k}.5,red,1.{'0' * (k % 2)}"), [], "the same value in every row, 1"),
    "empty target": (many(lambda k: f"{k}.5,red,"), [], "the target 'label' is empty"),
    "missing target": (GOOD + "1.5,red,\n", [], "line 26: the target 'label' is missing"),
    "NaN target": (many(lambda k: f"{k}.5,red,{'NaN' if k == 7 else k * 0.37}"), [], "line 9: the target 'label' is missing"),
    "infinite target": (many(lambda k: f"{k}.5,red,{'inf' if k == 7 else k * 0.37}"), [], "line 9, column 'label': an infinite"),
    "names as target": (many(lambda k: f"{k}.5,red,name {k}"), [], "30 different values in 30 rows, no classes"),
    "dates as target": (many(lambda k: f"{k}.5,red,2024-01-{k + 1:02}"), [], "the target 'label' holds dates"),
    "text among numbers as target": (many(lambda k: f"{k}.5,red,{'oops' if k == 7 else k * 0.37}"), [], "line 9: 'oops' is not a number"),
    "classes for regression": (GOOD, ["--task", "regression"], "line 2: 'a' is not a number, regression needs numbers"),
    "numbers for classification": (many(lambda k: f"{k}.5,red,{k * 0.37}"), ["--task", "classification"], "give --task regression"),
    "decimal comma in the target": (many(lambda k: f'{k}.5,red,"{k},25"'), [], "say so: --decimal ,"),
    "infinite number": (many(lambda k: f"{'inf' if k == 4 else k * 1.5},red,{'ab'[k % 2]}"), [], "line 6, column 'size': an infinite number"),
    "text among numbers": (many(lambda k: f"{'oops' if k == 4 else k * 1.5},red,{'ab'[k % 2]}"), [], "line 6, column 'size': 'oops' is not a number"),
    "thousands": (many(lambda k: f'"{k + 1},234.5",red,{"ab"[k % 2]}'), [], "line 2, column 'size': '1,234.5' looks like a number with groups of digits; say so: --thousands ','"),
    "decimal comma": (many(lambda k: f'"{k},25",red,{"ab"[k % 2]}'), [], "line 2, column 'size': '0,25' looks like a number with a decimal comma"),
    "forced number": (GOOD, ["--number", "colour"], "line 2, column 'colour': 'blue' is not a number"),
    "long row": (GOOD + "1,red,a,b\n", [], "line 26 has 4 fields, the header has 3; a field that holds ',' must stand in quotes"),
    "long rows everywhere": (rows("1,red,a,", "2,blue,b,"), [], "line 2 has 4 fields, the header has 3"),
    "short row": (GOOD + "1\n", [], "line 26 has 1 field, the header has 3"),
    "short row after a note over lines": (rows('1,"red\nor so",a', "2,b"), [], "line 4 has 2 fields"),
    "columns of one name": ("size,size,label\n1,2,a\n", [], "the header has 'size' more than once"),
    "open quotation mark": (GOOD + '1,"red,a\n', [], "line 26: a quotation mark"),
    "text after a quotation mark": (GOOD + '1,"red"dish,a\n', [], "line 26: a quotation mark (\") within a field"),
    "Latin-1": (GOOD.replace("blue", "grün").encode("latin-1"), [], "line 2 is not in the encoding utf-8 (byte 0xfc); for a file from an older Excel try --encoding cp1252"),
    "UTF-16": (GOOD.encode("utf-16"), [], "the file is in UTF-16; say so: --encoding utf-16"),
    "another encoding": (GOOD.replace("blue", "grün"), ["--encoding", "ascii"], "line 2 is not in the encoding ascii (byte 0xc3)"),
    "no such encoding": (GOOD, ["--encoding", "latin-99"], "--encoding latin-99: there is no such encoding"),
    "no text encoding": (GOOD, ["--encoding", "base64"], "there is no such encoding"),
    "zero bytes": (bytes(1000), [], "data.csv"),
    "compressed": (gzip.compress(GOOD.encode()), [], "compressed by gzip; unpack it first"),
    "a workbook": (b"PK\x03\x04" + bytes(100), [], "an Excel workbook; unpack it, or save the sheet as CSV"),
    "wrong delimiter": (GOOD, ["--delimiter", ";"], "there is one column only"),
    "unknown column to drop": (GOOD, ["--drop", "sise"], "--drop: data.csv has no column 'sise'; did you mean 'size'?"),
    "target to drop": (GOOD, ["--drop", "label"], "--drop 'label': that is the target"),
    "all dropped": (GOOD, ["--drop", "size,colour"], "no column is left to learn from"),
    "too few for validation": (GOOD, ["--valid", "0.001"], "leaves 24 for training and 0 for validation"),
    "too few for training": (GOOD, ["--valid", "0.99"], "for training and 24 for validation"),
    "same signs": (GOOD, ["--decimal", ",", "--thousands", ","], "they must differ"),
}  # fmt: skip


@pytest.mark.parametrize(("contents", "more", "message"), TABLES.values(), ids=TABLES.keys())
def test_tables(folder, capsys, contents, more, message):
    if contents is not None:
        (folder / "data.csv").write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    status, said = failure(capsys, *TRAIN, *more)
    assert status == 2
    assert message in said
    assert not (folder / "model").exists()


ARGUMENTS = {
    "no command": ([], "the following arguments are required: COMMAND"),
    "unknown command": (["trian"], "invalid choice"),
    "no file": (["train"], "name the file to train on"),
    "no target": (["train", "data.csv"], "say which column to predict: tinytensor train data.csv --target COLUMN"),
    "unknown option": ([*TRAIN, "--hiden", "3"], "unrecognized arguments: --hiden"),
    "no size": ([*TRAIN, "--hidden", "a"], "argument --hidden: 'a': expected sizes such as 128,64"),
    "negative size": ([*TRAIN, "--hidden", "3,-1"], "expected sizes such as 128,64"),
    "no epoch": ([*TRAIN, "--epochs", "0"], "argument --epochs: '0': expected a whole number ≥ 1"),
    "half an epoch": ([*TRAIN, "--epochs", "1.5"], "expected a whole number"),
    "nan": ([*TRAIN, "--lr", "nan"], "argument --lr: 'nan': expected a number > 0"),
    "dropout of all": ([*TRAIN, "--dropout", "1"], "expected a number ≥ 0 and < 1"),
    "valid of all": ([*TRAIN, "--valid", "1"], "expected a number ≥ 0 and < 1"),
    "two characters": ([*TRAIN, "--delimiter", ";;"], "expected one character"),
    "out is a file": ([*TRAIN, "--out", "data.csv"], "--out data.csv: this is a file"),
    "out within a file": ([*TRAIN, "--out", "data.csv/model"], "data.csv is a file, not a folder"),
    "out has other things": ([*TRAIN, "--out", "."], "the folder holds other files"),
    "nothing to resume": (["train", "--resume", "nowhere"], "--resume nowhere: no training was begun there"),
    "resume with settings": (["train", "--resume", "m", "--lr", "1"], "--lr can't stand beside --resume"),
    "predict without a model": (["predict", "nowhere", "data.csv"], "nowhere: there is no such folder"),
    "predict with a file": (["predict", "data.csv", "data.csv"], "this is a file; name the folder"),
    "predict with an empty folder": (["predict", ".", "data.csv"], "no model is in this folder"),
    "a folder as data": (["train", ".", "--target", "label"], "this is a folder, not a file"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_arguments(folder, capsys, arguments, message):
    (folder / "data.csv").write_text(GOOD)
    status, said = failure(capsys, *arguments)
    assert status == 2
    assert message in said


# ------------------------------------------------------------------------------- files with a model


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with data.csv and a model of it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "data.csv").write_text(GOOD)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(TRAIN) == 0
    return folder


@pytest.fixture
def model(trained, folder):
    """A copy of it to be spoiled, in the current folder."""
    shutil.copytree(trained, folder, dirs_exist_ok=True)
    return folder / "model"


NEW = {
    "a column is missing": ("size,label\n1,a\n", "the model needs it, and the file has no column 'colour'"),
    "two columns are missing": ("x,y\n1,a\n", "2 columns that the model needs are not there: 'size', 'colour'"),
    "text for a number": ("size,colour\n1,red\nbig,red\n", "line 3, column 'size': expected a number, got 'big'"),
    "infinite": ("size,colour\n-inf,red\n", "line 2, column 'size': an infinite number"),
    "far too large": ("size,colour\n1e300,red\n", "line 2, column 'size': 1e+300 is too far from what training saw"),
    "short row": ("size,colour\n1,red\n2\n", "line 3 has 1 field"),
    "not there": (None, "there is no such file"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(("contents", "message"), NEW.values(), ids=NEW.keys())
def test_new_tables(folder, model, capsys, command, contents, message):
    if contents is not None:
        if command == "evaluate" and "label" not in contents:
            contents = "\n".join(f"{line},{'a' if k else 'label'}" for k, line in enumerate(contents.split("\n")[:-1]))
            message = message.replace("has 1 field", "has 2 fields")
        (folder / "new.csv").write_text(contents)
    assert main([command, "model", "new.csv", "--quiet"]) == 2
    assert message in capsys.readouterr().err


def test_evaluate_needs_the_target(folder, model, capsys):
    (folder / "new.csv").write_text("size,colour,Label\n1,red,a\n")
    status, said = failure(capsys, "evaluate", "model", "new.csv")
    assert status == 2
    assert "it has no column 'label'; did you mean 'Label'?" in said
    (folder / "new.csv").write_text("size,colour,label\n1,red,a\n2,red,c\n")
    status, said = failure(capsys, "evaluate", "model", "new.csv")
    assert "line 3, column 'label': the model knows no class 'c', but 'a', 'b'" in said


def test_predict_does_not_write_over_its_input(model, capsys):
    status, said = failure(capsys, "predict", "model", "data.csv", "--out", "data.csv")
    assert status == 2
    assert "that is the table itself" in said
    status, said = failure(capsys, "predict", "model", "data.csv", "--out", "nowhere/p.csv")
    assert status == 2
    assert "--out nowhere/p.csv: No such file" in said


def test_a_failed_prediction_leaves_no_file(folder, model, capsys):
    (folder / "new.csv").write_text("size,colour\n1,red\nbig,red\n")
    (folder / "p.csv").write_text("before")
    failure(capsys, "predict", "model", "new.csv", "--out", "p.csv")
    assert (folder / "p.csv").read_text() == "before"
    assert not [path for path in folder.iterdir() if path.name.endswith(".part")]


def test_a_model_is_not_written_over(model, capsys):
    before = (model / "model.json").read_bytes()
    status, said = failure(capsys, *TRAIN)
    assert status == 2
    assert "a model is there already; give another folder, or --overwrite" in said
    assert (model / "model.json").read_bytes() == before
    assert main([*TRAIN, "--overwrite"]) == 0


def edited(key, value):
    """A change of the document."""

    def change(model):
        document = json.loads((model / "model.json").read_text())
        document[key] = value
        (model / "model.json").write_text(json.dumps(document))

    return change


def signed(change):
    """A change of the document that keeps its checksum right, as a careful person could make it."""

    def whole(model):
        from tinytensor.cli.folder import write_document

        document = json.loads((model / "model.json").read_text())
        del document["sha256"]
        change(document)
        write_document(model / "model.json", "model", document)

    return whole


def flipped(model):
    data = bytearray((model / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (model / "weights.safetensors").write_bytes(data)


def other_weights(model):
    from tinytensor.io import save

    save(model / "weights.safetensors", {"layers.0.weight": np.zeros((3, 3), np.float32)})


def other_weights_signed(model):
    import hashlib

    other_weights(model)
    found = hashlib.sha256((model / "weights.safetensors").read_bytes()).hexdigest()
    signed(lambda d: d["weights"].update(sha256=found))(model)


SPOILED = {
    "another version": (edited("version", 2), "of format '2', and this tinytensor"),
    "not ours": (edited("format", "something"), "model.json: not written by tinytensor train"),
    "edited": (edited("notes", ["better"]), "changed since train wrote it: the checksum does not fit"),
    "not JSON": (lambda m: (m / "model.json").write_text("{"), "model.json: damaged: not JSON"),
    "binary": (lambda m: (m / "model.json").write_bytes(b"\xff\xfe\x00"), "model.json: damaged: not JSON"),
    "deep JSON": (lambda m: (m / "model.json").write_text("[" * 200_000), "model.json: damaged: not JSON"),
    "a list": (lambda m: (m / "model.json").write_text("[]"), "not written by tinytensor train"),
    "no weights": (lambda m: (m / "weights.safetensors").unlink(), "weights.safetensors: No such file"),
    "a flipped bit": (flipped, "these are not the weights that belong to model.json"),
    "other weights": (other_weights, "these are not the weights that belong to model.json"),
    "other weights, signed": (other_weights_signed, "not a sound model: the weights have the shapes"),
    "huge sizes, signed": (signed(lambda d: d["network"].update(sizes=[3, 10**9, 1])), "not a sound model"),
    "another activation, signed": (signed(lambda d: d["network"].update(activation="exec")), "not a sound model"),
    "no target, signed": (signed(lambda d: d.pop("target")), "not a sound model"),
    "one class less, signed": (signed(lambda d: d["target"]["classes"].pop()), "not a sound model"),
    "a scale of 0, signed": (signed(lambda d: d["preprocessing"]["columns"][0].update(scale=0)), "no sound mean and scale"),
    "a column twice, signed": (signed(lambda d: d["preprocessing"]["columns"].append(d["preprocessing"]["columns"][0])), "a column occurs twice"),
    "a text for a list, signed": (signed(lambda d: d["preprocessing"].update(columns="x")), "not a sound model"),
    "no reading, signed": (signed(lambda d: d.pop("reading")), "not a sound model"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), SPOILED.values(), ids=SPOILED.keys())
def test_spoiled_models(model, capsys, spoil, message):
    spoil(model)
    status, said = failure(capsys, "predict", "model", "data.csv")
    assert status == 2
    assert message in said


def test_an_unfinished_training_is_no_model(model, capsys):
    (model / "model.json").rename(model / "training.json")
    status, said = failure(capsys, "predict", "model", "data.csv")
    assert status == 2
    assert "go on with tinytensor train --resume model" in said
    status, said = failure(capsys, *TRAIN)
    assert status == 2
    assert "an unfinished training is there" in said
    status, said = failure(capsys, "train", "--resume", "model")
    assert status == 2
    assert "not written by tinytensor train" in said


def test_errors_as_json(folder, capsys):
    (folder / "data.csv").write_text(GOOD)
    assert main(["train", "data.csv", "--target", "lable", "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "error": "data.csv has no column 'lable'; did you mean 'label'?",
        "status": 2,
    }
    assert err == "tinytensor: error: data.csv has no column 'lable'; did you mean 'label'?\n"


def test_divergence_is_a_failure(folder, capsys):
    (folder / "data.csv").write_text(many(lambda k: f"{k}.5,{k * k}e20,{k * 0.37}"))
    status, said = failure(capsys, *TRAIN, "--lr", "1e8", "--epochs", "50", "--solver", "sgd")
    assert status == 1
    assert "training diverged" in said
    assert "lower --lr (try 1e+07), or give --clip-norm 1" in said


NPZ = {
    "no X": ({"Z": np.zeros((4, 2))}, "there is no array 'X' (there are: 'Z')"),
    "objects": ({"X": np.array([[{}]], object)}, "not an .npz file of plain arrays"),
    "one axis": ({"X": np.zeros(4)}, "X has shape (4,)"),
    "lengths": ({"X": np.zeros((4, 2)), "y": np.zeros(3)}, "y has shape (3,)"),
    "no y": ({"X": np.eye(4)}, "has no column 'y'"),
    "infinite": ({"X": np.where(np.eye(9)[4][:, None] > 0, np.inf, np.arange(18).reshape(9, 2) * 0.3), "y": np.arange(9) % 2}, "row 5, column"),
}  # fmt: skip


@pytest.mark.parametrize(("arrays", "message"), NPZ.values(), ids=NPZ.keys())
def test_npz(folder, capsys, arrays, message):
    np.savez(folder / "data.npz", **arrays)
    status, said = failure(capsys, "train", "data.npz")
    assert status == 2
    assert message in said


@pytest.mark.parametrize("name", ["data.npz", "data.parquet"])
def test_files_that_are_not_what_their_name_says(folder, capsys, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (folder / name).write_text(GOOD)
    status, said = failure(capsys, "train", name, "--target", "label")
    assert status == 2
    assert f"{name}: not a" in said


NASTY = [b"\0", b"\xff", b'"', b'""', b",", b",,", b"\n", b"\r", b"\r\n", b"\n\n", b"inf", b"nan", b"1e999", b"-", b"+", b"1_0",
         "\u2028".encode(), "\u0665".encode(), b"label", b"#", b"=1+1", b"9" * 400, b" ", b"\t", b";", b"true", b"0x1f"]  # fmt: skip


def test_spoiled_tables_end_in_one_line(trained, folder, capsys):
    """Whatever is in a file: a command works, or fails with one line and the status 2."""
    shutil.copytree(trained, folder, dirs_exist_ok=True)
    rng = np.random.default_rng(0)
    statuses = []
    for _ in range(80):
        data = bytearray(GOOD.encode())
        for _ in range(rng.integers(1, 4)):
            place = int(rng.integers(len(data)))
            data[place : place + int(rng.integers(3))] = NASTY[rng.integers(len(NASTY))]
        (folder / "new.csv").write_bytes(bytes(data))
        for command in (["predict", "model", "new.csv"], ["evaluate", "model", "new.csv"]):
            statuses.append(main([*command, "--quiet"]))
            err = capsys.readouterr().err
            assert err.count("\n") == (statuses[-1] != 0), err
        status = main(["train", "new.csv", "--target", "label", "--epochs", "1", "--hidden", "2", "--out", "other",
                       "--overwrite", "--quiet"])  # fmt: skip
        err = capsys.readouterr().err
        assert err.count("\n") == (status != 0), err
        statuses.append(status)
    assert set(statuses) == {0, 2}
