"""Sweep files: every mistake is found, named and found at once; what is computed has one fingerprint."""

import codecs
import math
import re
from pathlib import Path

import numpy as np
import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtransport.errors import InputError
from jaxtransport.models import make_task, parse, read
from jaxtransport.variables import PER_POINT

PROPERTY = settings(max_examples=200, deadline=None, derandomize=True, database=None)

SWEEPS = Path(__file__).parents[2] / "sweeps"

BASE = {
    "wire.layout": "dimers",
    "wire.N": 8,
    "wire.gamma": 0.5,
    "drive.mu_bar": 1.0,
    "drive.delta_mu": 0.1,
    "drive.injection": 0.3,
}
CUSTOM = {"wire.layout": "custom", "wire.sources": [2], "wire.drains": [5]}
LOG = {"num": 3, "spacing": "log"}


def toml(changes=None, base=BASE):
    """The TOML of `base` with `changes`: "table.key" -> value, or None to leave the key out."""
    document = {}
    for key, value in {**base, **(changes or {})}.items():
        *tables, name = key.split(".")
        if value is not None:
            here = document
            for table in tables:
                here = here.setdefault(table, {})
            here[name] = value
    # Keys before tables, or they would belong to the last table.
    return tomlkit.dumps(dict(sorted(document.items(), key=lambda item: isinstance(item[1], dict))))


def mistakes(changes=None, overrides=(), base=BASE):
    with pytest.raises(InputError) as caught:
        parse(toml(changes, base), "sweep", overrides)
    return caught.value.mistakes


def keys(lines):
    return {line.split(": ")[0] for line in lines}


# Changes to a good file -> the key that the only mistake names, and what the message says of it.
MISTAKES = {
    "unknown table": ({"wires.N": 4}, "wires", "did you mean 'wire'"),
    "unknown key": ({"wire.gama": 0.5}, "wire.gama", "did you mean 'gamma'"),
    "unknown top-level key": ({"titel": "x"}, "titel", "did you mean 'title'"),
    "unknown drive key": ({"drive.voltage": 0.5}, "drive.voltage", "unknown"),
    "unknown axis": ({"grid.gama": [0.5]}, "grid.gama", "did you mean 'gamma'"),
    "axis that is no number": ({"grid.layout": ["pair"]}, "grid.layout", "cannot be an axis"),
    "title": ({"title": 3}, "title", "expected a string"),
    "model": ({"model": "quantun"}, "model", "quantum"),
    "table that is a number": ({"output": 5}, "output", "expected a table"),
    "grid that is a number": ({"grid": 5}, "grid", "expected a table"),
    "grid that is an array of tables": ({"grid": [{"gamma": [0.5]}]}, "grid", "expected a table"),
    "layout type": ({"wire.layout": 3}, "wire.layout", "dimers, pair, spaced, probes, custom"),
    "layout name": ({"wire.layout": "dimer"}, "wire.layout", "dimers, pair, spaced, probes, custom"),
    "layout missing": ({"wire.layout": None}, "wire.layout", "missing"),
    "N type": ({"wire.N": "8"}, "wire.N", "whole number"),
    "N fraction": ({"wire.N": 8.0}, "wire.N", "whole number"),
    "N boolean": ({"wire.N": True}, "wire.N", "whole number"),
    "N missing": ({"wire.N": None}, "wire.N", "missing"),
    "N small": ({"wire.N": 2}, "wire.N", "N >= 4"),
    "N one": ({"wire.N": 1}, "wire.N", "from 2 to"),
    "N beyond any number": ({"wire.N": 10**400}, "wire.N", "expected"),
    "odd N for dimers": ({"wire.N": 7}, "wire.N", "even N"),
    "odd N on an axis": ({"grid.N": [4, 7, 9]}, "grid.N", "even N"),
    "N small for pair": ({"wire.layout": "pair", "wire.N": 3}, "wire.N", "N >= 4"),
    "N twice": ({"grid.N": [4, 6, 4]}, "grid.N", "duplicate value 4"),
    "N fraction on an axis": ({"grid.N": [4, 6.5]}, "grid.N", "entry 2"),
    "N fractions from num": ({"grid.N": {"start": 4, "stop": 10, "num": 5}}, "grid.N", "not whole"),
    "gamma type": ({"wire.gamma": "0.5"}, "wire.gamma", "expected a finite number"),
    "gamma NaN": ({"wire.gamma": math.nan}, "wire.gamma", "finite number"),
    "gamma zero": ({"wire.gamma": 0}, "wire.gamma", "> 0"),
    "gamma negative": ({"wire.gamma": -0.5}, "wire.gamma", "> 0"),
    "gamma missing": ({"wire.gamma": None}, "wire.gamma", "missing"),
    "gamma beyond any number": ({"wire.gamma": 10**400}, "wire.gamma", "expected a finite number"),
    "gamma axis zero": ({"grid.gamma": [0.5, 0.0]}, "grid.gamma", "entry 2"),
    "gamma axis NaN": ({"grid.gamma": [math.nan]}, "grid.gamma", "expected a number > 0"),
    "gamma list length": ({"wire.gamma": [1.0] * 7}, "wire.gamma", "N = 8"),
    "gamma list negative": ({"wire.gamma": [1.0, 1, 1, -1, 1, 1, 1, 1]}, "wire.gamma", "site 4"),
    "gamma list zero at a lead": ({"wire.gamma": [0.0, *[1.0] * 7]}, "wire.gamma", "site 1"),
    "gamma list on a bare site": (
        {"wire.layout": "pair", "wire.gamma": [1.0, 0.5, 0.2, 0, 0, 0, 0.5, 1.0]},
        "wire.gamma",
        "site 3",
    ),
    "gamma list against contact": (
        {"wire.gamma": [0.5] * 8, "wire.contact": [0.5, 0.6]},
        "wire.gamma",
        "site 8",
    ),
    "gamma list and axis": ({"wire.gamma": [0.5] * 8, "grid.gamma": [0.5]}, "grid.gamma", "keep one"),
    "contact zero": ({"wire.contact": 0.0}, "wire.contact", "> 0"),
    "contact negative": ({"wire.contact": [1.0, -1.0]}, "wire.contact", "entry 2"),
    "contact three": ({"wire.contact": [1.0, 1.0, 1.0]}, "wire.contact", "left and right"),
    "contact axis": ({"grid.contact": [1.0, -1.0]}, "grid.contact", "entry 2"),
    "hopping zero": ({"wire.hopping": 0}, "wire.hopping", "> 0"),
    "hopping negative": ({"wire.hopping": [1.0, 1, 1, -1, 1, 1, 1]}, "wire.hopping", "entry 4"),
    "hopping length": ({"wire.hopping": [1.0] * 8}, "wire.hopping", "N - 1 = 7"),
    "hopping list and axis": ({"wire.hopping": [1.0] * 7, "grid.hopping": [1.0]}, "grid.hopping", "keep one"),
    "onsite type": ({"wire.onsite": "0"}, "wire.onsite", "expected a finite number"),
    "onsite inf": ({"wire.onsite": [0.0] * 7 + [math.inf]}, "wire.onsite", "entry 8"),
    "onsite length": ({"wire.onsite": [0.0] * 9}, "wire.onsite", "N = 8"),
    "onsite list and N axis": ({"wire.onsite": [0.0] * 8, "grid.N": [4, 8]}, "wire.onsite", "N axis"),
    "hopping list and N axis": ({"wire.hopping": [1.0] * 7, "grid.N": [4, 8]}, "wire.hopping", "N axis"),
    "gamma list and N axis": ({"wire.gamma": [1.0] * 8, "grid.N": [4, 8]}, "wire.gamma", "N axis"),
    "strengths and N axis": ({"wire.strengths": [1.0] * 6, "grid.N": [4, 8]}, "wire.strengths", "N axis"),
    "strengths length": (
        {"wire.strengths": [1.0] * 8},
        "wire.strengths",
        "one number for each of 6 .* got 8",
    ),
    "strengths negative": ({"wire.strengths": [1.0, -1, 1, 1, 1, 1]}, "wire.strengths", "entry 2"),
    "spacing missing": ({"wire.layout": "spaced"}, "wire.spacing", "missing"),
    "spacing zero": ({"wire.layout": "spaced", "wire.spacing": 0}, "wire.spacing", ">= 1"),
    "odd count for spaced": ({"wire.layout": "spaced", "wire.spacing": 2}, "wire.spacing", "3 reservoirs"),
    "spacing elsewhere": ({"wire.spacing": 2}, "wire.spacing", 'layout = "spaced"'),
    "sources elsewhere": ({"wire.sources": [2]}, "wire.sources", 'layout = "custom"'),
    "overlapping sites": ({**CUSTOM, "wire.drains": [2]}, "wire.drains", "site 2 is already"),
    "a site twice": ({**CUSTOM, "wire.sources": [3, 3]}, "wire.sources", "site 3 is already"),
    "probe on a source": ({**CUSTOM, "wire.probes": [2]}, "wire.probes", "site 2 is already"),
    "site beyond the wire": ({**CUSTOM, "wire.sources": [9]}, "wire.sources", "site 9"),
    "site of a lead": ({**CUSTOM, "wire.drains": [8]}, "wire.drains", "site 8"),
    "site zero": ({**CUSTOM, "wire.drains": [0]}, "wire.drains", ">= 1"),
    "site that is no number": ({**CUSTOM, "wire.drains": [2.5]}, "wire.drains", "entry 1"),
    "sites beyond the shortest wire": ({**CUSTOM, "grid.N": [8, 4]}, "wire.drains", "site 5"),
    "mu_bar type": ({"drive.mu_bar": "1"}, "drive.mu_bar", "expected a finite number"),
    "mu_bar NaN": ({"drive.mu_bar": math.nan}, "drive.mu_bar", "finite number"),
    "mu_bar missing": ({"drive.mu_bar": None}, "drive.mu_bar", "missing"),
    "mu_bar at the band edge": ({"drive.mu_bar": 2}, "drive.mu_bar", "outside the band"),
    "mu_bar below the band": ({"drive.mu_bar": -2.5}, "drive.mu_bar", "outside the band"),
    "lead outside the band": ({"drive.mu_bar": 1.95}, "drive.mu_bar", "a lead is outside the band"),
    "lead below the band": ({"drive.mu_bar": -1.96}, "drive.mu_bar", "a lead is outside the band"),
    "mu_bar axis": ({"grid.mu_bar": [0.0, 1.0, 3.0]}, "grid.mu_bar", "outside the band.* got 3"),
    "mu_bar axis and window": (
        {"grid.mu_bar": [0.0, -1.96, 1.5]},
        "grid.mu_bar",
        "outside the band.* got -1.96",
    ),
    "delta_mu axis and window": ({"grid.delta_mu": [0.1, 2.5]}, "drive.mu_bar", "delta_mu = 2.5"),
    "delta_mu zero": ({"drive.delta_mu": 0.0}, "drive.delta_mu", "> 0"),
    "delta_mu negative": ({"drive.delta_mu": -0.1}, "drive.delta_mu", "> 0"),
    "delta_mu missing": ({"drive.delta_mu": None}, "drive.delta_mu", "missing"),
    "injection NaN": ({"drive.injection": math.nan}, "drive.injection", "finite number"),
    "injection missing": ({"drive.injection": None}, "drive.injection", "missing"),
    "injection with I_g": ({"drive.I_g": 0.1}, "drive.I_g", "keep one"),
    "injection with an I_g axis": ({"grid.I_g": [0.1, 0.2]}, "grid.I_g", "keep one"),
    "injection axis with I_g": (
        {"drive.injection": None, "drive.I_g": 0.1, "grid.injection": [0.1]},
        "drive.I_g",
        "keep one",
    ),
    "law": ({"solve.law": "quadratic"}, "solve.law", "linear"),
    "kernel": ({"solve.kernel": "fast"}, "solve.kernel", "auto, chain, dense"),
    "temperature with law linear": ({"solve.temperature": 0.1}, "solve.temperature", "exact"),
    "temperature axis with law linear": ({"grid.temperature": [0.0, 0.1]}, "grid.temperature", "exact"),
    "order with law linear": ({"solve.order": 3}, "solve.order", "series"),
    "empty axis": ({"grid.gamma": []}, "grid.gamma", "empty axis"),
    "axis that is a number": ({"grid.gamma": 0.5}, "grid.gamma", "expected a list"),
    "range without a direction": (
        {"grid.gamma": {"start": 0.5, "stop": 0.1, "step": 0.1}},
        "grid.gamma",
        "empty axis",
    ),
    "log range from zero": ({"grid.gamma": {"start": 0.0, "stop": 1.0, **LOG}}, "grid.gamma", "logarithmic"),
    "log range to below": ({"grid.onsite": {"start": 1, "stop": -1, **LOG}}, "grid.onsite", "logarithmic"),
    "variables type": ({"output.variables": "conductance"}, "output.variables", "expected a list"),
    "variables empty": ({"output.variables": []}, "output.variables", "empty"),
    "variable unknown": ({"output.variables": ["current"]}, "output.variables", "unknown variable 'current'"),
    "variable twice": (
        {"output.variables": ["conductance"] * 2},
        "output.variables",
        "duplicate variable 'conductance'",
    ),
    "output unknown": ({"output.variable": ["conductance"]}, "output.variable", "did you mean"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_by_its_key_and_alone(name):
    changes, key, says = MISTAKES[name]
    found = mistakes(changes)
    assert keys(found) == {key}, found
    assert any(re.search(says, line) for line in found), found


def test_base_is_good():
    spec = parse(toml())
    assert spec.axes == ()
    assert spec.variables == PER_POINT
    assert spec.name == "sweep"
    assert str(spec.default_output) == "results/sweep.h5"


def test_all_mistakes_come_at_once():
    found = mistakes(
        {
            "title": 5,
            "wire.layout": "spaced",
            "wire.spacing": 2,
            "wire.gamma": -0.5,
            "wire.contact": 0,
            "wire.hopping": [1.0, 2.0],
            "wire.gama": 1.0,
            "drive.mu_bar": 1.99,
            "drive.I_g": 1.0,
            "solve.temperature": 0.5,
            "solve.law": "cubic",
            "grid.onsite": [],
            "grid.layout": [1],
            "output.variables": ["conductance", "G"],
            "units.energy": "eV",
        },
        overrides=["wire.N", "foo.bar=1"],
    )
    assert keys(found) == {
        "--set wire.N", "title", "units", "foo", "wire.gama", "wire.contact", "wire.hopping", "wire.gamma",
        "wire.spacing", "drive.mu_bar", "drive.I_g", "solve.law", "solve.temperature", "grid.onsite",
        "grid.layout", "output.variables",
    }  # fmt: skip


def test_the_error_shows_a_line_for_each_mistake():
    with pytest.raises(InputError) as caught:
        parse(toml({"wire.gamma": 0, "drive.mu_bar": 3.0}))
    assert str(caught.value).splitlines() == list(caught.value.mistakes)
    assert len(caught.value.mistakes) == 2


@pytest.mark.parametrize("text", ["[wire", "N = ", "[wire]\nN = 4\nN = 5\n", "a = 'x", "[wire]\n[wire]\n"])
def test_bad_toml_is_one_mistake(text, tmp_path):
    with pytest.raises(InputError, match="not valid TOML"):
        parse(text)
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(InputError, match="bad is not valid TOML"):
        read(path)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nothing.toml")
    with pytest.raises(InputError, match="is a folder or a device"):
        read(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "binary.toml")


def test_an_empty_file_misses_everything():
    with pytest.raises(InputError) as caught:
        parse("")
    assert keys(caught.value.mistakes) == {
        "wire.layout", "wire.N", "wire.gamma", "drive.mu_bar", "drive.delta_mu", "drive.injection",
    }  # fmt: skip


@pytest.mark.parametrize("path", sorted(SWEEPS.glob("*.toml")), ids=lambda path: path.name)
def test_shipped_sweeps_are_good(path):
    spec = read(path)
    assert spec.name == path.stem
    assert spec.title


@pytest.mark.parametrize(
    "changes",
    [
        {"wire.layout": "pair", "wire.N": 5},
        {"wire.layout": "spaced", "wire.spacing": 3},
        {**CUSTOM, "wire.probes": [3, 4], "wire.strengths": [1.0, 2.0]},
        {"wire.layout": "custom", "wire.gamma": None, "drive.injection": None},  # leads alone
        {"wire.layout": "custom", "wire.probes": [4], "drive.injection": None},  # nothing is driven
        {"wire.gamma": [0.5] * 8, "wire.contact": 0.5},
        {"wire.layout": "pair", "wire.gamma": [1.0, 0.5, 0, 0, 0, 0, 0.5, 1.0]},
        {"wire.gamma": -1.0, "grid.gamma": [0.5]},  # overridden by the axis
        {"wire.N": 7, "grid.N": [4, 6]},
        {"drive.mu_bar": 3.0, "grid.mu_bar": [0.5, 1.0]},
        {"drive.mu_bar": 1.949},
        {"drive.injection": None, "drive.I_g": -0.1},
        {"wire.onsite": [0.1] * 8, "wire.hopping": [1.0] * 7, "wire.contact": [0.9, 1.1]},
    ],
)
def test_good_files_are_not_refused(changes):
    parse(toml(changes))


# Any TOML value on any key: a spec, or mistakes, but never a crash. Kept small enough to build.
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-40, 40)
    | st.floats(width=32)
    | st.text(max_size=4)
    | st.sampled_from(["dimers", "pair", "spaced", "custom", "linear", "log", "dense", "conductance"])
    | st.dates()
)
RANGES = st.dictionaries(st.sampled_from(["start", "stop", "step", "num", "spacing"]), SCALARS, max_size=4)
ANYTHING = st.recursive(SCALARS | RANGES, lambda inner: st.lists(inner, max_size=4), max_leaves=8)
KNOWN = [f"wire.{k}" for k in ("layout", "N", "gamma", "contact", "spacing", "sources", "drains", "probes",
                               "strengths", "onsite", "hopping")]  # fmt: skip
KNOWN += [f"drive.{k}" for k in ("mu_bar", "delta_mu", "injection", "I_g")]
KNOWN += [f"solve.{k}" for k in ("law", "kernel", "order", "temperature")]
KNOWN += [f"grid.{k}" for k in ("N", "gamma", "mu_bar", "delta_mu", "I_g", "onsite", "temperature")]
KNOWN += ["output.variables", "title", "model", "wire.other", "other"]


@pytest.mark.slow
@PROPERTY
@given(st.dictionaries(st.sampled_from(KNOWN), ANYTHING, max_size=5))
def test_whatever_is_typed_is_read_or_refused(changes):
    text = toml({key: _without_none(value) for key, value in changes.items()})
    try:
        spec = parse(text)
    except InputError:
        return
    assert parse(spec.text).fingerprint == spec.fingerprint


def _without_none(value):
    """TOML has no null."""
    if isinstance(value, list):
        return [_without_none(entry) for entry in value if entry is not None]
    if isinstance(value, dict):
        return {key: entry for key, entry in value.items() if entry is not None}
    return value


def one(override, changes=None):
    return parse(toml(changes), "sweep", [override])


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("wire.gamma=0.4", "wire.gamma", 0.4),
        (" wire.gamma = 0.4 ", "wire.gamma", 0.4),
        ("wire.N=6", "wire.N", 6),
        ("wire.contact=[0.5, 0.6]", "wire.contact", [0.5, 0.6]),
        ("wire.layout=pair", "wire.layout", "pair"),
        ('wire.layout="pair"', "wire.layout", "pair"),
        ("solve.kernel=dense", "solve.kernel", "dense"),
        ("drive.mu_bar=-1e-1", "drive.mu_bar", -0.1),
        ("grid.gamma=[0.1, 0.2]", "grid.gamma", [0.1, 0.2]),
        ("grid.N={start = 4, stop = 8, step = 2}", "grid.N", [4, 6, 8]),
    ],
)
def test_overrides_are_read_as_toml_or_as_bare_words(override, key, value):
    spec = one(override)
    assert spec.canonical()[key] == value
    assert parse(spec.text).fingerprint == spec.fingerprint


@pytest.mark.parametrize("override", ["title=Hello", "title=two words", 'title="in quotes"'])
def test_the_title_can_be_overridden(override):
    spec = one(override)
    assert spec.title == override.removeprefix("title=").strip('"')
    assert parse(spec.text).title == spec.title


def test_an_override_of_a_swept_key_replaces_the_axis():
    spec = one("wire.gamma=0.4", {"grid.gamma": [0.1, 0.2], "grid.mu_bar": [0.0, 1.0]})
    assert [axis.name for axis in spec.axes] == ["mu_bar"]
    assert spec.canonical()["wire.gamma"] == 0.4
    assert parse(spec.text).fingerprint == spec.fingerprint
    assert one("wire.gamma=0.4", {"grid.gamma": [0.1, 0.2]}).axes == ()


def test_an_override_of_an_axis_keeps_its_place():
    spec = one("grid.N=[6]", {"grid.N": [4, 8], "grid.gamma": [0.1, 0.2]})
    assert [axis.name for axis in spec.axes] == ["N", "gamma"]
    assert spec.axis("N").values.tolist() == [6]


def test_later_overrides_win():
    spec = parse(toml(), "sweep", ["wire.gamma=0.4", "wire.gamma=0.3"])
    assert spec.canonical()["wire.gamma"] == 0.3


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("wire.gama=0.4", "wire.gama"),
        ("wires.gamma=0.4", "wires"),
        ("grid.layout=[1]", "grid.layout"),
        ("wire.gamma", "--set wire.gamma"),
        ("=0.4", "--set =0.4"),
        ("wire.=0.4", "--set wire.=0.4"),
        ("wire.a.b=0.4", "wire.a"),
        ("wire.contact=", "--set wire.contact="),
        ("wire.gamma=nan", "wire.gamma"),
        ("wire.gamma=0.4 0.5", "wire.gamma"),
        ("wire.N=seven", "wire.N"),
        ("drive.gamma=0.5", "drive.gamma"),
    ],
)
def test_wrong_overrides_are_named(override, key):
    assert keys(mistakes(overrides=[override])) == {key}
    assert keys(mistakes({"grid.gamma": [0.2, 0.3]}, [override])) == {key}


SWEPT = {
    "title": "a title",
    "grid.gamma": [0.2, 0.4],
    "grid.mu_bar": {"start": 0.0, "stop": 1.0, "step": 0.5},
    "output.variables": ["conductance"],
}
SAME = {
    "another title": {"title": "another"},
    "no title": {"title": None},
    "another output": {"output.variables": ["nonreciprocity", "potential_forward"]},
    "no output table": {"output.variables": None},
    "model spelt out": {"model": "quantum"},
    "law spelt out": {"solve.law": "linear"},
    "kernel spelt out": {"solve.kernel": "auto"},
    "onsite spelt out": {"wire.onsite": 0},
    "hopping spelt out": {"wire.hopping": 1.0},
    "contact spelt out": {"wire.contact": 1.0},
    "contacts spelt out": {"wire.contact": [1, 1.0]},
    "whole numbers for numbers": {"drive.mu_bar": 1},
    "the same axis as num": {"grid.mu_bar": {"start": 0, "stop": 1, "num": 3}},
    "the same axis as a list": {"grid.mu_bar": [0, 0.5, 1]},
    "what an axis overrides": {"wire.gamma": 0.7},
}
OTHER = {
    "layout": {"wire.layout": "pair"},
    "N": {"wire.N": 10},
    "contact": {"wire.contact": 0.9},
    "one contact": {"wire.contact": [1.0, 0.9]},
    "onsite": {"wire.onsite": 1e-12},
    "hopping": {"wire.hopping": 1.1},
    "strengths": {"wire.strengths": [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]},
    "delta_mu": {"drive.delta_mu": 0.2},
    "injection": {"drive.injection": 0.2},
    "I_g": {"drive.injection": None, "drive.I_g": 0.3},
    "kernel": {"solve.kernel": "dense"},
    "a value of an axis": {"grid.gamma": [0.2, 0.5]},
    "order along an axis": {"grid.gamma": [0.4, 0.2]},
    "one more value": {"grid.gamma": [0.2, 0.4, 0.6]},
    "one more axis": {"grid.delta_mu": [0.1]},
    "one axis fewer": {"grid.gamma": None},
}


@pytest.mark.parametrize("name", SAME)
def test_fingerprint_is_blind_to_what_is_not_computed(name):
    spec = parse(toml(SWEPT))
    assert parse(toml({**SWEPT, **SAME[name]})).fingerprint == spec.fingerprint


@pytest.mark.parametrize("name", OTHER)
def test_fingerprint_sees_everything_computed(name):
    spec = parse(toml(SWEPT))
    other = parse(toml({**SWEPT, **OTHER[name]}))
    assert other.fingerprint != spec.fingerprint
    assert other.canonical() != spec.canonical()


def test_fingerprint_sees_the_order_of_the_axes_and_not_of_the_keys():
    lines = toml().splitlines()
    assert lines[0] == "[wire]"
    shuffled = "\n".join(["[wire]", *reversed(lines[1:4]), *lines[4:]])
    assert parse(shuffled).fingerprint == parse(toml()).fingerprint
    one = parse(toml({"grid.N": [4, 6], "grid.gamma": [0.1]}))
    other = parse(toml({"grid.gamma": [0.1], "grid.N": [4, 6]}))
    assert one.fingerprint != other.fingerprint


def test_fingerprint_is_blind_to_comments_and_names():
    spec = parse(toml(SWEPT))
    commented = "# on top\n" + toml(SWEPT).replace("[wire]", "[wire]  # a wire\n# more\n")
    assert parse(commented, "another").fingerprint == spec.fingerprint


def test_stored_text_keeps_comments_and_overrides():
    text = "# why\n" + toml(SWEPT)
    spec = parse(text, "sweep", ["wire.contact=0.8", "grid.gamma=[0.3]", "drive.mu_bar=0.5"])
    assert spec.text.startswith("# why\n")
    again = parse(spec.text)
    assert again.fingerprint == spec.fingerprint
    assert (again.title, again.variables) == (spec.title, spec.variables)
    assert [axis.name for axis in again.axes] == ["gamma"]


def test_axes_carry_units_and_names():
    spec = parse(toml(SWEPT))
    gamma = spec.axis("gamma")
    assert (gamma.unit, gamma.long_name) == ("gamma_o", "coupling of sources and drains")
    np.testing.assert_array_equal(gamma.values, [0.2, 0.4])
    assert spec.axis("N") is None


# As editors save it, and as people write it


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_marks_of_an_encoding_are_understood(encoding, newline, tmp_path):
    text = 'title = "μ̄"\n' + toml()
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    path = tmp_path / "marked.toml"
    path.write_bytes(mark + text.replace("\n", newline).encode(encoding))
    assert read(path).title == "μ̄"
    assert read(path).fingerprint == parse(text).fingerprint


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"output.title": "late"},
            "output.title: unknown; it belongs at the top of the file, above the first",
        ),
        ({"grid.model": ["quantum"]}, "grid.model: cannot be an axis; it belongs at the top of the file"),
        ({"drive.gamma": 0.5}, "drive.gamma: unknown; it belongs in [wire]"),
        ({"wire.delta_m": 0.5}, "wire.delta_m: unknown; did you mean drive.delta_mu?"),
        ({"wire.gama": 0.5}, "wire.gama: unknown; did you mean 'gamma'?"),
        ({"mu_bar": 0.5}, "mu_bar: unknown; it belongs in [drive]"),
        (
            {"output.variables": ["residal"]},
            "output.variables: unknown variable 'residal'; did you mean 'residual'?",
        ),
        (
            {"wire.N": 7},
            "wire.N: expected an even N >= 4, as dimers fill the N - 2 middle sites with pairs, got 7",
        ),
        (
            {"grid.N": [4, 7, 9, 11]},
            "grid.N: expected an even N >= 4, as dimers fill the N - 2 middle sites with pairs, got 7; "
            "the same at 2 other values of N",
        ),
        ({"wire.strengths": [1, -1, 1, 1, 1, 1]}, "wire.strengths: entry 2: expected a number > 0, got -1"),
        ({"wire.contact": [1.0, 2.0], "grid.contact": [1.0]}, "grid.contact: wire.contact lists both leads"),
        ({"wire.onsite": {}}, "wire.onsite: pattern: missing; known: alternating"),
        ({"wire.onsite": {"pattern": ["alternating"]}}, "wire.onsite: pattern = ['alternating']: expected"),
        ({"wire.onsite": {"pattern": "alternating", "valuess": 1}}, "wire.onsite: valuess: unknown; did you"),
        (
            {"search.over": {"gamma": [1, 0.1], "mu_bar": [1, 0]}, "drive.mu_bar": None, "wire.gamma": None},
            "search.over: gamma: expected [low, high] with low < high, got [1, 0.1]; mu_bar: expected",
        ),
        (
            {"wire.hopping": -1.0},
            "wire.hopping: expected a number > 0 (only |t| of a hopping matters), got -1.0",
        ),
    ],
)
def test_where_a_key_belongs_is_said(changes, says):
    assert any(line.startswith(says) for line in mistakes(changes))


def test_every_length_has_its_own_mistakes():
    """Site 7 is taken at all of them, site 30 outside at two."""
    wire = {"wire.layout": "custom", "wire.sources": [3, 7], "wire.drains": [7, 30], "wire.N": None}
    lines = mistakes({**wire, "grid.N": [40, 10, 20]})
    assert len(lines) == 2
    assert "site 7 is already" in lines[0]
    assert lines[0].endswith("; the same at 2 other values of N")
    assert "site 30 is not in the middle" in lines[1]
    assert lines[1].endswith("; the same at 1 other value of N")


def test_a_site_given_three_times_is_one_mistake_at_one_length():
    wire = {"wire.layout": "custom", "wire.sources": [3, 3, 3]}
    (line,) = mistakes(wire)
    assert line == "wire.sources: site 3 is already one of the sources; a site holds one reservoir"


@pytest.mark.parametrize("key", ["title", "model", "wire", "grid", "wire.N", "wire.layout", "wire.onsite"])
def test_a_number_of_thousands_of_digits_is_one_mistake(key):
    huge = "0x" + "f" * 5000
    text = toml({key: None} if "." in key else {k: None for k in BASE if k.startswith(f"{key}.")})
    table, _, name = key.rpartition(".")
    text = text.replace(f"[{table}]", f"[{table}]\n{name} = {huge}") if table else f"{key} = {huge}\n{text}"
    with pytest.raises(InputError, match=rf"{key}: .*got thousands of digits"):
        parse(text)


def test_minus_zero_is_zero():
    assert parse(toml({"drive.mu_bar": -0.0})).fingerprint == parse(toml({"drive.mu_bar": 0.0})).fingerprint


def test_a_key_is_removed_by_nothing_behind_the_equals_sign():
    text = toml()
    more = text.replace("[wire]", "[wire]\ncontact = 0.7", 1)
    assert parse(more, overrides=["wire.contact="]).fingerprint == parse(text).fingerprint
    titled = parse('title = "a"\n' + text, overrides=["title="])
    assert titled.title == ""
    gridded = text + "\n[grid]\nonsite = [0.0, 0.1]\n"
    assert parse(gridded, overrides=["grid="]).fingerprint == parse(text).fingerprint


@pytest.mark.parametrize("key", ["wire.gamma", "wire.contact", "wire.hopping", "drive.delta_mu"])
@pytest.mark.parametrize("value", ["1e76", "1e-76", "1e300", "100000000000000000" * 5])
def test_numbers_whose_products_are_none(key, value):
    """As in Python: sizes from 1e-75 to 1e75, whole numbers too."""
    with pytest.raises(InputError, match=r"to 1e\+75 \(products must fit"):
        parse(text_with(key, value))


def text_with(key, value):
    table, name = key.split(".")
    given = {"wire": {"gamma": "0.5"}, "drive": {"mu_bar": "1.0", "delta_mu": "0.1", "injection": "0.3"}}
    given[table][name] = value
    lines = ['wire.layout = "pair"', "wire.N = 6"]
    lines += [f"{t}.{n} = {v}" for t, keys in given.items() for n, v in keys.items()]
    return "\n".join(lines)


@pytest.mark.slow
def test_a_long_axis_of_lengths_is_read_in_no_time():
    """Each length costs the same, however long; what takes too much memory is refused before it is built."""
    text = text_with("wire.gamma", "0.5").replace("wire.N = 6", "")
    spec = parse(text + "\ngrid.N = { start = 4, stop = 100000, step = 2 }")
    assert len(spec.axis("N").values) == 49_999
    with pytest.raises(InputError, match="GB for their layouts alone"):
        make_task(spec)
