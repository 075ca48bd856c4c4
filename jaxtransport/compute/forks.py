"""Detection of forks, which JAX does not support: without its threads, the first computation hangs."""

from __future__ import annotations

import os

from jaxtransport.compute import xla

_forked = False


def _mark() -> None:
    global _forked
    _forked = xla.started()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_mark)


def require_own_jax() -> None:
    """Raise `RuntimeError` in a process that was forked from one in which JAX had started."""
    if _forked:
        raise RuntimeError(
            "this process was forked from one in which JAX had started, and JAX would hang; create "
            'processes with multiprocessing.get_context("spawn"), or fork before anything is computed'
        )
