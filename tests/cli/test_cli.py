"""The command line: exit codes, messages, JSON, and what is left on disk."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import pytest

SPEC = """
title = "a test"
[wire]
layout = "pair"
gamma = 0.5
[drive]
mu_bar = 1.0
delta_mu = 0.1
injection = 0.1
[grid]
N = [4, 5, 6]
[output]
variables = ["nonreciprocity", "conductance"]
"""


@pytest.fixture
def spec(tmp_path, monkeypatch):
    """A small sweep file, in a folder of its own that is the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(SPEC)
    return "small.toml"


@pytest.mark.slow
def test_run_status_plot_in_a_row(spec, jaxtransport):
    code, out, _ = jaxtransport("run", spec)
    assert code == 0
    assert "results/small.h5: 3 points" in out
    assert "jaxtransport plot results/small.h5" in out

    code, out, _ = jaxtransport("run", spec, "--json")
    report = json.loads(out)
    assert (code, report["points"], report["computed"], report["failed"]) == (0, 3, 0, 0)
    assert report["status"] == {"solved": 3}

    code, out, _ = jaxtransport("status", "results/small.h5", "--json")
    report = json.loads(out)
    assert (code, report["done"], report["total"], report["title"]) == (0, 3, 3, "a test")
    assert jaxtransport("status", "results/small.h5")[1].startswith(
        "results/small.h5: 3 of 3 points (100.0 %)"
    )

    code, out, _ = jaxtransport("plot", "results/small.h5")
    assert (code, out.strip()) == (0, "results/small.png")
    assert Path("results/small.png").read_bytes()[:4] == b"\x89PNG"
    assert sorted(os.listdir("results")) == ["small.h5", "small.png"]


@pytest.mark.slow
def test_a_status_of_another_version_is_shown_as_it_is(spec, jaxtransport):
    jaxtransport("run", spec)
    with h5py.File("results/small.h5", "r+") as file:
        del file["run"]  # its checksums
        file["status"][0] = 99
    report = json.loads(jaxtransport("status", "results/small.h5", "--json")[1])
    assert report["status"] == {"solved": 2, "unknown (99)": 1}


def test_validate_tells_the_cost_and_computes_nothing(spec, jaxtransport):
    code, out, _ = jaxtransport("validate", spec, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["axes"] == {"N": 3}
    assert report["points"] == 3
    assert report["bytes"] > 3 * 17
    assert 1 < report["seconds"] < 60
    assert "3 points" not in jaxtransport("validate", spec)[2]
    assert os.listdir() == [spec]


def test_set_overrides_and_replaces_an_axis(spec, jaxtransport):
    code, _, _ = jaxtransport("run", spec, "--set", "wire.N=8", "--set", "wire.gamma=0.4", "-o", "one.h5")
    assert code == 0
    with h5py.File("one.h5") as file:
        assert file["nonreciprocity"].shape == ()
        assert "gamma = 0.4" in file.attrs["spec"]


def test_points_that_fail_give_exit_1_and_a_count(spec, jaxtransport, monkeypatch):
    from jaxtransport.sweep.evaluator import Evaluator

    finish = Evaluator.finish

    def broken(self, pending):
        values = finish(self, pending)
        values["status"][1] = 4
        return values

    monkeypatch.setattr(Evaluator, "finish", broken)
    code, _, err = jaxtransport("run", spec)
    assert code == 1
    assert "1 of 3 points failed: 1 not_finite" in err
    assert jaxtransport("run", spec)[0] == 1  # and still, with nothing left to compute


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["run", "nothing.toml"], "nothing.toml"),
        (["run", "."], ". is a folder or a device"),
        (["validate", "small.toml", "--set", "wire.gamma=-0.5"], "wire.gamma"),
        (["run", "small.toml", "--set", "drive.mu_bar=2.5"], "drive.mu_bar"),
        (["run", "small.toml", "--set", "gamma"], "--set gamma"),
        (["run", "small.toml", "-o", "."], "output ."),
        (
            ["run", "small.toml", "-o", "small.toml"],
            "is a sweep file, not a result; `jaxtransport run small.toml`",
        ),
        (["status", "small.toml"], "is a sweep file, not a result; `jaxtransport run small.toml`"),
        (["status", "nothing.h5"], "no such file"),
        (["plot", "nothing.h5"], "no such file"),
        (["run"], "SPEC.toml"),
        (["run", "small.toml", "--no-such-option"], "--no-such-option"),
        (["no-such-command"], "no-such-command"),
    ],
)
def test_wrong_input_is_exit_2_named_and_leaves_nothing(spec, jaxtransport, arguments, named):
    code, out, err = jaxtransport(*arguments)
    assert code == 2
    assert named in err
    assert "Traceback" not in out + err
    assert os.listdir() == [spec]


def test_all_mistakes_come_at_once(spec, jaxtransport):
    code, _, err = jaxtransport(
        "run", spec, "--set", "wire.gamma=0", "--set", "drive.delta_mu=nan", "--set", "wire.x=1"
    )
    assert code == 2
    assert all(key in err for key in ("wire.gamma", "drive.delta_mu", "wire.x"))


@pytest.mark.slow
def test_another_spec_is_refused_and_force_replaces(spec, jaxtransport):
    jaxtransport("run", spec)
    before = Path("results/small.h5").read_bytes()
    code, _, err = jaxtransport("run", spec, "--set", "wire.gamma=0.4")
    assert code == 2
    assert "wire.gamma: the file has 0.5, the spec has 0.4" in err
    assert Path("results/small.h5").read_bytes() == before
    assert jaxtransport("run", spec, "--set", "wire.gamma=0.4", "--force")[0] == 0
    assert Path("results/small.h5").read_bytes() != before


def test_help_version_and_info(jaxtransport):
    import jaxtransport as package

    code, out, _ = jaxtransport("--help")
    assert code == 0
    assert all(name in out for name in ("run", "validate", "status", "plot", "info"))
    assert jaxtransport("--version")[:2] == (0, package.__version__ + "\n")
    facts = json.loads(jaxtransport("info", "--json")[1])
    assert facts["precision"] == "float64"
    assert facts["devices"]


def test_progress_lines_off_a_terminal(spec, jaxtransport, monkeypatch):
    from jaxtransport.cli import progress

    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    _, _, err = jaxtransport("run", spec)
    assert "small: 3 of 3 points (100 %)" in err
    assert jaxtransport("run", spec, "--quiet")[1:] == ("", "")


def blocks_on_file(file):
    """True once the file that a run is writing holds some of its points."""
    if not file.exists():
        return False
    with h5py.File(file, "r", locking=False) as live:
        return bool((live["status"][...] == 0).any())


@pytest.mark.slow
def test_an_interrupt_keeps_the_file_and_says_how_to_go_on(tmp_path):
    """SIGINT in the middle of a run: exit 130, and the same command finishes the file."""
    axes = "gamma = [0.3, 0.4, 0.5, 0.6]\nmu_bar = { start = -1.9, stop = 1.9, num = 400000 }"
    long = SPEC.replace("N = [4, 5, 6]", axes).replace("gamma = 0.5", "N = 40", 1)
    (tmp_path / "long.toml").write_text(long)
    command = [sys.executable, "-c", "from jaxtransport.cli.commands import main; main()", "run", "long.toml"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    file = tmp_path / "results/long.h5"
    while process.poll() is None and not blocks_on_file(file):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "run the same command again to resume" in err
    with h5py.File(file) as stopped:
        assert (stopped["status"][...] == -1).any()
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    with h5py.File(file) as done:
        assert (done["status"][...] == 0).all()


@pytest.mark.slow
def test_help_validate_and_status_do_not_load_jax(spec, jaxtransport):
    jaxtransport("run", spec)
    for arguments in (["--help"], ["validate", spec], ["status", "results/small.h5"]):
        check = (
            "import sys; sys.argv = ['jaxtransport', *sys.argv[1:]]\n"
            "from jaxtransport.cli.commands import main\n"
            "try: main()\n"
            "except SystemExit as stop: assert not stop.code\n"
            "assert 'jax' not in sys.modules"
        )
        done = subprocess.run(
            [sys.executable, "-c", check, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_validate_measures_the_time_of_a_run(spec, jaxtransport):
    code, out, _ = jaxtransport("validate", spec, "--measure", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["seconds"] == found["measured"]["seconds"] > found["measured"]["compile_seconds"]
    assert found["measured"]["points"] == found["points"]
    assert found["measured"]["unsolved"] == 0
    code, out, _ = jaxtransport("validate", spec, "--measure")
    assert code == 0
    assert "points/s" in out


@pytest.mark.slow
def test_members_that_are_left_out_are_told(spec, jaxtransport):
    """Potentials outside the band: of these injections, the exact law has a result for one."""
    text = SPEC.replace("injection = 0.1\n", '[solve]\nlaw = "exact"\n').replace(
        "N = [4, 5, 6]", "N = [4, 5]"
    )
    text = text.replace("[output]", 'injection = [0.1, 90.0, 95.0]\n[average]\nover = "injection"\n[output]')
    Path(spec).write_text(text)
    code, out, err = jaxtransport("run", spec)
    assert (code, "2 points, 6 members" in out) == (0, True)
    assert "4 members failed and were left out; the variable failed counts them" in err
    _, out, _ = jaxtransport("status", "results/small.h5")
    assert [line.split() for line in out.splitlines() if "left out" in line] == [
        ["members", "left", "out", "4"]
    ]
    _, out, _ = jaxtransport("status", "results/small.h5", "--json")
    assert json.loads(out)["left_out"] == 4
