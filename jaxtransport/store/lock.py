"""The exclusive right to write one output: a lock that the system gives back when its holder dies."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

from jaxtransport.compute import interrupts
from jaxtransport.errors import InputError

try:
    import fcntl
except ImportError:  # what comes before this needs no locks: specs are validated anywhere
    raise InputError(
        "jaxtransport writes and watches results on Linux and macOS only (Python here has no fcntl); "
        "on Windows, use it inside WSL"
    ) from None


class Lock:
    """Exclusive right to write one output, held by `flock` on a file beside it.

    Makes the folders that are missing; `release` takes those away again that are empty.
    """

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(output.name + ".lock")
        self._descriptor = -1
        self._made = list(itertools.takewhile(lambda folder: not folder.exists(), output.parents))
        self._registered = contextlib.ExitStack()
        self._registered.enter_context(interrupts.undone_by(self._discard))
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            while not self._take():
                pass
        except BlockingIOError:
            self._registered.close()
            raise InputError(
                f"output {output}: another run is writing it; wait for it, or choose another output"
            ) from None
        except OSError as error:
            self._registered.close()
            self._discard_folders()
            raise InputError(f"output {output} cannot be written ({error.strerror or error})") from None

    def _take(self) -> bool:
        """Lock the file; False if its holder removed it meanwhile: that lock would exclude nobody."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                self._descriptor = descriptor
                return True
        except FileNotFoundError:
            pass
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return False

    def release(self) -> None:
        self._discard()
        os.close(self._descriptor)
        self._registered.close()

    def _discard(self) -> None:
        """Take the file away, if it is ours, and the folders that are empty."""
        with contextlib.suppress(OSError):  # removed by hand, and perhaps another's by now
            if os.path.samestat(os.fstat(self._descriptor), os.stat(self.path)):
                self.path.unlink()
        self._discard_folders()

    def _discard_folders(self) -> None:
        for folder in self._made:
            with contextlib.suppress(OSError):  # it holds something
                folder.rmdir()


def is_locked(descriptor: int) -> bool:
    """True if another process holds an exclusive lock on an open file, or if that cannot be told."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def share(descriptor: int, output: Path) -> None:
    """Mark an output that is open for writing, as hard links give one file several names, each with a lock.

    The mark is a shared lock on the file itself: those of readers go with it. A file of several names has to
    be without any for a moment.

    Raises:
        InputError: it has several names, and a run writes it, or a program reads it, under another one.
    """
    try:
        if (names := os.fstat(descriptor).st_nlink) > 1:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"output {output} is open elsewhere, perhaps as the output of another run under another of its "
            f"{names} names (hard links); wait for that, or copy the file"
        ) from None
    except OSError:  # a file system without locks
        pass
