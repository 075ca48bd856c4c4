"""A yardstick in SciPy: Delta I of the exact law by adaptive quadrature and a root finder, point after point.

    python scripts/plain_adaptive.py --sites 12 --temperature 0.02

What a physicist writes with `scipy.integrate.quad_vec` and `scipy.optimize.root`, as accurate as the package:
integrals to 1e-11 of the largest current, cut at every potential where T = 0.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from plain_panels import transmissions
from scipy.integrate import quad_vec
from scipy.optimize import root

TAIL = 34  # of thermal tails, in units of T


def currents(wire, mu, temperature):
    """2 pi I_l of every reservoir."""

    def integrand(w):
        if temperature:
            f = 1 / (1 + np.exp(np.clip((w - mu) / temperature, -300, 300)))
        else:
            f = (mu > w).astype(float)
        T = transmissions(wire, np.array([w]))[0]
        return T.sum(1) * f - T @ f

    low, high = mu.min() - TAIL * temperature, mu.max() + TAIL * temperature
    low, high = max(low, -2 + 1e-12), min(high, 2 - 1e-12)
    cuts = np.unique(mu)
    scale = high - low
    return quad_vec(
        integrand,
        low,
        high,
        epsabs=1e-11 * scale,
        epsrel=1e-11,
        norm="max",
        points=cuts[(cuts > low) & (cuts < high)],
    )[0]


def nonreciprocity(wire, mu_bar, delta_mu, injection, temperature):
    """Delta I in I_o."""
    coupling, site = np.asarray(wire.coupling), np.arange(len(wire.coupling))
    free = np.flatnonzero((coupling > 0) & (site > 0) & (site < site[-1]))
    asked = injection * delta_mu * np.asarray(wire.strength)
    net = transmissions(wire, np.array([mu_bar]))[0]
    linear = np.diag(net.sum(1)) - net
    size = {}
    for sign in (1, -1):
        mu = np.full(len(site), mu_bar, float)
        mu[[0, -1]] += np.array([1, -1]) * sign * delta_mu / 2
        drive = asked - linear[:, [0, -1]] @ (mu[[0, -1]] - mu_bar)
        mu[free] += np.linalg.solve(linear[np.ix_(free, free)], drive[free])

        def misfit(x, mu=mu):
            all_mu = mu.copy()
            all_mu[free] = x
            return (currents(wire, all_mu, temperature) - asked)[free]

        found = root(misfit, mu[free], jac=None, method="hybr", options={"xtol": 1e-12})
        mu[free] = found.x
        size[sign] = abs(currents(wire, mu, temperature)[0]) / delta_mu
    return size[-1] - size[1]


def main() -> None:
    import jax

    jax.config.update("jax_enable_x64", True)
    import jaxtransport as jt

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sites", type=int, default=12)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--delta-mu", type=float, default=0.1)
    parser.add_argument("--points", type=int, default=3)
    given = parser.parse_args()
    wire = jt.Wire.dimers(given.sites, gamma=0.5)
    for mu_bar in np.linspace(0.2, 0.4, given.points):
        start = time.perf_counter()
        theirs = nonreciprocity(wire, mu_bar, given.delta_mu, 0.01, given.temperature)
        seconds = time.perf_counter() - start
        drive = {"mu_bar": mu_bar, "delta_mu": given.delta_mu, "injection": 0.01}
        ours = float(jt.nonreciprocity(wire, **drive, law=jt.Exact(temperature=given.temperature)))
        print(
            f"mu_bar = {mu_bar:.3f}: {1e3 * seconds:8.1f} ms, difference of Delta I {abs(ours - theirs):.0e}"
        )


if __name__ == "__main__":
    main()
