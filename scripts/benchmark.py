"""How fast the kernels and whole sweeps are, against others and against the machine, in one run.

    python scripts/benchmark.py                    prints everything; some five minutes
    python scripts/benchmark.py --write            ... into docs/performance.md, and its picture
    python scripts/benchmark.py --lengths 30 300 --repeats 9 --no-sweeps

Kernels compute conductance and Delta I of dimer wires at random mu_bar and gamma, each on one core; "profile"
adds potentials, heat and residual under both biases. Contenders run in turn, so that a drift of the machine's
speed meets all of them; figures are medians, with the spread (max - min) / median in brackets. "off" is the
largest deviation from NumPy, or from C where NumPy takes too long, in Delta I.

Sweeps are `jaxtransport run` as a whole process. "start" is a run that finds nothing left to do, "compile"
what a run with an empty compilation cache takes beyond one with a warm cache.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
# One core for every kernel, settled before any library starts its threads.
if CORES:
    os.sched_setaffinity(0, CORES[-1:])
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from jaxtransport.compute import xla

xla.compile_whole_loops()  # as the command line does

import jax

jax.config.update("jax_enable_x64", True)

import contenders
import numpy as np

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs/performance.md", ROOT / "docs/figures/performance.png"
CHAIN, PROFILE, DENSE, NUMPY, BANDED, LIMIT = (
    "chain", "chain, profile", "dense", "NumPy", "SciPy loop", "C limit",
)  # fmt: skip
MOST = {DENSE: 300, NUMPY: 300, BANDED: 1000, PROFILE: 10**4}  # sites, of those that take long
SECONDS = 0.15  # of one measurement, at least
SWEEP = """
output.variables = ["nonreciprocity"]
[wire]
layout = "dimers"
N = {N}
[drive]
delta_mu = 0.1
injection = 0.05
[grid]
gamma = {{ start = 0.1, stop = 1.0, num = {gammas} }}
mu_bar = {{ start = -1.9, stop = 1.9, num = {mu_bars} }}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[10, 30, 100, 300, 1000, 10**4, 10**5])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-sweeps", action="store_true", help="kernels alone")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    arguments = parser.parse_args()
    rows = {N: measure(N, arguments.repeats) for N in arguments.lengths}
    parts = {"machine": machine(), "kernels": kernel_table(rows), "slopes": slopes(rows)}
    if not arguments.no_sweeps:
        parts["alone"] = alone_table()
        parts["sweeps"] = sweep_table(arguments.repeats, rows)
    for text in parts.values():
        print(text, end="\n\n")
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        for name, text in parts.items():
            begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
            page = re.sub(
                f"{begin}.*?{end}", lambda _, t=text, b=begin, e=end: f"{b}{t}\n{e}", page, flags=re.S
            )
        PAGE.write_text(page, encoding="utf-8")
        draw(rows)


def machine() -> str:
    name = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    about = f"{name}, {len(CORES) or os.cpu_count()} cores; Python {platform.python_version()}"
    return f"{about}, JAX {jax.__version__}, NumPy {np.__version__}."


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def measure(N: int, repeats: int) -> dict[str, list[float]]:
    """Nanoseconds a point of every contender that takes part at N; "off"; "compile" in seconds."""
    rng = np.random.default_rng(N)
    packages = {CHAIN: contenders.package(N, "chain", contenders.LEADS)}
    if MOST[PROFILE] >= N:
        packages[PROFILE] = contenders.package(N, "chain", contenders.PROFILE)
    if MOST[DENSE] >= N:
        packages[DENSE] = contenders.package(N, "dense", contenders.LEADS)
    run = {name: package.batch for name, package in packages.items()}
    tiles = {name: package.points for name, package in packages.items()}
    if MOST[NUMPY] >= N:
        run[NUMPY] = contenders.numpy_batches(N)
    if MOST[BANDED] >= N:
        run[BANDED] = contenders.banded_loop(N)
    if (limit := contenders.limit(N)) is not None:
        run[LIMIT], tiles[LIMIT] = limit, contenders.WIDTH
    run = {name: function for name, function in run.items() if MOST.get(name, N) >= N}

    def timed(name: str, points: int) -> float:
        mu_bar, gamma = rng.uniform(-1.9, 1.9, points), rng.uniform(0.1, 0.9, points)
        start = time.perf_counter()
        run[name](mu_bar, gamma)
        return (time.perf_counter() - start) / points

    points = {}
    for name in run:
        tile = tiles.get(name, max(1, 10**6 // N**2))
        timed(name, tile)
        points[name] = tile * max(1, round(SECONDS / timed(name, tile) / tile))
    found: dict[str, list[float]] = {name: [] for name in run}
    for _ in range(repeats):
        for name in run:
            found[name].append(1e9 * timed(name, points[name]))
    few = max(tiles.values()) if NUMPY not in run else tiles[CHAIN]
    mu_bar, gamma = rng.uniform(-1.9, 1.9, few), rng.uniform(0.1, 0.9, few)
    check = 32 if N > 100 else 320
    exact = run[NUMPY if NUMPY in run else LIMIT] if NUMPY in run or LIMIT in run else run[CHAIN]
    off = np.abs(
        run[CHAIN](mu_bar[: tiles[CHAIN]], gamma[: tiles[CHAIN]])[1][:check]
        - exact(mu_bar[:check], gamma[:check])[1]
    )
    kept = {f"kept by {name}": [package.kept] for name, package in packages.items()}
    return {**found, **kept, "off": [float(np.max(off))], "compile": [packages[CHAIN].compiling]}


def middle(values: list[float]) -> float:
    return float(np.median(values))


def ratio(row: dict[str, list[float]], one: str, other: str) -> str:
    """Median of the ratios of runs that followed each other; "" if either did not take part."""
    if one not in row or other not in row:
        return ""
    return f"{np.median(np.array(row[one]) / np.array(row[other])):,.3g}"


def kernel_table(rows: dict[int, dict[str, list[float]]]) -> str:
    names = [CHAIN, PROFILE, DENSE, NUMPY, BANDED, LIMIT]
    head = ["N", *names, "chain / C", "NumPy / chain", "SciPy / chain", "dense / chain",
            "chain, ns a site", "bytes a site", "profile, bytes a site", "compile, s", "off"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for N, row in rows.items():
        cells = [f"{N:,}"]
        for name in names:
            values = row.get(name)
            cells.append(_spread([value / 1e3 for value in values]) if values else "")
        pairs = ((CHAIN, LIMIT), (NUMPY, CHAIN), (BANDED, CHAIN), (DENSE, CHAIN))
        cells += [ratio(row, *pair) for pair in pairs]
        cells.append(f"{middle(row[CHAIN]) / N:.2f}")
        for name in (CHAIN, PROFILE):
            cells.append(f"{row[f'kept by {name}'][0]:.0f}" if name in row else "")
        cells += [f"{row['compile'][0]:.2f}", f"{row['off'][0]:.0e}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def slopes(rows: dict[int, dict[str, list[float]]]) -> str:
    """Exponents of N, from the longest wires of each: least squares in logarithms."""
    out = []
    for name in (CHAIN, DENSE, NUMPY, BANDED, LIMIT):
        reached = [N for N in rows if name in rows[N] and (100 if name in (CHAIN, LIMIT) else 30) <= N]
        if len(reached) > 1:
            times = [middle(rows[N][name]) for N in reached]
            slope = np.polyfit(np.log(reached), np.log(times), 1)[0]
            out.append(f"{name} N^{slope:.2f} (N = {min(reached):,} to {max(reached):,})")
    return f"Cost of a point: {', '.join(out)}." if out else ""


def alone_table() -> str:
    """One wire by itself on one core: in a process like any, and in one that compiles whole loops."""
    head = ["N", "steps are calls: chain", "long", "chain / long", "whole loops: chain", "long", "off"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    lengths = [1000, 10**4, 10**5, 10**6]
    command = [sys.executable, str(ROOT / "scripts/alone.py"), *map(str, lengths)]
    found = []
    for flags in ("", f"{xla.WHOLE_LOOPS} {xla.WIDEST}"):
        environment = {**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": str(ROOT)}
        told = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
        found.append(json.loads(told))
    for N in lengths:
        for what in ("leads", "state"):
            calls, whole = ([told[f"{N} {kernel} {what}"] for kernel in ("chain", "long")] for told in found)
            cells = [f"{N:,}, {what}", *map(_spread, calls), f"{middle(calls[0]) / middle(calls[1]):.1f}"]
            off = f"{found[0][f'{N} off'][0]:.0e}" if what == "leads" else ""
            lines.append("| " + " | ".join([*cells, *map(_spread, whole), off]) + " |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    """Median and spread."""
    return f"{middle(values):,.3g} ({np.ptp(values) / middle(values):.0%})"


def sweep_table(repeats: int, rows: dict[int, dict[str, list[float]]]) -> str:
    """Whole runs of `jaxtransport run`: on one core and on all, few points and many."""
    head = ["N", "points", "cores", "wall, s", "start", "compile", "compute", "write", "ns a site and point",
            "all / C on one core"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    cores = sorted({1, len(CORES) or os.cpu_count() or 1})
    cases = [(30, 100, 100), (30, 1000, 1000), (30, 4000, 8000), (8, 4000, 8000), (300, 1000, 3000)]
    for N, gammas, mu_bars in cases:
        for count in cores:
            lines.append(_sweep(N, gammas, mu_bars, count, repeats, rows))
    return "\n".join(lines)


def _sweep(N: int, gammas: int, mu_bars: int, cores: int, repeats: int, rows) -> str:
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.toml"
        spec.write_text(SWEEP.format(N=N, gammas=gammas, mu_bars=mu_bars))
        cold = _run(folder, cores, fresh=True)
        warm = [_run(folder, cores, fresh=True) for _ in range(repeats)]
        again = [_run(folder, cores, fresh=False) for _ in range(3)]
    points = gammas * mu_bars
    wall = [run["wall"] for run in warm]
    start = middle([run["wall"] for run in again])
    write = middle([run["writing_seconds"] for run in warm])
    compute = middle(wall) - start - write
    limit = middle(rows[N][LIMIT]) * points / 1e9 if N in rows and LIMIT in rows[N] else None
    cells = [
        str(N), f"{points:,}", str(cores), f"{middle(wall):.2f} ({np.ptp(wall) / middle(wall):.0%})",
        f"{start:.2f}", f"{max(0.0, cold['wall'] - middle(wall)):.2f}", f"{compute:.2f}", f"{write:.2f}",
        f"{1e9 * compute / points / N:.2f}", f"{middle(wall) / limit:.2f}" if limit else "",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _run(folder: str, cores: int, *, fresh: bool) -> dict[str, float]:
    """`jaxtransport run` in a folder, into a new file if `fresh`; seconds."""
    output = Path(folder) / "out.h5"
    if fresh:
        output.unlink(missing_ok=True)
    command = [sys.executable, "-m", "jaxtransport", "run", "spec.toml", "-o", "out.h5", "--json"]
    environment = {**os.environ, "XDG_CACHE_HOME": folder, "PYTHONPATH": str(ROOT)}

    if CORES:
        os.sched_setaffinity(0, CORES[-cores:])  # the run inherits it
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = process.stdout.read()
    wall = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"a sweep ended with {process.returncode}")
    return {"wall": wall, **json.loads(told)}


def draw(rows: dict[int, dict[str, list[float]]]) -> None:
    """Time of a point against N, all contenders."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    from jaxtransport.plot import style

    with mpl.rc_context({**style.RC, "backend": "agg"}):
        figure, axes = plt.subplots(figsize=(6.4, 4.4))
        for name in (BANDED, NUMPY, DENSE, PROFILE, CHAIN, LIMIT):
            reached = [N for N in rows if name in rows[N]]
            if reached:
                axes.loglog(reached, [middle(rows[N][name]) / 1e3 for N in reached], "o-", ms=3, label=name)
        axes.set(xlabel="length $N$", ylabel="time of a point on one core (µs)")
        axes.legend()
        figure.savefig(PICTURE, dpi=160)


if __name__ == "__main__":
    main()
