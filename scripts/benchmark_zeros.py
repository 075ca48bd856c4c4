"""All zeros of many wires with one pair: `find_zeros` in one batch against a loop of SciPy's brentq.

    python scripts/benchmark_zeros.py                      1000 wires, N = 5 ... 30, gamma = .1 ... .95
    python scripts/benchmark_zeros.py --wires 200 --profile

Both call the same compiled kernel: the loop one wire at one energy at a time, as a script around a solver
does it, find_zeros all of them together. The loop comes in two kinds:

    scan        energies evenly spaced in u = arcsin(mu_bar / 2), brentq in every change of sign: of 2646
                changes of sign in 100 of the wires 500 energies miss 72, 1000 miss 12, 2000 none
    brackets    brentq alone, in brackets made from the zeros of the closed form

Loops run on a random sample of the wires and are scaled to all of them. Zeros count against the closed
forms; no loop sees those where Delta I does not change sign (mu_bar = 0 for odd N). Contenders run in
turn, so that a drift of the machine's speed meets them all. One core.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import os
import pstats
import time

# One core for everybody, settled before any library starts its threads.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import brentq

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.closed_forms import pair

EDGE, SITES = 1.995, 32
XTOL = 1e-13  # of brentq: as sharp as find_zeros
HIT = 1e-9  # a zero is found if one lies this near


def make(N: int, gamma: float) -> jt.Wire:
    """`Wire.pair` in arrays of `SITES`, by NumPy: no small compilations."""
    layout, coupling, strength = layouts.pair(N), np.zeros(SITES), np.zeros(SITES)
    coupling[:N] = np.where(layout.occupied(), gamma, 0.0)
    coupling[[0, N - 1]] = 1.0
    strength[:N] = layout.strength()
    hopping = np.where(np.arange(SITES - 1) < N - 1, 1.0, 0.0)
    return jt.Wire(np.zeros(SITES), hopping, coupling, strength, np.asarray(N))


def exact_zeros(N: int, gamma: float) -> np.ndarray:
    """Both families, each zero once."""
    zeros = np.sort(np.concatenate([pair.zeros_of_first_family(N), pair.zeros_of_second_family(N, gamma)]))
    zeros = zeros[np.diff(zeros, prepend=-3) > HIT]
    return zeros[np.abs(zeros) <= EDGE]


@jax.jit
def response(wire, mu_bar):
    """delta I / I_g: what the loop calls."""
    return jt.transmission(wire, mu_bar, kernel="chain").lead_response().injection


def by_scan(wire, scan):
    value = [float(response(wire, mu_bar)) for mu_bar in scan]
    return [
        brentq(lambda w: float(response(wire, w)), scan[i], scan[i + 1], xtol=XTOL)
        for i in range(len(scan) - 1)
        if (value[i] > 0) != (value[i + 1] > 0)
    ]


def by_brackets(wire, exact):
    """brentq between the midpoints to the neighbours: given, not searched for."""
    between = (exact[1:] + exact[:-1]) / 2
    edges = np.concatenate([[-EDGE], between, [EDGE]])
    out = []
    for low, high in itertools.pairwise(edges):
        if (float(response(wire, low)) > 0) != (float(response(wire, high)) > 0):
            out.append(brentq(lambda w: float(response(wire, w)), low, high, xtol=XTOL))
    return out


def count(found, exact) -> tuple[int, int]:
    """(exact zeros that were found, zeros found that are none)."""
    found = np.asarray(found)
    if not len(found) or not len(exact):
        return 0, len(found)
    off = np.abs(found[:, None] - exact)
    return int(np.sum(off.min(axis=0) < HIT)), int(np.sum(off.min(axis=1) >= HIT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--wires", type=int, default=1000)
    parser.add_argument("--sample", type=int, default=30, help="wires that the loops do")
    parser.add_argument("--scan", type=int, default=2000, help="energies of the loop's scan")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="where find_zeros spends its time")
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 31, arguments.wires)
    couplings = rng.uniform(0.1, 0.95, arguments.wires)
    pairs = list(zip(lengths.tolist(), couplings.tolist(), strict=True))
    wires, exact = [make(*each) for each in pairs], [exact_zeros(*each) for each in pairs]
    sample = rng.choice(arguments.wires, min(arguments.sample, arguments.wires), replace=False)
    on_device = [jax.tree.map(jnp.asarray, wires[i]) for i in sample]
    scan = 2 * np.sin(np.linspace(*np.arcsin([-EDGE / 2, EDGE / 2]), arguments.scan))

    run = {
        "find_zeros": lambda: jt.find_zeros(wires, over={"mu_bar": (-EDGE, EDGE)}),
        "scan": lambda: [by_scan(wire, scan) for wire in on_device],
        "brackets": lambda: [by_brackets(wire, exact[i]) for wire, i in zip(on_device, sample, strict=True)],
    }
    scale = {"find_zeros": 1.0} | dict.fromkeys(("scan", "brackets"), arguments.wires / len(sample))
    start = time.perf_counter()
    run["find_zeros"]()
    cold = time.perf_counter() - start
    response(on_device[0], 0.1)
    seconds: dict[str, list[float]] = {name: [] for name in run}
    result = {}
    for _ in range(arguments.repeats):
        for name, function in run.items():
            start = time.perf_counter()
            result[name] = function()
            seconds[name].append((time.perf_counter() - start) * scale[name])

    together = result["find_zeros"]
    split = np.split(together["mu_bar"].values, np.cumsum(together["zeros"].values)[:-1])
    counts = {
        "find_zeros": [count(found, zeros) for found, zeros in zip(split, exact, strict=True)],
        **{
            name: [count(found, exact[i]) for found, i in zip(result[name], sample, strict=True)]
            for name in ("scan", "brackets")
        },
    }
    there = {"find_zeros": sum(map(len, exact))} | dict.fromkeys(
        ("scan", "brackets"), sum(len(exact[i]) for i in sample)
    )
    table = Table(title=f"{arguments.wires} wires with one pair, one core; loops scaled from {len(sample)}")
    for column in ("", "s, median", "s, best", "ratio, median", "ratio, best", "zeros", "missed", "invented"):
        table.add_column(column, justify="right")
    for name, times in seconds.items():
        ratio = np.array(times) / np.array(seconds["find_zeros"])
        found, invented = np.sum(counts[name], axis=0)
        cells = (np.median(times), min(times), np.median(ratio), min(times) / min(seconds["find_zeros"]))
        table.add_row(
            name, *(f"{cell:.3g}" for cell in cells), *map(str, (found, there[name] - found, invented))
        )
    console = Console(width=120)
    console.print(table)
    console.print(f"scan: {arguments.scan} energies a wire; find_zeros with compilation: {cold:.2g} s")
    if arguments.profile:
        profile = cProfile.Profile()
        profile.runcall(run["find_zeros"])
        pstats.Stats(profile).sort_stats("cumulative").print_stats(35)


if __name__ == "__main__":
    main()
