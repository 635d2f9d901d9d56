"""The parent's end of the pipe: start a contestant with the same number of threads as all others, and ask it."""

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
THREADS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
SETTLE = 0.15  # seconds in which the threads of the one before fall asleep: OpenBLAS's spin for 0.03 to 0.1


class Skipped(Exception):
    """A contestant can't take part; the words say why."""


def cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def environment(threads=None, **extra):
    """The environment of a contestant: as many threads for all, or with None what a user gets without settings."""
    env = {k: v for k, v in os.environ.items() if k not in (*THREADS, "OPENBLAS_CORETYPE", "OMP_WAIT_POLICY")}
    if threads is not None:
        env |= dict.fromkeys(THREADS, str(threads))
    # JAX has no setting for its threads: it counts the cores, of which it sees `threads` (see `pin`).
    env |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    return env | extra


def pin(pid, threads):
    """Leave a process as many cores as it has threads, where the system can."""
    if threads is not None and threads < cores() and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, sorted(os.sched_getaffinity(0))[:threads])


def cpu_seconds(pid):
    """The processor time that a process has used with all its threads; None where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Worker:
    """A process with one contestant: ``name`` is its module, ``/`` and a BLAS kernel where one is set."""

    def __init__(self, name, threads, timeout=300.0, pinned=True, **extra):
        self.name, self.timeout = name, timeout
        module, _, kernel = name.partition("/")
        if kernel:
            extra["OPENBLAS_CORETYPE"] = kernel
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed in `close`
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, text=True, env=environment(threads, **extra), cwd=ROOT,
        )  # fmt: skip
        if pinned:
            pin(self.process.pid, threads)
        self.idle = [0.0, 0.0]  # processor time used while nobody asked, and how long that was
        self._asleep = None
        try:
            self.about = self.receive()
        except BaseException:
            self.close()
            raise

    def send(self, do, **request):
        """Ask without waiting for the answer."""
        if self._asleep and (now := cpu_seconds(self.process.pid)) is not None:
            self.idle[0] += now - self._asleep[0]
            self.idle[1] += time.perf_counter() - self._asleep[1]
        self._asleep = None
        try:
            print(json.dumps({"do": do, **request}), file=self.process.stdin, flush=True)
        except OSError:
            raise Skipped(self.last_words()) from None

    def receive(self):
        """The answer; an error of the contestant is raised as Skipped."""
        if not select.select([self.process.stdout], [], [], self.timeout)[0]:
            self.process.kill()
            raise Skipped(f"no answer in {self.timeout:.0f} seconds")
        line = self.process.stdout.readline()
        if not line:
            raise Skipped(self.last_words())
        answer = json.loads(line)
        if reason := answer.get("missing") or answer.get("error"):
            raise Skipped(reason)
        return answer

    def ask(self, do, **request):
        """Ask and wait for the answer, and then until the threads sleep."""
        self.send(do, **request)
        answer = self.receive()
        if do == "measure":
            time.sleep(SETTLE)
            if (used := cpu_seconds(self.process.pid)) is not None:
                self._asleep = used, time.perf_counter()
        return answer

    def last_words(self):
        """Why a process ended."""
        code = self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines() or ["it said nothing"]
        return f"it ended with code {code}: {lines[-1][:160]}"

    def close(self):
        """End the process."""
        with contextlib.suppress(OSError):  # it may be dead, with a request on its way
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()
