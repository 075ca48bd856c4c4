"""Faults planted in the package, and the check of the suite that finds each one.

A suite is worth what it catches. Every entry names a slip that is easy to make, plants it, and shows
that a check which holds on the package as it is fails on the broken one.

The package compiles nothing by itself; what the checks compile lies in `checks._COMPILED`, which is
put aside for each fault.
"""

from collections.abc import Callable
from dataclasses import dataclass

import checks
import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from wires import disordered, make, ring

from jaxtransport import layout as layouts
from jaxtransport import reservoir
from jaxtransport.green import chain as chain_module
from jaxtransport.green import dense as dense_module
from jaxtransport.green.chain import Chain
from jaxtransport.green.dense import Dense
from jaxtransport.layout import Layout
from jaxtransport.observables import Biased
from jaxtransport.probes.response import Response

WIRE = disordered(90, 12)
WIRE_WITH_PHASES = disordered(91, 12, flux=True)
SHORT = disordered(92, 9, sites=12)
UNBALANCED = make(layouts.custom(12, sources=[3, 7], probes=[5]), gamma=0.5)
DRIVE = {"mu_bar": 0.3, "delta_mu": 0.1, "injection": 0.4}


# Checks, as the suite makes them


def twin(kernel, wire=WIRE):
    return lambda: checks.against_twin(wire, kernel, **DRIVE)


def charge(kernel, wire=WIRE):
    return lambda: checks.charge_is_conserved(checks.solve(wire, kernel, *DRIVE.values()), int(wire.length))


def short_wire(kernel):
    return lambda: checks.short_wire(kernel, 0.5, 0.6)


def unitarity(wire):
    def check():
        H = dense_module.hamiltonian(wire)
        checks.unitarity(checks.dense_of(H, wire.coupling, wire.strength, 0.4, leads=(0, 11)))

    return check


def ring_against_twin():
    checks.general_against_twin(*ring(3, 1.3), 0.4)


def ring_currents():
    H, coupling, strength = ring(3, 1.3)
    checks.links_carry_the_currents(H, checks.dense_of(H, coupling, strength, 0.4))


def digits():
    checks.against_digits(WIRE, 0.3)


def difference():
    checks.nonreciprocity_is_the_difference(WIRE, "chain", **DRIVE)


def heat():
    checks.heat_is_paid_for(checks.solve(WIRE, "chain", *DRIVE.values()), 12, DRIVE["delta_mu"])


def density():
    checks.density_follows_current(checks.solve(WIRE, "chain", *DRIVE.values()), WIRE, 0.3, DRIVE["delta_mu"])


# Faults


def replaced(owner, name, change) -> Callable:
    """owner.name becomes change(what it was), whether function, method, class method or property."""

    def plant(monkeypatch):
        old = vars(owner)[name]
        if isinstance(old, property):
            new = property(change(old.fget))
        elif isinstance(old, classmethod):
            new = classmethod(change(old.__func__))
        else:
            new = change(old)
        monkeypatch.setattr(owner, name, new)

    return plant


def times(factor):
    """The result times a factor."""
    return lambda old: lambda *arguments: factor * old(*arguments)


def of_other_wire(other) -> Callable:
    """The chain kernel at work on other(wire)."""
    return replaced(Chain, "at", lambda old: lambda cls, wire, w: old(cls, other(wire), w))


def with_field(name, change) -> Callable:
    """The chain kernel with one of its fields changed."""
    field = lambda kernel: getattr(kernel, name)
    return replaced(
        Chain, "at", lambda old: lambda cls, wire, w: eqx.tree_at(field, old(cls, wire, w), replace_fn=change)
    )


def all_of(*plants) -> Callable:
    return lambda monkeypatch: [plant(monkeypatch) for plant in plants]


def wrong_sign_of_sigma(old):
    return lambda H, coupling, w: jnp.conj(old(jnp.conj(H), coupling, w))


def transposed(old):
    return lambda self: old(self).T


def link_from_the_upper_triangle(old):
    def F(self):
        G, link = self.green, jnp.diagonal(self.inverse, 1)[:, None]
        return 2 * jnp.imag(link * G[:-1] * jnp.conj(G[1:])) * self.broadening[None, :]

    return F


def lost_conjugate(old):
    def H(wire):
        upper = jnp.triu(old(wire), 1)
        return jnp.diag(jnp.diagonal(old(wire))) + upper + upper.T

    return H


def in_single_precision(value):
    return value.astype(jnp.float32).astype(jnp.float64)


def shifted_hopping(wire):
    return eqx.tree_at(lambda w: w.hopping, wire, jnp.roll(wire.hopping, 1))


def without_length(wire):
    return eqx.tree_at(lambda w: w.length, wire, wire.length * 0 + wire.sites)


@dataclass(frozen=True)
class Fault:
    name: str
    plant: Callable
    check: Callable


no_shift = times(0.0)
FAULTS = [
    Fault("sign of Im Sigma", replaced(dense_module, "_inverse_green", wrong_sign_of_sigma), unitarity(WIRE)),
    Fault(
        "sign of Im Sigma, by J_1 = I_1",
        replaced(dense_module, "_inverse_green", wrong_sign_of_sigma),
        charge("dense"),
    ),
    Fault("lost Re Sigma, dense", replaced(dense_module, "level_shift", no_shift), short_wire("dense")),
    Fault("lost Re Sigma, chain", replaced(chain_module, "level_shift", no_shift), short_wire("chain")),
    Fault(
        "lost factor 2 in Gamma, dense", replaced(dense_module, "broadening", times(0.5)), short_wire("dense")
    ),
    Fault(
        "lost factor 2 in Gamma, chain",
        all_of(
            replaced(chain_module, "broadening", times(0.5)), replaced(chain_module, "band_root", times(0.5))
        ),
        short_wire("chain"),
    ),
    Fault("Gamma not that of Sigma", replaced(chain_module, "broadening", times(0.5)), twin("chain")),
    Fault("transposed T, by its elements", replaced(Dense, "matrix", transposed), ring_against_twin),
    Fault("transposed T, by its currents", replaced(Dense, "matrix", transposed), ring_currents),
    Fault("lost factor 2 in F", replaced(Dense, "bond_matrix", times(0.5)), charge("dense")),
    Fault(
        "t* for t in F",
        replaced(Dense, "bond_matrix", link_from_the_upper_triangle),
        charge("dense", WIRE_WITH_PHASES),
    ),
    Fault(
        "lost conjugate in H",
        replaced(dense_module, "hamiltonian", lost_conjugate),
        unitarity(WIRE_WITH_PHASES),
    ),
    Fault(
        "sign of the phase of t",
        replaced(dense_module, "hamiltonian", lambda old: lambda wire: jnp.conj(old(wire))),
        lambda: checks.hamiltonian_is_as_defined(WIRE_WITH_PHASES),
    ),
    Fault(
        "sign of t",
        replaced(dense_module, "hamiltonian", times(-1)),
        lambda: checks.hamiltonian_is_as_defined(WIRE),
    ),
    Fault("hopping of the next bond", of_other_wire(shifted_hopping), twin("chain")),
    Fault(
        "sources one site off",
        replaced(Layout, "strength", lambda old: lambda *a: np.roll(old(*a), 1)),
        short_wire("chain"),
    ),
    Fault("length ignored", of_other_wire(without_length), twin("chain", SHORT)),
    Fault("lost |G_ll|^2", with_field("diagonal", jnp.ones_like), twin("chain")),
    Fault("one number in single precision", with_field("tau", in_single_precision), digits),
    Fault(
        "4 - w^2 near the band edge",
        replaced(reservoir, "band_root", lambda old: lambda w: jnp.sqrt(4 - jnp.asarray(w) ** 2)),
        lambda: checks.band_edge_keeps_its_digits(1.99999),
    ),
    Fault(
        "sign of the injected current",
        replaced(Response, "left_current", lambda old: lambda self, sign, i: old(self, sign, -i)),
        difference,
    ),
    Fault("lost factor 2 in Delta I", replaced(Response, "nonreciprocity", times(0.5)), difference),
    Fault("Delta I the other way round", replaced(Response, "nonreciprocity", times(-1)), difference),
    Fault(
        "I_N = -I_1 whatever is injected",
        replaced(Response, "right_current", lambda old: lambda self, sign, i: -self.left_current(sign, i)),
        charge("chain", UNBALANCED),
    ),
    Fault("h with 1 / 2 pi", replaced(Biased, "heat", times(2.0)), heat),
    Fault("sign of the density", replaced(Biased, "density", times(-1)), density),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_found(fault, monkeypatch):
    fault.check()
    monkeypatch.setattr(checks, "_COMPILED", {})
    fault.plant(monkeypatch)
    with pytest.raises(AssertionError, match=r"off by|NaN at|beyond the wire"):
        fault.check()


def test_what_some_checks_cannot_see(monkeypatch):
    """Why the list above needs more than one check: each of these passes on a broken package."""
    H, coupling, strength = ring(3, 1.3)
    monkeypatch.setattr(checks, "_COMPILED", {})
    with monkeypatch.context() as broken:
        replaced(Dense, "bond_matrix", times(0.5))(broken)
        wire = dense_module.hamiltonian(WIRE)
        dense = checks.dense_of(wire, WIRE.coupling, WIRE.strength, 0.4, leads=(0, 11))
        checks.bond_rows_vanish(dense)  # sum F = 0 whatever its factor
    with monkeypatch.context() as broken:
        replaced(Dense, "matrix", transposed)(broken)
        T = np.asarray(checks.dense_of(H, coupling, strength, 0.4).matrix)
        checks.close(T.sum(axis=0), T.sum(axis=1), 1e-13)  # rows and columns sum alike, transposed or not
    with monkeypatch.context() as broken:
        replaced(dense_module, "broadening", times(0.5))(broken)
        checks.unitarity(checks.dense_of(H, coupling, strength, 0.5))  # Eq. B20 holds for any Gamma in Sigma
