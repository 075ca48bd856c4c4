"""Patterns along a wire: the same numbers as a list of them, in Python, in sweeps, and over an N axis."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np
import pytest
from support.patterned import SPEC

import jaxtransport as jt
from jaxtransport import patterns
from jaxtransport.models import parse
from jaxtransport.patterns import Number, Pattern, pattern_of

SSH = {"pattern": "alternating", "values": [1.0, 0.5]}


def numbers_of(value, count):
    return pattern_of("x", value).along(np.arange(count), count)


def test_what_values_stand_for():
    assert numbers_of(0.3, 3).tolist() == [0.3] * 3
    assert numbers_of([1.0, 2.0, 3.0], 3).tolist() == [1.0, 2.0, 3.0]
    assert numbers_of(SSH, 5).tolist() == [1.0, 0.5, 1.0, 0.5, 1.0]
    assert numbers_of({"pattern": "alternating", "values": (1, 2, 3)}, 4).tolist() == [1, 2, 3, 1]


@pytest.mark.parametrize("value", [0.3, [1.0, 2.0], SSH])
def test_tables_come_back(value):
    assert pattern_of("x", value).to_table() == value
    assert pattern_of("x", pattern_of("x", value)).to_table() == value


def test_a_wire_with_a_pattern_is_that_of_its_list():
    by_pattern = jt.Wire.pair(
        7, gamma=0.4, hopping=SSH, onsite={"pattern": "alternating", "values": [0, 0.2]}
    )
    by_list = jt.Wire.pair(7, gamma=0.4, hopping=[1.0, 0.5] * 3, onsite=[0, 0.2] * 3 + [0])
    for name in ("onsite", "hopping", "coupling"):
        np.testing.assert_array_equal(getattr(by_pattern, name), getattr(by_list, name))


@pytest.mark.slow
def test_numbers_of_a_pattern_have_gradients():
    """Against central differences of the conductance: rounding 1e-16 over the step, and its square."""

    def conductance(weak):
        hopping = {"pattern": "alternating", "values": [1.0, weak]}
        wire = jt.Wire.pair(8, gamma=0.4, hopping=hopping)
        return jt.solve(wire, mu_bar=0.3, delta_mu=0.1).conductance

    step = 1e-5
    slope = (conductance(0.5 + step) - conductance(0.5 - step)) / (2 * step)
    assert float(jax.grad(conductance)(0.5)) == pytest.approx(float(slope), rel=1e-8)


WRONG = [
    ({"pattern": "alternate", "values": [1.0]}, r"hopping.pattern = 'alternate': .*'alternating'"),
    ({"values": [1.0]}, r"hopping.pattern: missing; known: alternating"),
    ({"pattern": "alternating"}, r"hopping.values: missing"),
    ({"pattern": "alternating", "values": 1.0}, r"hopping.values = 1.0: expected a list"),
    ({"pattern": "alternating", "values": []}, r"hopping.values = \[\]: expected a list"),
    ({"pattern": "alternating", "value": [1.0]}, r"hopping.value: unknown; .*'values'"),
    ({"pattern": "alternating", "values": [1.0, -0.5]}, r"hopping\[2\] = -0.5: expected a number > 0"),
]


@pytest.mark.parametrize(("value", "match"), WRONG)
def test_wrong_patterns_in_python(value, match):
    with pytest.raises(jt.InputError, match=match):
        jt.Wire.pair(6, gamma=0.4, hopping=value)


WRONG_IN_FILES = {
    '{ pattern = "alternate", values = [1.0] }': r"wire.hopping: pattern = 'alternate'.*'alternating'",
    '{ pattern = "alternating" }': r"wire.hopping: values",
    '{ pattern = "alternating", values = [1.0, 0] }': r"wire.hopping: .*entry 2: ",
    '{ pattern = "alternating", values = ["a"] }': r"wire.hopping: .*entry 1: .*'a'",
    '{ pattern = "alternating", values = [1.0], start = 2 }': r"wire.hopping: start",
}


@pytest.mark.parametrize("value", WRONG_IN_FILES)
def test_wrong_patterns_in_a_sweep_file(value):
    text = SPEC.format(wire=f"N = 6\nhopping = {value}", grid="")
    with pytest.raises(jt.InputError, match=WRONG_IN_FILES[value]):
        parse(text)


def test_a_pattern_and_an_axis_of_one_parameter():
    text = SPEC.format(
        wire='N = 6\nhopping = { pattern = "alternating", values = [1.0, 0.5] }', grid="hopping = [1.0]"
    )
    with pytest.raises(jt.InputError, match=r"grid.hopping: wire.hopping is a pattern along the wire"):
        parse(text)


def run(tmp_path, name, wire, grid):
    (tmp_path / f"{name}.toml").write_text(SPEC.format(wire=wire, grid=grid))
    return jt.run(tmp_path / f"{name}.toml", tmp_path / f"{name}.h5")


def against_lists(data, rule, tmp_path):
    """Every length of `data` against a sweep of its own, whose hopping is a list; padding costs roundings."""
    for N in data.N.values:
        listed = [float(t) for t in rule(N)]
        alone = run(tmp_path, f"N{N}", f"N = {N}\nhopping = {listed}", "")
        for name in ("nonreciprocity", "conductance"):
            np.testing.assert_allclose(data[name].sel(N=N), alone[name], rtol=1e-13)


@pytest.mark.slow
def test_a_pattern_over_an_N_axis(tmp_path):
    data = run(
        tmp_path, "ssh", 'hopping = { pattern = "alternating", values = [1.0, 0.5] }', "N = [4, 5, 8, 30]"
    )
    assert data.attrs["patterns"] == "hopping=alternating (1, 0.5)"
    assert "hopping" in data.attrs["lists"].split()
    against_lists(data, lambda N: ([1.0, 0.5] * N)[: N - 1], tmp_path)


@dataclass(frozen=True)
class Ramp(Pattern):
    """A toy whose numbers depend on the length of the wire."""

    name: ClassVar[str] = "ramp"
    numbers: ClassVar = {"first": Number("first", "x"), "last": Number("last", "x")}
    of_length: ClassVar[bool] = True

    first: float
    last: float

    def along(self, index, length, numpy=np):
        return self.first + (self.last - self.first) * index / max(length - 1, 1)


@pytest.mark.slow
def test_a_pattern_that_depends_on_the_length(tmp_path, monkeypatch):
    monkeypatch.setitem(patterns.PATTERNS, "ramp", Ramp)
    data = run(tmp_path, "ramp", 'hopping = { pattern = "ramp", first = 1.0, last = 0.5 }', "N = [4, 5, 9]")
    against_lists(data, lambda N: np.linspace(1.0, 0.5, N - 1), tmp_path)


@pytest.mark.slow
def test_one_number_in_a_pattern_is_a_fixed_parameter(tmp_path):
    data = run(tmp_path, "one", 'N = 6\nhopping = { pattern = "alternating", values = [0.7] }', "")
    assert float(data.hopping) == 0.7


@pytest.mark.slow
def test_zeros_of_a_patterned_wire(tmp_path):
    """A search over a patterned wire finds what it finds over the list."""
    found = []
    for hopping in (
        '{ pattern = "alternating", values = [1.0, 0.8] }',
        "[1.0, 0.8, 1.0, 0.8, 1.0, 0.8, 1.0]",
    ):
        text = SPEC.format(wire=f"N = 8\nhopping = {hopping}", grid="").replace("[grid]", "")
        text = text.replace("mu_bar = 0.3\n", "") + "[search]\nover = { mu_bar = [-1.9, 1.9] }\n"
        from jaxtransport.models import search

        found.append(search(parse(text)).mu_bar.values)
    assert len(found[0])
    np.testing.assert_array_equal(*found)
