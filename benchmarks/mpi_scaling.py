"""What an Allreduce costs, and what a step computes beside it: the measurements under ``docs/scaling.md``.

    .venv/bin/python -m benchmarks.mpi_scaling            # with 1, 2 and 4 ranks, into docs/scaling.json
    .venv/bin/python -m benchmarks.mpi_scaling --ranks 2  # print only

It starts itself by ``mpiexec``. On one machine the ranks share its cores and memory, so that what is measured with more
ranks than free cores says little about a cluster; that is modelled from the parts.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import tinytensor as tt  # before NumPy: it chooses NumPy's BLAS kernels

import numpy as np  # isort: skip

from . import machine

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "docs" / "scaling.json"
NETWORKS = {"M": [64, 128, 64, 10], "L": [784, 512, 256, 10]}  # those of the other benchmarks
ROWS = (1, 4, 16, 64, 256, 1024)
BYTES = [4**k for k in range(1, 14)]  # 4 B to 64 MiB
ENVIRONMENT = {  # by root, on fewer cores than ranks, beside other work
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}


def timed(function, comm, seconds=0.4, most=400):
    """The seconds of a call: the median, the least, how many; and the median of the processor's seconds.

    Those do not count the time in which another process has the core. All ranks make the same number of calls.
    """
    from mpi4py import MPI

    function()
    begin = time.perf_counter()
    function()
    estimate = np.array(time.perf_counter() - begin)
    comm.Allreduce(MPI.IN_PLACE, estimate, MPI.MAX)
    times, cpu = [], []
    for _ in range(int(min(most, max(7, seconds / max(float(estimate), 1e-9))))):
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        function()
        times.append(time.perf_counter() - begin)
        cpu.append(time.thread_time() - begin_cpu)
    middle = statistics.median
    return {"median": middle(times), "least": min(times), "processor": middle(cpu), "calls": len(times)}


def allreduces(comm):
    """The time of an Allreduce of float32, by bytes."""
    from mpi4py import MPI

    found = []
    for count in BYTES:
        array = np.zeros(count // 4, np.float32)
        found.append({"bytes": count, **timed(lambda a=array: comm.Allreduce(MPI.IN_PLACE, a), comm)})
    return found


def steps(comm, name, rows_of):
    """The parts of a step of one rank: gradients, copies to and from the buffer, Allreduce, update."""
    from mpi4py import MPI

    from tinytensor import mpi

    sizes = NETWORKS[name]
    rng = np.random.default_rng(0)
    model = tt.nn.MLP(sizes[0], sizes[1:], generator=rng)
    optimizer = mpi.DistributedOptimizer(tt.optim.SGD(model.parameters(), lr=1e-4))
    inner = optimizer.optimizer

    @tt.compile
    def gradients(x, y):
        optimizer.zero_grad()
        loss = tt.nn.cross_entropy(model(x), y)
        loss.backward()
        return loss

    found = []
    for rows in rows_of:
        x, y = rng.standard_normal((rows, sizes[0])).astype(np.float32), rng.integers(0, sizes[-1], rows)

        def copies(rows=rows):
            optimizer._buffer.fill(rows)
            optimizer._buffer.take()

        def whole(x=x, y=y):
            gradients(x, y)
            optimizer.step(samples=len(x))

        gradients(x, y)
        parts = {"gradients": timed(lambda x=x, y=y: gradients(x, y), comm), "step": timed(whole, comm)}
        parts |= {"copies": timed(copies, comm), "update": timed(lambda: type(inner).step(inner), comm)}
        buffer = optimizer._buffer.array.copy()
        parts["allreduce"] = timed(lambda b=buffer: comm.Allreduce(MPI.IN_PLACE, b), comm)
        found.append({"rows": rows, "bytes": buffer.nbytes, **parts})
    optimizer.finish()
    return found


def adding(comm):
    """Seconds per byte to add one array of float32 to another that is not in the cache."""
    a, b = np.ones(2**24, np.float32), np.ones(2**24, np.float32)
    return timed(lambda: np.add(a, b, out=a), comm)["median"] / a.nbytes


def worker():
    """What one start of the ranks measures; rank 0 prints it."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    found = {"ranks": comm.size, "mpi": MPI.Get_library_version().split(",")[0]}
    if comm.size > 1:
        found["allreduce"] = allreduces(comm)
    else:
        found["adding"] = adding(comm)
    found["steps"] = {name: steps(comm, name, ROWS if comm.size == 1 else (64, 256)) for name in NETWORKS}
    if comm.rank == 0:
        print(json.dumps(found))


def run(ranks):
    """The measurements of a number of ranks."""
    mpiexec = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if mpiexec is None:
        raise SystemExit("no mpiexec: pip install 'tinytensor[mpi]'")
    command = [mpiexec, "-n", str(ranks), sys.executable, "-m", "benchmarks.mpi_scaling", "--worker"]
    environment = os.environ | ENVIRONMENT
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def show(found):
    print(f"{found['ranks']} ranks")
    for row in found.get("allreduce", ()):
        median, least = row["median"] * 1e6, row["least"] * 1e6
        print(f"  Allreduce {row['bytes']:>10,} bytes: median {median:9.1f} µs, least {least:9.1f}")
    for network, rows in found["steps"].items():
        for row in rows:
            print(
                f"  {network}, {row['rows']} rows of each rank, {row['bytes']:,} bytes, processor's (and all) µs:",
                end="",
            )
            for part in ("gradients", "copies", "allreduce", "update", "step"):
                print(f" {part} {row[part]['processor'] * 1e6:.0f} ({row[part]['median'] * 1e6:.0f})", end="")
            print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, help="only so many, and write nothing")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker()
    elif options.ranks:
        show(run(options.ranks))
    else:
        about = machine.describe()
        results = [run(ranks) for ranks in (1, 2, 4)]
        for found in results:
            show(found)
        RESULT.write_text(json.dumps({"machine": about, "runs": results}, indent=1, ensure_ascii=False) + "\n")
        print(f"written to {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
