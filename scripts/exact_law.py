"""The exact law on random wires, against quadrature with breakpoints at every level, in extended precision.

    python scripts/exact_law.py --wires 200

Wires: N = 2 ... 30, contacts 1e-4 ... 3 (a third of them below 0.1), probes on no site, on some or on all
with couplings 1e-4 ... 2, onsite disorder up to 0.5, |mu_bar| up to 1.99, delta_mu 1e-8 ... 3, T = 0 and
1e-6 ... 1. Of each, the potentials that were found are taken, and the currents they drive are integrated
anew: transmissions from a tridiagonal elimination in 80-bit numbers, 30 Gauss nodes on panels that halve
towards every level and towards every step of a Fermi function. Reported are wires with status 0 and an error
above 1e-10 of the largest current, and how many have status 0. Exit code 0 if there are none of the former,
and 95 % of the latter.
"""

from __future__ import annotations

import argparse
import collections
import functools
import time
from typing import NamedTuple

import jax
import numpy as np

import jaxtransport as jt
from jaxtransport.green.chain import Chain

jax.config.update("jax_enable_x64", True)

Real, Complex = np.longdouble, np.clongdouble
ALLOWED, SOLVED = 1e-10, 0.95
MOST_SITES = 30
AT, WEIGHT = np.polynomial.legendre.leggauss(30)


class Found(NamedTuple):
    status: int
    x: np.ndarray  # potentials over mu_bar
    held: np.ndarray
    current: np.ndarray  # 2 pi I_l
    error: float
    energies: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--wires", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first wire; the others follow")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    statuses: collections.Counter[int] = collections.Counter()
    worst, wrong = 0.0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.wires):
        case = random_case(seed)
        start = time.perf_counter()
        found = solve(case)
        taken = time.perf_counter() - start
        statuses[found.status] += 1
        error = deviation(case, found)
        bad = found.status == 0 and not error <= ALLOWED
        wrong += bad
        worst = max(worst, error if found.status == 0 else 0.0)
        if bad or arguments.verbose or found.status != 0:
            estimate = found.error / np.max(np.abs(found.current))
            print(
                f"{'WRONG ' if bad else ''}seed {seed}: status {found.status}, error {error:.1e}, estimate "
                f"{estimate:.1e}, N {case['wire'].sites}, narrowest level "
                f"{min(width for _, width in levels(case['wire'])):.1e}, T {case['temperature']:.1e}, "
                f"delta_mu {case['drive']['delta_mu']:.1e}, {found.energies} energies, {taken:.2f} s",
                flush=True,
            )
    solved = statuses[0]
    print(
        f"{arguments.wires} wires, statuses {dict(statuses)}; "
        f"status 0: worst error {worst:.1e}, {wrong} wrong"
    )
    raise SystemExit(wrong > 0 or solved < SOLVED * arguments.wires)


@functools.partial(jax.jit, static_argnums=0)
def solved_by(law, stage, wire, drive, temperature):
    """As `jt.solve`, whose potentials are rounded to 1e-16: a bias of 1e-8 has lost digits there."""
    return nonlinear.solve(wire, Chain, law, stage, drive["mu_bar"], drive["delta_mu"], 0.0, temperature)


def solve(case) -> Found:
    T = case["temperature"]
    law = jt.Exact()
    for stage in law.stages:
        both = solved_by(law, stage, case["wire"].pad(MOST_SITES), case["drive"], T if T else None)
        found = jax.tree.map(lambda leaf: np.asarray(leaf)[0], both)
        if found.status not in law.unfinished:
            break
    N = case["wire"].sites
    held = np.asarray(case["wire"].coupling) > 0
    x, current = found.balance.x[:N], found.flows.current[:N]
    return Found(int(found.status), x, held, current, float(found.error), int(found.nodes))


def random_case(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    log = lambda low, high, size=None: np.exp(rng.uniform(np.log(low), np.log(high), size))
    N = int(rng.integers(2, MOST_SITES + 1))
    kind = ("none", "some", "all")[rng.integers(3)]
    contact = log(1e-4, 0.1, 2) if rng.random() < 1 / 3 else log(0.1, 3, 2)
    held = {"none": np.zeros(N, bool), "some": rng.random(N) < 0.4, "all": np.ones(N, bool)}[kind]
    held[[0, -1]] = False
    gamma = np.where(held, log(1e-4, 2, N), 0.0)
    wire = jt.Wire.custom(
        N,
        gamma=gamma,
        contact=tuple(contact),
        probes=tuple(int(site) for site in np.flatnonzero(held) + 1),
        onsite=rng.uniform(-0.5, 0.5, N) * (rng.random() < 0.7),
    )
    delta_mu = log(1e-8, 3)
    most = min(1.99, 1.999 - delta_mu / 2)
    drive = {"mu_bar": rng.uniform(-most, most), "delta_mu": float(delta_mu * rng.choice([-1, 1]))}
    temperature = 0.0 if rng.random() < 0.5 else log(1e-6, 1)
    return {"wire": wire, "drive": drive, "temperature": float(temperature)}


def levels(wire) -> list[tuple[float, float]]:
    """Energies and widths of the levels in the band, by iteration of w = eigenvalue(H + Sigma(w))."""
    N, gamma = wire.sites, np.asarray(wire.coupling)
    H = hamiltonian(wire)
    out = []
    for n in range(N):
        w, v = np.linalg.eigh(H)[0][n] + 0j, None
        for _ in range(60):
            root = np.sqrt(4 - w * w + 0j)
            root = root if root.real >= 0 else -root
            values, vectors = np.linalg.eig(H + np.diag(gamma**2 / 2 * (w - 1j * root)))
            best = np.argmax(np.abs(vectors.conj().T @ v)) if v is not None else np.argsort(values.real)[n]
            new, v = values[best], vectors[:, best]
            if abs(new - w) < 1e-15:
                break
            w = new
        out.append((float(w.real), max(float(-2 * w.imag), 1e-17)))
    return out


def hamiltonian(wire):
    t = -np.broadcast_to(np.asarray(wire.hopping), wire.sites - 1)
    onsite = np.broadcast_to(np.asarray(wire.onsite), wire.sites)
    return np.diag(onsite) + np.diag(t, 1) + np.diag(t, -1)


def transmissions(wire, energy):
    """T_ll' at energies (long doubles), shape (energy, site, site), by elimination from both ends."""
    gamma = np.asarray(wire.coupling).astype(Real)
    onsite = np.broadcast_to(np.asarray(wire.onsite), wire.sites).astype(Real)
    t = np.broadcast_to(np.asarray(wire.hopping), wire.sites - 1).astype(Real)
    N = wire.sites
    root = np.sqrt((2 - energy) * (2 + energy))
    sigma = gamma**2 / 2 * (energy[:, None] - 1j * root[:, None])
    z = energy[:, None] - onsite - sigma
    right, left = np.zeros((len(energy), N + 1), Complex), np.zeros((len(energy), N + 1), Complex)
    for l in range(N - 1, -1, -1):
        right[:, l] = 1 / (z[:, l] - (t[l] ** 2 * right[:, l + 1] if l < N - 1 else 0))
    for l in range(N):
        left[:, l] = 1 / (z[:, l] - (t[l - 1] ** 2 * left[:, l - 1] if l else 0))
    G2 = np.zeros((len(energy), N, N), Real)
    for i in range(N):
        here = z[:, i] - (t[i - 1] ** 2 * left[:, i - 1] if i else 0)
        here = here - (t[i] ** 2 * right[:, i + 1] if i < N - 1 else 0)
        row = 1 / np.abs(here) ** 2
        for j in range(i + 1, N):
            row = row * np.abs(t[j - 1] * right[:, j]) ** 2
            G2[:, i, j] = G2[:, j, i] = row
    Gamma = gamma**2 * root[:, None]
    return G2 * Gamma[:, :, None] * Gamma[:, None, :]


def deviation(case, found: Found) -> float:
    """Largest deviation of a current from what the potentials drive, of the largest current.

    Between reservoirs that exchange much, potentials in doubles leave more: that is allowed for.
    """
    x = np.where(found.held, found.x, found.x[0]).astype(Real)
    mu_bar, T = Real(case["drive"]["mu_bar"]), Real(case["temperature"])
    expected = driven(case["wire"], mu_bar, x, found.held, T).astype(float)
    largest = np.max(np.abs(expected))
    exchanged = transmissions(case["wire"], mu_bar + x).sum(2).max(0).astype(float)
    rounding = 32 * 2.0**-53 * exchanged * np.max(np.abs(found.x[found.held]))
    off = np.abs(np.where(found.held, found.current - expected, 0.0))
    return float(np.max(np.maximum(off - rounding, 0.0)) / largest)


def driven(wire, mu_bar, mu, held, T):
    """2 pi I_l of potentials; they, and all energies, are counted from mu_bar."""
    reach = 45 * T
    bottom, top = -2 - mu_bar, 2 - mu_bar
    low, high = max(bottom, mu.min() - reach), min(top, mu.max() + reach)
    cuts = [low, high, *mu]
    lines = [(Real(e) - mu_bar, Real(g)) for e, g in levels(wire)]
    for centre, scale in [*lines, *((m, T) for m in np.unique(mu) if T)]:
        steps = scale * Real(2.0) ** np.arange(-1, 60)
        cuts += [centre, *(centre + steps[steps < 5]), *(centre - steps[steps < 5])]
    halves = 4 * Real(2.0) ** -np.arange(1, 50)
    cuts += [*(bottom + halves), *(top - halves)]
    cuts = np.unique([cut for cut in cuts if low <= cut <= high])
    total = np.zeros(wire.sites, Real)
    at, weight = AT.astype(Real), WEIGHT.astype(Real)
    for first in range(0, len(cuts) - 1, 200):
        a, b = cuts[first : first + 200], cuts[first + 1 : first + 201]
        a = a[: len(b)]
        w = ((a + b)[:, None] / 2 + (b - a)[:, None] / 2 * at).ravel()
        dw = ((b - a)[:, None] / 2 * weight).ravel()
        T_all = transmissions(wire, mu_bar + w)
        if T:
            z = np.clip((w[:, None] - mu) / T, -11000, 11000)
            f_l = 1 / (1 + np.exp(z))
            one, other = z[:, :, None], z[:, None, :]
            half = (other - one) / 2
            with np.errstate(over="ignore", invalid="ignore"):
                both = np.sinh(half) / (2 * np.cosh(one / 2) * np.cosh(other / 2))
            differ = np.where(np.abs(half) < 1, both, f_l[:, :, None] - f_l[:, None, :])
        else:
            f_l = (w[:, None] < mu).astype(Real)
            differ = f_l[:, :, None] - f_l[:, None, :]
        total += np.einsum("k,kij->i", dw, T_all * differ)
    return np.where(held, total, 0)


if __name__ == "__main__":
    main()
