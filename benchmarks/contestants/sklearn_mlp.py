"""scikit-learn's MLPClassifier, with the settings that the others have: no penalty, no early end."""

import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from ..problem import BATCH, EPOCHS, HIDDEN, RATE

PACKAGES = ["scikit-learn", "numpy", "scipy"]

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is set for all


def digits(data):
    def run():
        model = MLPClassifier(
            HIDDEN, solver="adam", learning_rate_init=RATE, alpha=0.0, batch_size=BATCH, max_iter=EPOCHS, tol=0.0,
            n_iter_no_change=EPOCHS, random_state=0,
        )  # fmt: skip
        return float(model.fit(data["X"], data["y"]).score(data["X_test"], data["y_test"]))

    return run
