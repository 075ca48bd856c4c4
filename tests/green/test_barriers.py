"""Sources and drains that balance behind weak contacts, weak bonds and gaps, against 60 digits."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mpf, workdps
from support import checks, engine, precise, reference
from support.barrier_trials import CLASSES, computed, errors, expected, run
from support.checks import close, close_digits
from support.wires import barred, make

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport import status as codes
from jaxtransport.green.chain import Chain
from jaxtransport.green.conserving import Conserving
from jaxtransport.green.dense import Dense

COUNT = 48
WIRES = [barred(seed) for seed in range(COUNT)]
ENERGIES = np.random.default_rng(0).uniform(-1.95, 1.95, COUNT)
WEAK = make(layouts.pair(4), gamma=0.5, contact=1e-6)


@pytest.fixture(scope="module")
def truth():
    return [expected(wire, w) for wire, w in zip(WIRES, ENERGIES, strict=True)]


def cut(wire, *bonds):
    """`wire` with the hopping of some bonds (from 1) set to 0."""
    return replace(wire, hopping=jnp.asarray(wire.hopping).at[jnp.array(bonds) - 1].set(0.0))


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["auto", "chain", "long", "dense"])
def test_beside_a_cut_sources_and_drains_find_their_lead_or_each_other(kernel):
    """I_1 and I_N of a wire that is cut: what is injected on the side of each lead, under either bias."""
    drive = {"mu_bar": 0.3, "delta_mu": 0.1, "injection": 0.2, "kernel": kernel}
    for layout, bond, (left, right) in [
        (layouts.custom(6, sources=[2]), 3, (-0.2, 0.0)),
        (layouts.custom(6, sources=[5]), 3, (0.0, -0.2)),
        (layouts.custom(6, sources=[4], drains=[5]), 2, (0.0, 0.0)),
        (layouts.custom(6, sources=[2], drains=[5]), 3, (-0.2, 0.2)),
    ]:
        wire = cut(make(layout, gamma=0.5), bond)
        state = jt.solve(wire, **drive)
        assert codes.has_numbers(state.status)
        close([state.current, state.right_current], [left, right], 1e-14, 0.2)
        if kernel != "dense":  # which leaves a balance to the others
            assert int(state.status) == codes.SOLVED
            assert float(jt.nonreciprocity(wire, **drive)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["auto", "chain", "long", "dense"])
@pytest.mark.parametrize("kind", [{"sources": [3], "drains": [4]}, {"sources": [4]}, {"sources": [3, 4]}])
def test_a_group_that_is_cut_off_is_singular(kernel, kind):
    """Whatever it injects stays there, or its potential is any; with and without a profile."""
    drive = {"mu_bar": 0.3, "delta_mu": 0.1, "injection": 0.2, "kernel": kernel}
    wire = cut(make(layouts.custom(6, **kind), gamma=0.5), 2, 4)
    assert int(jt.solve(wire, **drive).status) == codes.SINGULAR
    assert np.isnan(jt.nonreciprocity(wire, **drive))


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "registers", "long", "dense"])
def test_what_is_solved_has_nine_digits(kernel, truth):
    """And for the chain twelve, in I_1 and Delta I too; what I_1 is off by is within its bound."""
    found, again = computed(CLASSES[kernel], WIRES, ENERGIES)
    assert again > COUNT / 4  # such wires are what this is about
    table = [errors(f, t) for f, t in zip(found, truth, strict=True) if f["status"] == codes.SOLVED]
    assert len(table) > (0.8 if kernel == "dense" else 0.99) * COUNT
    largest = {name: max(row[name] for row in table) for name in table[0]}
    assert max(largest[name] for name in ("potentials", "currents", "G")) < 1e-9, largest
    assert largest["I_1 / bound"] <= 1, largest
    if kernel != "dense":
        assert max(largest[name] for name in ("potentials", "currents", "G", "I_1", "Delta I")) < 1e-12, (
            largest
        )


@pytest.mark.slow
def test_the_plain_kernels_lose_these_digits_and_say_so(truth):
    """What the test above would find without the careful kernels: errors of every size, none of status 0."""
    for kernel in (Chain, Dense):
        found = run(kernel, WIRES, ENERGIES)
        off = np.array([errors(f, t)["I_1"] for f, t in zip(found, truth, strict=True)])
        status = np.array([f["status"] for f in found])
        assert np.sum(off[status == codes.NOT_RESOLVED] > 1e-9) > 2
        assert np.all(off[status == codes.SOLVED] < 1e-9)


@pytest.mark.slow
def test_a_point_does_not_depend_on_its_batch():
    found = run(Conserving, WIRES, ENERGIES, batch=16)
    shuffled = run(Conserving, WIRES[::-1], ENERGIES[::-1], batch=16)[::-1]
    for one, other in zip(found, shuffled, strict=True):
        for name, value in one.items():
            np.testing.assert_array_equal(value, other[name], name)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "long", "dense"])
def test_inside_a_transform_too(kernel):
    """Nobody can ask again there."""
    at = {"mu_bar": 0.7, "delta_mu": 0.1, "injection": 0.3, "kernel": kernel}
    exact = expected(WEAK, 0.7)
    for state in (jt.solve(WEAK, **at), jax.jit(lambda wire: jt.solve(wire, **at))(WEAK)):
        assert int(state.status) == codes.SOLVED
        close_digits(state.left_current, exact["current_forward"][0], 1e-13, what="I_1")
        close_digits(state.potentials[1], exact["potential_forward"][1], 1e-13, what="mu_2")
    value = jax.vmap(lambda wire: jt.nonreciprocity(wire, **at))(jax.tree.map(lambda leaf: leaf[None], WEAK))
    close_digits(value[0], exact["nonreciprocity"][0], 1e-13, what="Delta I")


@pytest.mark.slow
def test_derivatives_behind_weak_contacts():
    """d r / d gamma_2 against a difference in 100 digits."""

    def r(gamma):
        wire = jt.Wire.custom(5, sources=[2], drains=[4], gamma=jnp.stack([1e-6, gamma, 0.0, 0.5, 1e-6]))
        return jt.transmission(wire, 0.7).lead_response().injection

    chain = reference.chain_of(make(layouts.pair(5), gamma=0.5, contact=1e-6))
    with workdps(100):
        step = mpf(10) ** -40

        def exact(gamma):
            moved = [mpf(1e-6), gamma, mpf(0), mpf(0.5), mpf(1e-6)]
            return precise.dense(
                reference.Chain(chain.onsite, chain.hopping, moved, chain.strength), 0.7, 100
            ).r

        slope = (exact(mpf(0.4) + step) - exact(mpf(0.4) - step)) / (2 * step)
        close_digits(jax.grad(r)(0.4), slope, 1e-11, what="dr / d gamma")


@pytest.mark.slow
def test_zeros_behind_weak_contacts():
    """Every zero of delta I in mu_bar, to 1e-10, though delta I itself is 1e-12 of the injected current."""
    N, contact = 9, 1e-6
    wire = make(layouts.pair(N), gamma=0.5, contact=contact)
    found = jt.find_zeros(wire, over={"mu_bar": (-1.9, 1.9)})
    chain = reference.chain_of(wire)
    r = lambda w: precise.banded(chain, float(w), 80).r
    grid = np.linspace(-1.9, 1.9, 400)
    sign = np.sign([float(r(w)) for w in grid])
    crossings = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    simple = found.mu_bar.values[found.multiplicity.values == 1]
    assert len(simple) == len(crossings)
    for k, zero in zip(crossings, np.sort(simple), strict=True):
        assert grid[k] <= zero <= grid[k + 1]
        assert float(r(zero - 1e-10)) * float(r(zero + 1e-10)) < 0


@pytest.mark.slow
def test_design_behind_weak_contacts():
    """The best source and drain of all, though their profiles are equal to 1e-15."""
    N, contact = 7, 1e-7
    made = jt.design(N, 1, gamma=0.5, mu_bar=0.4, contact=contact)
    best = {}
    for source in range(2, N):
        for drain in set(range(2, N)) - {source}:
            wire = make(layouts.custom(N, [source], [drain]), gamma=0.5, contact=contact)
            best[source, drain] = precise.banded(reference.chain_of(wire), 0.4, 80).r
    (source,), (drain,) = made.layout.sources, made.layout.drains
    top = max(best.values())
    assert best[source, drain] >= top * (1 - mpf(1e-10))
    close_digits(made.value, 2 * top, 1e-10, what="value")


@pytest.mark.slow
def test_kirchhoff_at_weakly_coupled_sources():
    """J = 1, 1 + i, 1 in units of I_o where the source and the drain see 1e-16 of everything."""
    wire = make(layouts.pair(4), gamma=1e-8)
    for kernel in engine.KERNELS:
        state = engine.solve(wire, kernel, 0.7, 0.1, 0.3)
        close(state.bond_current[:3], [1.0, 1.3, 1.0], 1e-14, what=kernel)


@pytest.mark.parametrize(("N", "onsite", "hopping"), [(8, 0.0, 0.01), (20, 5.0, 1.0), (40, 3.0, 1.0)])
def test_a_dense_conductance_of_1e_23(N, onsite, hopping):
    wire = make(layouts.pair(N), gamma=0.5, onsite=onsite, hopping=hopping)
    exact = checks.against_digits(wire, 0.7, digits=120)
    close_digits(engine.respond(wire, "dense", 0.7)[0], exact.g, 1e-11, what="g")


@pytest.mark.slow
def test_nobody_exchanges_anything():
    """A transmission below the smallest double: no number, and not status 0."""
    wire = make(layouts.custom(9), gamma=1, hopping=1e-60)
    for kernel in ("chain", "dense"):
        state = engine.solve(wire, kernel, 0.7, 0.1, 0.3)
        assert int(state.status) == codes.SINGULAR
        assert np.isnan(state.left_current)


@pytest.mark.slow
def test_a_sweep_takes_up_what_lost_digits(tmp_path):
    """Weak and good contacts in one file: each point is what it is by itself."""
    spec = """
    [wire]
    layout = "pair"
    N = 6
    gamma = 0.5
    [drive]
    mu_bar = 0.7
    delta_mu = 0.1
    injection = 0.3
    [grid]
    contact = {contacts}
    [output]
    variables = ["nonreciprocity", "current_forward", "potential_forward"]
    """
    runs = {}
    for name, contacts in (("both", [1.0, 1e-6]), ("weak", [1e-6])):
        path = tmp_path / f"{name}.toml"
        path.write_text(spec.format(contacts=contacts))
        runs[name] = jt.run(path, tmp_path / f"{name}.h5")
    exact = expected(make(layouts.pair(6), gamma=0.5, contact=1e-6), 0.7)
    both, weak = runs["both"].isel(contact=1), runs["weak"].isel(contact=0)
    assert int(both.status) == 0
    close_digits(both.nonreciprocity, exact["nonreciprocity"][0], 1e-13, what="Delta I")
    for name in ("nonreciprocity", "current_forward", "potential_forward"):
        np.testing.assert_array_equal(both[name], weak[name])


@pytest.mark.parametrize("kernel", ["chain", "long", "dense"])
@pytest.mark.parametrize("contact", [1e-1, 1e-2, 1e-3, 1e-5, 1e-8])
def test_on_a_narrow_line_the_status_knows_its_width(contact, kernel):
    """Two sites at resonance: 1e-16 over contact^2 is what any arithmetic on doubles knows of G."""
    wire = make(layouts.custom(2), gamma=1, contact=contact)
    exact = expected(wire, 1.0)
    state = engine.solve(wire, kernel, 1.0, 0.1, 0.0)
    off = abs(float(state.left_current) - float(exact["current_forward"][0]))
    assert off <= float(state.current_error)
    assert int(state.status) == (codes.SOLVED if contact > 1e-3 else codes.NOT_RESOLVED) or contact == 1e-3
    if int(state.status) == codes.SOLVED:
        assert off < 1e-9 * float(state.conductance)


@pytest.mark.slow
def test_a_source_and_a_drain_behind_a_gap_have_their_zeros():
    """Energies in the band of the middle alone: levels of 1.99 are a gap there, delta I 1e-15 of I_g."""
    N, onsite = 56, np.full(56, 1.99)
    onsite[22:34] = 0.0
    wire = make(layouts.custom(N, [25], [31]), gamma=0.5, onsite=onsite)
    found = jt.find_zeros(wire, over={"mu_bar": (-1.9, -1.05)})
    close(np.sort(found.mu_bar), [-1.866391, -1.732051, -1.566697, -1.109841], 1e-6, what="zeros")
