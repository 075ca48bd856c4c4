"""Damaged results against every command that reads them: nothing but an answer or a message may come.

    python scripts/damage.py --files 1000                     a quarter of an hour on two cores
    python scripts/damage.py --files 1 --seed 15              the file of one seed

Each file is a result with 1 to 4 wrong bytes, cut off somewhere, or edited with h5py: numbers, types,
shapes, labels and links changed, datasets removed, lengths of 10^15 declared, things of others added. Of
each, `status`, `plot`, `export`, `load` and `run` are called in a worker process; every 50th goes through
the real command line too. Reported are tracebacks, crashes, hangs, and changed numbers that were taken for
true in a file that has checksums (files as they were made before checksums only have to be survived).

Exit code 0 if there was none of these, else 1.
"""

from __future__ import annotations

import argparse
import collections
import io
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np

import jaxtransport as jt

SWEEP = """\
title = "one to be damaged"
output.variables = ["nonreciprocity", "conductance", "potential_forward", "outside_band"]
[wire]
layout = "pair"
gamma = 0.5
[drive]
injection = 0.3
[grid]
delta_mu = [0.1, 0.2]
N = [4, 5, 6]
mu_bar = { start = -1.0, stop = 1.0, num = 8 }
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
SECONDS = 120  # a call that takes longer hangs; a child that opens a file has 60
WORKERS = 2
WRONG = ("traceback", "crash", "hang")


# What can happen to a file. Each gets the path and a random generator, and says what it did.


def flip(path: Path, rng: random.Random) -> str:
    data = bytearray(path.read_bytes())
    used = [i for i, byte in enumerate(data) if byte]
    with h5py.File(path) as file:  # zeros among the numbers are used too
        for dataset in file.values():
            if isinstance(dataset, h5py.Dataset) and dataset.id.get_offset():
                used += range(dataset.id.get_offset(), dataset.id.get_offset() + dataset.nbytes)
    places = [rng.choice(used) for _ in range(rng.randint(1, 4))]
    for place in places:
        data[place] ^= rng.randint(1, 255) if rng.random() < 0.5 else 1 << rng.randrange(8)
    path.write_bytes(data)
    return f"flip {places}"


def cut(path: Path, rng: random.Random) -> str:
    size = rng.randrange(path.stat().st_size)
    os.truncate(path, size)
    return f"cut to {size}"


def edited(path: Path, rng: random.Random) -> str:
    edit = rng.choice(EDITS)
    with h5py.File(path, "r+") as file:
        name = rng.choice([n for n in file if isinstance(file[n], h5py.Dataset)])
        edit(file, name, rng)
    return f"{edit.__name__} {name}"


def number(file, name, rng):
    values = np.atleast_1d(file[name][()])
    at = rng.randrange(values.size)
    if values.dtype.kind in "iuf":
        values.flat[at] += 1
        file[name][...] = values.reshape(file[name].shape)


def removed(file, name, rng):
    del file[name]


def shorter(file, name, rng):
    values, labels = file[name][()], dict(file[name].attrs)
    del file[name]
    file[name] = np.atleast_1d(values)[: max(1, np.size(values) // 2)]
    for key in ("units", "long_name"):
        if key in labels:
            file[name].attrs[key] = labels[key]


def retyped(file, name, rng):
    values = file[name][()]
    del file[name]
    file[name] = np.asarray(values, rng.choice(["f4", "S3", ">f8", "c16"]))


def relabelled(file, name, rng):
    owner = rng.choice([file, file[name]])
    keys = [key for key in owner.attrs if key not in ("DIMENSION_LIST", "REFERENCE_LIST")]
    if keys:
        owner.attrs[rng.choice(keys)] = rng.choice(["another", 3.5, np.arange(4)])


def unlabelled(file, name, rng):
    owner = rng.choice([file, file[name]])
    if len(owner.attrs):
        del owner.attrs[rng.choice(list(owner.attrs))]


def circle(file, name, rng):
    del file[name]
    file[name] = h5py.SoftLink(f"/{name}") if rng.random() < 0.5 else file["/"]


def elsewhere(file, name, rng):
    del file[name]
    file[name] = h5py.ExternalLink("nowhere.h5", "/x")


def huge(file, name, rng):
    dtype, size = file[name].dtype, rng.choice([10**9, 10**15])
    del file[name]
    file.create_dataset(name, (size,), dtype, chunks=(1024,))
    file[name].make_scale(name)


def foreign(file, name, rng):
    for i in range(rng.choice([1, 300])):
        file[f"own_{i}"] = i
    file["own_text"], file["own_circle"] = "hello", h5py.SoftLink("/own_circle")
    file["own_group"] = file["/"]
    file.attrs["comment"] = "checked"
    file[name].attrs["comment"] = np.arange(3)


EDITS = (number, number, removed, shorter, retyped, relabelled, unlabelled, circle, elsewhere, huge, foreign)


# What is asked of it. Everything that comes back as a value is compared with the truth.


def same(data, truth) -> bool:
    """Whether everything that jaxtransport wrote is as it was, bit for bit."""
    for name, array in truth.variables.items():
        if name not in data.variables or data[name].dims != array.dims:
            return False
        if data[name].values.tobytes() != array.values.tobytes():
            return False
        if any(not np.array_equal(data[name].attrs.get(k), v) for k, v in array.attrs.items()):
            return False
    return all(np.array_equal(data.attrs.get(key), value) for key, value in truth.attrs.items())


def calls(path: Path, kind: str, truth):
    """Name -> a call that returns True if what it says is true."""
    import xarray

    from jaxtransport.plot.draw import draw_file
    from jaxtransport.store import export, results

    search = kind == "search"
    target = path.with_suffix(".nc")

    def status():
        attributes = results.read_attributes(path)
        results.times(path)
        if search:
            return same(jt.load(path), truth)
        results.require_intact(path)
        values, counts = np.unique(truth.status, return_counts=True)
        good = results.count_statuses(path) == dict(zip(values.tolist(), counts.tolist(), strict=True))
        return good and all(
            attributes[key] == truth.attrs[key] for key in results.ATTRIBUTES if key in truth.attrs
        )

    def plot():
        draw_file(path, path.with_suffix(".png"))
        return same(jt.load(path), truth)

    def exported():
        export.export(path, target, force=True, level=1)
        if kind == "old":
            return True
        with xarray.open_dataset(target, engine="h5netcdf") as data:
            return same(data, truth)

    def run():
        if search:
            return True
        return same(jt.run(path.parent / "sweep.toml", path, devices=1), truth)

    return {
        "status": status,
        "plot": plot,
        "export": exported,
        "load": lambda: same(jt.load(path), truth),
        "run": run,
    }


def work(channel, folder: Path, truths) -> None:
    """A worker: paths come in; for each call, "good", "told", "accepted" or "traceback" goes out."""
    os.chdir(folder)
    sys.stderr = io.StringIO()
    while (job := channel.recv()) is not None:
        path, kind = job
        for name, call in calls(path, kind, truths[kind]).items():
            channel.send((name, "begun", ""))
            try:
                answer = ("good" if call() else "accepted"), ""
            except jt.InputError as error:
                answer = "told", str(error)
            except BaseException:
                answer = "traceback", traceback.format_exc()
            channel.send((name, *answer))
        channel.send(("", "done", ""))


class Worker:
    def __init__(self, folder: Path, truths) -> None:
        self.folder, self.truths = folder, truths
        self.start()

    def start(self) -> None:
        self.channel, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(
            target=work, args=(theirs, self.folder, self.truths), daemon=True
        )
        self.process.start()
        theirs.close()

    def results(self, path: Path, kind: str):
        """(command, outcome, what it said) of every call on one file."""
        self.channel.send((path, kind))
        name = ""
        while True:
            if not self.channel.poll(SECONDS):
                self.process.kill()
                yield name, "hang", ""
            else:
                try:
                    name, outcome, said = self.channel.recv()
                    if outcome == "done":
                        return
                    if outcome != "begun":
                        yield name, outcome, said
                    continue
                except EOFError:
                    self.process.join()
                    yield name, "crash", f"exit {self.process.exitcode}"
            self.start()
            return


def command_line(path: Path) -> list[tuple[str, str]]:
    """The same by real commands."""
    out = []
    for command in (["status", path], ["export", path, "-o", path.with_suffix(".csv"), "--force"]):
        done = subprocess.run(
            [sys.executable, "-m", "jaxtransport", *map(str, command)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        if "Traceback" in done.stderr or done.returncode not in (0, 1, 2):
            out.append((f"{command[0]} (real)", f"exit {done.returncode}: {done.stderr[-300:]}"))
    return out


def make(folder: Path):
    """The results to damage, by kind, and what is true of each."""
    from jaxtransport import models
    from jaxtransport.jobs.search import search as search_job
    from jaxtransport.sweep import plan

    plan.BLOCK_COST, plan.BATCH_POINTS = 1, dict.fromkeys(plan.BATCH_POINTS, 8)  # several checksums
    (folder / "sweep.toml").write_text(SWEEP)
    (folder / "search.toml").write_text(SEARCH)
    jt.run(folder / "sweep.toml", folder / "sweep.h5", devices=1)
    search_job(models.read(folder / "search.toml"), folder / "search.h5")
    shutil.copy(folder / "sweep.h5", folder / "old.h5")
    with h5py.File(folder / "old.h5", "r+") as file:
        del file["run"]
    truths = {kind: jt.load(folder / f"{kind}.h5") for kind in ("sweep", "search")}
    return {**truths, "old": truths["sweep"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=100, help="how many (100)")
    parser.add_argument("--seed", type=int, default=0, help="of the first file; the others follow (0)")
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="damage-"))
    # JAX must not have started where workers fork: the results are made by another process.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        truths = pool.apply(make, (folder,))
    workers = [Worker(folder, truths) for _ in range(WORKERS)]
    seen: collections.Counter = collections.Counter()
    bad = 0
    start = time.monotonic()

    def one(seed: int):
        worker = workers.pop()
        try:
            return try_one(folder, seed, worker)
        finally:
            workers.append(worker)

    with ThreadPoolExecutor(WORKERS) as threads:
        for seed, kind, did, found in threads.map(one, range(wanted.seed, wanted.seed + wanted.files)):
            for name, outcome, said in found:
                seen[name, outcome] += 1
                if outcome in WRONG or (outcome == "accepted" and kind != "old"):
                    bad += 1
                    print(seed, kind, did, name, outcome, said.strip()[-600:], flush=True)
    for worker in workers:
        worker.process.kill()
    shutil.rmtree(folder, ignore_errors=True)
    print(f'{wanted.files} files in {time.monotonic() - start:.0f} s; "accepted" holds old files alone:')
    print(f"{'':>16}", *(f"{outcome:>10}" for outcome in ("good", "told", "accepted", *WRONG)))
    for name in sorted({name for name, _ in seen}):
        print(
            f"{name:>16}", *(f"{seen[name, outcome]:>10}" for outcome in ("good", "told", "accepted", *WRONG))
        )
    sys.exit(bool(bad))


def try_one(folder: Path, seed: int, worker: Worker):
    """Damage one file, and what comes of it."""
    rng = random.Random(seed)
    kind = rng.choice(["sweep"] * 6 + ["search"] * 2 + ["old"] * 2)
    path = folder / f"{seed}.h5"
    shutil.copy(folder / f"{kind}.h5", path)
    did = rng.choice([flip] * 6 + [cut] + [edited] * 3)(path, rng)
    found = list(worker.results(path, kind))
    if seed % 50 == 0:
        found += [(name, "traceback", said) for name, said in command_line(path)]
    for left in folder.glob(f"{seed}.*"):
        left.unlink()
    return seed, kind, did, found


if __name__ == "__main__":
    main()
