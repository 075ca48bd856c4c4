"""Watching a run from another process: what it says, what it reads, and that it disturbs nobody."""

import io
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

import jaxtransport
from jaxtransport.cli import watch as watches
from jaxtransport.cli.watch import Follower, Look, is_being_written, watch
from jaxtransport.errors import InputError
from jaxtransport.store import files, results
from jaxtransport.store import lock as locks
from jaxtransport.sweep.grid import Axis, Grid
from jaxtransport.sweep.task import Task

PACKAGE = Path(jaxtransport.__file__).parents[1]
ATTRIBUTES = {name: f"the {name}" for name in results.ATTRIBUTES}


def make(path, shape=(6, 5)):
    """A result file of which nothing is computed."""
    grid = Grid(tuple(Axis(f"axis{i}", np.arange(n)) for i, n in enumerate(shape)))
    files.create(path, Task(grid, (), None), ATTRIBUTES)
    return path


def fill(path, box, status=0):
    with h5py.File(path, "r+", locking=False) as file:
        file["status"][box] = status


@pytest.fixture
def out(tmp_path):
    return make(tmp_path / "out.h5")


@pytest.fixture
def lock(out):
    """As if a run of this process wrote the file."""
    held = locks.Lock(out)
    yield held
    held.release()


# A run: holds the lock, fills rows one by one, each when it is told to.
WRITER = """
import sys
from pathlib import Path
import h5py
from jaxtransport.store.lock import Lock
path = Path(sys.argv[1])
lock = Lock(path)
with h5py.File(path, "r+", locking=False) as file:
    for i, row in enumerate(map(int, sys.stdin)):
        file["status"][row] = 2 if row == 3 else 0
        file.flush()
        print(row, flush=True)
lock.release()
"""


class Writer:
    """Another process that fills a result."""

    def __init__(self, path):
        command = [sys.executable, "-c", WRITER, str(path)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=PACKAGE)

    def fill(self, row):
        print(row, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == f"{row}\n"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def close(self):
        self.process.communicate()


@pytest.fixture
def writer(out):
    started = Writer(out)
    with started.process:
        yield started
        started.process.kill()


@pytest.fixture
def between(monkeypatch):
    """Do things between looks, one each time instead of waiting; then press Ctrl-C. Pauses come back."""

    def plan(*steps):
        left, pauses = list(steps), []

        def sleep(seconds):
            pauses.append(seconds)
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        monkeypatch.setattr(watches, "_wait", sleep)
        return pauses

    return plan


class Terminal(io.StringIO):
    def isatty(self):
        return True


def watched(path, every=1.0, **options):
    text = io.StringIO()
    done = watch(path, every, out=text, **options)
    return done, text.getvalue().splitlines()


def test_a_run_in_another_process_is_followed_to_its_end(out, writer, between):
    writer.fill(0)
    between(
        lambda: writer.fill(1),
        lambda: None,
        *(lambda row=row: writer.fill(row) for row in (3, 2, 4)),
        lambda: (writer.fill(5), writer.close()),
    )
    done, lines = watched(out)
    assert done
    assert [line.split(": ")[1].split(" points")[0] for line in lines] == [
        "5 of 30", "10 of 30", "10 of 30", "15 of 30", "20 of 30", "25 of 30", "done, 30",
    ]  # fmt: skip
    assert lines[0] == f"{out}: 5 of 30 points (16.7 %), 5 solved"
    assert " points/s, " in lines[1]
    assert " left, 10 solved" in lines[1]
    assert ", 0 points/s, " in lines[2]
    assert lines[-2].endswith("left, 20 solved, 5 diverged")
    assert lines[-1] == f"{out}: done, 30 points: 25 solved, 5 diverged"
    assert not any("no run" in line for line in lines)
    assert os.listdir(out.parent) == ["out.h5"]


@pytest.mark.slow
def test_a_run_that_was_killed_is_told_and_one_that_goes_on_too(out, writer, between, monkeypatch):
    again = []

    def go_on():
        again.append(Writer(out))
        again[0].fill(1)

    def finish():
        for row in range(2, 6):
            again[0].fill(row)
        again[0].close()

    writer.fill(0)
    between(writer.kill, lambda: None, go_on, lambda: None, finish)
    done, lines = watched(out)
    assert done
    told = [f"no run is writing it; jaxtransport run SPEC.toml -o {out} resumes it" in line for line in lines]
    assert told == [False, True, True, False, False, False]


def test_a_real_wait_and_a_real_interrupt(out):
    """Ctrl-C in the middle of a pause, as the shell sends it; and no JAX."""
    code = (
        "import sys; from jaxtransport.cli.watch import watch; done = watch(sys.argv[1], 0.05); "
        "print(done, 'jax' in sys.modules, 'xarray' in sys.modules)"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(out)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=PACKAGE) as process:
        first = process.stdout.readline()
        second = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, error = process.communicate(timeout=600)
    assert first == f"{out}: 0 of 30 points (0.0 %); {watches._gone(out)}\n"
    assert "0 points/s" in second
    assert rest.splitlines()[-1] == "False False False"
    assert error == f"no longer watching {out}; the run itself is not affected\n"
    assert process.returncode == 0


def test_a_finished_result_is_said_at_once(out):
    fill(out, ...)
    assert watched(out) == (True, [f"{out}: done, 30 points: 30 solved"])


def test_a_single_point(tmp_path, between):
    path = make(tmp_path / "one.h5", ())
    between(lambda: fill(path, (), 4))
    done, lines = watched(path)
    assert done
    assert lines[-1] == f"{path}: done, 1 point: 1 not_finite"


def test_lines_of_json(out, lock, between):
    between(lambda: fill(out, slice(0, 3)), lambda: fill(out, slice(3, 6), 5))
    done, lines = watched(out, as_json=True)
    first, second, last = map(json.loads, lines)
    assert done
    keys = {"output", "done", "total", "rate", "seconds_left", "writing", "status"}
    assert set(first) == set(second) == set(last) == keys
    assert (first["done"], first["total"], first["rate"], first["writing"]) == (0, 30, None, True)
    assert first["status"] == {"not_computed": 30}
    assert second["rate"] > 0
    assert second["seconds_left"] > 0
    assert (last["status"], last["writing"]) == ({"solved": 15, "outside_band": 15}, False)


def test_a_bar_on_a_terminal(out, between, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    between(lambda: fill(out, slice(0, 3)), lambda: None, lambda: fill(out, slice(3, 6), 1))
    screen = Terminal()
    assert watch(out, 1.0, out=screen)
    text = screen.getvalue()
    for part in ("out.h5", "50%", "15 of 30 points: 15 solved", "points/s", "no run is writing it", "100%"):
        assert part in text
    assert "30 of 30 points: 15 solved, 15 step_limit" in text


def test_pauses_grow_with_what_a_look_takes(out, lock, between, monkeypatch):
    monkeypatch.setattr(watches, "PAUSES", 0)
    pauses = between(lambda: None)
    watched(out, 0.25)
    assert pauses == [0.25, 0.25]
    monkeypatch.setattr(watches, "PAUSES", 10**6)
    pauses = between()
    watched(out, 0.25)
    assert pauses[0] > 100


def test_only_what_is_not_all_computed_is_read_again(out, lock, monkeypatch):
    monkeypatch.setattr(watches, "RANGE", 7)
    count, read = watches._count_values, []
    monkeypatch.setattr(watches, "_count_values", lambda values: read.append(values.size) or count(values))

    def look():
        read.clear()
        found = follower.look()
        return found.done, sum(read)

    follower = Follower(out)
    assert look() == (0, 30)
    fill(out, slice(0, 3))  # points 0 to 14: two ranges, and one point of the third
    assert look() == (15, 30)
    assert look() == (15, 16)
    fill(out, slice(5, 6))
    assert look() == (20, 16)
    assert look() == (20, 14)  # the last range has two points
    fill(out, ...)
    assert look() == (30, 14)
    assert look() == (30, 0)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(), (1,), (30,), (5, 6), (2, 3, 5), (2, 1, 15)])
@pytest.mark.parametrize("length", [1, 4, 100])
def test_counts_are_those_of_the_store(shape, length, tmp_path, monkeypatch):
    monkeypatch.setattr(watches, "RANGE", length)
    path = make(tmp_path / "out.h5", shape)
    fill(path, ..., np.resize([0, -1, 3, 0, 5, 1], shape))
    look = Follower(path).look()
    assert look.counts == results.count_statuses(path)
    assert look.total == math.prod(shape)


def test_a_file_that_takes_its_place_is_counted_anew(out, lock):
    follower = Follower(out)
    fill(out, ...)
    assert follower.look().finished
    make(out, (4, 2))
    look = follower.look()
    assert (look.done, look.total) == (0, 8)
    assert math.isnan(look.rate)


def test_rate_and_time_left(out, lock, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(watches.time, "monotonic", lambda: clock[0])
    follower = Follower(out)
    assert math.isnan(follower.look().rate)
    for rows, rate, left in (2, 5.0, 4.0), (3, 2.5, 4.0), (3, 0.0, 6.0):  # 5 points a row, a look in 2 s
        clock[0] += 2
        fill(out, slice(0, rows))
        look = follower.look()
        assert (look.rate, look.seconds_left) == (rate, left)


def test_the_lock_is_seen_and_left_alone(out):
    assert not is_being_written(out)
    lock = locks.Lock(out)
    assert is_being_written(out)
    link = out.with_name("link.h5")
    link.symlink_to(out)
    assert is_being_written(link)  # a run goes through links, and locks what is there
    lock.release()
    assert not is_being_written(out)
    out.with_name("out.h5.lock").write_text("")  # left by a run that was killed
    assert not is_being_written(out)
    locks.Lock(out).release()


def test_nobody_is_asked_while_points_are_added(out, monkeypatch):
    follower = Follower(out)
    fill(out, 0)
    follower.look()
    monkeypatch.setattr(watches, "is_being_written", lambda path: pytest.fail("asked"))
    fill(out, 1)
    assert follower.look().writing
    fill(out, ...)
    assert follower.look().finished


def test_a_run_that_ends_while_it_is_asked_is_done(out, monkeypatch):
    monkeypatch.setattr(watches, "is_being_written", lambda path: bool(fill(path, ...)))
    assert Follower(out).look().finished


def test_wrong_calls_are_refused(out, tmp_path, between):
    for every in (0, -1, math.nan, math.inf):
        with pytest.raises(InputError, match="--every"):
            watch(out, every)
    with pytest.raises(InputError, match="no such file"):
        watch(tmp_path / "none.h5")
    with h5py.File(tmp_path / "zeros.h5", "w") as file:
        file.attrs.update(ATTRIBUTES | {"format": results.SEARCH_FORMAT})
    with pytest.raises(InputError, match="result of a search"):
        watch(tmp_path / "zeros.h5")
    between(out.unlink)
    with pytest.raises(InputError, match="can no longer be read"):
        watched(out)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (600, "10 min"), (9000, "2.5 h")]
)
def test_spans_of_time(seconds, text):
    look = Look({0: 1, -1: 1}, 1, 2, 10.0, seconds)
    assert f", {text} left" in watches.line(Path("out.h5"), look)


def test_a_look_at_many_points_is_quick(tmp_path):
    """10^7 points, in 20 ms here: a second of this process at most, however busy the machine is."""
    path = make(tmp_path / "big.h5", (10, 1000, 1000))
    follower = Follower(path)
    start = time.process_time()
    follower.look()
    assert time.process_time() - start < 1
