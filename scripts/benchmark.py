"""How fast the kernels and whole sweeps are, against others and against the machine, in one run.

    python scripts/benchmark.py                    prints everything; some twenty minutes
    python scripts/benchmark.py --write            ... into docs/performance.md, and its picture
    python scripts/benchmark.py --lengths 30 300 --repeats 9 --only kernels
    python scripts/benchmark.py --only commands --write

Kernels compute conductance and Delta I of dimer wires at random mu_bar and gamma, each on one core;
"default" is what a sweep writes by default, with residual and outside_band; "profile" is conductance and
Delta I with potentials, heat and residual under both biases. Contenders run in turn, so that a drift of the
machine's speed meets all of them; figures are medians, with the spread (max - min) / median in brackets.
"off" is the largest deviation from NumPy, or from C where NumPy takes too long, in Delta I; "profile off"
that of the profile from C.

Commands are `jaxtransport run` and `zeros` on shipped sweep files, with an empty cache of compiled programs
and again. Sweeps are `jaxtransport run` as a whole process. "start" is a run that finds nothing left to do,
"compile" what a run with an empty compilation cache takes beyond one with a warm cache.
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

from jaxtransport.cli.app import FAILED
from jaxtransport.compute import xla

xla.compile_whole_loops()  # as the command line does

import jax

jax.config.update("jax_enable_x64", True)

import contenders
import numpy as np

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs/performance.md", ROOT / "docs/figures/performance.png"
CHAIN, DEFAULT, PROFILE, DENSE, NUMPY, BANDED = (
    "chain", "default", "profile", "dense", "NumPy", "SciPy loop",
)  # fmt: skip
DELTA_I = "ΔI"
# Functions of limit.c, by the contender that they are the limit of
LIMITS = {"leads": "C", "bounded": "C, bounded", "checked": "C, default", "profile": "C, profile"}
LIMIT, BOUNDED, CHECKED, WRITTEN = LIMITS.values()
OUTPUTS = {CHAIN: contenders.LEADS, DEFAULT: contenders.DEFAULT, PROFILE: contenders.PROFILE}
# Sites, of those that take long
MOST = {DENSE: 300, NUMPY: 300, BANDED: 1000, DEFAULT: 10**4, PROFILE: 10**4, CHECKED: 10**4, WRITTEN: 10**4}
SECONDS = 0.15  # of one measurement, at least
SHIPPED = ("map", "regimes", "fig6", "fig6_series", "dot", "trust_exact", "correspondence", "zeros_pair")
SWEEP = """
{output}
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
    parser.add_argument("--only", choices=["kernels", "commands"], help="the tables of these alone")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    arguments = parser.parse_args()
    parts, rows = {"machine": machine()}, {}
    if arguments.only != "commands":
        rows = {N: measure(N, arguments.repeats) for N in arguments.lengths}
        parts |= {"kernels": kernel_table(rows), "ratios": ratio_table(rows), "slopes": slopes(rows)}
    if arguments.only != "kernels":
        parts["commands"] = command_table(arguments.repeats)
    if arguments.only is None:
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
        if rows:
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
    wanted = {name: names for name, names in OUTPUTS.items() if MOST.get(name, N) >= N}
    packages = {name: contenders.package(N, "chain", names) for name, names in wanted.items()}
    if MOST[DENSE] >= N:
        packages[DENSE] = contenders.package(N, "dense", contenders.LEADS)
    run = {name: package.batch for name, package in packages.items()}
    tiles = {name: package.points for name, package in packages.items()}
    if MOST[NUMPY] >= N:
        run[NUMPY] = contenders.numpy_batches(N)
    if MOST[BANDED] >= N:
        run[BANDED] = contenders.banded_loop(N)
    for how, name in LIMITS.items():
        if (limit := contenders.limit(N, how)) is not None:
            run[name], tiles[name] = limit, contenders.WIDTH
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
    found["profile off"] = [contenders.profile_off(N)] if PROFILE in packages and LIMIT in run else []
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
    names = [CHAIN, DEFAULT, PROFILE, DENSE, NUMPY, BANDED, *LIMITS.values()]
    head = ["N", *names, "bytes a site", "default, bytes a site", "profile, bytes a site", "compile, s",
            "off", "profile off"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for N, row in rows.items():
        cells = [f"{N:,}"]
        for name in names:
            values = row.get(name)
            cells.append(_spread([value / 1e3 for value in values]) if values else "")
        for name in OUTPUTS:
            cells.append(f"{row[f'kept by {name}'][0]:.0f}" if name in row else "")
        cells += [f"{row['compile'][0]:.2f}", f"{row['off'][0]:.0e}"]
        cells.append(f"{row['profile off'][0]:.0e}" if row["profile off"] else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ratio_table(rows: dict[int, dict[str, list[float]]]) -> str:
    """Medians of the ratios of runs that followed each other."""
    pairs = [(DEFAULT, CHAIN), (PROFILE, CHAIN), (CHAIN, LIMIT), (CHAIN, BOUNDED), (DEFAULT, CHECKED),
             (PROFILE, WRITTEN), (NUMPY, CHAIN), (BANDED, CHAIN), (DENSE, CHAIN)]  # fmt: skip
    lines = ["| " + " | ".join(["N", *(f"{one} / {other}" for one, other in pairs)]) + " |"]
    lines.append("|" + "---:|" * (len(pairs) + 1))
    for N, row in rows.items():
        lines.append("| " + " | ".join([f"{N:,}", *(ratio(row, *pair) for pair in pairs)]) + " |")
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


def command_table(repeats: int) -> str:
    """`jaxtransport run` and `zeros` on shipped sweep files, as a user types them."""
    lines = [
        "| sweep file | points | first, s | again, s | its sweep, s | memory, MB |",
        "|---|" + "---:|" * 5,
    ]
    every = len(CORES) or os.cpu_count() or 1
    for name in SHIPPED:
        with tempfile.TemporaryDirectory() as folder:
            text = (ROOT / f"sweeps/{name}.toml").read_text(encoding="utf-8")
            (Path(folder) / "spec.toml").write_text(text, encoding="utf-8")
            command = "zeros" if "[search]" in text else "run"
            first = _run(folder, every, fresh=True, command=command)
            again = [_run(folder, every, fresh=True, command=command) for _ in range(repeats)]
        wall = [run["wall"] for run in again]
        told = again[-1]
        points = f"{told['points']:,}" if "points" in told else ""
        sweep = f"{middle([run['seconds'] for run in again]):.2f}" if "seconds" in told else ""
        memory = max(run["memory"] for run in again) / 1e6
        cells = [name, points, f"{first['wall']:.2f}", _spread(wall), sweep, f"{memory:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    """Median and spread."""
    return f"{middle(values):,.3g} ({np.ptp(values) / middle(values):.0%})"


def sweep_table(repeats: int, rows: dict[int, dict[str, list[float]]]) -> str:
    """Whole runs of `jaxtransport run`: on one core and on all, few points and many."""
    head = ["N", "output", "points", "cores", "wall, s", "start", "compile", "compute", "write",
            "ns a site and point", "all / C on one core"]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    cores = sorted({1, len(CORES) or os.cpu_count() or 1})
    small, large = [(30, 100, 100), (30, 1000, 1000)], [(8, 4000, 8000), (30, 4000, 8000), (300, 1000, 3000)]
    for output, cases in ((DELTA_I, [*small, *large]), (DEFAULT, large)):
        for case in cases:
            for count in cores:
                lines.append(_sweep(output, *case, count, repeats if output == DELTA_I else 3, rows))
    return "\n".join(lines)


def _sweep(output: str, N: int, gammas: int, mu_bars: int, cores: int, repeats: int, rows) -> str:
    wanted = 'output.variables = ["nonreciprocity"]' if output == DELTA_I else ""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "spec.toml"
        spec.write_text(SWEEP.format(output=wanted, N=N, gammas=gammas, mu_bars=mu_bars))
        cold = _run(folder, cores, fresh=True)
        warm = [_run(folder, cores, fresh=True) for _ in range(repeats)]
        again = [_run(folder, cores, fresh=False) for _ in range(3)]
    points = gammas * mu_bars
    wall = [run["wall"] for run in warm]
    start = middle([run["wall"] for run in again])
    write = middle([run["writing_seconds"] for run in warm])
    compute = middle(wall) - start - write
    name = LIMIT if output == DELTA_I else CHECKED
    limit = middle(rows[N][name]) * points / 1e9 if N in rows and name in rows[N] else None
    cells = [
        str(N), output, f"{points:,}", str(cores), f"{middle(wall):.2f} ({np.ptp(wall) / middle(wall):.0%})",
        f"{start:.2f}", f"{max(0.0, cold['wall'] - middle(wall)):.2f}", f"{compute:.2f}", f"{write:.2f}",
        f"{1e9 * compute / points / N:.2f}", f"{middle(wall) / limit:.2f}" if limit else "",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _run(folder: str, cores: int, *, fresh: bool, command: str = "run") -> dict[str, float]:
    """`jaxtransport run` or `zeros` in a folder, into a new file if `fresh`; seconds, and bytes."""
    output = Path(folder) / "out.h5"
    if fresh:
        output.unlink(missing_ok=True)
    line = [sys.executable, "-m", "jaxtransport", command, "spec.toml", "-o", "out.h5", "--json"]
    environment = {**os.environ, "XDG_CACHE_HOME": folder, "PYTHONPATH": str(ROOT)}

    if CORES:
        os.sched_setaffinity(0, CORES[-cores:])  # the run inherits it
    start = time.perf_counter()
    quiet = subprocess.DEVNULL
    with subprocess.Popen(line, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=quiet) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.005)
        wall = time.perf_counter() - start
        assert process.stdout is not None
        told = process.stdout.read()
    if process.returncode not in (0, FAILED):  # some points have no solution
        raise SystemExit(f"a sweep ended with {process.returncode}")
    return {"wall": wall, "memory": peak, **json.loads(told)}


def _memory(pid: int) -> int:
    """Peak so far of a process, in bytes; 0 where there is no /proc."""
    found = [line.split() for line in _lines(f"/proc/{pid}/status") if line.startswith("VmHWM")]
    return 1024 * int(found[0][1]) if found else 0


def draw(rows: dict[int, dict[str, list[float]]]) -> None:
    """Time of a point against N, all contenders."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    from jaxtransport.plot import style

    with mpl.rc_context({**style.RC, "backend": "agg"}):
        figure, axes = plt.subplots(figsize=(6.4, 4.4))
        for name in (BANDED, NUMPY, DENSE, PROFILE, DEFAULT, CHAIN, LIMIT):
            reached = [N for N in rows if name in rows[N]]
            if reached:
                axes.loglog(reached, [middle(rows[N][name]) / 1e3 for N in reached], "o-", ms=3, label=name)
        axes.set(xlabel="length $N$", ylabel="time of a point on one core (µs)")
        axes.legend()
        figure.savefig(PICTURE, dpi=160)


if __name__ == "__main__":
    main()
