"""Killed at any instant, a run loses at most the block in flight, and never the file."""

import random

import h5py
import numpy as np
import pytest
import xarray as xr
from support.stepwise import Run

import jaxtransport as jt
from jaxtransport.store import results

VARIABLES = ["nonreciprocity", "current_reverse", "potential_forward", "outside_band"]
SPEC = f"""\
output.variables = {VARIABLES}
[wire]
layout = "pair"
gamma = 0.5
[drive]
injection = 0.3
[grid]
delta_mu = [0.1, 0.2]
N = [12, 4, 7]
mu_bar = {{ start = -1.5, stop = 1.5, num = 44 }}
"""
BLOCKS = 17  # of 8 wires, each under both delta_mu; some reach over two N


def check(path, whole):
    """The file opens, and what it marks as solved is what an undisturbed run has."""
    with h5py.File(path) as file, xr.open_dataset(path, engine="h5netcdf") as data:
        status = file["status"][()]
        np.testing.assert_array_equal(status, data.status)
        assert set(np.unique(status)) <= {-1, 0}
        for name in VARIABLES:
            np.testing.assert_array_equal(file[name][()][status == 0], whole[name].values[status == 0])
            np.testing.assert_array_equal(data[name], file[name][()])
        for name in whole.coords:
            np.testing.assert_array_equal(data[name], whole[name])
    return np.count_nonzero(status == 0)


@pytest.mark.slow
def test_ten_kills_lose_nothing(tmp_path):
    rng = random.Random(20260117)
    one, other = tmp_path / "whole", tmp_path / "killed"
    for folder in (one, other):
        folder.mkdir()
        (folder / "spec.toml").write_text(SPEC)
    with Run(one) as run:
        steps = list(run.steps())
    whole = jt.load(one / "out.h5")
    assert np.all(whole.status == 0)
    assert steps.count("_put status") >= BLOCKS
    made = steps.index("replace") + 1

    # Two while the file is made, one as it takes its name, six while it is filled, one as it is finished.
    moments = [rng.randrange(made // 2), rng.randrange(made // 2, made - 1), made - 1]
    moments += [rng.randrange(4, 22) for _ in range(6)]
    assert sum(moments[3:]) < len(steps) - made
    path, solved = other / "out.h5", []
    for number, moment in enumerate(moments):
        if number > 2 and not path.exists():  # killed before it took its name: it is made once more
            moment += made
        with Run(other) as run:
            run.kill_during(lambda count, step, moment=moment: count == moment, rng.uniform(0, 0.003))
        if path.exists():
            solved.append(check(path, whole))
    with Run(other) as run:
        run.kill_during(lambda count, step: step == "finish", rng.uniform(0, 0.003))
    solved.append(check(path, whole))
    assert solved == sorted(solved)
    assert solved[-1] == whole.status.size
    assert len(set(solved)) > 4

    with Run(other) as run:
        assert "replace" not in list(run.steps())
    assert sorted(entry.name for entry in other.iterdir()) == ["out.h5", "spec.toml"]
    again = jt.load(path)
    assert not np.isnan(results.times(path)[1])
    xr.testing.assert_equal(again, whole)
    for name, values in whole.variables.items():
        assert again[name].attrs.keys() == values.attrs.keys()
        assert again[name].values.tobytes() == values.values.tobytes(), name
