"""What is drawn by default, and what is said when a choice does not fit."""

import numpy as np
import pytest
import xarray as xr

from jaxtransport.errors import InputError
from jaxtransport.plot.view import choose


def result(**axes):
    """A result with these axes (name = number of values), a scalar and a profile variable."""
    rng = np.random.default_rng(0)
    coords = {
        name: np.arange(4, 4 + n) if name == "N" else np.linspace(0.1, 0.9, n) for name, n in axes.items()
    }
    shape = tuple(axes.values())
    data = {
        "conductance": (tuple(axes), rng.normal(size=shape)),
        "nonreciprocity": (tuple(axes), rng.normal(size=shape)),
        "potential_forward": ((*axes, "site"), rng.normal(size=(*shape, 7))),
        "potential_reverse": ((*axes, "site"), rng.normal(size=(*shape, 7))),
        "status": (tuple(axes), np.zeros(shape, np.int8)),
    }
    return xr.Dataset(data, coords={**coords, "site": np.arange(1, 8)})


@pytest.mark.parametrize(
    ("axes", "kind", "x", "y", "family"),
    [
        ({"mu_bar": 40}, "line", "mu_bar", None, None),
        ({"gamma": 3, "N": 20}, "line", "N", None, "gamma"),
        ({"gamma": 30, "mu_bar": 40}, "map", "mu_bar", "gamma", None),
        ({"N": 20, "mu_bar": 40}, "map", "mu_bar", "N", None),
        ({"N": 20, "gamma": 30, "mu_bar": 40}, "map", "mu_bar", "gamma", "N"),
        ({"gamma": 3, "contact": 2}, "line", "contact", None, "gamma"),
    ],
)
def test_default_view(axes, kind, x, y, family):
    view = choose(result(**axes))
    assert (view.kind, view.names, view.x, view.y, view.family) == (kind, ("nonreciprocity",), x, y, family)


def test_no_grid_shows_the_profile_under_both_biases():
    view = choose(result())
    assert (view.kind, view.x, view.names) == ("profile", "site", ("potential_forward", "potential_reverse"))


def test_long_families_are_thinned_and_other_axes_held():
    view = choose(result(N=20, gamma=30, mu_bar=40, contact=9), x="mu_bar", y="gamma")
    assert view.family == "N"
    assert view.data.sizes["N"] == 6
    assert list(view.fixed) == ["contact"]


def test_choices_are_kept():
    data = result(N=20, gamma=30, mu_bar=40)
    view = choose(data, variable="conductance", x="N", at=["gamma=0.5", "mu_bar=0.5"])
    assert (view.kind, view.x, view.names) == ("line", "N", ("conductance",))
    assert view.fixed["gamma"] == pytest.approx(0.5, abs=0.02)
    assert choose(data, x="gamma", y="N").y == "N"
    assert choose(data, y="mu_bar").x == "gamma"


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ({"variable": "colour"}, "--variable colour"),
        ({"x": "colour"}, "--x colour"),
        ({"y": "site"}, "--y site"),
        ({"x": "N", "y": "N"}, "--x N"),
        ({"at": ["N"]}, "--at N"),
        ({"at": ["colour=3"]}, "--at colour=3"),
        ({"at": ["N=many"]}, "not a number"),
        ({"at": ["N=4.5"]}, "nearest value is"),
        ({"at": ["gamma=7"]}, "nearest value is 0.9"),
        ({"x": "N", "at": ["N=4"]}, "--x N"),
    ],
)
def test_choices_that_do_not_fit_are_named(choice, named):
    with pytest.raises(InputError, match=named):
        choose(result(N=20, gamma=30), **choice)


def test_one_number_is_said_not_drawn():
    with pytest.raises(InputError, match="nothing to draw it along"):
        choose(result(), variable="conductance")


def test_an_axis_that_has_a_value_twice_is_refused():
    """As a flipped bit leaves it in a file without checksums."""
    data = result(N=4, mu_bar=40).assign_coords(N=[4, 6, 6, 8])
    for choice in ({}, {"at": ["N=6"]}, {"x": "mu_bar"}):
        with pytest.raises(InputError, match="N has duplicate values and cannot be an axis"):
            choose(data, variable="nonreciprocity", **choice)
