"""A file names every revision that computed some of it."""

import shutil

import h5py
import pytest

import jaxtransport as jt
from jaxtransport.compute import runtime
from jaxtransport.store import revisions, seal
from jaxtransport.store.results import read_attributes, require_intact

SPEC = """
[wire]
layout = "pair"
N = 6
gamma = 0.4
[drive]
delta_mu = 0.1
injection = 0.2
[grid]
mu_bar = { start = -1.5, stop = 1.5, num = 48 }
"""


@pytest.fixture
def half_done(small_blocks, tmp_path, monkeypatch):
    """A sweep whose first revision was stopped after some blocks."""
    (tmp_path / "sweep.toml").write_text(SPEC)
    monkeypatch.setattr(runtime, "revision", lambda: "first")

    def stop(progress):
        if progress.done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jt.run(tmp_path / "sweep.toml", tmp_path / "out.h5", report=stop, devices=1)
    return tmp_path


def resume(folder, monkeypatch, revision):
    monkeypatch.setattr(runtime, "revision", lambda: revision)
    return jt.run(folder / "sweep.toml", folder / "out.h5", devices=1)


@pytest.mark.slow
def test_the_one_that_resumes_is_added(half_done, monkeypatch):
    out = half_done / "out.h5"
    assert "revisions" not in read_attributes(out)
    before = jt.load(out)
    done = before.status.values == 0
    assert 0 < done.sum() < 48
    after = resume(half_done, monkeypatch, "second")
    assert after.attrs["revision"] == "first"
    assert after.attrs["revisions"] == "first second"
    assert (after.status == 0).all()
    assert (after.nonreciprocity.values[done] == before.nonreciprocity.values[done]).all()
    require_intact(out)
    assert seal.look(out) is seal.Seal.INTACT
    assert sorted(path.name for path in half_done.iterdir()) == ["out.h5", "sweep.toml"]


@pytest.mark.slow
def test_the_same_one_changes_nothing_but_numbers(half_done, monkeypatch):
    after = resume(half_done, monkeypatch, "first")
    assert "revisions" not in after.attrs


@pytest.mark.slow
def test_a_complete_file_is_left_alone(half_done, monkeypatch):
    resume(half_done, monkeypatch, "first")
    before = (half_done / "out.h5").read_bytes()
    resume(half_done, monkeypatch, "second")
    assert (half_done / "out.h5").read_bytes() == before


@pytest.mark.slow
def test_the_status_of_a_file_shows_them(half_done, monkeypatch, jaxtransport):
    resume(half_done, monkeypatch, "second")
    _, said, _ = jaxtransport("status", half_done / "out.h5")
    assert "first second" in said


@pytest.mark.slow
def test_a_file_without_a_seal_or_description_is_taken_too(half_done, monkeypatch):
    """As earlier versions made them."""
    out = half_done / "out.h5"
    with h5py.File(out, "r+") as file:  # drops the seal
        del file["run"].attrs["contents"]
    revisions.record(out, {"revision": "second", "jaxtransport_version": "0"})
    assert read_attributes(out)["revisions"] == "first second"
    assert seal.look(out) is seal.Seal.NONE


@pytest.mark.slow
def test_what_cannot_be_written_stays(half_done, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    before = (half_done / "out.h5").read_bytes()
    with pytest.raises(jt.InputError, match=r"out.h5 cannot be written \(No space left on device\)"):
        resume(half_done, monkeypatch, "second")
    assert (half_done / "out.h5").read_bytes() == before
    assert not (half_done / "out.h5.part").exists()


def test_an_installed_version_is_named_by_its_number():
    assert revisions.revision_of({"revision": "", "jaxtransport_version": "0.2"}) == "v0.2"
