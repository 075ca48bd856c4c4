"""Random wires with weak contacts, weak bonds and levels outside the band, every kernel against 60 digits.

    python scripts/random_wires.py 2000
    python scripts/random_wires.py 2000 --seed 1 --kernels chain dense --gamma 1e-4
    python scripts/random_wires.py 1000 --levels

Points are computed as a sweep does: by the kernel, and by its careful successor where that lost digits. For
each kernel: how many points have which status; the largest errors of those of status 0, as a share of

    potentials   the largest potential           G, I_1, Delta I   themselves
    currents     the largest injected or lead current
    I_1 / bound  its `current_error`

and how many errors are beyond 1e-12 and 1e-9. Exits with 1 if a point of status 0 is off by more than 1e-9 in
potentials, currents or conductance.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.barrier_trials import CLASSES, computed, errors, expected, on_a_level
from support.wires import barred

from jaxtransport import status as codes
from jaxtransport.green.kernels import careful

SITES = 16
LIMIT = 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gamma", type=float, default=0.01, help="the weakest coupling of a source or drain")
    parser.add_argument(
        "--levels",
        action="store_true",
        help="energies at levels of the wire, or of parts that a site cuts off",
    )
    parser.add_argument("--kernels", nargs="+", default=["chain", "registers", "long", "dense"])
    arguments = parser.parse_args()
    first = arguments.seed * 10**6
    wires = [barred(first + i, SITES, gamma=arguments.gamma) for i in range(arguments.count)]
    energies = np.random.default_rng(arguments.seed).uniform(-1.95, 1.95, arguments.count)
    if arguments.levels:
        energies = np.array([on_a_level(wire, first + i) for i, wire in enumerate(wires)])
    truth = [expected(wire, w) for wire, w in zip(wires, energies, strict=True)]
    wrong = 0
    for name in arguments.kernels:
        kernel = CLASSES[name]
        found, again = computed(kernel, wires, energies)
        print(f"\n{kernel.__name__}: {again} of {len(wires)} points by {careful(kernel).__name__}")
        wrong += report(found, truth)
    sys.exit(bool(wrong))


def report(found, truth) -> int:
    """Prints the table of one kernel; how many points of status 0 are wrong."""
    statuses = Counter(int(point["status"]) for point in found)
    print("  status:", ", ".join(f"{n} {codes.MEANINGS[code]}" for code, n in sorted(statuses.items())))
    solved = [i for i, point in enumerate(found) if point["status"] == codes.SOLVED]
    table = [errors(found[i], truth[i]) for i in solved]
    for quantity in table[0]:
        values = np.array([row[quantity] for row in table])
        worst = solved[int(np.argmax(values))]
        print(
            f"  {quantity:<12} largest {values.max():.1e} (wire {worst}), median {np.median(values):.1e}, "
            f"{np.sum(values > 1e-12)} above 1e-12, {np.sum(values > LIMIT)} above {LIMIT:.0e}"
        )
    return sum(max(row["potentials"], row["currents"], row["G"]) > LIMIT for row in table)


if __name__ == "__main__":
    main()
