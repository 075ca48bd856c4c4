"""Choice of the kernel that computes the transmissions of a wire.

`Chain` goes along a wire site by site, `ParallelChain` through its pieces at the same time, `Dense` inverts a
matrix. `Conserving` is the chain for sources and drains that balance behind barriers, `Refined` the matrices
for them: slower, and used where the others lost digits (status 7), or where a retry is not possible.
Where every step of a loop is a call by itself, on a GPU and on a CPU that does not compile whole loops
(`xla`), a long wire is faster in pieces. Compiled as a whole, the chain is as fast or faster.

`PallasChain`, the chain as one GPU kernel, is three to four times as fast on an H100, by a backend of JAX
that JAX 0.12 deprecates: sweeps use it where the environment variable JAXTRANSPORT_PALLAS is set.
"""

from __future__ import annotations

import os
from typing import Any

import jax

from jaxtransport.arguments import choice
from jaxtransport.compute import xla
from jaxtransport.green.chain import Chain
from jaxtransport.green.conserving import Conserving
from jaxtransport.green.dense import Dense
from jaxtransport.green.parallel_chain import ParallelChain
from jaxtransport.green.refined import Refined
from jaxtransport.green.transmission import Transmission

KERNELS: dict[str, type[Transmission]] = {
    "auto": Chain,
    "chain": Chain,
    "long": ParallelChain,
    "dense": Dense,
}
PALLAS = "JAXTRANSPORT_PALLAS"
LONG = 10_000  # sites from which on `ParallelChain` pays within a hundred wires, though compiled for longer


def named(name: Any) -> type[Transmission]:
    """The class behind a name, "auto" being the chain.

    Raises:
        InputError: an unknown name.
    """
    return KERNELS[choice("kernel", name, KERNELS)]


def kernel_for(name: Any, sites: int, *, alone: bool) -> type[Transmission]:
    """The kernel to use for wires of some length.

    Args:
        name: "chain", "long", "dense", or "auto" for the best O(N) kernel.
        sites: entries of the wire's arrays.
        alone: False if a batch of wires shares the calls.

    Raises:
        InputError: an unknown name.
    """
    kernel = named(name)
    calls = xla.steps_are_calls() and (alone or jax.default_backend() != "cpu")
    if name == "auto" and sites >= LONG and calls:
        return ParallelChain
    if kernel is Chain and not alone and jax.default_backend() == "gpu" and os.environ.get(PALLAS):
        from jaxtransport.green.pallas import PallasChain  # Pallas takes long to import

        return PallasChain
    return kernel


def careful(kernel: type[Transmission]) -> type[Transmission]:
    """The careful kernel for points that `kernel` does not resolve."""
    return Refined if issubclass(kernel, Dense) else Conserving
