"""Averages and zipped axes of finished files: more members, more points, files joined."""

from pathlib import Path

import numpy as np
import pytest
from support.checks import close
from support.stored import same

import jaxtransport as jt
from jaxtransport.sweep import average as module

WIRE = """\
[wire]
layout = "pair"
onsite = { pattern = "disorder", width = 1.0 }
[drive]
mu_bar = 0.3
delta_mu = 0.1
injection = 0.2
[output]
variables = ["nonreciprocity", "conductance"]
"""
AVERAGE = '[average]\nover = "onsite.seed"\nstatistics = ["error", "variance", "typical"]\n'


@pytest.fixture(autouse=True)
def small_pieces(small_blocks, monkeypatch, tmp_path):
    """Pieces of 16 members, blocks of one piece or 8 points."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "PIECE", 16)


def spec(seeds=100, gamma="[0.3, 0.4]", N="[6, 8]", more="", average=AVERAGE):
    seeds = f'"onsite.seed" = {{ start = 0, stop = {seeds - 1}, step = 1 }}\n'
    return f"{WIRE}[grid]\ngamma = {gamma}\n{seeds}N = {N}\n{average}{more}"


def run(text, name="out", **how):
    Path(f"{name}.toml").write_text(text)
    return jt.run(f"{name}.toml", f"{name}.h5", **how)


def counted():
    """A report that counts the members that were computed."""
    seen = []
    return seen, lambda progress: seen.append((progress.total, progress.done, progress.resumed))


@pytest.mark.parametrize(("few", "many"), [(96, 240), (100, 250), (10, 12)])
def test_more_members_continue_the_sums(few, many):
    """Bit for bit as of one run; only those are computed that no whole piece has."""
    run(spec(many), "whole")
    run(spec(few))
    with (
        pytest.raises(jt.InputError, match=r"other values of onsite\.seed.*--extend")
        if few >= 16
        else (pytest.raises(jt.InputError, match="another spec"))
    ):
        run(spec(many))
    seen, report = counted()
    run(spec(many), extend=True, force=few < 16, report=report)
    same("whole.h5", "out.h5")
    assert seen[0] == (4 * many, 4 * (few // 16 * 16), 4 * (few // 16 * 16))
    assert not Path("out.h5.before").exists()


@pytest.mark.parametrize("lost", [False, True])
def test_interrupted_while_extended(lost):
    run(spec(200), "whole")
    run(spec(100))
    Path("out.toml").write_text(spec(200))
    tries = 0

    def report(progress):
        if progress.done > progress.resumed:
            raise KeyboardInterrupt

    while True:
        try:
            jt.run("out.toml", "out.h5", extend=True, report=report)
            break
        except KeyboardInterrupt:
            tries += 1
            if lost and tries == 3:
                Path("out.h5.before").unlink()
            if lost and tries == 5:
                Path("out.h5.members").unlink(missing_ok=True)
    assert tries > 10
    same("whole.h5", "out.h5")


def test_more_points_of_the_same_members():
    run(spec(gamma="[0.3, 0.35, 0.4, 0.5]", N="[6, 7, 8, 12]"), "whole")
    old = run(spec())
    seen, report = counted()
    new = run(spec(gamma="[0.3, 0.35, 0.4, 0.5]", N="[6, 7, 8, 12]"), extend=True, report=report)
    assert seen[0] == (1600, 400, 400)
    for name in old.data_vars:
        there = new[name].sel(gamma=old.gamma, N=old.N)
        np.testing.assert_array_equal(there.transpose(*old[name].dims), old[name])
    whole = jt.load("whole.h5")
    for name in whole.data_vars:  # the array of N = 8 is padded in one run, and not in the other
        close(new[name].values, whole[name].values, 1e-12, np.max(np.abs(whole[name].values)))


def test_more_points_and_more_members():
    run(spec(200, gamma="[0.2, 0.3, 0.4]"), "whole")
    run(spec(100))
    seen, report = counted()
    run(spec(200, gamma="[0.2, 0.3, 0.4]"), extend=True, report=report)
    assert seen[0] == (1200, 4 * 96, 4 * 96)
    same("whole.h5", "out.h5")


def test_until_an_error_is_small_enough():
    until = 'until = { error = 0.0101, of = "conductance" }\n'
    whole, old = run(spec(400, more=until), "whole"), run(spec(100, more=until))
    assert int(old.members.min()) < 100 == int(old.members.max())
    run(spec(400, more=until), extend=True)
    same("whole.h5", "out.h5")
    assert int(whole.members.max()) > 100


def test_no_member_counts_twice_where_some_injections_needed_fewer():
    """Injections are computed together: of one gamma, one has an error small enough and one has not."""
    until = 'until = { error = 0.01, of = "current_forward" }\n'
    text = lambda seeds: (
        spec(seeds, N="[6]", more=until)
        .replace("injection = 0.2\n", "")
        .replace("[grid]\n", "[grid]\ninjection = [0.02, 0.1, 0.5]\n")
        .replace('"nonreciprocity"', '"current_forward"')
    )
    whole, old = run(text(400), "whole"), run(text(100))
    few = old.members.min("injection")
    assert bool(((few < 96) & (few < whole.members.max("injection"))).any())
    assert int(old.members.max()) == 100 < int(whole.members.max())
    run(text(400), extend=True)
    same("whole.h5", "out.h5")


def test_sums_of_other_variables_are_not_used():
    """A run that extends leaves its sums behind; one of the same sweep with more variables comes."""
    one = WIRE.replace('"nonreciprocity", ', "")
    few, many = (spec(seeds).replace(WIRE, one) for seeds in (100, 200))
    run(few)

    def report(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(many, extend=True, report=report)
    assert Path("out.h5.before").exists()
    run(spec(200), "whole")
    run(spec(200), force=True)
    same("whole.h5", "out.h5")


def test_what_cannot_be_extended():
    with_quantiles = AVERAGE.replace('"error"', '"quantiles"')
    run(spec(average=with_quantiles))
    with pytest.raises(jt.InputError, match="quantiles need every member"):
        run(spec(200, average=with_quantiles), extend=True)
    run(spec(), force=True)
    for wrong in (spec(50), spec(200).replace("start = 0", "start = 1")):
        with pytest.raises(jt.InputError, match=r"more values of onsite\.seed behind those of the file"):
            run(wrong, extend=True)
    with pytest.raises(jt.InputError, match="another spec"):
        run(spec(200, average=AVERAGE.replace('"error", ', "")), extend=True)


def test_merged_averages():
    run(spec(gamma="[0.2, 0.3, 0.4]"), "whole")
    run(spec(gamma="[0.3]"), "a")
    run(spec(gamma="[0.2, 0.3, 0.4]", N="[6, 8]"), "b")
    run(spec(gamma="[0.2, 0.4]"), "c")
    jt.merge(["a.h5", "c.h5"], "out.h5")
    one, other = jt.load("whole.h5"), jt.load("out.h5")
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name], other[name].transpose(*one[name].dims))
    jt.merge(["a.h5", "b.h5"], "overlap.h5")
    run(spec(200, gamma="[0.2]"), "more")
    run(spec(50, gamma="[0.2]"), "fewer")
    run(
        spec(100, gamma="[0.2]").replace("start = 0, stop = 99, step = 1", "start = 99, stop = 0, step = -1"),
        "back",
    )
    for other in ("more", "fewer", "back"):
        with pytest.raises(jt.InputError, match=r"averages over other values of onsite\.seed"):
            jt.merge(["a.h5", f"{other}.h5"], "wrong.h5")
    run(spec(gamma="[0.2, 0.3, 0.4]"), "out", extend=True)  # complete


ZIPPED = """\
[wire]
layout = "pair"
N = 8
[drive]
delta_mu = 0.1
[grid]
"gamma, mu_bar" = {rows}
[derive]
injection = "0.1 + gamma"
"""


def test_zipped_axes_are_extended_and_merged():
    rows = [[0.1, 0.5], [0.2, 0.7], [0.3, 0.6], [0.4, 0.1]]
    whole = run(ZIPPED.format(rows=rows), "whole")
    run(ZIPPED.format(rows=rows[:2]))
    run(ZIPPED.format(rows=rows[1:]), "b")
    merged = jt.merge(["out.h5", "b.h5"], "merged.h5")
    seen, report = counted()
    extended = run(ZIPPED.format(rows=rows), extend=True, report=report)
    assert seen[0] == (4, 2, 2)
    for found in (merged, extended):
        for name in ("mu_bar", "injection", "nonreciprocity", "conductance"):
            np.testing.assert_array_equal(found[name], whole[name])
    other = run(ZIPPED.format(rows=[[0.1, 0.9], [0.2, 0.7]]), "c")
    assert not np.array_equal(other.nonreciprocity[0], whole.nonreciprocity[0])
    with pytest.raises(jt.InputError, match=r"c\.h5: at gamma = 0\.1 it has another mu_bar"):
        jt.merge(["out.h5", "c.h5"], "wrong.h5")
    # a value of gamma with another mu_bar is another point: it is computed
    changed = run(ZIPPED.format(rows=[[0.1, 0.9], *rows[1:]]), extend=True, force=True)
    np.testing.assert_array_equal(changed.nonreciprocity[1:], whole.nonreciprocity[1:])
    close(changed.nonreciprocity[0], other.nonreciprocity[0], 1e-14, 1.0)
