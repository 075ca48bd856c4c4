"""Random wires with weak contacts, weak bonds and levels outside the band, every kernel against 60 digits.

    python scripts/random_wires.py 2000
    python scripts/random_wires.py 2000 --seed 1 --kernels chain dense --gamma 1e-4

Points are computed as a sweep does: by the kernel, and by its careful successor where that lost digits. For
each kernel: how many points have which status; the largest errors of those of status 0, as a share of

    potentials   the largest potential           G, I_1, Delta I   themselves
    currents     the largest injected or lead current

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
from mpmath import mpf, workdps

jax.config.update("jax_enable_x64", True)
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import precise
import reference
from wires import barred, stack

from jaxtransport import status as codes
from jaxtransport.green.kernels import KERNELS, careful
from jaxtransport.green.registers import Registers
from jaxtransport.observables import Solved, observe

SITES, DELTA_MU, INJECTION = 16, 0.1, 0.3
NAMES = (
    "conductance",
    "nonreciprocity",
    "current_forward",
    "current_reverse",
    "potential_forward",
    "potential_reverse",
    "site_current_forward",
    "bond_current_forward",
)
CLASSES = {**KERNELS, "registers": Registers}
BATCH = 128
LIMIT = 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gamma", type=float, default=0.01, help="the weakest coupling of a source or drain")
    parser.add_argument("--kernels", nargs="+", default=["chain", "registers", "long", "dense"])
    arguments = parser.parse_args()
    first = arguments.seed * 10**6
    wires = [barred(first + i, SITES, gamma=arguments.gamma) for i in range(arguments.count)]
    energies = np.random.default_rng(arguments.seed).uniform(-1.95, 1.95, arguments.count)
    truth = [expected(wire, w) for wire, w in zip(wires, energies, strict=True)]
    wrong = 0
    for name in arguments.kernels:
        found = computed(CLASSES[name], wires, energies)
        wrong += report(name, found, truth)
    sys.exit(bool(wrong))


def computed(kernel, wires, energies) -> list[dict[str, np.ndarray]]:
    """The variables of every wire, as a sweep has them."""
    results = run(kernel, wires, energies)
    again = [i for i, found in enumerate(results) if found["status"] == codes.NOT_RESOLVED]
    for i, found in zip(again, run(careful(kernel), [wires[i] for i in again], energies[again]), strict=True):
        results[i] = found
    print(f"\n{kernel.__name__}: {len(again)} of {len(wires)} points by {careful(kernel).__name__}")
    return results


def run(kernel, wires, energies) -> list[dict[str, np.ndarray]]:
    def one(wire, w):
        solved = Solved.of(wire, w, kernel, with_profile=True)
        return observe(NAMES, solved, np.asarray(DELTA_MU), np.asarray(INJECTION))

    mapped, out = jax.jit(jax.vmap(one)), []
    for start in range(0, len(wires), BATCH):
        rows = np.minimum(np.arange(start, start + BATCH), len(wires) - 1)
        found = jax.tree.map(np.asarray, mapped(stack([wires[i] for i in rows]), energies[rows]))
        out += [{name: values[i] for name, values in found.items()} for i in range(BATCH)]
    return out[: len(wires)]


def expected(wire, w) -> dict[str, list[mpf]]:
    """The same to 60 digits; twice as many where couplings span more decades than that leaves."""
    chain = reference.chain_of(wire)
    digits = 60 + int(
        -2 * np.log10(np.abs(chain.hopping)).sum() - 8 * np.log10(chain.coupling[[0, -1]]).sum()
    )
    exact = precise.banded(chain, w, 2 * digits)
    with workdps(60):
        i, size, w = mpf(INJECTION), mpf(DELTA_MU), mpf(float(w))
        forward, reverse = exact.g - i * exact.r, -exact.g - i * exact.r
        strength = [mpf(float(s)) for s in chain.strength]
        sites = [forward, *(i * s for s in strength[1:-1]), -forward - i * sum(strength)]
        held = chain.coupling > 0
        # phi is that of leads at 1 and 0
        profile = lambda sign: [
            w + size * (sign * (phi - mpf(0.5)) + i * psi) if here else None
            for phi, psi, here in zip(exact.phi, exact.psi, held, strict=True)
        ]
        return {
            "conductance": [exact.g],
            "nonreciprocity": [abs(reverse) - abs(forward)],
            "current_forward": [forward],
            "current_reverse": [reverse],
            "potential_forward": profile(1),
            "potential_reverse": profile(-1),
            "site_current_forward": sites,
            "bond_current_forward": [sum(sites[: l + 1]) for l in range(chain.N - 1)],
        }


def errors(found, exact) -> dict[str, float]:
    """Errors of one point, as the module's docstring has them."""
    with workdps(60):
        mu = lambda name: [v for v in exact[name] if v is not None]
        middle = (mu("potential_forward")[0] + mu("potential_forward")[-1]) / 2
        scale_x = max(
            abs(v - middle) for name in ("potential_forward", "potential_reverse") for v in mu(name)
        )
        leads = [exact["current_forward"][0], exact["current_reverse"][0]]
        scale_I = max(abs(v) for v in [*exact["site_current_forward"], *leads])
        off = lambda name: max(
            abs(mpf(float(got)) - want)
            for got, want in zip(np.atleast_1d(found[name]), exact[name], strict=False)
            if want is not None
        )
        relative = lambda name: off(name) / abs(exact[name][0]) if exact[name][0] else off(name)
        mean = (abs(leads[0]) + abs(leads[1])) / 2
        near_zero = abs(exact["nonreciprocity"][0]) < mpf(1e-3) * mean
        out = {
            "potentials": max(off("potential_forward"), off("potential_reverse")) / scale_x,
            "currents": max(off(n) for n in exact if "current" in n) / scale_I,
            "G": relative("conductance"),
            "I_1": max(relative("current_forward"), relative("current_reverse")),
            "Delta I": 0 if near_zero else relative("nonreciprocity"),
        }
        return {name: float(value) for name, value in out.items()}


def report(name, found, truth) -> int:
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
