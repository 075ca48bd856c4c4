"""Kill sweeps hundreds of times and count what that costs: no file may break, no point may be lost.

    python scripts/soak.py --kills 200                        some six minutes on two cores
    python scripts/soak.py --kills 20 --seed 3 --keep soak    ... and its files and logs stay in soak/

Half of the SIGKILLs hit a local `jaxtransport run`, a quarter the driver of a run that a dask cluster
computes, a quarter the workers of such a run, at random moments:

    start       while the run loads, compiles, and looks for what is left to do
    creation    milliseconds after the first byte of the file, which has yet to take its own name
    filling     while blocks are computed and written
    writing     as a block is written
    one, all    of the workers, in the middle of a run; new ones take their place

After each, h5py and xarray have to read the file, every point that it marks solved has to have the bytes
of a run that nobody disturbed, and what was solved before still has to be. Then the run goes on with that
file; once complete it is compared as a whole, and the next kills hit a new one.

Exit code 0 if nothing was lost, else 1. A seed settles which kills are drawn, not what they meet.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import h5py
import numpy as np
import xarray as xr

from jaxtransport.cli.app import FAILED
from jaxtransport.status import CRASHED, NOT_COMPUTED, SOLVED

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
mu_bar = {{ start = -1.5, stop = 1.5, num = ENERGIES }}
"""
ENERGIES = {"local": 30_000, "cluster": 6_000}  # some ten seconds each: a cluster takes longer for a block

# The command line with the smallest blocks there are: 8 wires, each under both delta_mu.
CHILD = """
from jaxtransport.cli import commands as cli
from jaxtransport.sweep import plan
plan.BLOCK_COST = 1
plan.BATCH_POINTS = dict.fromkeys(plan.BATCH_POINTS, 8)
cli.main()
"""
WORKERS = 2
# The most seconds to a kill: from the start, the first byte, a write, the last kill of a worker.
SECONDS = {"start": 1.5, "creation": 0.012, "filling": 1.5, "writing": 1.5, "working": 2.0}
PATIENCE = 240.0  # seconds that anything may take
FAULTS = ("unreadable files", "lost points", "wrong points", "given-up points")


def read(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Status and bytes of every point, by h5py and by xarray.

    Statuses come first: the values that they stand for are on file by then, whoever writes meanwhile.
    """
    xarray = xr.open_dataset(path, engine="h5netcdf", driver_kwds={"locking": False})
    with h5py.File(path, "r", locking=False) as file, xarray as data:
        return [(np.asarray(d["status"]).ravel(), bytes_of(d)) for d in (file, data)]


def bytes_of(data: h5py.File | xr.Dataset) -> np.ndarray:
    """All bytes of every point, shape (points, bytes); those of the first variable first."""
    values = (np.asarray(data[name]) for name in VARIABLES)
    return np.concatenate([v.reshape(np.prod(v.shape[:3]), -1).view(np.uint8) for v in values], axis=1)


def contents(path: Path) -> dict[str, bytes]:
    """All of a file but its times."""
    with h5py.File(path, "r") as file:
        names = ["run/checksum", *(name for name in file if isinstance(file[name], h5py.Dataset))]
        return {name: file[name][()].tobytes() for name in names} | {"plan": str(file.attrs["plan"]).encode()}


def changed(path: Path) -> int:
    """When a file was written last; 0 if there is none."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime_ns
    return 0


class Output:
    """A result file, and what was on it when it was last looked at."""

    def __init__(self, folder: Path, whole: Output | None, faults: Counter[str]) -> None:
        """Args: whole: the same, undisturbed."""
        folder.mkdir()
        self.name, self.path, self.log = folder.name, folder / "out.h5", folder / "log.txt"
        self.whole, self.faults = whole or self, faults
        self.status = self.bytes = np.empty(0, np.int8)
        self.half = False  # a block has values there and no mark

    def check(self) -> None:
        """Count what is wrong with the file now."""
        if not self.path.exists():
            self.faults["lost points"] += int((self.status == SOLVED).sum())
            return
        try:
            found = read(self.path)
        except Exception as error:
            print(f"{self.path}: {type(error).__name__}: {error}", flush=True)
            self.faults["unreadable files"] += 1
            return
        lost, wrong = np.zeros((2, len(found[0][0])), bool)
        for status, now in found:
            if self.status.size:
                lost |= (self.status == SOLVED) & ((status != SOLVED) | np.any(now != self.bytes, axis=1))
            if self.whole.status.size:
                wrong |= (status == SOLVED) & np.any(now != self.whole.bytes, axis=1)
            wrong |= ~np.isin(status, (NOT_COMPUTED, SOLVED, CRASHED))
        self.faults["lost points"] += int(lost.sum())
        self.faults["wrong points"] += int(wrong.sum())
        self.faults["given-up points"] += int((status == CRASHED).sum())
        self.half = bool(np.any((status == NOT_COMPUTED) & np.isfinite(now[:, :8].copy().view("f8")[:, 0])))
        self.status, self.bytes = status, now


class Soak:
    """Runs, a cluster, and the counts of what is done to them."""

    def __init__(self, folder: Path, total: int, seed: int, stack: contextlib.ExitStack) -> None:
        self.folder, self.total, self.random, self.stack = folder, total, random.Random(seed), stack
        places = {"XDG_CACHE_HOME": str(folder / "cache"), "DASK_TEMPORARY_DIRECTORY": str(folder / "dask")}
        self.environment = {**os.environ, **places}
        self.workers: list[subprocess.Popen] = []
        self.kills: Counter[str] = Counter()
        self.faults: Counter[str] = Counter(dict.fromkeys(FAULTS, 0))
        self.files = self.complete = self.equal = self.half = 0

    def start(self, log: Path, *command: str) -> subprocess.Popen:
        """A Python process, which is gone at the end."""
        with open(log, "ab") as out:
            command = (sys.executable, *command)
            process = subprocess.Popen(command, stdout=out, stderr=out, env=self.environment)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def run(self, output: Output, *options: str) -> subprocess.Popen:
        spec = str(output.whole.path.with_name("spec.toml"))
        return self.start(output.log, "-c", CHILD, "run", spec, "-o", str(output.path), *options)

    def dask(self, what: str, *options: str) -> subprocess.Popen:
        command = (what, "--scheduler-file", str(self.folder / "scheduler.json"), "--no-dashboard", *options)
        return self.start(self.folder / f"{what}.txt", "-m", "dask", *command)

    def start_worker(self) -> None:
        self.workers.append(self.dask("worker", "--nthreads", "1", "--no-nanny"))

    def start_cluster(self) -> str:
        """The address of a scheduler, whose workers are on their way."""
        file = self.folder / "scheduler.json"
        scheduler = self.dask("scheduler", "--host", "127.0.0.1", "--port", "0")
        self.wait(scheduler, lambda: file.exists() and file.read_text().endswith("}"))
        for _ in range(WORKERS):
            self.start_worker()
        return str(json.loads(file.read_text())["address"])

    def wait(self, process: subprocess.Popen, happened: Callable[[], bool]) -> None:
        """Wait until something has happened or the process has ended."""
        end = time.monotonic() + PATIENCE
        while process.poll() is None and not happened():
            if time.monotonic() > end:
                raise RuntimeError(f"nothing happened in {PATIENCE:.0f} s: {process.args}")
            time.sleep(0.0001)

    def wait_for_write(self, process: subprocess.Popen, output: Output) -> None:
        before = changed(output.path)
        self.wait(process, lambda: changed(output.path) != before)

    def undisturbed(self, kind: str) -> Output:
        """The result that others are compared to."""
        output = Output(self.folder / f"00-{kind}", None, self.faults)
        output.path.with_name("spec.toml").write_text(SPEC.replace("ENERGIES", str(ENERGIES[kind])))
        if self.run(output).wait(PATIENCE):
            self.failed(output.log)
        output.check()
        print(f"{output.name}: {output.status.size:,} points, undisturbed", flush=True)
        return output

    def fresh(self, kind: str, whole: Output) -> Output:
        self.files += 1
        return Output(self.folder / f"{self.files:02}-{kind}", whole, self.faults)

    def failed(self, log: Path) -> NoReturn:
        raise RuntimeError(f"a process ended by itself: {log}: {log.read_text()[-3000:]}")

    def look(self, kill: str, output: Output, number: int = 1) -> None:
        """Check a file after a kill, and say so."""
        output.check()
        self.kills[kill] += number
        there = f"{np.mean(output.status == SOLVED):6.1%} on file" if output.status.size else " no file yet"
        bad = "".join(f", {n} {name}" for name, n in self.faults.items() if n)
        print(f"{self.kills.total():4}/{self.total} {kill:<16} {output.name}: {there}{bad}", flush=True)

    def finish(self, output: Output, process: subprocess.Popen, *options: str) -> None:
        """Let a run end, once more if it gave points up; compare its file."""
        if process.wait(PATIENCE) == FAILED:
            output.check()
            process = self.run(output, *options)
            process.wait(PATIENCE)
        if process.returncode:
            self.failed(output.log)
        output.check()
        alone = {path.name for path in output.path.parent.iterdir()} == {"log.txt", "out.h5"}
        equal = alone and contents(output.path) == contents(output.whole.path)
        self.complete, self.equal = self.complete + 1, self.equal + equal
        print(f"{output.name}: complete and {'' if equal else 'NOT '}equal to undisturbed", flush=True)

    def kill_runs(self, kind: str, whole: Output, number: int, *options: str) -> None:
        output = self.fresh(kind, whole)
        while number:
            path, part = output.path, output.path.with_name("out.h5.part")
            there = {"start": 1, "filling": 2, "writing": 2}
            moments = there if path.exists() else {"start": 1, "creation": 6, "filling": 1}
            moment = self.random.choices(list(moments), list(moments.values()))[0]
            process = self.run(output, *options)
            if moment == "creation":
                self.wait(process, lambda path=path, part=part: part.exists() or path.exists())
            elif moment != "start":
                self.wait_for_write(process, output)
            time.sleep(self.random.uniform(0, SECONDS[moment]))
            if moment == "writing":
                self.wait_for_write(process, output)
            process.kill()
            if process.wait() == -signal.SIGKILL:
                number -= 1
                self.look(f"{kind}, {moment}", output)
                self.half += output.half
            else:
                self.finish(output, process, *options)
                output = self.fresh(kind, whole)
        self.finish(output, self.run(output, *options), *options)

    def kill_workers(self, whole: Output, number: int, *options: str) -> None:
        while number > 0:
            output = self.fresh("workers", whole)
            process = self.run(output, *options)
            self.wait(process, output.path.exists)
            while number > 0 and process.poll() is None:
                time.sleep(self.random.uniform(0, SECONDS["working"]))
                every = number >= WORKERS and self.random.random() < 0.15
                self.random.shuffle(self.workers)
                killed = [self.workers.pop() for _ in range(WORKERS if every else 1)]
                for worker in killed:
                    worker.kill()
                    if worker.wait() != -signal.SIGKILL:
                        self.failed(self.folder / "worker.txt")
                    self.start_worker()
                number -= len(killed)
                self.look(f"workers, {'all' if every else 'one'}", output, len(killed))
            self.finish(output, process, *options)

    def summary(self) -> bool:
        """Print the counts; whether all is well."""
        rows = [("kills", self.kills.total()), *((f"  {kill}", n) for kill, n in sorted(self.kills.items()))]
        rows += [("blocks half-written", self.half), *self.faults.items(), ("complete files", self.complete)]
        print("", *(f"{name:<20}{n:6}" for name, n in rows), sep="\n", end="")
        print(f", {self.equal} of them bit-equal to an undisturbed run")
        return not any(self.faults.values()) and self.complete == self.equal


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="a new one, for files and logs")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    good, quarter = True, arguments.kills // 4
    with contextlib.ExitStack() as stack:
        folder = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        folder.mkdir(parents=True, exist_ok=True)
        soak = Soak(folder.resolve(), arguments.kills, arguments.seed, stack)
        try:
            soak.kill_runs("local", soak.undisturbed("local"), arguments.kills - 2 * quarter)
            whole, cluster = soak.undisturbed("cluster"), ("--scheduler", soak.start_cluster())
            soak.kill_runs("driver", whole, quarter, *cluster)
            soak.kill_workers(whole, quarter, *cluster)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            print(f"stopped: {error}")
            good = False
        return 0 if soak.summary() and good else 1


if __name__ == "__main__":
    sys.exit(main())
