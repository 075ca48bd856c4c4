"""Several results in one panel: whose lines they are, and which do not go together."""

import numpy as np
import pytest
import xarray as xr
from support import by_hand
from support.by_hand import CONDUCTANCE, POTENTIAL

import jaxtransport as jt
from jaxtransport.errors import InputError
from jaxtransport.plot import draw, overlay, panels, style
from jaxtransport.store import search_file
from jaxtransport.variables import Variable

MU, SITES = np.linspace(-1.0, 1.0, 9), np.arange(1, 6)
REVERSE = Variable("potential_reverse", "gamma_o", "chemical potential, reverse bias", r"\mu_l", ("site",))


@pytest.fixture(autouse=True)
def _closed_figures():
    with style.applied():
        yield
    panels.plt.close("all")


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).uniform(size=shape)


@pytest.fixture
def made(tmp_path):
    """A function that makes a result of a line, with the width W of its disorder as a parameter."""

    def make(name, *, width=1.0, mu=MU, gamma=0.5, axes=(), of=CONDUCTANCE, **attributes):
        axes = {**dict(axes), "mu_bar": mu}
        shape = tuple(len(values) for values in axes.values())
        fixed = [("width", width, "gamma_o", "W"), ("gamma", gamma, "gamma_o", r"\gamma")]
        fixed = [one for one in fixed if one[0] not in axes]
        seed = sum(map(ord, name))
        return by_hand.write(
            tmp_path / name, axes, [(of, numbers(*shape, seed=seed))], fixed=fixed, **attributes
        )

    return make


def together(*paths, **choices):
    return draw._draw_together({path: jt.load(path) for path in paths}, **choices)


def lines(figure):
    return {
        one.get_label(): one.get_ydata() for one in figure.axes[0].get_lines() if len(one.get_xdata()) > 2
    }


def caption(figure):
    return figure.get_supxlabel()


def test_lines_bear_the_parameter_that_differs(made):
    paths = [made("a.h5", width=1.0, title="Wires"), made("b.h5", width=2.0, title="Wires", mu=MU[2:])]
    figure, notes = together(*paths)
    found = lines(figure)
    assert list(found) == [r"$W = 1\,\gamma_o$", r"$W = 2\,\gamma_o$"]
    for path, values in zip(paths, found.values(), strict=True):
        np.testing.assert_array_equal(values, jt.load(path).conductance)
    assert notes == []
    assert figure.get_suptitle() == "Wires"
    assert r"\gamma = 0.5" in caption(figure)
    assert "W" not in caption(figure)


def test_of_different_titles_none_is_shown(made):
    figure, _ = together(made("a.h5", title="One"), made("b.h5", width=2.0, title="Two"))
    assert figure.get_suptitle() == ""


def test_lines_bear_the_names_of_files_where_no_parameter_differs(made, tmp_path):
    paths = [made("a.h5"), made("b_$x.h5")]
    assert list(lines(together(*paths)[0])) == ["a", r"b_\$x"]
    (tmp_path / "other").mkdir()
    paths = [made("a.h5"), made("other/a.h5")]
    assert list(lines(together(*paths)[0])) == [str(path) for path in paths]


def test_many_parameters_are_too_long_for_a_label():
    names = [f"p{i}" for i in range(overlay.MOST_DIFFERENT + 1)]
    data = {
        path: xr.Dataset(coords={name: float(i) for name in names}, attrs={"layout": "pair"})
        for i, path in enumerate(map(overlay.Path, ("one.h5", "two.h5")))
    }
    view = overlay.View("line", xr.Dataset(), (), "x", None, None, {})
    assert list(overlay._labels(data, dict.fromkeys(data, view)).values()) == ["one", "two"]
    fewer = {path: one.drop_vars("p0") for path, one in data.items()}
    label = overlay._labels(fewer, dict.fromkeys(data, view))[overlay.Path("two.h5")]
    assert label.count("=") == overlay.MOST_DIFFERENT


def test_a_family_in_a_file_keeps_its_labels(made):
    one, many = made("a.h5", gamma=0.9), made("b.h5", axes={"gamma": np.array([0.3, 0.7])})
    assert list(lines(together(one, many)[0])) == [rf"$\gamma = {g}\,\gamma_o$" for g in (0.9, 0.3, 0.7)]


def test_arrangements_are_told_apart(made):
    paths = made("a.h5", layout="pair"), made("b.h5", layout="dimers")
    figure, _ = together(*paths)
    assert list(lines(figure)) == ["pair", "dimers"]
    assert "pair" not in caption(figure)


@pytest.mark.parametrize("variable", [None, "potential_reverse"])
def test_profiles_under_one_bias_or_both(tmp_path, variable):
    paths = []
    for i, width in enumerate((1.0, 2.0)):
        values = [(POTENTIAL, numbers(5, seed=i)), (REVERSE, numbers(5, seed=9 + i))]
        fixed = [("width", width, "1", "W")]
        paths.append(by_hand.write(tmp_path / f"{i}.h5", {}, values, extra={"site": SITES}, fixed=fixed))
    found = lines(together(*paths, variable=variable)[0])
    one, two = (jt.load(path) for path in paths)
    expected = {"$W = 1$": one.potential_reverse, "$W = 2$": two.potential_reverse}
    if variable is None:
        expected = {f"reverse, {label}": values for label, values in expected.items()}
        expected |= {"forward, $W = 1$": one.potential_forward, "forward, $W = 2$": two.potential_forward}
    assert set(found) == set(expected)
    for label, values in expected.items():
        np.testing.assert_array_equal(found[label], values)


def test_averages_of_several_files(tmp_path):
    paths = [
        by_hand.averages(
            tmp_path / f"{i}.h5",
            {"mu_bar": MU},
            np.exp(numbers(20, 9, seed=i)),
            fixed=[("width", i, "1", "W")],
        )
        for i in (1, 2)
    ]
    figure, _ = together(*paths)
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["$W = 1$", "$W = 2$", "± standard error"]
    figure, _ = together(*paths, variable="conductance_quantiles")
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["$W = 1$", "$W = 2$", "5 to 95 %", "25 to 75 %"]
    figure, _ = together(*paths, variable="conductance_quantiles", at=["mu_bar=0.5"])
    assert figure.axes[0].get_ylabel() == "cumulative probability"


def test_more_lines_than_colours_differ_in_their_strokes(made):
    gammas = np.linspace(0.1, 0.9, 5)
    paths = [made(f"{i}.h5", width=float(i), axes={"gamma": gammas}) for i in (1, 2)]
    figure, _ = together(*paths, x="mu_bar")
    looks = [(one.get_color(), one.get_linestyle()) for one in figure.axes[0].get_lines()]
    assert len(set(looks)) == len(looks) == 10


VOLTS = Variable("conductance", "V", "conductance", "G")
OTHER = Variable("transmission", "1", "transmission", "T")


@pytest.mark.parametrize(
    ("other", "choices", "message"),
    [
        ({"of": VOLTS}, {}, r"b\.h5: conductance has the unit V, but e\^2/h in .*a\.h5"),
        ({"of": OTHER}, {}, r"b\.h5: has no variable conductance, which .*a\.h5 has"),
        ({}, {"variable": "colour"}, r"a\.h5: --variable colour: not in the file"),
        ({}, {"y": "mu_bar"}, r"--y mu_bar: makes maps"),
        ({}, {"at": ["gamma=1"]}, r"a\.h5: --at gamma=1"),
        ({"axes": {"gamma": np.linspace(0.1, 1, 9)}}, {"x": "gamma"}, r"a\.h5: --x gamma: not a free axis"),
    ],
)
def test_what_does_not_go_together_is_named(made, tmp_path, other, choices, message):
    paths = [made("a.h5"), made("b.h5", **other)]
    with pytest.raises(InputError, match=message):
        draw.draw_files(paths, tmp_path / "out.png", **choices)
    assert not (tmp_path / "out.png").exists()


def test_maps_searches_and_other_axes_are_refused(made, tmp_path):
    flat = made("map.h5", axes={"gamma": np.linspace(0.1, 1.0, 9)})
    with pytest.raises(InputError, match=r"map\.h5: a map over mu_bar and gamma, .* with --x mu_bar"):
        draw.draw_files([flat, made("a.h5")], tmp_path / "out.png")
    along = by_hand.write(tmp_path / "n.h5", {"N": [4, 5, 6]}, [(CONDUCTANCE, numbers(3))])
    with pytest.raises(InputError, match=r"n\.h5: conductance has no axis mu_bar, as it has in .*a\.h5"):
        draw.draw_files([made("a.h5"), along], tmp_path / "out.png")
    found = xr.Dataset({"mu_bar": ("zero", [0.1])})
    known = dict.fromkeys(("message", *jt.load(along).attrs), "")
    del known["format"]
    search_file.save(found, tmp_path / "zeros.h5", known, 0.0)
    with pytest.raises(InputError, match=r"zeros\.h5 is the result of a search"):
        draw.draw_files([along, tmp_path / "zeros.h5"], tmp_path / "out.png")
    with pytest.raises(InputError, match="named twice"):
        draw.draw_files([along, along], tmp_path / "out.png")
    link = along.rename(tmp_path / "n.png")
    with pytest.raises(InputError, match="the result itself"):
        draw.draw_files([made("a.h5"), link], link)


def test_lines_of_maps_are_drawn_along_one_axis(made):
    gammas = {"gamma": np.linspace(0.1, 1.0, 9)}
    paths = [made("a.h5", axes=gammas), made("b.h5", axes=gammas, width=2.0)]
    figure, _ = together(*paths, x="gamma", at=["mu_bar=0.5"])
    for path, values in zip(paths, lines(figure).values(), strict=True):
        np.testing.assert_array_equal(values, jt.load(path).conductance.sel(mu_bar=0.5))


def test_the_command_draws_beside_the_first_file(made, tmp_path, jaxtransport):
    made("a.h5")
    made("b.h5", width=2.0)
    code, out, _ = jaxtransport("plot", tmp_path / "a.h5", tmp_path / "b.h5", "--width", 1)
    assert (code, out.strip()) == (0, str(tmp_path / "a.png"))
    code, _, err = jaxtransport("plot", tmp_path / "a.h5", tmp_path / "none.h5")
    assert code == 2
    assert "none.h5: no such file" in err


def test_captions_tell_what_varies_along_an_axis(tmp_path):
    """Zipped and derived parameters: along which axes, or their values where those are fixed."""
    (tmp_path / "zip.toml").write_text(
        '[wire]\nlayout = "pair"\n[drive]\ninjection = 0.2\n'
        '[grid]\n"mu_bar, delta_mu" = [[0.1, 0.1], [0.5, 0.3]]\nN = [4, 9]\n[derive]\ngamma = "1 / sqrt(N)"\n'
    )
    data = jt.run(tmp_path / "zip.toml", tmp_path / "zip.h5")
    caption = lambda **choices: draw.draw(data, **choices).get_supxlabel()
    assert r"$\gamma(N)$" in caption(x="N")
    assert r"$\delta\mu(\bar{\mu})$" in caption(x="N")
    assert r"$\gamma = 0.5\,\gamma_o$" in caption(x="mu_bar", at=["N=4"])
