"""Searches of wires that a function makes: zeros by the direct computation, what is refused and how."""

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxtransport as jt
from jaxtransport.errors import InputError
from jaxtransport.search.barriers import careful
from jaxtransport.search.current_difference import WireBatch
from jaxtransport.search.points import CELL, cells, rounding
from jaxtransport.search.wires import subject
from jaxtransport.search.zeros import model_of

DRIVE = {"mu_bar": 0.4, "delta_mu": 0.1, "injection": 0.3}
WINDOW = (0.1, 2.5)


def disordered(width, seed=1):
    return jt.Wire.pair(9, gamma=0.5, onsite={"pattern": "disorder", "width": width, "seed": seed})


def delta_I(wire, **drive):
    return float(jt.nonreciprocity(wire, **{**DRIVE, **drive}))


@pytest.mark.slow
def test_a_zero_is_one_of_the_direct_computation():
    """Delta I of the wire with that number vanishes, and changes its sign with the slope that is reported."""
    found = jt.find_zeros(disordered, over={"width": WINDOW}, mu_bar=0.4, injection=0.3)
    widths = np.linspace(*WINDOW, 97)
    sampled = np.sign([delta_I(disordered(width)) for width in widths])
    assert np.sum(sampled[1:] != sampled[:-1]) == found.sizes["zero"] == 2
    step = 1e-5  # an error of its square in the slope, times a third derivative of order 1
    for width, slope in zip(found.width.values, found.slope.values, strict=True):
        below, above = (delta_I(disordered(width + sign * step)) for sign in (-1, 1))
        assert below * above < 0
        np.testing.assert_allclose((above - below) / (2 * step), slope, rtol=1e-7)
        assert abs(delta_I(disordered(width))) < 1e-14  # rounding of sums of N transmissions
    assert np.all(found.residual < 1e-14)
    assert found.width.attrs["long_name"] == "argument width of the wire"


@pytest.mark.slow
@pytest.mark.parametrize("window", [(0.31, 1.2), (1e-3, 0.9)], ids=["open", "behind weak contacts"])
def test_an_argument_is_searched_like_the_number_of_a_wire(window):
    """The same zeros as over the contact of a wire: on another coordinate, and with the careful kernel."""
    onsite = np.random.default_rng(27).uniform(-1, 1, 9)
    make = lambda contact: jt.Wire.pair(9, gamma=0.5, contact=contact, onsite=onsite)
    built = jt.find_zeros(make, over={"contact": window}, mu_bar=0.7)
    plain = jt.find_zeros(make(0.6), over={"contact": window}, mu_bar=0.7)
    assert built.sizes["zero"] == plain.sizes["zero"] > 0
    np.testing.assert_allclose(built.contact, plain.contact, rtol=1e-12)
    np.testing.assert_allclose(built.slope, plain.slope, rtol=1e-9)


@pytest.mark.slow
def test_one_number_may_change_everything_along_the_wire():
    """Couplings, levels and injected currents; and a number of the drive is searched beside it."""

    def make(x):
        wire = jt.Wire.pair(8, gamma=0.3 + x**2, onsite=jnp.sin(3 * x) * jnp.arange(8) / 8)
        return replace(wire, strength=wire.strength * (1 + x * jnp.arange(8)))

    found = jt.find_zeros(make, over={"x": (0.1, 1.0), "mu_bar": (-1.5, 1.5)})
    assert found.sizes["line"] > 0
    at = jax.jit(jax.vmap(lambda x, mu_bar: jt.nonreciprocity(make(x), **{**DRIVE, "mu_bar": mu_bar})))
    assert np.max(np.abs(at(found.x.values, found.mu_bar.values))) < 1e-13
    assert np.max(np.abs(at(found.x.values, found.mu_bar.values + 0.01))) > 1e-3
    assert np.all(found.whole == 1)


def surveyed(make, **window):
    """Model, batch and windows of a search of a function."""
    (wire,), searched, bounds, build, _ = subject(make, window)
    model = model_of(searched, jt.Linear(), "auto", build)
    return model, WireBatch.of([wire], {"mu_bar": 0.4, "injection": 1.0}), bounds


def test_the_window_decides_on_kernel_cells_and_rounding():
    """Not the one wire that stands for it: a barrier at its end, the phase along it, the largest currents."""
    weak = lambda contact: jt.Wire.pair(9, gamma=0.5, contact=contact)
    for low, stage in ((0.31, 0), (1e-3, 1)):
        assert careful(*surveyed(weak, contact=(low, 0.9))).stage == stage
    deep = lambda x: jt.Wire.pair(9, gamma=0.5, onsite=x * jnp.eye(9)[4])
    for high, stage in ((1.5, 0), (1.7, 1)):  # beyond 2 - mu_bar
        assert careful(*surveyed(deep, x=(0.1, high))).stage == stage
    level = surveyed(lambda x: jt.Wire.pair(60, gamma=0.5, onsite=x), x=(-1, 1))
    assert cells(*level) == math.ceil(60 * 1.0 / CELL)  # k moves by half of what the energy does
    bonds = surveyed(lambda x: jt.Wire.pair(60, gamma=0.5, hopping=x), x=(0.5, 2))
    assert cells(*bonds) == math.ceil(59 * math.log(4) / 2 / CELL)
    strong = lambda x: replace(weak(0.8), strength=x * weak(0.8).strength)
    np.testing.assert_allclose(
        rounding(*surveyed(strong, x=(1, 50))), 50 * rounding(*surveyed(weak, contact=(0.5, 0.9)))
    )


@pytest.mark.slow
def test_the_nearest_zero_starts_from_the_defaults():
    def make(width=0.5, level=0.0):
        return jt.Wire.pair(9, gamma=0.5, onsite=level + disordered(width).onsite)

    over = {"width": (0.1, 2.5), "level": (-1.0, 1.0)}
    near = jt.nearest_zero(make, over, mu_bar=0.4, starts=4)
    assert near.sizes["zero"] > 0
    width, level = (float(near[name][0]) for name in over)
    assert abs(delta_I(make(width, level))) < 1e-13
    np.testing.assert_allclose(near.change[0], math.hypot((width - 0.5) / 2.4, level / 2.0), rtol=1e-12)
    alone = jt.find_zeros(make, over={"width": WINDOW}, mu_bar=0.4)
    assert near.change[0] <= (abs(alone.width.values - 0.5) / 2.4).min() * (1 + 1e-9)


@pytest.mark.slow
def test_where_there_is_no_wire_nothing_is_searched():
    """Hoppings below zero in the middle of the window, but neither at its ends nor where it is looked at."""

    def make(phase):
        wave = {"pattern": "quasiperiodic", "amplitude": 1.1, "frequency": 0.0, "phase": phase}
        return jt.Wire.pair(9, gamma=0.5, hopping=[{"pattern": "alternating", "values": [1.05]}, wave])

    found = jt.find_zeros(make, over={"phase": (-1.0, 3.6)}, mu_bar=0.4)
    edge = math.acos(-1.05 / 1.1)
    assert f"no steady state found for {edge:.1f}" in found.message
    assert np.all(found.phase < edge)
    assert found.sizes["zero"] > 0


def test_a_function_of_nothing_is_its_wire():
    found = jt.find_zeros(lambda gamma=0.5: jt.Wire.pair(4, gamma=gamma), over={"mu_bar": (1.0, 1.9)})
    np.testing.assert_allclose(found.mu_bar, math.sqrt(2.25), rtol=1e-13)
    assert found.family.values.tolist() == [2]


def branching(width):
    return jt.Wire.pair(9 if width < 1 else 10, gamma=0.5)


WRONG = {
    "another name": (disordered, {"widht": WINDOW}, r"over: 'widht' is neither .* did you mean 'width'\?"),
    "of a wire": (
        disordered,
        {"width": WINDOW, "gamma": (0.1, 1)},
        r"'gamma' is neither .*known: width, seed",
    ),
    "not searched": (disordered, {"mu_bar": (0, 1)}, r"the function needs 'width', which is not searched"),
    "of the drive": (
        lambda mu_bar: disordered(mu_bar),
        {"mu_bar": (0, 1)},
        r"'mu_bar' is of the drive",
    ),
    "no wire": (lambda width: width, {"width": WINDOW}, r"gives 1\.58.* at width = 1\.58.*expected a Wire"),
    "not allowed": (disordered, {"width": (-1.0, 2.0)}, r"at width = -1 .*onsite.width = -1\.0: .*>= 0"),
    "not whole": (lambda seed: disordered(1.0, seed), {"seed": (0, 9)}, r"onsite.seed .*whole number"),
    "float": (
        lambda x: jt.Wire.pair(9, gamma=float(x)),
        {"x": WINDOW},
        r"cannot be traced by JAX .*jax.numpy",
    ),
    "strengths": (
        lambda x: jt.Wire.pair(9, gamma=0.5, strengths=[1, x]),
        {"x": WINDOW},
        r"\(strengths: traced",
    ),
    "numpy": (lambda x: jt.Wire.pair(9, gamma=np.sqrt(x)), {"x": WINDOW}, r"cannot be traced by JAX"),
    "two lengths": (branching, {"width": WINDOW}, r"9 sites .* width = 0\.1, and 10 sites .*same number"),
    "a window": (disordered, {"width": (1.0, 1.0)}, r"over\['width'\] = \(1\.0, 1\.0\): an empty window"),
    "by place": (lambda x, /: disordered(x), {"x": WINDOW}, r"'x' is neither an argument"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named(what):
    function, over, says = WRONG[what]
    with pytest.raises(InputError, match=says):
        jt.find_zeros(function, over=over, **({} if "mu_bar" in over else {"mu_bar": 0.4}))


def test_a_start_is_needed():
    with pytest.raises(InputError, match="the function has no width to start from; give it a default"):
        jt.nearest_zero(disordered, {"width": WINDOW}, mu_bar=0.4)
    with pytest.raises(InputError, match=r"the wire has 0\.01; expected a window that holds it"):
        jt.nearest_zero(lambda width=0.01: disordered(width), {"width": WINDOW}, mu_bar=0.4)
