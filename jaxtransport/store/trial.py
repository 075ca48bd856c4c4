"""A file that nobody vouches for is opened by another process first: HDF5 may crash, or never come to an end.

The child does what its parent is about to do: it opens the file, compares all that is written once, and
reads one number of every variable. What it cannot do ends there, as a message.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

SECONDS = 60  # more than any file takes that is in order
MEMORY = 2**33  # bytes that the child may ask for: a length that is wrong may be any
CHILD = "import sys; from jaxtransport.store.trial import main; main(sys.argv[1])"

_seen: dict[tuple, tuple[list[str], bool] | None] = {}  # of a file as it was when a child opened it


def mistakes_of(path: Path) -> tuple[list[str], bool] | None:
    """What is wrong with a file, and whether it is damaged; None if it opens."""
    about = os.stat(path)
    identity = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    if identity in _seen or not sys.executable:
        return _seen.get(identity)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OPENBLAS_NUM_THREADS": "1",  # each more would ask for memory of its own
    }
    command = [sys.executable, "-c", CHILD, os.fspath(path)]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode == 0:
        return _seen.setdefault(identity, None)
    with contextlib.suppress(ValueError, KeyError, IndexError):
        said = json.loads(done.stdout.splitlines()[-1])
        return _seen.setdefault(identity, ([str(line) for line in said["mistakes"]], bool(said["damaged"])))
    how = "does not finish" if done.returncode == -signal.SIGALRM else "crashes"
    return [f"HDF5 {how} when it opens the file"], True


def main(path: str) -> None:
    """Open a file as its reader would; end with what is wrong as JSON and exit code 1 if something is."""
    from jaxtransport.errors import InputError
    from jaxtransport.store.resultfile import DamagedFile, ResultFile

    signal.alarm(SECONDS)  # ends the process wherever it is
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with ResultFile(path, tried=True) as file:
            file.touch()
    except InputError as error:
        print(json.dumps({"mistakes": error.mistakes, "damaged": isinstance(error, DamagedFile)}))
        sys.stdout.flush()
        os._exit(1)  # without HDF5's own end, which may not come
    os._exit(0)
