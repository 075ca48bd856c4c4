"""Checks that more than one test makes: the suite on the package as it is, `test_faults` on broken ones.

A check raises AssertionError. What it takes from the package comes compiled, from `engine`.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from mpmath import mpf, workdps
from mpmath import sqrt as mpsqrt

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.closed_forms import pair as pair_forms
from jaxtransport.closed_forms import short_wire as short_forms
from jaxtransport.compute import linalg
from jaxtransport.green import dense as dense_kernel
from jaxtransport.green import dephasing
from jaxtransport.green.chain import Chain
from jaxtransport.green.kernels import named
from jaxtransport.patterns import pattern_of, threefry
from jaxtransport.probes.conductor import ExactConductor
from jaxtransport.probes.panels import Panels
from jaxtransport.probes.response import Response
from jaxtransport.probes.series import SeriesConductor
from jaxtransport.reservoirs import energies
from support import nonlinear_reference, precise, reference, ruled_reference, two_kinds
from support.engine import (
    DenseNumbers,
    compiled,
    dense_answers,
    dense_of,
    matrix,
    nonreciprocity,
    products,
    respond,
    solve,
    trimmed,
)
from support.wires import make, ring


def close(actual, expected, tolerance: float, scale: float | None = None, what: str = "") -> float:
    """|actual - expected| <= tolerance * scale, NaN where NaN is expected and nowhere else.

    Args:
        scale: what the deviation is measured by; the largest |expected| if left out.

    Returns:
        The largest deviation, over `scale`.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    held = ~np.isnan(expected)
    assert np.array_equal(np.isnan(actual), ~held), f"{what}: NaN at the wrong places: {actual}"
    if not held.any():
        return 0.0
    if scale is None:
        scale = float(np.max(np.abs(expected[held])))
    deviation = float(np.max(np.abs(actual[held] - expected[held])))
    relative = deviation / scale if deviation else 0.0
    assert relative <= tolerance, f"{what}: off by {relative:.2e} of {scale:.3g}, more than {tolerance:.0e}"
    return relative


def close_digits(actual, expected: mpf, tolerance: float, scale: mpf | None = None, what: str = "") -> float:
    """The same for one double against an mpmath number, subtracted before anything is rounded."""
    with workdps(60):
        deviation = abs(mpf(float(actual)) - expected)
        if deviation:
            deviation /= abs(expected if scale is None else scale)
    return close(float(deviation), 0.0, tolerance, 1.0, what)


def same_state(actual: dict, expected: dict, tolerance: float, sizes: dict | None = None) -> None:
    """Field by field: currents on the scale of the largest current, the others on their own.

    Potentials are compared on the scale of their distance from the mean, so that mu_bar hides nothing.
    """
    of = lambda name: np.asarray(expected[name])
    current = max(np.max(np.abs(of("site_current"))), np.max(np.abs(of("bond_current"))))
    x = of("potential")[~np.isnan(of("potential"))]
    scales = {
        "potential": np.max(np.abs(x - (x[0] + x[-1]) / 2)),  # the ends hold the leads
        "heat": None,
        "density": None,
        "injection_response": max(1.0, abs(float(of("injection_response")))),  # of a unit injection
    }
    for name in expected:
        if name not in ("residual", "status", "outside_band"):
            close(actual[name], expected[name], tolerance, scales.get(name, current), name)
    for name in ("status", "outside_band"):
        if name in expected:
            assert actual[name] == expected[name], name


def twin(wire, *, mu_bar, delta_mu, injection) -> reference.Answer:
    """The NumPy twin of `solve`."""
    return reference.solve(reference.chain_of(wire), mu_bar, delta_mu, injection)


def against_twin(wire, kernel, *, mu_bar, delta_mu, injection, twin=None, tolerance=1e-11) -> None:
    """`jaxtransport.solve` against the NumPy twin, field by field, and its own residual.

    1e-11 of the largest current: the twin inverts matrices whose condition number reaches 1e4 here.
    """
    state = solve(wire, kernel, mu_bar, delta_mu, injection)
    twin = twin or reference.solve(reference.chain_of(wire), mu_bar, delta_mu, injection)
    fields = trimmed(state, int(wire.length))
    same_state(fields, dataclasses.asdict(twin), tolerance)
    assert fields["status"] == 0
    reach = np.abs(twin.potentials[~np.isnan(twin.potentials)])
    assert fields["outside_band"] == np.any(reach >= 2)
    close(fields["residual"], 0.0, tolerance, np.max(np.abs(twin.currents)), "residual")


def charge_is_conserved(state: jt.State, N: int, tolerance: float = 1e-11) -> None:
    """sum_l I_l = 0, J_1 = I_1, J_l - J_{l-1} = I_l, J_{N-1} = -I_N; the leads as the sites say.

    1e-11 of the largest current: J and I are separate sums over the same potentials.
    """
    s = trimmed(state, N)
    I, J = s["site_current"], s["bond_current"]
    scale = max(np.max(np.abs(I)), np.max(np.abs(J)))
    close(np.sum(I), 0.0, tolerance, scale, "sum of I_l")
    close(J[0], I[0], tolerance, scale, "J_1 = I_1")
    close(np.diff(J), I[1:-1], tolerance, scale, "J_l - J_{l-1} = I_l")
    close(J[-1], -I[-1], tolerance, scale, "J_{N-1} = -I_N")
    close(s["current"], I[0], tolerance, scale, "left current")
    close(s["right_current"], I[-1], tolerance, scale, "right current")


def heat_is_paid_for(state: jt.State, N: int, delta_mu: float, tolerance: float = 1e-11) -> None:
    """sum_l h_l = sum_l I_l mu_l (Eq. B52): heat is what the currents bring. No reservoir cools.

    1e-11 of sum |I_l x_l|, x from the mean potential: sum I_l = 0, so that mu_bar drops out.
    """
    s = trimmed(state, N)
    I_o = abs(delta_mu) / (2 * np.pi)
    ends = (s["potential"][0] + s["potential"][-1]) / 2
    power = I_o * s["site_current"] * np.nan_to_num(s["potential"] - ends)
    close(np.sum(s["heat"]), np.sum(power), tolerance, np.sum(np.abs(power)), "sum of h_l")
    assert np.all(s["heat"] >= 0), "h_l < 0"


def density_follows_current(state: jt.State, wire: jt.Wire, mu_bar: float, delta_mu: float) -> None:
    """delta n_l = -I_l / Gamma_l (Eq. B51, at every reservoir), of potentials by the sum of Eq. B50."""
    N, chain = int(wire.length), reference.chain_of(wire)
    s = trimmed(state, N)
    Gamma = -2 * reference.self_energy(chain.coupling, mu_bar).imag
    G = reference.green(reference.hamiltonian(chain), chain.coupling, mu_bar)
    x = np.nan_to_num(s["potential"] - mu_bar)
    held = Gamma > 0
    by_sum = (np.abs(G) ** 2 * Gamma * (x[None, :] - x[:, None])).sum(axis=1) / (2 * np.pi)
    by_current = -s["site_current"] * abs(delta_mu) / (2 * np.pi) / np.where(held, Gamma, 1)
    # 1e-11 of the largest: both follow from the potentials by sums of a few hundred terms at most.
    close(s["density"], np.where(held, by_sum, np.nan), 1e-11, what="density by its definition")
    close(s["density"], np.where(held, by_current, np.nan), 1e-11, what="density by the current")


def hamiltonian_is_as_defined(wire) -> None:
    """H_ll = eps_l, H_{l,l+1} = -t_l, H_{l+1,l} = -t_l*; padded sites cut off and out of the band."""
    N, H = int(wire.length), np.asarray(dense_kernel.hamiltonian(wire, away=3.0))
    close(H[:N, :N], reference.hamiltonian(reference.chain_of(wire)), 0.0, what="H")
    beyond = H[N:]
    close(
        beyond - np.eye(*beyond.shape, k=N) * np.diag(H)[N:, None],
        np.zeros(beyond.shape),
        0.0,
        1.0,
        "cut-off",
    )
    assert np.all(np.diag(H)[N:].real == 3.0), "padded sites"


def band_edge_keeps_its_digits(w: float) -> None:
    """sqrt(4 - w^2) to 4 eps: one product, one root; 4 - w^2 itself loses as many digits as w has nines."""
    with workdps(50):
        exact = mpsqrt(4 - mpf(w) ** 2)
    close_digits(energies.root(w), exact, 4 * np.finfo(float).eps, what="sqrt(4 - w^2)")


def against_digits(
    wire, mu_bar, *, digits=precise.DIGITS, kernel="chain", tolerance=1e-11
) -> precise.Precise:
    """g relative to itself; r = sum_l strength_l phi_l relative to sum_l |strength_l phi_l|.

    Sources and drains nearly cancel in r where the wire is long or weakly coupled (r = 2e-6 of a sum
    of 500 terms of order 1 at gamma = 1e-4). One rounding of every phi_l moves r by that sum times
    1e-16, so no arithmetic on doubles can be held to more.

    1e-11: some 1e5 roundings in a row, each 1e-16, and none of them enlarged by a difference.
    """
    exact = precise.banded(reference.chain_of(wire), mu_bar, digits)
    g, r = respond(wire, kernel, mu_bar)
    close_digits(g, exact.g, tolerance, what="g")
    close_digits(r, exact.r, tolerance, exact.scale, "r")
    return exact


def leads_against_twin(wire, kernel, mu_bar) -> None:
    """(g, r) against the twin, to 1e-11 as in `against_twin`."""
    answer = twin(wire, mu_bar=mu_bar, delta_mu=0.1, injection=0.0)
    expected = [answer.conductance, answer.injection_response]
    close(respond(wire, kernel, mu_bar), expected, 1e-11, max(1.0, *np.abs(expected)), "(g, r)")


def unitarity(dense: DenseNumbers) -> None:
    """i G Gamma G^dagger = G^- - G^+ (Eq. B20), for any Hermitian H. 1e-12: a few hundred roundings."""
    G = dense.green
    close(1j * (G * dense.broadening) @ G.conj().T, G.conj().T - G, 1e-12, what="Eq. B20")


def bond_rows_vanish(dense: DenseNumbers) -> None:
    """sum_l' F_ll' = 0 (below Eq. B19) without flux through a loop, to 1e-12 of the largest F."""
    F = dense.bond_matrix
    close(F.sum(axis=1), np.zeros(len(F)), 1e-12, np.max(np.abs(F)), "sum of F over l'")


def bonds_carry_what_is_exchanged(wire, kernel) -> None:
    """J_1 = I_1, J_l - J_{l-1} = I_l, J_{N-1} = -I_N for any potentials; 1e-12 of the largest."""
    N = int(wire.length)
    _, I, _, J = products(wire, kernel, np.random.default_rng(0).normal(size=wire.sites))
    J = np.concatenate([[0.0], J[: N - 1], [0.0]])
    close(np.diff(J), I[:N], 1e-12, np.max(np.abs(J)), "J_l - J_{l-1} = I_l")


def sums_against_twin(wire, kernel, seed: int = 0) -> None:
    """product, exchange, spread and bonds of potentials that solve nothing; bare sites are never read.

    1e-11 of the largest: see `against_twin`.
    """
    chain, N = reference.chain_of(wire), int(wire.length)
    x = np.random.default_rng(seed).normal(size=wire.sites)
    H, Gamma = reference.hamiltonian(chain), -2 * reference.self_energy(chain.coupling, 0.4).imag
    G = reference.green(H, chain.coupling, 0.4)
    T = reference.transmissions(G, Gamma)
    np.fill_diagonal(T, 0.0)
    difference = x[:N, None] - x[None, :N]
    F = [reference.link_transmissions(H, G, Gamma, l, l + 1) for l in range(N - 1)]
    product, currents_into, heat_sums, bonds = products(wire, kernel, x)
    close(product[:N], T @ x[:N], 1e-11, what=f"{kernel} product")
    close(currents_into[:N], (T * difference).sum(axis=1), 1e-11, what=f"{kernel} exchange")
    close(heat_sums[:N], (T * difference**2).sum(axis=1), 1e-11, what=f"{kernel} spread")
    close(bonds[: N - 1], [F[l] @ (x[l] - x[:N]) for l in range(N - 1)], 1e-11, what=f"{kernel} bonds")
    elsewhere = np.where(np.asarray(wire.coupling) > 0, x, 7.0)
    for before, after in zip(
        (product, currents_into, heat_sums), products(wire, kernel, elsewhere), strict=False
    ):
        close(after, before, 1e-15, what="sums that x on bare sites enters")


def links_carry_the_currents(H, dense: DenseNumbers) -> None:
    """I_l = sum of the currents on the links that leave site l, for any H and any potentials x.

    The left side is made of T (package), the right one of F of every link (twin): a transposed T fails.
    """
    G, Gamma = dense.green, dense.broadening
    x = np.where(Gamma > 0, dense.x, 0.0)
    out = [
        sum(reference.link_transmissions(H, G, Gamma, l, k) @ (x[l] - x) for k in range(len(H)) if k != l)
        for l in range(len(H))
    ]
    by_T = (dense.matrix * (x[:, None] - x[None, :])).sum(axis=1)
    close(by_T, out, 1e-12, what="T against F of all links")
    close(dense.currents_into, out, 1e-12, what="exchange against F of all links")


def general_against_twin(H, coupling, strength, w: float) -> None:
    """G, T, F and the probe system of any Hermitian H against the twin, to 1e-12: small, well conditioned."""
    dense = dense_of(H, coupling, strength, w)
    first, last = dense.leads
    G = reference.green(H, coupling, w)
    Gamma = -2 * reference.self_energy(coupling, w).imag
    T = reference.transmissions(G, Gamma)
    close(dense.green, G, 1e-12, what="G")
    close(dense.matrix, T, 1e-12, what="T")
    F = [reference.link_transmissions(H, G, Gamma, l, l + 1) for l in range(len(H) - 1)]
    close(dense.bond_matrix, F, 1e-12, what="F")
    asked = {l: s / (2 * np.pi) for l, s in enumerate(strength) if coupling[l] > 0 and l not in dense.leads}
    none = dict.fromkeys(asked, 0.0)
    driven = reference.balance(T, {first: 0.3, last: -0.2}, {l: 0.7 * I for l, I in asked.items()})
    got_driven, got_phi, got_leads = dense_answers(H, coupling, strength, w)
    close(got_driven, driven, 1e-12, what="potentials")
    close(got_phi, reference.balance(T, {first: 1.0, last: 0.0}, none), 1e-12, what="phi")
    into = lambda x: 2 * np.pi * reference.currents_into(T, x)[first]
    g = into(reference.balance(T, {first: 0.5, last: -0.5}, none))
    r = -into(reference.balance(T, {first: 0.0, last: 0.0}, asked))
    close(got_leads, [g, r], 1e-12, what="(g, r)")


def short_wire(kernel: str, m: float, gamma: float) -> None:
    """N = 4 against Eqs. B28-B33, to 1e-13: closed forms and kernels round a few dozen times."""
    delta_mu, i = 0.1, 0.3
    wire = make(layouts.dimers(4), gamma=gamma, sites=12)
    if kernel == "dense":
        T = matrix(wire, m)
        close(T - np.diag(np.diag(T)), short_forms.transmissions(m, gamma), 1e-13, what="T, Eqs. B28-B30")
    g, r = respond(wire, kernel, m)
    close(g, short_forms.conductance(m, gamma), 1e-13, what="G_4, Eq. B32")
    close(r, short_forms.injection_response(m, gamma), 1e-13, 1.0, "delta I, Eq. B33")
    for delta in (delta_mu, -delta_mu):
        state = solve(wire, kernel, m, delta, i)
        shift = short_forms.potential_shift(m, gamma, delta, i * abs(delta) / (2 * np.pi))
        close(state.potentials[1:3], [m + shift, m - shift], 1e-13, what="mu_2, mu_3, Eq. B31")
        close(state.left_current, np.sign(delta) * g - i * r, 1e-13, 1.0, "I_1")


def molecule_between_wide_bands(N: int, E: float, left: float, right: float) -> None:
    """T = G_L G_R |U_N + i (G_L + G_R) / 2 U_N-1 - G_L G_R / 4 U_N-2|^-2, U_n(E / 2), of N levels at 0."""
    wire = jt.Wire.custom(N, contact=(np.sqrt(left / 2), np.sqrt(right / 2)), reservoirs="wide")
    first_kind = lambda n: np.polynomial.chebyshev.Chebyshev([0.0] * n + [1.0])
    U = [first_kind(n + 1).deriv()(E / 2) / (n + 1) for n in range(N + 1)]
    amplitude = U[N] + 0.5j * (left + right) * U[N - 1] - left * right / 4 * U[N - 2]
    g = jt.transmission(wire, E, kernel="chain").lead_response().conductance
    close(g, left * right / abs(amplitude) ** 2, 1e-13, what="a molecule")


def two_kinds_of_reservoirs(kernel: str) -> None:
    """Wide leads and chains between, by a plain inverse."""
    w, wire = 0.3, jt.Wire.pair(6, gamma=0.5, contact=0.8, reservoirs={"leads": "wide"})
    coupling, lead = np.asarray(wire.coupling), np.arange(6) % 5 == 0
    S = coupling**2 * np.where(lead, -1j, (w - 1j * np.sqrt(4 - w * w)) / 2)
    H = -np.eye(6, k=1) - np.eye(6, k=-1)
    T = reference.transmissions(np.linalg.inv(w * np.eye(6) - H - np.diag(S)), -2 * S.imag)
    x = np.linspace(0.3, -0.2, 6)
    current = jt.transmission(wire, w, kernel=kernel).currents_into(x)
    close(current, reference.currents_into(T, x) * 2 * np.pi, 1e-13, 1.0, "two kinds of reservoirs")


# Random123's kat_vectors for threefry2x32: rounds, counter, key, expected
KNOWN_BITS = [
    (13, (0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x9D1C5EC6, 0x8BD50731)),
    (13, (0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0xFD36D048, 0x2D17272C)),
    (13, (0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xBA3E4725, 0xF27D669E)),
    (20, (0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    (20, (0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


def published_random_bits(numpy=np) -> None:
    for rounds, counter, key, expected in KNOWN_BITS:
        words = lambda pair: tuple(numpy.asarray([word], dtype=np.uint32) for word in pair)
        found = threefry.bits(words(key), words(counter), rounds)
        close([float(word[0]) for word in found], [float(word) for word in expected], 0.0, 1.0, "bits")


def disorder_is_that_of_its_name() -> None:
    """Site l has the number of the counter l - 1, at any length; bonds have others."""
    table = {"pattern": "disorder", "width": 1.0, "seed": 7}
    sites, bonds = (pattern_of("x", table, of_bonds=of_bonds) for of_bonds in (False, True))
    words = lambda whole: (np.uint32([whole]), np.uint32([0]))
    expected = [threefry.uniform(words(7), words(l))[0] for l in range(9)]
    for length in (9, 20):
        close(sites.along(np.arange(9), length), expected, 0.0, 1.0, "disorder")
    of_bonds = [threefry.uniform(words(7), (np.uint32([l]), np.uint32([1])))[0] for l in range(9)]
    close(bonds.along(np.arange(9), 9), of_bonds, 0.0, 1.0, "disorder of bonds")


def small_systems_are_solved() -> None:
    """Many systems at once, with zeros where pivots are looked for first."""
    A = np.random.default_rng(3).normal(size=(6, 4, 4)) * (1 - np.eye(4))
    b = np.arange(24.0).reshape(6, 4)
    close(jax.vmap(linalg.solve)(A, b), np.linalg.solve(A, b[..., None])[..., 0], 1e-13, what="A x = b")


def one_pair(kernel: str, wire: jt.Wire, m: float, gamma: float) -> None:
    """One source and drain far apart against Eqs. 22 and C13, to 1e-12: sin((N - 3) k) loses a digit."""
    N, delta_mu, i = int(wire.length), 0.1, 0.3
    g, r = respond(wire, kernel, m)
    close(g, pair_forms.conductance(N, m, gamma), 1e-12, what="G_N, Eq. C13")
    close(2 * r, pair_forms.nonreciprocity(N, m, gamma), 1e-12, 1.0, "Delta j, Eq. C13")
    for delta in (delta_mu, -delta_mu):
        state = solve(wire, kernel, m, delta, i)
        shift = pair_forms.potential_shift(N, m, gamma, delta, i * abs(delta) / (2 * np.pi))
        mu = np.asarray(state.potentials)[[1, N - 2]]
        close(mu - m, [shift, -shift], 1e-12, max(abs(shift), delta_mu), "mu_2, mu_{N-1}, Eq. C13")


SHORT = make(layouts.dimers(4), gamma=0.5)
SHORT_X = np.array([0.05, 0.08, -0.07, -0.05])


def _short_current(law, *temperature) -> np.ndarray:
    """2 pi I_l of SHORT at mu_bar = 1 and the potentials SHORT_X."""

    def call(wire, x, *T):
        m = jnp.asarray(1.0)
        if law == "series":
            return SeriesConductor(wire, m, Chain, 3).currents_into(x)
        panels = Panels.of(wire, m, jnp.asarray(-3.0), jnp.asarray(1.0), *T or (None,), most=64)
        return ExactConductor(wire, m, panels, *T or (None,), Chain).flows(x).current

    return compiled(f"short {law} {len(temperature)}", call)(SHORT, SHORT_X, *temperature)


def conductor_against_quadrature(temperature: float | None) -> None:
    """The exact law against adaptive quadrature of its integral, to 1e-11 of the largest current."""
    got = _short_current("exact", *(() if temperature is None else (temperature,)))
    I, _ = nonlinear_reference.flows(reference.chain_of(SHORT), 1.0 + SHORT_X, temperature or 0.0)
    close(got, I, 1e-11, what="exact law")


def currents_across_an_edge() -> None:
    """Leads and others with bands of their own, cut at an edge within the window, to 1e-11 of the largest."""
    kinds, x = ((1.0, 0.0), (0.7, 1.0)), np.array([0.6, 0.2, -0.3, 0.1, -0.6])
    tables = dict(zip(("leads", "middle"), map(two_kinds.table_of, kinds), strict=True))
    wire = jt.Wire.custom(5, probes=[2, 3, 4], gamma=0.5, contact=0.8, reservoirs=tables)

    def call(wire, x):
        panels = Panels.of(wire, jnp.asarray(0.1), jnp.asarray(-0.7), jnp.asarray(0.7), None, most=64)
        current = ExactConductor(wire, jnp.asarray(0.1), panels, None, Chain).flows(x).current
        return current, panels.energies.above(panels.start)

    current, ends = compiled("across an edge", call)(wire, x)
    expected = two_kinds.currents(reference.chain_of(wire), kinds, 0.1 + x, 0.0)
    close(current, expected, 1e-11, what="across an edge")
    edge = two_kinds.edges(kinds[1])[0]
    close(np.min(np.abs(0.1 + ends - edge)), 0.0, 1e-15, 1.0, what="panels end at an edge")


def narrow_level() -> None:
    """A bare site between contacts of 1e-3: 2 pi Gamma_L Gamma_R / Gamma of a level 2e-6 wide, to 1e-5."""

    def call(wire, x):
        panels = Panels.of(wire, jnp.asarray(0.3), jnp.asarray(-0.6), jnp.asarray(0.5), None, most=128)
        return ExactConductor(wire, jnp.asarray(0.3), panels, None, Chain).flows(x).current

    wire = make(layouts.custom(3), contact=(1e-3, 2e-3), gamma=1.0)
    current = compiled("narrow level", call)(wire, np.array([0.3, 0.0, -0.5]))[0]
    left, right = 1e-6, 4e-6  # Gamma_l = 2 gamma_l^2 at w = 0, where half of the level lies on the leads
    close(current, 2 * np.pi * left * right / (left + right), 1e-4, what="area of a level")


def rules_against_matrices(kernel: str) -> None:
    """2 pi I_l of given potentials and occupations: a source, dephasing probes, a gain and a white probe."""
    probe = {3: "dephasing", 5: "dephasing", 6: "white"}
    where = {"sources": [2], "probes": [3, 5, 6], "probe": probe, "gains": [4]}
    levels = [0.1, -0.2, 0.3, 0.0, 0.2, -0.1, 0.05]
    wire = jt.Wire.custom(7, gamma=0.6, contact=(0.9, 0.7), onsite=levels, **where)
    y, mu_bar = np.array([0.4, 0.1, 0.0, 0.0, 0.0, 0.3, -0.2]), 0.2
    y = y + np.where(np.asarray(wire.rules.code) == 0, mu_bar, 0.0)

    def call(wire, x):
        panels = Panels.of(
            wire, jnp.asarray(mu_bar), *(jnp.asarray(e - mu_bar) for e in (-2.0, 2.0)), None, most=64
        )
        return ExactConductor(wire, jnp.asarray(mu_bar), panels, None, named(kernel)).flows(x).current

    x = np.where(np.asarray(wire.rules.code) == 0, y - mu_bar, y)
    got = compiled(f"rules {kernel}", call)(wire, x)
    expected = ruled_reference.currents(ruled_reference.Ruled.of(wire), y, 0.0)
    close(got, expected, 1e-10, what="rules of probes")


def dephasing_probes_of_a_ring() -> None:
    """T_eff of a ring in a flux once some reservoirs are dephasing probes, against the solution by hand."""
    H, coupling, strength = ring(3, 1.3)
    T = dense_of(H, coupling, strength, 0.4).matrix
    T = T - np.diag(np.diag(T))
    quiet = np.zeros(len(T), bool)
    quiet[np.flatnonzero(coupling > 0)[1::2]] = True
    kept, inner = np.flatnonzero(~quiet), np.flatnonzero(quiet)
    system = np.diag(T.sum(1)[inner]) - T[np.ix_(inner, inner)]
    expected = np.zeros_like(T)
    expected[np.ix_(kept, kept)] = T[np.ix_(kept, kept)] + T[np.ix_(kept, inner)] @ np.linalg.solve(
        system, T[np.ix_(inner, kept)]
    )
    got = np.asarray(dephasing.of_matrices(jnp.asarray(T)[None], jnp.asarray(quiet)).T[0])
    close(got, expected - np.diag(np.diag(expected)), 1e-13, what="dephasing probes")


def third_order_against_exact() -> None:
    """What Series(3) leaves out is of order x^4: less than 1e-3 of the current at |x| = .08."""
    close(_short_current("series"), _short_current("exact"), 1e-3, what="third order")


def nonreciprocity_is_the_difference(wire, kernel, *, mu_bar, delta_mu, injection) -> None:
    """Delta I without cancellation = |I_1(reverse)| - |I_1(forward)| of two solutions, to 1e-14 of |I_1|."""
    forward, reverse = (
        abs(float(solve(wire, kernel, mu_bar, delta, injection).left_current))
        for delta in (delta_mu, -delta_mu)
    )
    value = nonreciprocity(wire, kernel, mu_bar, delta_mu, injection)
    close(value, reverse - forward, 1e-14, forward + reverse, "Delta I")


def formulas_of_the_leads(g: float, r: float, injection: float, imbalance: float) -> None:
    """I_1 = +-g - i r, Delta I, Ibar and I_1 + I_N = -i imbalance by definition, to 1e-15 of the currents."""
    response = Response(*map(jnp.asarray, (g, r, imbalance - r)))
    forward, reverse = (float(response.left_current(sign, injection)) for sign in (1.0, -1.0))
    scale = abs(g) + abs(injection * r) + 1e-300
    close([forward, reverse], [g - injection * r, -g - injection * r], 1e-15, scale, "I_1")
    close(response.nonreciprocity(injection), abs(reverse) - abs(forward), 1e-15, scale, "Delta I")
    close(2 * response.mean_current(injection), abs(reverse) + abs(forward), 1e-15, scale, "Ibar")
    for sign, left in ((1.0, forward), (-1.0, reverse)):
        right = float(response.right_current(sign, injection))
        excess = injection * imbalance
        close(left + right + excess, 0.0, 1e-15, scale + abs(excess), "I_N")
