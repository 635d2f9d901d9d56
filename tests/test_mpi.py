"""Training on several processes, by real ``mpiexec``: equal to one process, and never waiting for a rank that is gone."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import io, mpi
from tinytensor.mpi import ending
from tinytensor.mpi.gradients import GradientBuffer

from . import mpi_checks, mpi_train

ROOT = Path(__file__).resolve().parents[1]
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
# What Open MPI asks for where it is started by root, has fewer cores than ranks, and shares them with others.
ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # OpenBLAS's false alarms apart: docs/blas.md.
    "PYTHONWARNINGS": ",".join(
        ["error", *(f"ignore:invalid value encountered in {what}:RuntimeWarning" for what in ("dot", "matmul"))]
    ),
}
FOREVER = 300  # seconds: a job that waits for a rank that is gone never ends; a slow machine does


def mpiexec(n, *command, **environment):
    assert MPIEXEC, "no mpiexec: pip install 'tinytensor[mpi]'"
    return subprocess.run(
        [MPIEXEC, "-n", str(n), sys.executable, *map(str, command)], cwd=ROOT, env=os.environ | ENVIRONMENT | environment,
        capture_output=True, text=True, timeout=FOREVER, check=False,
    )  # fmt: skip


# ------------------------------------------------------------------------------------ what ranks do together


@pytest.fixture(scope="module", params=[2, 4], ids=["2-ranks", "4-ranks"])
def found(request, tmp_path_factory):
    """What each rank says of each check."""
    folder = tmp_path_factory.mktemp("ranks")
    done = mpiexec(request.param, "-m", "tests.mpi_checks", folder)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(request.param)]


@pytest.mark.parametrize("name", mpi_checks.CHECKS)
def test_ranks(found, name):
    for rank, said in enumerate(found):
        assert said[name] == "passed", f"rank {rank}: {said[name]}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_gradients_lie_in_the_buffer_as_their_parameters(dtype):
    """By columns, as a Linear's weight: else the optimizer would go through the two in different orders."""
    model = tt.nn.MLP(3, [4, 2], dtype=dtype, generator=np.random.default_rng(0))
    model(np.ones((5, 3), dtype)).sum().backward()
    expected = [p.grad.copy() for p in model.parameters()]
    buffer = GradientBuffer(model.parameters(), extra=1)
    buffer.fill(3)
    buffer.take()
    for p, wanted in zip(model.parameters(), expected, strict=True):
        np.testing.assert_allclose(p.grad, wanted, rtol=1e-3 if dtype == np.float16 else 1e-6)
        assert p.grad.dtype == dtype
        assert p.grad.flags.fnc == p.data.flags.fnc == (p.ndim == 2)


# ------------------------------------------------------------------------------------ how a job ends


def test_a_killed_training_continues_bit_by_bit(tmp_path):
    """Rank 1 is killed, then rank 0, which writes; each time the same command goes on, on both ranks."""
    straight = mpiexec(2, "-m", "tests.mpi_train", tmp_path / "straight")
    assert straight.returncode == 0, straight.stderr
    for rank, step, spokesman in ((1, 3, 0), (0, 6, 1)):
        killed = mpiexec(
            2, "-m", "tests.mpi_train", tmp_path / "killed", "--end", "kill", "--rank", rank, "--step", step
        )
        assert killed.returncode != 0
        assert "done" not in killed.stdout
        assert f"process rank {rank}" in killed.stderr  # mpiexec's own words
        assert "signal 9 (Killed)" in killed.stderr
        assert f"tinytensor.mpi: rank {spokesman}: told to end after step" in killed.stderr
        assert "start the job again" in killed.stderr
    resumed = mpiexec(2, "-m", "tests.mpi_train", tmp_path / "killed")
    assert resumed.returncode == 0, resumed.stderr
    assert int(resumed.stdout.split()[1]) in (5, 6), "it did not continue"
    assert resumed.stdout.split()[-1] == straight.stdout.split()[-1]


def test_a_checkpoint_of_two_ranks_continues_on_one(tmp_path):
    """With MPI and without, and to the same weights up to rounding."""
    killed = mpiexec(2, "-m", "tests.mpi_train", tmp_path, "--end", "kill", "--step", "6")
    assert killed.returncode != 0
    steps = io.Checkpointer(tmp_path).steps()
    assert steps[-1] in (5, 6)
    expected = mpi_checks.alone(mpi_train.SAMPLES, "adam")
    moved = np.max(np.abs(expected - mpi_checks.weights(mpi_checks.network())))
    found = mpi_checks.weights(mpi_train.train(tmp_path, epochs=2))
    assert np.max(np.abs(found - expected)) < 1e-4 * moved


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("raise", ["ValueError: a mistake on one rank", "rank 1: ends the job, since the other ranks would wait"]),
        ("return", ["rank 1 ended after 5 steps, while others make another", "the same number of steps"]),
        ("exit", ["rank 1 ended after 5 steps, while others make another", "the same number of steps"]),
    ],
)
def test_a_rank_that_leaves_ends_the_job(tmp_path, end, words):
    done = mpiexec(2, "-m", "tests.mpi_train", tmp_path, "--end", end)
    assert done.returncode != 0
    assert "done" not in done.stdout
    for text in words:
        assert text in done.stderr


# ------------------------------------------------------------------------------------ one process


def test_one_process_alone_is_bit_by_bit_without_mpi(tmp_path):
    model = mpi_train.train(tmp_path, epochs=2)
    np.testing.assert_array_equal(mpi_checks.weights(model), mpi_checks.alone(mpi_train.SAMPLES, "adam"))
    assert not ending.unfinished


def test_nothing_is_done_to_a_process_that_is_alone():
    before = sys.excepthook
    mpi.barrier()
    mpi.DistributedOptimizer(tt.optim.SGD([tt.Tensor([1.0], requires_grad=True)], lr=0.1))
    assert sys.excepthook is before


def wrapped(**options):
    w = tt.Tensor(np.array([1.0, 2.0], np.float32), requires_grad=True)
    return w, mpi.DistributedOptimizer(tt.optim.SGD([w], lr=0.1, **options))


def test_options_are_those_of_the_optimizer_within():
    _, optimizer = wrapped(momentum=0.5)
    optimizer.lr, optimizer.momentum = 0.3, 0.7
    assert (optimizer.optimizer.lr, optimizer.optimizer.momentum, optimizer.momentum) == (0.3, 0.7, 0.7)
    assert optimizer.state_dict() == optimizer.optimizer.state_dict()
    assert "rank 0 of 1" in repr(optimizer)
    with pytest.raises(AttributeError, match="speed"):
        optimizer.speed


def test_after_the_end_the_optimizer_within_is_free():
    w, optimizer = wrapped()
    with pytest.raises(RuntimeError, match=r"call step\(samples=…\) of that one"):
        optimizer.optimizer.step()
    optimizer.finish()
    optimizer.finish()
    w.grad = np.ones(2, np.float32)
    with pytest.raises(RuntimeError, match="it is finished"):
        optimizer.step(samples=1)
    optimizer.optimizer.step()
    np.testing.assert_allclose(w.data, [0.9, 1.9])


def test_a_step_is_told_the_samples():
    w, optimizer = wrapped()
    (w * w).sum().backward()
    with pytest.raises(TypeError, match=r"step\(samples=len\(xb\)\)"):
        optimizer.step()
    optimizer.synchronize(samples=3)
    optimizer.step()
    with pytest.raises(TypeError, match=r"step\(samples=len\(xb\)\)"):  # once for each step
        optimizer.step()
    for samples, kind in ((-1, ValueError), (float("nan"), ValueError), ("3", TypeError), (True, TypeError)):
        with pytest.raises(kind, match="DistributedOptimizer: samples"):
            optimizer.step(samples=samples)


def test_a_compiled_step_is_refused_alone_too():
    """A program that is tried on one process must not fail on a thousand."""
    w, optimizer = wrapped()

    @tt.compile
    def step():
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step(samples=1)

    with pytest.raises(tt.CompileError, match=r"optimizer.step\(samples=len\(x\)\)"):
        step()


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: mpi.DistributedOptimizer(tt.nn.Linear(2, 2)), TypeError, "expected an optimizer, got Linear"),
        (lambda: mpi.DistributedOptimizer(wrapped()[1]), ValueError, "part of one already"),
        (lambda: mpi.DistributedOptimizer(wrapped()[1].optimizer), ValueError, "part of one already"),
        (lambda: mpi.DistributedOptimizer(tt.optim.SGD([tt.Value(1.0)], lr=0.1)), TypeError, "use Tensors"),
        (lambda: mpi.rank(comm=3), TypeError, "a communicator of mpi4py, got int"),
        (lambda: mpi.batches([1, 2]), TypeError, "expected an ndarray"),
        (lambda: mpi.batches(np.zeros(3), batch_size=0), ValueError, "batch_size"),
        (lambda: mpi.batches(np.zeros(3), seed=-1), ValueError, "seed"),
        (lambda: mpi.part(3, 2, 2), ValueError, "below size=2"),
        (lambda: mpi.broadcast(model=3), TypeError, "which has no state"),
    ],
    ids=["no optimizer", "wrapped twice", "within another", "Value", "comm", "list", "no rows", "seed", "rank", "part"],
)
def test_refusals(make, kind, words):
    with pytest.raises(kind, match=words):
        make()


def test_without_mpi4py_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "mpi4py"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ImportError, match=r"pip install 'tinytensor\[mpi\]'"):
        mpi.rank()


def test_an_mpiexec_of_another_mpi_is_noticed(monkeypatch):
    """Each process would train alone, and write over the files of the others."""
    monkeypatch.setenv("PMI_SIZE", "4")
    with pytest.raises(RuntimeError, match="mpiexec started 4 processes, but each sees itself alone"):
        mpi.size()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16])
@pytest.mark.parametrize("n", [0, 1, 6, 7, 8, 100])
def test_parts_are_even(n, size):
    parts = [range(n)[mpi.part(n, rank, size)] for rank in range(size)]
    assert [row for rows in parts for row in rows] == list(range(n))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_importing_tinytensor_does_not_import_mpi():
    code = (
        "import sys, tinytensor; print(*[name for name in sys.modules if 'mpi4py' in name or 'tinytensor.mpi' in name])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
