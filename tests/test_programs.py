"""Random programs: 500 against torch, what they consist of, how they print, and how far a planted bug shrinks."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings

import tinytensor as tt
from tinytensor.primitives import index
from tinytensor.rules.table import RULES, Rule
from tinytensor.testing.program_growth import BOUND, DIMS, LENGTH, SIZE, Gene, grow
from tinytensor.testing.program_torch import torch_functions
from tinytensor.testing.random_programs import (
    OPERATIONS,
    Disagreement,
    Program,
    Step,
    check_program,
    programs,
    seeded_program,
)

from . import fuzz


@settings(max_examples=250)
@given(programs())
def test_drawn_programs_agree_with_torch(program):
    check_program(program)


@pytest.mark.parametrize("seed", range(10))
def test_seeded_programs_agree_with_torch(seed):
    for number in range(25):
        check_program(seeded_program(f"suite-{seed}-{number}"))


# ------------------------------------------------------------------------------ what they consist of


def test_programs_use_everything():
    drawn = [seeded_program(f"everything-{number}") for number in range(300)]
    applied = sum((program.operations for program in drawn), Counter())
    assert applied.keys() == OPERATIONS.keys()
    values = [value for program in drawn for value in program.trace()]
    assert all(np.size(v) <= SIZE and np.ndim(v) <= DIMS and np.max(np.abs(v), initial=0) <= BOUND for v in values)
    assert sum(np.size(v) == 0 for v in values) > len(values) / 50  # empty arrays
    assert sum(np.ndim(v) == 0 for v in values) > len(values) / 50
    uses = Counter(len(users) for program in drawn for users in users_of(program))
    assert uses[2] + uses[3] + uses[4] > len(values) / 10  # intermediates are used again
    assert max(map(depth, drawn)) > 15


def users_of(program):
    return [[s for s in program.steps if k in s.operands] for k in range(len(program))]


def depth(program):
    depths = [0] * len(program.inputs)
    for step in program.steps:
        depths.append(1 + max(depths[k] for k in step.operands))
    return max(depths)


@settings(max_examples=50)
@given(programs(min_nodes=20, max_nodes=30, dtype=np.float32, operations=["tanh", "add", "sum", "matmul"]))
def test_programs_keep_to_what_was_asked_for(program):
    assert len(program) <= 30
    assert program.operations.keys() <= {"tanh", "add", "sum", "matmul"}
    assert all(value.dtype == np.float32 for value in program.trace())
    check_program(program)


def test_random_programs_reach_the_minimum():
    sizes = [len(seeded_program(number, 40, 45)) for number in range(30)]
    assert 40 <= min(sizes) <= max(sizes) <= 45
    drawn = settings(database=None, deadline=None, phases=[Phase.generate])
    assert len(find(programs(min_nodes=40), lambda p: len(p) >= 40, settings=drawn)) >= 40


def test_the_same_seed_is_the_same_program():
    assert str(seeded_program("a")) == str(seeded_program("a")) != str(seeded_program("b"))


def test_leaving_out_a_gene_that_nothing_uses_changes_nothing_else():
    def gene(operation, label, first=0):
        return Gene(1 + list(OPERATIONS).index(operation), label, first, 0, 2, 0, 0)

    short = grow([gene("tanh", 200), gene("sin", 10, first=82)])  # 82 names label 195, and tanh's is nearest
    long = grow([gene("tanh", 200), gene("cos", 90), gene("sin", 10, first=82)])
    assert [s.operation for s in short.steps] == ["tanh", "sin"]
    assert [s.operation for s in long.upto(len(long) - 1).steps] == ["tanh", "sin"]
    assert len(grow([Gene(0, 1, 2, 3, 4, 5, 6)])) == 0  # operation 0 is none
    assert len(grow([])) == len(grow([Gene.read(bytes(LENGTH))])) == 0


# ----------------------------------------------------------------------------------------- as data


def two_steps():
    return Program(
        (np.array([[0.5, -1.0]]), np.zeros((0, 2))),
        (Step("multiply", (0, 1)), Step("getitem", (0,), {"key": (0, slice(None, None, -1), None)})),
    )


def test_a_printed_program_runs():
    for number in range(30):
        program = seeded_program(f"print-{number}", 3, 20)
        names = {}
        exec(str(program), names)
        ours = [tt.Tensor(a, requires_grad=True) for a in program.inputs]
        outputs = program.run(ours)
        total = sum((y * g).sum() for y, g in zip(outputs, program.upstream([y.shape for y in outputs]), strict=True))
        total.backward()
        for k, x in enumerate(ours):
            np.testing.assert_array_equal(names[f"x{k}"].grad, x.grad)


def test_a_program_prints_what_a_person_would_write():
    assert str(two_steps()).splitlines()[3:] == [
        "x0 = tt.Tensor(np.array([[0.5, -1.0]]), requires_grad=True)",
        "x1 = tt.Tensor(np.zeros((0, 2)), requires_grad=True)",
        "v0 = np.multiply(x0, x1)",
        "v1 = x0[0, ::-1, None]",
        "y = (",
        "    (v0 * np.zeros((0, 2))).sum()",
        "    + (v1 * np.array([[1.21], [-1.27]])).sum()",
        ")",
        "y.backward()",
    ]


def test_a_program_runs_on_any_framework():
    program = seeded_program("frameworks")
    ours = program.run([tt.Tensor(a) for a in program.inputs])
    for array, tensor in zip(program.run(), ours, strict=True):
        np.testing.assert_array_equal(array, tensor.data)
    assert torch_functions().keys() == OPERATIONS.keys()
    assert two_steps().run(functions={"multiply": lambda x, y: "product", "getitem": lambda x, key: "part"}) == (
        "product",
        "part",
    )
    with pytest.raises(NotImplementedError, match="no function for 'getitem'"):
        two_steps().run(functions={"multiply": np.multiply})
    with pytest.raises(ValueError, match="1 tensors are given, and it has 2 inputs"):
        two_steps().run([np.zeros(2)])


REFUSED = [
    ("a minimum above the maximum", {"min_nodes": 20, "max_nodes": 10}, ValueError, "min_nodes=20 is above"),
    ("no room", {"min_nodes": 2, "max_nodes": 2}, ValueError, "max_nodes is 2; expected 3 to 500"),
    ("too large", {"max_nodes": 5000}, ValueError, "max_nodes is 5000"),
    ("a size that is no integer", {"min_nodes": 5.5}, TypeError, "min_nodes is 5.5; expected an integer"),
    ("a size that is a bool", {"min_nodes": True}, TypeError, "min_nodes is True"),
    ("an unknown operation", {"operations": ["tan"]}, ValueError, "there is no 'tan'; expected some of negative"),
    ("no operations", {"operations": []}, ValueError, "none is named"),
    ("a string of operations", {"operations": "tanh"}, TypeError, "expected a sequence of names"),
    ("operations that are functions", {"operations": [np.tanh]}, TypeError, "expected a sequence of names"),
    ("integers", {"dtype": int}, TypeError, "dtype is int64, which has no gradients"),
]


@pytest.mark.parametrize(
    ("arguments", "error", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_impossible_arguments_are_refused_at_once(arguments, error, message):
    with pytest.raises(error, match=message):
        programs(**arguments)


# ------------------------------------------------------------------------------------ planted bugs


def wrong_factor(g, out, x):
    return g * (1 - out)


def not_transposed(g, out, x, y):
    if np.ndim(x) == np.ndim(y) == 2 and y.shape[0] == y.shape[1]:
        return np.matmul(g, y)  # should be y transposed: wrong in the square case alone, where the shapes fit
    return RIGHT[np.matmul].vjps[0](g, out, x, y)


def keepdims_forgotten(g, out, a, axis=None, dtype=None, *, keepdims=False):
    if isinstance(axis, int) and np.ndim(a) > 1 and len(set(np.shape(a))) == 1 and not keepdims:
        return np.broadcast_to(np.expand_dims(g, (axis + 1) % np.ndim(a)), np.shape(a))  # the axis comes back elsewhere
    return RIGHT[np.sum].vjps[0](g, out, a, axis, dtype, keepdims=keepdims)


def repeats_forgotten(g, out, x, key):
    filled = np.zeros_like(x)
    filled[key] = g  # an element named twice should receive both
    return filled


def swapped_operands(g, out, x, y):
    return g * x


RIGHT: dict[object, Rule] = {function: RULES[function] for function in (np.tanh, np.matmul, np.sum, index, np.multiply)}
PLANTED = [
    (np.tanh, wrong_factor),
    (np.matmul, not_transposed),
    (np.sum, keepdims_forgotten),
    (index, repeats_forgotten),
    (np.multiply, swapped_operands),
]


def plant(monkeypatch, function, wrong):
    right = RIGHT[function]
    monkeypatch.setitem(RULES, function, Rule(function, right.forward, (wrong, *right.vjps[1:]), right.spread))


@pytest.mark.parametrize(("function", "wrong"), PLANTED, ids=[row[1].__name__ for row in PLANTED])
def test_a_planted_bug_shrinks_to_three_operations(monkeypatch, function, wrong):
    plant(monkeypatch, function, wrong)
    failed = []

    def fails(program):
        if not failed and len(program) < 40:
            return False  # Hypothesis tries the simplest programs first, and might find it in one of these
        try:
            check_program(program)
        except Disagreement:
            failed.append(len(program))
            return True
        return False

    # The search is the same on every run; nothing is explained, since the size is all that counts.
    steps = settings(
        max_examples=1000, database=None, derandomize=True, deadline=None, phases=[Phase.generate, Phase.shrink]
    )
    smallest = find(programs(min_nodes=40), fails, settings=steps)
    assert failed[0] >= 40
    assert len(smallest.steps) <= 3, smallest
    assert all(np.size(value) <= 12 for value in smallest.trace()), smallest
    monkeypatch.setitem(RULES, function, RIGHT[function])
    check_program(smallest)


def test_a_disagreement_names_the_line_and_prints_the_program(monkeypatch):
    plant(monkeypatch, np.tanh, wrong_factor)
    program = Program((np.array([0.5, -1.0]),), (Step("sin", (0,)), Step("tanh", (1,)), Step("sum", (2,))))
    with pytest.raises(Disagreement) as raised:
        check_program(program)
    assert "the gradient of v0, which comes through tanh, differs from torch's:\nv0 = np.sin(x0)" in str(raised.value)
    assert str(program) in str(raised.value)


# -------------------------------------------------------------------------------------- make fuzz


def test_fuzz_counts_and_reports(capsys):
    assert fuzz.run(fuzz.parsed(["--programs", "20", "--jobs", "1", "--quiet", "--max-nodes", "20"])) == 0
    assert "20 programs of seed 0 agree with PyTorch; disagreements: 0" in capsys.readouterr().out


def test_fuzz_compiled(capsys):
    assert fuzz.run(fuzz.parsed(["--programs", "10", "--jobs", "1", "--quiet", "--max-nodes", "20", "--compiled"])) == 0
    assert "agree with eager, compiled; disagreements: 0" in capsys.readouterr().out


def test_fuzz_compiled_finds_a_wrong_source(monkeypatch, capsys):
    calls = iter(range(10**6))  # each result another number
    monkeypatch.setattr("tests.compile_checks.flat", lambda result: [np.array(float(next(calls)))])
    assert fuzz.run(fuzz.parsed(["--programs", "5", "--jobs", "1", "--quiet", "--compiled"])) == 1
    assert "--compiled" in capsys.readouterr().out.splitlines()[-1]


def test_fuzz_stops_at_a_disagreement_and_says_how_to_repeat_it(monkeypatch, capsys):
    plant(monkeypatch, np.tanh, wrong_factor)
    assert fuzz.run(fuzz.parsed(["--programs", "500", "--jobs", "1", "--quiet"])) == 1
    printed = capsys.readouterr().out
    repeat = printed.splitlines()[-1].partition("tests/fuzz.py ")[2].split()
    assert "It comes down to" in printed
    small = printed.partition("It comes down to:\n\n")[2].partition("\n\nRepeat")[0]
    assert "v0 = np.tanh(x0)" in small
    assert "v1" not in small
    assert fuzz.run(fuzz.parsed([*repeat, "--jobs", "1", "--quiet"])) == 1
    monkeypatch.setitem(RULES, np.tanh, RIGHT[np.tanh])
    assert fuzz.run(fuzz.parsed([*repeat, "--jobs", "1", "--quiet"])) == 0


@pytest.mark.parametrize("arguments", [["--programs", "0"], ["--max-nodes", "2"], ["--operations", "tan"]])
def test_fuzz_refuses_bad_arguments(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        fuzz.parsed(arguments)
    assert arguments[0] in capsys.readouterr().err


def test_tinytensor_does_not_import_hypothesis_and_the_error_names_the_extra():
    code = """if True:
        import sys
        import tinytensor, tinytensor.testing
        assert "hypothesis" not in sys.modules and "torch" not in sys.modules
        sys.modules["hypothesis"] = None
        try:
            tinytensor.testing.tensors
        except ImportError as error:
            assert "pip install 'tinytensor[testing]'" in str(error), error
        else:
            raise AssertionError("no error")
    """
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
