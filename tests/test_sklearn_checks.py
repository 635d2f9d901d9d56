"""Every check that scikit-learn has for estimators, on both estimators and several settings; none is declared to fail."""

import os
import subprocess
import sys
import textwrap

import pytest
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from tinytensor.sklearn import MLPClassifier, MLPRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),  # as scikit-learn's own tests do
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
]

ESTIMATORS = [
    MLPClassifier(),
    MLPRegressor(),
    MLPClassifier(dtype="float64", max_iter=100),
    MLPClassifier(solver="lbfgs", max_iter=100),
    MLPRegressor(solver="lbfgs", max_iter=100),
    MLPClassifier(solver="sgd", learning_rate_init=0.1, compile=False, max_iter=100),
    MLPClassifier(activation=["tanh", "gelu"], hidden_layer_sizes=[20, 10], label_smoothing=0.1, clip_norm=5.0),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", [MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)], ids=str)
def test_check_estimator_is_clean(estimator):
    found = check_estimator(estimator, on_skip=None, on_fail="raise")
    assert {result["status"] for result in found} <= {"passed", "skipped"}
    skipped = [result["check_name"] for result in found if result["status"] == "skipped"]
    assert set(skipped) <= {"check_array_api_input", "check_classifiers_multilabel_output_format_decision_function"}
    assert len(found) - len(skipped) > 40


def test_checks_that_need_scipys_array_api():
    """SciPy reads the variable when it is imported, so this takes a process of its own; above they are skipped."""
    program = textwrap.dedent("""
        from sklearn.utils.estimator_checks import estimator_checks_generator
        from tinytensor.sklearn import MLPClassifier, MLPRegressor

        for made in (MLPClassifier(max_iter=50), MLPRegressor(max_iter=50)):
            for estimator, check in estimator_checks_generator(made):
                if "array_api" in str(check):
                    check(estimator)
                    print("passed")
    """)
    environ = os.environ | {"SCIPY_ARRAY_API": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, env=environ)
    assert (done.returncode, done.stdout.split()) == (0, ["passed"] * 2), done.stderr
