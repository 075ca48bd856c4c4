"""Zeros of Delta I in one parameter: closed forms, an independent engine, wires built by hand.

Wires come three to a call wherever that serves: what is compiled depends on their number, their padded
size and the parameter.
"""

import re
from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy.optimize import brentq
from support import engine, reference
from support.wires import make, mirrored

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport.closed_forms import pair, short_wire
from jaxtransport.errors import InputError
from jaxtransport.search import current_difference, families
from jaxtransport.search import zeros as search
from jaxtransport.search.points import FLAT, NOTHING, UNSOLVED, ZEROS, find_points

pytestmark = pytest.mark.slow

BAND = (-1.995, 1.995)
GAMMAS = (0.3, 0.5, 0.7)
MU_BAR = 0.3
FOUR = make(layouts.pair(4), gamma=0.3)


def irregular(seed, N=8):
    """Everything at random: two sources, two drains, a probe, bare sites."""
    rng = np.random.default_rng(seed)
    return make(
        layouts.custom(N, [2, 5], [4, N - 1], [3]),
        gamma=rng.uniform(0.3, 1, N),
        contact=rng.uniform(0.6, 1.2, 2),
        onsite=rng.uniform(-1, 1, N),
        hopping=rng.uniform(0.7, 1.3, N - 1),
        strengths=rng.uniform(0.5, 1.5, 4),
    )


IRREGULAR = [irregular(seed) for seed in (8, 23, 30)]


def by_wire(data, name):
    """Values, slopes, multiplicities and families of every wire of a search of several."""
    columns = (name, "slope", "multiplicity", "family")
    rows = [data["searched"].values == i for i in data["search"].values]
    return [tuple(data[column].values[row] for column in columns) for row in rows]


# One pair, and its closed form


def families_of_one_pair(N, gamma):
    """Zeros in increasing order and their family, by the closed forms."""
    first, second = pair.zeros_of_first_family(N), pair.zeros_of_second_family(N, gamma)
    zeros = np.concatenate([first, second])
    family = np.repeat([families.FIRST, families.SECOND], [len(first), len(second)])
    if N % 2:  # mu_bar = 0 in both
        centre = np.abs(zeros) < 1e-12
        assert centre.sum() == 2
        zeros, family = np.append(zeros[~centre], 0.0), np.append(family[~centre], families.BOTH)
    order = np.argsort(zeros)
    zeros, family = zeros[order], family[order]
    inside = np.abs(zeros) <= BAND[1]
    return zeros[inside], family[inside]


def check_one_pair(pairs):
    wires = [make(layouts.pair(N), gamma=gamma, sites=32) for N, gamma in pairs]
    found = by_wire(jt.find_zeros(wires, over={"mu_bar": BAND}), "mu_bar")
    for (N, gamma), (zeros, _, multiplicity, family) in zip(pairs, found, strict=True):
        exact, expected = families_of_one_pair(N, gamma)
        assert len(zeros) == len(exact), f"N = {N}, gamma = {gamma}: {len(zeros)} zeros for {len(exact)}"
        # Rounding of Delta I, 1e-16 N, over the least slope .02 of these wires; 8e-14 measured.
        np.testing.assert_allclose(zeros, exact, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(family, expected)
        np.testing.assert_array_equal(multiplicity, np.where(expected == families.BOTH, 2, 1))


def test_one_pair_has_the_zeros_of_both_families():
    rng = np.random.default_rng(0)
    lengths, couplings = rng.integers(5, 31, 50).tolist(), rng.uniform(0.1, 0.95, 50)
    check_one_pair(list(zip(lengths, couplings, strict=True)))


def four_sites():
    wires = [make(layouts.pair(4), gamma=gamma) for gamma in GAMMAS]
    found = jt.find_zeros(wires, over={"mu_bar": (-1.9, 1.9)})
    for gamma, (zeros, *_, family) in zip(GAMMAS, by_wire(found, "mu_bar"), strict=True):
        exact = np.sqrt(2 + gamma**2)
        np.testing.assert_allclose(zeros, [-exact, exact], rtol=0, atol=1e-14)
        np.testing.assert_array_equal(family, families.SECOND)


def test_four_sites_are_reciprocal_where_mu_bar_squared_is_two_plus_gamma_squared():
    four_sites()


def test_a_double_zero_of_a_wire_with_weak_contacts_is_one():
    """Next to it Delta I is steep, but rounding has both signs: what it crosses is nothing."""
    pairs = (
        (0.37031559756556140, 0.05624292109301507),
        (0.8225990845695604, 0.11799353534304909),
        (0.6, 0.08),
    )
    wires = [make(layouts.pair(7), gamma=gamma, contact=contact) for gamma, contact in pairs]
    found = jt.find_zeros(wires, over={"mu_bar": (-1.9, 1.9)})
    for zeros, slopes, multiplicity, _ in by_wire(found, "mu_bar"):
        near = np.abs(zeros) < 1e-3
        assert near.sum() == 1
        assert multiplicity[near] == 2
        assert slopes[near] == 0
        # For odd N Delta I is even in mu_bar.
        np.testing.assert_allclose(zeros, -zeros[::-1], rtol=0, atol=1e-9)


def test_contacts_that_make_four_sites_reciprocal():
    """Fig. 8: two couplings of the leads for every gamma."""
    printed = [(-0.0495, 2.661), (-0.152, 1.636), (-0.316, 1.548)]
    wires = [make(layouts.pair(4), gamma=gamma) for gamma in GAMMAS]
    found = jt.find_zeros(wires, over={"contact": (0.1, 4.0)}, mu_bar=1.0)
    for gamma, (contact, *_), digits in zip(GAMMAS, by_wire(found, "contact"), printed, strict=True):
        # np.roots of a quadratic: a few roundings.
        np.testing.assert_allclose(contact, short_wire.contact_zeros(1.0, gamma), rtol=1e-13)
        np.testing.assert_allclose(contact - 1, digits, rtol=0, atol=6e-4)  # as many digits as were read


def test_the_wire_of_fig_10_has_a_zero_at_one_and_another_just_below():
    below = (0.984995, 0.990675, 0.994090)
    wires = [make(layouts.spaced(60, 3), gamma=gamma) for gamma in GAMMAS]
    found = jt.find_zeros(wires, over={"mu_bar": (0.98, 1.004)})
    for near, (zeros, *_) in zip(below, by_wire(found, "mu_bar"), strict=True):
        np.testing.assert_allclose(zeros, [near, 1.0], rtol=0, atol=1e-6)  # digits of `below`
        np.testing.assert_allclose(zeros[1], 1.0, rtol=0, atol=1e-13)


# Other ways to the same zeros


def delta_I(chain, mu_bar):
    """delta I / I_g of the NumPy engine, by a wire without a bias."""
    H, Gamma = reference.hamiltonian(chain), -2 * reference.self_energy(chain.coupling, mu_bar).imag
    T = reference.transmissions(reference.green(H, chain.coupling, mu_bar), Gamma)
    asked = {l: chain.strength[l] for l in range(1, chain.N - 1) if Gamma[l] > 0}
    x = reference.balance(T, {0: 0.0, chain.N - 1: 0.0}, asked)
    return -reference.currents_into(T, x)[0]


def test_an_independent_engine_has_the_same_zeros_of_irregular_wires():
    """A scan of 600 points and Brent's method, on dense NumPy matrices."""
    found = jt.find_zeros(IRREGULAR, over={"mu_bar": (-1.9, 1.9)})
    scan = np.linspace(-1.9, 1.9, 600)
    for wire, (zeros, *_) in zip(IRREGULAR, by_wire(found, "mu_bar"), strict=True):
        chain = reference.chain_of(wire)
        value = np.array([delta_I(chain, w) for w in scan])
        j = np.flatnonzero(value[1:] * value[:-1] < 0)
        exact = [brentq(lambda w: delta_I(chain, w), scan[i], scan[i + 1], xtol=1e-15) for i in j]  # noqa: B023
        assert len(zeros) == len(exact) > 0
        np.testing.assert_allclose(zeros, exact, rtol=0, atol=1e-12)  # roundings of a dense inverse


def by_hand(wire, name, value):
    """The wire with one number changed, by its arrays."""
    N = int(wire.length)
    field, site = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", name).groups()
    arrays = {f: np.array(getattr(wire, f)) for f in ("onsite", "hopping", "coupling", "strength")}
    if site:
        arrays["coupling" if field == "gamma" else field][int(site) - 1] = value
    elif field == "gamma":
        middle = arrays["coupling"][1 : N - 1]
        middle[middle > 0] = value
    elif field == "contact":
        arrays["coupling"][[0, N - 1]] = value
    else:
        arrays[field][:] = value
    return replace(wire, **arrays)


WINDOWS = {
    "mu_bar": (-1.9, 1.9),
    "gamma": (0.1, 1.5),
    "contact": (0.1, 2.0),
    "onsite": (-1.5, 1.5),
    "hopping": (0.3, 2.0),
    "onsite[6]": (-2.0, 2.0),
    "gamma[3]": (0.1, 2.0),
    "hopping[3]": (0.1, 2.0),
    "strength[5]": (-3.0, 3.0),
}


def check_by_hand(name):
    """Zeros, slopes and residuals against `jaxtransport.nonreciprocity` of wires built by hand."""

    def Delta_I(wire, value):
        if name == "mu_bar":
            return engine.nonreciprocity(wire, "chain", value, 0.1, 1.0)
        return engine.nonreciprocity(by_hand(wire, name, value), "chain", MU_BAR, 0.1, 1.0)

    drive = {} if name == "mu_bar" else {"mu_bar": MU_BAR}
    data = jt.find_zeros(IRREGULAR, over={name: WINDOWS[name]}, **drive)
    found = by_wire(data, name)
    assert sum(len(zeros) for zeros, *_ in found) >= 2
    assert np.all(data["family"] == 0)
    # Roundings of delta I, 1e-15, and one of the parameter.
    assert np.all(data["residual"] <= 1e-14 + 1e-15 * np.abs(data["slope"]))
    for wire, (zeros, slopes, *_) in zip(IRREGULAR, found, strict=True):
        for zero, slope in zip(zeros, slopes, strict=True):
            assert abs(Delta_I(wire, zero)) <= 1e-14 + 1e-15 * abs(slope)
            # Central difference, of errors 1e-16 / step and step^2 times the third derivative.
            step = 1e-5
            difference = (Delta_I(wire, zero + step) - Delta_I(wire, zero - step)) / (2 * step)
            np.testing.assert_allclose(slope, difference, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", WINDOWS)
def test_zeros_in_every_parameter_are_those_of_wires_built_by_hand(name):
    check_by_hand(name)


@pytest.mark.parametrize("name", ["injection", "I_g"])
def test_nothing_injected_is_the_only_zero_in_the_current_of_linear_response(name):
    found = jt.find_zeros(FOUR, over={name: (-0.7, 1.0)}, mu_bar=MU_BAR, delta_mu=0.1)
    np.testing.assert_allclose(found[name], [0.0], atol=1e-15)
    # Delta I = 2 delta I while |delta I| is the smaller part: that is 2 r per unit of I_g / I_o.
    unit = 1.0 if name == "injection" else 2 * np.pi / 0.1
    slope = 2 * unit * short_wire.injection_response(MU_BAR, 0.3)
    np.testing.assert_allclose(found["slope"], [slope], rtol=1e-13)


# Beyond linear response


def test_a_zero_in_the_bias_of_the_series():
    given = {"mu_bar": 1.443, "injection": 0.3, "law": jt.Series(2)}
    found = jt.find_zeros(FOUR, over={"delta_mu": (0.02, 0.2)}, **given)
    (zero,) = found["delta_mu"].values
    below, at, above = (
        float(jt.nonreciprocity(FOUR, delta_mu=zero + step, **given)) for step in (-1e-5, 0.0, 1e-5)
    )
    assert below > 0 > above
    assert abs(at) < 1e-13  # what Newton's method leaves of potentials, and one rounding of them
    np.testing.assert_allclose(found["slope"], [(above - below) / 2e-5], rtol=1e-5)


EXACT = {"delta_mu": 0.1, "law": jt.Exact()}


def test_a_zero_of_the_exact_law():
    found = jt.find_zeros(FOUR, over={"mu_bar": (1.1, 1.6)}, injection=0.3, **EXACT)
    (zero,) = found["mu_bar"].values
    below, at, above = (
        float(jt.nonreciprocity(FOUR, mu_bar=zero + step, delta_mu=0.1, injection=0.3, law=jt.Exact()))
        for step in (-1e-5, 0.0, 1e-5)
    )
    assert (below > 0 > above) == (found["slope"].item() < 0)
    assert abs(at) < 1e-10  # what quadrature may leave is 1e-11 of the largest current
    np.testing.assert_allclose(found["slope"], [(above - below) / 2e-5], rtol=1e-4)
    # Linear response has it where mu_bar^2 = 2 + gamma^2, off by the order of delta_mu^2.
    np.testing.assert_allclose(zero, np.sqrt(2.09), rtol=0, atol=0.1**2)
    assert "nothing searched there" not in found.message


@pytest.mark.optimized
def test_a_window_beyond_the_existence_of_steady_states_is_unsolved():
    """A source would have to leave the band at injection 1.5; .729 is the most at mu_bar = 1.52."""
    found = jt.find_zeros(FOUR, over={"mu_bar": (1.5, 1.54)}, injection=1.5, **EXACT)
    assert found["finding"] == UNSOLVED
    assert found.message == "unsolved: no steady state found anywhere in 1.5 <= mu_bar <= 1.54"
    assert found.sizes["zero"] == 0


# What a search comes to


def test_no_zero():
    found = jt.find_zeros(FOUR, over={"mu_bar": (-0.5, 0.7)})
    assert found["finding"] == NOTHING
    assert found.sizes["zero"] == 0
    # Eq. B33 falls with mu_bar^2. What is seen ends within a percent of a cell's width from the edge.
    np.testing.assert_allclose(found["least_at"], 0.7, rtol=1e-3)
    np.testing.assert_allclose(found["least"], short_wire.injection_response(0.7, 0.3), rtol=5e-3)
    assert found.message.startswith("no zero of Delta I in -0.5 <= mu_bar <= 0.7: the smallest |delta I| is")


@pytest.mark.parametrize(
    ("wire", "drive", "why"),
    [
        (mirrored(1, 4), {}, "the wire is its own mirror image"),
        (FOUR, {"injection": 0.0}, "I_g = 0, nothing is injected"),
        (make(layouts.custom(6, probes=[3]), gamma=0.5), {}, "no source or drain injects a current"),
    ],
    ids=["mirror image", "no current", "no source"],
)
def test_delta_I_that_vanishes_throughout(wire, drive, why):
    found = jt.find_zeros(wire, over={"mu_bar": (-1.9, 1.9)}, **drive)
    assert found["finding"] == FLAT
    assert found.sizes["zero"] == 0
    assert found["least"] < 1e-14
    assert "flat: Delta I vanishes throughout -1.9 <= mu_bar <= 1.9" in found.message
    assert why in found.message


def test_several_wires_give_what_each_gives_alone_in_their_order():
    wires = [make(layouts.pair(N), gamma=0.4, sites=16) for N in (13, 5, 4, 9)]
    wires.insert(2, mirrored(1, 4, sites=16))
    window = (-1.2, 1.9)
    together = jt.find_zeros(wires, over={"mu_bar": window})
    assert together["finding"].values.tolist() == [ZEROS, ZEROS, FLAT, ZEROS, ZEROS]
    assert np.all(np.diff(together["searched"]) >= 0)
    for wire, (zeros, slopes, multiplicity, family), count in zip(
        wires, by_wire(together, "mu_bar"), together["zeros"].values, strict=True
    ):
        alone = jt.find_zeros(wire, over={"mu_bar": window})
        assert len(zeros) == count == alone.sizes["zero"]
        # Compiled apart: sums may round apart.
        np.testing.assert_allclose(zeros, alone["mu_bar"], rtol=0, atol=1e-13)
        np.testing.assert_allclose(slopes, alone["slope"], rtol=1e-10)
        np.testing.assert_array_equal(multiplicity, alone["multiplicity"])
        np.testing.assert_array_equal(family, alone["family"])
        assert np.all(np.diff(zeros) > 0)


def test_double_precision_is_switched_on_for_the_search_alone():
    with jax.enable_x64(False):
        found = jt.find_zeros(FOUR, over={"mu_bar": (1.0, 1.9)})
        assert not jax.config.jax_enable_x64
    assert found["mu_bar"].dtype == np.float64
    np.testing.assert_allclose(found["mu_bar"], [np.sqrt(2.09)], rtol=1e-15)


# Wrong calls


M, TWO = {"mu_bar": (-1, 1)}, {"gamma": (0.1, 1)}
BEYOND = {"law": jt.Series(3), "delta_mu": 0.1, "injection": 0.1}


@pytest.mark.parametrize(
    ("wire", "over", "drive", "says"),
    [
        (3, M, {}, "wire = 3: expected a Wire"),
        ("wire", M, {}, "wire = 'wire': expected a Wire"),
        ([], M, {}, "wire = []: expected a Wire"),
        ([FOUR, 3], M, {}, "wire[2] = 3: expected a Wire"),
        (lambda N: FOUR, M, {}, "expected a Wire"),
        (FOUR, {}, {}, "expected one or two parameters"),
        (FOUR, "mu_bar", {}, "over = 'mu_bar': expected a mapping from names to values"),
        (FOUR, {**M, **TWO, "contact": (0.1, 1)}, {}, "for more, see nearest_zero"),
        (FOUR, {"mubar": (-1, 1)}, {}, "did you mean 'mu_bar'?"),
        (
            FOUR,
            {"onsite[5]": (-1, 1)},
            {"mu_bar": 0.3},
            "'onsite[5]' is not in the wire; its sites are 1 to 4",
        ),
        (FOUR, {"onsite[0]": (-1, 1)}, {"mu_bar": 0.3}, "its sites are 1 to 4"),
        (FOUR, {"hopping[4]": (0.1, 1)}, {"mu_bar": 0.3}, "its bonds are 1 to 3"),
        (FOUR, {"strength[1]": (0.1, 1)}, {"mu_bar": 0.3}, "site 1 is a lead"),
        (IRREGULAR[0], {"gamma[6]": (0.1, 1)}, {"mu_bar": 0.3}, "site 6 holds no reservoir"),
        (make(layouts.custom(4), gamma=0.3), TWO, {"mu_bar": 0.3}, "the wire has none"),
        (FOUR, {"mu_bar": (1, -1)}, {}, "with low < high"),
        (FOUR, {"mu_bar": (np.nan, 1)}, {}, "each a finite number"),
        (FOUR, {"mu_bar": (0, 2.1)}, {}, "outside the band"),
        (FOUR, TWO, {}, "mu_bar: missing"),
        (FOUR, TWO, {"mu_bar": 2.0}, "mu_bar = 2: outside the band"),
        (FOUR, TWO, {"mu_bar": np.nan}, "mu_bar = nan: expected a finite number"),
        (FOUR, M, {"mu_bar": 0.1}, "mu_bar = 0.1: given and also searched"),
        (FOUR, M, {**BEYOND, "delta_mu": None}, "delta_mu: missing"),
        (FOUR, M, {**BEYOND, "injection": None}, "injection: missing"),
        (FOUR, M, {"delta_mu": -0.1}, "delta_mu = -0.1: expected a number > 0"),
        (FOUR, M, {"delta_mu": 0.1, "injection": 1, "I_g": 1}, "give one of them"),
        (FOUR, M, {"I_g": 0.1}, "delta_mu: missing; expected the bias, in gamma_o: I_g is measured by it"),
        (FOUR, TWO, {**BEYOND, "mu_bar": 1.96}, "with delta_mu = 0.1 a lead is outside the band"),
        (FOUR, {"mu_bar": (1.96, 2)}, BEYOND, "a lead is outside the band there"),
        (FOUR, {"temperature": (0, 0.1)}, {"mu_bar": 0.3}, "'temperature' requires law=Exact()"),
        (FOUR, M, {"kernel": "fast"}, "kernel = 'fast': expected one of"),
        (FOUR, M, {"law": "exact"}, "law = 'exact': expected Linear()"),
        ([FOUR, FOUR], {**M, **TWO}, {}, "curves are followed for one wire at a time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_call(wire, over, drive, says):
    with pytest.raises(InputError, match=re.escape(says)):
        jt.find_zeros(wire, over=over, **drive)


def test_a_search_inside_jit_is_refused():
    def search(gamma):
        return jt.find_zeros(jt.Wire.pair(4, gamma=gamma), over=M)["mu_bar"].values.sum()

    with pytest.raises(InputError, match="inside jit, vmap or grad of JAX; call it outside"):
        jax.jit(search)(0.3)
    with pytest.raises(InputError, match="inside jit, vmap or grad of JAX; call it outside"):
        jax.jit(lambda w: jt.find_zeros(FOUR, over=TWO, mu_bar=w).sizes["zero"])(0.3)


# Faults: a slip in the search, and the check above that finds it


def _half_the_nonreciprocity(monkeypatch):
    old = current_difference.Parts.nonreciprocity
    monkeypatch.setattr(current_difference.Parts, "nonreciprocity", lambda self: old(self) / 2)
    monkeypatch.setattr(
        search, "find_points", lambda *a: (p := find_points(*a), replace(p, slope=p.slope / 2))[1]
    )


def _slope_of_the_other_sign(monkeypatch):
    monkeypatch.setattr(
        search, "find_points", lambda *a: (p := find_points(*a), replace(p, slope=-p.slope))[1]
    )


def _one_family(monkeypatch):
    def first_alone(*arguments):
        p = find_points(*arguments)
        kept = p.family != families.SECOND
        names = ("searched", "value", "residual", "slope", "multiplicity", "family")
        return replace(p, **{name: getattr(p, name)[kept] for name in names})

    monkeypatch.setattr(search, "find_points", first_alone)


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (_half_the_nonreciprocity, lambda: check_by_hand("mu_bar")),
        (_slope_of_the_other_sign, lambda: check_by_hand("mu_bar")),
        (_one_family, four_sites),
    ],
    ids=["lost factor 2", "slope flipped", "a family missed"],
)
def test_a_planted_fault_is_found(plant, check, monkeypatch):
    check()
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check()


def test_the_dense_kernel_finds_the_same():
    wire = make(layouts.pair(9), gamma=0.5)
    chain, dense = (jt.find_zeros(wire, over={"mu_bar": (-1.9, 1.9)}, kernel=k) for k in ("chain", "dense"))
    np.testing.assert_allclose(dense["mu_bar"], chain["mu_bar"], rtol=0, atol=1e-12)
