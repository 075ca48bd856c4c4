"""Widths of a journal's columns, and style files of matplotlib."""

import logging
import re

import matplotlib as mpl
import numpy as np
import pytest
from support import by_hand
from support.by_hand import CONDUCTANCE

import jaxtransport as jt
from jaxtransport.errors import InputError
from jaxtransport.plot import draw, panels, sheet, style

MU, GAMMA = np.linspace(-1.0, 1.0, 9), np.linspace(0.1, 1.0, 8)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("results"), np.random.default_rng(0)
    for name, axes in {
        "line": {"mu_bar": MU},
        "lines": {"gamma": GAMMA[:4], "mu_bar": MU},
        "map": {"gamma": GAMMA, "mu_bar": MU},
        "maps": {"N": [4, 5, 6, 7, 8], "gamma": GAMMA, "mu_bar": MU},
    }.items():
        shape = tuple(map(len, axes.values()))
        by_hand.write(
            folder / f"{name}.h5", axes, [(CONDUCTANCE, rng.normal(size=shape))], title="Random numbers"
        )
    by_hand.averages(folder / "mean.h5", {"gamma": GAMMA[:4], "mu_bar": MU}, rng.uniform(size=(9, 4, 9)))
    return folder


def drawn(path, columns=None, name=None, **choices):
    """The figure, laid out as it is saved."""
    with style.applied(sheet.settings(columns, name)):
        figure = draw.draw(jt.load(path), **choices)
        figure.canvas.draw()
        panels.plt.close(figure)
        return figure


@pytest.mark.parametrize(("columns", "width"), [(1, 3.375), (2, 7.0)])
@pytest.mark.parametrize("name", ["line", "lines", "map", "maps", "mean"])
def test_pictures_fill_columns_and_can_be_read(results, name, columns, width):
    figure = drawn(results / f"{name}.h5", columns)
    assert figure.get_figwidth() == width
    box = figure.get_tightbbox()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= width
    assert box.y1 <= figure.get_figheight()
    sizes = {text.get_fontsize() for text in figure.findobj(mpl.text.Text) if text.get_text().strip()}
    assert min(sizes) >= 7
    assert max(sizes) <= 9
    for axes in figure.axes:  # a panel keeps room beside its labels
        assert axes.get_window_extent().height > 0.45 * figure.dpi


def test_narrow_pictures_have_two_panels_side_by_side(results):
    rows = lambda figure: {round(axes.get_position().y0, 3) for axes in figure.axes[:5]}
    assert len(rows(drawn(results / "maps.h5", 1))) == 3
    assert len(rows(drawn(results / "maps.h5", 2))) == 2


def size_of(path):
    text = path.read_bytes().decode("latin-1")
    if path.suffix == ".pdf":
        found = re.search(r"/MediaBox \[ ?0 0 ([\d.]+) ", text)
    else:
        found = re.search(r'<svg .*?width="([\d.]+)pt"', text, re.S)
    return float(found[1]) / 72


@pytest.mark.parametrize("suffix", ["pdf", "svg"])
@pytest.mark.parametrize(("columns", "width"), [(None, 5.2), (1, 3.375), (2, 7.0)])
def test_vector_files_have_that_width(results, tmp_path, suffix, columns, width):
    picture = tmp_path / f"out.{suffix}"
    (tmp_path / "tight.mplstyle").write_text("savefig.bbox: tight\n")
    name = str(tmp_path / "tight.mplstyle") if columns else None
    variable = "conductance_quantiles"
    draw.draw_file(results / "mean.h5", picture, columns=columns, sheet=name, variable=variable)
    assert size_of(picture) == pytest.approx(width, abs=1e-6)


def test_a_style_file_is_applied(results, tmp_path):
    path = tmp_path / "thesis.mplstyle"
    path.write_text(
        'font.family: serif  # as the text\naxes.prop_cycle: cycler("color", ["#112233", "#445566"])\n'
        "figure.figsize: 4, 3\nfont.size: 9\naxes.labelsize: large\n"
    )
    figure = drawn(results / "lines.h5", name=str(path))
    assert tuple(figure.get_size_inches()) == (4, 3)
    assert [one.get_color() for one in figure.axes[0].get_lines()[:4]] == ["#112233", "#445566"] * 2
    assert figure.axes[0].xaxis.label.get_fontfamily() == ["serif"]
    assert figure.axes[0].xaxis.label.get_fontsize() == pytest.approx(9 * 1.2)
    assert tuple(drawn(results / "lines.h5", 1, str(path)).get_size_inches()) == (3.375, 2.8)


def test_letters_of_a_style_are_outlines_in_svg(results, tmp_path):
    """A viewer that lacks the fonts of mathematics would leave out the symbols."""
    (tmp_path / "thesis.mplstyle").write_text("mathtext.fontset: cm\n")
    picture = tmp_path / "out.svg"
    draw.draw_file(results / "line.h5", picture)
    assert "<text" in picture.read_text(encoding="utf-8")
    draw.draw_file(results / "line.h5", picture, sheet=str(tmp_path / "thesis.mplstyle"))
    assert "<text" not in picture.read_text(encoding="utf-8")


def test_styles_of_matplotlib_go_by_their_names(results, tmp_path):
    figure = drawn(results / "line.h5", name="dark_background")
    assert figure.get_facecolor() == (0, 0, 0, 1)
    assert figure.get_supxlabel()
    draw.draw_file(results / "map.h5", tmp_path / "out.png", sheet="ggplot")


def test_without_a_style_pictures_are_as_they_were(results):
    assert sheet.settings(None, None) == {}
    figure = drawn(results / "line.h5")
    assert tuple(figure.get_size_inches()) == (5.2, 3.7)
    assert figure.axes[0].get_lines()[0].get_color() == style.COLOURS[0]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("colour: red\n", ["Bad key colour in file .*line 1"]),
        ("font.size: 9\nlines.linewidth: thick\n", ["Bad value in file .*line 2 .*thick"]),
        ("font.size 9\ncolour: red\n", ["Missing colon in file .*line 1", "Bad key colour"]),
    ],
)
def test_bad_lines_of_a_style_are_named(tmp_path, caplog, text, messages):
    path = tmp_path / "bad.mplstyle"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        sheet.read(str(path))
    assert len(caught.value.mistakes) == len(messages)
    for mistake, message in zip(caught.value.mistakes, messages, strict=True):
        assert re.match(f"--style {re.escape(str(path))}: {message}", mistake)
    assert logging.getLogger("matplotlib").propagate
    assert not any(isinstance(one, sheet._Notes) for one in logging.getLogger("matplotlib").handlers)


def test_styles_that_cannot_be_read_and_other_widths(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, message in (
        ("ggplott", r"no such file, and no style of matplotlib of that name; did you mean 'ggplot'\?"),
        (str(tmp_path), "cannot be read"),
        (str(tmp_path / "binary"), "not a text file"),
    ):
        with pytest.raises(InputError, match=f"^--style {re.escape(name)}: {message}"):
            sheet.settings(None, name)
    with pytest.raises(InputError, match=r"^--width 3: expected 1 or 2"):
        sheet.settings(3, None)
