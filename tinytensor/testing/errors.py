"""What a checker says when something is wrong: with the gradient, or with the function itself."""

from __future__ import annotations


class GradientError(AssertionError):
    """A gradient differs from the derivative. An AssertionError, so that test runners count a failure."""


class FunctionError(ValueError):
    """The function can't be checked: it returns no tensor, changes its inputs, is random, or gives nan."""
