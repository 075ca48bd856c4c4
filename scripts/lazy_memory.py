"""Peak memory of reductions over a result that stays on disk: `jt.load(path, lazy=True)`.

    python scripts/lazy_memory.py [--gigabytes 2] [--folder /tmp]

Makes a result of that size (conductance, and the potentials along 48 sites) and reduces it, each time in a
process of its own. Measured is the largest resident memory of that process, as the kernel counts it.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

import jaxtransport as jt
from jaxtransport.store import files, results
from jaxtransport.sweep.grid import Axis, Grid
from jaxtransport.sweep.task import Task
from jaxtransport.variables import LINEAR

SITES, MU = 48, 5000
ROWS = 20  # written at once

REDUCTIONS = {
    "opened": lambda data: data.sizes,
    "mean of everything": lambda data: data.potential_forward.mean().values,
    "mean of solved points along mu_bar": lambda data: (
        data.potential_forward.where(data.status == 0).mean("mu_bar").values
    ),
    "standard deviation along gamma": lambda data: data.potential_forward.std("gamma").values,
    "largest of a difference": lambda data: (
        (data.potential_forward.mean("site") - data.conductance).max().values
    ),
    "quantiles along sites": lambda data: (
        data.potential_forward.quantile([0.05, 0.5, 0.95], "site").mean().values
    ),
}


def make(path: Path, gigabytes: float) -> None:
    """A result of about that many gigabytes, of random numbers."""
    count = max(ROWS, round(gigabytes * 1e9 / (MU * (SITES + 1) * 8)))
    axes = Axis("gamma", np.linspace(0.1, 1.0, count)), Axis("mu_bar", np.linspace(-1.9, 1.9, MU))
    variables = LINEAR["conductance"], LINEAR["potential_forward"]
    site = Axis("site", np.arange(1, SITES + 1))
    task = Task(Grid(axes), variables, evaluate=lambda point, free, shared: {}, extra=(site,))
    files.create(path, task, dict.fromkeys(results.ATTRIBUTES, ""))
    rng = np.random.default_rng(0)
    with h5py.File(path, "r+") as file:
        for start in range(0, count, ROWS):
            rows = slice(start, min(start + ROWS, count))
            for name in ("conductance", "potential_forward"):
                file[name][rows] = rng.uniform(size=file[name][rows].shape)
            file["status"][rows] = 0


def measure(path: Path, name: str) -> None:
    """Print the time and the peak memory of one reduction."""
    start = time.perf_counter()
    REDUCTIONS[name](jt.load(path, lazy=True))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux
    print(f"{name:<38}{peak:8.0f} MiB{seconds:8.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, default=None, help="where the file is made, and removed again")
    parser.add_argument("--measure", nargs=2, metavar=("FILE", "NAME"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(Path(given.measure[0]), given.measure[1])
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = Path(folder) / "large.h5"
        make(path, given.gigabytes)
        print(f"{path.stat().st_size / 1e9:.2f} GB")
        for name in REDUCTIONS:
            subprocess.run([sys.executable, __file__, "--measure", str(path), name], check=True)


if __name__ == "__main__":
    main()
