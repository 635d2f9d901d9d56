"""The judge judges: the contestants compute the same, what is missing is skipped by name, and the verdicts are right."""

import importlib
import json
import sys

import numpy as np
import pytest

from benchmarks import report, two_copies
from benchmarks.__main__ import main, measure, parse
from benchmarks.contestants import TITLES, numpy_by_hand
from benchmarks.problem import LEARNING_RATE, make_problem
from benchmarks.processes import ROOT, Skipped, Worker, environment
from benchmarks.rounds import Case, Run, alternate, differs, too_slow, verify
from benchmarks.targets import TARGETS, judge, judge_all

TINY = {"sizes": [3, 5, 4, 3], "batch": 6}
# torch.compile takes many seconds to compile; a run of the benchmarks checks its losses too.
STEPS = [n for n in TITLES if n not in ("numpy_by_hand", "matmuls", "tinytensor_value", "sklearn_mlp", "torch_compile")]


def contestant(name):
    limit = sys.getrecursionlimit()
    try:
        return importlib.import_module(f"benchmarks.contestants.{name}")
    except ImportError as error:
        pytest.skip(str(error))
    finally:
        sys.setrecursionlimit(limit)  # micrograd's is higher


# -------------------------------------------------------------------------------- the contestants


@pytest.mark.filterwarnings("ignore")  # those of other packages
@pytest.mark.parametrize("name", STEPS)
def test_losses_of_five_steps_are_those_of_numpy(name):
    step, reference = contestant(name).step(make_problem(**TINY)), numpy_by_hand.step(make_problem(**TINY))
    losses, expected = [step() for _ in range(5)], [reference() for _ in range(5)]
    assert all(isinstance(loss, float) for loss in losses)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert expected[-1] < 0.99 * expected[0]  # equal losses say that the updates are equal, too


def test_numpys_gradient_is_the_slope_of_its_loss():
    problem = make_problem(**TINY)
    problem.weights = [W.astype(np.float64) for W in problem.weights]
    problem.biases = [b.astype(np.float64) for b in problem.biases]
    problem.x = problem.x.astype(np.float64)
    problem.lr = 1e-6
    step = numpy_by_hand.step(problem)
    fall = step() - step()

    def loss():
        return numpy_by_hand.step(problem)()

    slopes = 0.0
    for array in (*problem.weights, *problem.biases):
        for i in np.ndindex(array.shape):
            array[i] += 1e-5
            above = loss()
            array[i] -= 2e-5
            slopes += ((above - loss()) / 2e-5) ** 2
            array[i] += 1e-5
    assert fall == pytest.approx(1e-6 * slopes, rel=1e-3)


def test_problem_is_float32_and_the_same_each_time():
    one, two = make_problem(**TINY), make_problem(**TINY)
    assert one.lr == LEARNING_RATE
    for a, b in zip((*one.weights, *one.biases, one.x), (*two.weights, *two.biases, two.x), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_array_equal(a, b)


# ------------------------------------------------------------------------------ workers and rounds


@pytest.fixture
def missing(tmp_path):
    """An environment in which MyGrad can't be imported."""
    (tmp_path / "mygrad.py").write_text("raise ModuleNotFoundError(\"No module named 'mygrad'\", name='mygrad')\n")
    return {"PYTHONPATH": f"{tmp_path}:{environment()['PYTHONPATH']}"}


def test_missing_peer_is_skipped_by_name_and_the_others_take_turns(missing):
    run = Run(1, extra=missing)
    try:
        alternate(run, Case("step T", "step", TINY, ["numpy_by_hand", "mygrad_eager", "matmuls"], 3, 0.005, 5, 1e-4))
    finally:
        run.close()
    assert run.skipped == {"all": {"mygrad_eager": "No module named 'mygrad'"}}
    assert list(run.cases["step T"]) == ["numpy_by_hand", "matmuls"]
    for figures in run.cases["step T"].values():
        assert len(figures["median"]) == len(figures["least"]) == 3
        assert all(0 < least <= median for least, median in zip(figures["least"], figures["median"], strict=True))


def test_rounds_are_spread_over_processes_that_start_anew():
    run, processes = Run(1), []
    try:
        run.worker("matmuls")  # as if it had measured something before
        case = Case("step T", "step", TINY, ["numpy_by_hand", "matmuls"], 5, 0.005, starts=2)
        run.restart = lambda names: (processes.append(run.workers["matmuls"].process), Run.restart(run, names))
        alternate(run, case)
        assert [p.returncode for p in processes] == [0, 0]
        assert run.workers["matmuls"].process not in processes
    finally:
        run.close()
    assert [len(row["median"]) for row in run.cases["step T"].values()] == [5, 5]


def test_who_dies_after_starting_again_has_no_figures():
    run = Run(1)
    try:
        case = Case("step T", "step", TINY, ["numpy_by_hand", "matmuls"], 2, 0.005, starts=2)
        restart = run.restart

        def without_a_worker(names):
            restart(names)
            if "matmuls" in run.workers:
                run.workers["matmuls"].process.kill()

        run.restart = without_a_worker
        alternate(run, case)
    finally:
        run.close()
    assert list(run.cases["step T"]) == ["numpy_by_hand"]
    assert "ended with code -9" in run.skipped["step T"]["matmuls"]
    assert case.names == ["numpy_by_hand", "matmuls"]  # the case can be measured again


def test_who_can_not_start_again_has_no_figures(tmp_path):
    contestant("mygrad_eager")
    run = Run(1)
    try:
        case = Case("step T", "step", TINY, ["numpy_by_hand", "mygrad_eager"], 2, 0.005, starts=2)
        restart = run.restart

        def without_mygrad(names):
            if run.workers:
                (tmp_path / "mygrad.py").write_text("raise ModuleNotFoundError('gone', name='mygrad')\n")
                run.extra = {"PYTHONPATH": f"{tmp_path}:{environment()['PYTHONPATH']}"}
            restart(names)

        run.restart = without_mygrad
        alternate(run, case)
    finally:
        run.close()
    assert list(run.cases["step T"]) == ["numpy_by_hand"]
    assert run.skipped == {"all": {"mygrad_eager": "gone"}}


def test_worker_says_what_went_wrong_and_goes_on():
    worker = Worker("numpy_by_hand", 1)
    try:
        with pytest.raises(Skipped, match="KeyError: 'nothing'"):
            worker.ask("measure", key="nothing", seconds=0.01)
        with pytest.raises(Skipped, match="ValueError"):
            worker.ask("prepare", key="bad", kind="step", args={"sizes": [2, -1], "batch": 3})
        assert worker.ask("prepare", key="k", kind="step", args=TINY, check=2)["results"][0] > 0
        assert worker.about["versions"]["numpy"] == np.__version__
        assert {pool["num_threads"] for pool in worker.about["pools"]} <= {1}
        worker.process.kill()
        with pytest.raises(Skipped, match="ended with code"):
            worker.ask("measure", key="k", seconds=0.01)
    finally:
        worker.close()


@pytest.mark.parametrize(
    ("results", "verdict"),
    [([2.0, 1.0], False), ([2.0001, 1.0], False), ([2.0, 1.01], True), ([float("nan")], True), ([], True)],
)
def test_other_losses_are_found(results, verdict):
    assert differs(results, [2.0, 1.0], 1e-4) is verdict


def test_who_computes_something_else_is_not_timed():
    case = Case("c", "step", TINY, [], 1, 0.0, tolerance=1e-4)
    verify(case, [2.0, 1.0], [2.0, 1.0])
    with pytest.raises(Skipped, match=r"other results: \[2.0, 1.1\] instead of \[2.0, 1.0\]"):
        verify(case, [2.0, 1.1], [2.0, 1.0])
    with pytest.raises(Skipped, match=r"0.5000 is below 0.93"):
        verify(Case("digits", "digits", {}, [], 1, 0.0, least=0.93), [0.95, 0.5], None)


def test_slow_ones_are_spared_the_next_case():
    run = Run(1, cases={"depth 10": {"a": figures(1.0), "b": figures(1e-3)}})
    case = Case("depth 100", "chain", {}, [], 1, 0.0, per=100, after="depth 10", most=30)
    assert too_slow(run, case, "a") == "one call would take about 100 seconds"
    assert too_slow(run, case, "b") is None
    assert too_slow(run, case, "c") == "no result at depth 10"


def test_a_run_from_the_command_line_to_the_record(tmp_path):
    options = parse(["--rounds", "2", "--seconds", "0.005", "--cases", "step", "--sizes", "M", "--only", "matmuls"])
    options.folder, options.threads = tmp_path, 1
    record = json.loads(json.dumps(measure(options)))
    assert list(record["cases"]["step M"]) == ["numpy_by_hand", "matmuls"]
    assert record["settings"]["threads"] == 1
    assert "Training step, M" in report.render(record)


def test_two_copies_of_the_package_take_turns(capsys):
    two_copies.main([str(ROOT), str(ROOT), "--size", "S", "--processes", "2", "--rounds", "4"])
    ratio, by_process = capsys.readouterr().out.splitlines()
    assert 0.2 < float(ratio.split()[5]) < 5  # of equals
    assert len(by_process.split(",")) == 2


def test_a_copy_that_is_none_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        two_copies.main([str(ROOT), str(tmp_path)])
    assert f"there is no copy of tinytensor in {tmp_path}" in capsys.readouterr().err


# --------------------------------------------------------------------------------------- verdicts


def figures(*median):
    return {"median": list(median), "least": list(median)}


@pytest.fixture
def record():
    """A recorded run, with figures that are easy to check."""
    machine = {"cpu": {"model": "A CPU", "avx512": True}, "blas": {"name": "openblas 0.3", "kernel": "Haswell"}}
    machine |= {"cores": 2, "system": "Linux", "python": "3.13.0", "commit": "abc", "date": "2026-01-01", "load": 0.0}
    large = {"tinytensor_eager": figures(8.0, 8.0), "tinytensor_eager/SkylakeX": figures(5.0, 5.0)}
    cases = {
        "step S": {"tinytensor_eager": figures(4.0, 6.0, 9.0), "torch_eager": figures(10.0, 10.0, 20.0)},
        "step L": large | {"torch_eager": figures(10.0, 10.0), "jax_jit": figures(4.0, 4.0)},
        "import": {"tinytensor": figures(0.02, 0.04, 0.025)},
        "depth 1000": {"tinytensor_eager": figures(1e-6, 3e-6, 2e-6)},
        "depth 1000000": {"tinytensor_eager": figures(3e-6)},
    }
    settings = {"threads": 2, "rounds": 3, "seconds": 0.1}
    skipped = {"all": {"mygrad_eager": "No module named 'mygrad'"}}
    return {
        "machine": machine,
        "versions": {"numpy": "2"},
        "settings": settings,
        "skipped": skipped,
        "idle": {},
        "cases": cases,
    }


def find(record, case, ours, peer, kernel=""):
    (target,) = (t for t in TARGETS if (t.case, t.ours, t.peer, t.kernel) == (case, ours, peer, kernel))
    return judge(record, target)


def test_ratios_are_paired_by_round(record):
    verdict = find(record, "step S", "tinytensor_eager", "torch_eager")
    assert verdict.ratio == pytest.approx(0.45)  # of 0.4, 0.6, 0.45; the medians' ratio is 0.6
    assert (verdict.low, verdict.high) == pytest.approx((0.425, 0.525))
    assert verdict.word == "pass"


def test_kernels_have_targets_of_their_own(record):
    default = find(record, "step L", "tinytensor_eager", "torch_eager", "default")
    right = find(record, "step L", "tinytensor_eager", "torch_eager", "right")
    assert (default.ratio, default.word) == (0.8, "pass")
    assert (right.ratio, right.word, right.ours) == (0.5, "pass", "tinytensor_eager/SkylakeX")
    assert find(record, "step L", "tinytensor_eager", "jax_jit", "right").word == "miss"
    assert find(record, "step L", "tinytensor_eager", "numpy_by_hand", "right").word == "not measured"


def test_where_the_default_kernel_is_right_it_counts(record):
    record["machine"]["blas"]["kernel"] = "SkylakeX"
    del record["cases"]["step L"]["tinytensor_eager/SkylakeX"]
    verdict = find(record, "step L", "tinytensor_eager", "torch_eager", "right")
    assert (verdict.ratio, verdict.word) == (0.8, "miss")
    assert not [v for v in judge_all(record) if v.target.kernel == "default"]


def test_targets_without_a_peer_and_between_cases(record):
    assert find(record, "import", "tinytensor", None).ratio == pytest.approx(25)
    assert find(record, "depth 1000000", "tinytensor_eager", "tinytensor_eager").ratio == pytest.approx(1.5)
    assert find(record, "compile M", "tinytensor_compiled", None).word == "not measured"


def test_report_from_a_file_into_a_page_and_a_picture(record, tmp_path, capsys):
    source, page, picture = tmp_path / "run.json", tmp_path / "page.md", tmp_path / "out" / "bench.png"
    source.write_text(json.dumps(record))
    page.write_text(f"before\n{report.MARKS[0]}\nold\n{report.MARKS[1]}\nafter\n")
    main(["--from", str(source), "--markdown", str(page), "--picture", str(picture)])
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert capsys.readouterr().out.strip() in text
    for words in (
        "A CPU",
        "2 cores",
        "kernel Haswell",
        "commit abc",
        "MyGrad (No module named 'mygrad')",
        "0.45",
        "miss",
    ):
        assert words in text
    assert picture.stat().st_size > 10_000
    with pytest.raises(ValueError, match="table: begin"):
        report.insert("no marks", "text")


def test_command_line_refuses_unknown_names(capsys):
    with pytest.raises(SystemExit):
        parse(["--only", "numpy_by_hand,tensorflow"])
    assert "unknown: tensorflow; known: tinytensor_eager" in capsys.readouterr().err
