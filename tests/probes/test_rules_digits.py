"""Random wires of every rule of probes against 40 digits, in the exact law and in linear response."""

import functools
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mpf, workdps
from support import precise, precise_rules, reference
from support.checks import close, close_digits
from support.ruled_reference import Ruled

import jaxtransport as jt
from jaxtransport.probe_rules import DEPHASING, FIXED, POTENTIAL, WHITE
from jaxtransport.rules import Rules

pytestmark = pytest.mark.slow

CODES = {
    "voltage": POTENTIAL,
    "dephasing": DEPHASING,
    "white": WHITE,
    "gain": FIXED,
    "loss": FIXED,
    "given": FIXED,
}
OCCUPATION = {"gain": 1.0, "loss": 0.0}
EVERY = frozenset({DEPHASING, WHITE, FIXED})
SITES = 6
SEEDS = (1, 2, 3)  # wires of 4, 5 and 6 sites


def ruled(rule, kind, seed):
    """A source and a reservoir of this rule, others of any; numbers, places and drive at random."""
    rng = np.random.default_rng([seed, list(CODES).index(rule), kind == "wide"])
    N = 3 + seed
    roles = ["source", rule, *rng.choice(list(CODES), N - 4)]
    role = dict(zip(rng.permutation(np.arange(2, N)).tolist(), roles, strict=True))
    source = next(site for site in role if role[site] == "source")
    wire = jt.Wire.custom(
        N,
        sources=[source],
        probes=[site for site in role if site != source],
        gamma=rng.uniform(0.4, 0.9, N),
        contact=rng.uniform(0.6, 1.1, 2),
        onsite=rng.uniform(-0.4, 0.4, N),
        hopping=rng.uniform(0.7, 1.2, N - 1),
        strengths=[rng.uniform(0.5, 1.5)],
        reservoirs=kind,
    )
    drive = {
        "mu_bar": rng.uniform(-0.5, 0.5),
        "delta_mu": rng.uniform(0.2, 0.6) * rng.choice([-1, 1]),
        "injection": rng.uniform(0.05, 0.25),
    }
    code, n = np.zeros(N, np.int8), np.zeros(N)
    for site, name in role.items():
        code[site - 1] = CODES.get(name, POTENTIAL)
        n[site - 1] = OCCUPATION.get(name, rng.uniform(0, 1)) if CODES.get(name) == FIXED else 0.0
    pad = lambda values: np.pad(values, (0, SITES - N))
    return of_codes(wire.pad(SITES), pad(code), pad(n), EVERY), drive


def of_codes(wire, code, n, present):
    """With the rules that occur in any of them, so that one compiled program serves all."""
    return replace(wire, rules=Rules(jnp.asarray(code), jnp.asarray(n), frozenset(present)))


@functools.cache
def truth(rule, kind, seed, temperature=0.0):
    made, drive = ruled(rule, kind, seed)
    return precise_rules.balance(Ruled.of(made), **drive, temperature=temperature)


def check(rule, kind, seed, kernel, temperature):
    """To 2e-13: a panel leaves out 1e-13 of its currents at most, the rest are roundings (4e-14 measured)."""
    (made, drive), found = ruled(rule, kind, seed), truth(rule, kind, seed, temperature)
    state = jt.solve(made, **drive, law=jt.Exact(temperature=temperature), kernel=kernel)
    assert int(state.status) == 0
    I, y = (np.array(values, float) for values in (found.current, found.y))
    N, largest = len(I), np.abs(I).max()
    code = np.asarray(made.rules.code)[:N]
    held = code == POTENTIAL  # no site is bare
    constant = (code == WHITE) | (code == FIXED)
    close(state.site_current[:N], I, 2e-13, largest, "I_l")
    close([state.current, state.right_current], I[[0, -1]], 2e-13, largest, "I_1, I_N")
    close(state.potential[:N], np.where(held, y, np.nan), 2e-13, 1.0, "mu_l")
    close(state.occupation[:N], np.where(constant, y, np.nan), 2e-13, 1.0, "n_l")


@pytest.mark.parametrize("kernel", ["chain", "dense"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["chain", "wide"])
@pytest.mark.parametrize("rule", CODES)
def test_the_exact_law(rule, kind, seed, kernel):
    check(rule, kind, seed, kernel, 0.0)


@pytest.mark.parametrize("kernel", ["chain", "dense"])
@pytest.mark.parametrize("rule", CODES)
def test_the_exact_law_at_a_temperature(rule, kernel):
    check(rule, "wide" if rule in ("voltage", "white", "loss") else "chain", 2, kernel, 0.1)


@pytest.mark.parametrize("kind", ["chain", "wide"])
def test_the_transmissions_of_the_truth(kind):
    """By corners, with all probes eliminated, they give the conductance of the inverse to 35 digits."""
    for seed in SEEDS:
        made, _ = ruled("voltage", kind, seed)
        made = of_codes(made, np.zeros(SITES, np.int8), np.zeros(SITES), {DEPHASING})
        plain = Ruled.of(made)
        surface = precise.of_wide_band if kind == "wide" else precise.OF_THE_PAPER
        with workdps(precise_rules.DIGITS):
            w = mpf("0.37")
            inverse = precise.dense(plain.chain, w, leads=surface, middle=surface)
            quiet = replace(
                plain, code=np.where(np.arange(plain.chain.N) % (plain.chain.N - 1), DEPHASING, 0)
            )
            T = precise_rules.without_dephasing(quiet, precise_rules.transmissions(plain, w))
            assert abs(T[0][-1] / inverse.g - 1) < mpf(10) ** -35


@pytest.mark.parametrize("kernel", ["chain", "dense"])
@pytest.mark.parametrize("kind", ["chain", "wide"])
@pytest.mark.parametrize("rule", CODES)
def test_linear_response(rule, kind, kernel):
    """Dephasing probes conduct like voltage probes: g, r, potentials. To 1e-12, some roundings of 6 sites."""
    surface = precise.of_wide_band if kind == "wide" else precise.OF_THE_PAPER
    for seed in SEEDS:
        made, drive = ruled(rule, kind, seed)
        code = np.asarray(made.rules.code)
        code = np.where((code == WHITE) | (code == FIXED), DEPHASING, code)
        made = of_codes(made, code, np.zeros(SITES), {DEPHASING})
        chain = reference.chain_of(made)
        expected = precise.dense(chain, drive["mu_bar"], leads=surface, middle=surface)
        state = jt.solve(made, **drive, kernel=kernel)
        close_digits(float(state.conductance), expected.g, 1e-12, what="g")
        close_digits(float(state.injection_response), expected.r, 1e-12, 1.0, "r")
        with workdps(40):
            bias, I = mpf(drive["delta_mu"]), mpf(drive["injection"]) * abs(mpf(drive["delta_mu"]))
            x = [
                bias * (phi - mpf(0.5)) + I * psi for phi, psi in zip(expected.phi, expected.psi, strict=True)
            ]
            mu = np.array([mpf(drive["mu_bar"]) + shift for shift in x], float)
        close(state.potential[: chain.N], mu, 1e-12, 1.0, "mu_l")


@functools.cache
def without_potentials(rule, kind, seed):
    """The wire with dephasing probes for its source and voltage probes, its drive, its conductance."""
    made, drive = ruled(rule, kind, seed)
    code, site = np.asarray(made.rules.code), np.arange(SITES)
    floating = (code == POTENTIAL) & (site > 0) & (site < int(made.length) - 1)
    made = of_codes(made, np.where(floating, DEPHASING, code), made.rules.occupation, EVERY)
    return made, drive, precise_rules.conductance(Ruled.of(made), drive["mu_bar"])


@pytest.mark.parametrize("kernel", ["chain", "dense"])
@pytest.mark.parametrize("kind", ["chain", "wide"])
@pytest.mark.parametrize("rule", [rule for rule in CODES if rule != "voltage"])
def test_the_conductance_beside_constant_occupations(rule, kind, kernel):
    """To 2e-13, as in the exact law: what white probes exchange is an integral over all energies."""
    for seed in SEEDS:
        made, drive, expected = without_potentials(rule, kind, seed)
        state = jt.solve(made, mu_bar=drive["mu_bar"], delta_mu=drive["delta_mu"], kernel=kernel)
        assert int(state.status) == 0
        close_digits(float(state.conductance), expected, 2e-13, what="conductance")
