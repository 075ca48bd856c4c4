"""Numbers of every type become doubles first; traced numbers that are not allowed get a status."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import jaxtransport as jt

WIRE = jt.Wire.custom(6, sources=[2], drains=[4], probes=[3], gamma=0.5)
DRIVE = {"mu_bar": 0.7, "delta_mu": 0.1}
OVER = {"mu_bar": (-1.0, 1.0)}


@pytest.mark.parametrize(
    "value",
    [
        *(np.int8(100), np.uint8(200), np.int16(300), np.float16(0.1), np.float32(0.1), np.longdouble(0.1)),
        *(1, Fraction(1, 3), np.array(0.1), np.array(3, np.int8), xarray.DataArray(0.1), jnp.float32(0.1)),
        *(jnp.bfloat16(0.1), jnp.array(0.1), jnp.array(3)),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'dtype', '')}",
)
def test_every_number_becomes_a_double_first(value):
    """The same wire and the same currents as from `float(value)`, to the bit."""
    exact = float(value)
    for make in (
        lambda x: jt.Wire.pair(6, gamma=x, contact=x, onsite=x, hopping=x),
        lambda x: jt.Lattice.pair(6, p=x if x <= 1 else 1 / float(x)),
        lambda x: jt.vary(WIRE, {"onsite[3]": x}),
        lambda x: jt.nonreciprocity(WIRE, mu_bar=0.7, delta_mu=0.1, I_g=x),
        lambda x: jt.solve_circuit(jt.Circuit.pair(6), voltage=x, injection=x),
        lambda x: jt.steady_state(jt.Lattice.pair(6, p=0.5), delta_rho=x, rho_0=x, injection=x),
    ):
        for got, want in zip(jax.tree.leaves(make(value)), jax.tree.leaves(make(exact)), strict=True):
            np.testing.assert_array_equal(got, want)
            assert got.dtype == want.dtype
    assert jt.Exact(temperature=value) == jt.Exact(temperature=exact)


def test_complex_amplitudes_become_double_too():
    wire = jt.Wire.pair(6, gamma=0.5, hopping=np.complex64(0.5 + 0.5j))
    assert wire.hopping.dtype == np.complex128


class WithUnit:
    """As quantities of pint are: arrays to NumPy, which drops the unit."""

    units = "meV"

    def __array__(self, dtype=None, copy=None):
        return np.asarray(0.5)


def test_what_is_measured_in_another_unit_is_refused():
    with pytest.raises(jt.InputError, match="mu_bar"):
        jt.solve(WIRE, mu_bar=WithUnit(), delta_mu=0.1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"onsite": jnp.zeros(5)}, r"wire\.hopping = array of shape \(5,\): expected 4 entries"),
        ({"hopping": jnp.ones(6)}, r"wire\.hopping = array of shape \(6,\): expected 5 entries"),
        ({"coupling": jnp.ones((6, 1))}, r"wire\.coupling"),
        ({"strength": [0.0] * 6}, r"wire\.strength = .*: expected an array of numbers"),
        ({"onsite": jnp.array(0.0)}, r"wire\.onsite"),
        ({"onsite": None}, r"wire\.onsite = None"),
        ({"onsite": jnp.zeros(6, bool)}, r"wire\.onsite"),
        ({"strength": jnp.zeros(6, complex)}, r"wire\.strength"),
        ({"length": jnp.array([6, 6])}, r"wire = a batch of shape \(2,\): expected one; .* jax\.vmap"),
        ({"length": 6}, r"wire\.length = 6"),
    ],
)
def test_arrays_of_a_wire_made_by_hand(change, says):
    fields = {name: getattr(WIRE, name) for name in ("onsite", "hopping", "coupling", "strength", "length")}
    for call in (jt.solve, jt.nonreciprocity, jt.find_zeros, jt.nearest_zero):
        over = {"over": OVER} if call in (jt.find_zeros, jt.nearest_zero) else DRIVE
        with pytest.raises(jt.InputError, match=says):
            call(jt.Wire(**{**fields, **change}), **over)


def test_a_wire_in_single_precision_is_computed_in_double():
    rounded = jax.tree.map(lambda leaf: leaf.astype(np.float32) if leaf.dtype == float else leaf, WIRE)
    wide = jax.tree.map(lambda leaf: leaf.astype(float) if leaf.dtype == np.float32 else leaf, rounded)
    got, want = (jt.nonreciprocity(wire, **DRIVE, injection=0.3) for wire in (rounded, wide))
    assert got == want


@pytest.mark.parametrize("field", ["onsite", "coupling", "strength", "hopping"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_numbers_of_a_wire_made_by_hand_have_a_status(field, bad):
    old = getattr(WIRE, field)
    fields = {name: getattr(WIRE, name) for name in ("onsite", "hopping", "coupling", "strength", "length")}
    state = jt.solve(jt.Wire(**{**fields, field: old.at[1].set(bad)}), **DRIVE, injection=0.3)
    assert state.status == 4
    assert np.isnan(state.left_current)


# Traced numbers


def everything(x):
    """All currents and potentials of a wire; `x` holds every number that may be traced."""
    wire = jt.Wire.pair(6, gamma=x["gamma"], contact=x["contact"], onsite=x["onsite"], hopping=x["hopping"])
    state = jt.solve(wire, mu_bar=x["mu_bar"], delta_mu=x["delta_mu"], I_g=x["I_g"])
    return state.left_current, state.status


PLAIN = {
    "gamma": 0.5,
    "contact": 0.9,
    "onsite": 0.1,
    "hopping": 0.8,
    "mu_bar": 0.7,
    "delta_mu": 0.1,
    "I_g": 0.01,
}
NOT_ALLOWED = {
    "gamma": [0.0, -0.5, np.nan, np.inf, 1e-200, 1e200],
    "contact": [0.0, -0.5, np.nan, np.inf, 1e-200],
    "onsite": [np.nan, np.inf, 1e300],
    "hopping": [0.0, -0.5, np.nan, 1e200],
    "mu_bar": [2.0, -2.5, np.nan, np.inf],
    "delta_mu": [0.0, 1e-310, np.nan, np.inf],
    "I_g": [np.nan, np.inf, 1e308],
}


@pytest.mark.slow
def test_a_traced_number_that_is_not_allowed_has_a_status_and_finite_gradients():
    """NaN and a status for it alone; the rest of the batch, and every gradient, is as without it."""
    cases = [(name, value) for name, values in NOT_ALLOWED.items() for value in values]
    batch = [PLAIN, *({**PLAIN, name: value} for name, value in cases), PLAIN]
    stacked = {name: jnp.array([case[name] for case in batch]) for name in PLAIN}
    (current, status), slopes = jax.jit(
        jax.vmap(lambda x: (everything(x), jax.grad(lambda x: everything(x)[0])(x)))
    )(stacked)
    wrong = [
        case
        for case, code, I in zip(cases, status[1:-1], current[1:-1], strict=True)
        if code == 0 or not np.isnan(I)
    ]
    assert wrong == []
    for name, slope in slopes.items():
        assert np.all(np.isfinite(slope)), (name, slope)
        assert slope[0] == slope[-1] != 0
    alone = everything(PLAIN)
    np.testing.assert_allclose(current[jnp.array([0, -1])], alone[0], rtol=1e-13)
    assert status[0] == status[-1] == 0
    outside = [name == "mu_bar" for name, _ in cases]
    assert np.all((status[1:-1] == 4) | np.array(outside))


@pytest.mark.slow
def test_a_traced_temperature_below_zero_has_status_4():
    def solve(T):
        state = jt.solve(WIRE, **DRIVE, injection=0.3, law=jt.Exact(temperature=T))
        return state.left_current, state.status

    current, status = jax.jit(jax.vmap(solve))(jnp.array([-0.05, np.nan, np.inf]))
    assert status.tolist() == [4, 4, 4]
    assert np.all(np.isnan(current))


@pytest.mark.slow
def test_traced_transmissions_of_a_wrong_wire_are_nan():
    def total(gamma, mu_bar):
        return jt.transmission(jt.Wire.pair(6, gamma=gamma), mu_bar).lead_response().conductance

    found = jax.vmap(total)(jnp.array([0.5, -0.5, 0.5, np.nan]), jnp.array([0.7, 0.7, 2.5, 0.7]))
    np.testing.assert_array_equal(np.isnan(found), [False, True, True, True])


def test_traced_numbers_of_lattice_and_circuit():
    p = jnp.array([0.5, 0.0, -0.1, 1.5, np.nan])
    lattice = jax.vmap(lambda p: jt.steady_state(jt.Lattice.pair(6, p=p), delta_rho=0.1).current)
    np.testing.assert_array_equal(np.isnan(lattice(p)), [False, True, True, True, True])
    circuit = lambda V: jt.solve_circuit(jt.Circuit.pair(6), voltage=V, injection=0.1).current
    values, slopes = jax.vmap(jax.value_and_grad(circuit))(jnp.array([1.0, 0.0, np.nan, np.inf]))
    np.testing.assert_array_equal(np.isnan(values), [False, True, True, True])
    assert np.all(np.isfinite(slopes))


@pytest.mark.parametrize(
    "call",
    [
        lambda: jt.run("no such file.toml"),
        lambda: jt.load("no such file.h5"),
        lambda: jt.export("no such file.h5", "file.nc"),
        lambda: jt.find_zeros(WIRE, OVER),
        lambda: jt.nearest_zero(WIRE, OVER, mu_bar=0.7),
        lambda: jt.design(8, 1, gamma=0.5, mu_bar=0.7),
    ],
    ids=["run", "load", "export", "find_zeros", "nearest_zero", "design"],
)
def test_what_belongs_outside_says_so_inside_jit(call, request):
    def inside(x):
        call()
        return x

    name = request.node.callspec.id
    for transform in (jax.jit, jax.grad):
        with pytest.raises(
            jt.InputError, match=rf"^{name}: called inside jit, vmap or grad of JAX; call it outside"
        ):
            transform(inside)(1.0)
