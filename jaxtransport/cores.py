"""Cores as XLA sees them: devices that compute, and threads that help. Settled before JAX starts.

A device of a CPU takes one of XLA's threads while it computes. LAPACK shares the matrices of a batch among
the others and waits for them: where there are no others, for ever.
"""

from __future__ import annotations

import os

from jaxtransport.errors import InputError


def offer(count: int | None) -> None:
    """Have JAX, which is not loaded yet, make `count` devices, by default one of every core.

    Raises:
        InputError: there can be no such number of devices.
    """
    if count is not None and count < 1:
        raise InputError(f"--devices {count}: pass a whole number >= 1")
    if devices_are_settled():
        return
    have = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count is not None:
        os.environ["JAX_NUM_CPU_DEVICES"] = str(count)
    os.environ.setdefault("JAX_NUM_CPU_DEVICES", str(have))
    offer_threads(max(have, count or 1))


def devices_are_settled() -> bool:
    """True if XLA_FLAGS say how many devices the CPU has."""
    return "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")


def offer_threads(devices: int) -> None:
    """Give XLA, which has not started yet, threads beside those that devices take."""
    os.environ.setdefault("NPROC", str(2 * devices))


def threads() -> int:
    """Threads that XLA has: as many as NPROC says, or one for each core."""
    told = os.environ.get("NPROC", "")
    return int(told) if told.isdecimal() and int(told) else os.cpu_count() or 1
