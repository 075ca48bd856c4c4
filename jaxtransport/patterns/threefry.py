"""Random numbers that depend on nothing but their names: Threefry-2x32.

    bits(key, counter) -> 64 random bits

(J. K. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC11.) The same numbers come out of NumPy
and of JAX, in any order and batch. JAX's own implementation, for CPUs, is a loop of rounds, which no other
loop can take in; here they are written out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
ROUNDS = 13  # the fewest that are crush-resistant there, of the 20 of the standard
PARITY = 0x1BD11BDA
WORD = 0xFFFFFFFF


def bits(key: tuple[Any, Any], counter: tuple[Any, Any], rounds: int = ROUNDS) -> tuple[Any, Any]:
    """Two words of 32 random bits: of arrays of uint32 of one shape, by NumPy or JAX."""
    keys = (*key, key[0] ^ key[1] ^ np.uint32(PARITY))
    x, y = counter[0] + key[0], counter[1] + key[1]
    for round in range(rounds):
        r = ROTATIONS[round % 8]
        x = x + y
        y = ((y << np.uint32(r)) | (y >> np.uint32(32 - r))) ^ x
        if round % 4 == 3:
            step = round // 4 + 1
            x, y = x + keys[step % 3], y + keys[(step + 1) % 3] + np.uint32(step)
    return x, y


def words(whole: Any, numpy: Any = np) -> tuple[Any, Any]:
    """The lower and the upper half of whole numbers from 0 to 2^53, as arrays of uint32."""
    whole = numpy.asarray(whole).astype(np.int64)
    return (whole & WORD).astype(np.uint32), (whole >> 32).astype(np.uint32)


def uniform(key: tuple[Any, Any], counter: tuple[Any, Any]) -> Any:
    """Numbers between -1/2 and 1/2, on the middles of 2^53 equal parts."""
    x, y = bits(key, counter)
    whole = (x >> np.uint32(5)).astype(np.float64) * 2.0**26 + (y >> np.uint32(6)).astype(np.float64)
    return (whole - 2.0**52 + 0.5) * 2.0**-53
