"""Random wires of every kind of reservoir against 40 digits, in linear response, every kernel."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mpf, workdps
from support import precise, reference
from support.checks import close_digits
from support.engine import KERNELS
from support.wires import disordered

import jaxtransport as jt
from jaxtransport.reservoirs import Reservoir, reservoir_of

CHAIN = {"kind": "chain", "hopping": 1.5, "onsite": 0.25}
ROWS = {
    "energies": [-3.0, -0.4, 0.37, 1.2, 2.8],
    "values": [-0.2j, 0.3 - 0.5j, -0.15 - 0.7j, -0.4j, 0.1 - 0.1j],
}
of_row = lambda w: (mpf(-0.15), 2 * mpf(0.7))  # at one of its rows a table is what it says
ANOTHER, WIDE, PAPER = precise.of_chain(1.5, 0.25), precise.of_wide_band, precise.of_chain(1, 0)
# Reservoirs, energy, surfaces of the leads and of the others
KINDS = {
    "wide": ("wide", 2.7, WIDE, WIDE),
    "another chain": (CHAIN, 2.9, ANOTHER, ANOTHER),
    "wide leads": ({"leads": "wide"}, 0.8, WIDE, PAPER),
    "wide leads, others silent": ({"leads": "wide"}, -2.2, WIDE, PAPER),
    "wide others": ({"middle": "wide"}, 0.8, PAPER, WIDE),
    "two chains": ({"middle": CHAIN}, 1.6, PAPER, ANOTHER),
    "table": ({"kind": "table", **ROWS}, 0.37, of_row, of_row),
    "leads of a table": ({"leads": {"kind": "table", **ROWS}, "middle": CHAIN}, 0.37, of_row, ANOTHER),
}


def coupled(wire: jt.Wire, reservoir: Reservoir, tables: tuple[bool, bool]) -> jt.Wire:
    """The wire with such reservoirs; a table is the self-energy itself, of coupling 1."""
    coupling = np.array(wire.coupling)
    site = np.arange(len(coupling))
    ends = (site == 0) | (site == int(wire.length) - 1)
    for here, is_table in zip((ends, ~ends & (coupling > 0)), tables, strict=True):
        if is_table:
            coupling[here] = 1.0
    return jt.Wire(wire.onsite, wire.hopping, jnp.asarray(coupling), wire.strength, wire.length, reservoir)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", KINDS)
def test_random_wires_against_40_digits(kind, kernel):
    """G and r to 1e-11, r of the sum of its terms; potentials of a given bias and injection likewise."""
    given, w, leads, middle = KINDS[kind]
    reservoir = reservoir_of(given)
    tables = tuple(row is of_row for row in (leads, middle))
    for seed in (70, 71, 72):
        wire = coupled(disordered(seed, 9, sites=12), reservoir, tables)
        if silent := kind.endswith("silent"):
            wire = eqx.tree_at(lambda w: w.strength, wire, replace_fn=jnp.zeros_like)
        chain = reference.chain_of(wire)
        truth = precise.dense(chain, w, leads=leads, middle=middle)
        g, r = (float(v) for v in jt.transmission(wire, w, kernel=kernel).lead_response()[:2])
        close_digits(g, truth.g, 1e-11, what="g")
        close_digits(r, truth.r, 1e-11, max(truth.scale, truth.g), "r")
        bias, injection = 0.01, 0.3
        x = (
            np.asarray(jt.solve(wire, mu_bar=w, delta_mu=bias, injection=injection, kernel=kernel).potential)
            - w
        )
        held = ~np.isnan(x[: chain.N])
        with workdps(40):
            for l in np.flatnonzero(held):
                expected = bias * (truth.phi[l] - mpf(0.5) + mpf(injection) * truth.psi[l])
                close_digits(x[l], expected, 1e-11, 1.0, f"x_{l}")
        assert held[1:-1].any() != silent
