"""Time per point of the chain and dense kernels against plain batched NumPy, on one core, in one run.

    python scripts/benchmark.py                    N = 10, 30, 100, 300, 1000
    python scripts/benchmark.py --lengths 30 300 --repeats 9

Every contender computes the conductance and the nonreciprocity of dimer wires at random mu_bar and
gamma; "profile" adds potentials, heat and residual under both biases. Runs are interleaved, so that
a drift of the machine's speed meets all of them; the figures are medians, in microseconds a point,
with the spread (max - min) / median. "off" is the largest deviation from NumPy in Delta I.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace

# One core for everybody, settled before any library starts its threads.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from jaxtransport.models.quantum import make_task
from jaxtransport.sweep import spec as specs

DELTA_MU, INJECTION = 0.1, 0.05
LEADS = ("conductance", "nonreciprocity")
PROFILE = (*LEADS, "potential_forward", "potential_reverse", "heat_forward", "heat_reverse", "residual")


def numpy_batch(N, mu_bar, gamma):
    """The same numbers by np.linalg.inv and np.linalg.solve over a batch: G and Delta I."""
    root = np.sqrt(4 - mu_bar**2)[:, None]
    site = np.arange(N)
    coupling = np.where((site == 0) | (site == N - 1), 1.0, gamma[:, None])
    A = np.zeros((len(mu_bar), N, N), complex)
    A[:, site, site] = mu_bar[:, None] - coupling**2 / 2 * (mu_bar[:, None] - 1j * root)
    A[:, site[:-1], site[1:]] = A[:, site[1:], site[:-1]] = 1.0
    Gamma = coupling**2 * root
    T = np.abs(np.linalg.inv(A)) ** 2 * Gamma[:, :, None] * Gamma[:, None, :]
    T[:, site, site] = 0.0
    system = -T.copy()
    system[:, site, site] = T.sum(axis=2)
    middle = slice(1, N - 1)
    signs = np.broadcast_to((-1.0) ** np.arange(N - 2), (len(mu_bar), N - 2))
    biased = (T[:, middle, 0] - T[:, middle, -1]) / 2
    x = np.linalg.solve(system[:, middle, middle], np.stack([biased, signs], axis=-1))
    from_left = T[:, 0, middle]
    g = T[:, 0, -1] + np.sum(from_left * (0.5 - x[..., 0]), axis=1)
    r = np.sum(from_left * x[..., 1], axis=1)
    return g, np.abs(-g - INJECTION * r) - np.abs(g - INJECTION * r)


def jax_batch(N, kernel, names):
    """The same as a sweep does it: one point, vmap, jit; tiles of points that stay in cache."""
    spec = specs.parse(
        f"""
        [wire]
        layout = "dimers"
        N = {N}
        [drive]
        delta_mu = {DELTA_MU}
        injection = {INJECTION}
        [solve]
        kernel = "{kernel}"
        [grid]
        gamma = [0.5]
        mu_bar = [0.0]
        """
    )
    task = make_task(replace(spec, variables=names))
    shared, free = jax.tree.map(jnp.asarray, (task.shared(N), {"_": np.zeros(1)}))
    compiled = jax.jit(jax.vmap(task.evaluate, in_axes=(0, None, None)))
    tile = max(8, min(1024, 2**18 // N)) if kernel == "chain" else max(1, 2**16 // N**2)

    def batch(mu_bar, gamma):
        parts = [
            compiled({"mu_bar": mu_bar[i : i + tile], "gamma": gamma[i : i + tile]}, free, shared)
            for i in range(0, len(mu_bar), tile)
        ]
        jax.block_until_ready(parts)
        return [np.concatenate([part[name][:, 0] for part in parts]) for name in LEADS]

    return batch, tile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[10, 30, 100, 300, 1000])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    table = Table(title="microseconds a point on one core (median, spread); ratio: NumPy / chain")
    for column in ("N", "chain", "chain, profile", "dense", "NumPy", "ratio", "ns a site, chain", "off"):
        table.add_column(column, justify="right")
    for N in arguments.lengths:
        table.add_row(*measure(N, arguments.repeats))
    Console(width=120).print(table)


def measure(N: int, repeats: int) -> list[str]:
    """One row of the table."""
    rng = np.random.default_rng(N)
    contenders = {
        "chain": jax_batch(N, "chain", LEADS),
        "chain, profile": jax_batch(N, "chain", PROFILE),
        "dense": jax_batch(N, "dense", LEADS),
    }
    few = max(2, min(2000, 2 * 10**7 // N**3))
    points = {name: max(tile, tile * round(few * 20 / tile)) for name, (_, tile) in contenders.items()}
    points["dense"] = max(contenders["dense"][1], contenders["dense"][1] * (few // contenders["dense"][1]))
    points["NumPy"] = few
    run = {name: batch for name, (batch, _) in contenders.items()}
    run["NumPy"] = lambda mu_bar, gamma: numpy_batch(N, mu_bar, gamma)
    most = max(points.values())
    mu_bar, gamma = rng.uniform(-1.9, 1.9, most), rng.uniform(0.1, 0.9, most)
    seconds: dict[str, list[float]] = {name: [] for name in run}
    result = {}
    for repeat in range(repeats + 1):
        for name, function in run.items():
            start = time.perf_counter()
            result[name] = function(mu_bar[: points[name]], gamma[: points[name]])
            if repeat:  # the first is for compiling
                seconds[name].append((time.perf_counter() - start) / points[name])
    median = {name: float(np.median(times)) for name, times in seconds.items()}
    check = min(points["chain"], points["NumPy"])
    off = np.max(np.abs(result["chain"][1][:check] - result["NumPy"][1][:check]))
    cells = [f"{1e6 * median[n]:.3g} ({np.ptp(seconds[n]) / median[n]:.0%})" for n in run]
    ratio = np.median(np.array(seconds["NumPy"]) / np.array(seconds["chain"]))
    return [str(N), *cells, f"{ratio:,.0f}", f"{1e9 * median['chain'] / N:.1f}", f"{off:.0e}"]


if __name__ == "__main__":
    main()
