"""`solve` and `nonreciprocity`: three independent engines agree; status, transforms, wrong calls."""

import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import checks, engine
from support.checks import close
from support.engine import KERNELS
from support.wires import PROPERTY, disordered, make

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport import status

# seed, N, entries of the arrays, hopping with random phases
WIRES = [
    (10, 2, 2, True),
    (12, 12, 12, False),
    (13, 2, 64, False),
    (14, 3, 64, False),
    (15, 5, 64, False),
    (16, 33, 64, False),
    (17, 64, 64, False),
]

LENGTHS = [disordered(N, N, sites=12) for N in range(2, 13)]


@pytest.mark.slow
@pytest.mark.parametrize("delta_mu", [0.1, -0.07])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("seed", "N", "sites", "flux"), WIRES)
def test_chain_dense_and_twin_agree(seed, N, sites, flux, kernel, delta_mu):
    """Disorder everywhere, bare sites, probes, unequal contacts and strengths: every field of State."""
    wire = disordered(seed, N, sites=sites, flux=flux)
    mu_bar = np.random.default_rng(seed).uniform(-1.5, 1.5)
    checks.against_twin(wire, kernel, mu_bar=mu_bar, delta_mu=delta_mu, injection=0.4)
    checks.charge_is_conserved(engine.solve(wire, kernel, mu_bar, delta_mu, 0.4), N)


@pytest.mark.slow
def test_chain_dense_and_twin_agree_on_long_wires():
    """400 sites, padded or not. Disorder is weak, so that dense algebra is accurate."""
    for N, delta_mu in ((390, -0.1), (400, 0.1)):
        wire = disordered(N, N, sites=400, disorder=0.2, bare=0.1, flux=True)
        at = {"mu_bar": 0.6, "delta_mu": delta_mu, "injection": 0.4}
        twin = checks.twin(wire, **at)
        for kernel in KERNELS:
            checks.against_twin(wire, kernel, **at, twin=twin)
            checks.charge_is_conserved(engine.solve(wire, kernel, *at.values()), N)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("seed", "N"), [(20, 2), (22, 12)])
def test_padded_is_unpadded(seed, N, kernel):
    """1e-13: the padded sites take no part, but vector units and LAPACK blocks may sum in another order."""
    at = (kernel, 0.2, 0.1, 0.5)
    short, padded = (engine.solve(disordered(seed, N, sites=sites), *at) for sites in (12, 64))
    checks.same_state(engine.trimmed(padded, N), engine.trimmed(short, N), 1e-13)


roles = st.lists(st.sampled_from("SDP."), min_size=0, max_size=10)


@settings(PROPERTY, max_examples=40)
@given(roles, st.data())
def test_any_small_wire(roles, data):
    """Any arrangement, any drive: kernels agree, charge is conserved, heat is paid for, 0 <= G <= 1."""
    N = len(roles) + 2
    number = lambda low, high: data.draw(st.floats(low, high))
    numbers = lambda n, low, high: data.draw(st.lists(st.floats(low, high), min_size=n, max_size=n))
    at = {role: [l for l, r in enumerate(roles, 2) if r == role] for role in "SDP"}
    gamma = [0.0 if r == "." else number(0.1, 1.5) for r in (" ", *roles, " ")]
    wire = make(
        layouts.custom(N, at["S"], at["D"], at["P"]),
        gamma=gamma,
        contact=(number(0.3, 1.5), number(0.3, 1.5)),
        onsite=numbers(N, -1.0, 1.0),
        hopping=numbers(N - 1, 0.5, 1.5),
        strengths=numbers(len(at["S"]) + len(at["D"]), 0.1, 3.0),
        sites=12,
    )
    mu_bar, injection = number(-1.8, 1.8), number(-2.0, 2.0)
    delta_mu = number(0.01, 0.3) * data.draw(st.sampled_from([1, -1]))
    chain, long, dense = (engine.solve(wire, kernel, mu_bar, delta_mu, injection) for kernel in KERNELS)
    # 1e-10: one digit to spare for the inverse of the worst arrangement found.
    for other in (long, dense):
        checks.same_state(engine.trimmed(chain, N), engine.trimmed(other, N), 1e-10)
    checks.charge_is_conserved(chain, N, 1e-10)
    checks.heat_is_paid_for(chain, N, delta_mu)
    assert 0 <= float(chain.conductance) <= 1 + 1e-13


@pytest.mark.parametrize("delta_mu", [0.1, -0.1])
def test_injected_current_in_both_units(delta_mu):
    """I_g = injection * I_o with I_o = |delta_mu| / 2 pi, for either bias; left out, it is 0."""
    wire = disordered(23, 12)

    def call(wire, delta_mu, injection, I_g):
        of = lambda **current: jt.nonreciprocity(wire, mu_bar=0.1, delta_mu=delta_mu, **current)
        return of(injection=injection), of(I_g=I_g), of()

    run = engine.compiled("both units", call)
    relative, absolute, none = run(wire, delta_mu, 0.4, 0.4 * 0.1 / (2 * np.pi))
    close(absolute, relative, 1e-14)
    assert none == 0


def test_outside_band_flag():
    """Potentials may leave the band in linear response: the flag says so and the numbers stay."""
    wire = make(layouts.dimers(4), gamma=0.1, sites=12)  # mu_2 = 2.51 at mu_bar = 1, as in Fig. 5
    state = engine.solve(wire, "chain", 1.0, 0.1, 0.3)
    assert (int(state.status), int(state.outside_band)) == (0, 1)
    close(state.potentials[1], 2.51, 0.005, 1.0)
    calm = engine.solve(make(layouts.dimers(4), gamma=1.0, sites=12), "chain", 1.0, 0.1, 0.3)
    assert int(calm.outside_band) == 0


# Status of every point


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_outside_band_is_a_status_and_neighbours_are_untouched(kernel):
    calm = np.linspace(-1.5, 1.5, len(LENGTHS))
    wild = calm.copy()
    wild[[1, 3]] = 2.2, 1.96  # beyond the edge; inside, but mu_bar + delta_mu / 2 is not
    neighbours = np.isin(np.arange(len(LENGTHS)), [1, 3], invert=True)
    expected, states = (engine.solve_batch(LENGTHS, kernel, energies) for energies in (calm, wild))
    assert states.status.tolist() == np.where(neighbours, status.SOLVED, status.OUTSIDE_BAND).tolist()
    for field in dataclasses.fields(states):
        value, before = getattr(states, field.name), getattr(expected, field.name)
        if np.issubdtype(value.dtype, np.floating):
            assert np.all(np.isnan(value[~neighbours])), field.name
        np.testing.assert_array_equal(value[neighbours], before[neighbours])


@pytest.mark.parametrize("kernel", KERNELS)
def test_injections_that_are_no_numbers_are_no_solution(kernel):
    """Under transforms, where nothing can be refused, the status says so."""
    state = engine.solve(disordered(12, 12), kernel, 0.3, 0.1, float("nan"))
    assert int(state.status) == status.NOT_FINITE
    assert np.isnan(state.left_current)


def _raw(hopping, coupling, onsite, strength) -> jt.Wire:
    """A wire of 4 sites without checks, as transforms can make one."""
    pad = lambda values, n: np.concatenate([values, np.zeros(n - len(values))])
    return jt.Wire(pad(onsite, 12), pad(hopping, 11), pad(coupling, 12), pad(strength, 12), np.asarray(4))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_reservoir_that_reaches_no_other_is_singular(kernel):
    """Site 2 is cut off: nothing can take the current that it injects."""
    wire = _raw([0, 0, 1], [1, 0.5, 0.5, 1], [0.1, 0.2, 0.3, 0.4], [0, 1, -1, 0])
    state = engine.solve(wire, kernel, 0.2, 0.1, 0.3)
    assert int(state.status) == status.SINGULAR
    assert np.isnan(state.left_current)
    assert np.all(np.isnan(state.potentials))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_bound_state_at_the_energy_is_not_finite(kernel):
    """Site 2 is bare, cut off, and its level lies at mu_bar: w - H - Sigma has no inverse."""
    wire = _raw([0, 0, 1], [1, 0, 0.5, 1], [0.0, 0.25, 0.0, 0.0], [0, 0, 0, 0])
    assert int(engine.solve(wire, kernel, 0.25, 0.1, 0.3).status) == status.NOT_FINITE


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_cut_wire_carries_nothing(kernel):
    """t_2 = 0: no conductance, and each half returns what is injected there through its own lead."""
    wire = _raw([1, 0, 1], [1, 0.5, 0.5, 1], [0.1, 0.2, 0.3, 0.4], [0, 1, -1, 0])
    state = engine.solve(wire, kernel, 0.2, 0.1, 0.3)
    assert int(state.status) == status.SOLVED
    assert float(state.conductance) == 0
    close(state.currents[:4], [-0.3, 0.3, -0.3, 0.3], 1e-14)
    close(state.bond_current[:3], [-0.3, 0.0, -0.3], 1e-14)


# Transforms


@pytest.mark.slow
def test_vmap_over_wires_of_many_lengths():
    """One compiled kernel for N = 2 ... 12, against one call each; 1e-13, as for padding."""
    energies = np.linspace(-1.5, 1.5, len(LENGTHS))
    states = engine.solve_batch(LENGTHS, "chain", energies)
    for k, wire in enumerate(LENGTHS):
        N = int(wire.length)
        one = engine.trimmed(engine.solve(wire, "chain", energies[k], -0.1, 0.2), N)
        checks.same_state(engine.trimmed(jax.tree.map(lambda v, k=k: v[k], states), N), one, 1e-13)


def test_plain_and_compiled_calls_agree():
    """1e-14: the same sums, fused by the compiler or not."""
    wire = disordered(12, 12)
    plain = jt.nonreciprocity(wire, mu_bar=0.3, delta_mu=0.1, injection=0.4)
    close(plain, engine.nonreciprocity(wire, "chain", 0.3, 0.1, 0.4), 1e-14)


# Wrong calls


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"mu_bar": 2.0}, ["mu_bar = 2.0", "band"]),
        ({"mu_bar": -2.3}, ["mu_bar = -2.3", "band"]),
        ({"mu_bar": 1.97}, ["mu_bar = 1.97", "delta_mu = 0.1", "band"]),
        ({"mu_bar": float("nan")}, ["mu_bar = nan"]),
        ({"delta_mu": 0.0}, ["delta_mu = 0"]),
        ({"delta_mu": float("nan")}, ["delta_mu = nan"]),
        ({"I_g": 0.01}, ["injection", "I_g", "give one"]),
        ({"injection": float("nan")}, ["injection = nan"]),
        ({"injection": float("inf")}, ["injection = inf"]),
        ({"injection": None, "I_g": float("nan")}, ["I_g = nan"]),
        ({"mu_bar": np.array([0.3, 0.4])}, ["mu_bar", "(2,)"]),
        ({"delta_mu": np.array([0.1, 0.2])}, ["delta_mu", "(2,)"]),
        ({"injection": np.array([0.1, 0.2])}, ["injection", "(2,)"]),
        ({"kernel": "fast"}, ["kernel = 'fast'", "chain", "dense"]),
        ({"law": "linear"}, ["law = 'linear'", "Linear()"]),
    ],
)
@pytest.mark.parametrize("call", [jt.solve, jt.nonreciprocity])
def test_a_wrong_call_names_the_argument(call, change, names):
    arguments = {"mu_bar": 0.3, "delta_mu": 0.1, "injection": 0.3} | change
    with pytest.raises(jt.InputError) as error:
        call(make(layouts.dimers(4), gamma=0.5), **arguments)
    for name in names:
        assert name in str(error.value)


def test_transmission_names_wrong_arguments():
    wire = make(layouts.dimers(4), gamma=0.5)
    with pytest.raises(jt.InputError, match=r"mu_bar = 3"):
        jt.transmission(wire, 3.0)
    with pytest.raises(jt.InputError, match="kernel = 'x'"):
        jt.transmission(wire, 0.0, kernel="x")


def test_single_precision_is_refused_with_the_remedy():
    wire = make(layouts.dimers(4), gamma=0.5)
    calls = [
        lambda: jt.solve(wire, mu_bar=0.3, delta_mu=0.1),
        lambda: jt.nonreciprocity(wire, mu_bar=0.3, delta_mu=0.1),
        lambda: jt.transmission(wire, 0.3),
        lambda: jt.Wire.dimers(4, gamma=0.5),
    ]
    with jax.enable_x64(False):
        for call in calls:
            with pytest.raises(jt.PrecisionError) as error:
                call()
            assert 'jax.config.update("jax_enable_x64", True)' in str(error.value)


@pytest.mark.parametrize("name", ["mu_bar", "delta_mu", "injection", "I_g"])
@pytest.mark.parametrize("value", [np.nan, np.inf, "0.1", 1j, np.ones(3), None])
def test_a_drive_is_one_finite_real_number(name, value):
    if value is None and name in ("injection", "I_g"):
        return  # may be left out
    drive = {"mu_bar": 0.7, "delta_mu": 0.1} | {name: value}
    with pytest.raises(jt.InputError, match=name):
        jt.solve(jt.Wire.pair(6, gamma=0.5), **drive)


@pytest.mark.slow
def test_traced_drives_that_are_no_numbers_have_a_status():
    """Under a transform values are unknown: NaN, infinity and no bias at all are status 4."""
    wire = jt.Wire.pair(6, gamma=0.5)
    solve = jax.vmap(lambda d, i: jt.solve(wire, mu_bar=0.7, delta_mu=d, injection=i).status)
    codes = solve(np.array([0.1, 0.1, 0.1, 0.0]), np.array([0.3, np.nan, np.inf, 0.3]))
    assert codes.tolist() == [0, 4, 4, 4]


@pytest.mark.parametrize("N", [6.0, "6", None, [6]])
def test_the_length_is_a_whole_number(N):
    with pytest.raises(jt.InputError, match="N = "):
        jt.Wire.pair(N, gamma=0.5)
