"""What a GPU makes of the kernels: first that they are right, then how fast against what memory allows.

    python scripts/gpu.py                                   on the first GPU that JAX sees
    python scripts/gpu.py --lengths 30 --points 100000 --bandwidth 3.35e12

"right" is the largest deviation of g and r from the same kernel on the CPU, for 1000 points. "floor" is the
time that 48 bytes a site and point take at the bandwidth of the device's memory, plus 16 for couplings that
differ from point to point: what the chain must keep on its way and read on its way back. Whether wires behind
barriers keep their digits on the GPU, too, tells `random_wires.py`, which computes on it where there is one.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np

import jaxtransport as jt
from jaxtransport.green.chain import Chain
from jaxtransport.green.conserving import Conserving
from jaxtransport.green.dense import Dense
from jaxtransport.green.pallas import PallasChain
from jaxtransport.green.parallel_chain import ParallelChain
from jaxtransport.green.refined import Refined

BYTES = 48 + 16  # a site and point
REPEATS = 5
TOLERANCE = 1e-10  # 1e5 roundings in a row, each 1e-16, with a margin
CHAINS = (Chain, PallasChain, Conserving)
MOST_SITES = {
    **dict.fromkeys(CHAINS, 2**28),
    ParallelChain: 2**26,
    Dense: 2**17,
    Refined: 2**17,
}  # x points of a call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[30, 100, 1000, 10**5], metavar="N")
    parser.add_argument("--points", type=int, default=10**6)
    parser.add_argument("--bandwidth", type=float, default=3.35e12, help="bytes a second; default: an H100")
    parser.add_argument("--anyway", action="store_true", help="without a GPU too, to try the script")
    arguments = parser.parse_args()
    if any(N < 4 or N % 2 for N in arguments.lengths) or arguments.points < 1:
        parser.error("--lengths: pass even numbers >= 4; --points: a number >= 1")
    device = jax.devices()[0]
    if device.platform == "cpu" and not arguments.anyway:
        sys.exit("JAX sees no GPU here; install jaxtransport[cuda], or pass --anyway to try the script")
    print(f"{device.device_kind}, JAX {jax.__version__}\n")
    print("| N | kernel | points | ms | ns a site and point | / floor | right | compile, s |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    worst = 0.0
    for N in arguments.lengths:
        for kernel in MOST_SITES:
            if not issubclass(kernel, Dense) or N <= 300:
                points = min(arguments.points, MOST_SITES[kernel] // N)
                worst = max(worst, row(N, kernel, points, arguments.bandwidth))
    if not worst <= TOLERANCE:
        sys.exit(f"off by {worst:.0e}, more than {TOLERANCE:.0e}: do not use these kernels on this device")


def row(N: int, kernel, points: int, bandwidth: float) -> float:
    """Print what a kernel does; the largest deviation from the CPU."""
    wire = jt.Wire.dimers(N, gamma=0.3)

    def leads_of(kernel):
        def leads(gamma, energy):
            coupling = jnp.where(wire.strength == 0, wire.coupling, gamma)
            return kernel.at(dataclasses.replace(wire, coupling=coupling), energy).lead_response()[:2]

        return jax.jit(jax.vmap(leads))

    rng = np.random.default_rng(N)
    gamma, energy = rng.uniform(0.1, 0.9, points), rng.uniform(-1.9, 1.9, points)
    start = time.perf_counter()
    run = leads_of(kernel).lower(gamma, energy).compile()
    compiling = time.perf_counter() - start
    there = jax.device_put((gamma, energy))
    jax.block_until_ready(run(*there))
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        got = jax.block_until_ready(run(*there))
        times.append(time.perf_counter() - start)
    few = min(points, 1000)
    with jax.default_device(jax.devices("cpu")[0]):
        reference = Chain if kernel is PallasChain else kernel
        expected = leads_of(reference)(gamma[:few], energy[:few])
    right = max(
        float(np.max(np.abs(a[:few] - b) / np.max(np.abs(b)))) for a, b in zip(got, expected, strict=True)
    )
    middle = float(np.median(times))
    floor = BYTES * N * points / bandwidth
    distance = f"{middle / floor:.2g}" if kernel in CHAINS else ""
    print(
        f"| {N:,} | {kernel.__name__} | {points:,} | {1e3 * middle:.3g} | {1e9 * middle / N / points:.3g} "
        f"| {distance} | {right:.0e} | {compiling:.2f} |",
        flush=True,
    )
    return right


if __name__ == "__main__":
    main()
