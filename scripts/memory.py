"""What `jaxtransport validate` says of memory and time, against the process that runs the sweep.

    python scripts/memory.py                  every case, a row each; some minutes
    python scripts/memory.py exact long       those whose name has one of these words

Measured is the largest resident memory of `jaxtransport run` (of `zeros`), as the kernel counts it, and its
time on one device, its programs compiled anew. Of a search no time is promised.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WIRE = {"layout": "dimers", "N": 30, "gamma": 0.5}
DRIVE = {"mu_bar": 0.3, "delta_mu": 0.1, "injection": 0.05}
MU = {"start": -1.9, "stop": 1.9, "num": 400}
GAMMA = {"start": 0.1, "stop": 0.9, "num": 100}
FEW = {"start": -1.5, "stop": 1.5, "num": 20}
ALL = ["nonreciprocity", "potential_forward", "heat_forward", "heat_reverse", "residual"]

CASES: dict[str, dict] = {
    "one point": {},
    "linear, leads": {"grid": {"gamma": GAMMA, "mu_bar": MU}, "output": {"variables": ["nonreciprocity"]}},
    "linear, default variables": {"grid": {"gamma": GAMMA, "mu_bar": MU}},
    "linear, along the wire": {"grid": {"gamma": GAMMA, "mu_bar": MU}, "output": {"variables": ALL}},
    "linear, N = 1000": {"wire": {"N": 1000}, "grid": {"mu_bar": MU}, "output": {"variables": ALL}},
    "linear, N = 100 000": {"wire": {"N": 100_000}, "grid": {"mu_bar": FEW}},
    "linear, 10^7 points": {
        "wire": {"N": 8},
        "grid": {"gamma": {**GAMMA, "num": 1000}, "mu_bar": {**MU, "num": 10_000}},
        "output": {"variables": ["nonreciprocity"]},
    },
    "linear, bias axis of 10 000": {
        "grid": {"gamma": GAMMA, "delta_mu": {"start": 0.01, "stop": 0.2, "num": 10_000}}
    },
    "dense, N = 30": {"solve": {"kernel": "dense"}, "grid": {"mu_bar": MU}},
    "dense, N = 300": {"wire": {"N": 300}, "solve": {"kernel": "dense"}, "grid": {"mu_bar": FEW}},
    "behind barriers": {"wire": {"contact": 1e-6}, "grid": {"gamma": GAMMA, "mu_bar": MU}},
    "behind barriers, along the wire": {
        "wire": {"N": 100, "contact": 1e-6},
        "grid": {"gamma": GAMMA, "mu_bar": MU},
        "output": {"variables": ALL},
    },
    "series, N = 30": {"solve": {"law": "series"}, "grid": {"mu_bar": MU}},
    "series, N = 100": {"wire": {"N": 100}, "solve": {"law": "series"}, "grid": {"mu_bar": FEW}},
    "exact, T = 0": {"wire": {"N": 20}, "solve": {"law": "exact"}, "grid": {"mu_bar": MU}},
    "exact, T = 0.02": {
        "wire": {"N": 20},
        "solve": {"law": "exact", "temperature": 0.02},
        "drive": {"delta_mu": 1.0},
        "grid": {"mu_bar": {**FEW, "stop": 1.2, "start": -1.2}},
    },
    "exact, N = 100": {"wire": {"N": 100}, "solve": {"law": "exact"}, "grid": {"mu_bar": FEW}},
    "exact, dense": {
        "wire": {"N": 20},
        "solve": {"law": "exact", "kernel": "dense"},
        "grid": {"mu_bar": FEW},
    },
    "exact, a quantum dot": {
        "wire": {"layout": "pair", "N": 6, "contact": 0.05, "gamma": 0.05},
        "drive": {"injection": 0.001},
        "solve": {"law": "exact", "temperature": 0.001},
        "grid": {"mu_bar": FEW},
    },
    "exact, zeros on a line": {
        "wire": {"N": 8},
        "solve": {"law": "exact"},
        "search": {"mu_bar": [-1.5, 1.5]},
    },
    "classical": {"model": "classical", "grid": {"p": {"start": 0.1, "stop": 0.9, "num": 10_000}}},
    "circuit": {"model": "circuit", "grid": {"sigma": {"start": 0.1, "stop": 0.9, "num": 10_000}}},
    "zeros on a line": {"search": {"mu_bar": [-1.99, 1.99]}, "grid": {"gamma": GAMMA}},
    "curves of zeros": {
        "search": {"gamma": [0.1, 1.0], "mu_bar": [-1.9, 1.9]},
        "wire": {"layout": "pair", "N": 12},
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("words", nargs="*")
    words = parser.parse_args().words
    print("| case | promised, MB | measured, MB | ratio | promised, s | measured, s |")
    print("|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for name, case in CASES.items():
            if not words or any(word in name for word in words):
                promised, measured, told, took = trial(case, Path(folder))
                row = f"{promised / 1e6:,.0f} | {measured / 1e6:,.0f} | {measured / promised:.2f}"
                print(f"| {name} | {row} | {told:.1f} | {took:.1f} |", flush=True)


def trial(case: dict, folder: Path) -> tuple[int, int, float, float]:
    """Bytes promised and measured, seconds promised and measured."""
    (folder / "case.toml").write_text(toml(case))
    known = json.loads(
        subprocess.run(
            jaxtransport("validate", "case.toml", "--json"), cwd=folder, capture_output=True, check=True
        ).stdout
    )
    how = ("zeros",) if "search" in case else ("run", "--devices", "1")
    start = time.perf_counter()
    measured = peak(jaxtransport(*how, "case.toml", "-o", "case.h5", "--force", "--quiet"), folder)
    return known["memory_bytes"], measured, known.get("seconds", float("nan")), time.perf_counter() - start


def jaxtransport(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "jaxtransport", *arguments]


def peak(command: list[str], folder: Path) -> int:
    """Largest resident memory of a command."""
    fresh = {**os.environ, "XDG_CACHE_HOME": tempfile.mkdtemp(dir=folder)}
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=fresh)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def toml(case: dict) -> str:
    model = case.get("model", "quantum")
    wire = {
        "quantum": WIRE,
        "classical": {"layout": "dimers", "N": 30},
        "circuit": {"layout": "dimers", "N": 30},
    }[model]
    drive = {
        "quantum": DRIVE,
        "classical": {"delta_rho": 0.3, "injection": 0.2},
        "circuit": {"injection": 0.2},
    }[model]
    grid = case.get("grid", {})
    swept = {*grid, *case.get("search", {})}
    tables = {
        "wire": {**wire, **case.get("wire", {})},
        "drive": {**drive, **case.get("drive", {})},
        **{k: case[k] for k in ("solve", "output") if k in case},
    }
    tables = {
        name: {key: value for key, value in table.items() if key not in swept}
        for name, table in tables.items()
    }
    lines = [f'model = "{model}"']
    for name, table in {**tables, "grid": grid}.items():
        lines += [f"[{name}]", *(f"{key} = {inline(value)}" for key, value in table.items())]
    if "search" in case:
        lines += ["[search]", f"over = {inline(case['search'])}"]
    return "\n".join(lines)


def inline(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


if __name__ == "__main__":
    main()
