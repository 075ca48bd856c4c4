"""Designs against every arrangement, tried one by one with dense matrices; and what holds of any design."""

import itertools

import jax
import numpy as np
import pytest
from support import reference

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.closed_forms import pair as one_pair
from jaxtransport.designs.design import design

pytestmark = pytest.mark.slow

# What roundings of two independent solutions leave.
CLOSE = {"rel": 1e-11, "abs": 1e-12}


def dense(N, coupling, mu_bar):
    """T of a clean wire with these couplings (one per site)."""
    H = -np.eye(N, k=1) - np.eye(N, k=-1)
    G = reference.green(H.astype(complex), coupling, mu_bar)
    return reference.transmissions(G, -2 * reference.self_energy(coupling, mu_bar).imag)


def network(T, held):
    """The middle reservoirs' conductance matrix and what ties them to the left lead."""
    L = np.diag(T.sum(axis=1) - np.diag(T)) - (T - np.diag(np.diag(T)))
    return L[np.ix_(held, held)], T[0, held]


def left_currents(T, held, strengths):
    """-delta I / I_g = 2 pi I_1 at zero bias, for rows of injected currents on the sites `held`."""
    inner, to_left = network(T, held)
    return -np.linalg.solve(inner, strengths.T).T @ to_left


def conductance(T, held):
    inner, to_left = network(T, held)
    return T[0, -1] + to_left @ (1 - np.linalg.solve(inner, to_left))


def roles(slots, pairs):
    """All ways to have `pairs` sources and drains among `slots` reservoirs, one a row."""
    rows = []
    for sources in itertools.combinations(range(slots), pairs):
        rest = sorted(set(range(slots)) - set(sources))
        for drains in itertools.combinations(rest, pairs):
            row = np.zeros(slots)
            row[list(sources)], row[list(drains)] = 1, -1
            rows.append(row)
    return np.array(rows)


def site_sets(N, pairs, reservoirs):
    if reservoirs == "everywhere":
        return [tuple(range(1, N - 1))]
    return itertools.combinations(range(1, N - 1), 2 * pairs)


def coupling_of(N, held, gamma, contact=1.0):
    coupling = np.zeros(N)
    coupling[list(held)] = gamma
    coupling[[0, -1]] = contact
    return coupling


def brute_force(N, pairs, gamma, mu_bar, reservoirs, score, contact=1.0):
    """The largest score(r, g) of all site sets and all roles; r has a row per energy."""
    best, ways = -np.inf, roles(2 * pairs if reservoirs == "terminals" else N - 2, pairs)
    for held in site_sets(N, pairs, reservoirs):
        held = list(held)
        Ts = [dense(N, coupling_of(N, held, gamma, contact), mu) for mu in np.atleast_1d(mu_bar)]
        r = np.array([-left_currents(T, held, ways) for T in Ts])
        g = np.array([conductance(T, held) for T in Ts])[:, None]
        best = max(best, score(r, g).max())
    return best


def drop(r, g):
    """Delta I / I_g for small I_g at one energy."""
    return 2 * r[0]


@pytest.mark.parametrize("reservoirs", ["terminals", "everywhere"])
@pytest.mark.parametrize("N", range(6, 11))
def test_two_pairs_are_the_best_of_all_arrangements(N, reservoirs):
    for mu_bar, gamma in ((0.0, 0.5), (1.0, 0.3), (-1.5, 0.7), (0.37, 0.9)):
        found = design(N, 2, gamma=gamma, mu_bar=mu_bar, reservoirs=reservoirs)
        assert found.value == pytest.approx(brute_force(N, 2, gamma, mu_bar, reservoirs, drop), **CLOSE)
        assert found.exhaustive


@pytest.mark.parametrize("reservoirs", ["terminals", "everywhere"])
@pytest.mark.parametrize("N", range(4, 13))
def test_one_pair_is_the_best_of_all_arrangements(N, reservoirs):
    for mu_bar in (0.0, 1.0, 1.7):
        found = design(N, 1, gamma=0.6, mu_bar=mu_bar, reservoirs=reservoirs, contact=0.7)
        expected = brute_force(N, 1, 0.6, mu_bar, reservoirs, drop, contact=0.7)
        assert found.value == pytest.approx(expected, **CLOSE)


def test_one_pair_between_open_contacts_is_the_best_distance_of_the_closed_form():
    """Leads without reflection hide where the pair sits: only its distance counts (Eq. 22)."""
    for N, mu_bar in ((9, 1.0), (15, 1.5), (33, 0.2)):
        expected = one_pair.nonreciprocity(np.arange(4, N + 1), mu_bar, 0.4).max()
        assert design(N, 1, gamma=0.4, mu_bar=mu_bar).value == pytest.approx(expected, **CLOSE)


def test_sources_half_a_fermi_wave_apart_act_as_one():
    """At mu_bar = 0 the best p pairs have p times Delta I of one pair of coupling sqrt(p) gamma (Eq. 22)."""
    for pairs in (2, 3):
        expected = pairs * one_pair.nonreciprocity(4, 0.0, np.sqrt(pairs) * 0.4)
        found = design(16, pairs, gamma=0.4, mu_bar=0.0)
        assert found.value == pytest.approx(expected, **CLOSE)
        assert set(np.diff(found.layout.sources)) <= {2, 4, 6}


@pytest.mark.parametrize(("injection", "reservoirs"), [(0.4, "terminals"), (2.0, "everywhere")])
def test_strong_injection_and_the_relative_goal(injection, reservoirs):
    """Where I_g turns the current round, the best roles are no longer those of the sorted profile."""

    def relative(r, g):
        small, large = np.minimum(g, injection * abs(r)), np.maximum(g, injection * abs(r))
        return (2 * np.sign(r) * small / large)[0]

    def absolute(r, g):
        return (2 * np.sign(r) * np.minimum(g / injection, abs(r)))[0]

    for goal, score in (("relative", relative), ("nonreciprocity", absolute)):
        arguments = {"gamma": 0.6, "mu_bar": 0.8, "reservoirs": reservoirs}
        found = design(8, 2, goal=goal, injection=injection, **arguments)
        assert found.value == pytest.approx(brute_force(8, 2, 0.6, 0.8, reservoirs, score), **CLOSE)


def test_relative_goal_for_small_currents():
    found = design(8, 2, gamma=0.6, mu_bar=0.8, goal="relative")
    best = brute_force(8, 2, 0.6, 0.8, "terminals", lambda r, g: (2 * r / g)[0])
    assert found.value == pytest.approx(best, **CLOSE)


@pytest.mark.parametrize("goal", ["nonreciprocity", "relative", "reciprocal"])
def test_means_over_a_window(goal):
    """Against the midpoint rule on 400 energies, whose error is below 1e-5 here."""
    low, high, count = 0.2, 1.1, 400
    energies = low + (np.arange(count) + 0.5) * (high - low) / count
    score = {
        "nonreciprocity": lambda r, g: (2 * r).mean(axis=0),
        "relative": lambda r, g: (2 * r / g).mean(axis=0),
        "reciprocal": lambda r, g: -np.sqrt(((2 * r) ** 2).mean(axis=0)),
    }[goal]
    found = design(6, 1, gamma=0.5, mu_bar=(low, high), goal=goal)
    best = abs(brute_force(6, 1, 0.5, energies, "terminals", score))
    assert found.value == pytest.approx(best, abs=2e-5)


def test_the_wire_does_what_the_design_says():
    """Delta I of the returned wire by the public solver, and by the dense reference."""
    for reservoirs, injection in (("terminals", 0.01), ("everywhere", 3.0)):
        found = design(9, 2, gamma=(0.2, 0.9), mu_bar=0.6, reservoirs=reservoirs, injection=injection)
        drive = {"mu_bar": 0.6, "delta_mu": 0.1, "injection": injection}
        assert float(jt.nonreciprocity(found.wire, **drive)) / injection == pytest.approx(
            found.value, **CLOSE
        )
        answer = reference.nonreciprocity(reference.chain_of(found.wire), 0.6, 0.1, injection)
        assert answer / injection == pytest.approx(found.value, rel=1e-9)
        np.testing.assert_array_equal(np.asarray(found.wire.coupling), found.gamma)
        assert (len(found.layout.sources), len(found.layout.drains)) == (2, 2)
        assert len(found.layout.probes) == (3 if reservoirs == "everywhere" else 0)


def test_delta_I_follows_from_the_profile():
    """Reciprocity: the response to injected currents is the profile without them, summed over the roles."""
    found = design(12, 2, gamma=0.5, mu_bar=1.2, reservoirs="everywhere")
    state = jt.solve(found.wire, mu_bar=1.2, delta_mu=0.1)
    phi = (np.asarray(state.potentials) - 1.2) / 0.1
    at = lambda sites: phi[np.array(sites) - 1]
    assert found.value == pytest.approx(2 * (at(found.layout.sources).sum() - at(found.layout.drains).sum()))
    assert at(found.layout.sources).min() > at(found.layout.probes).max()
    assert at(found.layout.drains).max() < at(found.layout.probes).min()


def test_couplings_are_not_below_a_fine_grid():
    low, high, mu_bar = 0.1, 1.4, 1.0
    grid = np.append(np.linspace(low, high, 40), 0.8)
    best = -np.inf
    for held in site_sets(5, 1, "terminals"):
        for pair in itertools.product(grid, repeat=2):
            T = dense(5, coupling_of(5, held, pair), mu_bar)
            best = max(best, 2 * abs(left_currents(T, list(held), np.array([[1.0, -1.0]]))[0]))
    found = design(5, 1, gamma=(low, high), mu_bar=mu_bar)
    assert best - 1e-12 <= found.value < best + 0.01
    assert ((found.gamma[found.gamma > 0] >= low) & (found.gamma[found.gamma > 0] <= high)).all()


def test_couplings_inside_the_bounds_have_no_slope():
    """The one inner optimum of this case; on a bound the slope points outward."""
    found = design(8, 2, gamma=(0.1, 3.0), mu_bar=0.9, reservoirs="everywhere", contact=0.6)
    strength = found.layout.strength()

    def value(log_gamma):
        wire = jt.Wire.from_layout(found.layout, gamma=np.exp(log_gamma), contact=0.6)
        T = dense(8, np.asarray(wire.coupling), 0.9)
        return -2 * left_currents(T, list(range(1, 7)), strength[None, 1:-1])[0]

    start, step = np.log(found.gamma), 1e-5
    inner = 0
    for l in range(1, 7):
        change = step * np.eye(8)[l]
        slope = (value(start + change) - value(start - change)) / (2 * step)
        if found.gamma[l] == 0.1:
            assert slope <= 1e-6
        elif found.gamma[l] == 3.0:
            assert slope >= -1e-6
        else:
            inner += 1
            assert slope == pytest.approx(0, abs=1e-5)
    assert inner


@pytest.mark.parametrize("reservoirs", ["terminals", "everywhere"])
def test_never_below_a_standard_layout_of_as_many_pairs(reservoirs):
    for N, pairs, gamma in (
        (12, 5, 0.5),
        (12, 2, (0.2, 0.8)),
        (12, 5, (0.2, 0.8)),
        (40, 19, 0.3),
        (13, 3, 0.7),
    ):
        for mu_bar in (0.0, 1.0, 1.5):
            found = design(N, pairs, gamma=gamma, mu_bar=mu_bar, reservoirs=reservoirs, restarts=1)
            rivals = [s for s in found.compared.values() if s.pairs == pairs]
            for rival in rivals:
                assert rival.uniform <= rival.tuned + 1e-12
                assert rival.tuned <= found.value + 1e-12
            assert rivals
            assert ("dimers" in found.compared) == (N % 2 == 0)


def test_standard_layouts_are_told_as_they_are():
    found = design(10, 2, gamma=0.5, mu_bar=1.0, contact=0.8)
    assert set(found.compared) == {"dimers", "pair", "spaced 2"}
    for name, layout in (("dimers", layouts.dimers(10)), ("spaced 2", layouts.spaced(10, 2))):
        wire = jt.Wire.from_layout(layout, gamma=0.5, contact=0.8)
        expected = jt.nonreciprocity(wire, mu_bar=1.0, delta_mu=0.1, injection=1e-3) / 1e-3
        assert found.compared[name].layout == layout
        assert found.compared[name].uniform == pytest.approx(float(expected), **CLOSE)
        assert found.compared[name].tuned == found.compared[name].uniform
    assert found.compared["pair"].gamma == 0.5


def test_the_search_that_moves_reservoirs_finds_what_enumeration_finds(monkeypatch):
    for mu_bar in (0.0, 1.0, 0.37):
        whole = design(14, 3, gamma=0.5, mu_bar=mu_bar)
        monkeypatch.setattr("jaxtransport.designs.design.SOLVES", 0)
        moved = design(14, 3, gamma=0.5, mu_bar=mu_bar)
        monkeypatch.undo()
        assert (whole.exhaustive, moved.exhaustive) == (True, False)
        assert moved.value == pytest.approx(whole.value, rel=1e-12)


def test_two_pairs_make_any_wire_reciprocal_and_one_pair_does_its_best():
    window = (-0.5, 1.2)
    found = design(9, 2, gamma=0.6, mu_bar=window, goal="reciprocal")
    assert found.value < 1e-13
    for mu_bar in (-0.4, 0.3, 1.15):
        drive = {"mu_bar": mu_bar, "delta_mu": 0.1, "injection": 0.1}
        assert float(jt.nonreciprocity(found.wire, **drive)) == pytest.approx(0, abs=1e-13)
    found = design(9, 1, gamma=0.6, mu_bar=window, goal="reciprocal")
    assert 1e-3 < found.value < found.compared["pair"].uniform - 1e-3


def test_swaps_reach_mirror_images(monkeypatch):
    """Where the ways to give out roles are too many to try."""
    monkeypatch.setattr("jaxtransport.designs.design.ASSIGNMENTS", 0)
    found = design(12, 2, gamma=0.6, mu_bar=(0.0, 1.0), goal="reciprocal", reservoirs="everywhere")
    assert found.value < 1e-13
    assert not found.exhaustive


def test_the_same_call_gives_the_same_design_in_any_precision():
    call = lambda: design(9, 2, gamma=(0.2, 0.8), mu_bar=0.6, seed=3)
    first = call()
    with jax.enable_x64(False):
        again = call()
    assert again.layout == first.layout
    assert again.value == first.value
    assert again.wire.coupling.dtype == np.float64


def test_a_disordered_wire():
    """Against all site sets and roles by the dense reference."""
    rng = np.random.default_rng(5)
    onsite, hopping = rng.uniform(-1, 1, 7), rng.uniform(0.6, 1.4, 6)
    found = design(7, 1, gamma=0.5, mu_bar=0.4, onsite=onsite, hopping=hopping, contact=(0.8, 1.1))
    best = -np.inf
    for source, drain in itertools.permutations(range(1, 6), 2):
        strength, coupling = np.zeros(7), coupling_of(7, [source, drain], 0.5, (0.8, 1.1))
        strength[[source, drain]] = 1, -1
        chain = reference.Chain(onsite, hopping, coupling, strength)
        best = max(best, 2 * reference.solve(chain, 0.4, 0.1, 0.0).injection_response)
    assert found.value == pytest.approx(best, **CLOSE)


GOOD = {"N": 10, "pairs": 2, "gamma": 0.5, "mu_bar": 1.0}
BAD = [
    ({"N": 5}, r"pairs = 2: 4 .* 3 middle sites .* at most 1"),
    ({"N": 3, "pairs": 1}, r"N = 3: expected a whole number from 4"),
    ({"N": True}, r"N = True"),
    ({"N": 10.0}, r"N = 10.0"),
    ({"pairs": 0}, r"pairs = 0: expected a whole number >= 1"),
    ({"pairs": True}, r"pairs = True"),
    ({"pairs": 1.5}, r"pairs = 1.5"),
    ({"gamma": 0}, r"gamma = 0: expected a number > 0"),
    ({"gamma": -0.3}, r"gamma = -0.3"),
    ({"gamma": (0.5, 0.2)}, r"gamma = \(0.5, 0.2\): expected \(low, high\) with low < high"),
    ({"gamma": (0.0, 0.2)}, r"gamma = \(0.0, 0.2\): expected \(low, high\), each a number > 0"),
    ({"gamma": (0.1, 0.2, 0.3)}, r"gamma = .*two numbers, \(low, high\)"),
    ({"gamma": np.nan}, r"gamma = nan"),
    ({"gamma": True}, r"gamma = True"),
    ({"gamma": "0.5"}, r"gamma = '0.5'"),
    ({"gamma": None}, r"gamma = None"),
    ({"mu_bar": 2.0}, r"mu_bar = 2.0: outside the band"),
    ({"mu_bar": (-2.5, 1.0)}, r"mu_bar = \(-2.5, 1.0\): outside the band"),
    ({"mu_bar": (1.0, 0.0)}, r"mu_bar = \(1.0, 0.0\): expected \(low, high\) with low < high"),
    ({"mu_bar": np.inf}, r"mu_bar = inf"),
    ({"mu_bar": 1j}, r"mu_bar = 1j"),
    ({"contact": 0.0}, r"contact = 0.0"),
    ({"contact": True}, r"contact = True"),
    ({"onsite": [0.0, 1.0]}, r"onsite"),
    ({"hopping": np.nan}, r"hopping"),
    ({"goal": "best"}, r"goal = 'best': expected one of nonreciprocity, relative, reciprocal"),
    ({"goal": ["relative"]}, r"goal = \['relative'\]"),
    ({"goal": "reciprocal"}, r"mu_bar = 1.0: goal = 'reciprocal' requires a window"),
    ({"reservoirs": "probes"}, r"reservoirs = 'probes': expected one of terminals, everywhere"),
    ({"injection": 0.0}, r"injection = 0.0: expected a number > 0"),
    ({"injection": True}, r"injection = True"),
    ({"injection": np.nan}, r"injection = nan"),
    ({"restarts": -1}, r"restarts = -1"),
    ({"restarts": True}, r"restarts = True"),
    ({"seed": 0.5}, r"seed = 0.5"),
    ({"gamma": 1e-200}, r"gamma = 1e-200: .* with magnitude from 1e-75"),
]


@pytest.mark.parametrize(("change", "says"), BAD, ids=lambda v: str(v)[:40])
def test_wrong_input_is_named(change, says):
    with pytest.raises(jt.InputError, match=says):
        design(**{**GOOD, **change})


def test_all_mistakes_are_told_at_once():
    with pytest.raises(jt.InputError) as error:
        design(10, 0, gamma=-1, mu_bar=3, goal="x")
    assert [m.split(" = ")[0] for m in error.value.mistakes] == ["pairs", "gamma", "mu_bar", "goal"]
