"""`merge`: results of one physics as one grid, which a run can complete."""

import re
import shutil

import h5py
import numpy as np
import pytest
from support.stored import bits

import jaxtransport as jt
from jaxtransport.store import copy as copies
from jaxtransport.store import lock as locks
from jaxtransport.store import results, seal

pytestmark = pytest.mark.usefixtures("uniform_batches")

WIRE = """\
title = "a part"
output.variables = ["nonreciprocity", "current_forward", "potential_forward", "outside_band", "residual"]
[wire]
layout = "pair"
N = 6
gamma = 0.5
[drive]
mu_bar = 0.4
delta_mu = 0.1
injection = 0.3
"""
MU = "mu_bar = { start = -1.0, stop = 1.0, num = 9 }"


@pytest.fixture
def sweep(tmp_path):
    """Runs a grid into a file of that name, and returns its path."""

    def run(name, grid, head=WIRE, **how):
        (tmp_path / f"{name}.toml").write_text(f"{head}[grid]\n{grid}\n")
        jt.run(tmp_path / f"{name}.toml", tmp_path / f"{name}.h5", **how)
        return tmp_path / f"{name}.h5"

    return run


def close(one, other):
    """Equal to rounding: free axes are evaluated together, so their length is one of the array shapes."""
    assert set(one.variables) == set(other.variables)
    for name in one.variables:
        size = float(abs(other[name]).max()) if name != "residual" else 1.0
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-12 * size)


def changed(path, variable, index, change):
    """Change a number of a result as if it had been computed so: without its checksums."""
    with h5py.File(path, "r+") as file:
        file[variable][index] = change(file[variable][index])
        file["run"].attrs.pop("contents", None)
    assert seal.look(path) is seal.Seal.NONE


CASES = {
    "two halves": (["gamma = [0.3]", "gamma = [0.5, 0.7]"], "gamma = [0.3, 0.5, 0.7]"),
    "interleaved": ([f"{MU}\ngamma = [0.2, 0.6]", f"{MU}\ngamma = [0.4]"], f"{MU}\ngamma = [0.2, 0.4, 0.6]"),
    "descending": (["gamma = [0.7, 0.3]", "gamma = [0.5]"], "gamma = [0.7, 0.5, 0.3]"),
    "overlapping": ([f"{MU}\ngamma = [0.3, 0.5]", f"{MU}\ngamma = [0.5, 0.7]"],
                    f"{MU}\ngamma = [0.3, 0.5, 0.7]"),
    "lengths of one size": ([f"N = [8, 4]\n{MU}", f"N = [8, 6]\n{MU}"], f"N = [8, 6, 4]\n{MU}"),
    "free axes": ([f"delta_mu = [0.1]\n{MU}", f"delta_mu = [0.2]\n{MU}"], f"delta_mu = [0.1, 0.2]\n{MU}"),
    "three": (["gamma = [0.3]", "gamma = [0.7]", "gamma = [0.4]"], "gamma = [0.3, 0.4, 0.7]"),
    "the same": (["gamma = [0.3]", "gamma = [0.3]"], "gamma = [0.3]"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_merged_parts_are_the_whole(case, sweep, monkeypatch, tmp_path):
    parts, whole = CASES[case]
    monkeypatch.setattr(copies, "AT_ONCE", 300)
    paths = [sweep(f"part{i}", grid) for i, grid in enumerate(parts)]
    before = [path.read_bytes() for path in paths]
    merged = jt.merge(paths, tmp_path / "out.h5")
    one = jt.load(sweep("whole", whole))
    (close if case == "free axes" else bits)(merged, one)
    assert merged.attrs["fingerprint"] == one.attrs["fingerprint"]
    assert merged.title == "a part"
    results.require_intact(tmp_path / "out.h5")
    assert [path.read_bytes() for path in paths] == before
    assert not {".lock", ".part"}.intersection(path.suffix for path in tmp_path.iterdir())
    assert (results.count_statuses(tmp_path / "out.h5")) == {0: one.status.size}
    assert not np.isnan(results.times(tmp_path / "out.h5")[1])


def test_points_that_nobody_has_can_be_run(sweep, tmp_path):
    """The corners of a cross; its sweep file is in the file."""
    paths = [sweep("one", f"gamma = [0.3]\n{MU}"), sweep("two", "gamma = [0.7, 0.5]\nmu_bar = [0.1, 0.25]")]
    merged = jt.merge(paths, tmp_path / "out.h5")
    assert merged.sizes["gamma"] == 3
    assert merged.sizes["mu_bar"] == 10
    there = (merged.status == 0).values
    assert there.sum() == 9 + 2 * 2
    assert (merged.status.values[~there] == -1).all()
    assert np.isnan(merged.nonreciprocity.values[~there]).all()
    (tmp_path / "spec.toml").write_text(merged.attrs["spec"])
    after = jt.run(tmp_path / "spec.toml", tmp_path / "out.h5")
    bits(after, jt.run(tmp_path / "spec.toml", tmp_path / "whole.h5"))
    for path in paths:
        part = jt.load(path)
        same = after.nonreciprocity.sel(gamma=part.gamma, mu_bar=part.mu_bar)
        assert same.values.tobytes() == part.nonreciprocity.values.tobytes()


def test_of_points_that_are_in_several_files_the_first_is_kept(sweep, tmp_path):
    one, two = sweep("one", "gamma = [0.3, 0.5]"), sweep("two", "gamma = [0.5, 0.7]")
    largest = float(max(abs(jt.load(path).current_forward).max() for path in (one, two)))
    changed(two, "nonreciprocity", 0, lambda x: x + 5e-13 * largest)
    kept = jt.load(one).nonreciprocity.values[1]
    assert jt.load(two).nonreciprocity.values[0] != kept
    assert jt.merge([one, two], tmp_path / "out.h5").nonreciprocity.values[1] == kept
    assert jt.merge([two, one], tmp_path / "out2.h5").nonreciprocity.values[1] != kept


CONFLICTS = {
    "nonreciprocity": (0, 2e-12),
    "potential_forward": ((0, 4), 1e-6),
}


@pytest.mark.parametrize("variable", CONFLICTS)
def test_points_that_differ_are_shown(variable, sweep, tmp_path):
    index, by = CONFLICTS[variable]
    one, two = sweep("one", f"gamma = [0.3, 0.5]\n{MU}"), sweep("two", f"gamma = [0.5, 0.7]\n{MU}")
    index = (0, 7, *np.atleast_1d(index)[1:])
    largest = float(abs(jt.load(one).current_forward).max())
    mine = jt.load(one)[variable].values[(1, *index[1:])]
    changed(two, variable, index, lambda x: x + by * max(largest, 1))
    site = ", site = 5" if variable.startswith("pot") else ""
    where = f"{two} does not agree with {one}: {variable} at gamma = 0.5, mu_bar = 0.75{site} is "
    with pytest.raises(jt.InputError, match=re.escape(where)) as caught:
        jt.merge([one, two], tmp_path / "out.h5")
    assert str(caught.value).endswith(f", not {mine:.17g}")
    assert f"{jt.load(two)[variable].values[index]:.17g}" in str(caught.value)
    assert not {"out.h5", "out.h5.part", "out.h5.lock"}.intersection(p.name for p in tmp_path.iterdir())


@pytest.mark.parametrize("variable", ["status", "outside_band"])
def test_flags_have_to_agree(variable, sweep, tmp_path):
    one, two = sweep("one", "gamma = [0.3, 0.5]"), sweep("two", "gamma = [0.5, 0.7]")
    changed(two, variable, 0, lambda x: 1)
    with pytest.raises(jt.InputError, match=f"{variable} at gamma = 0.5 is 1, not 0"):
        jt.merge([one, two], tmp_path / "out.h5")


def test_a_missing_number_is_a_difference(sweep, tmp_path):
    one, two = sweep("one", "gamma = [0.3, 0.5]"), sweep("two", "gamma = [0.5, 0.7]")
    changed(two, "nonreciprocity", 0, lambda x: np.nan)
    with pytest.raises(jt.InputError, match=r"nonreciprocity at gamma = 0.5 is nan, not"):
        jt.merge([one, two], tmp_path / "out.h5")


def test_the_rounding_of_currents_is_none(sweep, tmp_path):
    """`residual` has no digits to agree in."""
    one, two = sweep("one", "gamma = [0.3, 0.5]"), sweep("two", "gamma = [0.5, 0.7]")
    changed(two, "residual", 0, lambda x: x + 1e-9)
    jt.merge([one, two], tmp_path / "out.h5")


def test_what_one_file_lacks_comes_from_another(sweep, tmp_path):
    """A point that was not computed, or crashed, is no point."""
    one, two = sweep("one", f"gamma = [0.3, 0.5]\n{MU}"), sweep("two", f"gamma = [0.5]\n{MU}")
    changed(one, "status", (1, 4), lambda x: 6)
    changed(one, "nonreciprocity", (1, 4), lambda x: np.nan)
    changed(one, "status", (0, 2), lambda x: 6)
    merged = jt.merge([one, two], tmp_path / "out.h5")
    for array in (merged.status == -1, merged.nonreciprocity.isnull()):
        assert np.argwhere(array.values).tolist() == [[0, 2]]
    assert (merged.status == 0).sum() == merged.status.size - 1


REFUSED = {
    "other physics": ("gamma = [0.5]", WIRE.replace("0.3", "0.2"), r"one.h5 are results of different sweeps"),
    "other axes": ("gamma = [0.5]\ncontact = [1.0]", WIRE, "results of different sweeps"),
    "a fixed number": ("mu_bar = [0.4]", WIRE, "results of different sweeps"),
    "a variable less": ("gamma = [0.5]", WIRE.replace('"current_forward", ', ""), "lacks current_forward"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_sweeps_are_refused(case, sweep, tmp_path):
    grid, head, says = REFUSED[case]
    one, two = sweep("one", "gamma = [0.3]"), sweep("two", grid, head)
    with pytest.raises(jt.InputError, match=says):
        jt.merge([one, two], tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def test_the_difference_is_named(sweep, tmp_path):
    one, two = sweep("one", "gamma = [0.3]"), sweep("two", "gamma = [0.5]", WIRE.replace("0.3", "0.2"))
    with pytest.raises(jt.InputError) as caught:
        jt.merge([one, two], tmp_path / "out.h5")
    assert caught.value.mistakes[1:] == (f"drive.injection: {one} has 0.3, {two} has 0.2",)


def test_files_that_cannot_be_merged(sweep, tmp_path):
    one, two = sweep("one", "gamma = [0.3]"), sweep("two", "gamma = [0.5]")
    out = tmp_path / "out.h5"
    for paths, says in (
        ([one], "two or more results, got 1"),
        ([one, one], "named twice"),
        ([one, tmp_path / "none.h5"], "no such file"),
        ([one, tmp_path / "one.toml"], "is a sweep file, not a result"),
    ):
        with pytest.raises(jt.InputError, match=says):
            jt.merge(paths, out)
    with pytest.raises(jt.InputError, match="one of the files to merge"):
        jt.merge([one, two], two, force=True)
    with pytest.raises(jt.InputError, match="expected a list of paths"):
        jt.merge(str(one), out)
    shutil.copy(one, out)
    with pytest.raises(jt.InputError, match=r"out.h5 exists; choose another output, or use --force"):
        jt.merge([one, two], out)
    assert jt.merge([one, two], out, force=True).sizes["gamma"] == 2


def test_a_search_is_refused(sweep, tmp_path, jaxtransport):
    one = sweep("one", "gamma = [0.3]")
    head = WIRE.replace("mu_bar = 0.4\n", "").partition("\n")[2].partition("\n")[2]
    (tmp_path / "zeros.toml").write_text(head + "[search]\nover = { mu_bar = [-1.9, 1.9] }\n")
    assert jaxtransport("zeros", tmp_path / "zeros.toml", "-o", tmp_path / "zeros.h5")[0] == 0
    with pytest.raises(jt.InputError, match="is the result of a search"):
        jt.merge([one, tmp_path / "zeros.h5"], tmp_path / "out.h5")


def test_a_damaged_file_is_refused(sweep, tmp_path):
    one, two = sweep("one", "gamma = [0.3]"), sweep("two", "gamma = [0.5]")
    with h5py.File(two, "r") as file:
        start = file["nonreciprocity"].id.get_offset()
    whole = bytearray(two.read_bytes())
    whole[start] ^= 1
    two.write_bytes(whole)
    with pytest.raises(jt.InputError, match=r"two.h5 is damaged"):
        jt.merge([one, two], tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def test_a_file_that_a_run_writes_is_refused(sweep, tmp_path):
    one, two = sweep("one", "gamma = [0.3]"), sweep("two", "gamma = [0.5]")
    lock = locks.Lock(two)
    try:
        with pytest.raises(jt.InputError, match=r"two.h5: a run is writing it"):
            jt.merge([one, two], tmp_path / "out.h5")
    finally:
        lock.release()
    jt.merge([one, two], tmp_path / "out.h5")


def test_all_revisions_are_named(sweep, tmp_path, monkeypatch):
    from jaxtransport.compute import runtime

    monkeypatch.setattr(runtime, "revision", lambda: "first")
    one = sweep("one", "gamma = [0.3]")
    monkeypatch.setattr(runtime, "revision", lambda: "second")
    merged = jt.merge([one, sweep("two", "gamma = [0.5]")], tmp_path / "out.h5")
    assert (merged.revision, merged.revisions) == ("first", "first second")


def test_on_the_command_line(sweep, tmp_path, jaxtransport):
    one, two = sweep("one", f"gamma = [0.3]\n{MU}"), sweep("two", "gamma = [0.5]\nmu_bar = [0.25]")
    out = tmp_path / "out.h5"
    code, said, _ = jaxtransport("merge", one, two, "-o", out)
    assert code == 0
    assert said.splitlines()[0] == f"{out}: 10 of 18 points from 2 files"
    assert "8 points left to compute" in said
    code, _, said = jaxtransport("merge", one, two, "-o", out)
    assert code == 2
    assert "exists" in said
    code, said, _ = jaxtransport("merge", one, two, "-o", out, "--force", "--json")
    assert '"computed": 10' in said
