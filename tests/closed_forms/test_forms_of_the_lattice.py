"""Closed forms of the master equation: exact ones against the printed equations, others in their limit.

Exact forms agree to 1e-12 of the largest density, which is a few dozen roundings with room to spare: at
p = .001 densities reach 1000 delta_rho. Currents are compared on the same scale, as the twin takes them
from differences of such densities.
"""

import numpy as np
import pytest
from support import classical_reference as twin
from support.asymptotics import is_of_order
from support.checks import close

from jaxtransport.closed_forms import lattice
from jaxtransport.errors import InputError

PROBABILITIES = (0.001, 0.1, 0.5, 0.9, 0.999, 1.0)
DRIVES = ((0.3, 0.2), (0.3, -0.7), (0.0, 0.4))
RHO_0 = 0.7


def biases(delta_rho):
    """(rho_0, delta_rho) of the formulas, forward and reverse: reservoirs swap their densities."""
    return ((RHO_0, delta_rho), (RHO_0 + delta_rho, -delta_rho))


def compared(layout, N, p, densities, bond_currents):
    for delta_rho, I_g in DRIVES:
        for start, difference in biases(delta_rho):
            right, left = twin.master_steady(N, layout, p, start + difference, start, I_g)
            scale = max(np.max(np.abs(right)), np.max(np.abs(left)))
            got_right, got_left = densities(start, difference, I_g)
            close(got_right, right, 1e-12, scale, f"rho+, N = {N}, p = {p}")
            close(got_left, left, 1e-12, scale, f"rho-, N = {N}, p = {p}")
            currents = twin.master_currents(right, left, layout, p)
            close(bond_currents(difference, I_g), currents, 1e-12, scale, f"J, N = {N}, p = {p}")


@pytest.mark.parametrize("p", PROBABILITIES)
def test_one_dimer(p):
    """Eqs. A8-A13, and currents A14 (Eq. 6) and A15."""

    def currents(delta_rho, I_g):
        ends = lattice.short_current(p, delta_rho, I_g)
        return [ends, lattice.short_bond_current(p, delta_rho, I_g), ends]

    compared("dimers", 4, p, lambda *drive: lattice.short_densities(p, *drive), currents)


@pytest.mark.slow
@pytest.mark.parametrize("p", PROBABILITIES)
def test_many_dimers(p):
    """Eq. 7 (A16-A21), A22, and Eq. 8 between dimers and at the ends."""
    for N in (4, 6, 12, 30, 100, 200):
        compared(
            "dimers",
            N,
            p,
            lambda *drive, N=N: lattice.densities(N, p, *drive),
            lambda *drive, N=N: lattice.bond_currents(N, p, *drive),
        )
        ends = lattice.bond_currents(N, p, 0.3, 0.2)[[0, -1]]
        close(ends, [lattice.current(N, p, 0.3, 0.2)] * 2, 0.0, what="Eq. 8")


@pytest.mark.parametrize("p", PROBABILITIES)
def test_one_pair_far_apart(p):
    """Eqs. C19-C22 and what lies between, C23, C24: of any length, even and odd."""
    for N in (4, 5, 6, 13, 50, 200):
        compared(
            "pair",
            N,
            p,
            lambda *drive, N=N: lattice.pair_densities(N, p, *drive),
            lambda *drive, N=N: lattice.pair_bond_currents(N, p, *drive),
        )


def test_many_dimers_begin_with_one():
    """Eq. 7 at N = 4 is A8-A13; Eq. 8 is Eq. 6; A22 is A15."""
    for p in PROBABILITIES:
        for start, difference in biases(0.3):
            short = lattice.short_densities(p, start, difference, 0.2)
            close(lattice.densities(4, p, start, difference, 0.2), short, 1e-15)
    p = np.array(PROBABILITIES)
    close(lattice.current(4, p, 0.3, 0.2), lattice.short_current(p, 0.3, 0.2), 1e-15)
    bonds = [lattice.bond_currents(4, one, 0.3, 0.2)[1] for one in p]
    close(bonds, lattice.short_bond_current(p, 0.3, 0.2), 1e-15)


def test_nonreciprocity_needs_scattering():
    """delta I of Eq. 8 is 0 at p = 1; at N = 4 and p -> 0 it is the 1/3 of the circuit."""
    N, p = np.array([4, 10, 60])[:, None], np.array([0.2, 0.7, 1.0])
    half = -(lattice.current(N, p, 0.3, 0.2) + lattice.current(N, p, -0.3, 0.2)) / 2
    close(half / 0.2, lattice.injection_response(N, p), 1e-15, 1.0)
    assert np.all(lattice.injection_response(N, 1.0) == 0)
    close(lattice.injection_response(4, 1e-12), 1 / 3, 1e-11)  # of order p away from it
    assert lattice.scattering_length(1.0) == np.inf
    close(lattice.scattering_length([0.5, 0.9]), [2.0, 10.0], 1e-15)


# In a limit only


@pytest.mark.parametrize(("p", "constant"), [(0.5, 8.0), (0.9, 40.0)])
def test_drude_form_has_an_error_of_order_two_in_the_length(p, constant):
    """Eq. 9: relative error (1 + 2 delta_rho / I_g) / [(1 - p) N^2], 8/N^2 at p = .5; 36 % at N = 10."""
    delta_rho, I_g = 0.3, 0.2

    def error(N):
        exact = lattice.current(N, p, delta_rho, I_g)
        return lattice.drude_current((N - 1) * (1 - p), delta_rho, I_g) / exact - 1

    N = np.array([2000, 4000, 8000, 16000])
    is_of_order(1 / N, error(N), 2.0, 0.02, "Eq. 9")
    # The next order is 10 l_c / N of it, since the current passes through 0 at N of order l_c.
    close(error(N[-1]) * N[-1] ** 2, constant, 0.01)
    assert abs(error(np.array(10))) > (0.36 if p == 0.5 else 0.09)
    exact = lattice.current(N, p, delta_rho, I_g)
    close(lattice.drude_current((N - 2) * (1 - p), delta_rho, I_g), exact, 1e-13, what="with N - 2 for N - 1")


LIMITS = {
    0.5: {"species": 0.70, "total": 1.3, "ends": 0.09},
    3.0: {"species": 3.7, "total": 7.3, "ends": 0.076},
}


def continuum_errors(N, ratio):
    """Largest errors of A36-A39, of A42 and A43, and of A40, A41, A44, on all middle sites."""
    p, site = lattice.hop_of_continuum(N, ratio), np.arange(1, N + 1)
    right, left = lattice.densities(N, float(p), RHO_0, 0.3, 0.2)
    by_site = lattice.continuum_densities(site / (N - 1), ratio, RHO_0, 0.3, 0.2)
    total = lattice.continuum_total(site / (N - 1), ratio, RHO_0, 0.3, 0.2)
    species, sums = [], []
    for name, parity in (("odd", 1), ("even", 0)):
        on = (site % 2 == parity) & (site > 1) & (site < N)
        species += [
            np.abs(form - exact)[on] for form, exact in zip(by_site[name], (right, left), strict=True)
        ]
        sums.append(np.abs(total[name] - right - left)[on])
    first, last = lattice.continuum_ends(ratio, RHO_0, 0.3, 0.2)
    current = lattice.drude_current(ratio, 0.3, 0.2) - lattice.current(N, p, 0.3, 0.2)
    ends = [first - left[0], last - right[-1], current]
    return {"species": np.max(species), "total": np.max(sums), "ends": np.max(np.abs(ends))}


@pytest.mark.parametrize("ratio", LIMITS)
def test_continuum_has_an_error_of_order_one_in_the_spacing(ratio):
    """A36-A44 at fixed L / l_c: error c / N with the c of LIMITS, which the maximum over sites reaches."""
    lengths = np.array([100, 200, 400, 800])
    errors = [continuum_errors(N, ratio) for N in lengths]
    for name, constant in LIMITS[ratio].items():
        values = np.array([e[name] for e in errors])
        is_of_order(1 / lengths, values, 1.0, 0.03, name)
        close(values[-1] * lengths[-1], constant, 0.06, what=f"{name}: c")  # constants have two digits
    assert continuum_errors(6, ratio)["total"] > 0.15  # half the difference of the reservoirs


def test_continuum_solves_its_differential_equations():
    """A28, A32, A34, A35 and their boundary values; A42 and A43 are the sums."""
    x, ratio = np.linspace(0, 1, 11), 1.7
    forms = lattice.continuum_densities(x, ratio, RHO_0, 0.3, 0.2)
    total = lattice.continuum_total(x, ratio, RHO_0, 0.3, 0.2)
    for name, (right, left) in forms.items():
        for species in (right, left):  # straight lines: differences are derivatives
            close(np.diff(species) / np.diff(x), -ratio * (right - left)[1:], 1e-13, what=name)
        close(right + left, total[name], 1e-14)
    close([forms["odd"][0][0], forms["even"][0][0]], [RHO_0 + 0.3, RHO_0 + 0.4], 1e-15)
    close([forms["odd"][1][-1], forms["even"][1][-1]], [RHO_0 - 0.1, RHO_0], 1e-15)


def test_way_to_the_continuum():
    """A23, A24 miss the lattice by O(1/N); with them A25-A27, A29, A30 hold. A31, A33 hold on the lattice."""
    ratio, I_g = 1.5, 0.2
    lengths, errors = np.array([50, 100, 200]), []
    for N in lengths:
        right, left = twin.continuum_steady(N, ratio, RHO_0 + 0.3, RHO_0, I_g)
        exact = lattice.densities(int(N), float(lattice.hop_of_continuum(N, ratio)), RHO_0, 0.3, I_g)
        errors.append(np.max(np.abs(np.array([right, left]) - exact)[:, 1:-1]))
    is_of_order(1 / lengths, errors, 1.0, what="A23, A24")
    at = lambda values, l: values[l - 1]
    share = ratio / (N - 1)  # a / l_c
    inner = share / (1 + 2 * share)  # a / (2 a + l_c)
    even, odd = np.arange(2, N, 2), np.arange(3, N, 2)
    through = at(right, even - 1) - at(left, even + 1)
    zero = lambda values, what: close(values, np.zeros(len(values)), 1e-13, 1.0, what)
    zero(at(right, even) - at(left, even) - through / (1 + 2 * share), "A25")
    here = at(right, odd - 2) - inner * (at(right, odd - 2) - at(left, odd)) + I_g / 2
    zero(at(right, odd - 1) - here, "A26")
    here = at(right, odd - 2) - at(right, odd) - inner * (at(right, odd - 2) - at(left, odd))
    zero(here - share * (at(right, odd) - at(left, odd)), "A27")
    start = np.arange(1, N - 2, 2)
    here = at(left, start + 2) + inner * (at(right, start) - at(left, start + 2)) + I_g / 2
    zero(at(left, start + 1) - here, "A29")
    start = np.arange(3, N - 2, 2)
    here = at(left, start + 2) - at(left, start) + inner * (at(right, start) - at(left, start + 2))
    zero(here + share * (at(right, start) - at(left, start)), "A30")
    right, left = exact
    p = 1 - share
    close(left[-2], left[-1] - I_g / 2 + (1 - p) * right[-2], 1e-14, what="A31")
    close(right[1], right[0] + I_g / 2 + (1 - p) * left[1], 1e-14, what="A33")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: lattice.current(5, 0.5, 0.3, 0.2), "N"),
        (lambda: lattice.current([4, 2], 0.5, 0.3, 0.2), "N"),
        (lambda: lattice.densities(7, 0.5, 0.2, 0.3, 0.2), "N"),
        (lambda: lattice.pair_densities(3, 0.5, 0.2, 0.3, 0.2), "N"),
        (lambda: lattice.current(4, 0.0, 0.3, 0.2), "p"),
        (lambda: lattice.short_current([0.5, 1.1], 0.3, 0.2), "p"),
        (lambda: lattice.pair_current(float("nan"), 0.3, 0.2), "p"),
    ],
)
def test_nonsense_is_named(call, name):
    with pytest.raises(InputError, match=rf"^{name}(\[\d+\])? = "):
        call()
