"""What disks and people do to a result file: no space, a failing write, removed, replaced, cut short."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import jaxtransport as jt
from jaxtransport.errors import InputError
from jaxtransport.store import results
from jaxtransport.store.in_place import RawDataset

PACKAGE = Path(jt.__file__).parents[1]
SPEC = """\
output.variables = ["nonreciprocity", "conductance", "potential_forward"]
[wire]
layout = "pair"
N = 100
gamma = 0.5
[drive]
delta_mu = 0.1
injection = 0.3
[grid]
gamma = [0.3, 0.5, 0.7]
mu_bar = { start = -1.0, stop = 1.0, num = 16 }
"""
POINTS, BLOCK, PER_POINT = 48, 8, 817


@pytest.fixture(autouse=True)
def folder(small_blocks, monkeypatch, tmp_path):
    """A folder of its own for each test, with the spec."""
    monkeypatch.chdir(tmp_path)
    Path("spec.toml").write_text(SPEC)


def when(blocks, act):
    """A report that does something once so many blocks are on file."""

    def report(progress):
        if progress.done == blocks * BLOCK:
            act()

    return report


def stored(path):
    """How many points of a file are solved; each of them has its values."""
    with h5py.File(path) as file, xr.open_dataset(path, engine="h5netcdf") as data:
        solved = file["status"][()] == 0
        assert np.all(np.isfinite(file["conductance"][()][solved]))
        np.testing.assert_array_equal(data.status == 0, solved)
        return int(np.count_nonzero(solved))


def goes_on_to_equal(path):
    """A run on what is there ends with the bytes of one that was left alone."""
    jt.run("spec.toml", path)
    whole = jt.run("spec.toml", "whole.h5")
    again = jt.load(path)
    for name in ("nonreciprocity", "conductance", "potential_forward", "status"):
        assert again[name].values.tobytes() == whole[name].values.tobytes()


# A run under a limit on the size of files, as `ulimit -f` sets it; HDF5 crashes of one if it is let.
LIMITED = """
import resource, sys
from jaxtransport.cli import commands as cli
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop()), resource.RLIM_INFINITY))
cli.main()
"""


def limited(limit, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "run", "spec.toml", *arguments, str(limit)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0, 2000, 30_000, POINTS * PER_POINT])
def test_a_file_that_may_not_get_so_large_is_refused_and_leaves_nothing(limit):
    """From none of it to all the numbers without the attributes."""
    code, said = limited(limit, "-o", "new/folder/out.h5")
    assert code == 2
    assert "output " in said
    assert "new/folder/out.h5 cannot be written (File too large; it needs 1," in said
    assert "Traceback" not in said
    assert sorted(os.listdir()) == ["spec.toml"]


@pytest.mark.slow
@pytest.mark.parametrize("limit", [2000, 30_000])
def test_what_a_forced_run_would_replace_stays_where_there_is_no_space(limit):
    jt.run("spec.toml", "out.h5")
    before = Path("out.h5").read_bytes()
    code, said = limited(limit, "-o", "out.h5", "--force", "--set", "wire.N=120")
    assert code == 2, said
    assert "File too large" in said
    assert Path("out.h5").read_bytes() == before
    assert sorted(os.listdir()) == ["out.h5", "spec.toml"]


@pytest.mark.slow
@pytest.mark.parametrize("writes", [0, 1, 5, 12, 17])
def test_a_write_that_fails_leaves_a_file_that_goes_on(writes, monkeypatch):
    """Whichever of the writes of a block it is, and though half of it may be done."""
    really, count = os.pwrite, []

    def failing(descriptor, data, offset):
        count.append(1)
        if len(count) > writes:
            really(descriptor, data[: len(data) // 2], offset)
            raise OSError(28, "No space left on device")
        return really(descriptor, data, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", failing)
        with pytest.raises(InputError, match=r"can no longer be written \(No space left on device\)"):
            jt.run("spec.toml", "out.h5")
    assert set(results.count_statuses("out.h5")) <= {-1, 0}
    assert stored("out.h5") in (0, BLOCK, 2 * BLOCK, 3 * BLOCK, 4 * BLOCK)
    goes_on_to_equal("out.h5")


@pytest.mark.slow
def test_a_limit_that_comes_in_mid_run_is_a_message():
    """The same by the system itself: the last bytes of the file are out of reach from some block on."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def lower():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))

    try:
        with pytest.raises(
            InputError, match=r"can no longer be written \(File too large\); finished points are kept"
        ):
            jt.run("spec.toml", "out.h5", report=when(1, lower))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert stored("out.h5") >= BLOCK
    goes_on_to_equal("out.h5")


@pytest.mark.slow
def test_a_file_that_is_removed_comes_back():
    with pytest.raises(
        InputError, match=r"out\.h5 was removed during the run; its finished points were saved"
    ):
        jt.run("spec.toml", "out.h5", report=when(2, lambda: os.remove("out.h5")))
    assert sorted(os.listdir()) == ["out.h5", "spec.toml"]
    assert stored("out.h5") == 2 * BLOCK
    goes_on_to_equal("out.h5")


@pytest.mark.slow
def test_a_folder_that_is_moved_away_keeps_its_file():
    def move():
        os.rename("results", "elsewhere")

    with pytest.raises(InputError, match="was removed during the run; its finished points were saved"):
        jt.run("spec.toml", "results/out.h5", report=when(2, move))
    assert stored("results/out.h5") == stored("elsewhere/out.h5") == 2 * BLOCK


@pytest.mark.slow
def test_a_file_that_is_replaced_is_saved_beside():
    Path("out-rescued-1.h5").write_text("something of the user's")

    def replace():
        Path("other").write_text("not ours")
        os.replace("other", "out.h5")

    with pytest.raises(InputError, match=r"was replaced .* saved as .*out-rescued-2\.h5: .* -o "):
        jt.run("spec.toml", "out.h5", report=when(3, replace))
    assert Path("out.h5").read_text() == "not ours"
    assert stored("out-rescued-2.h5") == 3 * BLOCK
    goes_on_to_equal("out-rescued-2.h5")


@pytest.mark.slow
def test_a_file_that_cannot_be_saved_either_says_so(monkeypatch):
    def remove():
        os.remove("out.h5")
        monkeypatch.setattr("shutil.copyfileobj", full)

    def full(*_):
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"cannot be saved \(No space left on device\); run its sweep again"):
        jt.run("spec.toml", "out.h5", report=when(2, remove))
    assert os.listdir() == ["spec.toml"]


@pytest.mark.slow
def test_a_file_that_is_cut_short_takes_no_more_numbers():
    """A hole would read as zeros, and status 0 is "solved"."""
    with pytest.raises(InputError, match="was truncated during the run; delete it"):
        jt.run("spec.toml", "out.h5", report=when(2, lambda: os.truncate("out.h5", 10_000)))
    assert os.path.getsize("out.h5") == 10_000
    with pytest.raises(InputError, match=r"out.h5 cannot be opened .*; delete it and compute it again"):
        jt.run("spec.toml", "out.h5")


@pytest.mark.slow
def test_an_output_that_may_not_be_written_is_refused(monkeypatch):
    """As for anyone but root: the file is there, its folder takes the lock, it may only be read."""
    jt.run("spec.toml", "out.h5")
    with h5py.File("out.h5", "r+") as file:
        file["status"][0, 0] = -1
    really = os.open

    def forbid(path, flags, *more, **options):
        if str(path).endswith("out.h5") and flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied")
        return really(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", forbid)
    with pytest.raises(InputError, match=r"out.h5 cannot be written \(Permission denied\)"):
        jt.run("spec.toml", "out.h5")


def as_once(path, *books):
    """A result in an older form: bookkeeping among the variables, no checksums."""
    with h5py.File(path, "r+") as file:
        for name in books:
            file.copy(f"run/{name}", name)
        del file["run"]


@pytest.mark.slow
@pytest.mark.parametrize("books", [("started", "finished", "halvings"), ("started", "finished"), ()])
def test_a_file_with_older_books_goes_on(books):
    jt.run("spec.toml", "whole.h5")
    as_once("whole.h5", *books)
    with h5py.File("whole.h5", "r+") as file:
        file["status"][0, :4] = -1
        if books:
            file["finished"][()] = np.nan
    jt.run("spec.toml", "whole.h5")
    assert results.count_statuses("whole.h5") == {0: POINTS}
    assert all(np.isfinite(results.times("whole.h5"))) == bool(books)


@pytest.mark.slow
def test_a_finished_file_that_a_tool_rewrote_has_nothing_left_to_compute(monkeypatch):
    """In chunks and packed, as h5repack and netCDF tools leave it: it cannot be written any more."""
    jt.run("spec.toml", "whole.h5")
    with h5py.File("whole.h5") as old, h5py.File("packed.h5", "w") as new:
        for name, value in old.attrs.items():
            new.attrs[name] = value
        old.copy("run", new)
        for name in (n for n in old if n != "run"):
            packed = {"chunks": True, "compression": 4} if old[name].shape else {}
            made = new.create_dataset(name, data=old[name][()], **packed)
            made.attrs.update({k: v for k, v in old[name].attrs.items() if not k.isupper()})
        for name in (n for n in old if n != "run"):
            if old[name].is_scale:
                new[name].make_scale(name)
            else:
                for i, dim in enumerate(old[name].dims):
                    new[name].dims[i].attach_scale(new[dim[0].name])
    before = Path("packed.h5").read_bytes()
    reports = []
    data = jt.run("spec.toml", "packed.h5", report=lambda p: reports.append((p.done, p.resumed)))
    assert reports == [(POINTS, POINTS)]
    assert Path("packed.h5").read_bytes() == before
    xr.testing.assert_equal(data, jt.load("whole.h5"))


def test_pieces_of_any_box_go_where_numpy_puts_them():
    rng = np.random.default_rng(3)
    for shape in [(), (7,), (3, 1, 5), (4, 3, 2, 5), (2, 1, 1)]:
        expected = rng.normal(size=shape)
        with h5py.File("raw.h5", "w") as file:
            file["x"] = expected
        with h5py.File("raw.h5") as file, open("raw.h5", "r+b") as raw:
            data = RawDataset.of(file["x"], raw.fileno())
        descriptor = os.open("raw.h5", os.O_RDWR)
        data = RawDataset(descriptor, data.offset, data.shape, data.dtype)
        for _ in range(40):
            ends = [
                sorted(rng.choice(n + 1, 2, replace=False)) for n in shape[: rng.integers(len(shape) + 1)]
            ]
            box = tuple(slice(int(a), int(b)) for a, b in ends)
            values = rng.normal(size=expected[box].shape)
            expected[box] = values
            data.write(box, values)
            np.testing.assert_array_equal(data.read(box), values)
        os.close(descriptor)
        with h5py.File("raw.h5") as file:
            np.testing.assert_array_equal(file["x"][()], expected)
        assert data.end == data.offset + 8 * expected.size


def test_datasets_in_chunks_are_not_taken_for_whole():
    with h5py.File("raw.h5", "w") as file:
        file.create_dataset("x", data=np.zeros(9), chunks=(3,))
        with pytest.raises(ValueError, match="/x is not contiguous"):
            RawDataset.of(file["x"], 0)
