"""Faults planted in the package, and the check of the suite that finds each one.

A suite is worth what it catches. Every entry names a slip that is easy to make, plants it, and shows
that a check which holds on the package as it is fails on the broken one.

A broken package runs uncompiled, so that nothing compiled before hides its fault and nothing of it is
kept for later tests.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import checks, engine, reference
from support.wires import disordered, make, ring

from jaxtransport import layout as layouts
from jaxtransport.compute import small_matrices
from jaxtransport.green import dense as dense_module
from jaxtransport.green import dephasing as dephasing_module
from jaxtransport.green import parallel_chain as long_module
from jaxtransport.green.chain import Chain
from jaxtransport.green.dense import Dense
from jaxtransport.green.dephasing import Dephased
from jaxtransport.green.parallel_chain import ParallelChain, Scatterer
from jaxtransport.layout import Layout
from jaxtransport.linear import AtBias
from jaxtransport.patterns import threefry
from jaxtransport.patterns.disorder import Disorder
from jaxtransport.probes import conductor as conductor_module
from jaxtransport.probes import occupation as occupation_module
from jaxtransport.probes import panels as panels_module
from jaxtransport.probes import series as series_module
from jaxtransport.probes.response import Response
from jaxtransport.reservoirs import energies
from jaxtransport.reservoirs import wide as wide_module
from jaxtransport.reservoirs.apart import Surfaces
from jaxtransport.reservoirs.pieces import Pieces
from jaxtransport.reservoirs.reservoir import Reservoir, Surface

pytestmark = pytest.mark.slow

WIRE = disordered(90, 12)
WITH_PHASES = disordered(91, 12, flux=True)
SHORT = disordered(92, 9, sites=12)
MU_BAR, DELTA_MU, INJECTION = 0.3, 0.1, 0.4


# Checks, as the suite makes them


def leads(wire=WIRE, kernel="chain"):
    checks.leads_against_twin(wire, kernel, MU_BAR)


def in_pieces():
    leads(kernel="long")


def state():
    return engine.solve(WIRE, "chain", MU_BAR, DELTA_MU, INJECTION)


def sums():
    checks.sums_against_twin(WIRE, "chain")


def sums_in_pieces():
    checks.sums_against_twin(WIRE, "long")


def unitarity(wire=WIRE):
    dense = engine.dense_of(dense_module.hamiltonian(wire), wire.coupling, wire.strength, 0.4, leads=(0, 11))
    checks.unitarity(dense)


def bonds(wire=WIRE):
    checks.bonds_carry_what_is_exchanged(wire, "dense")


def ring_elements():
    checks.general_against_twin(*ring(3, 1.3), 0.4)


def ring_currents():
    H, coupling, strength = ring(3, 1.3)
    checks.links_carry_the_currents(H, engine.dense_of(H, coupling, strength, 0.4))


def short_wire(kernel):
    return lambda: checks.short_wire(kernel, 0.5, 0.6)


def source_and_drain():
    wire = make(layouts.pair(9), gamma=0.6, sites=12)
    checks.one_pair("chain", wire, 0.5, 0.6)


def two_leads():
    checks.formulas_of_the_leads(0.3, 0.7, 0.2, 0.5)


def cold():
    checks.conductor_against_quadrature(None)


def warm():
    checks.conductor_against_quadrature(0.05)


def narrow():
    checks.narrow_level()


def third_order():
    checks.third_order_against_exact()


def molecule():
    checks.molecule_between_wide_bands(3, 0.3, 0.2, 0.8)


def two_kinds():
    checks.two_kinds_of_reservoirs("chain")


def over_an_edge():
    checks.currents_across_an_edge()


def rules():
    checks.rules_against_matrices("chain")


def rules_of_matrices():
    checks.rules_against_matrices("dense")


def dephasing_ring():
    checks.dephasing_probes_of_a_ring()


def random_bits():
    checks.published_random_bits()


def same_disorder():
    checks.disorder_is_that_of_its_name()


def small_systems():
    checks.small_systems_are_solved()


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
    return lambda old: lambda *arguments, **named: factor * old(*arguments, **named)


def of_another_wire(change) -> Callable:
    """The chain kernel at work on change(wire)."""
    return replaced(Chain, "at", lambda old: lambda cls, wire, w: old(cls, change(wire), w))


def with_field(name, change) -> Callable:
    """The chain kernel with one of its fields changed."""
    field = lambda kernel: getattr(kernel, name)
    at = lambda old: lambda cls, wire, w: eqx.tree_at(field, old(cls, wire, w), replace_fn=change)
    return replaced(Chain, "at", at)


def both(*plants) -> Callable:
    return lambda monkeypatch: [plant(monkeypatch) for plant in plants]


def conjugate_self_energy(old):
    return lambda H, *rest: jnp.conj(old(jnp.conj(H), *rest))


def without_shift(old):
    return lambda self, coupling, lead=None: (0 * old(self, coupling)[0], old(self, coupling)[1])


def half_as_broad(old):
    return lambda self, coupling, lead=None: (old(self, coupling)[0], old(self, coupling)[1] / 2)


def transposed(old):
    return lambda self: old(self).T


def link_above_the_diagonal(old):
    def F(self):
        G, link = self.green, jnp.diagonal(self.inverse, 1)[:, None]
        return 2 * jnp.imag(link * G[:-1] * jnp.conj(G[1:])) * self.broadening[None, :]

    return F


def lost_conjugate(old):
    def H(wire):
        upper = jnp.triu(old(wire), 1)
        return jnp.diag(jnp.diagonal(old(wire))) + upper + upper.T

    return H


def conjugate(old):
    return lambda wire, **away: jnp.conj(old(wire, **away))


def hopping_of_the_next_bond(wire):
    return eqx.tree_at(lambda w: w.hopping, wire, jnp.roll(wire.hopping, 1))


def length_of_the_arrays(wire):
    return eqx.tree_at(lambda w: w.length, wire, wire.length * 0 + wire.sites)


def in_single_precision(value):
    return value.astype(jnp.float32).astype(jnp.float64)


def colder(old):
    return lambda at, x, T: old(at, x, T / 2)


def both_minus(old):
    return lambda *given: tuple(-part for part in old(*given))


def without_factorials(old):
    return SimpleNamespace(factorial=lambda m: 1)


def one_site_off(old):
    return lambda *arguments: np.roll(old(*arguments), 1)


def subtract_squares(old):
    return lambda w: jnp.sqrt(4 - jnp.asarray(w) ** 2)


def drawn_from_the_lead(old):
    return lambda self, sign, injection: old(self, sign, -injection)


def mirror_of_the_left(old):
    return lambda self, sign, injection: -self.left_current(sign, injection)


def sources_swapped(old):
    return lambda self, currents: old(self, currents)._replace(b=old(self, currents).d)


def sides_swapped(old):
    """c for e."""
    return lambda self, x: old(self, x)[::-1]


def without_reflections(old):
    def star(left, right):
        return Scatterer(*old(left._replace(h=0 * left.h), right._replace(f=0 * right.f)))

    return star


def right_after_left(old):
    return lambda left, right: old(right, left)


def unsquared(old):
    return lambda m, site: old(m, site._replace(t2=jnp.sqrt(site.t2)))


def leads_for_the_others(old):
    return lambda self, coupling, lead: old(self, coupling, ~lead)


def of_the_leads(old):
    return lambda self, coupling, energy, lead=None: old(self.leads, coupling, energy, True)


def without_inner_edges(old):
    return lambda self: jnp.zeros(1)


def one_round_less(old):
    return lambda key, counter, rounds=13: old(key, counter, rounds - 1)


def a_rotation_mixed_up(old):
    return (*old[:3], old[4], old[3], *old[5:])


def from_site_0(old):
    return lambda self, index, length, numpy=np: old(self, index + 1, length, numpy)


def with_the_length(old):
    return lambda self, index, length, numpy=np: old(self, index + length, length, numpy)


def bonds_as_sites(old):
    return lambda self, *, of_bonds, place: old(self, of_bonds=False, place=place)


def occupied_for_empty(old):
    return lambda rules, x: 1 - old(rules, x)


def none_at_mu_bar(old):
    return lambda *given: (0 * old(*given)[0], old(*given)[1])


def not_filled(old):
    return lambda self, x, group=None: x


def from_one_side(old):
    def of(cls, *given):
        return eqx.tree_at(lambda made: made.to_right, old(cls, *given), replace_fn=jnp.zeros_like)

    return of


def not_passed_on(old):
    def of(cls, sides, broadening, ratio, diagonal, dephasing):
        made = old(cls, sides, broadening, ratio, diagonal, dephasing)
        return eqx.tree_at(lambda m: m.onward, made, jnp.where(dephasing[:, None], 1.0, made.onward))

    return of


def of_the_transposed(old):
    return lambda T, dephasing: old(T.T, dephasing)


def back_and_forth_once_more(old):
    return lambda T, here: old(jnp.where(here[:, None] & here, 2 * T, T), here)


def rows_as_they_are(old):
    return lambda rows, k, pivot: rows


half, none, twice, minus = times(0.5), times(0.0), times(2.0), times(-1.0)


@dataclass(frozen=True)
class Fault:
    name: str
    plant: Callable
    check: Callable


FAULTS = [
    Fault("sign of Im Sigma", replaced(dense_module, "_inverse_green", conjugate_self_energy), unitarity),
    Fault("sign of Im Sigma, in J", replaced(dense_module, "_inverse_green", conjugate_self_energy), bonds),
    Fault("no Re Sigma, dense", replaced(Surface, "dress", without_shift), short_wire("dense")),
    Fault("no Re Sigma, chain", replaced(Surface, "dress", without_shift), short_wire("chain")),
    Fault("lost factor 2 in Gamma, dense", replaced(Surface, "dress", half_as_broad), short_wire("dense")),
    Fault(
        "lost factor 2 in Gamma, chain",
        replaced(Surface, "dress", half_as_broad),
        short_wire("chain"),
    ),
    Fault("Gamma not that of Sigma", with_field("broadening", lambda Gamma: Gamma / 2), leads),
    Fault("transposed T, its elements", replaced(Dense, "matrix", transposed), ring_elements),
    Fault("transposed T, its currents", replaced(Dense, "matrix", transposed), ring_currents),
    Fault("lost factor 2 in F", replaced(Dense, "bond_matrix", half), bonds),
    Fault(
        "t* for t in F", replaced(Dense, "bond_matrix", link_above_the_diagonal), lambda: bonds(WITH_PHASES)
    ),
    Fault(
        "lost conjugate in H",
        replaced(dense_module, "hamiltonian", lost_conjugate),
        lambda: unitarity(WITH_PHASES),
    ),
    Fault(
        "sign of the phase of t",
        replaced(dense_module, "hamiltonian", conjugate),
        lambda: checks.hamiltonian_is_as_defined(WITH_PHASES),
    ),
    Fault(
        "sign of t",
        replaced(dense_module, "hamiltonian", minus),
        lambda: checks.hamiltonian_is_as_defined(WIRE),
    ),
    Fault("hopping of the next bond", of_another_wire(hopping_of_the_next_bond), leads),
    Fault("length of the arrays for N", of_another_wire(length_of_the_arrays), lambda: leads(SHORT)),
    Fault("sources one site off", replaced(Layout, "strength", one_site_off), source_and_drain),
    Fault("source for drain", replaced(Layout, "strength", minus), source_and_drain),
    Fault("no |G_ll|^2", with_field("diagonal", jnp.ones_like), sums),
    Fault("no Re Sigma, long", replaced(Surface, "dress", without_shift), short_wire("long")),
    Fault("lost factor 2 in Gamma, long", replaced(Surface, "dress", half_as_broad), short_wire("long")),
    Fault("t for t^2 between pieces", replaced(long_module, "_one_more", unsquared), in_pieces),
    Fault("waves that are not scattered", replaced(long_module, "_star", without_reflections), in_pieces),
    Fault("stretches in the wrong order", replaced(long_module, "_star", right_after_left), in_pieces),
    Fault("source of e for that of c", replaced(ParallelChain, "_scatterers", sources_swapped), in_pieces),
    Fault("left for right, in averages", replaced(ParallelChain, "_averages", sides_swapped), sums_in_pieces),
    Fault("a number in single precision", with_field("tau", in_single_precision), leads),
    Fault(
        "4 - w^2 at the band edge",
        replaced(energies, "root", subtract_squares),
        lambda: checks.band_edge_keeps_its_digits(1.99999),
    ),
    Fault("sign of delta I", replaced(Response, "left_current", drawn_from_the_lead), two_leads),
    Fault("lost factor 2 in Delta I", replaced(Response, "nonreciprocity", half), two_leads),
    Fault("Delta I the other way round", replaced(Response, "nonreciprocity", minus), two_leads),
    Fault("I_N = -I_1 always", replaced(Response, "right_current", mirror_of_the_left), two_leads),
    Fault(
        "h with 1 / 2 pi",
        replaced(AtBias, "heat", twice),
        lambda: checks.heat_is_paid_for(state(), 12, DELTA_MU),
    ),
    Fault("sign of dw", replaced(occupation_module, "_cold", both_minus), cold),
    Fault("T for k_B T / 2", replaced(occupation_module, "_short", colder), warm),
    Fault("levels are not looked for", replaced(panels_module, "tails", none), narrow),
    Fault("lost factor 2 in Gamma, wide", replaced(wide_module, "WIDTH", lambda width: width / 2), molecule),
    Fault("leads for the others", replaced(Surfaces, "dress", leads_for_the_others), two_kinds),
    Fault("leads for the others, in energy", replaced(Surfaces, "dress", leads_for_the_others), over_an_edge),
    Fault("leads' Gamma for all", replaced(Reservoir, "broadening", of_the_leads), over_an_edge),
    Fault("an edge is forgotten", replaced(Pieces, "breaks", without_inner_edges), over_an_edge),
    Fault("a round of Threefry", replaced(threefry, "bits", one_round_less), random_bits),
    Fault("rotations of Threefry", replaced(threefry, "ROTATIONS", a_rotation_mixed_up), random_bits),
    Fault("disorder from site 0", replaced(Disorder, "along", from_site_0), same_disorder),
    Fault("disorder by the length", replaced(Disorder, "along", with_the_length), same_disorder),
    Fault("disorder of bonds on sites", replaced(Disorder, "told_apart", bonds_as_sites), same_disorder),
    Fault("a loss for a gain", replaced(conductor_module, "occupations", occupied_for_empty), rules),
    Fault("no occupation at mu_bar", replaced(conductor_module, "filled", none_at_mu_bar), rules),
    Fault("dephasing probes at mu_bar", replaced(Dephased, "filled", not_filled), rules),
    Fault("dephasing probes see the left alone", replaced(Dephased, "of", from_one_side), rules),
    Fault("dephasing probes pass nothing on", replaced(Dephased, "of", not_passed_on), rules),
    Fault(
        "T twice among dephasing probes",
        replaced(dephasing_module, "_reduced", back_and_forth_once_more),
        rules_of_matrices,
    ),
    Fault(
        "transposed T, dephasing probes",
        replaced(dephasing_module, "_reduced", of_the_transposed),
        dephasing_ring,
    ),
    Fault("rows not exchanged", replaced(small_matrices, "_swapped", rows_as_they_are), small_systems),
    Fault("lost 1 / m!", replaced(series_module, "math", without_factorials), third_order),
    Fault(
        "sign of the density",
        replaced(AtBias, "density", minus),
        lambda: checks.density_follows_current(state(), WIRE, MU_BAR, DELTA_MU),
    ),
]


@pytest.fixture
def broken(monkeypatch):
    """For planting; what is planted acts at once, as nothing compiled before runs, and goes with the test."""
    with jax.disable_jit():
        yield monkeypatch


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_found(fault, broken):
    with jax.disable_jit(False):
        fault.check()
    fault.plant(broken)
    with pytest.raises(AssertionError, match=r"off by|NaN at|beyond the wire"):
        fault.check()


def on_the_ring():
    return engine.dense_of(*ring(3, 1.3), 0.4)


def test_unitarity_cannot_see_the_size_of_gamma(broken):
    """Eq. B20 holds for any Gamma in Sigma; closed forms tell."""
    replaced(Surface, "dress", half_as_broad)(broken)
    checks.unitarity(on_the_ring())


def test_sums_of_transmissions_cannot_see_their_direction(broken):
    """Rows and columns of T sum alike, transposed or not; its elements tell, and currents through links."""
    replaced(Dense, "matrix", transposed)(broken)
    T = on_the_ring().matrix
    checks.close(T.sum(axis=0), T.sum(axis=1), 1e-13)


def test_rows_of_bond_transmissions_cannot_see_their_size(broken):
    """sum_l' F_ll' = 0 whatever the factor; J_1 = I_1 tells."""
    replaced(Dense, "bond_matrix", half)(broken)
    H = reference.hamiltonian(reference.chain_of(WIRE))
    checks.bond_rows_vanish(engine.dense_of(H, WIRE.coupling, WIRE.strength, 0.4, leads=(0, 11)))
