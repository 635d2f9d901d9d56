"""The pytest plugin, in a pytest of its own: off unless asked for, and what it reports."""

from __future__ import annotations

import subprocess
import sys

import pytest

SUITE = """
import numpy as np
from hypothesis import given, settings, strategies as st
import tinytensor as tt
from tinytensor.testing import examples, gradcheck

seen = []

@settings(max_examples=examples(3), database=None)
@given(x=st.floats(-2, 2))
def test_tanh(x):
    seen.append(x)
    (tt.Tensor(x, requires_grad=True) * 2.0).tanh().backward()

def test_how_many():
    print("examples:", len(seen))
"""


def run(tmp_path, *options):
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "test_suite.py", *options]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)


def test_it_is_off_unless_asked_for(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "examples: 3" in done.stdout
    assert "operations differentiated" not in done.stdout


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=["alone", "xdist"])
def test_examples_and_report(tmp_path, workers):
    done = run(tmp_path, "--gradcheck-examples", "17", *workers)
    assert done.returncode == 0, done.stdout
    if not workers:
        assert "examples: 17" in done.stdout
    report = [line.split() for line in done.stdout.splitlines()]
    assert "operations differentiated" in done.stdout
    assert ["17", "tanh"] in report
    assert ["17", "multiply"] in report
    assert "34  in all, of 2 operations" in done.stdout
    assert "never: " in done.stdout


@pytest.mark.parametrize("value", ["0", "-3", "many"])
def test_impossible_numbers_are_refused(tmp_path, value):
    done = run(tmp_path, f"--gradcheck-examples={value}")
    assert done.returncode == 4
    assert "expected a number of examples, 1 or more" in done.stderr
