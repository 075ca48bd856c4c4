"""What the README and the docs claim: commands, examples, links."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp

import jaxtransport as jt
from jaxtransport import models
from jaxtransport.plot.figures import FIGURES, select
from jaxtransport.status import MEANINGS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.S)


def test_the_gate_runs_the_readme_test_command():
    after_mark = (ROOT / "README.md").read_text(encoding="utf-8").split("<!-- test -->")[1]
    command = re.search(r"```bash\n(.*?)\n```", after_mark, re.S)[1]
    assert command.endswith("-m pytest")
    assert "pip install" in command
    gate = (ROOT / ".ci/run").read_text()
    assert "<!-- test -->" in gate
    assert all(tool in gate for tool in ("README.md", "ruff", "mypy"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_sweep_files_in_the_docs_are_good(page):
    for block in blocks(page, "toml"):
        models.parse(block)


def test_the_python_examples_run(tmp_path, monkeypatch, capsys):
    (tmp_path / "sweeps").symlink_to(ROOT / "sweeps")
    monkeypatch.chdir(tmp_path)
    wires, classical, searches = blocks(ROOT / "README.md", "python")
    assert len(wires.strip().splitlines()) <= 18
    names: dict = {}
    exec(compile(wires, "README.md", "exec"), names)
    # Delta I / I_o at gamma = .3, N = 60 is .7128 I_g / I_o, and I_g = .05 I_o.
    assert float(capsys.readouterr().out.split()[-1]) == pytest.approx(0.7128 * 0.05, abs=3e-6)
    exec(compile(classical, "README.md", "exec"), names)
    current, *_ = capsys.readouterr().out.split()
    # Eq. 8: (1 - (1 - p)(N / 2 - 1) i) / (1 + (N - 2)(1 - p)) at N = 30, p = .9, i = .2.
    assert float(current) == pytest.approx((1 - 0.1 * 14 * 0.2) / (1 + 28 * 0.1), abs=1e-12)
    exec(compile(searches, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert printed.startswith("11 zeros of Delta I")
    assert "11 curves of zeros" in printed


def test_every_status_code_is_explained():
    text = (ROOT / "docs/notation.md").read_text(encoding="utf-8").replace("\N{MINUS SIGN}", "-")
    rows = re.findall(r"^\| (-?\d) \| `(\w+)` \|", text, flags=re.M)
    assert {int(code): name for code, name in rows} == MEANINGS


def test_the_example_of_the_laws_prints_what_the_page_says(capsys):
    page = ROOT / "docs/laws.md"
    (example,) = blocks(page, "python")
    exec(compile(example, "laws.md", "exec"), {})
    printed = [float(v) for v in capsys.readouterr().out.split()]
    said = re.search(r"prints (.*?) \(I_o\)", page.read_text(encoding="utf-8"))[1]
    assert printed == pytest.approx([float(v) for v in re.findall(r"0\.\d+", said)], abs=5e-5)


def test_the_example_of_the_cluster_runs_as_a_script(tmp_path):
    (example,) = blocks(ROOT / "docs/cluster.md", "python")
    (tmp_path / "sweeps").symlink_to(ROOT / "sweeps")
    (tmp_path / "example.py").write_text(example)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "example.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(jt.load(tmp_path / "results/fig3b.h5").status.size)


def test_the_example_of_a_merge_prints_what_it_says(tmp_path, monkeypatch, capsys):
    (tmp_path / "sweeps").symlink_to(ROOT / "sweeps")
    monkeypatch.chdir(tmp_path)
    (example,) = (block for block in blocks(ROOT / "docs/sweeps.md", "python") if "merge" in block)
    exec(compile(example, "sweeps.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"# ([\d ]+)$", example, re.M)


@pytest.mark.optimized
def test_the_examples_of_the_zeros_print_what_the_page_says(capsys):
    page = ROOT / "docs/zeros.md"
    names: dict = {}
    printed = []
    for example in blocks(page, "python"):
        exec(compile(example, "zeros.md", "exec"), names)
        printed.append(capsys.readouterr().out)
    one, many, widths, curves, near = printed
    said = re.search(r"prints `(.*?)`", page.read_text(encoding="utf-8"))[1]
    assert one.startswith(said)
    assert "[2 1 1]" in one
    assert many.rstrip().endswith("[ 6  9 12 15 18]")
    assert [float(v) for v in widths.strip(" []\n").split()] == pytest.approx([0.55885, 0.94803], abs=5e-6)
    assert curves.startswith("2 curves of zeros")
    assert float(curves.split()[-1]) < 1e-12
    assert [float(v) for v in near.split()] == pytest.approx([0.48965, 1.49658, 0.4], abs=5e-6)


def test_the_gallery_shows_every_figure():
    """A section, a picture and a command for each, and every sweep file that it reads."""
    page = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
    for name, figure in FIGURES.items():
        section = page.split(f"(figures/{name}.png)")
        assert len(section) == 2, name
        below = section[1].split("\n## ")[0]
        command = re.search(r"`jaxtransport figures (\S+)`", below)[1]
        assert figure in select([command])
        for sweep in figure.sweeps:
            assert f"{sweep}.toml" in below, f"{name}: {sweep}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("path", sorted((ROOT / "sweeps").glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_sweeps_are_good(path):
    spec = models.read(path)
    assert spec.title


def test_the_main_job_is_a_million_points():
    spec = models.read(ROOT / "sweeps/map.toml")
    points = 1
    for axis in spec.axes:
        points *= len(axis.values)
    assert {a.name for a in spec.axes} == {"gamma", "N", "mu_bar"}
    assert points >= 10**6


def test_public_names_exist():
    for name in jt.__all__:
        assert getattr(jt, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        jt.nothing_like_it  # noqa: B018


def test_the_examples_of_the_designs_print_what_the_page_says(capsys):
    text = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    pairs = re.findall(r"```python\n(.*?)```\n\nprints\n\n```\n(.*?)```", text, re.S)
    assert len(pairs) == text.count("```python")
    for example, said in pairs:
        exec(compile(example, "design.md", "exec"), {})
        assert capsys.readouterr().out.split() == said.split()


def test_the_example_of_units_is_in_si(tmp_path, monkeypatch):
    (tmp_path / "sweeps").symlink_to(ROOT / "sweeps")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    (example,) = (block for block in blocks(ROOT / "docs/sweeps.md", "python") if "scipy.constants" in block)
    exec(compile(example, "sweeps.md", "exec"), names)
    data = names["ds"]
    assert data.delta_mu.item() == 0.1 if "delta_mu" in data else "delta_mu  = 0.1" in data.attrs["spec"]
    np.testing.assert_allclose(names["siemens"], data.conductance * 3.874045865e-5, rtol=1e-9)  # e^2 / h
    np.testing.assert_allclose(names["ampere"], data.nonreciprocity * 3.874045865e-6, rtol=1e-9)  # per 0.1 V


def test_the_example_of_lazy_results_prints_the_largest_of_each_coupling(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = jt.run(ROOT / "sweeps/fig3b.toml", "results/fig3b.h5")
    (example,) = (block for block in blocks(ROOT / "docs/sweeps.md", "python") if "lazy=True" in block)
    exec(compile(example, "sweeps.md", "exec"), {})
    printed = [float(number) for number in capsys.readouterr().out.strip(" []\n").split()]
    np.testing.assert_allclose(printed, data.nonreciprocity.max("N"), rtol=1e-7)


def test_the_commands_of_the_plots_draw_two_results(tmp_path, monkeypatch, jaxtransport):
    (tmp_path / "sweeps").symlink_to(ROOT / "sweeps")
    monkeypatch.chdir(tmp_path)
    (commands,) = blocks(ROOT / "docs/sweeps.md", "bash")
    for command in commands.strip().splitlines():
        program, *arguments = command.split()
        assert program == "jaxtransport"
        code, out, err = jaxtransport(*arguments)
        assert code == 0, err
    assert out.strip() == "contacts.pdf"
    assert (tmp_path / "contacts.pdf").read_bytes().startswith(b"%PDF")
    assert err == ""


def test_the_example_of_the_averages_prints_what_the_page_says(tmp_path, monkeypatch, capsys):
    (tmp_path / "sweeps").symlink_to(ROOT / "sweeps")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs/averages.md").read_text(encoding="utf-8")
    ((example, said),) = re.findall(r"```python\n(.*?)```\n\nprints\n\n```\n(.*?)```", text, re.S)
    names: dict = {}
    exec(compile(example, "averages.md", "exec"), names)
    assert capsys.readouterr().out.split() == said.split()
    strong = names["strong"]
    coherent = np.exp(-2 * strong.N * 2.0**2 / (24 * (4 - 0.7**2)))
    assert strong.conductance_typical.sel(N=20).item() == pytest.approx(coherent.sel(N=20).item(), rel=0.02)
    for N, claimed in ((20, 0.15), (85, 3e-4), (480, 2e-20)):
        assert coherent.sel(N=N).item() == pytest.approx(claimed, rel=0.3)
    assert strong.conductance.sel(N=480) < 2 * strong.conductance_typical.sel(N=480)
    assert (names["ds"].failed == 0).all()


def test_the_resonance_that_is_left_out_is_real(tmp_path, monkeypatch):
    """Against 40 digits: det A of the wire by its recursion, |G_1N|^2 = 1 / |det A|^2."""
    monkeypatch.chdir(tmp_path)
    Path("wire.toml").write_text(RESONANCE)
    Path("average.toml").write_text(f'{RESONANCE}[average]\nover = "onsite.seed"\n')
    wires, average = jt.run("wire.toml").sel(N=1000), jt.run("average.toml")
    assert (average.members.item(), average.failed.item()) == (1, 1)
    assert wires.status.sel({"onsite.seed": 3556}) == 7
    one = wires.sel({"onsite.seed": 3556})
    with mp.workdps(40):
        sigma = (1 - 1j * mp.sqrt(3)) / 2
        before, det = mp.mpf(1), 1 - mp.mpf(one.site_onsite[0].item()) - sigma
        for l, onsite in enumerate(one.site_onsite.values[1:].tolist(), 2):
            before, det = det, (1 - mp.mpf(onsite) - (sigma if l == 1000 else 0)) * det - before
        wanted = float(3 / abs(det) ** 2)
    assert round(wanted, 2) == 0.25
    assert one.conductance.item() == pytest.approx(wanted, rel=1e-9)


RESONANCE = """\
[wire]
layout = "custom"
onsite = { pattern = "disorder", width = 1.0 }
[drive]
mu_bar = 1.0
delta_mu = 0.01
[grid]
N = [1000]
"onsite.seed" = [3555, 3556]
[output]
variables = ["conductance", "site_onsite"]
"""


def test_the_page_of_averages_has_the_numbers_of_the_code():
    from jaxtransport.store.averages import SAVED_SECONDS
    from jaxtransport.sweep import average, quantiles, statistics

    text = (ROOT / "docs/averages.md").read_text(encoding="utf-8")
    assert f"saved every {SAVED_SECONDS:g} s" in text
    assert f"every {average.PIECE} members\n({average.COSTLY_PIECE} if" in text
    assert average.COSTLY_SECONDS == 1e-4
    assert quantiles.EXACT_BYTES == 2**25
    assert quantiles.ALPHA == 1e-3
    assert (quantiles.SMALLEST, quantiles.LARGEST) == (1e-30, 1e10)
    assert f"Default `{list(statistics.QUANTILES)}`" in text
    for kind in statistics.STATISTICS[1:]:
        assert f"`v_{kind}`" in text


def test_axes_that_vary_together_are_as_the_page_says():
    page = ROOT / "docs/sweeps.md"
    (block,) = (one for one in blocks(page, "toml") if "[derive]" in one)
    spec = models.parse(block)
    assert [axis.name for axis in spec.axes] == ["N", "delta_mu"]
    along = {column.name: column.along for column in spec.columns}
    assert along == {"gamma": ("N",), "injection": ("delta_mu",), "contact": ("N",)}
    left = models.parse(block, overrides=["wire.gamma=0.4"])
    assert [axis.name for axis in left.axes] == ["N", "delta_mu"]
    assert left.varied("gamma") is None
    formula = models.parse(block, overrides=["derive.gamma=0.5 / sqrt(N)"])
    assert formula.varied("gamma").formula == "0.5 / sqrt(N)"
