"""The exact law against plain NumPy (`plain_panels`): first call, next calls, sweeps, memory. One run.

    python scripts/exact_speed.py
    python scripts/exact_speed.py --sites 20 --devices 2

Every figure is of a process of its own, on a machine that does nothing else:

    first     `jt.nonreciprocity` once, its programs compiled; `cached`: read from the disk cache
    next      the same again, best of ten
    sweep     per point, from sweeps of 1000 and 11 000 points by the command line, compiled before; each the
              best of a few, since a process takes seconds to start
    NumPy     per point, best of three; Delta I of both is compared
    memory    peak of the process of a sweep
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DRIVE = {"mu_bar": 0.3, "injection": 0.01}
GAMMA = 0.5

CALL = """
import time, json, jax
jax.config.update("jax_enable_x64", True)
import jaxtransport as jt
wire = jt.Wire.dimers({N}, gamma={gamma})
def call():
    start = time.perf_counter()
    value = float(jt.nonreciprocity(wire, delta_mu={delta_mu}, law=jt.Exact(temperature={T}), **{drive}))
    return time.perf_counter() - start, value
first, value = call()
print(json.dumps([first, min(call()[0] for _ in range(10)), value]))
"""

NUMPY = """
import time, json, sys, jax
jax.config.update("jax_enable_x64", True)
sys.path.insert(0, {here!r})
import jaxtransport as jt
from plain_panels import nonreciprocity
wire = jt.Wire.dimers({N}, gamma={gamma})
times = []
for _ in range(3):
    start = time.perf_counter()
    value, energies = nonreciprocity(wire, {drive}["mu_bar"], {delta_mu}, {drive}["injection"], {T})
    times.append(time.perf_counter() - start)
print(json.dumps([min(times), value, energies]))
"""

SPEC = """
[wire]
layout = "dimers"
N = {N}
[drive]
delta_mu = {delta_mu}
injection = {injection}
[solve]
law = "exact"
temperature = {T}
[grid]
gamma = {{ start = 0.45, stop = 0.55, num = {couplings} }}
mu_bar = {{ start = 0.2, stop = 0.4, num = 100 }}
[output]
variables = ["nonreciprocity", "conductance"]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sites", type=int, nargs="*", default=[4, 20, 60, 100])
    parser.add_argument("--devices", type=int, default=1)
    arguments = parser.parse_args()
    print("   N  dmu     T | first  cached    next    sweep |   NumPy  ratio | memory | difference")
    for N in arguments.sites:
        for delta_mu in (0.1, 1.0):
            for T in (0.0, 0.002, 0.02):
                row(N, delta_mu, T, arguments.devices)


def row(N: int, delta_mu: float, T: float, devices: int) -> None:
    values = {"N": N, "delta_mu": delta_mu, "T": T, "gamma": GAMMA, "drive": DRIVE, **DRIVE}
    with tempfile.TemporaryDirectory() as folder:
        cache = {"XDG_CACHE_HOME": folder}
        first, following, ours = python(CALL.format(**values), cache)
        cached, following_again, _ = python(CALL.format(**values), cache)
        run = lambda couplings: sweep(
            SPEC.format(couplings=couplings, **values), Path(folder), cache, devices
        )
        run(10)  # compiles
        small, large = min(run(10) for _ in range(3)), min(run(110) for _ in range(2 if N <= 20 else 1))
    per_point = (large[0] - small[0]) / 10_000
    plain, theirs, _ = python(NUMPY.format(here=str(Path(__file__).parent), **values), {})
    following = min(following, following_again)
    print(
        f"{N:4d} {delta_mu:4g} {T:5g} | {first:4.1f} s {cached:4.1f} s {1e3 * following:6.2f} ms"
        f" {1e3 * per_point:6.2f} ms | {1e3 * plain:7.1f} {plain / per_point:6.1f} |"
        f" {large[1] / 1e6:4.0f} MB | {abs(ours - theirs):.0e}",
        flush=True,
    )


def python(code: str, environment: dict[str, str]) -> list[float]:
    """What the last line of a Python process prints, as JSON."""
    out = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(out.stdout.splitlines()[-1])


def sweep(spec: str, folder: Path, environment: dict[str, str], devices: int) -> tuple[float, float]:
    """Seconds and peak bytes of a sweep by the command line."""
    (folder / "spec.toml").write_text(spec)
    (folder / "out.h5").unlink(missing_ok=True)
    command = [sys.executable, "-m", "jaxtransport", "run", str(folder / "spec.toml")]
    command += ["-o", str(folder / "out.h5"), "--devices", str(devices)]
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, code, usage = os.wait4(process.pid, 0)
    if code:
        raise SystemExit(f"{' '.join(command)}: exit code {code}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024.0


if __name__ == "__main__":
    main()
