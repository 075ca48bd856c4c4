"""Outputs that lose their reader, or lack letters: the work goes on, and its exit code stays."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

import jaxtransport as jt

SPEC = """
title = "Größe μ̄"
[wire]
layout = "pair"
gamma = 0.5
N = 6
[drive]
delta_mu = 0.1
injection = 0.3
[grid]
mu_bar = [-0.5, 0.5]
"""
PACKAGE = Path(jt.__file__).parents[1]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "größe.toml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def command(folder, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "jaxtransport", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PACKAGE), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_leaves_does_not_end_a_run(stream, folder):
    with command(folder, "run", "größe.toml", "-o", "out.h5", "--devices", "1") as run:
        getattr(run, stream).close()
        other = (run.stderr if stream == "stdout" else run.stdout).read().decode()
    assert run.returncode == 0, other
    assert "Traceback" not in other
    with h5py.File(folder / "out.h5") as file:
        assert file["status"][()].tolist() == [0, 0]


@pytest.mark.slow
def test_a_reader_that_leaves_does_not_hide_a_mistake(folder):
    with command(folder, "validate", "nothing.toml") as run:
        run.stderr.close()
    assert run.returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize(
    "arguments", [("validate", "größe.toml"), ("validate", "größe.toml", "--json"), ("-h",)]
)
def test_letters_that_an_output_lacks_are_printed_as_numbers(encoding, arguments, folder):
    with command(folder, *arguments, PYTHONIOENCODING=encoding) as run:
        out, err = run.communicate()
    assert run.returncode == 0, err
    assert b"Traceback" not in err
    out.decode(encoding)


@pytest.mark.slow
def test_a_watch_ends_when_nobody_reads_it(folder):
    jt.run(folder / "größe.toml", folder / "out.h5")
    with h5py.File(folder / "out.h5", "r+", locking=False) as file:
        file["status"][0] = -1
    with command(folder, "status", "out.h5", "--watch", "--every", "0.1") as watch:
        assert b"1 of 2 points" in watch.stdout.readline()
        watch.stdout.close()
        assert watch.wait(timeout=600) == 0
        assert b"Traceback" not in watch.stderr.read()


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_full_disk_behind_standard_output(folder):
    """What was asked for did not arrive: said in one line, exit code 2, no traceback."""
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "jaxtransport", "validate", "größe.toml"]
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PACKAGE)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == "error: standard output: No space left on device\n"
    assert done.returncode == 2
