"""What the estimators have beyond scikit-learn's: compiled steps, activations, losses, dropout, weights."""

import pickle
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils import compute_class_weight

import tinytensor as tt

from .sklearn_data import CANCER, DIABETES, DIGITS, IRIS, LABELS, classifier, regressor, same_weights

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ------------------------------------------------------------------------------------- compilation

KINDS = [
    ({}, DIGITS),
    ({}, CANCER),
    ({}, LABELS),
    ({"activation": "gelu", "solver": "adamw", "weight_decay": 0.1}, DIGITS),
    ({"solver": "sgd", "learning_rate_init": 0.05, "clip_norm": 0.5}, DIGITS),
    ({"hidden_layer_sizes": (9, 8), "activation": ["tanh", "elu"], "dropout": 0.3}, CANCER),
    ({"dropout": 0.5, "label_smoothing": 0.1, "learning_rate": "cosine"}, CANCER),
    ({"class_weight": "balanced", "alpha": 0.5}, DIGITS),
    ({"hidden_layer_sizes": (), "alpha": 0.0}, DIGITS),
]


@pytest.mark.parametrize(("options", "data"), KINDS, ids=[f"{o}-{len(d[1])}" for o, d in KINDS])
def test_compiled_and_eager_trainings_agree(options, data, monkeypatch):
    monkeypatch.setattr("tinytensor.sklearn.step.WORTH", 1)  # compile all shapes
    compiled, eager = (classifier(dtype="float64", compile=c, **options).fit(*data) for c in (True, False))
    assert len(compiled._step._compiled[2]._bound) + len(compiled._step._compiled[3]._bound) >= 1
    np.testing.assert_allclose(compiled.loss_curve_, eager.loss_curve_, rtol=1e-8)
    same_weights(compiled, eager, rtol=1e-6, atol=1e-9)


def test_only_what_comes_often_is_compiled():
    X, y = DIGITS  # 400 rows: 8 batches of 48 and one of 16
    model = classifier(batch_size=48, max_iter=40).fit(X, y)
    (signature,) = model._step._compiled[2]._bound
    assert "(48, 64)" in str(signature)


def test_ragged_batches_are_compiled_up_to_a_limit(monkeypatch):
    monkeypatch.setattr("tinytensor.sklearn.step.SHAPES", 3)
    X, y = DIGITS
    sizes = [10, 20, 30, 40, 50, 20, 30, 7]
    starts = np.cumsum([0, *sizes])
    model = classifier(batch_size="auto")
    model.fit(lambda: ((X[a:b], y[a:b]) for a, b in pairwise(starts)), classes=range(10))
    assert len(model._step._compiled[2]._bound) == 3
    same = classifier(batch_size="auto", compile=False)
    same.fit(lambda: ((X[a:b], y[a:b]) for a, b in pairwise(starts)), classes=range(10))
    np.testing.assert_allclose(model.loss_curve_, same.loss_curve_, rtol=1e-4)


def test_what_cannot_be_compiled_says_how_to_do_without():
    def by_value(x):
        return x * 2.0 if x.data.max() > 0 else x

    with pytest.raises(tt.CompileError) as caught:
        classifier(activation=by_value, max_iter=60).fit(*DIGITS)
    assert any("compile=False" in note for note in caught.value.__notes__)
    assert classifier(activation=by_value, compile=False).fit(*DIGITS).score(*DIGITS) > 0.2


# ---------------------------------------------------------------------- activations, losses, dropout


@pytest.mark.parametrize(
    "activation",
    [
        "relu",
        "tanh",
        "logistic",
        "sigmoid",
        "identity",
        "gelu",
        "silu",
        "softplus",
        "leaky_relu",
        "elu",
        np.sin,
        tt.nn.ELU(0.5),
    ],
    ids=str,
)
def test_activations(activation):
    model = classifier(activation=activation, max_iter=40, learning_rate_init=0.01).fit(*CANCER)
    assert model.score(*CANCER) > 0.93
    assert isinstance(model.model_, tt.nn.MLP)


def test_an_activation_for_each_layer():
    X, y = DIGITS
    model = classifier(
        hidden_layer_sizes=(16, 8), activation=["tanh", lambda x: x * tt.sigmoid(x)], dtype="float64"
    ).fit(X, y)
    (w0, w1, w2), (b0, b1, b2) = model.coefs_, model.intercepts_
    hidden = np.tanh(X @ w0 + b0) @ w1 + b1
    expected = (hidden / (1 + np.exp(-hidden))) @ w2 + b2
    np.testing.assert_allclose(model.model_(X).data, expected)
    np.testing.assert_array_equal(model.predict(X), expected.argmax(axis=1))


def test_a_loss_of_ones_own_is_minimized():
    X, y = DIABETES

    def pinball(found, target):  # its minimum is the quantile
        error = target - found
        return np.maximum(0.9 * error, -0.1 * error).sum(axis=1)

    model = regressor(loss=pinball, max_iter=150, learning_rate_init=0.01).fit(X, y)
    assert np.mean(y < model.predict(X)) == pytest.approx(0.9, abs=0.05)


def test_a_loss_of_ones_own_equal_to_the_built_in_one():
    plain = classifier().fit(*DIGITS)
    of_rows = classifier(loss=lambda z, y: tt.nn.cross_entropy(z, y, "none")).fit(*DIGITS)
    of_mean = classifier(loss=lambda z, y: tt.nn.cross_entropy(z, y)).fit(*DIGITS)
    np.testing.assert_allclose(of_rows.loss_curve_, plain.loss_curve_, rtol=1e-5)
    np.testing.assert_allclose(of_mean.loss_curve_, plain.loss_curve_, rtol=1e-5)


@pytest.mark.parametrize(
    ("loss", "error", "words"),
    [
        (lambda z, y: 1.0, TypeError, "must give a Tensor, got float"),
        (lambda z, y: z, ValueError, r"one for each row of shape \(50,\), got shape \(50, 10\)"),
    ],
    ids=["a number", "a matrix"],
)
def test_a_loss_that_gives_something_else(loss, error, words):
    with pytest.raises(error, match=words):
        classifier(loss=loss, compile=False).fit(*DIGITS)


def test_a_mean_cannot_be_weighted():
    model = classifier(loss=lambda z, y: tt.nn.cross_entropy(z, y), compile=False, class_weight="balanced")
    with pytest.raises(ValueError, match="with weights, the loss must give one number for each row"):
        model.fit(*DIGITS)


def test_label_smoothing_keeps_probabilities_from_the_ends():
    found = [classifier(label_smoothing=s, max_iter=150, learning_rate_init=0.01).fit(*DIGITS) for s in (0.0, 0.3)]
    highest = [np.median(model.predict_proba(DIGITS[0]).max(axis=1)) for model in found]
    assert highest[0] > 0.95
    assert highest[1] == pytest.approx(0.73, abs=0.05)  # 0.7 + 0.3 / 10


def test_label_smoothing_of_two_classes():
    model = classifier(label_smoothing=0.2, max_iter=300, learning_rate_init=0.02).fit(*CANCER)
    found = model.predict_proba(CANCER[0])
    assert np.median(found.max(axis=1)) == pytest.approx(0.9, abs=0.05)


def test_dropout_acts_in_training_only():
    X, y = CANCER
    model = classifier(dropout=0.5, hidden_layer_sizes=(50, 50), max_iter=30).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(model.model_(X).data, model.model_(X).data)  # it is left in evaluation
    plain = clone(model).set_params(dropout=0.0).fit(X, y)
    assert model.loss_curve_[-1] > 1.3 * plain.loss_curve_[-1]
    again = clone(model).fit(X, y)
    assert again.loss_curve_ == model.loss_curve_  # the masks are drawn by random_state


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "poisson"])
def test_losses_of_a_regressor(loss):
    X, y = DIABETES
    model = regressor(loss=loss, max_iter=100, learning_rate_init=0.02).fit(X, y, validation_data=(X, y))
    assert model.score(X, y) > 0.4
    if loss == "poisson":
        assert (model.predict(X) > 0).all()
    if loss == "absolute_error":
        np.testing.assert_allclose(model.validation_loss_curve_[-1], np.abs(model.predict(X) - y).mean(), rtol=1e-5)


# -------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("make", [classifier, regressor])
def test_a_weight_of_two_is_a_row_twice(make):
    X, y = (part[:120] for part in (CANCER if make is classifier else DIABETES))
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    options = {"batch_size": "auto", "max_iter": 60, "random_state": 1}
    weighted = make(**options).fit(X, y, sample_weight=weight)
    repeated = make(**options).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_array_equal(weighted.predict(X), repeated.predict(X))
    same_weights(weighted, repeated, rtol=0)


def test_the_order_of_rows_does_not_matter_in_one_batch():
    X, y = IRIS
    order = np.random.default_rng(0).permutation(len(y))
    models = [classifier(batch_size="auto").fit(X[index], y[index]) for index in (order, slice(None))]
    same_weights(*models, rtol=0)


def test_weights_in_batches_move_the_model():
    X, y = CANCER
    toward = classifier(max_iter=20).fit(X, y, sample_weight=np.where(y == 1, 50.0, 1.0))
    assert toward.predict(X).mean() > classifier(max_iter=20).fit(X, y).predict(X).mean()


@pytest.mark.parametrize("data", [CANCER, IRIS], ids=["two classes", "three classes"])
def test_balanced_classes_are_weights_of_rows(data):
    X, y = data[0][:120], data[1][:120]
    factors = dict(zip(np.unique(y), compute_class_weight("balanced", classes=np.unique(y), y=y), strict=True))
    by_rows = classifier().fit(X, y, sample_weight=[factors[label] for label in y])
    for given in ("balanced", factors):
        same_weights(classifier(class_weight=given).fit(X, y), by_rows, rtol=1e-6)
    both = classifier(class_weight=factors).fit(X, y, sample_weight=np.full(len(y), 2.0), validation_data=(X, y))
    assert len(both.validation_scores_) == 5


def test_a_batch_without_weight_changes_nothing():
    X, y = CANCER
    weight = np.ones(len(y))
    weight[:100] = 0
    model = classifier(shuffle=False, batch_size=50).fit(X, y, sample_weight=weight)
    rest = classifier(shuffle=False, batch_size=50).fit(X[100:], y[100:], sample_weight=weight[100:])
    same_weights(model, rest, rtol=1e-6)
    assert np.isfinite(model.loss_curve_).all()


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (np.ones(7), r"shape \(7,\), expected \(300,\)"),
        (-np.ones(300), "must be ≥ 0, got -1"),
        (np.zeros(300), "weights of all rows are zero"),
        (np.full(300, np.nan), "contains NaN"),
        (CANCER[1].astype(float), "one class only"),
    ],
    ids=["too few", "negative", "zeros", "nan", "one class left"],
)
def test_weights_that_do_not_fit(weight, words):
    with pytest.raises(ValueError, match=words):
        classifier().fit(*CANCER, sample_weight=weight)


# ------------------------------------------------------------------------------------------- rest


def test_what_is_pickled_is_no_code():
    model = classifier(max_iter=60).fit(*DIGITS)
    assert model._step is not None
    assert "_step" not in pickle.loads(pickle.dumps(model)).__dict__


def test_scikit_learn_is_needed():
    program = "import sys; sys.modules['sklearn'] = None; import tinytensor.sklearn"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: tinytensor.sklearn needs scikit-learn 1.6 or newer: pip install 'tinytensor[sklearn]'"
    )


def test_tinytensor_does_not_import_it():
    program = "import sys, tinytensor; print([m for m in sys.modules if 'sklearn' in m or m.startswith('scipy')])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "[]"
