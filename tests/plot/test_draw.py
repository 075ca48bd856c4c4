"""Pictures from files alone: the right numbers, labels with units, the zero contour, the caption."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.contour import ContourSet

import jaxtransport as jt
from jaxtransport.errors import InputError
from jaxtransport.plot import draw, panels, style
from jaxtransport.plot.view import choose
from jaxtransport.store.results import lazily

SPEC = """
title = "A picture"
[wire]
layout = "pair"
N = 4
gamma = 0.5
[drive]
mu_bar = 1.0
delta_mu = 0.1
injection = 0.1
[output]
variables = ["nonreciprocity", "potential_forward", "potential_reverse"]
[grid]
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Files of a line, a map and a profile."""
    folder = tmp_path_factory.mktemp("results")
    grids = {
        "line": "gamma = [0.3, 0.7]\nN = { start = 4, stop = 12, step = 1 }",
        "map": "gamma = { start = 0.1, stop = 1.0, num = 25 }\n"
        "mu_bar = { start = -1.9, stop = 1.9, num = 80 }",
        "profile": "",
    }
    for name, grid in grids.items():
        (folder / f"{name}.toml").write_text(SPEC + grid)
        jt.run(folder / f"{name}.toml", folder / f"{name}.h5")
    return folder


@pytest.fixture(autouse=True)
def _closed_figures():
    with mpl.rc_context({"backend": "agg"}):
        yield
    panels.plt.close("all")


def text_of(figure):
    return " ".join(t.get_text() for t in figure.findobj(mpl.text.Text))


@pytest.mark.slow
def test_line(results):
    data = jt.load(results / "line.h5")
    figure = draw.draw(data)
    axes = figure.axes[0]
    drawn = [line.get_ydata() for line in axes.get_lines() if len(line.get_xdata()) == 9]
    np.testing.assert_array_equal(drawn, data.nonreciprocity.values)
    text = text_of(figure)
    assert all(part in text for part in ("A picture", r"\Delta I", "I_o", r"\gamma = 0.3", "number of sites"))
    assert all(part in text for part in ("pair", r"\bar{\mu} = 1", r"\delta\mu = 0.1", "I_g/I_o = 0.1"))


@pytest.mark.slow
def test_map_has_its_zero_contour_where_the_closed_form_has_it(results):
    """N = 4: Delta I = 0 on mu_bar^2 = 2 + gamma^2."""
    figure = draw.draw(jt.load(results / "map.h5"))
    contours = figure.axes[0].findobj(ContourSet)
    points = np.concatenate([path.vertices for path in contours[0].get_paths()])
    # Linear interpolation on a grid of 0.05 in mu_bar is good to about its square.
    np.testing.assert_allclose(points[:, 0] ** 2, 2 + points[:, 1] ** 2, atol=0.02)
    assert r"\bar{\mu}" in figure.axes[0].get_xlabel()
    assert r"\gamma" in figure.axes[0].get_ylabel()


def test_profile_shows_both_biases(results):
    data = jt.load(results / "profile.h5")
    figure = draw.draw(data)
    lines = figure.axes[0].get_lines()
    np.testing.assert_array_equal(lines[0].get_ydata(), data.potential_forward.values)
    np.testing.assert_array_equal(lines[1].get_ydata(), data.potential_reverse.values)
    assert {"forward", "reverse"} <= set(text_of(figure).split())


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_formats_carry_the_fingerprint(results, tmp_path, suffix):
    picture = tmp_path / f"new/picture.{suffix}"
    draw.draw_file(results / "line.h5", picture)
    content = picture.read_bytes()
    if suffix != "pdf":  # a PDF compresses its metadata
        assert jt.load(results / "line.h5").attrs["fingerprint"].encode() in content
    assert len(content) > 1000


@pytest.mark.slow
def test_no_text_leaves_the_picture(results):
    """Every label lies inside the canvas."""
    for name in ("line", "map", "profile"):
        with mpl.rc_context(draw.style.RC):
            figure = draw.draw(jt.load(results / f"{name}.h5"))
            figure.canvas.draw()
            drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert drawn.x0 >= 0, name
        assert drawn.y0 >= 0, name
        assert drawn.x1 <= width, name
        assert drawn.y1 <= height, name


def test_unknown_format_and_unwritable_place(results, tmp_path):
    with pytest.raises(InputError, match="png"):
        draw.draw_file(results / "line.h5", tmp_path / "picture.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        draw.draw_file(results / "line.h5", tmp_path / "file/picture.png")


def test_the_result_is_not_drawn_over(results, tmp_path):
    """A result whose name ends in .png, or a link to it, stays what it is."""
    result, link = tmp_path / "result.png", tmp_path / "link.png"
    result.write_bytes((results / "line.h5").read_bytes())
    link.symlink_to(result)
    for picture in (result, link):
        with pytest.raises(InputError, match="the result itself"):
            draw.draw_file(result, picture)
    assert jt.load(result).sizes["N"] == 9


# What a picture says of its points


def noted(data, **choice):
    view = choose(data, **choice).loaded()
    return draw.remarks(view), draw.draw(data, **choice)


def test_points_that_are_missing_or_failed_are_counted(results):
    data = jt.load(results / "map.h5")
    data.status[0, :10], data.status[1, :5] = -1, 3
    data.nonreciprocity[0, :10] = data.nonreciprocity[1, :5] = np.nan
    notes, figure = noted(data)
    assert notes[:2] == ["1,990 of 2,000 points computed", "5 of 2,000 points without numbers (singular)"]
    assert all(note in text_of(figure) for note in notes)


def test_a_picture_without_any_number_says_so(results):
    for name, variable in (("map", "nonreciprocity"), ("line", "nonreciprocity")):
        data = jt.load(results / f"{name}.h5")
        data[variable][:] = np.nan
        notes, figure = noted(data, variable=variable)
        assert "no number to draw" in notes
        assert "no number to draw" in [t.get_text() for t in figure.axes[0].texts]


def test_a_potential_outside_the_band_is_hatched(results):
    data = jt.load(results / "map.h5").assign(outside_band=(("gamma", "mu_bar"), np.zeros((25, 80), np.int8)))
    assert not any("hatched" in note for note in noted(data)[0])
    data.outside_band[3:7, 10:20] = 1
    notes, figure = noted(data)
    assert "hatched: a potential outside the band" in notes
    hatched = [c for c in figure.axes[0].findobj(ContourSet) if c.hatches == ["////"]]
    corners = np.concatenate([path.vertices for path in hatched[0].get_paths()])
    steps = data.mu_bar.values[9:21], data.gamma.values[2:8]
    for i, along in enumerate(steps):  # whole cells, from half-way to half-way
        np.testing.assert_allclose(
            [corners[:, i].min(), corners[:, i].max()], [along[:2].mean(), along[-2:].mean()]
        )
    line = {"at": ["gamma=0.2125"]}
    assert "hatched: a potential outside the band" in noted(data, **line)[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["map", "line"])
def test_flags_have_names_and_colours_of_their_own(kind, results):
    data = jt.load(results / f"{kind}.h5")
    data.status[0, 0] = 3
    notes, figure = noted(data, variable="status")
    names = [t.get_text() for axes in figure.axes for t in axes.get_yticklabels()]
    assert {"solved", "singular"} <= set(names)
    assert "black: zero, interpolated between grid points" not in notes


def test_several_values_of_an_axis_are_shown_together(results):
    data = jt.load(results / "map.h5")
    at = ["gamma=0.2125", "gamma=0.55"]
    view = choose(data, at=at, x="mu_bar").loaded()
    assert (view.kind, view.family, list(view.data.gamma.values)) == ("line", "gamma", [0.2125, 0.55])
    four = choose(data, at=[*at, "mu_bar=-1.9", "mu_bar=1.9"]).data
    assert four.sizes == {"gamma": 2, "mu_bar": 2}


def test_a_variable_that_is_named_is_drawn_alone(results):
    data = jt.load(results / "profile.h5")
    assert choose(data, variable="potential_forward").names == ("potential_forward",)


def test_a_family_that_is_thinned_is_counted(results):
    data = jt.load(results / "map.h5")
    notes, _ = noted(data.isel(mu_bar=slice(0, 6)), x="gamma")
    assert notes == []
    notes, _ = noted(data, x="gamma")
    assert any("shown" in note for note in notes)


@pytest.mark.slow
def test_what_a_user_has_configured_changes_no_picture(results, tmp_path):
    draw.draw_file(results / "map.h5", tmp_path / "plain.png")
    dark = {"savefig.transparent": True, "text.color": "white", "axes.labelcolor": "white"}
    with mpl.rc_context(
        {**dark, "text.usetex": True, "axes.edgecolor": "white", "figure.facecolor": "black", "font.size": 30}
    ):
        draw.draw_file(results / "map.h5", tmp_path / "dark.png")
    assert (tmp_path / "dark.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_of_a_large_result_only_what_is_drawn_is_read(results, monkeypatch):
    from jaxtransport.store.resultfile import ResultFile

    read, seen = ResultFile.read, []

    def noting(self, name, box=()):
        out = read(self, name, box)
        seen.append((name, out.size))
        return out

    monkeypatch.setattr(ResultFile, "read", noting)
    with lazily(results / "map.h5") as data:
        choose(data, variable="nonreciprocity", x="mu_bar", at=["gamma=0.1"]).loaded()
    assert ("nonreciprocity", 80) in seen
    assert not [size for name, size in seen if name.startswith("potential")]
    assert max(size for _, size in seen) == 80


@pytest.mark.slow
def test_what_was_chosen_and_what_has_no_number_is_said(tmp_path):
    """One site for a line, and wires too short to have it; the bias of a profile that shows one."""
    text = """
        output.variables = ["potential_forward"]
        [wire]
        layout = "dimers"
        [drive]
        mu_bar = 1.0
        delta_mu = 0.1
        injection = 0.1
        [grid]
        N = [4, 6, 12]
        gamma = [0.3, 0.5]
    """
    (tmp_path / "lengths.toml").write_text(text)
    data = jt.run(tmp_path / "lengths.toml", tmp_path / "out.h5")
    with style.applied():
        profile = choose(data, at=["gamma=0.3"]).loaded()
        assert draw.remarks(profile) == []  # all three lengths, one line each
        lines = choose(data, x="gamma").loaded()
        assert draw.remarks(lines) == ["1 of 12 sites shown", "no number at N = 4, 6"]
        figure = draw.draw(data.isel(N=[2]))
        assert "forward" in figure.axes[0].get_ylabel()
