"""Interrupt the command line hundreds of times: no half target, no crash, no traceback, nothing left behind.

    python scripts/interrupt.py --number 200                  some ten minutes on two cores
    python scripts/interrupt.py --number 20 --seed 3 --only "export nc"

SIGINT or SIGTERM, one of them or two in short order, hit exports of every kind, a plot, a picture of a
search, a figure, `zeros`, `merge`, `run` and commands that only read: at random moments of the time
that each takes undisturbed, or as soon as something is being written. Half of the targets exist before,
and are replaced (--force). After each, a target has to be absent, as it was, or whole; a run has to
have every point that its file marks solved; no other file may have appeared; and the command has to end
with 0 or 130.

Exit code 0 if all held, else 1. A seed settles which signals are drawn, not what they meet.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gzip
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

SWEEP = """\
[wire]
layout = "pair"
N = 8
gamma = 0.5
[drive]
delta_mu = 0.1
[grid]
injection = { start = 0.1, stop = 0.4, num = 200 }
mu_bar = { start = -1.5, stop = 1.5, num = 500 }
[output]
variables = ["nonreciprocity"]
"""
SEARCH = """\
[wire]
layout = "pair"
N = 8
gamma = 0.5
[drive]
injection = 0.3
[search]
over = { mu_bar = [-1.9, 1.9] }
"""
PATIENCE = 120.0  # seconds that anything may take


@dataclass(frozen=True)
class Kind:
    """A command, and what it writes."""

    name: str
    command: tuple[str, ...]
    target: str = ""  # "" for a command that only reads
    force: bool = True  # whether it takes --force, without which it refuses a target that exists


KINDS = (
    *(
        Kind(f"export {end}", ("export", "sweep.h5", "-o", f"out.{end}"), f"out.{end}")
        for end in ("nc", "zarr", "csv", "csv.gz")
    ),
    Kind("plot png", ("plot", "sweep.h5", "-o", "out.png"), "out.png", force=False),
    Kind("plot pdf", ("plot", "search.h5", "-o", "out.pdf"), "out.pdf", force=False),
    Kind("figures", ("figures", "5", "-o", ".", "--format", "svg", "--quiet"), "fig5.svg", force=False),
    Kind("zeros", ("zeros", "search.toml", "-o", "out.h5", "--quiet"), "out.h5"),
    Kind("merge", ("merge", "sweep.h5", "more.h5", "-o", "merged.h5"), "merged.h5"),
    Kind("run", ("run", "sweep.toml", "-o", "run.h5", "--quiet"), "run.h5"),
    Kind("validate", ("validate", "sweep.toml")),
    Kind("status", ("status", "sweep.h5")),
    Kind("info", ("info",)),
)


def read(path: Path) -> dict[str, np.ndarray] | bytes:
    """What a file or folder holds; raises if it is not whole."""
    if path.suffix == ".zarr":
        with xr.open_zarr(path, chunks=None) as data:
            return {str(name): data[name].values for name in data.variables}
    if path.suffix in (".nc", ".h5"):
        with h5py.File(path, "r") as file:
            return {name: file[name][()] for name in file if isinstance(file[name], h5py.Dataset)}
    if path.name.endswith((".csv", ".csv.gz")):
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", newline="") as file:
            rows = sum(1 for _ in csv.reader(file))
        raw = path.read_bytes()
        return f"{rows} {zlib.crc32(gzip.decompress(raw) if path.suffix == '.gz' else raw)}".encode()
    raw = path.read_bytes()
    ends = {".png": b"IEND\xaeB`\x82", ".pdf": b"%%EOF\n", ".svg": b"</svg>\n"}[path.suffix]
    if not raw.endswith(ends):
        raise ValueError(f"{path}: is cut short")
    return ends  # dates and names in it differ from one to the next


def same(one: dict[str, np.ndarray] | bytes, other: dict[str, np.ndarray] | bytes) -> bool:
    if isinstance(one, bytes) or isinstance(other, bytes):
        return one == other
    return one.keys() == other.keys() and all(one[k].tobytes() == other[k].tobytes() for k in one)


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def wait_for_handlers(process: subprocess.Popen) -> None:
    """Wait until our first line has run: before that, a signal meets Python as it starts."""
    status, bit = Path(f"/proc/{process.pid}/status"), 1 << (signal.SIGTERM - 1)
    if not status.exists():
        time.sleep(0.3)
        return
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status.read_text())
        if caught and int(caught[1], 16) & bit:
            return
        time.sleep(0.001)


class Trials:
    """Commands in a folder of their own, and what came of interrupting them."""

    def __init__(self, folder: Path, seed: int, kinds: list[Kind]) -> None:
        self.folder, self.random, self.kinds = folder, random.Random(seed), kinds
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        self.work = folder / "work"
        self.work.mkdir()
        (self.work / "sweep.toml").write_text(SWEEP)
        (self.work / "search.toml").write_text(SEARCH)
        self.seconds: dict[str, float] = {}
        self.whole: dict[str, dict[str, np.ndarray] | bytes] = {}
        self.outcomes: Counter[tuple[str, ...]] = Counter()
        self.faults: Counter[str] = Counter()

    def start(self, *command: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "jaxtransport", *command],
            cwd=self.work,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def undisturbed(self) -> None:
        """The results that others are made of, what every command writes, and how long it takes."""
        for command in (
            ("run", "sweep.toml", "-o", "sweep.h5"),
            ("run", "sweep.toml", "-o", "more.h5", "--set", "grid.injection=[0.4, 0.5]"),
            ("zeros", "search.toml", "-o", "search.h5"),
        ):
            self.finish(self.start(*command, "--quiet"))
        for kind in self.kinds:
            for _ in range(2):  # the second one finds what was compiled
                begun = time.monotonic()
                self.finish(self.start(*kind.command, *(["--force"] if kind.target and kind.force else [])))
                self.seconds[kind.name] = time.monotonic() - begun
            if kind.target:
                self.whole[kind.name] = read(self.work / kind.target)
                remove(self.work / kind.target)
            print(f"{kind.name}: {self.seconds[kind.name]:.1f} s undisturbed", flush=True)
        self.names = self.seen()

    def finish(self, process: subprocess.Popen) -> None:
        _, err = process.communicate(timeout=PATIENCE)
        if process.returncode:
            raise RuntimeError(f"{process.args} ended with {process.returncode}: {err}")

    def seen(self) -> set[str]:
        return {str(p.relative_to(self.work)) for p in self.work.rglob("*") if "out.zarr" not in p.parts}

    def trial(self, kind: Kind) -> None:
        """Interrupt one command, and look."""
        target = self.work / kind.target if kind.target else None
        old = target is not None and kind.name != "run" and self.random.random() < 0.5
        if target is not None and old:
            remove(target)
            target.write_text("old") if target.suffix != ".zarr" else self.old_zarr(target)
            if target.suffix == ".h5":
                shutil.copy(self.work / "search.h5", target)
            before = self.identity(target)
        process = self.start(*kind.command, *(["--force"] if old and kind.force else []))
        wait_for_handlers(process)
        number = self.random.choice([signal.SIGINT, signal.SIGTERM])
        if target is not None and self.random.random() < 0.4:  # as something is being written
            self.wait_for_file(process)
            time.sleep(self.random.uniform(0, 0.1))
        else:
            time.sleep(self.random.uniform(0, self.seconds[kind.name]))
        twice = self.random.random() < 0.5
        process.send_signal(number)
        if twice:
            time.sleep(self.random.choice([0, 0.001, 0.02, 0.2]))
            process.send_signal(number)
        try:
            _, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            err = "hangs"
        found = "nothing"
        if target is not None and os.path.lexists(target):
            found = "as it was" if old and self.identity(target) == before else self.judged(kind, target)
        faults = []
        if process.returncode not in (0, 130):
            faults.append(f"ended with {process.returncode}")
        if "Traceback" in err or "Exception ignored" in err:
            faults.append("traceback")
        if old and found == "nothing":
            faults.append("old target lost")
        if found.startswith("half"):
            faults.append(found)
        if target is not None:
            remove(target)
        if left := self.seen() - self.names:
            faults.append(f"left behind: {', '.join(sorted(left))}")
            for name in sorted(left):
                remove(self.work / name)
        self.faults.update(faults)
        what = f"{number.name}{' twice' if twice else ''}"
        self.outcomes[kind.name, what, str(process.returncode), found] += 1
        if faults:
            print(f"{kind.name}, {what}: {'; '.join(faults)}\n{err[-2000:]}", flush=True)

    def judged(self, kind: Kind, target: Path) -> str:
        try:
            now, whole = read(target), self.whole[kind.name]
        except Exception as error:
            return f"half: {type(error).__name__}"
        if kind.name != "run":
            return "whole" if same(now, whole) else "half: wrong numbers"
        assert isinstance(now, dict)
        assert isinstance(whole, dict)
        done = now["status"] == 0
        good = np.array_equal(now["nonreciprocity"][done], whole["nonreciprocity"][done])
        good &= bool(np.isin(now["status"], (-1, 0)).all())
        return ("whole" if done.all() else "resumable") if good else "half: wrong numbers"

    def identity(self, target: Path) -> tuple:
        about = target.stat()
        return about.st_ino, about.st_mtime_ns

    def old_zarr(self, target: Path) -> None:
        target.mkdir()
        (target / "zarr.json").write_text("{}")

    def wait_for_file(self, process: subprocess.Popen) -> None:
        end = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < end:
            if {entry.name for entry in os.scandir(self.work)} - self.names:
                return
            time.sleep(0.001)

    def summary(self) -> bool:
        for key, n in sorted(self.outcomes.items()):
            print(f"{n:5} times  {key[0]:<14}{key[1]:<16}exit {key[2]:<5}{key[3]}")
        print(f"{self.outcomes.total():5} interruptions, {self.faults.total()} faults")
        for fault, n in self.faults.items():
            print(f"{n:5} times  {fault}")
        return not self.faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--number", type=int, default=200, help="of interruptions in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", metavar="KIND", help=", ".join(k.name for k in KINDS))
    arguments = parser.parse_args()
    kinds = [kind for kind in KINDS if not arguments.only or kind.name in arguments.only]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="interrupt-")))
        trials = Trials(folder, arguments.seed, kinds)
        trials.undisturbed()
        with contextlib.suppress(KeyboardInterrupt):  # enough: say what there is
            for i in range(arguments.number):
                trials.trial(kinds[i % len(kinds)])
        return 0 if trials.summary() else 1


if __name__ == "__main__":
    sys.exit(main())
