"""Data sets and small estimators for the tests of `tinytensor.sklearn`."""

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, make_multilabel_classification
from sklearn.preprocessing import StandardScaler

from tinytensor.sklearn import MLPClassifier, MLPRegressor


def standardized(X, y, rows=None):
    return StandardScaler().fit_transform(X)[:rows], y[:rows]


DIGITS = standardized(*load_digits(return_X_y=True), 400)
CANCER = standardized(*load_breast_cancer(return_X_y=True), 300)
IRIS = standardized(*load_iris(return_X_y=True))
LABELS = make_multilabel_classification(n_samples=120, random_state=0)
DIABETES = standardized(load_diabetes().data, load_diabetes().target / 100)


def classifier(**options):
    return MLPClassifier(**{"hidden_layer_sizes": (12,), "max_iter": 5, "batch_size": 50, "random_state": 0, **options})


def regressor(**options):
    return MLPRegressor(**{"hidden_layer_sizes": (12,), "max_iter": 5, "batch_size": 50, "random_state": 0, **options})


def same_weights(a, b, **tolerance):
    for one, other in zip([*a.coefs_, *a.intercepts_], [*b.coefs_, *b.intercepts_], strict=True):
        np.testing.assert_allclose(one, other, **tolerance)
