"""A training that is broken off and resumed from a saved state ends with the same bits as one without a break."""

import functools
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import StandardScaler

import tinytensor as tt
from tinytensor.sklearn import Callback, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def standardized(X, y, rows):
    return StandardScaler().fit_transform(X)[:rows], y[:rows]


DIGITS = standardized(*load_digits(return_X_y=True), 330)
CANCER = standardized(*load_breast_cancer(return_X_y=True), 300)
DIABETES = standardized(load_diabetes().data, load_diabetes().target / 100, 300)

SETTINGS = [
    {},
    {"compile": False},
    {"dropout": 0.3, "hidden_layer_sizes": (9, 8), "activation": ["tanh", "relu"]},
    {"dropout": 0.3, "learning_rate": "cosine"},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1},
    {"solver": "adamw", "learning_rate": functools.partial(tt.optim.StepLR, step_size=3), "clip_norm": 0.5},
    {"solver": "sgd", "learning_rate": "invscaling", "momentum": 0.9},
    {"early_stopping": True, "n_iter_no_change": 3, "learning_rate_init": 0.02, "max_iter": 40},
    {"random_state": None, "early_stopping": True},
    {"batch_size": "auto", "shuffle": False},
]


class Save(Callback):
    """Keep the state of every epoch."""

    def __init__(self):
        self.states = []

    def on_epoch_end(self, estimator, epoch):
        self.states.append(estimator.training_state())


def same(found, expected):
    for a, b in zip([*found.coefs_, *found.intercepts_], [*expected.coefs_, *expected.intercepts_], strict=True):
        np.testing.assert_array_equal(a, b)
    for name in ("loss_curve_", "train_scores_", "validation_scores_", "validation_loss_curve_", "learning_rates_"):
        assert getattr(found, name) == getattr(expected, name), name
    for name in ("n_iter_", "t_", "stop_reason_", "best_loss_", "best_validation_score_", "loss_"):
        assert getattr(found, name) == getattr(expected, name), name


@pytest.mark.parametrize("options", SETTINGS, ids=str)
@pytest.mark.parametrize(("make", "data"), [(MLPClassifier, DIGITS), (MLPClassifier, CANCER), (MLPRegressor, DIABETES)])
def test_resumed_trainings_end_with_the_same_bits(options, make, data, monkeypatch):
    monkeypatch.setattr("tinytensor.sklearn.step.WORTH", 1)
    options = {"hidden_layer_sizes": (12,), "max_iter": 9, "batch_size": 64, "random_state": 0, **options}
    save = Save()
    whole = make(callbacks=save, **options).fit(*data)
    assert len(save.states) == whole.n_iter_
    for state in (save.states[0], save.states[len(save.states) // 2], save.states[-1]):
        same(make(**options).fit(*data, resume=state), whole)


def test_weights_and_validation_data():
    X, y = CANCER
    more = {"sample_weight": np.random.default_rng(0).random(200), "validation_data": (X[200:], y[200:])}
    options = {"max_iter": 8, "batch_size": 48, "random_state": 0, "early_stopping": True}
    save = Save()
    whole = MLPClassifier(callbacks=save, **options).fit(X[:200], y[:200], **more)
    same(MLPClassifier(**options).fit(X[:200], y[:200], **more, resume=save.states[3]), whole)


def test_streams(monkeypatch):
    X, y = CANCER
    stream = tt.data.batches(X, y, batch_size=70, shuffle=False)
    save = Save()
    whole = MLPClassifier(max_iter=6, random_state=0, callbacks=save).fit(stream)
    same(MLPClassifier(max_iter=6, random_state=0).fit(stream, resume=save.states[2]), whole)


def test_more_epochs_than_before():
    save = Save()
    options = {"batch_size": 64, "random_state": 0, "compile": False}
    MLPClassifier(max_iter=4, callbacks=save, **options).fit(*CANCER)
    same(
        MLPClassifier(max_iter=7, **options).fit(*CANCER, resume=save.states[-1]),
        MLPClassifier(max_iter=7, **options).fit(*CANCER),
    )


def test_in_another_process(tmp_path):
    """The state goes through a file of plain arrays, and the second process has seen nothing of the first."""
    program = textwrap.dedent("""
        import pickle, sys, warnings
        warnings.simplefilter("ignore")
        from sklearn.datasets import load_digits
        from tinytensor.sklearn import MLPClassifier

        def save(estimator, epoch):
            if epoch == 4:
                pickle.dump(estimator.training_state(), open("state", "wb"))

        X, y = load_digits(return_X_y=True)
        resume = pickle.load(open("state", "rb")) if sys.argv[1] == "resume" else None
        model = MLPClassifier((32,), batch_size=60, max_iter=12, dropout=0.2, random_state=0, callbacks=save)
        model.fit(X / 16, y, resume=resume)
        print(model.n_iter_, [float(w.sum()).hex() for w in model.coefs_], model.loss_curve_)
    """)
    found = [
        subprocess.run([sys.executable, "-c", program, way], cwd=tmp_path, capture_output=True, text=True, check=True)
        for way in ("whole", "resume")
    ]
    assert found[0].stdout == found[1].stdout
    assert found[0].stdout.startswith("12 ")


def test_states_that_do_not_fit():
    save = Save()
    MLPClassifier(max_iter=2, batch_size=64, callbacks=save, compile=False).fit(*CANCER)
    with pytest.raises(ValueError, match=r"expected what training_state\(\) gave; missing: model, optimizer"):
        MLPClassifier().fit(*CANCER, resume={})
    with pytest.raises(ValueError, match="the data are not those"):
        MLPClassifier(batch_size=64).fit(CANCER[0][:-1], CANCER[1][:-1], resume=save.states[0])
    with pytest.raises(ValueError, match="lbfgs starts anew"):
        MLPClassifier(solver="lbfgs").fit(*CANCER, resume=save.states[0])
    with pytest.raises(ValueError, match="the state does not fit"):
        MLPClassifier((7,), batch_size=64, compile=False).fit(*CANCER, resume=save.states[0])
    with pytest.raises(RuntimeError, match="call it in a callback"):
        MLPClassifier(max_iter=2).fit(*CANCER).training_state()
