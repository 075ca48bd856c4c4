"""Averages of disordered wires: numbers, time, memory and size of the file, against storing every member.

    python scripts/averages.py [MEMBERS]

Anderson wires of 50 sites with a probe on each, W = 1. Each run is a process of its own; the second of two
counts, whose programs are compiled.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import jaxtransport as jt

STATISTICS = ["mean", "error", "variance", "typical", "quantiles"]
WIRE = """\
[wire]
layout = "probes"
N = 50
gamma = 0.3
onsite = {{ pattern = "disorder", width = 1.0 }}
[drive]
mu_bar = 0.3
delta_mu = 0.1
[grid]
"onsite.seed" = {{ start = 0, stop = {last}, step = 1 }}
"""
AVERAGE = '[average]\nover = "onsite.seed"\n'
CONDUCTANCE = '[output]\nvariables = ["conductance"]\n'


def timed(name: str, text: str) -> tuple[float, float]:
    """Seconds and peak MB of the second of two runs."""
    Path(f"{name}.toml").write_text(text)
    command = [sys.executable, "-m", "jaxtransport", "run", f"{name}.toml", "-o", f"{name}.h5", "--quiet"]
    for _ in range(2):
        start = time.perf_counter()
        process = subprocess.Popen([*command, "--force"])
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            raise SystemExit(f"{name} failed")
    scale = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * scale / 1e6


def line(what: str, name: str, text: str) -> float:
    seconds, peak = timed(name, text)
    print(f"{what:<48}{seconds:>8.2f} s{peak:>8.0f} MB{os.path.getsize(f'{name}.h5') / 1e3:>12,.0f} kB")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("members", nargs="?", type=int, default=10**6)
    members = parser.parse_args().members
    os.environ.setdefault("PYTHONPATH", str(Path(jt.__file__).parents[1]))
    os.chdir(tempfile.mkdtemp())
    many, few = WIRE.format(last=members - 1), WIRE.format(last=999)
    all_statistics = f"{AVERAGE}statistics = {STATISTICS}\n{CONDUCTANCE}"
    line(f"conductance, all statistics, {1000:,} members", "few", few + all_statistics)
    line(f"conductance, all statistics, {members:,} members", "many", many + all_statistics)
    line("conductance of every member", "stored", many + CONDUCTANCE)
    ratios = []
    for _ in range(3):
        averaged = line("default output, mean and error", "averaged", many + AVERAGE)
        ratios.append(averaged / line("default output of every member", "every", many))
    print("averaging over storing:", ", ".join(f"{ratio:.2f}" for ratio in ratios))
    G, data = jt.load("stored.h5")["conductance"].values, jt.load("many.h5")
    expected = {
        "": G.mean(),
        "_error": G.std(ddof=1) / np.sqrt(len(G)),
        "_variance": G.var(ddof=1),
        "_typical": np.exp(np.log(np.abs(G)).mean()),
        "_quantiles": np.quantile(G, data["quantile"]),
    }
    for suffix, wanted in expected.items():
        off = np.max(np.abs(data[f"conductance{suffix}"].values / wanted - 1))
        print(f"conductance{suffix}: off by {off:.1e} of that of all members by NumPy")


if __name__ == "__main__":
    main()
