"""Averages of sweeps: against all their members stored, whoever computes them, killed and resumed."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.checks import close
from support.stored import same

import jaxtransport as jt
from jaxtransport.models import averaging, make_task, parse
from jaxtransport.patterns.disorder import Disorder
from jaxtransport.plot.averages import labelled
from jaxtransport.status import CRASHED
from jaxtransport.store import averages, results
from jaxtransport.store import store as stores
from jaxtransport.sweep import average as module
from jaxtransport.sweep import evaluator
from jaxtransport.sweep.plan import make_plan

STATISTICS = ["mean", "error", "variance", "typical", "quantiles"]
WIRE = """\
[wire]
layout = "pair"
gamma = 0.4
onsite = { pattern = "disorder", width = 1.0 }
[drive]
mu_bar = 0.3
delta_mu = 0.1
"""
GRID = """\
[grid]
injection = [0.1, 0.2]
"onsite.seed" = { start = 0, stop = 99, step = 1 }
N = [6, 12, 7]
"""
AVERAGE = f"""\
[average]
over = "onsite.seed"
statistics = {STATISTICS}
"""
OUTPUT = '[output]\nvariables = ["nonreciprocity", "conductance", "potential_forward"]\n'


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch, tmp_path):
    """Pieces of 16 members, blocks of 8 points or one piece."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "PIECE", 16)


def run(text, name="out", **how):
    Path(f"{name}.toml").write_text(text)
    return jt.run(f"{name}.toml", f"{name}.h5", **how)


def expected(members, over):
    """Statistics by NumPy of members that were all stored."""
    axes = tuple(members.dims.index(name) for name in over)
    x = np.moveaxis(members.values, axes, range(len(axes)))
    x = x.reshape(-1, *x.shape[len(axes) :])
    n = len(x)
    with np.errstate(all="ignore"):
        return {
            "": x.mean(0),
            "_error": x.std(0, ddof=1) / np.sqrt(n),
            "_variance": x.var(0, ddof=1),
            "_typical": np.exp(np.log(np.abs(x)).mean(0)),
            "_quantiles": np.moveaxis(np.quantile(x, [0.05, 0.5, 0.95], 0), 0, -1),
        }


def compare(data, stored, over, variables):
    """To 1e-13 of the largest: both sum up the same members in other orders."""
    for name in variables:
        for suffix, wanted in expected(stored[name], over).items():
            found = data[f"{name}{suffix}"]
            dims = [d for d in stored[name].dims if d not in over]
            found = found.transpose(*dims, *(["quantile"] if suffix == "_quantiles" else []))
            close(found.values, wanted, 1e-13, np.nanmax(np.abs(wanted)))


def test_statistics_of_members_that_are_all_stored(small_blocks):
    data, stored = run(WIRE + GRID + AVERAGE + OUTPUT), run(WIRE + GRID + OUTPUT, "all")
    compare(data, stored, ["onsite.seed"], ["nonreciprocity", "conductance", "potential_forward"])
    np.testing.assert_array_equal(data["members"], 100)
    np.testing.assert_array_equal(data["failed"], 0)
    np.testing.assert_array_equal(data["status"], 0)
    assert data["members"].dims == ("injection", "N")
    assert data["potential_forward_quantiles"].dims == ("injection", "N", "site", "quantile")
    assert data.attrs["averaged"] == "onsite.seed (100)"
    assert not Path("out.h5.members").exists()


def test_labels_of_files_are_those_of_pictures(small_blocks):
    """Of statistics, whose symbols must be clear for ratios such as that of the relative nonreciprocity."""
    output = OUTPUT.replace('"conductance", "potential_forward"', '"relative_nonreciprocity"')
    data = run(WIRE + GRID.replace("stop = 99", "stop = 3") + AVERAGE + output)
    drawn = labelled(data)
    for kind in STATISTICS[1:]:
        name = f"relative_nonreciprocity_{kind}"
        assert data[name].attrs["symbol"] == drawn[name].attrs["symbol"]
        assert data[name].attrs["units"] == drawn[name].attrs["units"]
    variance = data["relative_nonreciprocity_variance"].attrs
    assert variance["symbol"] == r"\mathrm{Var}(\Delta I/\bar{I})"


def test_large_blocks_give_the_same_to_rounding():
    """A block of several points, each with all its members."""
    data, stored = run(WIRE + GRID + AVERAGE + OUTPUT), run(WIRE + GRID + OUTPUT, "all")
    compare(data, stored, ["onsite.seed"], ["nonreciprocity", "conductance", "potential_forward"])


def test_over_several_axes_and_free_ones(small_blocks):
    over = ["N", "injection"]
    text = WIRE + GRID.replace("stop = 99", "stop = 4")
    data = run(
        text + AVERAGE.replace('"onsite.seed"', str(over)) + OUTPUT.replace(', "potential_forward"', "")
    )
    stored = run(text + OUTPUT, "all")
    compare(data, stored, over, ["nonreciprocity", "conductance"])
    np.testing.assert_array_equal(data["members"], [6] * 5)


@pytest.mark.slow
def test_the_exact_law_and_other_models():
    exact = WIRE.replace("[drive]", "N = 6\n[solve]\nlaw = 'exact'\n[drive]\ninjection = 0.2\n")
    exact += GRID.replace("injection = [0.1, 0.2]\n", "").replace("N = [6, 12, 7]\n", "gamma = [0.3, 0.5]\n")
    output = OUTPUT.replace(', "potential_forward"', "")
    compare(run(exact + AVERAGE + output), run(exact + output, "all"), ["onsite.seed"], ["nonreciprocity"])
    lattice = 'model = "classical"\n[wire]\nlayout = "pair"\n[drive]\ndelta_rho = 1.0\ninjection = 0.1\n'
    lattice += "[grid]\nN = [6, 9]\np = { start = 0.1, stop = 0.9, num = 40 }\n"
    over_p = AVERAGE.replace("onsite.seed", "p")
    compare(run(lattice + over_p, "c"), run(lattice, "d"), ["p"], ["nonreciprocity", "conductance"])


FAILING = WIRE.replace("width = 1.0", "width = 3.9") + GRID.replace("N = [6, 12, 7]", "N = [12, 24]")


def planted(monkeypatch, bad):
    """Members of some seeds fail."""
    right = evaluator.Evaluator.finish

    def finish(self, pending):
        task = self.task
        object.__setattr__(self, "task", task)
        values = right(_without_reduction(self), pending)
        failing = np.isin(pending.points["onsite.seed"], bad)
        values["status"][failing] = 3
        for name in ("nonreciprocity", "conductance"):
            values[name][failing] = np.nan
        return task.reduce(pending.block, values, self.plan.piece) if task.reduce else values

    monkeypatch.setattr(evaluator.Evaluator, "finish", finish)


def _without_reduction(one):
    import copy
    from dataclasses import replace

    other = copy.copy(one)
    other.task = replace(one.task, reduce=None)
    return other


def test_members_that_fail_are_left_out_and_counted(small_blocks, monkeypatch):
    bad = [0, 17, 18, 99]
    planted(monkeypatch, bad)
    output = OUTPUT.replace(', "potential_forward"', "")
    data, stored = run(WIRE + GRID + AVERAGE + output), run(WIRE + GRID + output, "all")
    good = stored.isel({"onsite.seed": [i for i in range(100) if i not in bad]})
    compare(data, good, ["onsite.seed"], ["nonreciprocity", "conductance"])
    np.testing.assert_array_equal(data["members"], 96)
    np.testing.assert_array_equal(data["failed"], 4)
    np.testing.assert_array_equal(data["status"], 0)


def test_where_all_members_fail_so_does_the_point(small_blocks, monkeypatch):
    planted(monkeypatch, range(100))
    data = run(WIRE + GRID + AVERAGE + OUTPUT.replace(', "potential_forward"', ""))
    np.testing.assert_array_equal(data["status"], 3)
    np.testing.assert_array_equal(data["members"], 0)
    for suffix in ("", "_error", "_variance", "_typical", "_quantiles"):
        assert np.all(np.isnan(data[f"conductance{suffix}"]))


def test_one_member_has_no_error(small_blocks):
    data = run(WIRE + GRID.replace("stop = 99", "stop = 0") + AVERAGE + OUTPUT)
    assert np.all(np.isnan(data["conductance_error"]))
    assert np.all(np.isnan(data["conductance_variance"]))
    np.testing.assert_array_equal(data["conductance_quantiles"][..., 1], data["conductance"])


def test_until_the_error_is_small(small_blocks):
    """No sooner and no later than after the first piece with which the error is small enough."""
    until = AVERAGE + 'until = { error = 0.012, of = "conductance" }\n'
    data, stored = run(WIRE + GRID + until + OUTPUT), run(WIRE + GRID + OUTPUT, "all")
    assert len(np.unique(data["members"])) > 1
    for i, N in enumerate(data["N"].values):
        x = stored["conductance"].sel(N=N, injection=0.1).values
        ends = [*range(16, 100, 16), 100]
        errors = [x[:n].std(ddof=1) / np.sqrt(n) for n in ends]
        n = next((n for n, error in zip(ends, errors, strict=True) if error <= 0.012), 100)
        assert int(data["members"][0, i]) == n
        close(float(data["conductance"][0, i]), x[:n].mean(), 1e-14, 1.0)
        close(data["conductance_quantiles"][0, i], np.quantile(x[:n], [0.05, 0.5, 0.95]), 1e-14, 1.0)


@pytest.mark.parametrize("sketched", [False, True])
def test_interrupted_anywhere_and_resumed(small_blocks, monkeypatch, sketched):
    """Bit for bit: stopped after every block, with what was under way saved, or lost."""
    monkeypatch.setattr(averages, "SAVED_SECONDS", 0.0)
    if sketched:
        monkeypatch.setattr(module, "EXACT_BYTES", 0)
    text = WIRE + GRID + AVERAGE + OUTPUT.replace(', "potential_forward"', "")
    run(text, "whole")
    Path("out.toml").write_text(text)
    seen, resumed = [], 0

    def report(progress):
        seen.append(progress.done)
        if progress.done > progress.resumed:
            raise KeyboardInterrupt

    for tries in range(1000):
        try:
            jt.run("out.toml", "out.h5", report=report)
            break
        except KeyboardInterrupt:
            resumed += Path("out.h5.members").exists()
        if tries == 5:
            Path("out.h5.members").unlink(missing_ok=True)
        if tries == 9:
            Path("out.h5.members").write_bytes(b"garbage")
    assert tries > 15
    assert resumed > 5
    same("whole.h5", "out.h5")


def test_what_another_run_saved_is_not_used(small_blocks, monkeypatch):
    monkeypatch.setattr(averages, "SAVED_SECONDS", 0.0)
    text = WIRE + GRID + AVERAGE + OUTPUT
    Path("out.toml").write_text(text)

    def report(progress):
        if progress.done > progress.resumed:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jt.run("out.toml", "out.h5", report=report)
    assert Path("out.h5.members").exists()
    other = text.replace("gamma = 0.4", "gamma = 0.6")
    run(other, "whole")
    Path("out.toml").write_text(other)
    jt.run("out.toml", "out.h5", force=True)
    same("whole.h5", "out.h5")


def stopped(text, **how):
    """A run that ends after its first block, with the members under way saved."""
    Path("out.toml").write_text(text)

    def report(progress):
        if progress.done > progress.resumed:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jt.run("out.toml", "out.h5", report=report, **how)
    assert Path("out.h5.members").exists()


def test_what_was_saved_of_other_variables_is_not_used(small_blocks, monkeypatch):
    """The fingerprint of a spec does not know its variables."""
    monkeypatch.setattr(averages, "SAVED_SECONDS", 0.0)
    text = WIRE + GRID + AVERAGE
    stopped(text + '[output]\nvariables = ["conductance"]\n')
    other = text + '[output]\nvariables = ["nonreciprocity"]\n'
    run(other, "whole")
    run(other, force=True)
    same("whole.h5", "out.h5")


def test_no_member_counts_twice_after_a_failed_write(small_blocks, monkeypatch):
    """The output is removed before the statistics of its first points are written."""
    monkeypatch.setattr(averages, "SAVED_SECONDS", 0.0)
    text = WIRE + GRID + AVERAGE + OUTPUT
    run(text, "whole")
    right = stores.Store.write

    def write(self, block, values):
        self.path.unlink()
        right(self, block, values)

    with monkeypatch.context() as patch:
        patch.setattr(stores.Store, "write", write)
        with pytest.raises(jt.InputError, match="removed"):
            run(text)
    run(text)
    same("whole.h5", "out.h5")


def test_what_was_saved_and_is_damaged_counts_as_none(small_blocks, monkeypatch):
    monkeypatch.setattr(averages, "SAVED_SECONDS", 0.0)
    text = WIRE + GRID + AVERAGE + OUTPUT
    run(text, "whole")
    stopped(text)
    path = Path("out.h5.members")
    good = path.read_bytes()
    np.save("array.npy", np.ones(3))
    unknown = bytearray(good)
    unknown[good.index(b"PK\1\2") + 10] = 99  # the way it is packed
    for damaged in (Path("array.npy").read_bytes(), bytes(unknown), good[: len(good) // 2], b""):
        path.write_bytes(damaged)
        assert averages.under_way(Path("out.h5")) in (0, 16)  # a part of it may be sound
        stopped(text)
    path.unlink()
    os.mkfifo(path)
    assert averages.under_way(Path("out.h5")) == 0
    run(text)
    same("whole.h5", "out.h5")


def test_members_that_cannot_be_saved(small_blocks, monkeypatch):
    """A folder stands in the way: nothing is lost but time."""
    monkeypatch.setattr(averages, "SAVED_SECONDS", 0.0)
    text = WIRE + GRID + AVERAGE + OUTPUT
    run(text, "whole")
    part = Path("out.h5.members.part")
    part.mkdir()
    run(text)
    same("whole.h5", "out.h5")


def test_a_changed_sum_is_damage(small_blocks):
    run(WIRE + GRID + AVERAGE + OUTPUT)
    with h5py.File("out.h5", "r+") as file:
        file["run/pieces_mean_conductance"][0, 0] += 1e-9
    with pytest.raises(jt.InputError, match="damaged"):
        jt.load("out.h5")


def test_a_block_that_crashes_is_computed_again(small_blocks, monkeypatch):
    text = WIRE + GRID + AVERAGE + OUTPUT
    run(text, "whole")
    right = evaluator.Evaluator.finish

    def finish(self, pending):
        if pending.block.solve.start <= 16 < pending.block.solve.stop and 16 in pending.block.solve:
            raise RuntimeError("planted")
        return right(self, pending)

    with monkeypatch.context() as patch:
        patch.setattr(evaluator.Evaluator, "finish", finish)
        data = run(text)
        assert results.count_statuses("out.h5")[CRASHED] >= 1
        assert (data["status"] == 0).any()
    jt.run("out.toml", "out.h5")
    same("whole.h5", "out.h5")


@pytest.mark.slow
def test_one_device_and_two(tmp_path):
    """Bit for bit, in processes of their own."""
    text = WIRE + GRID.replace("stop = 99", "stop = 2999") + AVERAGE + OUTPUT
    Path("out.toml").write_text(text)
    for devices in ("1", "2"):
        command = ["-m", "jaxtransport", "run", "out.toml", "-o", f"{devices}.h5", "--devices", devices]
        environment = {**os.environ, "PYTHONPATH": str(Path(jt.__file__).parents[1])}
        subprocess.run([sys.executable, *command], check=True, env=environment, capture_output=True)
    same("1.h5", "2.h5")


def test_files_do_not_grow_with_members():
    few, many = (parse(WIRE + GRID.replace("stop = 99", f"stop = {n}") + AVERAGE + OUTPUT) for n in (9, 9999))
    sizes = []
    for spec in (few, many):
        task = make_task(spec)
        average = averaging(spec, task)
        assert average.planned(make_plan(task)).tile >= 1
        sizes.append(average.stored().grid.size * average.stored().bytes_per_point())
    assert sizes[0] == sizes[1]


def plain_conductance(onsite, gamma, mu_bar):
    """G of a chain whose every middle site has a voltage probe: dense matrices, probes eliminated."""
    N = len(onsite)
    coupling = np.r_[1.0, np.full(N - 2, gamma), 1.0]
    sigma = coupling**2 * (mu_bar - 1j * np.sqrt(4 - mu_bar**2)) / 2
    H = np.diag(onsite) - np.eye(N, k=1) - np.eye(N, k=-1)
    G = np.linalg.inv(mu_bar * np.eye(N) - H - np.diag(sigma))
    width = -2 * sigma.imag
    T = width[:, None] * np.abs(G) ** 2 * width
    np.fill_diagonal(T, 0.0)
    laplace = np.diag(T.sum(1)) - T
    probes = slice(1, N - 1)
    mu = np.linalg.solve(laplace[probes, probes], T[probes, 0])  # left lead at 1, right lead at 0
    return laplace[0, 0] - T[0, probes] @ mu


@pytest.mark.slow
def test_anderson_wires_by_plain_matrices():
    """2000 wires of 50 sites: mean, error, typical and median to 1e-12."""
    N, gamma, mu_bar, members = 50, 0.3, 0.3, 2000
    data = run(f"""\
[wire]
layout = "probes"
N = {N}
gamma = {gamma}
onsite = {{ pattern = "disorder", width = 1.0 }}
[drive]
mu_bar = {mu_bar}
delta_mu = 0.1
[grid]
"onsite.seed" = {{ start = 0, stop = {members - 1}, step = 1 }}
[average]
over = "onsite.seed"
statistics = {STATISTICS}
[output]
variables = ["conductance"]
""")
    levels = (Disorder(1.0, seed).along(np.arange(N), N) for seed in range(members))
    G = np.array([plain_conductance(onsite, gamma, mu_bar) for onsite in levels])
    close(data["conductance"], G.mean(), 1e-12)
    close(data["conductance_error"], G.std(ddof=1) / np.sqrt(members), 1e-12)
    close(data["conductance_typical"], np.exp(np.log(G).mean()), 1e-12)
    close(data["conductance_quantiles"], np.quantile(G, [0.05, 0.5, 0.95]), 1e-12)
