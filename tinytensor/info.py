"""What NumPy computes with here: versions, the BLAS and its kernels, threads, the CPU.

``python -m tinytensor info`` prints it. It changes nothing: see ``blas.py`` and ``threads.py``.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from . import blas, threads

OPTIONAL = ("scikit-learn", "matplotlib", "threadpoolctl", "torch", "hypothesis")

WORTH_IT = 1.05  # a gain below that is within the noise

# What a child process times: products of the size of a layer, on one thread.
TIMING = """
import time
import numpy as np
x = np.ones((512, 512), np.float32)
end = time.perf_counter() + 0.05
times = []
while time.perf_counter() < end or len(times) < 5:
    start = time.perf_counter()
    x @ x
    times.append(time.perf_counter() - start)
print(min(times))
"""


def _version(package: str) -> str | None:
    import importlib.metadata  # here, as below: import tinytensor should not wait for what few programs need

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, Any]:
    """What `show_versions` prints, as a dict of plain values.

    Returns
    -------
    dict
        ``tinytensor``, ``python``, ``numpy``, ``system``; ``packages``, those of the optional ones that are installed;
        ``cpu`` and ``blas``, each a dict. Nothing is measured.

    Examples
    --------
    >>> import tinytensor as tt
    >>> info = tt.versions()
    >>> info["numpy"] == np.__version__, sorted(info["cpu"])
    (True, ['cores', 'features', 'model'])
    """
    import platform

    from . import __version__

    config: Any = np.show_config(mode="dicts")
    library = config.get("Build Dependencies", {}).get("blas", {})
    openblas, cpu = threads.find_openblas(), blas.this_cpu()
    kernel = openblas.kernel if openblas else None
    return {
        "tinytensor": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: version for name in OPTIONAL if (version := _version(name))},
        "cpu": {
            "model": cpu.model or platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "features": config.get("SIMD Extensions", {}).get("found", []),
        },
        "blas": {
            "library": f"{library.get('name', 'unknown')} {library.get('version', '')}".strip(),
            "config": openblas.config if openblas else None,
            "kernel": kernel,
            "set by tinytensor": blas.asked_for,
            "better kernel": blas.narrower(kernel, cpu),
            "threads": openblas.get_threads() if openblas else None,
            "threads left because": threads.reason_to_leave(openblas),
        },
    }


def _seconds(kernel: str | None) -> float:
    """How long a child process with `kernel` (None: the one in use here) takes for a product."""
    import subprocess

    environ = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    if kernel is not None:
        environ[blas.CORETYPE] = kernel
    done = subprocess.run(
        [sys.executable, "-c", TIMING], env=environ, capture_output=True, text=True, timeout=30, check=True
    )
    return float(done.stdout)


def measured_gain(now: str | None, better: str, rounds: int = 2) -> float | None:
    """How many times as fast a product of two 512 x 512 float32 matrices is with `better` as with the kernel `now`.

    Measured in short child processes on one thread, in turns; None where that fails.
    """
    import subprocess

    try:
        times = [(_seconds(now), _seconds(better)) for _ in range(rounds)]
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return min(old for old, _ in times) / min(new for _, new in times)


def remedy(info: dict[str, Any], measure: bool = True) -> str | None:
    """One sentence, where the kernel is narrower than the CPU: what to do, and what it gains.

    Examples
    --------
    >>> advice = remedy({"blas": {"kernel": "Haswell", "better kernel": "SkylakeX"}}, measure=False)
    >>> advice.partition(": ")[2]
    'set OPENBLAS_CORETYPE=SkylakeX in the environment before Python starts.'
    """
    now, better = info["blas"]["kernel"], info["blas"]["better kernel"]
    if better is None:
        return None
    gain = measured_gain(now, better) if measure else None
    start = f"OpenBLAS uses its {now} kernels, narrower than this CPU"
    if gain is not None and gain < WORTH_IT:
        return f"{start}, but {better} gains nothing here (measured just now: {gain:.2f} times as fast)."
    measured = f" (measured just now: products {gain:.2f} times as fast)" if gain is not None else ""
    return f"{start}: set {blas.CORETYPE}={better} in the environment before Python starts{measured}."


def report(info: dict[str, Any], advice: str | None = None) -> str:
    """`info`, in lines for people."""
    cpu, library = info["cpu"], info["blas"]
    kernel = library["kernel"] or "unknown (not OpenBLAS)"
    if library["set by tinytensor"]:
        kernel += " (set by tinytensor: OpenBLAS takes this CPU for a lesser one)"
    why = library["threads left because"]
    lines = {
        **{key: info[key] for key in ("tinytensor", "python", "numpy", "system")},
        **info["packages"],
        "CPU": f"{cpu['model']}, {cpu['cores']} cores",
        "CPU features": " ".join(cpu["features"]),
        "BLAS": library["library"],
        "BLAS config": library["config"] or "unknown",
        "BLAS kernel": kernel,
        "BLAS threads": f"{library['threads'] or 'unknown'} ({f'left alone: {why}' if why else 'shared with others'})",
    }
    width = max(map(len, lines))
    text = "\n".join(f"{key:<{width}}  {value}" for key, value in lines.items())
    return text if advice is None else f"{text}\n\n{advice}"


def show_versions(measure: bool = True) -> None:
    """Print versions, the BLAS library, its kernels and threads, and what the CPU can do.

    Where the kernels are narrower than the CPU, one sentence more says what to set.

    Parameters
    ----------
    measure : bool, default True
        Measure what the remedy gains, in about a second; only where there is one.

    See Also
    --------
    versions : the same as a dict.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.show_versions(measure=False)  # doctest: +ELLIPSIS
    tinytensor ...
    """
    info = versions()
    print(report(info, remedy(info, measure)))
