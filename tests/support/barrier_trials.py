"""Random wires behind barriers, as a sweep computes them, against 60 digits: shared by tests and a script.

Every point is computed by a kernel, and by its careful successor where that lost digits.
"""

from __future__ import annotations

import jax
import numpy as np
from mpmath import mpf, workdps
from scipy.optimize import brentq

from jaxtransport import status as codes
from jaxtransport.green.kernels import KERNELS, careful
from jaxtransport.green.pallas import PallasChain
from jaxtransport.linear import LinearResponse
from support import precise, reference
from support.wires import stack

DELTA_MU, INJECTION = 0.1, 0.3
NAMES = (
    "conductance",
    "nonreciprocity",
    "current_forward",
    "current_reverse",
    "current_error",
    "potential_forward",
    "potential_reverse",
    "site_current_forward",
    "bond_current_forward",
)
CLASSES = {**KERNELS, "registers": PallasChain}
BATCH = 128


def computed(kernel, wires, energies) -> tuple[list[dict[str, np.ndarray]], int]:
    """The variables of every wire, as a sweep has them; how many the careful kernel took up."""
    results = run(kernel, wires, energies)
    again = [i for i, found in enumerate(results) if found["status"] == codes.NOT_RESOLVED]
    if not again:
        return results, 0
    for i, found in zip(again, run(careful(kernel), [wires[i] for i in again], energies[again]), strict=True):
        results[i] = found
    return results, len(again)


def run(kernel, wires, energies, batch: int = BATCH) -> list[dict[str, np.ndarray]]:
    """The variables of every wire by one kernel."""

    def one(wire, w):
        solved = LinearResponse.of(wire, w, kernel, with_profile=True)
        return solved.observe(NAMES, np.asarray(DELTA_MU), np.asarray(INJECTION))

    mapped, out = jax.jit(jax.vmap(one)), []
    for start in range(0, len(wires), batch):
        rows = np.minimum(np.arange(start, start + batch), len(wires) - 1)
        found = jax.tree.map(np.asarray, mapped(stack([wires[i] for i in rows]), energies[rows]))
        out += [{name: values[i] for name, values in found.items()} for i in range(batch)]
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


def on_a_level(wire, seed: int) -> float:
    """An energy at a level of the wire or of a part that one site cuts off, within 1e-16 ... 1e-6 of it.

    Levels shift with reservoirs: w = eigenvalue of H + diag(gamma^2 w / 2). Any energy if none is in it.
    """
    chain, rng = reference.chain_of(wire), np.random.default_rng(seed)
    N, H = chain.N, reference.hamiltonian(chain)
    cut = int(rng.integers(0, N + 1))  # N: no cut
    part = slice(0, N) if cut == N else slice(cut + 1, N) if rng.random() < 0.5 or cut == 0 else slice(0, cut)
    H, coupling = H[part, part], chain.coupling[part]
    for level in rng.permutation(len(coupling)):
        # eps_n(w) - w falls through zero once where the sum of shifts is below w.
        miss = lambda w, n=level: np.linalg.eigvalsh(H + np.diag(coupling**2 * w / 2))[n] - w
        if miss(-1.95) * miss(1.95) < 0:
            found = brentq(miss, -1.95, 1.95, xtol=1e-16)
            return float(np.clip(found + rng.choice([-1, 1]) * 10.0 ** rng.uniform(-16, -6), -1.95, 1.95))
    return float(rng.uniform(-1.95, 1.95))


def errors(found, exact) -> dict[str, float]:
    """Errors of one point: of potentials as a share of the largest, of currents of the largest injected or
    lead current, of G, I_1 and Delta I of themselves (if not near a zero); and of I_1 over its bound."""
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
        bound = mpf(float(found["current_error"]))
        out = {
            "potentials": max(off("potential_forward"), off("potential_reverse")) / scale_x,
            "currents": max(off(name) for name in exact if "current" in name) / scale_I,
            "G": relative("conductance"),
            "I_1": max(relative("current_forward"), relative("current_reverse")),
            "Delta I": 0 if near_zero else relative("nonreciprocity"),
            "I_1 / bound": max(off("current_forward"), off("current_reverse")) / bound if bound else mpf(0),
        }
        return {name: float(value) for name, value in out.items()}
