"""The estimators within scikit-learn: equal trainings at equal settings, its tools around them, and its kinds of data."""

import functools
import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tinytensor as tt
from tinytensor import sklearn as ours

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def standardized(loaded, rows=None):
    X, y = loaded
    return StandardScaler().fit_transform(X)[:rows], y[:rows]


DIGITS = standardized(load_digits(return_X_y=True), 500)
CANCER = standardized(load_breast_cancer(return_X_y=True), 300)
IRIS = standardized(load_iris(return_X_y=True))
LABELS = make_multilabel_classification(n_samples=250, random_state=0)
DIABETES = standardized((load_diabetes().data, load_diabetes().target / 100))


# ------------------------------------------------------------------------- beside scikit-learn's own

# In float64 and with an epsilon that does not count (Adam's stands in another place of the formula), the same
# initial weights, orders and formulas give the same training.
SAME = {"random_state": 5, "max_iter": 12, "batch_size": 32, "epsilon": 1e-30}

SETTINGS = [
    {},
    {"hidden_layer_sizes": (20, 10), "activation": "tanh"},
    {"hidden_layer_sizes": 15, "activation": "logistic", "alpha": 0.1},
    {"activation": "identity", "shuffle": False},
    {"solver": "sgd", "learning_rate_init": 0.05},
    {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
    {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.0, "learning_rate": "invscaling"},
    {"solver": "sgd", "momentum": 0.0, "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.1, "max_iter": 30},
    {"tol": 0.5, "n_iter_no_change": 2, "max_iter": 50},
    {"beta_1": 0.5, "beta_2": 0.9, "learning_rate_init": 0.01},
]


def same_training(mine, other, X, y, weight=None, factor=1.0):
    mine.fit(X, y, sample_weight=weight)
    other.fit(X, y, sample_weight=weight)
    assert mine.n_iter_ == other.n_iter_
    np.testing.assert_allclose(mine.loss_curve_, np.multiply(other.loss_curve_, factor), rtol=1e-6)
    for a, b in zip([*mine.coefs_, *mine.intercepts_], [*other.coefs_, *other.intercepts_], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(mine.predict(X), other.predict(X), rtol=1e-5, atol=1e-7)
    assert mine.t_ == other.t_
    assert mine.out_activation_ == other.out_activation_
    assert (mine.n_layers_, mine.n_outputs_) == (other.n_layers_, other.n_outputs_)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("data", [DIGITS, CANCER, LABELS], ids=["ten classes", "two classes", "labels"])
def test_a_classifier_trains_as_scikit_learns(settings, data):
    options = SAME | settings
    same_training(ours.MLPClassifier(dtype="float64", **options), theirs.MLPClassifier(**options), *data)


@pytest.mark.parametrize("settings", [*SETTINGS[:4], {"loss": "poisson"}], ids=str)
def test_a_regressor_trains_as_scikit_learns(settings):
    options = SAME | settings
    same_training(ours.MLPRegressor(dtype="float64", **options), theirs.MLPRegressor(**options), *DIABETES)


def test_a_regressor_with_several_outputs():
    X, y = DIABETES
    mine, other = ours.MLPRegressor(dtype="float64", **SAME), theirs.MLPRegressor(**SAME)
    # scikit-learn reports the mean over the outputs, and descends on the sum; the penalty is the same in both.
    for each in (mine, other):
        each.set_params(alpha=0.0)
    same_training(mine, other, X, np.c_[y, y**2, -y], factor=3.0)


@pytest.mark.parametrize("data", [DIGITS, CANCER], ids=["ten classes", "two classes"])
def test_sample_weights_are_scikit_learns(data):
    weight = np.random.default_rng(0).random(len(data[1]))
    same_training(ours.MLPClassifier(dtype="float64", **SAME), theirs.MLPClassifier(**SAME), *data, weight)


def test_early_stopping_is_scikit_learns():
    options = SAME | {"early_stopping": True, "max_iter": 60, "learning_rate_init": 0.01, "n_iter_no_change": 4}
    mine, other = ours.MLPClassifier(dtype="float64", **options), theirs.MLPClassifier(**options)
    same_training(mine, other, *CANCER)
    assert mine.stop_reason_ == "early_stopping"
    np.testing.assert_allclose(mine.validation_scores_, other.validation_scores_)
    assert mine.best_validation_score_ == other.best_validation_score_ == max(mine.validation_scores_)
    assert mine.best_loss_ is None


@pytest.mark.parametrize("activation", ["relu", "logistic"])
def test_float32_trains_alike(activation):
    options = SAME | {"activation": activation, "max_iter": 3}
    mine, other = ours.MLPClassifier(**options).fit(*DIGITS), theirs.MLPClassifier(**options).fit(*DIGITS)
    assert mine.coefs_[0].dtype == mine.model_.layers[0].weight.dtype == np.float32
    np.testing.assert_allclose(mine.loss_curve_, other.loss_curve_, rtol=1e-4)


def test_lbfgs_reaches_scikit_learns_loss():
    options = {
        "solver": "lbfgs",
        "random_state": 0,
        "max_iter": 300,
        "hidden_layer_sizes": (5,),
        "activation": "tanh",
        "alpha": 0.1,
    }
    mine, other = ours.MLPClassifier(**options).fit(*IRIS), theirs.MLPClassifier(**options).fit(*IRIS)
    np.testing.assert_allclose(mine.loss_, other.loss_, rtol=1e-2)
    assert mine.loss_curve_[-1] < mine.loss_curve_[0] / 3
    assert mine.score(*IRIS) == pytest.approx(other.score(*IRIS), abs=0.02)


def test_lbfgs_of_many_rows_is_that_of_all_at_once(monkeypatch):
    options = {"solver": "lbfgs", "random_state": 0, "max_iter": 10}
    X, y = DIABETES
    whole = ours.MLPRegressor(**options).fit(X, y).predict(X)
    monkeypatch.setattr("tinytensor.sklearn.lbfgs.ROWS", 37)
    np.testing.assert_allclose(ours.MLPRegressor(**options).fit(X, y).predict(X), whole, rtol=1e-4, atol=1e-5)


# ------------------------------------------------------------------------------ scikit-learn's tools


def test_pipeline_grid_and_cross_validation():
    X, y = IRIS
    pipe = make_pipeline(StandardScaler(), ours.MLPClassifier(max_iter=60, learning_rate_init=0.02, random_state=0))
    assert cross_val_score(pipe, X, y, cv=3).mean() > 0.9
    grid = GridSearchCV(
        pipe, {"mlpclassifier__hidden_layer_sizes": [(4,), (16, 8)], "mlpclassifier__alpha": [0.0, 1e-3]}
    )
    grid.fit(X, y)
    assert grid.best_score_ > 0.9
    assert isinstance(grid.best_estimator_[-1], ours.MLPClassifier)


def test_search_in_processes():
    pipe = ours.MLPRegressor(max_iter=5, random_state=0)
    alone = cross_val_score(pipe, *DIABETES, cv=2)
    np.testing.assert_array_equal(cross_val_score(pipe, *DIABETES, cv=2, n_jobs=2), alone)


def test_calibration():
    X, y = CANCER
    model = CalibratedClassifierCV(ours.MLPClassifier(max_iter=30, random_state=0), cv=3, ensemble=False).fit(X, y)
    assert model.score(X, y) > 0.9
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_within_a_multi_output_estimator():
    X, y = IRIS
    both = MultiOutputClassifier(ours.MLPClassifier(max_iter=60, learning_rate_init=0.02, random_state=0)).fit(
        X, np.c_[y, 2 - y]
    )
    assert accuracy_score(both.predict(X)[:, 0], y) > 0.9


def test_clone_copies_parameters_and_no_weights():
    model = ours.MLPClassifier(hidden_layer_sizes=(3,), max_iter=2, class_weight={0: 2.0}).fit(*IRIS)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(IRIS[0])


@pytest.mark.parametrize(
    "settings", [{}, {"activation": "gelu"}, {"hidden_layer_sizes": (8, 4), "activation": ["relu", "elu"]}], ids=str
)
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
def test_pickle_goes_on_where_it_was(settings, compiled):
    X, y = CANCER
    model = ours.MLPClassifier(random_state=0, compile=compiled, batch_size=50, **settings)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1])
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
    for each in (model, copy):
        each.partial_fit(X, y)
    np.testing.assert_allclose(copy.predict_proba(X), model.predict_proba(X), rtol=1e-5, atol=1e-6)
    assert len(copy.loss_curve_) == 4


# --------------------------------------------------------------------------------- kinds of data


def test_data_frames_have_names():
    X, y = IRIS
    frame, names = pd.DataFrame(X, columns=list("abcd")), np.array(["setosa", "versicolor", "virginica"])
    model = ours.MLPClassifier(max_iter=80, learning_rate_init=0.02, random_state=0).fit(frame, pd.Series(names[y]))
    assert model.feature_names_in_.tolist() == list("abcd")
    assert model.classes_.tolist() == names.tolist()
    assert np.mean(model.predict(frame) == names[y]) > 0.9
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list("bacd")])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
@pytest.mark.parametrize("options", [{"batch_size": 32}, {}, {"early_stopping": True}], ids=str)
def test_sparse_data_train_as_dense_ones(make, options):
    X, y = CANCER
    X = np.where(np.abs(X) > 0.5, X, 0)
    dense = ours.MLPClassifier(max_iter=4, random_state=0, **options).fit(X, y)
    found = ours.MLPClassifier(max_iter=4, random_state=0, **options).fit(make(X), y)
    np.testing.assert_array_equal(found.predict_proba(make(X)), dense.predict_proba(X))
    assert found.loss_curve_ == dense.loss_curve_


def test_sparse_labels():
    X, y = LABELS
    options = {"max_iter": 5, "random_state": 0}
    dense, found = (ours.MLPClassifier(**options).fit(X, labels) for labels in (y, sparse.csr_matrix(y)))
    np.testing.assert_array_equal(found.predict(X), dense.predict(X))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "uint16", "int64", "bool"])
def test_dtypes_of_data(dtype):
    X, y = load_digits(return_X_y=True)
    X = (X[:300] > 7).astype(dtype) if dtype == "bool" else X[:300].astype(dtype)
    model = ours.MLPClassifier(max_iter=30, random_state=0).fit(X, y[:300])
    assert model.score(X, y[:300]) > 0.9
    assert model.predict_proba(X).dtype == (np.float32 if dtype == "float32" else np.float64)


@pytest.mark.parametrize("order", ["C", "F"])
def test_what_is_given_is_not_changed(order):
    X, y = (np.array(part, order=order) for part in CANCER)
    before = X.copy(), y.copy()
    X.flags.writeable = y.flags.writeable = False
    ours.MLPClassifier(max_iter=2).fit(X, y)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize(
    "y", [["no", "yes"], [False, True], [7, -3], [1.0, 2.0], np.array(["a", "b"], object)], ids=str
)
def test_two_classes_by_any_name(y):
    X, numbers = CANCER
    labels = np.asarray(y)[numbers]
    model = ours.MLPClassifier(max_iter=30, random_state=0).fit(X, labels)
    assert model.score(X, labels) > 0.9
    assert model.predict(X).dtype == np.unique(labels).dtype
    assert model.predict_proba(X).shape == (len(X), 2)
    np.testing.assert_array_equal(model.classes_, np.unique(labels))


def test_labels_have_probabilities_of_their_own():
    X, y = LABELS
    model = ours.MLPClassifier(max_iter=100, learning_rate_init=0.01, random_state=0).fit(X, y)
    assert model.predict(X).shape == model.predict_proba(X).shape == y.shape
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)
    assert np.mean(model.predict(X) == y) > 0.9


# ------------------------------------------------------------------------------------ predictions


def test_predictions_are_those_of_the_network():
    X, y = DIGITS
    model = ours.MLPClassifier(max_iter=3, random_state=0).fit(X, y)
    logits = model.model_(X.astype(np.float32))
    np.testing.assert_allclose(
        model.predict_proba(X.astype(np.float32)), tt.softmax(logits, axis=1).data, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_array_equal(model.classes_[logits.data.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))


def test_probabilities_of_certain_rows_are_finite():
    X, y = CANCER
    model = ours.MLPClassifier(max_iter=2, random_state=0).fit(X, y)
    found = model.predict_proba(X * 1e6)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (model.predict_log_proba(X * 1e6) <= 0).all()


def test_a_prediction_does_not_depend_on_its_neighbours():
    X, y = DIGITS
    model = ours.MLPClassifier(max_iter=3, random_state=0).fit(X, y)
    alone = np.concatenate([model.predict_proba(row[None]) for row in X[:50]])
    np.testing.assert_allclose(alone, model.predict_proba(X)[:50], rtol=1e-12)


# ------------------------------------------------------------------------------- accuracy and curves


@pytest.mark.parametrize(
    ("data", "least"),
    [(load_digits, 0.96), (load_breast_cancer, 0.95), (load_iris, 0.92)],
    ids=["digits", "cancer", "iris"],
)
def test_accuracy_on_data_that_were_not_seen(data, least):
    X, y = data(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0, stratify=y)
    pipe = make_pipeline(StandardScaler(), ours.MLPClassifier(learning_rate_init=0.005, random_state=0))
    assert pipe.fit(X, y).score(X_test, y_test) >= least


def test_training_scores_are_those_of_scikit_learn():
    X, y = CANCER
    model = ours.MLPClassifier(max_iter=3, learning_rate_init=1e-12, random_state=0)  # weights stay as they are
    weight = np.random.default_rng(0).random(len(y))
    model.fit(X, y, sample_weight=weight, validation_data=(X, y, weight))
    expected = accuracy_score(y, model.predict(X), sample_weight=weight)
    np.testing.assert_allclose([*model.train_scores_, *model.validation_scores_], [expected] * 6, rtol=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_training_scores_of_a_regressor(outputs, weighted):
    X, y = DIABETES
    y = 1000 + np.column_stack([y, y**2, -y])[:, :outputs]
    weight = np.random.default_rng(0).random(len(y)) if weighted else None
    model = ours.MLPRegressor(max_iter=2, batch_size=50, learning_rate_init=1e-12, dtype="float64", random_state=0)
    target = y if outputs > 1 else y[:, 0]
    validation = (X, target, weight) if weighted else (X, target)
    model.fit(X, target, sample_weight=weight, validation_data=validation)
    expected = r2_score(y, model.predict(X).reshape(y.shape), sample_weight=weight)
    np.testing.assert_allclose([*model.train_scores_, *model.validation_scores_], [expected] * 4, rtol=1e-6)


@pytest.mark.parametrize(
    ("solver", "words"), [("adam", "max_iter=3 epochs"), ("lbfgs", "lbfgs stopped after 3 iterations")]
)
def test_not_converged_is_a_warning_at_the_users_line(solver, words):
    with pytest.warns(ConvergenceWarning, match=words) as caught:
        ours.MLPClassifier(max_iter=3, solver=solver).fit(*IRIS)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    "schedule", ["cosine", functools.partial(tt.optim.StepLR, step_size=1)], ids=["cosine", "StepLR"]
)
def test_a_schedule_ends_where_it_was_meant_to(schedule):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.MLPClassifier(max_iter=3, learning_rate=schedule).fit(*IRIS)


def test_the_comparison_prints_its_tables():
    program = (
        "from benchmarks import estimators as e\n"
        "print(*e.tables([e.accuracy('iris', 2)], [e.timed('iris', 1, max_iter=5)]), sep='\\n')\n"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
    accuracy, time = (line for line in done.stdout.splitlines() if line.startswith("| iris"))
    assert re.fullmatch(r"\| iris \|( \d+\.\d\d% ± \d\.\d\d% \|){2} [+-]0\.00% ± 0\.00% \|", accuracy)
    assert re.fullmatch(r"\| iris \| 5 \|( \d\.\d{3} s \|){2} \d\.\d\d \(\d\.\d\d to \d\.\d\d\) \| \d\.\d\d \|", time)
