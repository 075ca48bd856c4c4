"""Signals while files are made: no half target, nothing left behind, and the signal arrives afterwards."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import jaxtransport as jt
from jaxtransport.compute import interrupts
from jaxtransport.errors import InputError
from jaxtransport.plot import draw
from jaxtransport.store import export as exports
from jaxtransport.store import files, results
from jaxtransport.store import search_file as searches
from jaxtransport.store.disk_full import SurvivingFile

PACKAGE = Path(jt.__file__).parents[1]
SPEC = """\
[wire]
layout = "pair"
N = 6
gamma = 0.5
[drive]
delta_mu = 0.1
injection = 0.3
[grid]
mu_bar = { start = -1.5, stop = 1.5, num = 20 }
[output]
variables = ["nonreciprocity"]
"""
ENDINGS = ["nc", "zarr", "csv", "csv.gz"]


def press(number=signal.SIGINT):
    """As Ctrl-C does it: the handler runs before the next line."""
    signal.raise_signal(number)


def pressing(function, times=1, number=signal.SIGINT, after=False):
    """The function, with signals before or after it."""

    def wrapper(*args, **kwargs):
        value = function(*args, **kwargs) if after else None
        for _ in range(times):
            press(number)
        return value if after else function(*args, **kwargs)

    return wrapper


@pytest.fixture(autouse=True)
def handlers():
    """What pytest has set, kept and back at the end of every test; SIGINT raises, whatever started pytest."""
    before = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    set_here = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
    yield
    now = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
    for number, handler in before.items():
        signal.signal(number, handler)
    assert now == set_here


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A result, made once."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "spec.toml").write_text(SPEC)
    jt.run(folder / "spec.toml", folder / "made.h5")
    return folder / "made.h5"


@pytest.fixture
def result(made, tmp_path):
    (tmp_path / "out.h5").write_bytes(made.read_bytes())
    return tmp_path / "out.h5"


def beside(path):
    return sorted(entry.name for entry in path.parent.iterdir())


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_a_signal_waits_for_a_check_and_arrives_once(number):
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.held() as stop:  # noqa: PT012
        assert not stop()
        press(number)
        press(number)
        done.append(stop())
        with interrupts.held():
            done.append("inside")
        done.append("after")
        interrupts.check()
        done.append("beyond")
    assert done == [True, "inside", "after"]
    with interrupts.held() as stop:
        assert not stop()
        interrupts.check()


def test_a_signal_without_a_check_arrives_at_the_end():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.held():  # noqa: PT012
        press()
        done.append("whole")
    assert done == ["whole"]


def test_handlers_of_a_program_get_what_came(monkeypatch):
    came = []
    signal.signal(signal.SIGTERM, mine := lambda number, frame: came.append(number))
    try:
        with interrupts.held():
            press(signal.SIGTERM)
            assert came == []
        assert came == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_ignored_signals_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts.held() as stop:
        press()
        assert not stop()
    signal.signal(signal.SIGINT, before)


def test_the_second_signal_raises_only_where_no_library_calls_python():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.held(breakable=True):  # noqa: PT012
        press()
        with interrupts.held():
            press()
            done.append("written")
        press()
        done.append("beyond")
    assert done == ["written"]


def test_other_threads_are_left_alone(result):
    errors = []

    def work():
        try:
            with interrupts.held() as stop:
                jt.export(result, result.with_suffix(".nc"))
                assert not stop()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == []


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_that_is_interrupted_changes_nothing(ending, times, result, monkeypatch):
    target = result.with_name(f"old.{ending}")
    jt.export(result, target)
    old = os.stat(target)
    monkeypatch.setattr(exports._Result, "read", pressing(exports._Result.read, times))
    for path, force in ((result.with_name("new") / f"out.{ending}", False), (target, True)):
        with pytest.raises(KeyboardInterrupt):
            jt.export(result, path, force=force)
    assert beside(result) == [f"old.{ending}", "out.h5"]
    assert os.path.samestat(os.stat(target), old)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_write_of_hdf5_is_not_lost(number, result, monkeypatch):
    monkeypatch.setattr(SurvivingFile, "write", pressing(SurvivingFile.write, 2, number))
    with pytest.raises(KeyboardInterrupt):
        jt.export(result, result.with_suffix(".nc"))
    assert beside(result) == ["out.h5"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_signal_after_the_rename_leaves_the_target_whole(ending, result, monkeypatch):
    target = result.with_name(f"out.{ending}")
    jt.export(result, target)
    monkeypatch.setattr(exports, "_swap", pressing(exports._swap, after=True))
    with pytest.raises(KeyboardInterrupt):
        jt.export(result, target, force=True)
    assert beside(result) == sorted(["out.h5", target.name])
    if ending in ("nc", "zarr"):
        options = {"engine": "h5netcdf"} if ending == "nc" else {"engine": "zarr", "chunks": None}
        with xr.open_dataset(target, **options) as data:
            xr.testing.assert_identical(data.load(), results.load(result))


class Elsewhere(Exception):
    """What another library's handler of a signal raises, such as a time-out."""


def test_what_another_handler_raises_in_a_write_is_not_lost(result, monkeypatch):
    def failing(self):
        raise Elsewhere

    monkeypatch.setattr(SurvivingFile, "tell", failing, raising=False)
    with pytest.raises(Elsewhere):
        jt.export(result, result.with_suffix(".nc"))
    assert beside(result) == ["out.h5"]


def test_a_piece_that_was_not_written_is_found(tmp_path):
    values = np.arange(40.0)
    for lost in (0, 3):
        with SurvivingFile(tmp_path / "x.h5", "w+") as plain, h5py.File(plain, "w") as file:
            dataset = file.create_dataset("x", data=values, chunks=(10,), compression="gzip")
            file["y"] = values
        plain.require_whole()
        with h5py.File(tmp_path / "x.h5", "r") as file:
            dataset = file["x"]
            start = dataset.id.get_chunk_info_by_coord((10 * lost,)).byte_offset
        plain._written = [(0, start), (start + 1, os.path.getsize(tmp_path / "x.h5"))]
        with pytest.raises(OSError, match="a piece of /x was not written"):
            plain.require_whole()


def test_a_piece_that_zarr_does_not_have_is_found(result, monkeypatch):
    import zarr

    consolidate = zarr.consolidate_metadata

    def losing(part, **options):
        (part / "nonreciprocity" / "c" / "0").unlink()
        return consolidate(part, **options)

    monkeypatch.setattr(zarr, "consolidate_metadata", losing)
    with pytest.raises(InputError, match="a piece of nonreciprocity was not written"):
        jt.export(result, result.with_suffix(".zarr"))
    assert beside(result) == ["out.h5"]


def test_a_new_result_a_search_and_a_picture_are_whole_or_not_there(result, tmp_path, monkeypatch):
    (tmp_path / "spec.toml").write_text(SPEC)
    monkeypatch.setattr(files, "_fill", pressing(files._fill))
    with pytest.raises(KeyboardInterrupt):
        jt.run(tmp_path / "spec.toml", tmp_path / "new.h5")
    monkeypatch.setattr(files, "reserve", pressing(files.reserve))
    with pytest.raises(KeyboardInterrupt):
        searches.save(results.load(result), tmp_path / "zeros.h5", {"message": "none"}, 0.0)
    picture = tmp_path / "out.png"
    picture.write_bytes(b"old")
    monkeypatch.setattr(draw.Figure, "savefig", pressing(draw.Figure.savefig))
    with pytest.raises(KeyboardInterrupt):
        draw.draw_file(result, picture)
    assert picture.read_bytes() == b"old"
    assert beside(result) == ["out.h5", "out.png", "spec.toml"]


# The command line, with a signal (or two) where `step` is called.
CHILD = """
import importlib, os, sys
where, name, number, times = sys.argv.pop(1).split(":")
def pressed(function):
    def wrapper(*args, **kwargs):
        for _ in range(int(times)):
            os.kill(os.getpid(), int(number))
        return function(*args, **kwargs)
    return wrapper
from jaxtransport.compute import interrupts
with interrupts.command():
    if where:
        owner = importlib.import_module(where)
        *path, last = name.split(".")
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, pressed(getattr(owner, last)))
    else:
        os.kill(os.getpid(), int(number))
    from jaxtransport.cli.commands import main
    main()
"""


def command(folder, step, number, times, *arguments):
    step = f"{step or ':'}:{int(number)}:{times}"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, step, *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


STEPS = {
    "export": ("jaxtransport.store.disk_full:SurvivingFile.write", ("export", "out.h5", "-o", "out.nc")),
    "rename": ("jaxtransport.store.export:_swap", ("export", "out.h5", "-o", "out.nc")),
    "folder": ("zarr:consolidate_metadata", ("export", "out.h5", "-o", "out.zarr")),
    "picture": ("matplotlib.figure:Figure.savefig", ("plot", "out.h5", "-o", "out.png")),
    "start": ("", ("export", "out.h5", "-o", "out.csv")),
    "validate": ("jaxtransport.spec.spec:read", ("validate", "spec.toml")),
    "status": ("jaxtransport.store.results:times", ("status", "out.h5")),
}


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("name", STEPS)
def test_the_command_line_ends_with_130_and_a_line(name, times, result):
    step, arguments = STEPS[name]
    (result.parent / "spec.toml").write_text(SPEC)
    number = signal.SIGTERM if times == 1 else signal.SIGINT
    done = command(result.parent, step, number, times, *arguments)
    assert done.returncode == 130
    assert done.stderr.splitlines()[0].startswith("interrupted")
    assert len(done.stderr.splitlines()) == 1
    whole = ["out.nc"] if name == "rename" and times == 1 else []
    assert beside(result) == sorted(["out.h5", "spec.toml", *whole])


@pytest.mark.slow
def test_watching_ends_quietly_at_any_signal(tmp_path, made):
    (tmp_path / "out.h5").write_bytes(made.read_bytes())
    with h5py.File(tmp_path / "out.h5", "r+") as file:
        file["status"][0] = -1
    step = "jaxtransport.cli.watch:Follower.look"
    done = command(tmp_path, step, signal.SIGTERM, 1, "status", "out.h5", "--watch")
    assert (done.returncode, done.stderr.splitlines()) == (
        0,
        ["no longer watching out.h5; the run itself is not affected"],
    )
