"""The command line from a file to predictions, in this process; signals and pipes are in ``test_cli_process.py``."""

import csv
import io
import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import tinytensor as tt
from tinytensor.cli import main

pytest.importorskip("sklearn")
pytest.importorskip("safetensors")

from sklearn.datasets import load_iris
from sklearn.metrics import confusion_matrix, mean_absolute_error, precision_recall_fscore_support, r2_score

FAST = ["--epochs", "3", "--hidden", "8", "--quiet"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *arguments):
    """What a command that succeeds writes to stdout."""
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert status == 0, err
    return out


def trained(capsys, *arguments):
    """The document that train --json prints."""
    return json.loads(run(capsys, "train", *arguments, "--json", *FAST))


def document():
    with open("model/model.json", encoding="utf-8") as file:
        return json.load(file)


def features():
    return {column["name"]: column for column in document()["preprocessing"]["columns"]}


def write(lines, name="data.csv", encoding="utf-8"):
    with open(name, "w", encoding=encoding, newline="") as file:
        file.write("\n".join(lines) + "\n")


def table(*columns, count=60, header="a,label"):
    """A file whose columns are functions of the row's number."""
    write([header, *(",".join(str(column(k)) for column in columns) for k in range(count))])


def label(k):
    return "yn"[k % 3 == 0]


# ------------------------------------------------------------------------------------ the whole way


def test_iris_from_csv_to_predictions(capsys):
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    write(["a,b,c,d,kind", *(",".join([*map(str, x), names[k]]) for x, k in zip(X, y, strict=True))])
    out = run(capsys, "train", "data.csv", "--target", "kind", "--lr", "0.01", "--quiet")
    accuracy = float(re.search(r"Accuracy on 30 validation rows: ([\d.]+)%", out)[1])
    assert accuracy > 90
    assert "always 'setosa': 33.3%" in out

    rows = list(csv.DictReader(io.StringIO(run(capsys, "predict", "model", "data.csv"))))
    assert [*rows[0]] == ["prediction", "probability_setosa", "probability_versicolor", "probability_virginica"]
    assert len(rows) == 150
    found = np.array([row["prediction"] for row in rows])
    assert np.mean(found == names[y]) > 0.93
    for row in rows:
        probabilities = {name: float(row[f"probability_{name}"]) for name in names}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert max(probabilities, key=probabilities.get) == row["prediction"]

    measures = json.loads(run(capsys, "evaluate", "model", "data.csv", "--json"))
    assert measures["accuracy"] == np.mean(found == names[y])
    assert measures["confusion"] == confusion_matrix(names[y], found).tolist()
    expected = precision_recall_fscore_support(names[y], found)
    for k, name in enumerate(names):
        assert list(measures["classes"][name].values()) == pytest.approx([part[k] for part in expected])


def test_regression_is_in_the_units_of_the_target(capsys):
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = 1e6 + 5e4 * x
    write(["x,price", *(f"{a},{b}" for a, b in zip(x, y, strict=True))])
    found = json.loads(
        run(capsys, "train", "data.csv", "--target", "price", "--lr", "0.01", "--json", "--quiet", "--hidden", "16")
    )
    assert found["task"] == "regression"
    assert found["measures"]["validation"]["R2"] > 0.95
    text = run(capsys, "predict", "model", "data.csv").split()
    assert text[0] == "prediction"
    predictions = np.array(text[1:], float)
    measures = json.loads(run(capsys, "evaluate", "model", "data.csv", "--json"))
    assert measures["R2"] == pytest.approx(r2_score(y, predictions), abs=1e-5)
    assert measures["MAE"] == pytest.approx(mean_absolute_error(y, predictions), rel=1e-4)
    assert measures["RMSE"] == pytest.approx(np.sqrt(np.mean((y - predictions) ** 2)), rel=1e-4)
    assert measures["baseline RMSE"] == pytest.approx(y.std())


def test_the_example_of_the_readme(capsys):
    examples = Path(__file__).parents[1] / "examples"
    out = run(capsys, "train", examples / "parcels.csv", "--target", "arrived", "--quiet")
    assert "1,500 rows, 6 columns (2 numbers, 1 yes or no, 3 categories), 2 left out" in out
    assert float(re.search(r"Accuracy on 300 validation rows: ([\d.]+)%", out)[1]) > 86
    measures = json.loads(run(capsys, "evaluate", "model", examples / "parcels-new.csv", "--json"))
    assert measures["rows"] == 400
    assert measures["accuracy"] > 0.85 > measures["baseline"] + 0.15


def test_digits(capsys):
    found = json.loads(run(capsys, "train", "digits", "--epochs", "15", "--json", "--quiet"))
    assert found["measures"]["validation"]["accuracy"] > 0.95
    assert found["files"] == ["model.json", "weights.safetensors", "README.md", "confusion.png", "curves.png"]
    assert len(found["curves"]["loss"]) == len(found["curves"]["validation score"]) == found["training"]["epochs"]
    assert run(capsys, "predict", "model", "digits", "--json").count('"prediction"') == 1797


def test_predictions_are_those_of_the_weights_in_the_file(capsys):
    """Computed again from the JSON and the safetensors file, by the formulas alone."""
    table(lambda k: "" if k % 7 == 0 else k * 0.5, lambda k: "rgb"[k % 3], label, header="a,colour,label")
    trained(capsys, "data.csv", "--target", "label")
    weights = tt.load("model/weights.safetensors")
    a, colour = features().values()
    write(["colour,a", "g,12.5", "g,", "b,NA"], "new.csv")
    lines = run(capsys, "predict", "model", "new.csv").splitlines()[1:]
    for line, value, word in zip(lines, (12.5, None, None), "ggb", strict=True):
        number = [0.0, 1.0] if value is None else [(value - a["mean"]) / a["scale"], 0.0]
        x = [*number, *(float(word == category) for category in colour["categories"])]
        hidden = np.maximum(0, weights["layers.0.weight"] @ x + weights["layers.0.bias"])
        z = weights["layers.1.weight"] @ hidden + weights["layers.1.bias"]
        assert float(line.split(",")[2]) == pytest.approx(1 / (1 + np.exp(-z[0])), abs=2e-6)


# -------------------------------------------------------------------------------- what is learned


def test_means_and_categories_come_from_the_training_rows_only(capsys):
    """The rows that are set aside are found by their number, and must leave no trace."""
    table(lambda k: k**2 * 0.5, lambda k: f"c{k % 30}", label, count=90, header="a,kind,label")
    trained(capsys, "data.csv", "--target", "label", "--valid", "0.5")
    from sklearn.model_selection import train_test_split

    y = np.array([label(k) for k in range(90)])
    training, _ = train_test_split(np.arange(90), test_size=45, random_state=0, stratify=y == "y")
    column = features()
    values = np.array(training) ** 2 * 0.5
    assert column["a"]["mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert column["a"]["scale"] == pytest.approx(values.std(), rel=1e-12)
    assert column["kind"]["categories"] == sorted({f"c{k % 30}" for k in training})
    assert len(column["kind"]["categories"]) < 30


KINDS = {
    "numbers": (lambda k: k * 1.5, "number"),
    "with missing ones": (lambda k: "NA" if k % 5 == 0 else k * 1.5, "number"),
    "exponents": (lambda k: f"{k * 1.5}e-3", "number"),
    "booleans": (lambda k: k % 2 == 0, "boolean"),
    "yes and no": (lambda k: ("Yes", "no", "")[k % 3], "boolean"),
    "words": (lambda k: ("red", "blue", "")[k % 3], "category"),
    "words and numbers": (lambda k: ("red", "2")[k % 2], "category"),
    "not a number in Python only": (lambda k: ("1_000", "2_000")[k % 2], "category"),
    "accents": (lambda k: ("Müller", "Łódź", "東京")[k % 3], "category"),
    "few whole numbers": (lambda k: k % 3, "number"),
}


@pytest.mark.parametrize(("value", "kind"), KINDS.values(), ids=KINDS.keys())
def test_kinds(capsys, value, kind):
    table(value, label)
    trained(capsys, "data.csv", "--target", "label")
    assert features()["a"]["kind"] == kind
    assert features()["a"]["missing"] == any(value(k) in ("", "NA") for k in range(60))


LEFT_OUT = {
    "empty": (lambda k: "", "empty"),
    "missing in many words": (lambda k: ("NA", "?", "null")[k % 3], "empty"),
    "constant": (lambda k: 5, "one value only"),
    "row numbers": (lambda k: k + 1, "row numbers"),
    "dates": (lambda k: f"2024-02-{k % 28 + 1:02}", "dates;"),
    "times": (lambda k: f"2024-02-{k % 28 + 1:02}T10:30:00", "dates;"),
    "German dates": (lambda k: f"{k % 28 + 1}.2.2024", "dates;"),
    "names": (lambda k: f"name {k}", "60 different texts in 60 rows are no categories"),
}


@pytest.mark.parametrize(("value", "reason"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_columns_that_are_left_out(capsys, value, reason):
    table(value, lambda k: k * 0.3, label, header="a,b,label")
    found = trained(capsys, "data.csv", "--target", "label")
    assert [*found["left out"]] == ["a"]
    assert found["left out"]["a"].startswith(reason)
    assert [*features()] == ["b"]


def test_choices_of_the_user(capsys):
    table(lambda k: k % 4, lambda k: k + 1, lambda k: k * 0.5, label, header="a,b,c,label")
    trained(capsys, "data.csv", "--target", "label", "--category", "a", "--number", "b", "--drop", "c")
    assert {name: column["kind"] for name, column in features().items()} == {"a": "category", "b": "number"}
    assert features()["a"]["categories"] == ["0", "1", "2", "3"]


TARGETS = {
    "words": (lambda k: "xyz"[k % 3], "classification", ["x", "y", "z"]),
    "booleans": (lambda k: k % 3 == 0, "classification", ["False", "True"]),
    "few whole numbers": (lambda k: (10, 9, -1)[k % 3], "classification", ["-1", "9", "10"]),
    "whole numbers with a point": (lambda k: ("1.0", "2.0", "2")[k % 3], "classification", ["1", "2"]),
    "many whole numbers": (lambda k: k * 7, "regression", []),
    "fractions": (lambda k: (0.5, 1.5)[k % 2], "regression", []),
}


@pytest.mark.parametrize(("value", "task", "classes"), TARGETS.values(), ids=TARGETS.keys())
def test_tasks(capsys, value, task, classes):
    table(lambda k: k * 0.3, value)
    found = trained(capsys, "data.csv", "--target", "label")
    assert found["task"] == task
    assert found["target"]["classes"] == classes


def test_a_task_that_is_asked_for(capsys):
    table(lambda k: k * 0.3, lambda k: k % 3)
    assert trained(capsys, "data.csv", "--target", "label", "--task", "regression")["target"]["classes"] == []


@pytest.mark.parametrize("kept", [10_000, 10])
def test_a_word_or_a_number_for_missing_values(capsys, monkeypatch, kept):
    """Also where a column has too many values to be counted, and is read in a faster way."""
    from tinytensor.cli import columns, csv_files

    monkeypatch.setattr(columns, "KEPT", kept)
    monkeypatch.setattr(csv_files, "ROWS", 20)
    table(lambda k: k + 0.5 if k % 10 else 999, lambda k: k + 0.5 if k % 10 else "none yet", label, header="a,b,label")
    trained(capsys, "data.csv", "--target", "label", "--na", "999", "--na", "none yet", "--valid", "0")
    expected = np.mean([k + 0.5 for k in range(60) if k % 10])
    for column in features().values():
        assert column["missing"]
        assert column["mean"] == pytest.approx(expected)


def test_notation_of_numbers(capsys):
    write(["a;b;label", *(f"{k},5;1.{k:03},5;{label(k)}" for k in range(60))])
    trained(capsys, "data.csv", "--target", "label", "--decimal", ",", "--thousands", ".", "--valid", "0")
    assert features()["a"]["mean"] == pytest.approx(30)
    assert features()["b"]["mean"] == pytest.approx(1000.5 + 29.5)


# ---------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_encodings(capsys, encoding):
    write(["größe,label", *(f"{'äü'[k % 2]},{label(k)}" for k in range(40))], encoding=encoding)
    more = [] if encoding.startswith("utf-8") else ["--encoding", encoding]
    trained(capsys, "data.csv", "--target", "label", *more)
    assert features()["größe"]["categories"] == ["ä", "ü"]
    write(["größe", "ä"], "new.csv", encoding)
    assert run(capsys, "predict", "model", "new.csv").count("\n") == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(capsys, delimiter):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["a", "note, or so", "label"])
    writer.writerows([k * 0.5, ('say "x; y", z\t|', "two\nlines")[k % 2], label(k)] for k in range(40))
    with open("data.csv", "w", newline="") as file:
        file.write(text.getvalue())
    trained(capsys, "data.csv", "--target", "label")
    assert features()["note, or so"]["categories"] == ['say "x; y", z\t|', "two\nlines"]


def test_parquet(capsys):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    columns = {
        "number": [None if k == 3 else k * 0.5 for k in range(60)],
        "whole": [k % 7 for k in range(60)],
        "flag": [k % 2 == 0 for k in range(60)],
        "word": pyarrow.array([None if k == 4 else "ab"[k % 2] for k in range(60)]).dictionary_encode(),
        "when": np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]"),
        "label": [label(k) for k in range(60)],
    }
    parquet.write_table(pyarrow.table(columns), "data.parquet", row_group_size=17)
    found = trained(capsys, "data.parquet", "--target", "label")
    kinds = {name: column["kind"] for name, column in features().items()}
    assert kinds == {"number": "number", "whole": "number", "flag": "boolean", "word": "category"}
    assert found["left out"]["when"].startswith("dates")
    assert run(capsys, "predict", "model", "data.parquet").count("\n") == 61
    assert json.loads(run(capsys, "evaluate", "model", "data.parquet", "--json"))["rows"] == 60


def test_npz(capsys):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2, 3)).astype(np.float32)
    np.savez("data.npz", X=X, y=(X[:, 0, 0] > 0).astype(int))
    assert trained(capsys, "data.npz")["target"]["classes"] == ["0", "1"]
    assert [*features()] == [f"x{k}" for k in range(6)]
    np.savez("new.npz", X=X[:5])
    assert run(capsys, "predict", "model", "new.npz").count("\n") == 6


def test_a_csv_file_and_arrays_give_the_same_model(capsys):
    X = np.random.default_rng(0).normal(size=(80, 2))
    y = (X[:, 0] > 0).astype(int)
    np.savez("data.npz", X=X, y=y)
    write(["x0,x1,y", *(f"{a!r},{b!r},{c}" for (a, b), c in zip(X.tolist(), y, strict=True))])
    weights = []
    for name in ("data.npz", "data.csv"):
        trained(capsys, name, "--target", "y", "--overwrite")
        weights.append(tt.load("model/weights.safetensors"))
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_large_file_is_read_in_parts(capsys, monkeypatch):
    """With small limits: more chunks than one, no rows kept, inputs in a file. The model is the same."""
    from tinytensor.cli import columns, csv_files, dataset, tables

    table(lambda k: k**2 * 0.5, lambda k: "rgb"[k % 3], label, count=1000, header="a,colour,label")
    trained(capsys, "data.csv", "--target", "label")
    before = tt.load("model/weights.safetensors"), features()
    predictions = run(capsys, "predict", "model", "data.csv")
    for module in (tables, csv_files):
        monkeypatch.setattr(module, "ROWS", 64)
    monkeypatch.setattr(csv_files, "HELD", 0)
    monkeypatch.setattr(columns, "KEPT", 100)
    monkeypatch.setattr(dataset, "IN_MEMORY", 0)
    trained(capsys, "data.csv", "--target", "label", "--overwrite")
    after = tt.load("model/weights.safetensors"), features()
    for name, weight in before[0].items():
        np.testing.assert_allclose(after[0][name], weight, atol=1e-5)
    assert after[1]["a"]["mean"] == pytest.approx(before[1]["a"]["mean"], rel=1e-12)
    assert after[1]["a"]["scale"] == pytest.approx(before[1]["a"]["scale"], rel=1e-12)
    assert [line[:6] for line in run(capsys, "predict", "model", "data.csv").split()] == [
        line[:6] for line in predictions.split()
    ]
    assert not [name for name in os.listdir() if name not in ("data.csv", "model")]


# ------------------------------------------------------------------------------------- predicting


@pytest.fixture
def model(capsys):
    table(lambda k: k * 0.5, lambda k: "rgb"[k % 3], label, header="a,colour,label")
    trained(capsys, "data.csv", "--target", "label")


def test_columns_in_another_order_and_more_of_them(model, capsys):
    write(["colour,more,a", "r,1,2.5", "g,2,3"], "new.csv")
    write(["a,colour", "2.5,r", "3,g"], "same.csv")
    assert run(capsys, "predict", "model", "same.csv") == run(capsys, "predict", "model", "new.csv", "--quiet")
    main(["predict", "model", "new.csv"])
    assert "note: not used, since training had no such column: 'more'" in capsys.readouterr().err


def test_unseen_categories_and_missing_values_are_said(model, capsys):
    write(["a,colour", "2.5,violet", "3,violet", ",r", "1,", "1,g"], "new.csv")
    assert main(["predict", "model", "new.csv"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 6
    assert err.splitlines() == [
        "note: column 'colour': 2 rows have a category that training never saw ('violet'); taken as none of the "
        "known ones",
        "note: column 'a': 1 value is missing, and none was in training; taken as the training mean, or as no category",
        "note: column 'colour': 1 value is missing, and none was in training; taken as the training mean, or as no "
        "category",
    ]


def test_predictions_beside_the_columns(model, capsys):
    write(["note,a,colour", '"x, y",2.5,r', "ü,3,g"], "new.csv")
    run(capsys, "predict", "model", "new.csv", "--keep", "--out", "p.csv", "--quiet")
    with open("p.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["note", "a", "colour", "prediction", "probability_n", "probability_y"]
    assert [row[:3] for row in rows[1:]] == [["x, y", "2.5", "r"], ["ü", "3", "g"]]


def test_predictions_as_json(model, capsys):
    found = json.loads(run(capsys, "predict", "model", "data.csv", "--json"))
    lines = run(capsys, "predict", "model", "data.csv").splitlines()[1:]
    assert found["classes"] == ["n", "y"]
    assert [row["prediction"] for row in found["rows"]] == [line.split(",")[0] for line in lines]
    assert [f"{row['probabilities'][1]:.6f}" for row in found["rows"]] == [line.split(",")[2] for line in lines]


def test_an_empty_table_has_no_predictions(model, capsys):
    write(["a,colour"], "new.csv")
    assert run(capsys, "predict", "model", "new.csv") == "prediction,probability_n,probability_y\n"


def test_numbers_as_classes_are_the_same_however_written(capsys):
    table(lambda k: k * 0.3, lambda k: k % 2)
    trained(capsys, "data.csv", "--target", "label")
    write(["a,label", "1,0", "2,1.0", "3,1"], "new.csv")
    assert json.loads(run(capsys, "evaluate", "model", "new.csv", "--json"))["rows"] == 3


# ----------------------------------------------------------------------------------------- training


def test_the_same_seed_gives_the_same_model(capsys):
    table(lambda k: k * 0.3, label, count=200)
    found = {}
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        trained(capsys, "data.csv", "--target", "label", "--seed", seed, "--out", name, "--dropout", "0.2")
        found[name] = tt.load(f"{name}/weights.safetensors")
    assert all(np.array_equal(found["one"][name], found["two"][name]) for name in found["one"])
    assert not np.array_equal(found["one"]["layers.0.weight"], found["three"]["layers.0.weight"])


def test_without_validation_rows(capsys):
    table(lambda k: k * 0.3, label)
    found = trained(capsys, "data.csv", "--target", "label", "--valid", "0")
    assert found["measures"]["validation"] is None
    assert found["data"]["training rows"] == 60
    assert "trained without validation rows" in Path("model/README.md").read_text("utf-8")


def test_no_hidden_layer_and_balanced_classes(capsys):
    table(lambda k: k % 10 * 0.3, lambda k: "yn"[k % 10 == 0], count=200)
    arguments = [
        "train",
        "data.csv",
        "--target",
        "label",
        "--hidden",
        "0",
        "--epochs",
        "40",
        "--lr",
        "0.05",
        "--quiet",
        "--json",
    ]
    recalls = []
    for more in ([], ["--balanced"]):
        found = json.loads(run(capsys, *arguments, *more, "--overwrite"))
        recalls.append(found["measures"]["training"]["classes"]["n"]["recall"])
    assert recalls[1] > recalls[0]
    assert document()["network"]["sizes"] == [1, 1]


def test_the_model_card_says_what_is_known(capsys):
    table(lambda k: k * 0.5, lambda k: "|`<b>"[k % 4], label, lambda k: k + 1, header="a,odd,label,id")
    trained(capsys, "data.csv", "--target", "label")
    card = Path("model/README.md").read_text("utf-8")
    for text in ("# A model that predicts `label`", "SHA-256", "| `a` | number |", "- `id`: row numbers", "seed 0",
                 "tinytensor predict model new.csv", f"tinytensor {tt.__version__}", "![curves](curves.png)"):  # fmt: skip
        assert text in card
    assert r"`\|`" in card  # what stands in the data is no Markdown


def test_pictures_and_no_pickle(capsys):
    table(lambda k: k * 0.3, label)
    trained(capsys, "data.csv", "--target", "label")
    assert sorted(os.listdir("model")) == [
        "README.md", "confusion.png", "curves.png", "model.json", "weights.safetensors"
    ]  # fmt: skip
    for name in ("confusion.png", "curves.png"):
        with open(f"model/{name}", "rb") as file:
            assert file.read(4) == b"\x89PNG"


@pytest.mark.filterwarnings("error")
def test_classes_of_any_name(capsys):
    """Formulas, letters that no font has, control characters, and names of which the beginnings are equal."""
    names = ["$x$", r"$\oops{", "東京", "\x1b[31mred", "a" * 40 + "1", "a" * 40 + "2"]
    table(lambda k: k * 0.3, lambda k: names[k % 6], count=120)
    assert trained(capsys, "data.csv", "--target", "label")["target"]["classes"] == sorted(names)
    assert "\x1b" not in run(capsys, "evaluate", "model", "data.csv")


def test_without_matplotlib(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    table(lambda k: k * 0.3, label)
    assert main(["train", "data.csv", "--target", "label", "--epochs", "2"]) == 0
    out, err = capsys.readouterr()
    assert "note: no pictures without matplotlib: pip install 'tinytensor[cli]'" in err
    assert "Written to model/: model.json, weights.safetensors, README.md\n" in out


def test_progress_in_plain_lines(capsys):
    table(lambda k: k * 0.3, label)
    assert main(["train", "data.csv", "--target", "label", "--epochs", "40", "--patience", "0"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert re.fullmatch(r"epoch 1/40: loss [\d.]+, validation loss [\d.]+, validation accuracy [\d.]+", lines[0])
    assert lines[-1].startswith("epoch 40/40")


def in_ranks(*arguments, **options):
    """The command train as a wrapper for several processes starts it."""
    from tinytensor.cli.arguments import make_parser
    from tinytensor.cli.train import train
    from tinytensor.cli.training import Ranks

    train(
        make_parser("tinytensor").parse_args(["train", "data.csv", "--target", "label", *arguments]), Ranks(**options)
    )


def test_of_several_processes_one_writes(capsys):
    table(lambda k: k * 0.3, label)
    waited, epochs = [], []
    barrier = lambda: waited.append(os.path.exists("model"))
    for rank in (1, 0):
        in_ranks(
            "--epochs", "3", rank=rank, barrier=barrier, callbacks=(lambda estimator, epoch: epochs.append(epoch),)
        )
        out, err = capsys.readouterr()
        assert (out == err == "") == (rank == 1)
        assert os.path.exists("model") == (rank == 0)
    assert waited == [False, False, False, True]
    assert epochs == [1, 2, 3, 1, 2, 3]


def test_several_processes_stop_together(capsys):
    """A signal that came anywhere stops all of them, after the same epoch."""
    from tinytensor.cli.saving import Interrupted

    table(lambda k: k * 0.3, label)
    answers = iter([False, False, True])
    with pytest.raises(Interrupted, match="stopped after epoch 3 of 9; go on with: tinytensor train --resume model"):
        in_ranks("--epochs", "9", anywhere=lambda flag: flag or next(answers))


def test_wide_characters_line_up():
    from tinytensor.cli.report import table as lines

    assert lines([["class", "rows"], ["東京", "1"], ["é", "12"]]) == ["class  rows", "東京      1", "é        12"]


@pytest.mark.parametrize("command", [[], ["train"], ["predict"], ["evaluate"], ["info"]])
def test_help_has_examples(capsys, command):
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert "examples:\n  tinytensor " in out
    assert command == ["info"] or "exit status:" in out


def test_info(capsys):
    found = json.loads(run(capsys, "info", "--json", "--no-measure"))
    assert found["tinytensor"] == tt.__version__
    assert "BLAS" in run(capsys, "info", "--no-measure")
