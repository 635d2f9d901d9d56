"""The kernels that NumPy's BLAS computes with: the right ones, where OpenBLAS would pick slower ones.

OpenBLAS looks at the CPU once, when NumPy is first imported. It takes an AMD Zen 5 for a Haswell and leaves half
of each vector register idle (OpenMathLib/OpenBLAS#6029). This file is imported before everything else in tinytensor,
names the right kernels in the environment, imports NumPy and takes the name out again. It does nothing on other CPUs,
where NumPy is imported already, or where the user decided. Measurements and reasons: ``docs/blas.md``.
Read next: ``threads.py``.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass

SWITCH = "TINYTENSOR_BLAS"  # TINYTENSOR_BLAS=leave: tinytensor leaves kernels and threads as they are
CORETYPE = "OPENBLAS_CORETYPE"

# What the SkylakeX kernels are compiled for: on a CPU that lacks one of these they would crash.
AVX512 = frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"})
AVX2 = frozenset({"avx2", "fma"})

# (vendor, family) of the CPUs that OpenBLAS takes for lesser ones: Zen 5.
MISTAKEN = frozenset({("AuthenticAMD", 26)})

# How wide the vectors of a core type's kernels are, in bits.
WIDTHS = {
    "prescott": 128, "core2": 128, "nehalem": 128, "barcelona": 128, "sandybridge": 256, "haswell": 256, "zen": 256,
    "skylakex": 512, "cooperlake": 512, "sapphirerapids": 512,
}  # fmt: skip


@dataclass(frozen=True)
class Cpu:
    """A processor, as ``/proc/cpuinfo`` tells of it; empty where there is no such file."""

    vendor: str = ""
    family: int = 0
    model: str = ""
    flags: frozenset[str] = frozenset()


def parse_cpu(text: str) -> Cpu:
    """The first processor in the text of ``/proc/cpuinfo``.

    Examples
    --------
    >>> parse_cpu("vendor_id : AuthenticAMD\\ncpu family : 26\\nflags : fpu avx2\\n\\nvendor_id : x").family
    26
    """
    entries = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    fields = {key.strip(): value.strip() for key, _, value in entries}
    family = fields.get("cpu family", "")
    return Cpu(
        fields.get("vendor_id", ""),
        int(family) if family.isdecimal() else 0,
        fields.get("model name", ""),
        frozenset(fields.get("flags", "").split()),
    )


def this_cpu() -> Cpu:
    """The CPU of this machine."""
    try:
        with open("/proc/cpuinfo", "rb", buffering=0) as file:
            return parse_cpu(file.read(8192).decode(errors="replace"))  # one processor: not the whole of a large file
    except OSError:
        return Cpu()


def best_kernel(cpu: Cpu) -> str | None:
    """The core type with the widest vectors that `cpu` can run, in OpenBLAS's words; None where unknown.

    Examples
    --------
    >>> best_kernel(Cpu(flags=AVX512 | AVX2))
    'SkylakeX'
    """
    if cpu.flags >= AVX512 | AVX2:
        return "SkylakeX"
    return "Haswell" if cpu.flags >= AVX2 else None


def narrower(kernel: str | None, cpu: Cpu) -> str | None:
    """The core type to ask for where `kernel` is narrower than `cpu`; None where it is not, or is unknown.

    Examples
    --------
    >>> narrower("Haswell", Cpu(flags=AVX512 | AVX2))
    'SkylakeX'
    >>> narrower("SkylakeX", Cpu(flags=AVX512 | AVX2)) is None
    True
    """
    best, width = best_kernel(cpu), WIDTHS.get((kernel or "").lower())
    return best if best is not None and width is not None and width < WIDTHS[best.lower()] else None


def left_alone(environ: Mapping[str, str]) -> bool:
    """Whether the user switched off what tinytensor does about the BLAS.

    Examples
    --------
    >>> left_alone({"TINYTENSOR_BLAS": "leave"}), left_alone({})
    (True, False)
    """
    return environ.get(SWITCH, "auto").lower() not in ("", "auto")


def wanted_kernel(cpu: Cpu, environ: Mapping[str, str], modules: Collection[str]) -> str | None:
    """The core type that tinytensor should ask for before NumPy is imported; None to leave things alone.

    Examples
    --------
    >>> zen5 = Cpu("AuthenticAMD", 26, flags=AVX512 | AVX2)
    >>> wanted_kernel(zen5, {}, [])
    'SkylakeX'
    >>> wanted_kernel(zen5, {"OPENBLAS_CORETYPE": "Haswell"}, []) is None  # the user decided
    True
    """
    if left_alone(environ) or CORETYPE in environ or "numpy" in modules:
        return None
    return best_kernel(cpu) if (cpu.vendor, cpu.family) in MISTAKEN else None


def import_numpy(cpu: Cpu | None = None, environ: MutableMapping[str, str] = os.environ) -> str | None:
    """Import NumPy, with the right kernels; return the core type that was asked for, if any was.

    The name is taken out of the environment again: a child process may run on another machine, whose CPU would
    crash on these kernels.
    """
    kernel = wanted_kernel(cpu or this_cpu(), environ, sys.modules)
    if kernel is not None:
        environ[CORETYPE] = kernel
    try:
        importlib.import_module("numpy")
    finally:
        if kernel is not None:
            environ.pop(CORETYPE, None)
    return kernel


asked_for = import_numpy()
