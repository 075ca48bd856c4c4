"""The figures of the paper: drawn from files alone, every number where it belongs, no label cut off."""

from pathlib import Path

import h5py
import matplotlib as mpl
import numpy as np
import pytest
from support.checks import close

import jaxtransport as jt
from jaxtransport.errors import InputError
from jaxtransport.jobs import figures as jobs
from jaxtransport.plot import figures, panels, style
from jaxtransport.plot.figures import FIGURES, frame, select
from jaxtransport.plot.figures.fig10 import sign_changes
from jaxtransport.spec.shipped import shipped

pytestmark = pytest.mark.slow

SMALLEST_PRINT = 6.0  # points, at the width of a column


@pytest.fixture
def drawn(folder, data):
    """The matplotlib figure of a name, laid out as it is saved."""

    def draw(name, **more):
        figure = FIGURES[name]
        loaded = {sweep: data(sweep) for sweep in figure.sweeps} | more
        out = figure.draw(loaded)
        out.canvas.draw()
        return out

    with mpl.rc_context({**style.RC, **frame.RC, "backend": "agg"}):
        yield draw
    panels.plt.close("all")


def test_every_figure_is_drawn(folder):
    for name in FIGURES:
        assert (folder / f"pictures/{name}.png").stat().st_size > 10_000


def test_a_second_call_draws_without_computing(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(jobs, "execute", lambda *_, **__: pytest.fail("computed again"))
    made = list(jobs.figures(["3", "fig10", "1"], "again", kind="svg"))
    assert [path.name for path, _ in made] == ["fig3a.svg", "fig3b.svg", "fig3c.svg", "fig10.svg", "fig1.svg"]
    assert all("jaxtransport" in path.read_text(encoding="utf-8") for path, _ in made)


def test_all_points_are_solved(folder, data):
    for name in {sweep for figure in FIGURES.values() for sweep in figure.sweeps}:
        result = data(name)
        # The exact law has no solution where a potential would leave the band; that is a result.
        assert result.status.isin([0, 5] if name in ("fig2c_exact", "trust_exact") else [0]).all(), name
        if "residual" in result:
            # I_o = delta_mu / 2 pi: at gamma = .1 potentials are 30 bias windows apart.
            assert result.residual.max() < 1e-12, name


def labels_not_drawn(axes):
    """Tick labels that matplotlib keeps but does not draw: beyond the limits, or of axes that are off."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not (axes.axison and low <= tick.get_loc() <= high):
                yield from (tick.label1, tick.label2)


@pytest.mark.parametrize("name", FIGURES)
def test_labels_are_whole_and_large_enough(name, drawn):
    figure = drawn(name)
    renderer = figure.canvas.get_renderer()
    unseen = {id(label) for axes in figure.findobj(mpl.axes.Axes) for label in labels_not_drawn(axes)}
    texts = [t for t in figure.findobj(mpl.text.Text) if t.get_visible() and t.get_text().strip()]
    texts = [t for t in texts if id(t) not in unseen]
    assert len(texts) > 5
    for text in texts:
        box = text.get_window_extent(renderer)
        inside = (
            box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1
        )
        assert inside, f"{name}: {text.get_text()!r} is cut off"
        assert text.get_fontsize() >= SMALLEST_PRINT, f"{name}: {text.get_text()!r} is too small"


@pytest.mark.parametrize("name", FIGURES)
def test_axes_say_what_they_show(name, drawn):
    for axes in drawn(name).axes:
        if axes.get_label() == "<colorbar>":
            assert axes.get_xlabel() or axes.get_ylabel(), f"{name}: no label on a colour bar"
        elif axes.axison and axes not in [inset for a in axes.figure.axes for inset in a.child_axes]:
            shared = axes.get_shared_x_axes().get_siblings(axes)
            in_the_middle = len(axes.figure.axes) == 3  # one label for three panels
            assert any(one.get_xlabel() for one in shared) or in_the_middle, f"{name}: no label across"
            beside = axes.get_shared_y_axes().get_siblings(axes)
            assert any(one.get_ylabel() for one in beside), f"{name}: no label upwards"


def lines(axes):
    """The data of every line of an axes."""
    return [line.get_xydata() for line in axes.get_lines()]


def test_lines_are_what_is_on_file(drawn, data):
    result = data("fig3b")
    (axes,) = drawn("fig3b").axes
    for gamma in result.gamma.values:
        one = result.sel(gamma=gamma).nonreciprocity / 0.05
        expected = np.column_stack([result.N.values, one.values])
        assert any(np.array_equal(expected, line) for line in lines(axes))


def test_zeros_of_one_pair(data):
    """Fig. 3c: Delta j vanishes at N = 6, 9, 12 ... for every gamma, to 1e-12 of I_g, and nowhere else."""
    j = data("fig3c").nonreciprocity / 0.1
    at_zero = j.N.values % 3 == 0
    close(j.values[:, at_zero], np.zeros_like(j.values[:, at_zero]), 1e-12, 1.0)
    assert np.abs(j.values[:, ~at_zero]).min() > 0.08


def test_zeros_of_figure_10(data):
    """mu_bar = 1 to 1e-12, and a second zero just below it; the errata's places, to the grid's spacing."""
    near = data("fig10_inset").nonreciprocity / 0.1
    at_one = near.sel(mu_bar=1.0, method="nearest")
    close(at_one.mu_bar.item(), 1.0, 1e-15)
    close(at_one.values, np.zeros(3), 1e-12, 1.0)
    for gamma, second in ((0.3, 0.9850), (0.5, 0.9907), (0.7, 0.9941)):
        zeros = sign_changes(near.sel(gamma=gamma))
        close(zeros, [second, 1.0], 1e-4, 1.0, f"gamma = {gamma}")


def test_weak_contacts_make_the_text_of_figure_9_true(data):
    """Negative in short wires, a change of sign, and more nonreciprocity for stronger contacts."""
    result = data("fig9").nonreciprocity / 0.05
    for contact in (0.8, 0.6):
        one = result.sel(contact=contact)
        assert one[0] < -0.3
        assert one[-1] > 0.4
    at_40 = result.sel(N=40)
    assert (np.diff(at_40.values) < 0).all()  # contacts from 1 down to .6


def test_closed_forms_of_figure_8_are_where_the_lines_cross_zero(drawn):
    axes = drawn("fig8").axes[0]
    places = np.concatenate([x for x, y in (line.get_data() for line in axes.get_lines()) if not np.any(y)])
    for gamma, zero in ((0.3, 0.0495), (0.5, 0.1516), (0.7, 0.3157)):
        assert np.min(np.abs(places - zero)) < 6e-5, gamma


def test_figure_2c_marks_where_the_exact_law_ends(drawn, data):
    """Third order as lines, exact as dots up to I_g / I_o = .729 at gamma = .3, and a cross there."""
    axes = drawn("fig2c").axes[0]
    third = data("fig2c_series").relative_nonreciprocity.sel(gamma=0.7).values
    assert any(np.array_equal(third, line[:, 1]) for line in lines(axes))
    (cross,) = [line for line in axes.get_lines() if line.get_marker() == "x" and len(line.get_xdata())]
    assert 0.729 - 0.025 <= cross.get_xdata()[0] <= 0.729
    exact = data("fig2c_exact")
    assert set(np.unique(exact.status)) == {0, 5}
    assert np.isnan(exact.relative_nonreciprocity.sel(gamma=0.3, injection=1.5, method="nearest"))
    assert exact.steps.where(exact.status == 0).max() <= 12  # both biases


def test_figure_6_shows_all_real_roots(data):
    """Nine at I_g = I_o, the physical one first and the same as Newton's, the others at least .27 away."""
    series = data("fig6_series")
    assert (series.status == 0).all()
    physical = series.potential_forward.sel(site=[2, 3]).values
    close(series.roots_forward.isel(root=0).values, physical, 1e-12)
    at_one = series.sel(injection=1.0, method="nearest").roots_forward.values
    assert np.isfinite(at_one).all()
    assert np.min(np.max(np.abs(at_one[1:] - at_one[0]), axis=1)) > 1.0
    assert np.isfinite(series.roots_forward.isel(injection=-1)).sum() == 2 * 5


def test_the_third_order_is_closer_than_linear_response(data):
    """At gamma = .6, I_g = I_o: 4e-3 against 7e-6 of Delta I / Ibar."""
    at = {"gamma": 0.6, "injection": 1.0, "method": "nearest"}
    linear, third, exact = (
        data(f"trust_{law}").relative_nonreciprocity.sel(**at).item() for law in ("linear", "series", "exact")
    )
    assert 1e-3 < abs(linear - exact) < 1e-2
    assert abs(third - exact) < 3e-5


def test_a_dot_has_steps_of_half_its_widths(data):
    """2 pi Gamma_L Gamma_R / Gamma of every level within the bias, to .1 %: their tails, Gamma / distance."""
    result, k = data("dot"), np.arange(1, 7)
    level = 2 * np.cos(np.pi * k / 7)
    width = 0.05**2 * np.sqrt(4 - level**2) * 2 / 7 * np.sin(np.pi * k / 7) ** 2  # to either side
    current = result.current_forward * result.delta_mu / (2 * np.pi)
    for bias in (1.7, 3.0, 3.9):
        expected = np.sum(width[abs(level) < bias / 2]) / 2
        at = current.sel(delta_mu=bias)
        assert float(at.sel(temperature=0.0)) == pytest.approx(expected, rel=1e-3)
        assert float(at.sel(temperature=0.005)) == pytest.approx(expected, rel=1e-3)


def test_names_of_figures():
    assert [f.name for f in select(["2"])] == ["fig2b", "fig2c"]
    assert [f.name for f in select(["3b", "fig3", "heat"])] == ["fig3b", "fig3a", "fig3c", "heat"]
    assert [f.name for f in select(["1"])] == ["fig1"]
    assert len(select([])) == len(FIGURES)
    with pytest.raises(InputError, match=r"^'fig11': no such figure"):
        select(["fig11"])


def test_every_figure_has_its_sweeps():
    for figure in FIGURES.values():
        for name in figure.sweeps:
            path = shipped(name)
            assert path is not None, name
            assert jt.__file__.startswith(str(Path(path).parent.parent))


def test_a_wrong_format_is_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^--format gif: expected one of png, pdf, svg"):
        list(jobs.figures(["fig1"], kind="gif"))
    assert list(tmp_path.iterdir()) == []


def test_a_result_of_another_sweep_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    list(jobs.figures(["fig2b"]))
    text = shipped("fig2b").read_text().replace("gamma  = 0.5", "gamma  = 0.6")
    (tmp_path / "fig2b.toml").write_text(text)
    jt.run("fig2b.toml", "results/fig2b.h5", force=True)
    with pytest.raises(InputError, match="another spec"):
        list(jobs.figures(["fig2b"]))
    list(jobs.figures(["fig2b"], force=True))
    assert jt.load("results/fig2b.h5").attrs["spec"] == shipped("fig2b").read_text()


def test_results_carry_their_origin(folder):
    text = (folder / "pictures/fig4.png").read_bytes()
    assert jt.load(folder / "results/fig4.h5").attrs["fingerprint"].encode() in text


def test_public_function_draws_data_that_it_is_given(data, tmp_path):
    """`draw_figure` needs datasets and nothing else: no sweep file, no folder."""
    figure = FIGURES["fig3c"]
    figures.draw_figure(figure, {"fig3c": data("fig3c")}, tmp_path / "one.pdf")
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")


def test_a_damaged_result_is_refused_by_name(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    damaged = tmp_path / "results/fig2b.h5"
    whole = (folder / "results/fig2b.h5").read_bytes()
    damaged.write_bytes(whole)
    with h5py.File(damaged, "r+") as file:
        del file["potential_forward"]
    with pytest.raises(InputError, match=r"fig2b\.h5 is damaged \(potential_forward"):
        list(jobs.figures(["2b"]))
    damaged.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"fig2b\.h5 .*delete it"):
        list(jobs.figures(["2b"]))


def test_a_picture_is_replaced_whole_or_not_at_all(data, tmp_path, monkeypatch):
    picture = tmp_path / "fig3c.png"
    picture.write_bytes(b"an older picture")

    def disk_full(self, path, **_):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mpl.figure.Figure, "savefig", disk_full)
    with pytest.raises(InputError, match="No space left"):
        figures.draw_figure(FIGURES["fig3c"], {"fig3c": data("fig3c")}, picture)
    assert picture.read_bytes() == b"an older picture"
    assert list(tmp_path.iterdir()) == [picture]


def test_failed_points_are_told(folder, tmp_path, monkeypatch):
    """Points without a number are not drawn in silence: the command exits 1."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    spoilt = tmp_path / "results/fig2b.h5"
    spoilt.write_bytes((folder / "results/fig2b.h5").read_bytes())
    with h5py.File(spoilt, "r+") as file:
        del file["run"]  # its checksums: a status that changes by itself is damage
        file["status"][0] = 3
    ((_, failed),) = jobs.figures(["2b"])
    assert failed == {"fig2b": 1}


def test_pictures_need_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="-o taken is a file"):
        list(jobs.figures(["1"], "taken"))
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
