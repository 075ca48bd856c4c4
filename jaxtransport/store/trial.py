"""Opening an unsealed file in a child process first, since HDF5 may crash or hang.

The child opens the file as its parent will, compares everything that is written once, and reads one number of
every variable. A failure of the child becomes a message.
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

SECONDS = 60  # more than any valid file takes
MEMORY = 2**33  # bytes that the child may allocate, since a wrong length may be arbitrarily large
CHILD = "import sys; from jaxtransport.store.trial import main; main(sys.argv[1])"

_seen: dict[tuple, tuple[list[str], bool] | None] = {}  # results of children, by the state of the file


def mistakes_of(path: Path) -> tuple[list[str], bool] | None:
    """Mistakes of a file, and whether it is damaged; None if it opens."""
    about = os.stat(path)
    identity = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    if identity in _seen or not sys.executable:
        return _seen.get(identity)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OPENBLAS_NUM_THREADS": "1",  # each thread would allocate its own memory
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
    """Open a file as its reader would; print mistakes as JSON and exit with code 1 if there are any."""
    from jaxtransport.errors import InputError
    from jaxtransport.store.resultfile import DamagedFile, ResultFile

    signal.alarm(SECONDS)  # terminates the process
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with ResultFile(path, tried=True) as file:
            file.touch()
    except InputError as error:
        print(json.dumps({"mistakes": error.mistakes, "damaged": isinstance(error, DamagedFile)}))
        sys.stdout.flush()
        os._exit(1)  # without the cleanup of HDF5, which may hang
    os._exit(0)
