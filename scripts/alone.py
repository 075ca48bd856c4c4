"""One wire by itself: milliseconds of the response at the leads and of the whole state, as JSON.

    python scripts/alone.py 1000 1000000

Run by `benchmark.py` in processes of their own, because XLA reads its flags once.
"""

from __future__ import annotations

import argparse
import json
import time

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import jaxtransport as jt

REPEATS = 5


def milliseconds(call) -> list[float]:
    jax.block_until_ready(call())
    out = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(call())
        out.append(1e3 * (time.perf_counter() - start))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("lengths", type=int, nargs="+", metavar="N")
    rows = {}
    for N in parser.parse_args().lengths:
        wire = jt.Wire.dimers(N, gamma=0.3)
        found = {}
        for kernel in ("chain", "long"):
            leads = jax.jit(lambda wire, m, k=kernel: jt.transmission(wire, m, kernel=k).lead_response()[:2])
            rows[f"{N} {kernel} leads"] = milliseconds(lambda f=leads, w=wire: f(w, 0.7))
            rows[f"{N} {kernel} state"] = milliseconds(
                lambda w=wire, k=kernel: jt.solve(w, mu_bar=0.7, delta_mu=0.1, injection=0.2, kernel=k)
            )
            found[kernel] = np.asarray(leads(wire, 0.7))
        rows[f"{N} off"] = [float(np.max(np.abs(found["long"] / found["chain"] - 1)))]
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
