"""What the estimators refuse, and data that come in blocks or are larger than memory."""

import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest

import tinytensor as tt

from .sklearn_data import CANCER, DIABETES, IRIS, LABELS, classifier, regressor, same_weights

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ---------------------------------------------------------------------------------------- errors

WRONG = [
    ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be integers > 0"),
    ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes must be integers > 0"),
    ({"activation": "rely"}, "activation must be one of 'logistic', 'relu'.*got 'rely'"),
    ({"activation": tt.nn.ReLU}, r"write ReLU\(\)"),
    ({"activation": ["relu", "relu"]}, "activation has 2 entries for 1 hidden layers"),
    ({"solver": "rmsprop"}, "solver must be one of 'adam', 'adamw', 'sgd', 'lbfgs', got 'rmsprop'"),
    ({"alpha": -1}, "alpha must be a finite number ≥ 0, got -1"),
    ({"alpha": True}, "alpha must be a finite number"),
    ({"alpha": float("nan")}, "alpha must be a finite number"),
    ({"batch_size": 0}, "batch_size must be one of 'auto', or an integer ≥ 1"),
    ({"learning_rate": "linear"}, "learning_rate must be one of"),
    ({"learning_rate_init": 0}, "learning_rate_init must be a finite number > 0"),
    ({"max_iter": 0}, "max_iter must be an integer ≥ 1"),
    ({"shuffle": 1}, "shuffle must be True or False"),
    ({"tol": "x"}, "tol must be"),
    ({"verbose": -1}, "verbose must be"),
    ({"momentum": 1.5}, r"momentum must be a number in \[0, 1\]"),
    ({"validation_fraction": 0.0}, r"validation_fraction must be a number in \(0, 1\)"),
    ({"beta_1": 1.0}, r"beta_1 must be a number in \[0, 1\)"),
    ({"n_iter_no_change": 0}, "n_iter_no_change must be an integer ≥ 1 or inf"),
    ({"class_weight": "even"}, "class_weight must be"),
    ({"label_smoothing": 1.1}, "label_smoothing must be"),
    ({"dropout": 1.0}, "dropout must be"),
    ({"clip_norm": 0}, "clip_norm must be None or a number > 0"),
    ({"dtype": "float16"}, "dtype must be 'float32' or 'float64'"),
    ({"dtype": "text"}, "dtype must be 'float32' or 'float64'"),
    ({"compile": None}, "compile must be True or False"),
    ({"loss": "hinge"}, "loss must be one of 'log_loss', or a function"),
    ({"solver": "lbfgs", "dropout": 0.5}, "dropout needs a stochastic solver"),
]


@pytest.mark.parametrize(("options", "words"), WRONG, ids=[str(row[0]) for row in WRONG])
def test_parameters_that_are_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        classifier(**options).fit(*CANCER)


X, y = IRIS[0], IRIS[1]
DATA = [
    (X, np.zeros(150, int), {}, "y has one class only, 0; a classifier needs two classes"),
    (X[:1], y[:1], {}, "one class"),
    (X[:0], y[:0], {}, "Found array with 0 sample"),
    (X, y[:-1], {}, "inconsistent numbers of samples"),
    (X[0], y, {}, "Expected 2D array"),
    (X, None, {}, "requires y to be passed"),
    (np.where(X[3, 2] == X, np.nan, X), y, {}, "contains NaN"),
    (X, X[:, 0], {}, "Unknown label type: continuous"),
    (X, y, {"validation_data": X}, "validation_data must be a pair"),
    (X, y, {"validation_data": (X[:, :2], y)}, "X has 2 features"),
    (X, y, {"validation_data": (X, y + 5)}, r"classes not in `self.classes_`: \[5 6 7\]"),
    (X, y, {"validation_data": (X, np.eye(3, dtype=int)[y])}, "several labels for each row"),
]


@pytest.mark.parametrize(("X", "y", "more", "words"), DATA, ids=[row[3][:30] for row in DATA])
def test_data_that_are_wrong(X, y, more, words):
    with pytest.raises(ValueError, match=words):
        classifier().fit(X, y, **more)


def test_a_rate_of_less_than_zero_events():
    with pytest.raises(ValueError, match="needs y ≥ 0, got -3"):
        regressor(loss="poisson").fit(X, y - 3.0)


def test_another_number_of_outputs():
    model = regressor().partial_fit(X, y)
    with pytest.raises(ValueError, match="y has 2 outputs, expected 1"):
        model.partial_fit(X, np.c_[y, y])


def test_a_part_too_small_to_set_aside():
    with pytest.raises(ValueError, match="validation set is too small"):
        regressor(early_stopping=True, validation_fraction=0.1).fit(X[:5], y[:5])


# ----------------------------------------------------------------------------- streams, large files


def blocks(X, y, size=60):
    for start in range(0, len(y), size):
        yield X[start : start + size], y[start : start + size]


class Again:
    """An iterable of blocks for any number of epochs."""

    def __init__(self, X, y):
        self.X, self.y = X, y

    def __iter__(self):
        return blocks(self.X, self.y)


def test_a_stream_trains_as_the_array_does():
    X, y = CANCER
    whole = classifier(shuffle=False, batch_size=60).fit(X, y)
    for stream in (Again(X, y), lambda: blocks(X, y), tt.data.batches(X, y, batch_size=60, shuffle=False)):
        for size in ("auto", 60):
            streamed = classifier(shuffle=False, batch_size=size).fit(stream)
            same_weights(streamed, whole, rtol=1e-5, atol=1e-7)
            np.testing.assert_allclose(streamed.loss_curve_, whole.loss_curve_, rtol=1e-6)
            np.testing.assert_allclose(streamed.train_scores_, whole.train_scores_, rtol=1e-6)
            assert streamed.n_iter_ == 5


def test_a_generator_is_one_epoch():
    X, y = IRIS
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is no failure to converge
        model = classifier(max_iter=100).fit(blocks(X, y), classes=[0, 1, 2], validation_data=(X, y))
    assert (model.n_iter_, model.t_, len(model.validation_scores_)) == (1, 150, 1)


def test_streams_of_other_kinds():
    X, y = LABELS
    model = classifier(max_iter=30, learning_rate_init=0.02).fit(lambda: blocks(X, y))
    assert model.predict(X).shape == y.shape
    X, y = DIABETES
    weighted = regressor(max_iter=3, shuffle=False, batch_size=60).fit(X, y, sample_weight=np.arange(1, len(y) + 1))
    triples = lambda: (
        (a, b, w) for (a, b), (_, w) in zip(blocks(X, y), blocks(X, np.arange(1, len(y) + 1)), strict=True)
    )
    same_weights(regressor(max_iter=3, shuffle=False, batch_size=60).fit(triples), weighted, rtol=1e-5, atol=1e-7)


def test_partial_fit_of_a_stream():
    X, y = IRIS
    model = classifier().partial_fit(blocks(X, y), classes=[0, 1, 2])
    model.partial_fit(lambda: blocks(X, y))
    assert len(model.loss_curve_) == 2


STREAMS = [
    (lambda: blocks(*IRIS), {}, {}, "can be read only once, so its classes"),
    (lambda: iter([]), {}, {"classes": [0, 1]}, "the stream gives no batch"),
    (lambda: iter([IRIS[0]]), {}, {"classes": [0, 1]}, "must give pairs .*, got ndarray of length 150"),
    (lambda: blocks(*IRIS), {"early_stopping": True}, {"classes": [0, 1, 2]}, "give validation_data"),
    (lambda: blocks(*IRIS), {"solver": "lbfgs"}, {"classes": [0, 1, 2]}, "needs all rows at every step"),
    (lambda: blocks(*IRIS), {"class_weight": "balanced"}, {"classes": [0, 1, 2]}, "needs all of y at once"),
    (lambda: blocks(*IRIS), {}, {"y": IRIS[1]}, "leave y out"),
    (lambda: blocks(*IRIS), {}, {"sample_weight": [1]}, "come with its blocks"),
    (lambda: iter([IRIS, CANCER]), {}, {"classes": [0, 1, 2]}, "X has 30 features"),
]


@pytest.mark.parametrize(("make", "options", "arguments", "words"), STREAMS, ids=[row[3][:25] for row in STREAMS])
def test_streams_that_are_wrong(make, options, arguments, words):
    with pytest.raises(ValueError, match=words):
        classifier(**options).fit(make(), **arguments)


# The limit is on the memory that the process makes for itself (RLIMIT_DATA), which a mapped file does not count to.
LARGE = """
    import resource, sys
    import numpy as np
    from tinytensor.sklearn import {estimator}

    rows, columns = 1_000_000, {columns}
    X = np.memmap({path!r}, {dtype!r}, "r", shape=(rows, columns))
    y = np.memmap({path!r} + ".y", "int32", "r", shape=(rows,))
    {estimator}(hidden_layer_sizes=(8,), max_iter=30, batch_size=64).fit(np.array(X[:1000]), np.array(y[:1000]))  # imports
    used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (used + 100 * 2**20,) * 2)
    assert X.nbytes > 4 * 100 * 2**20
    try:
        np.array(X)
    except MemoryError:
        print("too large to copy")
    model = {estimator}(hidden_layer_sizes=(8,), max_iter=1, batch_size=4096, **{options})
    model.fit(X, y)
    print(model.t_, model.predict(X[:5000]).shape)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
@pytest.mark.parametrize(
    ("estimator", "dtype", "columns", "options"),
    [
        ("MLPClassifier", "float32", 110, {}),
        ("MLPRegressor", "float64", 55, {}),
        ("MLPClassifier", "uint8", 440, {"shuffle": False}),
    ],
    ids=["float32", "float64", "bytes"],
)
@pytest.mark.filterwarnings("ignore")
def test_memory_is_bounded_by_the_batch(tmp_path, estimator, dtype, columns, options):
    path = tmp_path / "X"
    X = np.memmap(path, dtype, "w+", shape=(1_000_000, columns))  # sparse on disk: only what is written takes space
    y = np.memmap(tmp_path / "X.y", "int32", "w+", shape=(1_000_000,))
    y[::2] = 1
    X[:1000, 0] = y[:1000]
    X.flush(), y.flush()
    program = textwrap.dedent(LARGE).format(
        path=str(path), dtype=dtype, columns=columns, estimator=estimator, options=options
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        env={"OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == ["too large to copy", "1000000 (5000,)"]


def test_a_memory_mapped_array_is_the_array(tmp_path):
    X, y = CANCER
    np.save(tmp_path / "X.npy", X)
    mapped = classifier().fit(np.load(tmp_path / "X.npy", mmap_mode="r"), y)
    same_weights(mapped, classifier().fit(X, y), rtol=0)
