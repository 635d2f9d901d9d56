"""How the estimators train: curves, early stopping, solvers, rates, going on, callbacks, divergence."""

import functools
import math
import sys
import warnings

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import tinytensor as tt
from tinytensor.sklearn import Callback, DivergenceError

from .sklearn_data import CANCER, DIABETES, DIGITS, IRIS, LABELS, classifier, regressor, same_weights

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ------------------------------------------------------------------- validation, curves, early stopping


def test_curves():
    X, y = CANCER
    model = classifier(max_iter=15).fit(X[:200], y[:200], validation_data=(X[200:], y[200:]))
    curves = (
        model.loss_curve_,
        model.train_scores_,
        model.validation_loss_curve_,
        model.validation_scores_,
        model.learning_rates_,
    )
    assert [len(curve) for curve in curves] == [15] * 5
    assert model.validation_scores_[-1] == model.score(X[200:], y[200:])
    p = model.predict_proba(X[200:])[np.arange(100), y[200:]]
    np.testing.assert_allclose(model.validation_loss_curve_[-1], -np.log(p).mean(), rtol=1e-5)
    assert model.loss_ == model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.best_loss_ == min(model.loss_curve_)
    assert classifier().fit(X, y).validation_scores_ == []


def test_validation_data_do_not_change_the_training():
    X, y = CANCER
    same_weights(classifier().fit(X, y), classifier().fit(X, y, validation_data=(X[:9], y[:9])), rtol=0)


@pytest.mark.parametrize("own", [True, False], ids=["own data", "a part set aside"])
@pytest.mark.parametrize("data", [DIGITS, CANCER, LABELS], ids=["ten classes", "two classes", "labels"])
def test_early_stopping_gives_the_best_weights_back(own, data):
    X, y = data
    seen = {}
    model = classifier(
        early_stopping=True, max_iter=200, learning_rate_init=0.03, n_iter_no_change=5,
        callbacks=lambda estimator, epoch: seen.update({epoch: estimator.coefs_[0]}) or None,
    )  # fmt: skip
    model.fit(X[:-60], y[:-60], validation_data=(X[-60:], y[-60:]) if own else None)
    assert model.stop_reason_ == "early_stopping"
    assert model.n_iter_ == len(model.validation_scores_) < 200
    best = int(np.argmax(model.validation_scores_))
    assert best < len(model.validation_scores_) - 1
    np.testing.assert_array_equal(model.coefs_[0], seen[best + 1])
    assert model.best_validation_score_ == model.validation_scores_[best]
    if own:
        assert model.score(X[-60:], y[-60:]) == model.best_validation_score_


def test_early_stopping_keeps_the_shares_of_the_classes(monkeypatch):
    from tinytensor.sklearn import base

    seen = []

    class Looking(base.Training):
        def __init__(self, estimator, data, validation, callbacks):
            super().__init__(estimator, data, validation, callbacks)
            seen.extend([data, validation])

    monkeypatch.setattr(base, "Training", Looking)
    X, y = DIGITS
    classifier(early_stopping=True, validation_fraction=0.25).fit(X, y)
    train, held_out = (np.bincount(y[rows.order()], minlength=10) for rows in seen)
    np.testing.assert_allclose(held_out, (train + held_out) / 4, atol=1)
    assert sorted([*seen[0].order(), *seen[1].order()]) == list(range(len(y)))


@pytest.mark.parametrize("alone", [True, False], ids=["a class with one row", "more classes than rows set aside"])
def test_what_cannot_be_shared_out_is_split_all_the_same(alone):
    X, y = DIGITS[0][:60], DIGITS[1][:60].copy()
    y[0] = 77 if alone else y[0]
    assert len(classifier(early_stopping=True, batch_size=20).fit(X, y).validation_scores_) == 5


# -------------------------------------------------------------------------------- solvers and rates


@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd", "lbfgs"])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_solvers(solver, make):
    data = CANCER if make is classifier else DIABETES
    model = make(solver=solver, max_iter=60, learning_rate_init=0.02 if solver != "sgd" else 0.1).fit(*data)
    assert model.score(*data) > (0.95 if make is classifier else 0.4)
    assert model.n_iter_ == len(model.loss_curve_)


def test_weight_decay_shrinks_the_weights():
    small, large = (classifier(solver="adamw", weight_decay=w, max_iter=30).fit(*CANCER) for w in (0.0, 10.0))
    assert np.linalg.norm(large.coefs_[0]) < 0.8 * np.linalg.norm(small.coefs_[0])


def test_clipping_bounds_the_gradient():
    norms = []

    class Look(Callback):
        def on_batch_end(self, estimator, epoch, batch, loss):
            norms.append(math.sqrt(sum(float((p.grad**2).sum()) for p in estimator.model_.parameters())))

    classifier(clip_norm=0.01, callbacks=Look()).fit(*DIGITS)
    assert max(norms) <= 0.01 * (1 + 1e-4)
    free = norms.copy()
    norms.clear()
    classifier(callbacks=Look()).fit(*DIGITS)
    assert len(norms) == len(free)
    assert max(norms) > 0.1


RATES = [
    ("constant", {}, lambda k: 0.1),
    ("invscaling", {"power_t": 0.25}, lambda k: 0.1 / (300 * k + 1) ** 0.25),
    ("cosine", {}, lambda k: 0.05 * (1 + math.cos(math.pi * k / 6))),
    (functools.partial(tt.optim.StepLR, step_size=2, gamma=0.1), {}, lambda k: 0.1 * 0.1 ** (k // 2)),
    ("adaptive", {"tol": 100, "n_iter_no_change": 1}, lambda k: 0.1 / 5 ** (max(k - 1, 0) // 2)),
]


@pytest.mark.parametrize(("schedule", "options", "expected"), RATES, ids=[str(row[0])[:20] for row in RATES])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_schedules(schedule, options, expected, solver):
    model = classifier(
        solver=solver, learning_rate=schedule, learning_rate_init=0.1, max_iter=6, momentum=0.0, **options
    )
    model.fit(*CANCER)
    np.testing.assert_allclose(model.learning_rates_, [expected(k) for k in range(6)])


def test_a_function_that_gives_no_schedule():
    with pytest.raises(ValueError, match=r"must give a .* schedule of the optimizer, got int"):
        classifier(learning_rate=lambda optimizer: 3).fit(*CANCER)


# -------------------------------------------------------------------------- warm start, partial fit


@pytest.mark.parametrize("solver", ["adam", "sgd", "adamw"])
def test_a_warm_start_goes_on(solver):
    whole = classifier(max_iter=8, shuffle=False, solver=solver).fit(*CANCER)
    model = classifier(max_iter=4, shuffle=False, solver=solver, warm_start=True)
    for calls in (1, 2):
        model.fit(*CANCER)
        assert (model.n_iter_, len(model.loss_curve_)) == (4, 4 * calls)
    np.testing.assert_allclose(model.loss_curve_, whole.loss_curve_, rtol=1e-5)
    same_weights(model, whole, rtol=1e-3, atol=1e-5)


def test_without_a_warm_start_all_begins_anew():
    model = classifier()
    first = model.fit(*CANCER).coefs_
    np.testing.assert_array_equal(model.fit(*CANCER).coefs_[0], first[0])
    assert len(model.loss_curve_) == 5
    assert model.fit(*IRIS).predict(IRIS[0]).max() == 2  # other classes, other features


def test_a_warm_start_takes_a_part_of_the_classes():
    X, y = IRIS
    model = classifier(warm_start=True).fit(X, y)
    model.fit(X[y < 2], y[y < 2])
    assert model.classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r"classes not in `self.classes_`: \[7\]"):
        model.fit(X, np.where(y == 2, 7, y))


def test_a_warm_start_with_another_optimizer_or_rate():
    model = classifier(warm_start=True, max_iter=2).fit(*CANCER)
    model.set_params(solver="sgd", learning_rate_init=0.5, alpha=0.1, clip_norm=1.0).fit(*CANCER)
    assert type(model.optimizer_).__name__ == "SGD"
    assert model.learning_rates_ == [0.001, 0.001, 0.5, 0.5]


def test_a_warm_start_with_another_network():
    model = classifier(warm_start=True).fit(*CANCER)
    with pytest.raises(ValueError, match=r"hidden_layer_sizes was \(12,\) and is \(7,\) now"):
        model.set_params(hidden_layer_sizes=(7,)).fit(*CANCER)


def test_partial_fits_are_the_epochs_of_a_fit():
    whole = classifier(max_iter=6, shuffle=False).fit(*CANCER)
    model = classifier(shuffle=False)
    for calls in range(1, 7):
        model.partial_fit(*CANCER, classes=[0, 1] if calls == 1 else None)
        assert (model.n_iter_, len(model.loss_curve_)) == (1, calls)
    np.testing.assert_allclose(model.loss_curve_, whole.loss_curve_, rtol=1e-5)
    same_weights(model, whole, rtol=1e-3, atol=1e-5)
    assert model.t_ == whole.t_ == 6 * 300


def test_partial_fits_shuffle_in_another_order_each_time():
    orders = []

    class Look(Callback):
        def on_batch_end(self, estimator, epoch, batch, loss):
            orders.append(loss)

    model = classifier(learning_rate_init=1e-12, callbacks=Look())
    for _ in range(3):
        model.partial_fit(*CANCER, classes=[0, 1])
    assert len(set(np.round(orders, 5))) == 18


def test_partial_fits_on_parts_with_some_of_the_classes():
    X, y = IRIS
    model = classifier(learning_rate_init=0.02)
    for _ in range(30):
        for k in range(3):
            model.partial_fit(X[y == k][:40], y[y == k][:40], classes=[0, 1, 2])
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize(
    "schedule",
    ["invscaling", functools.partial(tt.optim.ExponentialLR, gamma=0.5)],
    ids=["invscaling", "ExponentialLR"],
)
def test_the_rate_of_partial_fits_goes_on(schedule):
    model = regressor(learning_rate=schedule, learning_rate_init=0.1)
    for _ in range(3):
        model.partial_fit(*DIABETES)
    assert model.learning_rates_ == sorted(model.learning_rates_, reverse=True)
    assert len(set(model.learning_rates_)) == 3


@pytest.mark.parametrize(
    ("options", "arguments", "words"),
    [
        ({}, {}, "classes must be passed on the first call"),
        ({"early_stopping": True}, {"classes": [0, 1]}, "does not support early_stopping"),
        ({"class_weight": "balanced"}, {"classes": [0, 1]}, "needs all of y at once"),
        ({}, {"classes": [0, 5]}, r"classes not in `self.classes_`: \[1\]"),
        ({}, {"classes": [0]}, "one class only"),
    ],
    ids=["no classes", "early stopping", "balanced", "other classes", "one class"],
)
def test_partial_fits_that_do_not_fit(options, arguments, words):
    with pytest.raises(ValueError, match=words):
        classifier(**options).partial_fit(*CANCER, **arguments)


def test_other_classes_at_a_later_partial_fit():
    model = classifier().partial_fit(*CANCER, classes=[0, 1])
    with pytest.raises(ValueError, match="are not those of the first call"):
        model.partial_fit(*CANCER, classes=[0, 1, 2])


def test_lbfgs_has_no_partial_fit():
    assert not hasattr(classifier(solver="lbfgs"), "partial_fit")
    assert hasattr(classifier(), "partial_fit")


# ---------------------------------------------------------------------------- callbacks and displays


class Record(Callback):
    def __init__(self):
        self.heard = []

    def on_fit_begin(self, estimator):
        self.heard.append("begin")

    def on_batch_end(self, estimator, epoch, batch, loss):
        self.heard.append((epoch, batch, loss))

    def on_epoch_end(self, estimator, epoch):
        self.heard.append((epoch, estimator.predict(DIGITS[0][:3]).shape))

    def on_fit_end(self, estimator):
        self.heard.append("end")


def test_what_callbacks_hear():
    record = Record()
    model = classifier(max_iter=2, batch_size=150, callbacks=[record]).fit(*DIGITS)
    marks = [mark if isinstance(mark, str) else mark[:2] for mark in record.heard]
    assert marks == ["begin", (1, 1), (1, 2), (1, 3), (1, (3,)), (2, 1), (2, 2), (2, 3), (2, (3,)), "end"]
    losses = [mark[2] for mark in record.heard if len(mark) == 3]
    np.testing.assert_allclose(model.loss_curve_[0], np.average(losses[:3], weights=[150, 150, 100]), rtol=1e-6)


def test_a_callback_stops_after_an_epoch():
    model = classifier(max_iter=50, callbacks=[lambda estimator, epoch: epoch == 3]).fit(*DIGITS)
    assert (model.n_iter_, model.stop_reason_) == (3, "callback")


def test_a_callback_stops_within_an_epoch():
    class Early(Callback):
        def on_batch_end(self, estimator, epoch, batch, loss):
            return (epoch, batch) == (2, 3)

    X, y = DIGITS
    model = classifier(max_iter=50, callbacks=Early()).fit(X, y)
    assert (model.n_iter_, model.stop_reason_, model.t_) == (2, "callback", 400 + 150)
    assert np.isfinite([*model.loss_curve_, *model.train_scores_]).all()


def test_a_callback_sets_the_rate():
    class Halve(Callback):
        def on_epoch_end(self, estimator, epoch):
            estimator.optimizer_.lr /= 2

    model = classifier(callbacks=[Halve()], learning_rate_init=0.5, solver="sgd", max_iter=60).fit(*CANCER)
    np.testing.assert_allclose(model.learning_rates_, 0.5 ** np.arange(1, model.n_iter_ + 1))


def test_ctrl_c_ends_the_training_and_keeps_the_model():
    class Interrupt(Callback):
        def on_epoch_end(self, estimator, epoch):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted by user"):
        model = classifier(callbacks=[Interrupt()]).fit(*CANCER)
    assert model.stop_reason_ == "interrupted"
    assert model.score(*CANCER) > 0.5


@pytest.mark.parametrize("given", ["text", Callback, [Callback], 3, [3]], ids=str)
def test_callbacks_that_are_none(given):
    with pytest.raises(ValueError, match="callback"):
        classifier(callbacks=given).fit(*CANCER)


def test_a_line_for_each_epoch(capsys):
    X, y = CANCER
    model = classifier(verbose=2, max_iter=2).fit(X, y, validation_data=(X, y))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1] == (
        f"epoch 2: loss {model.loss_curve_[1]:.4f}, score {model.train_scores_[1]:.4f}, validation loss "
        f"{model.validation_loss_curve_[1]:.4f}, validation score {model.validation_scores_[1]:.4f}"
    )


def test_a_progress_bar(capsys):
    model = classifier(verbose=True, max_iter=7).fit(*CANCER)
    shown = capsys.readouterr().err
    assert "MLPClassifier: 100%" in shown
    assert "7/7" in shown
    assert f"loss={model.loss_curve_[-1]:.4f}" in shown


def test_a_bar_needs_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install tqdm; or use verbose=2"):
        classifier(verbose=True).fit(*CANCER)


# ------------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_divergence_names_epoch_rate_and_remedy(make, compiled, monkeypatch):
    monkeypatch.setattr("tinytensor.sklearn.step.WORTH", 1)
    X, y = CANCER if make is classifier else DIABETES
    model = make(solver="sgd", learning_rate_init=1e4, activation="identity", max_iter=50, compile=compiled, alpha=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DivergenceError) as caught:
            model.fit(X * 1e3, y)
    text = str(caught.value)
    assert text.startswith(f"{make().__class__.__name__}: training diverged: the loss is ")
    for part in (
        "at epoch 1, batch ",
        "a learning rate of 10000",
        "Lower learning_rate_init (try 1000)",
        "clip_norm",
        "StandardScaler",
    ):
        assert part in text
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_values_that_float32_cannot_hold():
    X, y = CANCER
    with pytest.raises(DivergenceError, match=r"X has values up to .*e\+\d+, which float32 can't hold"):
        classifier().fit(X * 1e39, y)
    assert classifier(dtype="float64", learning_rate_init=1e-3).fit(X * 1e3, y)


def test_a_model_that_was_fitted_survives_a_divergence():
    X, y = CANCER
    model = classifier(warm_start=True).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(DivergenceError):
        model.set_params(learning_rate_init=1e30).fit(X * 1e10, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert len(model.loss_curve_) == model.n_iter_ == 5
    model.set_params(learning_rate_init=1e-3).fit(X, y)
    assert model.score(X, y) > 0.8
    assert len(model.loss_curve_) == 10
