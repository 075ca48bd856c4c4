"""Every parameter of every public function, given things that it is not: each is refused by its name."""

import inspect
import re
from decimal import Decimal
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pandas
import pytest
import xarray

import jaxtransport as jt
from jaxtransport import closed_forms

# What is given. Groups say what a parameter may in fact be.
GIVEN = {
    "minus one": -1.0,
    "zero": 0.0,
    "below every double": 1e-310,
    "tiny": 1e-200,
    "three": 3.0,
    "huge": 1e200,
    "near the largest double": 1e308,
    "nan": float("nan"),
    "inf": np.float32("inf"),
    "minus inf": -np.inf,
    "truth": True,
    "truth of NumPy": np.False_,
    "text": "abc",
    "number in a text": "0.5",
    "no text": "",
    "bytes": b"0.5",
    "complex": 0.5 + 0.1j,
    "complex of NumPy": np.complex64(1j),
    "decimal": Decimal("0.5"),
    "whole number beyond all doubles": 10**400,
    "masked": np.ma.masked,
    "partly masked": np.ma.array([0.5, 0.5, 0.5], mask=[False, True, False]),
    "missing": pandas.NA,
    "date": np.datetime64("2026-01-01"),
    "object": object(),
    "class": float,
    "no entries": [],
    "nested": [[0.5, 0.5], [0.5]],
    "list of texts": ["abc", "def"],
    "array": np.full(3, 0.5),
    "array of JAX": jnp.full((2, 3), 0.5),
    "array of xarray": xarray.DataArray([0.5, np.nan, 0.5], dims="x"),
    "array of objects": np.array([0.5, None], object),
    "array of truths": np.array([True, False]),
    "generator": (x for x in ()),
    "mapping": {},
    "function": lambda x: x,
    "nothing": None,
}

TEXTS = {"text", "number in a text", "no text"}
ENERGY = {"minus one", "zero", "below every double", "tiny"}  # in the band
ANY = ENERGY | {"three"}
AMOUNT = {"minus one", "zero", "tiny", "three"}  # I_g / I_o scales results: nothing below 1e-300 but 0
POSITIVE = {"three"}
NOT_NEGATIVE = {"zero", "three"}
EMPTY = {"no entries", "generator"}  # no sites, no texts
ARRAYS = {"array", "array of JAX"}  # of 0.5
PATHS = {"text", "number in a text"}
FUNCTIONS = {"function", "class"}

WIRE = jt.Wire.custom(6, sources=[2], drains=[4], probes=[3], gamma=0.5)
OVER = {"mu_bar": (-1.0, 1.0)}
LAYOUT = jt.Layout(6, (2,), (5,))
GAMMA = {"gamma": 0.5}
DRIVE = {"mu_bar": 0.7, "delta_mu": 0.1}
DRIVES = {
    "mu_bar": ENERGY,
    "delta_mu": {"minus one"},
    "injection": AMOUNT,
    "I_g": AMOUNT,
}
COUPLINGS = {
    "gamma": POSITIVE,
    "contact": POSITIVE,
    "onsite": ANY,
    "hopping": POSITIVE | {"complex", "complex of NumPy"},
    "strengths": set(),
}
LATTICE = {"p": set(), "strengths": set()}
SITES = {"sources": EMPTY, "drains": EMPTY, "probes": EMPTY}

# Function -> (a call that is right, what else each of its parameters may be).
CALLS = {
    "Wire.from_layout": ({"layout": LAYOUT, **GAMMA}, COUPLINGS | {"layout": set()}),
    "Wire.dimers": ({"N": 6, **GAMMA}, COUPLINGS | {"N": set()}),
    "Wire.pair": ({"N": 6, **GAMMA}, COUPLINGS | {"N": set()}),
    "Wire.spaced": ({"N": 6, "spacing": 3, **GAMMA}, COUPLINGS | {"N": set(), "spacing": set()}),
    "Wire.custom": ({"N": 6, "sources": [2], **GAMMA}, COUPLINGS | SITES | {"N": set()}),
    "Layout": ({"N": 6, "sources": (2,), "drains": (5,)}, SITES | {"N": set()}),
    "Linear": ({}, {}),
    "Series": ({}, {"order": set()}),
    "Exact": ({}, {"temperature": NOT_NEGATIVE, "nodes": set()}),
    "solve": ({"wire": WIRE, **DRIVE}, DRIVES | {"wire": set(), "law": set(), "kernel": set()}),
    "nonreciprocity": ({"wire": WIRE, **DRIVE}, DRIVES | {"wire": set(), "law": set(), "kernel": set()}),
    "transmission": ({"wire": WIRE, "mu_bar": 0.7}, {"wire": set(), "mu_bar": ENERGY, "kernel": set()}),
    "find_zeros": (
        {"wire": WIRE, "over": {"gamma": (0.1, 1.0)}, **DRIVE},
        DRIVES | {"wire": set(), "over": set(), "law": set(), "kernel": set(), "delta_mu": POSITIVE},
    ),
    "nearest_zero": (
        {"wire": WIRE, "over": {"gamma": (0.1, 1.0)}, **DRIVE},
        DRIVES
        | {"wire": set(), "over": set(), "law": set(), "kernel": set(), "delta_mu": POSITIVE}
        | {"conductance": POSITIVE, "starts": set(), "seed": set()},
    ),
    "vary": ({"wire": WIRE, "values": {"onsite[3]": 0.1}}, {"wire": set(), "values": {"mapping"}}),
    "design": (
        {"N": 8, "pairs": 1, "gamma": 0.5, "mu_bar": 0.7},
        {
            "N": set(),
            "pairs": set(),
            "mu_bar": ENERGY,
            "injection": POSITIVE,
            "restarts": set(),
            "seed": set(),
            "goal": set(),
            "reservoirs": set(),
        }
        | {name: COUPLINGS[name] for name in ("gamma", "onsite", "hopping")}
        | {"contact": POSITIVE | {"nothing"}},
    ),
    "run": (
        {"spec": "no such file.toml"},
        {
            "spec": PATHS,
            "output": PATHS,
            "overrides": EMPTY | {"list of texts"},
            "force": {"truth", "truth of NumPy"},
        }
        | {"report": FUNCTIONS, "devices": set(), "scheduler": PATHS},
    ),
    "load": ({"path": "no such file.h5"}, {"path": PATHS}),
    "export": (
        {"source": "no such file.h5", "target": "file.nc"},
        {"source": PATHS, "target": PATHS, "variables": EMPTY | {"list of texts"}, "level": set()}
        | {"force": {"truth", "truth of NumPy"}},
    ),
    "Lattice.from_layout": ({"layout": LAYOUT, "p": 0.5}, LATTICE | {"layout": set()}),
    "Lattice.dimers": ({"N": 6, "p": 0.5}, LATTICE | {"N": set()}),
    "Lattice.pair": ({"N": 6, "p": 0.5}, LATTICE | {"N": set()}),
    "Lattice.spaced": ({"N": 6, "spacing": 3, "p": 0.5}, LATTICE | {"N": set(), "spacing": set()}),
    "Lattice.custom": ({"N": 6, "sources": [2], "p": 0.5}, LATTICE | SITES | {"N": set()}),
    "steady_state": (
        {"lattice": jt.Lattice.dimers(6, p=0.5), "delta_rho": 0.1},
        {"lattice": set(), "delta_rho": {"minus one", "three"}, "rho_0": NOT_NEGATIVE, "injection": AMOUNT},
    ),
    "Circuit.from_layout": ({"layout": LAYOUT}, {"layout": set(), "strengths": set()}),
    "Circuit.dimers": ({"N": 6}, {"N": set(), "strengths": set()}),
    "Circuit.pair": ({"N": 6}, {"N": set(), "strengths": set()}),
    "Circuit.spaced": ({"N": 6, "spacing": 3}, {"N": set(), "spacing": set(), "strengths": set()}),
    "Circuit.custom": (
        {"positions": [0.2, 0.3], "strengths": [1, -1]},
        {"positions": set(), "strengths": set()},  # an empty or a longer list does not fit the other one
    ),
    "solve_circuit": (
        {"circuit": jt.Circuit.pair(6)},
        {"circuit": set(), "voltage": {"minus one", "three"}, "injection": AMOUNT},
    ),
}

# Public names that nobody calls: what functions return, what they raise, a module that is walked below.
NOT_CALLED = {"State", "Design", "InputError", "PrecisionError", "__version__", "closed_forms"}
MADE_BY = ("Wire", "Lattice", "Circuit")  # their arrays are checked where they are used, see below


def function_of(name):
    found = jt
    for part in name.split("."):
        found = getattr(found, part)
    return found


def parameters_of(function):
    """Name -> whether it may be left out as None; `**parameters` are those of `from_layout`."""
    out = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            out |= parameters_of(jt.Wire.from_layout)
            del out["layout"]
        else:
            out[name] = parameter.default is None
    return out


def test_every_public_function_is_walked():
    walked = {name.split(".")[0] for name in CALLS}
    assert walked | NOT_CALLED == set(jt.__all__)
    for kind in MADE_BY:
        makers = {f"{kind}.{n}" for n, m in vars(function_of(kind)).items() if isinstance(m, classmethod)}
        assert makers == {name for name in CALLS if name.startswith(f"{kind}.")}
    for name, (right, may_be) in CALLS.items():
        assert set(parameters_of(function_of(name))) == set(may_be), name
        assert set(right) <= set(may_be), name


def refuse(function, right, name, may_be, optional):
    """Give everything but what the parameter may be; returns what was not refused, or not by its name."""
    wrong = []
    for kind, value in GIVEN.items():
        if kind in may_be or (optional and kind == "nothing"):
            continue
        try:
            function(**{**right, name: value})
            wrong.append(f"{kind}: taken")
        except jt.InputError as error:
            if not re.search(rf"\b{re.escape(name)}\b", str(error)) or len(str(error)) > 400:
                wrong.append(f"{kind}: {error}")
        except Exception as error:
            wrong.append(f"{kind}: {type(error).__name__} {error}")
    return wrong


@pytest.mark.parametrize("call", CALLS)
def test_what_a_parameter_is_not_is_refused_by_name(call):
    function, (right, may_be) = function_of(call), CALLS[call]
    wrong = {}
    for name, optional in parameters_of(function).items():
        left = {key: value for key, value in right.items() if {key, name} != {"injection", "I_g"}}
        if found := refuse(function, left, name, may_be[name], optional):
            wrong[name] = found
    assert wrong == {}


# Closed forms: their parameters by name

T = {"21": 0.5, "N-1,1": 0.1, "N1": 0.2, "N-1,2": 0.1}
MATRIX = np.full((4, 4), 0.1)
RIGHT = {
    **{"N": 8, "mu_bar": 0.7, "gamma": 0.5, "delta_mu": 0.1, "I_g": 0.1, "p": 0.5, "rho_0": 0.1, "l": 2},
    **{
        "delta_rho": 0.1,
        "sigma": 1.0,
        "V": 1.0,
        "L_over_lc": 2.0,
        "shift": 0.1,
        "distance": 2,
        "circuit": "a",
    },
    **{"T1": MATRIX, "T2": MATRIX},
}
FORM_MAY_BE = {
    "mu_bar": ENERGY | ARRAYS,
    "gamma": POSITIVE | ARRAYS,
    "sigma": POSITIVE | ARRAYS,
    "p": ARRAYS,
    "N": set(),
    "circuit": set(),
}
FORMS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": function
    for module in (getattr(closed_forms, name) for name in closed_forms.__all__)
    for name, function in vars(module).items()
    if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
}


@pytest.mark.parametrize("form", FORMS)
def test_what_a_closed_form_does_not_take_is_refused_by_name(form):
    function = FORMS[form]
    annotations = {name: str(p.annotation) for name, p in inspect.signature(function).parameters.items()}
    right = {name: RIGHT[name] for name in annotations if name in RIGHT}
    if "T" in annotations:
        right["T"] = T if annotations["T"].startswith("dict") else MATRIX
    if "x" in annotations:
        right["x"] = np.array([0.1, -0.1])
    function(**right)
    wrong = {}
    for name, annotation in annotations.items():
        may_be = FORM_MAY_BE.get(name, ANY | ARRAYS | {"no entries"})
        if annotation == "float":
            may_be = may_be - ARRAYS - {"no entries"}
        elif annotation == "int" or name in ("T", "T1", "T2") or (name == "x" and annotation == "Array"):
            may_be = (
                {"array of JAX"} if name == "x" else {"mapping"} if annotation.startswith("dict") else set()
            )
        elif name in FORM_MAY_BE and name != "circuit":
            may_be = may_be | {"no entries"}
        if found := refuse(function, right, name, may_be, False):
            wrong[name] = found
    assert wrong == {}


# What is taken, and as what


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


def test_a_traced_temperature_below_zero_has_status_4():
    def solve(T):
        state = jt.solve(WIRE, **DRIVE, injection=0.3, law=jt.Exact(temperature=T, nodes=8))
        return state.left_current, state.status

    current, status = jax.jit(jax.vmap(solve))(jnp.array([-0.05, np.nan, np.inf]))
    assert status.tolist() == [4, 4, 4]
    assert np.all(np.isnan(current))


def test_traced_transmissions_of_a_wrong_wire_are_nan():
    def total(gamma, mu_bar):
        return jt.transmission(jt.Wire.pair(6, gamma=gamma), mu_bar).respond()[0]

    found = jax.vmap(total)(jnp.array([0.5, -0.5, 0.5, np.nan]), jnp.array([0.7, 0.7, 2.5, 0.7]))
    np.testing.assert_array_equal(np.isnan(found), [False, True, True, True])


def test_traced_numbers_of_lattice_and_circuit():
    p = jnp.array([0.5, 0.0, -0.1, 1.5, np.nan])
    lattice = jax.vmap(lambda p: jt.steady_state(jt.Lattice.pair(6, p=p), delta_rho=0.1).left_current)
    np.testing.assert_array_equal(np.isnan(lattice(p)), [False, True, True, True, True])
    circuit = lambda V: jt.solve_circuit(jt.Circuit.pair(6), voltage=V, injection=0.1).left_current
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
