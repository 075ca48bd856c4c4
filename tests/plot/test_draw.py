"""Pictures from files alone: the right numbers, labels with units, the zero contour, the caption."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.contour import ContourSet

import jaxtransport as jt
from jaxtransport.errors import InputError
from jaxtransport.plot import draw, panels

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


def test_line(results):
    data = jt.load(results / "line.h5")
    figure = draw.draw(data)
    axes = figure.axes[0]
    drawn = [line.get_ydata() for line in axes.get_lines() if len(line.get_xdata()) == 9]
    np.testing.assert_array_equal(drawn, data.nonreciprocity.values)
    text = text_of(figure)
    assert all(part in text for part in ("A picture", r"\Delta I", "I_o", r"\gamma = 0.3", "number of sites"))
    assert all(part in text for part in ("pair", r"\bar{\mu} = 1", r"\delta\mu = 0.1", "I_g/I_o = 0.1"))


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


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_formats_carry_the_fingerprint(results, tmp_path, suffix):
    picture = tmp_path / f"new/picture.{suffix}"
    draw.draw_file(results / "line.h5", picture)
    content = picture.read_bytes()
    if suffix != "pdf":  # a PDF compresses its metadata
        assert jt.load(results / "line.h5").attrs["fingerprint"].encode() in content
    assert len(content) > 1000


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
