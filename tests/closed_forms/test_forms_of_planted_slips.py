"""Slips that are easy to make, planted in the closed forms: each check of this folder has to see its own."""

import numpy as np
import pytest
from support import classical_reference as twin
from support.checks import close
from support.long_wires import long_wire as wire

from jaxtransport.closed_forms import circuit, lattice, long_wire, pair, short_wire


def flipped(old):
    return lambda *arguments: -old(*arguments)


def three_for_two(old):
    """N - 3 where N - 2 belongs."""
    return lambda N, *rest: old(np.asarray(N) - 1, *rest)


def source_for_drain(old):
    return lambda *arguments: old(*arguments[:-1], -arguments[-1])


def weighted_everywhere(old):
    """The p of Eq. A7 on the bonds of a pair whose sites between do not scatter."""
    return lambda N, p, *rest: old(N, p, *rest) * np.where(np.arange(1, N) % (N - 2) == 1, 1, p)


def on_source_for_drain(old):
    return lambda l, *rest: old(np.asarray(l) + 1, *rest)


def halved(old):
    return lambda *arguments: old(*arguments) / 2


def lost_square(old):
    return lambda mu_bar, gamma: old(mu_bar, np.sqrt(gamma))


def currents_of_dimers():
    densities = twin.master_steady(12, "dimers", 0.4, 0.5, 0.2, 0.2)
    exact = twin.master_currents(*densities, "dimers", 0.4)
    close(lattice.current(12, 0.4, 0.3, 0.2), exact[0], 1e-12, 1.0, "Eq. 8")


def currents_of_a_pair():
    exact = twin.master_currents(*twin.master_steady(9, "pair", 0.4, 0.5, 0.2, 0.2), "pair", 0.4)
    close(lattice.pair_bond_currents(9, 0.4, 0.3, 0.2), exact, 1e-12, what="C24")


def densities_of_dimers():
    exact = twin.master_steady(12, "dimers", 0.4, 0.5, 0.2, 0.2)
    close(lattice.densities(12, 0.4, 0.2, 0.3, 0.2), exact, 1e-12, what="Eq. 7")


def currents_of_the_circuit():
    _, exact = twin.nodal(np.arange(1, 7) / 7, [1, -1] * 3, 1.0, 0.0, 7.0, 0.2)
    close(circuit.current(8, 1.0, 0.2), exact[0], 1e-12, what="D1")


def density_along_the_wire():
    exact = wire(12, 1.0, 0.5)
    x = exact.potentials(0.1, 0.01)
    density = (np.abs(exact.green) ** 2 * exact.broadening * (x[None] - x[:, None])).sum(axis=1) / (2 * np.pi)
    close(long_wire.density(np.arange(2, 12), 1.0, 0.5, 0.01), density[1:-1], 1e-12, what="B51")


def conductance_of_a_long_wire():
    close(long_wire.conductance(30, 1.0, 0.5), wire(30, 1.0, 0.5).conductance, 0.012, what="Eq. 21")


def slope_of_a_weakly_coupled_wire():
    by_wire = 2 * wire(10, 1.0, 0.01).response / 1e-4
    close(long_wire.weak_coupling_slope(10, 1.0), by_wire, 1e-2, what="c_N")


def response_of_the_short_wire():
    close(short_wire.injection_response(1.0, 0.5), wire(4, 1.0, 0.5).response, 1e-13, what="B33")


def sums_of_the_bulk():
    exact = -long_wire.conductivity(1.0, 0.5)
    close(long_wire.sum_of_bond_times_distance(1.0, 0.5), exact, 1e-13, what="B46")


def current_of_a_pair():
    T = pair.transmissions(9, 0.5, 0.6)
    exact = 2 * np.pi * pair.left_current(T, pair.potential_shift_by_transmissions(T, 1.0, 0.0), 1.0)
    close(pair.conductance(9, 0.5, 0.6), exact, 1e-12, what="C13")


SLIPS = {
    "sign of the current": (lattice, "current", flipped, currents_of_dimers),
    "N - 3 for N - 2, lattice": (lattice, "current", None, currents_of_dimers),
    "p on all bonds": (lattice, "pair_bond_currents", weighted_everywhere, currents_of_a_pair),
    "source for drain, lattice": (lattice, "densities", source_for_drain, densities_of_dimers),
    "source for drain, circuit": (circuit, "current", source_for_drain, currents_of_the_circuit),
    "one site off": (long_wire, "density", on_source_for_drain, density_along_the_wire),
    "N - 3 for N - 2, wire": (long_wire, "conductance", three_for_two, conductance_of_a_long_wire),
    "lost factor 2 in c_N": (long_wire, "weak_coupling_slope", halved, slope_of_a_weakly_coupled_wire),
    "gamma for gamma^2": (short_wire, "injection_response", lost_square, response_of_the_short_wire),
    "lost factor 2 in F": (long_wire, "sum_of_bond_times_distance", halved, sums_of_the_bulk),
    "lost factor 2 in G": (pair, "conductance", halved, current_of_a_pair),
}


def current_with_three(N, p, delta_rho, I_g):
    """Eq. 8 with N - 3 in its denominator."""
    return (delta_rho - (1 - p) * (N / 2 - 1) * I_g) / (1 + (N - 3) * (1 - p))


@pytest.mark.parametrize("slip", SLIPS)
def test_a_planted_slip_is_found(slip, monkeypatch):
    module, name, change, check = SLIPS[slip]
    check()
    planted = change(getattr(module, name)) if change else current_with_three
    monkeypatch.setattr(module, name, planted)
    with pytest.raises(AssertionError, match="off by"):
        check()


def test_conservation_cannot_see_a_lost_p():
    """Weighted by p, currents between source and drain still are constant: only the twin's hops tell."""
    lost = weighted_everywhere(lattice.pair_bond_currents)(9, 0.4, 0.3, 0.2)
    close(np.diff(lost)[1:-1], np.zeros(5), 1e-15, 1.0)
