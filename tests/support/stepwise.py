"""Runs in another process, taken step by step, to be killed at any of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import jaxtransport as jt

PACKAGE = Path(jt.__file__).parents[1]

# Runs a sweep in small blocks. Before every step that may change a file it says what comes, and waits.
CHILD = """
import os, sys
import h5py
import jaxtransport as jt
from jaxtransport.store import store
from jaxtransport.sweep import plan

def announced(owner, name, what=lambda args: ""):
    function = getattr(owner, name)
    def wrapper(*args, **kwargs):
        print(name, what(args), flush=True)
        sys.stdin.readline()
        return function(*args, **kwargs)
    setattr(owner, name, wrapper)

def replaced(part, path, replace=os.replace):
    if "out.h5" in str(path):
        print("replace", flush=True)
        sys.stdin.readline()
    replace(part, path)

announced(h5py.Group, "create_dataset", lambda args: args[1])
announced(h5py.Dataset, "__setitem__", lambda args: args[0].name.strip("/"))
announced(os, "pwrite", lambda args: args[2])
announced(os, "fdatasync")
announced(store.Store, "_put", lambda args: args[1])
announced(store.Store, "finish")
os.replace = replaced

plan.BLOCK_COST = 1
plan.BATCH_POINTS = dict.fromkeys(plan.BATCH_POINTS, 8)
exec(sys.argv[1])
print("done", flush=True)
"""


class Run:
    """Python code in another process, such as a sweep, taken step by step."""

    def __init__(self, folder, code='jt.run("spec.toml", "out.h5")'):
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        with self.process:
            pass

    def steps(self):
        """What the run is about to do; it does it when the next step is asked for."""
        while (line := self.process.stdout.readline().strip()) not in ("", "done"):
            yield line
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        assert line == "done"
        assert self.process.wait() == 0

    def kill_during(self, wanted, delay):
        """Kill the run `delay` seconds into the first step of which `wanted(count, step)` is true."""
        for count, step in enumerate(self.steps()):
            if wanted(count, step):
                self.process.stdin.write("\n")
                self.process.stdin.flush()
                time.sleep(delay)
                self.process.kill()
                assert self.process.wait() == -signal.SIGKILL
                return
        pytest.fail("the run ended before it was killed")
