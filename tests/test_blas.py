"""The BLAS's kernels: when tinytensor asks for better ones, all the cases in which it must not, and what info says."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import blas, threads
from tinytensor.__main__ import main
from tinytensor.blas import AVX2, AVX512, Cpu
from tinytensor.info import remedy, report

ZEN5 = Cpu("AuthenticAMD", 26, "AMD EPYC 9575F", AVX512 | AVX2)
SETTINGS = {blas.SWITCH, blas.CORETYPE, *threads.VARIABLES}

CPUINFO = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 26
model name\t: AMD EPYC 9575F: 64 cores
flags\t\t: fpu avx2 fma avx512f

processor\t: 1
vendor_id\t: other
"""


def in_child(code, **environ):
    """What a fresh Python prints, as JSON, with none of the settings but `environ`."""
    plain = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    done = subprocess.run(
        [sys.executable, "-c", code], env=plain | environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# ------------------------------------------------------------------------------------------ the CPU


def test_the_first_processor_is_read():
    cpu = blas.parse_cpu(CPUINFO)
    assert cpu == Cpu("AuthenticAMD", 26, "AMD EPYC 9575F: 64 cores", frozenset({"fpu", "avx2", "fma", "avx512f"}))


@pytest.mark.parametrize("text", ["", "\n", "cpu family : many\n", "no colon"])
def test_a_strange_cpuinfo_is_an_unknown_cpu(text):
    assert blas.parse_cpu(text) == Cpu()


@pytest.mark.parametrize(
    ("kernel", "flags", "better"),
    [
        ("Haswell", AVX512 | AVX2, "SkylakeX"),
        ("Zen", AVX512 | AVX2, "SkylakeX"),
        ("SkylakeX", AVX512 | AVX2, None),
        ("Cooperlake", AVX512 | AVX2, None),
        ("Prescott", AVX2, "Haswell"),
        ("Haswell", AVX2, None),
        ("Haswell", AVX512 | AVX2 - {"fma"}, None),
        ("Haswell", (AVX512 | AVX2) - {"avx512vl"}, None),
        ("Prescott", frozenset(), None),
        ("neoversen1", AVX512 | AVX2, None),
        (None, AVX512 | AVX2, None),
    ],
)
def test_a_better_kernel(kernel, flags, better):
    assert blas.narrower(kernel, Cpu(flags=flags)) == better


# --------------------------------------------------------------------- the kernel, before NumPy


@pytest.mark.parametrize(
    ("cpu", "environ", "modules", "kernel"),
    [
        (ZEN5, {}, [], "SkylakeX"),
        (ZEN5, {"TINYTENSOR_BLAS": "auto"}, [], "SkylakeX"),
        (ZEN5, {"TINYTENSOR_BLAS": ""}, [], "SkylakeX"),
        (ZEN5, {"OPENBLAS_NUM_THREADS": "1"}, [], "SkylakeX"),
        (ZEN5, {"TINYTENSOR_BLAS": "leave"}, [], None),
        (ZEN5, {"OPENBLAS_CORETYPE": "Haswell"}, [], None),
        (ZEN5, {"OPENBLAS_CORETYPE": ""}, [], None),
        (ZEN5, {}, ["numpy"], None),
        (Cpu("AuthenticAMD", 25, flags=ZEN5.flags), {}, [], None),
        (Cpu("GenuineIntel", 26, flags=ZEN5.flags), {}, [], None),
        (Cpu("AuthenticAMD", 26, flags=frozenset()), {}, [], None),
        (Cpu(), {}, [], None),
    ],
)
def test_the_kernel_to_ask_for(cpu, environ, modules, kernel):
    assert blas.wanted_kernel(cpu, environ, modules) == kernel


# blas.py by itself, on a Zen 5: the package would have imported NumPy before a test could say which CPU it is. The
# stand-in for NumPy notes what OpenBLAS would see; the kernels are named, not run, so that any CPU will do.
ALONE = """
import importlib.util, json, os, sys, types
class Finder:
    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "numpy" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        module.seen = os.environ.get("OPENBLAS_CORETYPE")
sys.meta_path.insert(0, Finder())
BEFORE
spec = importlib.util.spec_from_file_location("alone", FILE)
module = sys.modules["alone"] = importlib.util.module_from_spec(spec)
source = spec.loader.get_source("alone").replace("asked_for = import_numpy()", "")
exec(compile(source, FILE, "exec"), module.__dict__)
cpu = module.Cpu("AuthenticAMD", 26, "", module.AVX512 | module.AVX2)
asked = module.import_numpy(cpu)
import numpy
print(json.dumps([asked, numpy.seen, os.environ.get("OPENBLAS_CORETYPE")]))
""".replace("FILE", repr(blas.__file__))


@pytest.mark.parametrize(
    ("before", "environ", "expected"),
    [
        ("", {}, ["SkylakeX", "SkylakeX", None]),  # seen by OpenBLAS, and by no child process
        ("", {"OPENBLAS_CORETYPE": "Haswell"}, [None, "Haswell", "Haswell"]),
        ("", {"TINYTENSOR_BLAS": "leave"}, [None, None, None]),
        ("import numpy", {}, [None, None, None]),
    ],
    ids=["set", "by the user", "switched off", "NumPy first"],
)
def test_what_openblas_sees(before, environ, expected):
    assert in_child(ALONE.replace("BEFORE", before), **environ) == expected


def test_the_name_is_taken_back_where_numpy_fails(monkeypatch):
    environ = {}
    monkeypatch.delitem(sys.modules, "numpy")
    monkeypatch.setattr(blas.importlib, "import_module", lambda name: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        blas.import_numpy(ZEN5, environ)
    assert environ == {}


def test_the_package_decides_before_it_imports_numpy():
    code = """
import sys, json
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print(json.dumps("tinytensor.blas" in sys.modules))
sys.meta_path.insert(0, Finder())
import tinytensor
"""
    assert in_child(code) is True


# --------------------------------------------------------------------------------------------- info


def narrow(kernel="Haswell", better="SkylakeX"):
    info = tt.versions()
    return {**info, "blas": {**info["blas"], "kernel": kernel, "better kernel": better}}


def test_no_openblas(monkeypatch):
    monkeypatch.setattr(threads, "find_openblas", lambda: None)
    assert threads.make_share() is threads._leave
    info = tt.versions()
    assert info["blas"]["kernel"] is None
    assert "unknown (not OpenBLAS)" in report(info, remedy(info))


def test_versions_are_plain_values():
    info = tt.versions()
    assert info["numpy"] == np.__version__
    assert info["tinytensor"] == tt.__version__
    assert json.loads(json.dumps(info)) == info


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (1.8519, "set OPENBLAS_CORETYPE=SkylakeX in the environment before Python starts (measured just now: products 1.85 times"),
        (0.98, "but SkylakeX gains nothing here (measured just now: 0.98 times as fast)."),
        (None, "set OPENBLAS_CORETYPE=SkylakeX in the environment before Python starts."),
    ],
)  # fmt: skip
def test_the_remedy(monkeypatch, gain, words):
    monkeypatch.setattr("tinytensor.info.measured_gain", lambda now, better: gain)
    assert words in remedy(narrow())
    assert remedy(narrow(better=None)) is None


def test_the_gain_is_measured(monkeypatch):
    monkeypatch.setattr("tinytensor.info._seconds", lambda kernel: {"Haswell": 3.0, "SkylakeX": 2.0}[kernel])
    assert "1.50 times as fast" in remedy(narrow())


def test_child_processes_time_a_product():
    from tinytensor.info import measured_gain

    assert measured_gain(None, "", rounds=1) > 0  # the empty name: whatever OpenBLAS picks


def test_a_measurement_that_fails_is_none(monkeypatch):
    from tinytensor import info

    monkeypatch.setattr(info, "TIMING", "raise SystemExit(1)")
    assert info.measured_gain(None, "", rounds=1) is None


def test_info_for_people(capsys):
    main(["info", "--no-measure"])
    printed = capsys.readouterr().out
    tt.show_versions(measure=False)
    assert capsys.readouterr().out == printed
    assert f"numpy          {np.__version__}" in printed
    assert "BLAS kernel" in printed


def test_info_as_json(capsys):
    main(["info", "--json", "--no-measure"])
    info = json.loads(capsys.readouterr().out)
    assert "remedy" in info
    assert info["blas"].keys() >= {"library", "kernel", "threads"}


def test_a_command_is_needed(capsys):
    with pytest.raises(SystemExit):
        main([])
    assert "the following arguments are required: COMMAND" in capsys.readouterr().err
