"""Results that are not what was written: refused by every reader, and never a crash; all else goes on."""

import contextlib
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import jaxtransport as jt
from jaxtransport import models
from jaxtransport.errors import InputError
from jaxtransport.jobs.search import search as search_job
from jaxtransport.plot.draw import draw_file
from jaxtransport.store import export, results, trial
from jaxtransport.store import seal as seals
from jaxtransport.store import store as stores
from jaxtransport.store.checksums import Tiles
from jaxtransport.store.in_place import RawDataset
from jaxtransport.store.resultfile import DamagedFile, ResultFile
from jaxtransport.sweep import plan as plans
from jaxtransport.sweep.grid import Axis, Block, Grid, blocks
from jaxtransport.sweep.plan import Plan

SPEC = """\
title = "to be damaged"
output.variables = ["nonreciprocity", "potential_forward", "outside_band"]
[wire]
layout = "pair"
gamma = 0.5
[drive]
injection = 0.3
[grid]
delta_mu = [0.1, 0.2]
N = [4, 5]
mu_bar = { start = -1.0, stop = 1.0, num = 12 }
"""
SEARCH = """\
[wire]
layout = "pair"
N = 6
gamma = 0.5
[drive]
injection = 0.3
delta_mu = 0.1
[search]
over = { mu_bar = [-1.9, 1.9] }
"""
POINTS, TILES = 48, 3


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A sweep of several checksums and a search, with what they hold."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "BLOCK_COST", 1)
        patch.setattr(plans, "BATCH_POINTS", dict.fromkeys(plans.BATCH_POINTS, 8))
        (folder / "sweep.toml").write_text(SPEC)
        jt.run(folder / "sweep.toml", folder / "sweep.h5", devices=1)
        search_job(models.parse(SEARCH), folder / "search.h5")
    return folder


@pytest.fixture
def sweep(made, tmp_path):
    return Path(shutil.copy(made / "sweep.h5", tmp_path / "sweep.h5"))


@pytest.fixture
def search(made, tmp_path):
    return Path(shutil.copy(made / "search.h5", tmp_path / "search.h5"))


@pytest.fixture
def truth(made):
    return jt.load(made / "sweep.h5")


@pytest.fixture
def spec(made):
    return made / "sweep.toml"


def place_of(path, name):
    """First byte of a dataset."""
    with h5py.File(path) as file:
        return file[name].id.get_offset()


def flip(path, place, bits=1):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ bits]))


def refused(path, spec, *says):
    """Every reader says that the file is damaged, and leaves nothing behind."""
    before = path.read_bytes()
    beside = sorted(os.listdir(path.parent))
    calls = (
        lambda: jt.load(path),
        lambda: (results.read_attributes(path), results.require_intact(path)),  # as status does
        lambda: export.export(path, path.with_suffix(".csv")),
        lambda: draw_file(path, path.with_suffix(".png")),
        lambda: jt.run(spec, path, devices=1),
    )
    for call in calls:
        with pytest.raises(InputError, match="is damaged") as caught:
            call()
        for part in (str(path), "--force", *says):
            assert part in str(caught.value)
    assert path.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == beside


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nonreciprocity", "potential_forward", "outside_band", "status"])
def test_one_bit_of_the_numbers(name, sweep, spec):
    flip(sweep, place_of(sweep, name) + 1, 4)
    refused(sweep, spec, "numbers or status changed among 16 of 48 points, from delta_mu = 0.1, N = 4")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "byte", "says"),
    [
        ("run/finished", 5, "finished"),
        ("run/halvings", 0, "halvings"),
        ("run/checksum", 4, "16 of 48 points"),
    ],
)
def test_one_bit_of_the_bookkeeping(name, byte, says, sweep, spec):
    flip(sweep, place_of(sweep, name) + byte, 8)
    refused(sweep, spec, says)


def test_several_blocks_are_counted_together(sweep):
    for byte in (0, 8 * 11, 8 * 23):  # the blocks of 8 wires, each under both delta_mu
        flip(sweep, place_of(sweep, "nonreciprocity") + byte)
    with pytest.raises(DamagedFile, match="changed among 48 of 48 points"):
        jt.load(sweep)


@pytest.mark.parametrize("name", ["mu_bar", "N", "site", "run/started"])
def test_one_bit_of_an_axis(name, sweep, spec):
    flip(sweep, place_of(sweep, name), 2)
    refused(sweep, spec, f"values of {name}")


def test_one_letter_of_the_spec(sweep, spec):
    flip(sweep, sweep.read_bytes().index(b"injection = 0.3") + 14)
    refused(sweep, spec, "attribute spec")


def test_one_letter_of_a_unit(sweep, spec):
    with h5py.File(sweep, "r+") as file:
        file["nonreciprocity"].attrs["units"] = "I_p"
    refused(sweep, spec, "attribute units of nonreciprocity")


def test_attributes_that_only_other_tools_read(sweep, spec):
    """The list of axes that netCDF keeps at a variable: not needed here, and all say that it is broken."""
    content = sweep.read_bytes()
    with h5py.File(sweep) as file:
        assert "DIMENSION_LIST" in file["nonreciprocity"].attrs
    place = content.rindex(b"DIMENSION_LIST") - 8  # the version of its message
    sweep.write_bytes(content[:place] + b"\xff" * 4 + content[place + 4 :])
    refused(sweep, spec, "is damaged")


def test_a_search_is_compared_as_a_whole(search):
    whole = jt.load(search)
    assert results.is_search(search)
    flip(search, place_of(search, "mu_bar"), 1)
    for read in (jt.load, results.read_attributes, results.times):
        with pytest.raises(DamagedFile, match="values of mu_bar"):
            read(search)
    with pytest.raises(InputError, match="damaged"):
        search_job(models.parse(SEARCH), search)
    assert search_job(models.parse(SEARCH), search, force=True) == 1
    assert jt.load(search).mu_bar.values.tobytes() == whole.mu_bar.values.tobytes()


@pytest.mark.slow
def test_any_byte_may_be_wrong(sweep, truth):
    """Either it is told, or nothing of the result has changed."""
    whole = sweep.read_bytes()
    used = np.flatnonzero(np.frombuffer(whole, np.uint8))
    for place in np.random.default_rng(5).choice(used, 12):
        sweep.write_bytes(whole)
        flip(sweep, int(place), 16)
        with contextlib.suppress(DamagedFile):
            xr.testing.assert_identical(jt.load(sweep), truth)


@pytest.mark.slow
def test_a_file_that_ends_early(sweep, spec):
    whole = sweep.read_bytes()
    for length in (len(whole) // 3, len(whole) - 400):
        sweep.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cannot be opened .*; delete it and compute it again"):
            jt.load(sweep)
    sweep.write_bytes(whole[:-10])  # of the seal alone
    jt.load(sweep)


def remove(file):
    del file["potential_forward"]


def shorten(file):
    del file["status"]
    file["status"] = np.zeros(3, np.int8)


def retype(file):
    values = file["nonreciprocity"][()]
    del file["nonreciprocity"]
    file["nonreciprocity"] = values.astype("f4")


def declare(file):
    del file["nonreciprocity"]
    file.create_dataset("nonreciprocity", (10**15,), "f8", chunks=(1024,))


def link_in_a_circle(file):
    del file["status"]
    file["status"] = h5py.SoftLink("/status")


def contain_itself(file):
    del file["N"]
    file["N"] = file["/"]


def lose_the_checksums(file):
    del file["run/checksum"]


EDITS = [remove, shorten, retype, declare, link_in_a_circle, contain_itself, lose_the_checksums]


@pytest.mark.parametrize("edit", EDITS)
def test_what_others_change_is_seen(edit, sweep):
    with h5py.File(sweep, "r+") as file:
        edit(file)
    with pytest.raises(DamagedFile, match="is damaged"):
        jt.load(sweep)


def declare_less(file):
    """More than there is, but not more than can be packed into such a file."""
    file.create_dataset("halvings", (10**8,), "i1", chunks=(1024,))
    file["halvings"].make_scale("halvings")


@pytest.mark.parametrize("edit", [shorten, declare, declare_less, link_in_a_circle])
def test_the_same_in_a_file_without_checksums(edit, sweep):
    with h5py.File(sweep, "r+") as file:
        del file["run"]
        edit(file)
    with pytest.raises(DamagedFile, match="is damaged"):
        jt.load(sweep)


@pytest.mark.slow
def test_what_others_add_is_no_damage(sweep, spec, truth):
    """However much it is: of thousands of things, none is opened."""
    with h5py.File(sweep, "r+") as file:
        for i in range(3000):
            file[f"own_{i}"] = i
        file["own_circle"], file["own_root"] = h5py.SoftLink("/own_circle"), file["/"]
        file["nonreciprocity"].attrs["comment"] = "checked"
    data = jt.run(spec, sweep, devices=1)
    assert set(data.variables) == set(truth.variables)
    assert data.nonreciprocity.attrs.pop("comment") == "checked"
    xr.testing.assert_identical(data, truth)
    export.export(sweep, sweep.with_suffix(".nc"))
    draw_file(sweep, sweep.with_suffix(".png"))


def repack(path, target):
    """As h5repack and nccopy do: other places, other order of bytes, compressed; the same numbers."""
    with h5py.File(path) as old, h5py.File(target, "w") as new:
        old.copy("run", new)
        new.attrs.update(old.attrs)
        for name, data in old.items():
            if isinstance(data, h5py.Dataset):
                packing = {"compression": "gzip", "chunks": data.shape} if data.ndim else {}
                values = data[()].astype(data.dtype.newbyteorder(">"))
                new.create_dataset(name, data=values, dtype=values.dtype, **packing)
                for key in set(data.attrs) - {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME"}:
                    new[name].attrs[key] = data.attrs[key]


def test_a_repacked_result_is_compared_by_its_numbers(sweep, truth):
    packed = sweep.with_name("packed.h5")
    repack(sweep, packed)
    results.require_intact(packed)
    xr.testing.assert_identical(jt.load(packed), truth)
    with h5py.File(packed, "r+") as file:
        file["potential_forward"][0, 0, 3, 1] *= 1 + 1e-15
    with pytest.raises(DamagedFile, match="changed among 16 of 48 points"):
        results.require_intact(packed)


@pytest.mark.slow
def test_files_without_checksums_are_read_as_before(sweep, spec, truth):
    with h5py.File(sweep, "r+") as file:
        del file["run"]
        file["nonreciprocity"][0] = 0.0
        file["status"][1, 1] = -1
    assert np.all(jt.load(sweep).nonreciprocity[0] == 0)
    data = jt.run(spec, sweep, devices=1)
    assert data.nonreciprocity[1].values.tobytes() == truth.nonreciprocity[1].values.tobytes()
    with h5py.File(sweep) as file:
        assert "run" not in file


@pytest.mark.slow
def test_force_replaces_what_is_damaged(sweep, spec, truth):
    flip(sweep, place_of(sweep, "nonreciprocity") + 1)
    data = jt.run(spec, sweep, force=True, devices=1)
    assert data.nonreciprocity.values.tobytes() == truth.nonreciprocity.values.tobytes()


# Files that nobody vouches for are opened by a child first.

CHILDREN = {
    "crashes": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "does not finish": "import signal; signal.setitimer(signal.ITIMER_REAL, 0.01); signal.pause()",
}


@pytest.mark.parametrize("how", CHILDREN)
def test_hdf5_that_crashes_or_hangs_is_a_message(how, sweep, monkeypatch):
    monkeypatch.setattr(trial, "CHILD", CHILDREN[how])
    results.read_attributes(sweep)  # sealed: no child is asked
    with h5py.File(sweep, "r+") as file:
        file["own"] = 1.0
    with pytest.raises(DamagedFile, match=f"HDF5 {how} when it opens the file"):
        jt.load(sweep)


def test_a_file_is_tried_once_as_it_is(sweep, monkeypatch):
    with h5py.File(sweep, "r+") as file:
        file["own"] = 1.0
    jt.load(sweep)
    monkeypatch.setattr(trial, "CHILD", CHILDREN["crashes"])
    jt.load(sweep)
    with h5py.File(sweep, "r+") as file:
        file["more"] = 1.0
    with pytest.raises(DamagedFile):
        jt.load(sweep)


# The seal.


def test_the_seal_is_broken_by_any_byte_that_no_run_changes(sweep):
    assert seals.look(sweep) is seals.Seal.INTACT
    flip(sweep, place_of(sweep, "nonreciprocity"))
    flip(sweep, place_of(sweep, "status"))
    assert seals.look(sweep) is seals.Seal.INTACT
    for place in (9, place_of(sweep, "N"), sweep.stat().st_size - 40):
        flip(sweep, place)
        assert seals.look(sweep) is seals.Seal.BROKEN
        flip(sweep, place)
    assert seals.look(sweep) is seals.Seal.INTACT
    flip(sweep, sweep.stat().st_size - 1)
    assert seals.look(sweep) is seals.Seal.NONE


def test_hdf5_drops_the_seal_of_a_file_that_it_changes(sweep):
    with h5py.File(sweep, "r+") as file:
        file.attrs["comment"] = "x"
    assert seals.look(sweep) is seals.Seal.NONE
    with h5py.File(sweep) as file:
        assert file.attrs["comment"] == "x"


# Checksums as they are written.


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
def test_a_reader_is_never_told_of_damage_by_a_live_run(spec, tmp_path, monkeypatch):
    """Look between any two writes, and in the middle of each."""
    out, write, looks = tmp_path / "out.h5", RawDataset.write, []

    def watched(self, box, values):
        half = np.array(values, copy=True).reshape(-1)
        before = np.asarray(self.read(box)).reshape(-1)
        half[: half.size // 2] = before[: half.size // 2]
        for part in (half, values):
            write(self, box, part)
            results.require_intact(out)
            looks.append(1)

    monkeypatch.setattr(RawDataset, "write", watched)
    jt.run(spec, out, devices=1)
    assert len(looks) > 4 * TILES


@pytest.mark.slow
@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("wanted", ["nonreciprocity", "status"])
def test_a_run_that_ends_in_the_middle_of_a_block_resumes(wanted, spec, truth, tmp_path, monkeypatch):
    out, put, count = tmp_path / "out.h5", stores.Store._put, []

    def failing(self, name, block, values):
        count.append(name)
        if count.count(wanted) == 2 and name == wanted:
            half = Block(block.solve[: len(block.solve) // 2], block.free)
            put(self, name, half, values[: len(half.solve)])
            raise KeyboardInterrupt
        put(self, name, block, values)

    with monkeypatch.context() as patch:
        patch.setattr(stores.Store, "_put", failing)
        with pytest.raises(KeyboardInterrupt):
            jt.run(spec, out, devices=1)
    results.require_intact(out)
    done = results.count_statuses(out)[0]
    assert done == {"nonreciprocity": 16, "status": 24}[wanted]
    data = jt.run(spec, out, devices=1)
    for name in truth.data_vars:
        assert data[name].values.tobytes() == truth[name].values.tobytes()


def test_what_is_marked_is_never_written_again(sweep):
    """A block of several checksums, one of them on file: another device may have other last bits."""
    with h5py.File(sweep, "r+", locking=False) as file:
        file["status"][:, 0, :4] = -1  # in the first tile
        before = file["nonreciprocity"][()]
    with ResultFile(sweep) as file:
        tiles = file._tiles()
    names = ("nonreciprocity", "potential_forward", "outside_band")
    whole = Block(range(24), range(2))
    with stores.Store(sweep, tiles.grid, names) as store:
        new = {"nonreciprocity": np.ones((24, 2)), "potential_forward": np.ones((24, 2, 5))}
        store.write(whole, {**new, "outside_band": np.ones((24, 2), "i1"), "status": np.zeros((24, 2), "i1")})
    results.require_intact(sweep)
    with h5py.File(sweep) as file:
        after = file["nonreciprocity"][()]
    assert np.all(after[:, 0, :8] == 1)
    np.testing.assert_array_equal(after[:, 0, 8:], before[:, 0, 8:])
    np.testing.assert_array_equal(after[:, 1], before[:, 1])


@pytest.mark.parametrize("solve_size", [1, 10, 64])
@pytest.mark.parametrize("free_first", [True, False])
def test_tiles_cover_a_grid_once(solve_size, free_first):
    axes = [Axis("a", np.arange(solve_size)), Axis("f", np.arange(7))]
    grid = Grid(tuple(axes[::-1] if free_first else axes), frozenset("f"))
    tiles = Tiles(grid, 4, 3)
    found = [one for block in blocks(grid, 8, 3) for one in tiles.within(block)]
    assert sorted(number for number, _ in found) == list(range(len(tiles)))
    assert sum(tile.size for _, tile in found) == grid.size
    if solve_size > 4:
        with pytest.raises(ValueError, match="does not consist of tiles"):
            list(tiles.within(Block(range(2, 8), range(3))))


@pytest.mark.parametrize("devices", [1, 2, 3, 8])
@pytest.mark.parametrize("halvings", [0, 1, 3])
@pytest.mark.parametrize("plan", [Plan({8: 104}, 104, 1, 104), Plan({8: 128}, 128 * 9, 2, 128)])
def test_blocks_are_whole_tiles_on_any_number_of_devices(plan, devices, halvings):
    halved = plan.halved(halvings)
    assert halved.tile == plan.tile
    assert halved.step(devices) % plan.tile == 0
    assert halved.step(devices) >= max(plan.solve_step, devices * max(halved.batch.values()))
