"""Every parameter of every public function, given things that it is not: each is refused by its name."""

import inspect
import re
from decimal import Decimal

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
    "reservoirs": {"mapping"},  # chains, as nothing else is said
    "width": set(),  # gamma is given
    "contact_width": set(),  # of a chain
    "probe": {"mapping"},  # of no site
    "occupations": {"mapping"},
}
LATTICE = {"p": set(), "strengths": set()}
SITES = {"sources": EMPTY, "drains": EMPTY, "probes": EMPTY}
FIXED = {"gains": EMPTY, "losses": EMPTY}  # of occupation

# Function -> (a call that is right, what else each of its parameters may be).
CALLS = {
    "Wire.from_layout": ({"layout": LAYOUT, **GAMMA}, COUPLINGS | {"layout": set()}),
    "Wire.dimers": ({"N": 6, **GAMMA}, COUPLINGS | {"N": set()}),
    "Wire.pair": ({"N": 6, **GAMMA}, COUPLINGS | {"N": set()}),
    "Wire.spaced": ({"N": 6, "spacing": 3, **GAMMA}, COUPLINGS | {"N": set(), "spacing": set()}),
    "Wire.probes": (
        {"N": 6, **GAMMA},
        COUPLINGS | {"N": set(), "spacing": set(), "strengths": {"no entries"}},
    ),
    "Wire.custom": ({"N": 6, "sources": [2], **GAMMA}, COUPLINGS | SITES | FIXED | {"N": set()}),
    "Layout": (
        {"N": 6, "sources": (2,), "drains": (5,)},
        SITES | FIXED | {"N": set(), "occupations": {"mapping"}},
    ),
    "Linear": ({}, {}),
    "Series": ({}, {"order": set()}),
    "Exact": ({}, {"temperature": NOT_NEGATIVE, "tolerance": set(), "nodes": set()}),
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
            "extend": {"truth", "truth of NumPy"},
        }
        | {"report": FUNCTIONS, "devices": set(), "scheduler": PATHS},
    ),
    "merge": (
        {"paths": ["no such file.h5", "nor this one.h5"], "output": "out.h5"},
        {"paths": {"list of texts"}, "output": PATHS, "force": {"truth", "truth of NumPy"}},
    ),
    "load": ({"path": "no such file.h5"}, {"path": PATHS, "lazy": {"truth", "truth of NumPy"}}),
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
NOT_CALLED = {"use_double", "State", "Design", "InputError", "PrecisionError", "__version__", "closed_forms"}
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
        "width": 0.5,
        "V": 1.0,
        "L_over_lc": 2.0,
        "shift": 0.1,
        "distance": 2,
        "circuit": "a",
    },
    **{"T1": MATRIX, "T2": MATRIX},
    **{"energy": 0.7, "onsite": 0.1, "hopping": 1.0, "left": 0.5, "right": 0.4, "contact_width": 0.5},
    **{"t1": 1.0, "t2": 0.8, "amplitude": 2.5, "length": 1.5, "levels": 5, "sites": 8, "site": 3},
    "site_onsite": np.full(4, 0.1),
}
FORM_MAY_BE = {
    "mu_bar": ENERGY | ARRAYS,
    "gamma": POSITIVE | ARRAYS,
    "sigma": POSITIVE | ARRAYS,
    "width": POSITIVE | ARRAYS,
    "p": ARRAYS,
    "N": set(),
    "circuit": set(),
    **dict.fromkeys(("left", "right", "hopping", "contact_width", "t1", "t2"), POSITIVE | ARRAYS),
    **dict.fromkeys(("amplitude", "length"), POSITIVE | ARRAYS),
    "site_onsite": ARRAYS,
    **{name: {"three"} for name in ("levels", "sites", "site")},
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


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: jt.Wire.custom(9, source=[2]),
            "source: not an argument of Wire.custom; did you mean 'sources'",
        ),
        (lambda: jt.Wire.pair(9, gama=0.3), "gama: not an argument of Wire.pair; did you mean 'gamma'"),
        (lambda: jt.solve(None, mubar=0.1), "mubar: not an argument of solve; did you mean 'mu_bar'"),
        (lambda: jt.find_zeros(None, ower={}), "ower: not an argument of find_zeros; did you mean 'over'"),
        (lambda: jt.Lattice.pair(9, q=1), "q: not an argument of Lattice.pair; known: N, p, strengths"),
        (lambda: jt.run("a.toml", device=1), "device: not an argument of run; did you mean 'devices'"),
        (lambda: closed_forms.pair.wave_number(mu=1), "mu: not an argument of wave_number; known: mu_bar"),
    ],
)
def test_a_keyword_that_no_function_has(call, says):
    """An InputError, and a TypeError as Python has it."""
    with pytest.raises(jt.InputError, match=f"^{says}"):
        call()
    with pytest.raises(TypeError):
        call()


def test_every_public_function_names_a_keyword_that_it_does_not_have():
    for name in CALLS:
        with pytest.raises(TypeError, match="no_such_name"):
            function_of(name)(no_such_name=1)
