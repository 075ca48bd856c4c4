"""Rules of probes in the exact law and in linear response, against plain NumPy matrices and closed sums."""

import functools
import itertools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize
from scipy.integrate import quad
from support import reference, ruled_reference
from support.checks import close
from support.ruled_reference import Ruled

import jaxtransport as jt
from jaxtransport.green import dephasing
from jaxtransport.green.chain import Chain
from jaxtransport.green.dense import Dense
from jaxtransport.green.pairs import Matrices
from jaxtransport.probe_rules import DEPHASING, FIXED, WHITE
from jaxtransport.reservoirs import RESERVOIRS

RULES = {
    "gain and loss": {},
    "dephasing": {"probe": "dephasing"},
    "white": {"probe": "white"},
    "all of them": {"probe": {3: "dephasing", 5: "white"}},
    "no potentials": {
        "probe": "white",
        "sources": (),
        "drains": (),
        "occupations": {"left": 0.9, "right": 0.2},
    },
}
DRIVE = {"mu_bar": 0.2, "delta_mu": 0.3, "injection": 0.2}


def wire(kind="chain", seed=5, **rules):
    """Nine sites, all of them different: source, drain, probes, a gain, a loss, a bare site."""
    rng = np.random.default_rng(seed)
    where = {"sources": (2,), "drains": (7,), "probes": (3, 5), "gains": (4,), "losses": (8,)} | {
        key: rules.pop(key) for key in ("sources", "drains") if key in rules
    }
    held = {site for sites in where.values() for site in sites} | {1, 9}
    gamma = np.array([rng.uniform(0.3, 0.9) if site in held else 0.0 for site in range(1, 10)])
    along = {"onsite": rng.uniform(-0.4, 0.4, 9), "hopping": rng.uniform(0.7, 1.2, 8)}
    made = jt.Wire.custom(9, gamma=gamma, reservoirs=kind, **where, **along, **rules)
    # One compiled program for all of them; that it makes no difference is tested below.
    return replace(made, rules=replace(made.rules, present=frozenset({DEPHASING, WHITE, FIXED})))


@functools.cache
def solved(kind, rules, temperature, kernel="chain"):
    law = jt.Exact(temperature=temperature)
    state = jt.solve(wire(kind, **RULES[rules]), **DRIVE, law=law, kernel=kernel)
    return jax.tree.map(np.asarray, state)


EVERY = [(kind, rules, T) for kind in ("chain", "wide") for rules in RULES for T in (0.0, 0.1)]


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "dense"])
@pytest.mark.parametrize(("kind", "rules", "temperature"), EVERY)
def test_wires_of_all_rules_against_plain_matrices(kind, rules, temperature, kernel):
    """Potentials, occupations and currents to 1e-12, both kernels; NaN wherever there is no such number."""
    made, state = wire(kind, **RULES[rules]), solved(kind, rules, temperature, kernel)
    assert state.status == 0
    found, currents = ruled_reference.balance(Ruled.of(made), **DRIVE, temperature=temperature)
    fixed = np.asarray(made.rules.fixed)
    white = np.asarray(made.rules.code) == WHITE
    close(state.potential, np.where(white, np.nan, found), 1e-12, 1.0)
    given = np.where(fixed, made.rules.occupation, np.nan)
    close(state.occupation, np.where(white, found, given), 1e-12, 1.0)
    close(state.site_current, currents, 1e-12, np.abs(currents).max())
    close(state.current, currents[0], 1e-12, np.abs(currents).max())
    close(state.right_current, currents[-1], 1e-12, np.abs(currents).max())


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "rules", "temperature"), EVERY)
def test_charge_is_conserved_with_gains_and_losses_counted(kind, rules, temperature):
    """Sum of I_l = 0; the bonds at the ends carry what the leads inject; no heat without a current."""
    state, made = solved(kind, rules, temperature), wire(kind, **RULES[rules])
    largest = np.abs(state.site_current).max()
    assert abs(state.site_current.sum()) < 1e-12 * largest
    close(state.bond_current[[0, -1]], [state.current, -state.right_current], 1e-12, largest)
    assert abs(state.site_current[3]) > 1e-2 * largest  # the gain
    assert abs(state.residual) < 1e-11 * largest
    quiet = np.asarray(made.rules.code) == DEPHASING
    assert np.all(state.site_current[quiet] == 0)
    assert np.all(state.heat[quiet] == 0)
    assert np.all(np.isnan(state.heat[np.asarray(made.rules.constant)]))


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.0, 0.05])
def test_dephasing_alone_is_the_integral_of_what_voltage_probes_conduct(temperature):
    """I = (1 / 2 pi) int g(w) (f_L - f_R) dw, with g(w) the linear conductance with voltage probes at w."""
    plain = jt.Wire.probes(6, gamma=0.5, onsite={"pattern": "gradient", "first": -0.3, "last": 0.4})
    bias, mu_bar = 0.8, 0.3
    g = jax.jit(lambda w: jt.transmission(plain, w).lead_response().conductance)

    def fermi(w, mu):
        return float(w < mu) if temperature == 0 else 0.5 * (1 - np.tanh((w - mu) / (2 * temperature)))

    mus = mu_bar + bias / 2, mu_bar - bias / 2
    integrand = lambda w: float(g(w)) * (fermi(w, mus[0]) - fermi(w, mus[1]))
    low, high = (mus[1], mus[0]) if temperature == 0 else (-1.999999, 1.999999)
    I, _ = quad(integrand, low, high, epsabs=1e-12, epsrel=1e-12, limit=400)
    ruled = jt.Wire.probes(6, gamma=0.5, onsite=plain.onsite, probe="dephasing")
    state = jt.solve(ruled, mu_bar=mu_bar, delta_mu=bias, law=jt.Exact(temperature=temperature))
    assert int(state.status) == 0
    close(float(state.current) * bias, I, 1e-10, I)
    back = jt.solve(ruled, mu_bar=mu_bar, delta_mu=-bias, law=jt.Exact(temperature=temperature))
    close(float(back.current), -float(state.current), 1e-13, 1.0)  # no rectification


def test_dephasing_in_linear_response_is_that_of_voltage_probes():
    where = {"sources": [2], "drains": [6], "probes": [3, 4], "gamma": 0.6}
    voltage, dephasing = (jt.Wire.custom(8, **where, probe=rule) for rule in ("voltage", "dephasing"))
    assert voltage.rules is None
    for name in ("potential", "site_current", "density", "conductance"):  # not the heat, see below
        pair = [getattr(jt.solve(each, **DRIVE), name) for each in (voltage, dephasing)]
        assert np.array_equal(*pair, equal_nan=True), name


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["chain", "wide"])
@pytest.mark.parametrize("probe", ["dephasing", "white", {3: "dephasing", 5: "white"}])
@pytest.mark.parametrize("kernel", ["chain", "dense"])
def test_conductance_of_linear_response_is_the_slope_of_the_exact_law(kind, probe, kernel):
    """Gains, losses and no potential in between: (I(+d) - I(-d)) / 2d of plain matrices, bias to zero."""
    made = wire(kind, sources=(), drains=(), probe=probe)
    G = float(jt.solve(made, mu_bar=0.2, delta_mu=0.1, kernel=kernel).conductance)
    slope = []
    for d in (2e-3, 4e-3):
        up, down = (
            ruled_reference.balance(Ruled.of(made), 0.2, sign * d, 0.0, 0.0)[1][0] for sign in (1, -1)
        )
        slope.append((up - down) / 2)
    close(G, (4 * slope[0] - slope[1]) / 3, 1e-9, 1.0)
    close(G, slope[0], 1e-6, 1.0)


def test_gains_count_as_reservoirs_at_mu_bar():
    """G = T_LR + sum_p T_Lp / 2, p the reservoirs of given occupation, whatever it is."""
    made = jt.Wire.custom(6, gains=[2, 4], losses=[3], occupations={5: 0.3}, gamma=0.5)
    T = np.asarray(jt.transmission(made, 0.4, kernel="dense").links())
    expected = T[0, -1] + T[0, 1:-1].sum() / 2
    state = jt.solve(made, mu_bar=0.4, delta_mu=0.1)
    close(float(state.conductance), expected, 1e-14, expected)
    assert int(state.status) == 0
    assert np.isnan(float(state.current))


def test_what_a_law_does_not_know_is_refused():
    ruled = jt.Wire.custom(6, sources=[2], gains=[3], gamma=0.5)
    with pytest.raises(jt.InputError, match=r"^law: sources, drains and voltage probes beside gains"):
        jt.solve(ruled, **DRIVE)
    with pytest.raises(jt.InputError, match=r"^law: .* the conductance alone; use the exact law"):
        jt.nonreciprocity(jt.Wire.custom(6, gains=[3], gamma=0.5), mu_bar=0.1, delta_mu=0.1)
    with pytest.raises(jt.InputError, match=r"^law: .* the conductance alone; use the exact law"):
        jt.find_zeros(jt.Wire.custom(6, gains=[3], gamma=0.5), over={"mu_bar": (-1, 1)})
    for rule in ("dephasing", "white"):
        with pytest.raises(jt.InputError, match=r"^law: the series takes voltage probes alone"):
            jt.solve(jt.Wire.probes(5, gamma=0.5, probe=rule), **DRIVE, law=jt.Series(3))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"probe": "deaf"}, "probe = 'deaf': expected one of voltage, dephasing, white"),
        ({"probe": {2: "white"}}, r"probe\[2\]: site 2 holds no probe"),
        ({"probe": {99: "white"}}, "probe: site 99: expected sites from 1 to N = 8"),
        ({"occupations": {2: 0.5}}, r"occupations\[2\]: site 2 is already one of the sources"),
        ({"occupations": {5: 1.5}}, r"occupations\[5\] = 1.5: expected a number from 0 to 1"),
        ({"occupations": {0: 0.5}}, "occupations: site 0: expected sites from 1 to N = 8"),
        ({"occupations": {1: 0.5, "left": 0.5}}, "occupations: site 'left': a second value of this site"),
        ({"occupations": 0.5}, "occupations = 0.5: expected values by site"),
        ({"gains": [3]}, "gains: site 3 is already one of the probes; a site holds one reservoir"),
        ({"losses": [9]}, "losses: site 9 is not in the middle of the wire"),
    ],
)
def test_wrong_rules(arguments, says):
    with pytest.raises(jt.InputError, match=rf"^{says}"):
        jt.Wire.custom(8, sources=[2], probes=[3], gamma=0.5, **arguments)


def test_a_lattice_and_a_circuit_have_no_occupations():
    layout = jt.Layout(8, (2,), (5,), gains=(3,))
    for make in (lambda: jt.Lattice.from_layout(layout, p=0.5), lambda: jt.Circuit.from_layout(layout)):
        with pytest.raises(jt.InputError, match=r"^layout: gains, losses and occupations are those of"):
            make()


@pytest.mark.slow
@pytest.mark.parametrize("rules", ["dephasing", "white"])
def test_rules_that_do_not_occur_make_no_difference(rules):
    """The program of the rules that a wire has, against that of all rules."""
    made = wire(**RULES[rules])
    own = replace(
        made, rules=replace(made.rules, present=frozenset(np.unique(made.rules.code).tolist()) - {0})
    )
    state, expected = jt.solve(own, **DRIVE, law=jt.Exact()), solved("chain", rules, 0.0)
    for name in ("potential", "occupation", "site_current", "heat"):
        close(getattr(state, name), getattr(expected, name), 1e-13, 1.0, name)


@jax.jit
def current(made, coupling, onsite, mu_bar, occupation, temperature):
    """I_1 as a function of numbers of the wire and the drive."""
    ruled = replace(made, coupling=coupling, onsite=onsite, rules=replace(made.rules, occupation=occupation))
    drive = {**DRIVE, "mu_bar": mu_bar}
    return jt.solve(ruled, **drive, law=jt.Exact(temperature=temperature)).current


slopes_of = jax.jit(jax.grad(current, argnums=(1, 2, 3, 4)))


@pytest.mark.slow
@pytest.mark.parametrize("rules", ["gain and loss", "dephasing", "white", "all of them"])
@pytest.mark.parametrize("temperature", [0.0, 0.1])
def test_gradients(rules, temperature):
    """Of I_1 by couplings, levels, mu_bar and given occupations, against central differences."""
    made = wire(**RULES[rules])
    at = [made.coupling, made.onsite, jnp.asarray(0.2), made.rules.occupation]
    slopes = slopes_of(made, *at, temperature)
    step, rng = 1e-4, np.random.default_rng(3)
    for i, slope in enumerate(slopes):
        direction = rng.uniform(-1, 1, np.shape(at[i]))
        if i == 0:
            direction = direction * (np.asarray(at[0]) > 0)
        if i == 3:  # from 0 and 1 inwards, and on beyond: currents are linear in occupations
            direction = direction * np.asarray(made.rules.fixed)
        moved = lambda side: [a + side * step * direction if j == i else a for j, a in enumerate(at)]  # noqa: B023
        up, down = (float(current(made, *moved(side), temperature)) for side in (1, -1))
        expected = (up - down) / (2 * step)
        assert np.all(np.isfinite(slope))
        close(float(np.sum(np.asarray(slope) * direction)), expected, 1e-6, max(abs(expected), 0.1), f"{i}")


# A ring: dephasing probes are even in the flux at any bias, voltage probes only in linear response


@jax.jit
def ring_transmissions(flux, w):
    """T_ll' of a ring of six with five reservoirs, wide bands; `Dense.of`."""
    N = 6
    H = jnp.diag(jnp.asarray([0.1, -0.3, 0.25, 0.4, -0.2, 0.05], complex))
    hops = (1.0, 0.8, 1.1, 0.9, 1.2, 0.7)
    for l, t in enumerate(hops):
        hop = -t * jnp.exp(1j * flux / N)
        H = H.at[l, (l + 1) % N].set(hop).at[(l + 1) % N, l].set(jnp.conj(hop))
    coupling = jnp.asarray([0.7, 0.5, 0.0, 0.8, 0.6, 0.4])
    of = lambda w: (
        Dense.of(H, coupling, w, leads=(0, 3), strength=jnp.zeros(N), reservoir=RESERVOIRS["wide"]).matrix
    )
    return jax.vmap(of)(jnp.atleast_1d(w))


def test_dephasing_probes_on_a_ring_are_even_in_the_flux_at_every_energy():
    """Hence at any bias: I is an integral of T_eff. T itself is not even (nor symmetric), nor T_pL."""
    w, quiet = jnp.linspace(-2.5, 2.5, 7), jnp.asarray([False, True, False, False, True, True])
    ahead, back = (ring_transmissions(flux, w) for flux in (0.7, -0.7))
    assert np.abs(ahead - back).max() > 1e-2
    close(np.asarray(ahead), np.asarray(jnp.swapaxes(back, 1, 2)), 1e-13, 1.0)  # Onsager
    T_eff = [np.asarray(dephasing.of_matrices(T, quiet).T) for T in (ahead, back)]
    close(T_eff[0][:, 0, 3], T_eff[1][:, 0, 3], 1e-13, 1.0)
    close(T_eff[0][:, 0, 3], T_eff[0][:, 3, 0], 1e-13, 1.0)
    rows, inner = np.asarray(ahead), np.flatnonzero(quiet)  # by hand
    for k in range(len(w)):
        D = np.diag(rows[k].sum(1) - np.diag(rows[k]))[np.ix_(inner, inner)]
        inside = rows[k][np.ix_(inner, inner)]
        inside -= np.diag(np.diag(inside))
        through = rows[k][0, inner] @ np.linalg.solve(D - inside, rows[k][inner, 3])
        close(T_eff[0][k, 0, 3], rows[k][0, 3] + through, 1e-13, 1.0)


@pytest.mark.slow
def test_voltage_probes_on_a_ring_are_even_in_the_flux_in_linear_response_alone():
    """The balance of three voltage probes at a bias of 1.5 and of 1e-4: dI / I of opposite fluxes."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    probes = np.array([1, 4, 5])

    def at_bias(flux, bias):
        def all_currents(free):
            mu = np.zeros(6)
            mu[0], mu[3], mu[probes] = bias / 2, -bias / 2, free
            edges = np.unique(mu[[0, 1, 3, 4, 5]])
            total = np.zeros(6)
            for a, b in itertools.pairwise(edges):
                w = (a + b) / 2 + (b - a) / 2 * nodes
                T = np.asarray(ring_transmissions(flux, jnp.asarray(w)))
                f = (mu > (a + b) / 2).astype(float)
                I = np.einsum("klm,lm->kl", T, f[:, None] - f[None, :])
                total += (b - a) / 2 * weights @ I
            return total / bias

        start = bias * np.array([0.2, -0.1, 0.1])
        found = optimize.root(lambda x: all_currents(x)[probes], start, options={"xtol": 1e-13})
        return all_currents(found.x)[0]

    odd = {bias: at_bias(0.7, bias) - at_bias(-0.7, bias) for bias in (1e-3, 2e-3, 1.5)}
    assert abs(odd[1.5]) > 1e-4
    assert odd[2e-3] / odd[1e-3] == pytest.approx(2.0, abs=0.02)  # I / bias: none without a bias


def test_pairs_of_a_chain_and_of_matrices_agree():
    """x at silent sites, currents, the Jacobian's sums: chain against matrices, one energy and several."""
    made = wire(probe="dephasing")
    energies = jnp.linspace(-1.5, 1.7, 5)
    chain, _ = Chain.pairs_at(made, energies)
    dense, _ = Dense.pairs_at(made, energies)
    assert isinstance(dense, Matrices)
    rng = np.random.default_rng(0)
    x, weight = jnp.asarray(rng.normal(size=(9, 5))), jnp.asarray(rng.uniform(size=(9, 5)))
    close(chain.currents_into(x), dense.currents_into(x), 1e-13, 1.0)
    close(chain.weighted(weight), dense.weighted(weight), 1e-13, 1.0)
    T = reference.transmission_matrices(reference.chain_of(made), np.asarray(energies))
    f = ruled_reference.occupied(
        Ruled.of(made), np.zeros(9), np.asarray(energies), 0.0, np.array(T) * (1 - np.eye(9))
    )
    quiet = np.asarray(made.rules.dephasing)
    given = np.where(quiet, 0.0, f).T
    close(np.asarray(chain.filled(jnp.asarray(given))).T[:, quiet], f[:, quiet], 1e-13, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "long", "dense"])
def test_heat_beside_dephasing_probes(kernel):
    """h_l of linear response is that of T_eff between the others, 0 at the probes; by matrices."""
    where = {"sources": [2], "drains": [7], "probes": [3, 4, 6], "gamma": 0.6, "contact": 0.8}
    made = jt.Wire.custom(8, **where, onsite=np.linspace(-0.3, 0.4, 8), probe="dephasing")
    state = jt.solve(made, mu_bar=0.4, delta_mu=0.1, injection=0.3, kernel=kernel)
    T = reference.transmission_matrices(reference.chain_of(made), np.array([0.4]))[0]
    quiet = np.asarray(made.rules.dephasing)
    T_eff = np.asarray(dephasing.of_matrices(jnp.asarray(T)[None], jnp.asarray(quiet)).T[0])
    x = np.where(np.isnan(state.potential), 0.0, state.potential)
    expected = (T_eff * (x[:, None] - x) ** 2).sum(1) / (4 * np.pi)
    close(state.heat, expected, 1e-12, expected.max())
    exact = jt.solve(made, mu_bar=0.4, delta_mu=1e-4, injection=0.3, law=jt.Exact())
    linear = jt.solve(made, mu_bar=0.4, delta_mu=1e-4, injection=0.3, kernel=kernel)
    close(linear.heat, exact.heat, 1e-4, float(np.max(exact.heat)))


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [{}, {"probes": [2], "gamma": 0.5, "probe": "dephasing"}])
def test_one_potential_alone(arguments):
    """A lead of given occupation beside one with a potential, and no other: status 0, plain matrices."""
    made = jt.Wire.custom(3, occupations={"left": 0.7}, contact=(0.5, 0.8), **arguments)
    state = jt.solve(made, mu_bar=0.2, delta_mu=0.3, law=jt.Exact())
    assert int(state.status) == 0
    _, currents = ruled_reference.balance(Ruled.of(made), 0.2, 0.3, 0.0, 0.0)
    close(state.site_current, currents, 1e-12, np.abs(currents).max())


@pytest.mark.slow
@pytest.mark.parametrize("probe", ["voltage", "dephasing"])
def test_currents_that_roundings_drive_behind_a_weak_bond_are_not_called_solved(probe):
    """I_1 and -I_N of a bond of 1e-5 differ in the fifth to eighth digit: status 7, not 0."""
    made = jt.Wire.custom(7, probes=[3, 6], gamma=0.5, hopping=[1, 1, 1e-5, 1, 1, 1], probe=probe)
    state = jt.solve(made, mu_bar=0.2, delta_mu=0.3, law=jt.Exact())
    assert abs(float(state.current + state.right_current)) > 1e-10 * float(state.current)
    assert int(state.status) == 7


@pytest.mark.slow
def test_linear_response_of_white_probes_between_gain_and_loss_is_resolved():
    made = jt.Wire.custom(9, gamma=0.5, probes=[3, 5], gains=[4], losses=[8], probe="white")
    for kernel in ("chain", "dense"):
        state = jt.solve(made, mu_bar=0.2, delta_mu=0.3, kernel=kernel)
        assert int(state.status) == 0
        d = 4e-3
        up, down = (ruled_reference.balance(Ruled.of(made), 0.2, s * d, 0.0, 0.0)[1][0] for s in (1, -1))
        close(float(state.conductance), (up - down) / 2, 1e-5, 1.0)
