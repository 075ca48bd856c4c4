"""Readers of single values and of axes: what they take, and what they say of the rest."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtransport.arguments import POSITIVE, PROBABILITY, REAL
from jaxtransport.spec.values import axis, choice, either, list_of, number, text, whole

real, positive = number(REAL), number(POSITIVE)
PROPERTY = settings(max_examples=100, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (real, 3, 3.0),
        (real, -0.5, -0.5),
        (positive, 1e-75, 1e-75),
        (whole(2), 2, 2),
        (choice("a", "b"), "b", "b"),
        (text, "", ""),
        (list_of(real), [1, 2.5], [1.0, 2.5]),
        (list_of(real), [], []),
        (either(real), 1, 1.0),
        (either(real), [1, 2], [1.0, 2.0]),
    ],
)
def test_good_values_are_taken(reader, value, expected):
    got = reader(value)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("reader", "value", "says"),
    [
        (real, "1", "expected a finite number"),
        (real, True, "expected a finite number"),
        (real, None, "expected a finite number"),
        (real, [1.0], "expected a finite number"),
        (real, math.nan, "expected a finite number"),
        (real, -math.inf, "expected a finite number"),
        pytest.param(real, 10**400, "expected a finite number", id="real-huge"),
        (positive, 0, "expected a number > 0"),
        (positive, -0.1, "expected a number > 0"),
        (positive, math.inf, "expected a number > 0"),
        (number(PROBABILITY), 1.5, "0 < p <= 1"),
        (whole(2), 1, "expected a whole number >= 2"),
        (whole(2), 4.0, "expected a whole number"),
        (whole(2), True, "expected a whole number"),
        (choice("a", "b"), "c", "expected one of a, b"),
        (choice("a", "b"), ["a"], "expected one of a, b"),
        (text, 3, "string in quotes"),
        (list_of(real), 1.0, "expected a list of numbers"),
        (list_of(whole(1), "sites"), "2", "expected a list of sites"),
        (list_of(real), [0.0, math.nan], "entry 2: "),
        (either(positive), [1.0, 0.0], "entry 2: "),
    ],
)
def test_wrong_values_are_refused_with_a_remedy(reader, value, says):
    with pytest.raises(ValueError, match=says):
        reader(value)


def test_long_values_are_shown_in_short():
    with pytest.raises(ValueError, match="expected a finite number") as caught:
        real("x" * 1000)
    assert len(str(caught.value)) < 120


numbers, integers = axis(real), axis(whole(2), integer=True)


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        (numbers, [0.5, -1, 3], [0.5, -1.0, 3.0]),
        (numbers, {"start": 0.0, "stop": 1.0, "step": 0.25}, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (numbers, {"start": 0.0, "stop": 1.0, "step": 0.4}, [0.0, 0.4, 0.8]),
        (numbers, {"start": 0.2, "stop": 0.2, "step": 0.1}, [0.2]),
        (numbers, {"start": 1, "stop": 0, "step": -0.5}, [1.0, 0.5, 0.0]),
        (numbers, {"start": -1, "stop": 1, "num": 5}, [-1.0, -0.5, 0.0, 0.5, 1.0]),
        (numbers, {"start": -1, "stop": 1, "num": 3, "spacing": "linear"}, [-1.0, 0.0, 1.0]),
        (numbers, {"start": 0.5, "stop": 0.7, "num": 1}, [0.5]),
        (numbers, {"start": 1, "stop": 100, "num": 3, "spacing": "log"}, [1.0, 10.0, 100.0]),
        (integers, [9, 4, 7], [9, 4, 7]),
        (integers, {"start": 4, "stop": 10, "step": 2}, [4, 6, 8, 10]),
        (integers, {"start": 4, "stop": 9, "step": 2}, [4, 6, 8]),
        (integers, {"start": 4, "stop": 10, "num": 3}, [4, 7, 10]),
        (integers, {"start": 4, "stop": 64, "num": 5, "spacing": "log"}, [4, 8, 16, 32, 64]),
    ],
)
def test_every_form_of_an_axis(reader, value, expected):
    got = reader(value)
    np.testing.assert_allclose(got, expected, rtol=1e-15, atol=1e-15)
    assert got.dtype == (int if reader is integers else float)


@pytest.mark.parametrize(
    ("reader", "value", "says"),
    [
        (numbers, 0.5, "expected a list"),
        (numbers, "0.5", "expected a list"),
        (numbers, [], "an empty axis"),
        (numbers, [0.5, "x"], "entry 2"),
        (numbers, [0.5, math.nan], "entry 2: expected a finite number, got nan"),
        (numbers, [0.5, 1, 0.5], "duplicate value 0.5"),
        (numbers, {}, "'start' is missing"),
        (numbers, {"start": 0.0, "num": 3}, "'stop' is missing"),
        (numbers, {"start": 0.0, "stop": 1.0}, "either step or num"),
        (numbers, {"start": 0.0, "stop": 1.0, "step": 0.1, "num": 3}, "either step or num"),
        (numbers, {"start": 0.0, "stop": 1.0, "number": 3}, "unknown key 'number'"),
        (numbers, {"start": 0.0, "stop": 1.0, "step": 0}, "an empty axis"),
        (numbers, {"start": 0.0, "stop": 1.0, "step": -0.1}, "an empty axis"),
        (numbers, {"start": 0.0, "stop": 1.0, "step": math.nan}, "step: expected a finite number, got nan"),
        (numbers, {"start": "0", "stop": 1.0, "step": 0.1}, "start: expected a finite number, got '0'"),
        (numbers, {"start": 0.0, "stop": math.inf, "num": 3}, "stop: expected a finite number, got inf"),
        (numbers, {"start": 0.0, "stop": 1.0, "num": 0}, "num: expected a whole number >= 1, got 0"),
        (numbers, {"start": 0.0, "stop": 1.0, "num": 3.0}, "num: expected a whole number >= 1, got 3.0"),
        (numbers, {"start": 0.0, "stop": 1.0, "num": 3, "spacing": "cubic"}, "expected one of linear, log"),
        (
            numbers,
            {"start": 0.0, "stop": 1.0, "num": 3, "spacing": "log"},
            "stop > 0 for a logarithmic range",
        ),
        (
            numbers,
            {"start": 1.0, "stop": -1.0, "num": 3, "spacing": "log"},
            "stop > 0 for a logarithmic range",
        ),
        (numbers, {"start": 1.0, "stop": 9.0, "step": 1.0, "spacing": "log"}, "requires num"),
        (numbers, {"start": 0.3, "stop": 0.3, "num": 2}, "duplicate value 0.3"),
        (numbers, {"start": 0.0, "stop": 1.0, "step": 1e-12}, "at most 10,000,000"),
        (numbers, {"start": 0.0, "stop": 1.0, "num": 10**9}, "at most 10,000,000"),
        (numbers, {"start": -1.7e308, "stop": 1.7e308, "step": 1e300}, "finite|at most|with magnitude"),
        (integers, [4, 6.0], "entry 2: expected a whole number >= 2, got 6.0"),
        (integers, [4, 1], "entry 2: expected a whole number >= 2, got 1"),
        (integers, [4, 6, 4], "duplicate value 4"),
        (integers, {"start": 4, "stop": 10, "step": 0.5}, "step: expected a whole number, got 0.5"),
        (integers, {"start": 4.0, "stop": 10, "step": 2}, "start: expected a whole number, got 4.0"),
        (integers, {"start": 4, "stop": 10, "num": 5}, "not whole numbers"),
        (integers, {"start": 0, "stop": 4, "step": 2}, "entry 1: expected a whole number >= 2, got 0"),
    ],
)
def test_wrong_axes_are_refused_with_a_remedy(reader, value, says):
    with pytest.raises(ValueError, match=says):
        reader(value)


@PROPERTY
@given(
    start=st.floats(-1e3, 1e3),
    step=st.floats(1e-3, 10).flatmap(lambda s: st.sampled_from([s, -s])),
    count=st.integers(1, 300),
)
def test_a_stop_that_steps_reach_is_the_last_value_exactly(start, step, count):
    stop = start + (count - 1) * step
    got = numbers({"start": start, "stop": stop, "step": step})
    assert len(got) == count
    assert got[0] == (stop if count == 1 else start)
    assert got[-1] == stop
    assert np.all(np.diff(got) * step > 0)


@PROPERTY
@given(start=st.integers(2, 50), step=st.integers(1, 9), more=st.integers(0, 200))
def test_whole_ranges_are_those_of_python_with_the_stop_included(start, step, more):
    got = integers({"start": start, "stop": start + more, "step": step})
    assert got.tolist() == list(range(start, start + more + 1, step))


@PROPERTY
@given(
    ends=st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=2, unique=True).filter(
        lambda e: abs(e[1] / e[0] - 1) > 1e-6
    ),
    num=st.integers(2, 100),
    log=st.booleans(),
)
def test_num_gives_so_many_values_from_end_to_end(ends, num, log):
    got = numbers({"start": ends[0], "stop": ends[1], "num": num, "spacing": "log" if log else "linear"})
    assert len(got) == num
    assert (got[0], got[-1]) == tuple(ends)
    step = np.diff(np.log(got) if log else got)
    np.testing.assert_allclose(step, step.mean(), rtol=1e-6, atol=1e-9 * abs(got).max())


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"start": 0.1, "stop": 0.5, "step": 0.1}, "0.1 0.2 0.3 0.4 0.5"),
        ({"start": 0, "stop": 1, "num": 11}, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"),
        ({"start": -1.9, "stop": 1.9, "num": 5}, "-1.9 -0.95 0 0.95 1.9"),
        ({"start": 0.3, "stop": -0.3, "step": -0.15}, "0.3 0.15 0 -0.15 -0.3"),
        ({"start": 1e-3, "stop": 10, "num": 5, "spacing": "log"}, "0.001 0.01 0.1 1 10"),
        ({"start": 1e-300, "stop": 5e-300, "step": 1e-300}, "1e-300 2e-300 3e-300 4e-300 5e-300"),
        ({"start": 0.7, "stop": 0.7, "num": 1}, "0.7"),
    ],
)
def test_ranges_hold_the_decimals_that_were_meant(given, meant):
    assert axis(real)(given).tolist() == [float(text) for text in meant.split()]


@PROPERTY
@given(st.decimals("-3", "3", places=3), st.decimals("0.001", "0.5", places=4), st.integers(1, 200))
def test_steps_are_decimals_rounded_once(start, step, last):
    """Every value is the double that its decimal is read as: `sel` by what one sees finds it."""
    stop = start + last * step
    got = axis(real)({"start": float(start), "stop": float(stop), "step": float(step)})
    assert got.tolist() == [float(start + i * step) for i in range(last + 1)]
    even = axis(real)({"start": float(start), "stop": float(stop), "num": last + 1})
    assert even.tolist() == got.tolist()
