"""The machine that a table came from: processor, cores, BLAS kernel, versions, commit."""

import datetime
import os
import platform
import re
import subprocess
from pathlib import Path

from .processes import ROOT, cores


def cpu():
    """The processor's name and flags, as Linux says them."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {"model": platform.processor() or platform.machine(), "avx512": False}
    fields = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())}
    model = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        model += f" (family {fields['cpu family']}, model {fields['model']})"
    return {"model": model, "avx512": "avx512f" in fields.get("flags", "").split()}


def blas(about):
    """The name of NumPy's BLAS and of its kernel, from what a worker with NumPy said; None where unknown."""
    for pool in about.get("pools", []):
        if pool["user_api"] == "blas":
            return {"name": f"{pool['internal_api']} {pool['version']}", "kernel": pool["architecture"]}
    return {"name": None, "kernel": None}


def commit():
    """The commit that was measured."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def describe():
    """Everything about the machine that is known before the contestants start."""
    return {
        "cpu": cpu(),
        "cores": cores(),
        "system": " ".join([platform.system(), *re.findall(r"^\d+\.\d+", platform.release()), platform.machine()]),
        "python": platform.python_version(),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
