"""The machine: its cores and threads, and the versions of the libraries."""

import os
import platform
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "skorch")


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def n_threads() -> int:
    """Return the number of threads that this process was told to use."""
    return int(os.environ.get(THREAD_VARIABLES[0], n_cores()))


def machine() -> dict[str, Any]:
    """Describe the machine and the software.

    Returns
    -------
    machine : dict
        Processor, cores, threads and versions.
    """
    cpuinfo, cpu = Path("/proc/cpuinfo"), platform.processor() or platform.machine()
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "system": platform.system(),
        "cpu": cpu,
        "cores": n_cores(),
        "threads": n_threads(),
        "blas": f"{blas.get('name')} {blas.get('version', '')}",
        **versions,
    }
