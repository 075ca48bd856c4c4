"""The result file: resumed, refused, replaced, locked, and never left half done."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import jaxtransport as jt
from jaxtransport import models
from jaxtransport.errors import InputError
from jaxtransport.jobs.run import estimate
from jaxtransport.spec import values
from jaxtransport.spec.spec import differences
from jaxtransport.store import files, results
from jaxtransport.store import lock as locks
from jaxtransport.store import store as stores
from jaxtransport.sweep import plan as plans
from jaxtransport.sweep.evaluator import Evaluator

SPEC = """\
title = "a small sweep"
output.variables = ["nonreciprocity", "conductance"]
[wire]
layout = "pair"
N = 6
gamma = 0.5
[drive]
delta_mu = 0.1
injection = 0.3
[grid]
gamma = [0.3, 0.5, 0.7]
mu_bar = { start = -1.0, stop = 1.0, num = 8 }
"""
AXES, POINTS, BLOCKS = ("gamma", "mu_bar"), 24, 3
PACKAGE = Path(jt.__file__).parents[1]


pytestmark = pytest.mark.usefixtures("small_blocks")


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def calls(monkeypatch):
    """The blocks that are computed, as they are."""
    computed, finish = [], Evaluator.finish

    def counting(self, pending):
        computed.append(pending.block)
        return finish(self, pending)

    monkeypatch.setattr(Evaluator, "finish", counting)
    return computed


class Stop(Exception):
    pass


def stop_after(blocks):
    """A report that ends a run after so many blocks."""
    seen = []

    def report(progress):
        seen.append(progress)
        if len(seen) > blocks:
            raise Stop

    return report


def beside(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def equal_but_revision(one, other):
    """Identical, but for the revision at which they were made of a checkout that may be in work."""
    one, other = (data.assign_attrs(revision="") for data in (one, other))
    xr.testing.assert_identical(one, other)


def test_a_run_leaves_the_file_and_nothing_else(spec, calls, tmp_path):
    out = tmp_path / "new" / "folder" / "out.h5"
    data = jt.run(spec, out)
    assert beside(out) == ["out.h5"]
    assert len(calls) == BLOCKS
    assert data.sizes == {"gamma": 3, "mu_bar": 8}
    assert np.all(data.status == 0)
    assert np.all(np.isfinite(data.nonreciprocity))
    assert results.count_statuses(out) == {0: POINTS}
    started, finished = results.times(out)
    assert 1.7e9 < started <= finished


def test_the_default_output_is_named_after_the_spec(spec, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    jt.run(spec)
    assert beside(tmp_path / "results" / "small.h5") == ["small.h5"]


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_resuming_computes_only_what_is_missing(blocks, spec, calls, tmp_path):
    out = tmp_path / "out.h5"
    with pytest.raises(Stop):
        jt.run(spec, out, report=stop_after(blocks))
    assert beside(out) == ["out.h5", "small.toml"]
    assert len(calls) == blocks
    assert results.count_statuses(out).get(0, 0) == 8 * blocks
    assert np.isnan(results.times(out)[1])
    reports = []
    resumed = jt.run(spec, out, report=lambda p: reports.append((p.done, p.resumed)))
    assert len(calls) == BLOCKS
    assert reports == [(8 * done, 8 * blocks) for done in range(blocks, BLOCKS + 1)]
    equal_but_revision(resumed, jt.run(spec, tmp_path / "whole.h5"))


def test_a_finished_file_is_not_touched_by_a_second_run(spec, calls, tmp_path):
    out = tmp_path / "out.h5"
    first = jt.run(spec, out)
    before = out.read_bytes()
    second = jt.run(spec, out)
    assert len(calls) == BLOCKS
    assert out.read_bytes() == before
    xr.testing.assert_identical(first, second)


def test_a_title_is_no_reason_to_compute_again(spec, calls, tmp_path):
    out = tmp_path / "out.h5"
    jt.run(spec, out)
    jt.run(spec, out, overrides=["title=another"])
    assert len(calls) == BLOCKS


@pytest.mark.slow
def test_whoever_resumes_keeps_the_batches_of_the_file(spec, calls, monkeypatch, tmp_path):
    out = tmp_path / "out.h5"
    with pytest.raises(Stop):
        jt.run(spec, out, report=stop_after(1))
    monkeypatch.setattr(plans, "BATCH_POINTS", dict.fromkeys(plans.BATCH_POINTS, 1024))
    jt.run(spec, out)
    assert [len(block.solve) for block in calls] == [8, 8, 8]


def refused(spec, out, *says, **options):
    """`jt.run` is refused, says all of `says`, and leaves everything as it was."""
    files = {path: path.read_bytes() for path in Path(spec).parent.rglob("*") if path.is_file()}
    with pytest.raises(InputError) as caught:
        jt.run(spec, out, **options)
    text = str(caught.value)
    assert str(out) in text
    for part in says:
        assert part in text, text
    assert {path: path.read_bytes() for path in Path(spec).parent.rglob("*") if path.is_file()} == files
    return caught.value


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("wire.N=8", "wire.N: the file has 6, the spec has 8"),
        ("drive.injection=0.2", "drive.injection: the file has 0.3, the spec has 0.2"),
        ("grid.gamma=[0.3]", "grid.gamma: the file has [0.3, 0.5, 0.7], the spec has [0.3]"),
        ("wire.gamma=0.3", 'grid.order: the file has ["gamma", "mu_bar"], the spec has ["mu_bar"]'),
        ("grid.onsite=[0.0]", "grid.onsite: the file has nothing, the spec has [0.0]"),
        ('output.variables=["nonreciprocity", "residual"]', "out.h5 lacks residual"),
    ],
)
def test_another_spec_is_refused_and_told_apart(override, says, spec, calls, tmp_path):
    out = tmp_path / "out.h5"
    jt.run(spec, out)
    refused(spec, out, says, "--force", overrides=[override])
    assert len(calls) == BLOCKS


def test_every_difference_is_told(spec, tmp_path):
    out = tmp_path / "out.h5"
    jt.run(spec, out)
    error = refused(spec, out, overrides=["wire.N=8", "drive.delta_mu=0.2", "wire.contact=[0.9, 1.0]"])
    assert [line.split(":")[0] for line in error.mistakes[1:]] == ["drive.delta_mu", "wire.N", "wire.contact"]


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [0, 1, BLOCKS])
def test_fewer_variables_than_a_file_has_are_no_other_spec(blocks, spec, calls, tmp_path):
    out, fewer = tmp_path / "out.h5", ['output.variables=["conductance", "status", "gamma"]']
    if blocks < BLOCKS:
        with pytest.raises(Stop):
            jt.run(spec, out, report=stop_after(blocks))
    else:
        jt.run(spec, out)
    resumed = jt.run(spec, out, overrides=fewer)
    assert len(calls) == BLOCKS
    equal_but_revision(resumed, jt.run(spec, tmp_path / "whole.h5"))


@pytest.mark.slow
def test_what_is_stored_anyway_may_be_named(spec, tmp_path):
    named = ['output.variables=["nonreciprocity", "status", "mu_bar", "conductance", "gamma"]']
    plain, same = jt.run(spec, tmp_path / "one.h5"), jt.run(spec, tmp_path / "two.h5", overrides=named)
    assert set(plain.variables) == set(same.variables)


def test_the_order_of_the_variables_is_no_difference(spec, calls, tmp_path):
    out = tmp_path / "out.h5"
    jt.run(spec, out)
    jt.run(spec, out, overrides=['output.variables=["conductance", "nonreciprocity"]'])
    assert len(calls) == BLOCKS


@pytest.mark.slow
def test_force_replaces(spec, calls, tmp_path):
    out = tmp_path / "out.h5"
    jt.run(spec, out)
    data = jt.run(spec, out, overrides=["wire.N=8", "wire.gamma=0.3"], force=True)
    assert data.sizes == {"mu_bar": 8}
    assert len(calls) == BLOCKS + 1
    assert beside(out) == ["out.h5", "small.toml"]
    equal_but_revision(data, jt.run(spec, tmp_path / "new.h5", overrides=["wire.N=8", "wire.gamma=0.3"]))


def test_force_keeps_the_old_file_until_the_new_one_is_whole(spec, monkeypatch, tmp_path):
    out = tmp_path / "out.h5"
    jt.run(spec, out)
    before = out.read_bytes()

    def fail(*_):
        assert out.read_bytes() == before
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_fill", fail)
    with pytest.raises(KeyboardInterrupt):
        jt.run(spec, out, overrides=["wire.N=8"], force=True)
    assert out.read_bytes() == before
    assert beside(out) == ["out.h5", "small.toml"]


@pytest.mark.parametrize("force", [False, True])
def test_an_output_that_is_something_else_is_refused(force, spec, tmp_path):
    folder, text, empty, foreign = (tmp_path / name for name in ("f", "text.h5", "empty.h5", "foreign.h5"))
    folder.mkdir()
    text.write_text("not HDF5")
    empty.write_bytes(b"")
    with h5py.File(foreign, "w") as file:
        file["status"] = [1, 2, 3]
    refused(spec, folder, "is a folder", force=force)
    refused(spec, text, "not an HDF5 file", force=force)
    refused(spec, empty, "not an HDF5 file", force=force)
    refused(spec, foreign, "not a result of jaxtransport", force=force)


@pytest.mark.slow
def test_a_result_that_was_cut_short_is_refused(spec, tmp_path):
    whole, cut = tmp_path / "whole.h5", tmp_path / "cut.h5"
    jt.run(spec, whole)
    cut.write_bytes(whole.read_bytes()[:4000])
    refused(spec, cut, "cannot be opened")


@pytest.mark.parametrize("below", ["out.h5", "folder/out.h5"])
def test_an_output_below_a_file_is_refused(below, spec, tmp_path):
    """No folder can be made there, whoever runs it; a folder without permission fails likewise."""
    (tmp_path / "file").write_text("a file")
    refused(spec, tmp_path / "file" / below)


def test_an_output_whose_name_is_too_long_is_refused(spec, tmp_path):
    refused(spec, tmp_path / ("x" * 251 + ".h5"))


@pytest.mark.parametrize("name", ["out.h5.part", "out.h5.lock"])
def test_a_folder_in_the_way_of_a_temporary_file_is_refused(name, spec, tmp_path):
    (tmp_path / name).mkdir()
    refused(spec, tmp_path / "out.h5")


def test_a_folder_that_forbids_writing_is_refused(spec, monkeypatch, tmp_path):
    """As for anyone but root: opening a new file there fails."""
    really, locked = os.open, tmp_path / "locked"
    locked.mkdir()

    def forbid(path, flags, *more, **options):
        if Path(os.fsdecode(path)).parent == locked and flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied", os.fsdecode(path))
        return really(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", forbid)
    refused(spec, locked / "out.h5")
    assert list(locked.iterdir()) == []


def test_without_space_nothing_is_left_behind(spec, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "free_bytes", lambda path: 1000)
    refused(spec, tmp_path / "out.h5", "1,000 free", "free some space")
    assert beside(spec) == ["small.toml"]


def test_without_space_no_folder_is_left_behind(spec, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "free_bytes", lambda path: 1000)
    refused(spec, tmp_path / "new" / "out.h5", "1,000 free")
    assert beside(spec) == ["small.toml"]


def test_without_space_an_existing_file_stays(spec, monkeypatch, tmp_path):
    out = tmp_path / "out.h5"
    jt.run(spec, out)
    monkeypatch.setattr(files, "free_bytes", lambda path: 1000)
    refused(spec, out, "1,000 free", overrides=["wire.N=8"], force=True)
    jt.run(spec, out)  # is whole, and needs no space


def test_a_disk_that_fills_while_the_file_is_made(spec, monkeypatch, tmp_path):
    def fill(file, *_):
        file["half"] = np.zeros(1000)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_fill", fill)
    refused(spec, tmp_path / "out.h5", "No space left on device")
    assert beside(spec) == ["small.toml"]


def test_free_space_is_that_of_the_nearest_folder(tmp_path):
    assert files.free_bytes(tmp_path / "not" / "yet" / "out.h5") > 0


@pytest.mark.parametrize("shape", [(1, 300000), (20, 20000), (300, 1)])
def test_the_estimate_is_the_size_of_the_file(shape, spec, tmp_path):
    """And never less: a disk that is too small is to be known before."""
    axes = [f"grid.{name}={{start=0.1, stop=1.0, num={num}}}" for name, num in zip(AXES, shape, strict=True)]
    parsed = models.read(spec, axes)
    out = tmp_path / "out.h5"
    cost = estimate(parsed, out)
    assert cost.points == shape[0] * shape[1]
    task = models.make_task(parsed)
    files.create(out, task, {"spec": parsed.text})
    size = out.stat().st_size
    assert size <= cost.bytes
    assert cost.bytes < 1.05 * size + 2**20


# Holds the lock of an output until it is told to stop, or killed.
HOLDER = """
import sys
from pathlib import Path
from jaxtransport.store.lock import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
lock.release()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that writes out.h5."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "out.h5")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PACKAGE,
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("force", [False, True])
def test_a_second_writer_is_refused_while_the_first_writes(force, holder, spec, tmp_path):
    out = tmp_path / "out.h5"
    refused(spec, out, "another run is writing it", force=force)
    assert beside(out) == ["out.h5.lock", "small.toml"]
    holder.communicate("stop\n")
    assert beside(out) == ["small.toml"]
    jt.run(spec, out, force=force)


def test_a_lock_left_by_a_killed_run_is_no_obstacle(holder, spec, tmp_path):
    out = tmp_path / "out.h5"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert beside(out) == ["out.h5.lock", "small.toml"]
    jt.run(spec, out)
    assert beside(out) == ["out.h5", "small.toml"]


def test_what_a_killed_run_left_half_made_is_cleared_away(spec, calls, tmp_path):
    out = tmp_path / "out.h5"
    part = tmp_path / "out.h5.part"
    part.write_bytes(b"half a file")
    jt.run(spec, out)
    assert beside(out) == ["out.h5", "small.toml"]
    part.write_bytes(b"half a file that should have replaced it")
    jt.run(spec, out)
    assert len(calls) == BLOCKS
    assert beside(out) == ["out.h5", "small.toml"]


# Reads an unfinished result every way there is, and says how many points it found.
READER = """
import sys
import h5py, numpy as np, xarray as xr
import jaxtransport as jt
path = sys.argv[1]
loaded = jt.load(path)
with xr.open_dataset(path, engine="h5netcdf") as data:
    xr.testing.assert_identical(data.load(), loaded)
with h5py.File(path, "r") as file:
    status = file["status"][()]
np.testing.assert_array_equal(status, loaded.status)
np.testing.assert_array_equal(np.isfinite(loaded.conductance), status == 0)
print(np.count_nonzero(status == 0))
"""


@pytest.mark.slow
def test_a_result_can_be_read_elsewhere_while_it_is_written(spec, tmp_path):
    out = tmp_path / "out.h5"

    def look(progress):
        if progress.done == 8:
            command = [sys.executable, "-W", "error", "-c", READER, str(out)]
            done = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE)
            assert (done.stdout, done.stderr) == ("8\n", "")

    data = jt.run(spec, out, report=look)
    assert np.all(data.status == 0)


def test_a_result_can_be_loaded_here_while_it_is_written(spec, tmp_path):
    out, counted = tmp_path / "out.h5", []

    def look(progress):
        assert results.count_statuses(out).get(0, 0) == progress.done
        assert results.read_attributes(out)["title"] == "a small sweep"
        loaded = jt.load(out)
        np.testing.assert_array_equal(np.isfinite(loaded.conductance), loaded.status == 0)
        counted.append(np.count_nonzero(loaded.status == 0))

    jt.run(spec, out, report=look)
    assert counted == [0, 8, 16, 24]


def test_a_run_inside_a_run_on_the_same_output_is_refused(spec, tmp_path):
    out = tmp_path / "out.h5"

    def again(progress):
        with pytest.raises(InputError, match="another run is writing it"):
            jt.run(spec, out)

    jt.run(spec, out, report=again)


def test_what_is_returned_holds_no_file_open(spec, tmp_path):
    out = tmp_path / "out.h5"
    ran, loaded = jt.run(spec, out), jt.load(out)
    with h5py.File(out, "r+") as file:  # with HDF5's own lock
        file["nonreciprocity"][...] = 7.0  # no value of this sweep, while 0 may be one
    out.unlink()
    assert np.all(ran.nonreciprocity != 7)
    xr.testing.assert_identical(ran, loaded)


def test_every_status_is_written_after_its_values(spec, monkeypatch, tmp_path):
    """Read the file between any two writes: whatever is marked solved is there."""
    out, put, seen = tmp_path / "out.h5", stores.Store._put, []

    def watched(self, name, block, values):
        put(self, name, block, values)
        with h5py.File(out, "r", locking=False) as file:
            solved = file["status"][()] == 0
            for variable in ("nonreciprocity", "conductance"):
                assert np.all(np.isfinite(file[variable][()][solved]))
        seen.append(name)

    monkeypatch.setattr(stores.Store, "_put", watched)
    jt.run(spec, out)
    assert seen == ["nonreciprocity", "conductance", "status"] * BLOCKS


@pytest.mark.parametrize("overrides", [[], ["wire.gamma=0.5", "drive.mu_bar=1.0"]], ids=["grid", "point"])
def test_once_the_file_is_there_only_values_change(overrides, spec, tmp_path):
    """And no metadata: a kill between two writes of those could leave a file that does not open."""
    out, created = tmp_path / "out.h5", []

    def keep(progress):
        created.append(created[0] if created else out.read_bytes())

    jt.run(spec, out, overrides=overrides, report=keep)
    finished = out.read_bytes()
    assert len(finished) == len(created[0])
    changed = np.frombuffer(finished, np.uint8) != np.frombuffer(created[0], np.uint8)
    with h5py.File(out) as file:
        for dataset in (*file.values(), *file["run"].values()):
            if isinstance(dataset, h5py.Dataset):
                start = dataset.id.get_offset()
                changed[start : start + dataset.nbytes] = False
    assert not changed.any()


@pytest.mark.slow
def test_a_spec_longer_than_an_attribute_is_stored_whole(tmp_path):
    N = 5000
    onsite = np.random.default_rng(1).uniform(-0.1, 0.1, N).tolist()
    path, out = tmp_path / "long.toml", tmp_path / "out.h5"
    text = SPEC.replace("N = 6", f"N = {N}\nonsite = {onsite}")
    assert len(text) > 2**16
    path.write_text(text)
    parsed = models.read(path)
    task = models.make_task(parsed)
    files.create(out, task, {"spec": parsed.text})
    with h5py.File(out) as file:
        again = file.attrs["spec"]
    assert again == text
    assert models.parse(again).fingerprint == parsed.fingerprint


def test_a_long_list_that_differs_is_shown_in_short():
    lines = differences({"wire.onsite": [0.0] * 1000}, {"wire.onsite": [1.0] * 1000, "wire.N": 3})
    assert lines[0] == "wire.N: the file has nothing, the spec has 3"
    assert len(lines[1]) < 200


@pytest.mark.parametrize("read", [jt.load, results.read_attributes, results.count_statuses, results.times])
def test_reading_what_is_no_result_is_refused(read, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nothing.h5")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(InputError, match="not an HDF5 file"):
        read(tmp_path / "text.h5")
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["x"] = 1.0
    with pytest.raises(InputError, match="not a result of jaxtransport"):
        read(tmp_path / "foreign.h5")


@pytest.mark.slow
def test_a_link_is_followed_and_shares_its_lock(spec, tmp_path):
    """One file has one lock, by whatever name; --force replaces the file and keeps the link."""
    real, link = tmp_path / "real.h5", tmp_path / "link.h5"
    link.symlink_to(real)
    jt.run(spec, link)
    assert link.is_symlink()
    assert real.is_file()
    lock = locks.Lock(real)
    try:
        with pytest.raises(jt.InputError, match="another run"):
            jt.run(spec, link)
    finally:
        lock.release()
    jt.run(spec, link, overrides=["wire.N=8"], force=True)
    assert link.is_symlink()


@pytest.mark.parametrize("name", ["out.h5.lock", "out.h5.part"])
def test_names_that_runs_use_themselves_are_refused(name, spec, tmp_path):
    with pytest.raises(jt.InputError, match="choose another name"):
        jt.run(spec, tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["conductance", "status", "gamma"])
def test_a_damaged_result_is_not_called_complete(part, spec, tmp_path):
    out = tmp_path / "out.h5"
    jt.run(spec, out, overrides=["grid.gamma=[0.3, 0.5]", "output.variables=['conductance']"])
    with h5py.File(out, "r+") as file:
        del file[part]
    with pytest.raises(jt.InputError, match=f"damaged.*{part}"):
        jt.run(spec, out, overrides=["grid.gamma=[0.3, 0.5]", "output.variables=['conductance']"])


@pytest.mark.slow
@pytest.mark.parametrize("attribute", ["spec", "fingerprint", "plan", "device"])
def test_a_result_without_an_attribute_is_damaged(attribute, spec, tmp_path):
    out = tmp_path / "out.h5"
    jt.run(spec, out)
    with h5py.File(out, "r+") as file:
        del file.attrs[attribute]
    with pytest.raises(jt.InputError, match=f"damaged.*{attribute}"):
        jt.run(spec, out)


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [1, BLOCKS])
def test_a_file_whose_ranges_were_rounded_otherwise_goes_on(blocks, spec, calls, monkeypatch, tmp_path):
    """As versions did that added a step again and again: its axes stay as they are."""
    out, ranged = tmp_path / "out.h5", ["grid.gamma={ start = 0.1, stop = 0.35, step = 0.1 }"]
    with monkeypatch.context() as old:
        old.setattr(values, "_evenly", lambda start, step, last: [start + i * step for i in range(last + 1)])
        old.setattr(values, "_between", lambda *ends: np.linspace(*ends).tolist())
        with contextlib.suppress(Stop):
            jt.run(spec, out, overrides=ranged, report=stop_after(blocks))
    assert jt.load(out).gamma.values[2] == 0.1 + 2 * 0.1 != 0.3
    data = jt.run(spec, out, overrides=ranged)
    assert len(calls) == BLOCKS
    assert data.gamma.values[2] != 0.3
    assert np.all(data.status == 0)
    refused(spec, out, "grid.gamma: the file has", overrides=["grid.gamma=[0.1, 0.2, 0.31]"])
