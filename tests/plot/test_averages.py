"""Pictures of averages: bands of standard errors and of quantiles, typical values, distributions."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from support import by_hand
from support.by_hand import CONDUCTANCE, POTENTIAL, QUANTILES

import jaxtransport as jt
from jaxtransport.plot import averages, draw, panels, style
from jaxtransport.plot.view import choose

MU, GAMMA, SITES = np.linspace(-1.0, 1.0, 9), np.array([0.3, 0.7]), np.arange(1, 6)


@pytest.fixture(autouse=True)
def _closed_figures():
    with style.applied():
        yield
    panels.plt.close("all")


def samples(*shape, members=50):
    return np.exp(np.random.default_rng(1).normal(size=(members, *shape)))


@pytest.fixture
def line(tmp_path):
    return jt.load(by_hand.averages(tmp_path / "line.h5", {"mu_bar": MU}, samples(9)))


@pytest.fixture
def family(tmp_path):
    return jt.load(by_hand.averages(tmp_path / "family.h5", {"gamma": GAMMA, "mu_bar": MU}, samples(2, 9)))


@pytest.fixture
def profile(tmp_path):
    drawn = samples(5) - 1.0
    return jt.load(by_hand.averages(tmp_path / "wire.h5", {}, drawn, POTENTIAL, extra={"site": SITES}))


def bands(axes):
    """(x, lower end, upper end) of each band, and its colour."""
    for band in axes.findobj(PolyCollection):
        corners = band.get_paths()[0].vertices
        x = np.unique(corners[:, 0])
        ends = [[reach(corners[corners[:, 0] == one, 1]) for one in x] for reach in (np.min, np.max)]
        yield x, *np.array(ends), mpl.colors.to_hex(band.get_facecolor()[0])


def legend(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def drawn(axes, size):
    return [one for one in axes.get_lines() if len(one.get_xdata()) == size]


@pytest.mark.parametrize("name", ["line", "profile"])
def test_a_band_of_one_standard_error_on_either_side(name, request):
    data = request.getfixturevalue(name)
    figure = draw.draw(data)
    ((x, low, high, colour),) = bands(figure.axes[0])
    variable = "conductance" if name == "line" else "potential_forward"
    mean, error = data[variable].values, data[f"{variable}_error"].values
    np.testing.assert_array_equal(x, MU if name == "line" else SITES)
    np.testing.assert_allclose(low, mean - error, rtol=1e-14)
    np.testing.assert_allclose(high, mean + error, rtol=1e-14)
    (curve,) = drawn(figure.axes[0], len(x))
    np.testing.assert_array_equal(curve.get_ydata(), mean)
    assert mpl.colors.to_hex(curve.get_color()) == colour
    assert legend(figure) == ["mean", "± standard error"]
    begins = "mean conductance, $G$ ($e^2/h$)" if name == "line" else "mean chemical potential"
    assert figure.axes[0].get_ylabel().startswith(begins)


def test_every_line_has_a_band_of_its_colour(family):
    figure = draw.draw(family)
    colours = [colour for *_, colour in bands(figure.axes[0])]
    assert colours == [one.get_color().lower() for one in drawn(figure.axes[0], 9)]
    assert len(set(colours)) == 2
    assert legend(figure) == [r"$\gamma = 0.3\,\gamma_o$", r"$\gamma = 0.7\,\gamma_o$", "± standard error"]


def test_without_standard_errors_there_is_no_band(line):
    figure = draw.draw(line.drop_vars("conductance_error"))
    assert list(bands(figure.axes[0])) == []
    assert figure.axes[0].get_legend() is None


def test_nested_bands_between_symmetric_quantiles_and_the_median(line):
    figure = draw.draw(line, variable="conductance_quantiles")
    quantiles = line.conductance_quantiles.values
    wide, narrow = bands(figure.axes[0])
    for (x, low, high, _), (a, b) in ((wide, (0, 4)), (narrow, (1, 3))):
        np.testing.assert_array_equal(x, MU)
        np.testing.assert_array_equal(low, quantiles[:, a])
        np.testing.assert_array_equal(high, quantiles[:, b])
    (median,) = drawn(figure.axes[0], 9)
    np.testing.assert_array_equal(median.get_ydata(), quantiles[:, 2])
    assert legend(figure) == ["median", "5 to 95 %", "25 to 75 %"]
    assert figure.axes[0].get_ylabel() == "conductance, $G$ ($e^2/h$)"


def test_quantiles_of_a_family_and_along_the_wire(family, profile):
    figure = draw.draw(family, variable="conductance_quantiles")
    assert len(list(bands(figure.axes[0]))) == 4
    assert legend(figure)[2:] == ["5 to 95 %", "25 to 75 %"]
    figure = draw.draw(profile, variable="potential_forward_quantiles")
    (x, low, *_), _ = bands(figure.axes[0])
    np.testing.assert_array_equal(x, SITES)
    np.testing.assert_array_equal(low, profile.potential_forward_quantiles.values[:, 0])


def test_quantiles_without_a_partner_are_dotted_and_one_quantile_is_a_line(tmp_path):
    path = by_hand.averages(tmp_path / "out.h5", {"mu_bar": MU}, samples(9), quantiles=(0.1, 0.25, 0.75))
    figure = draw.draw(jt.load(path), variable="conductance_quantiles")
    assert legend(figure) == ["25 to 75 %", "10 %"]
    (dotted,) = drawn(figure.axes[0], 9)
    assert dotted.get_linestyle() == ":"
    view = choose(averages.labelled(jt.load(path)), variable="conductance_quantiles", at=["quantile=0.1"])
    assert (view.kind, view.x, view.fixed) == ("line", "mu_bar", {"quantile": 0.1})


def test_pairs_of_quantiles():
    assert averages.pairs(np.array(QUANTILES)) == [(0, 4), (1, 3)]
    assert averages.pairs(np.array([0.9, 0.5, 0.3, 0.1])) == [(3, 0)]
    assert averages.pairs(np.array([0.5, 0.6])) == []


def test_typical_values_and_dashed_the_mean(line):
    figure = draw.draw(line, variable="conductance_typical")
    typical, mean = drawn(figure.axes[0], 9)
    np.testing.assert_array_equal(typical.get_ydata(), line.conductance_typical.values)
    np.testing.assert_array_equal(mean.get_ydata(), line.conductance.values)
    assert (typical.get_linestyle(), mean.get_linestyle()) == ("-", "--")
    assert legend(figure) == ["typical $G$", "mean $G$"]
    assert figure.axes[0].get_ylabel() == "conductance, $G$ ($e^2/h$)"
    assert list(bands(figure.axes[0])) == []


def test_at_one_point_quantiles_are_a_cumulative_distribution(tmp_path, family):
    data = jt.load(by_hand.averages(tmp_path / "one.h5", {}, samples()))
    figure = draw.draw(data)
    (curve,) = drawn(figure.axes[0], 5)
    np.testing.assert_array_equal(curve.get_xdata(), data.conductance_quantiles.values)
    np.testing.assert_array_equal(curve.get_ydata(), QUANTILES)
    assert figure.axes[0].get_xlabel() == "conductance, $G$ ($e^2/h$)"
    assert figure.axes[0].get_ylabel() == "cumulative probability"
    at = ["gamma=0.3", "gamma=0.7", f"mu_bar={MU[3]}"]
    two = draw.draw(family, variable="conductance_quantiles", at=at)
    expected = family.conductance_quantiles.isel(mu_bar=3).values
    np.testing.assert_array_equal([one.get_xdata() for one in drawn(two.axes[0], 5)], expected)


def test_maps_show_the_mean_and_quantiles_side_by_side(tmp_path):
    axes = {"gamma": np.linspace(0.1, 1.0, 8), "mu_bar": MU}
    data = jt.load(by_hand.averages(tmp_path / "map.h5", axes, samples(8, 9)))
    view = choose(averages.labelled(data))
    assert (view.kind, view.names, view.family) == ("map", ("conductance",), None)
    view = choose(averages.labelled(data), variable="conductance_quantiles")
    assert (view.kind, view.family) == ("map", "quantile")
    view = choose(averages.labelled(data), variable="conductance_typical")
    assert (view.kind, view.names) == ("map", ("conductance_typical",))


def test_labels_say_what_is_averaged(line):
    labels = {name: style.label_of(one, long=True) for name, one in averages.labelled(line).data_vars.items()}
    assert labels["conductance"] == "mean conductance, $G$ ($e^2/h$)"
    assert labels["conductance_typical"] == r"typical conductance, $\exp\langle\ln|G|\rangle$ ($e^2/h$)"
    assert (
        labels["conductance_error"] == "standard error of the mean conductance\n$\\mathrm{SE}(G)$ ($e^2/h$)"
    )
    assert labels["conductance_variance"] == "variance of the conductance\n$\\mathrm{Var}(G)$ ($(e^2/h)^2$)"
    assert labels["members"] == "members"
    told = line.conductance.assign_attrs(long_name="mean conductance", symbol=r"\langle G\rangle")
    again = averages.labelled(line.assign(conductance=told))
    assert style.label_of(again.conductance_quantiles, long=True) == "conductance, $G$ ($e^2/h$)"
    assert again.conductance.attrs["long_name"] == "mean conductance"


def test_other_variables_that_end_alike_are_no_statistics(line):
    """`current_error` of linear response is a number of its own."""
    data = line.drop_vars("members")
    assert averages.parse(data, "conductance_error") is None
    assert averages.error_of(line, "members") is None
    assert averages.labelled(data) is data


def test_members_are_counted_and_failures_said(tmp_path):
    path = by_hand.averages(tmp_path / "out.h5", {"mu_bar": MU}, samples(9), failed=2)
    notes = draw.draw_file(path, tmp_path / "out.svg")
    assert notes == ["18 of 468 members without numbers, left out of the averages"]
    assert "50 members" in (tmp_path / "out.svg").read_text(encoding="utf-8")
    assert averages.counted(jt.load(path).assign(members=("mu_bar", np.arange(40, 49)))) == "40 to 48 members"


def test_counts_are_drawn_only_by_name(line):
    assert choose(line).names == (CONDUCTANCE.name,)
    assert choose(line.drop_vars("conductance")).names[0] not in ("members", "failed")
    assert choose(line, variable="members").names == ("members",)
