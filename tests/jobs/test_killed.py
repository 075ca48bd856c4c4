"""Killed at any instant, an extension or a merge leaves its files whole, and the same command ends it."""

import random
import shutil

import h5py
import numpy as np
import pytest
from support.stepwise import Run

import jaxtransport as jt
from jaxtransport.store import results

pytestmark = pytest.mark.slow

SPEC = """\
output.variables = ["nonreciprocity", "potential_forward", "outside_band"]
[wire]
layout = "pair"
gamma = 0.5
[drive]
injection = 0.3
[grid]
"""
FEW = "delta_mu = [0.1, 0.2]\nN = [16, 4]\nmu_bar = { start = -1.5, stop = 1.5, num = 11 }\n"
MANY = "delta_mu = [0.1, 0.3, 0.2]\nN = [16, 4, 7]\nmu_bar = { start = -1.5, stop = 1.5, num = 21 }\n"
OTHER = "delta_mu = [0.3, 0.2]\nN = [16, 7]\nmu_bar = { start = -1.5, stop = 1.5, num = 11 }\n"
EXTENDED = 'jt.run("spec.toml", "out.h5", extend=True)'
SMALL_COPIES = "from jaxtransport.store import copy; copy.AT_ONCE = 2000; "


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Results of both grids, and of one that overlaps with the first, each by one run."""
    folder = tmp_path_factory.mktemp("made")
    for name, grid in (("few", FEW), ("many", MANY), ("other", OTHER)):
        (folder / f"{name}.toml").write_text(SPEC + grid)
        with Run(folder, f'jt.run("{name}.toml", "{name}.h5")') as run:
            assert list(run.steps())
    return folder


def points(path):
    """Numbers of a file by its coordinates, where it has any."""
    with h5py.File(path) as file:
        status = file["status"][()]
        names = [file["status"].dims[i][0].name.strip("/") for i in range(status.ndim)]
        axes = [file[name][()] for name in names]
        values = {name: file[name][()] for name in ("nonreciprocity", "potential_forward", "outside_band")}
    found = {}
    for index in np.argwhere(status >= 0):
        at = tuple(float(axis[i]) for axis, i in zip(axes, index, strict=True))
        found[at] = b"".join(array[tuple(index)].tobytes() for array in values.values())
    return found


@pytest.mark.parametrize("seed", range(3))
def test_killed_extensions_lose_nothing(seed, made, tmp_path):
    rng = random.Random(seed)
    out, few, whole = tmp_path / "out.h5", points(made / "few.h5"), points(made / "many.h5")
    shutil.copy(made / "few.h5", out)
    shutil.copy(made / "many.toml", tmp_path / "spec.toml")
    with Run(tmp_path, SMALL_COPIES + EXTENDED) as run:
        steps = list(run.steps())
    made_in = steps.index("replace")
    copying = [i for i, step in enumerate(steps[:made_in]) if step.startswith("_put")]
    assert len(copying) > 10
    shutil.copy(made / "few.h5", out)
    before = out.read_bytes()
    moments = [rng.randrange(copying[0]), *rng.choices(copying, k=3), rng.randrange(copying[0], made_in)]
    for moment in moments:
        with Run(tmp_path, SMALL_COPIES + EXTENDED) as run:
            run.kill_during(lambda count, step, moment=moment: count == moment, rng.uniform(0, 0.003))
        assert out.read_bytes() == before
    solved = []
    for number in range(5):
        moment = (
            made_in if number == 0 else rng.randrange(4, 14) + (0 if out.read_bytes() != before else made_in)
        )
        with Run(tmp_path, SMALL_COPIES + EXTENDED) as run:
            run.kill_during(lambda count, step, moment=moment: count == moment, rng.uniform(0, 0.003))
        found = points(out)
        assert found.items() <= whole.items()
        assert few.keys() <= found.keys()
        results.require_intact(out)
        solved.append(len(found))
    assert solved == sorted(solved)
    with Run(tmp_path, SMALL_COPIES + EXTENDED) as run:
        assert list(run.steps())
    assert points(out) == whole
    results.require_intact(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.h5", "spec.toml"]
    one, other = jt.load(out), jt.load(made / "many.h5")
    for name, values in other.variables.items():
        assert one[name].values.tobytes() == values.values.tobytes(), name


def test_killed_merges_leave_no_output(made, tmp_path):
    rng = random.Random(7)
    for name in ("few.h5", "other.h5"):
        shutil.copy(made / name, tmp_path / name)
    before = [(tmp_path / name).read_bytes() for name in ("few.h5", "other.h5")]
    merged = SMALL_COPIES + 'jt.merge(["few.h5", "other.h5"], "out.h5")'
    with Run(tmp_path, merged) as run:
        steps = list(run.steps())
    whole, out = points(tmp_path / "out.h5"), tmp_path / "out.h5"
    assert whole == points(made / "few.h5") | points(made / "other.h5")
    out.unlink()
    for moment in rng.sample(range(steps.index("replace")), 4):
        with Run(tmp_path, merged) as run:
            run.kill_during(lambda count, step, moment=moment: count == moment, rng.uniform(0, 0.003))
        assert not out.exists()
    with Run(tmp_path, merged) as run:
        assert list(run.steps())
    assert points(out) == whole
    assert [(tmp_path / name).read_bytes() for name in ("few.h5", "other.h5")] == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["few.h5", "other.h5", "out.h5"]
