"""Fermi functions times what the nodes of a panel carry: against quadrature in 30 digits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import exp, mpf, quad, workdps
from support.checks import close
from support.engine import compiled

from jaxtransport.probes.occupation import Steps, Weights
from jaxtransport.probes.panels import Panels, nodes
from jaxtransport.reservoirs import CHAIN

MU_BAR = 0.3


def function(w):
    """Smooth, and not even: a polynomial of low degree over the panels below."""
    return 1.3 - 0.4 * w + 0.25 * w * w


def panel_of(low, high):
    energies = CHAIN.energies(jnp.asarray(MU_BAR))
    ends = [energies.offset(jnp.asarray(x))[None] for x in (low, high)]
    return ends, np.asarray(nodes(energies, *ends).above)[0]


def weights(start, end, x, *temperature, slopes):
    mu_bar, number = jnp.asarray(MU_BAR), jnp.zeros(1, int)
    energies = CHAIN.energies(mu_bar)
    length = jnp.sum(nodes(energies, start, end).weight, 1)
    window = (energies.above(start[0]), energies.above(end[0]))
    told = (jnp.asarray(True), jnp.zeros(()), False)
    panels = Panels(start, end, length, jnp.asarray(1), energies, *window, *told)
    if not temperature:
        return Weights.of(energies, panels, number, x, None, None, slopes=slopes)
    steps = Steps.of(energies, panels, x, *temperature, slopes=slopes, fitted=False)
    return Weights.of(energies, panels, number, x, *temperature, steps, slopes=slopes)


def integrals(low, high, x, temperature):
    """sum_j function(w_j) D_j(x) and the same of dD/dx, for one panel."""
    ends, above = panel_of(low, high)
    call = lambda start, end, x, *T: tuple(weights(start, end, x, *T, slopes=True))
    more = () if temperature is None else (float(temperature),)
    D, slope = compiled(f"weights {len(more)}", call)(*ends, np.asarray(x, float), *more)
    return np.asarray(D)[:, 0] @ function(above), np.asarray(slope)[:, 0] @ function(above)


def truth(low, high, x, temperature):
    """int function [f(w - x) - f(w)] dw over the panel."""
    with workdps(30):
        low, high, x = mpf(low), mpf(high), mpf(float(x))
        if not temperature:
            a, b = (min(max(e, low), high) for e in (mpf(0), x))
            return float(quad(function, [a, b])) if a != b else 0.0
        T = mpf(temperature)
        fermi = lambda z: 1 / (1 + exp(z)) if z < 2000 else mpf(0)
        differ = lambda w: function(w) * (fermi((w - x) / T) - fermi(w / T))
        cuts = sorted({low, high, *(c + k * T for c in (x, 0) for k in (-60, -20, -5, 0, 5, 20, 60))})
        return float(quad(differ, [c for c in cuts if low <= c <= high]))


X = np.array([-0.3, -0.011, -2e-3, -1e-9, 0.0, 1e-12, 3e-6, 0.004, 0.02, 0.5])


@pytest.mark.parametrize("panel", [(0.0, 0.02), (-0.03, 0.0), (0.01, 0.05)])
@pytest.mark.parametrize("temperature", [None, 0.0, 1e-7, 2e-4, 0.01, 0.4])
def test_against_quadrature(panel, temperature):
    """Each to 1e-12 of itself, so that nothing is lost where x is tiny; and tails are cut at exp(-30)."""
    got, _ = integrals(*panel, X, temperature)
    for value, x in zip(got, X, strict=True):
        expected = truth(*panel, x, temperature)
        assert (
            abs(value - expected) <= 2e-12 * abs(expected) + 2e-13 * min(temperature or 0.0, abs(x)) + 1e-280
        ), x


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [None, 2e-4, 0.01])
def test_slopes_are_derivatives(temperature):
    """Of D, which has a corner where x enters a panel at T = 0: elsewhere finite differences agree."""
    x, h = np.array([-0.02, 0.003, 0.011, 0.3]), 1e-6
    _, slope = integrals(0.0, 0.02, x, temperature)
    more, less = (integrals(0.0, 0.02, x + s * h, temperature)[0] for s in (1, -1))
    close(slope, (more - less) / (2 * h), 1e-7, 1.0)


@pytest.mark.slow
def test_derivative_at_mu_bar_itself():
    """x = 0 is no corner: automatic differentiation through D gives its slope."""
    ends, above = panel_of(0.0, 0.02)

    def D(x):
        D = weights(*ends, x[None], jnp.asarray(0.01), slopes=False).D
        return jnp.asarray(function(above)) @ D[0, 0]

    slope = integrals(0.0, 0.02, np.zeros(1), 0.01)[1][0]
    close(jax.grad(D)(jnp.zeros(())), slope, 1e-13)
