"""Two checkouts of the project on the same sweep files: the same numbers, the same statuses?

    python scripts/compare.py OLD NEW
    python scripts/compare.py OLD NEW --only exact

OLD and NEW are folders with a checkout each; both run under the Python of this process. Every sweep file
below is run by either, in a process of its own for each checkout, and all variables are compared: numbers to
1e-13 of the largest of their variable, missing ones where they are missing, statuses and whole numbers
exactly. Errors of currents (residual, quadrature_error), which are rounding themselves, are compared to 1e-13
of the largest current. Exit code 0 if all agree.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray

ALLOWED = 1e-13
ERRORS = ("residual", "quadrature_error")  # of currents, in the unit of currents
RUN = """
import contextlib, sys
from jaxtransport.__main__ import main
for command, spec, out in zip(*[iter(sys.argv[1:])] * 3):
    sys.argv = ["jaxtransport", command, spec, "-o", out]
    with contextlib.suppress(SystemExit):
        main()
"""

WIRES = {
    "dimers": 'layout = "dimers"\nN = 6\ngamma = 0.5',
    "pair": 'layout = "pair"\nN = 9\ngamma = 0.4\ncontact = [0.7, 1.2]',
    "spaced": 'layout = "spaced"\nN = 13\nspacing = 3\ngamma = 0.6\nonsite = 0.2\nhopping = 0.9',
    "custom": 'layout = "custom"\nN = 8\nsources = [3, 4]\ndrains = [6]\nprobes = [7]\ngamma = 0.5\n'
    "strengths = [1.0, 0.5, 1.5]",
    "lists": 'layout = "custom"\nN = 5\nsources = [2]\ndrains = [4]\ngamma = [1.0, 0.3, 0.0, 0.4, 0.8]\n'
    "onsite = [0.1, -0.2, 0.3, 0.0, 0.2]\nhopping = [1.0, 0.8, 1.1, 0.9]",
    "probes": 'layout = "custom"\nN = 7\nprobes = [2, 5]\ngamma = 0.3',
}
DRIVE = "mu_bar = 0.7\ndelta_mu = 0.2\ninjection = 0.1"
ALONG = ["potential", "site_current", "bond_current", "heat", "density"]
PROFILES = [f"{name}_{bias}" for name in ALONG for bias in ("forward", "reverse")]
LAWS = {
    "linear": 'law = "linear"',
    "dense": 'kernel = "dense"',
    "series": 'law = "series"\norder = 3',
    "cold": 'law = "exact"',
    "warm": 'law = "exact"\ntemperature = 0.02',
}


def quantum(
    wire: str, solve: str = "", grid: str = "", drive: str = DRIVE, variables: list | None = None
) -> str:
    output = "" if variables is None else f"[output]\nvariables = {variables}\n".replace("'", '"')
    return f"[wire]\n{wire}\n[drive]\n{drive}\n[solve]\n{solve}\n[grid]\n{grid}\n{output}"


def specs() -> dict[str, tuple[str, str]]:
    """Name -> (command, sweep file)."""
    out = {}
    for law, solve in LAWS.items():
        for name, wire in WIRES.items():
            drive = DRIVE if name != "probes" else "mu_bar = 0.7\ndelta_mu = 0.2"
            out[f"{law} {name}"] = "run", quantum(wire, solve, "mu_bar = [-0.3, 0.7]", drive, None)
        out[f"{law} along the wire"] = "run", quantum(WIRES["custom"], solve, "", DRIVE, PROFILES)
    grids = {
        "lengths": "N = { start = 4, stop = 24, step = 4 }\ngamma = [0.2, 0.5]",
        "biases": "delta_mu = [0.05, 0.1, 0.4]\ninjection = [0.0, 0.1, 0.3]",
        "onsite and hopping": "onsite = [-0.3, 0.0]\nhopping = [0.6, 1.0]\ncontact = [0.5, 1.0]",
        "given currents": "I_g = [0.001, 0.01]",
    }
    dimers = WIRES["dimers"]
    for name, grid in grids.items():
        drive = "mu_bar = 0.7\ndelta_mu = 0.2" if "I_g" in grid else DRIVE
        out[f"axes of {name}"] = "run", quantum(dimers, "", grid, drive)
    out["axis of temperature"] = "run", quantum(dimers, 'law = "exact"', "temperature = [0.0, 0.01, 0.2]")
    out["ends of the band"] = "run", quantum(dimers, 'law = "exact"', "injection = [0.5, 3.0, 9.0]")
    roots = ["roots_forward", "roots_reverse", "nonreciprocity"]
    out["roots"] = "run", quantum(WIRES["lists"], LAWS["series"], "mu_bar = [0.2, 0.7]", DRIVE, roots)
    weak = 'layout = "custom"\nN = 6\nsources = [3]\ndrains = [4]\ngamma = 0.5'
    out["weak contacts"] = "run", quantum(weak, "", "contact = [1e-6, 1e-3, 0.1]")
    classical = 'model = "classical"\n[wire]\nlayout = "{}"\nN = 10\np = 0.8\n[drive]\ndelta_rho = 0.5\n'
    classical += "injection = 0.2\n[grid]\np = [0.5, 0.9]\n"
    for layout in ("dimers", "pair"):
        out[f"classical {layout}"] = "run", classical.format(layout)
    circuit = 'model = "circuit"\n[wire]\n{}\n[drive]\ninjection = 0.3\n[grid]\nvoltage = [0.5, 1.0]\n'
    out["circuit of dimers"] = "run", circuit.format('layout = "dimers"\nN = 8')
    custom = 'layout = "custom"\npositions = [0.2, 0.7]\nstrengths = [1.0, -1.0]'
    out["circuit of positions"] = "run", circuit.format(custom)
    searches = {
        "mu_bar": "mu_bar = [-1.9, 1.9]",
        "gamma": "gamma = [0.1, 1.5]",
        "one site": '"onsite[3]" = [-0.5, 0.5]',
        "curves": "gamma = [0.2, 1.0], mu_bar = [-1.5, 1.5]",
        "lengths": "N = [4, 24]",
    }
    pair = 'layout = "pair"\nN = 7\ngamma = 0.5'
    drive = "mu_bar = 0.7\ninjection = 0.1"
    for name, over in searches.items():
        # What is searched is not given, too.
        given = "\n".join(line for line in drive.splitlines() if line.split()[0] not in over)
        wire = "\n".join(line for line in pair.splitlines() if f"{line.split()[0]} =" not in over)
        text = f"[wire]\n{wire}\n[drive]\n{given}\n[search]\nover = {{ {over} }}\n"
        out[f"search over {name}"] = "zeros", text
    exact = f'[wire]\n{pair}\n[drive]\ndelta_mu = 0.1\ninjection = 0.2\n[solve]\nlaw = "exact"\n'
    out["search by the exact law"] = "zeros", exact + "[search]\nover = { mu_bar = [0.2, 1.2] }\n"
    many = f"[wire]\n{pair}\n[grid]\ncontact = [0.5, 1.0]\n[search]\nover = {{ mu_bar = [-1.5, 1.5] }}\n"
    out["several searches"] = "zeros", many
    return out


def run(checkout: Path, chosen: dict[str, tuple[str, str]], folder: Path) -> None:
    """All sweep files by one checkout, into `folder`."""
    folder.mkdir()
    arguments: list[str] = []
    for number, (command, text) in enumerate(chosen.values()):
        spec = folder / f"{number}.toml"
        spec.write_text(text)
        arguments += [command, str(spec), str(folder / f"{number}.h5")]
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
    with open(folder / "log", "w") as log:
        command_line = [sys.executable, "-c", RUN, *arguments]
        subprocess.run(command_line, cwd=folder, env=environment, stdout=log, stderr=log, check=False)


def differences(old: Path, new: Path) -> list[str]:
    """What the results of one sweep file differ in."""
    if not old.exists() or not new.exists():
        return [f"no result: {', '.join(str(path) for path in (old, new) if not path.exists())}"]
    found = []
    with xarray.open_dataset(old, engine="h5netcdf") as a, xarray.open_dataset(new, engine="h5netcdf") as b:
        for name in sorted({*map(str, a.data_vars), *map(str, a.dims)}):
            if name not in b.variables and name not in a.variables:
                continue
            if name not in b.variables:
                found.append(f"{name} missing")
                continue
            one, other = np.asarray(a[name].values), np.asarray(b[name].values)
            if one.shape != other.shape:
                found.append(f"{name}: shape {one.shape} and {other.shape}")
            elif one.dtype.kind != "f":
                if not np.array_equal(one, other):
                    found.append(f"{name}: {np.count_nonzero(one != other)} values differ")
            elif not np.array_equal(np.isnan(one), np.isnan(other)):
                found.append(f"{name}: numbers where there were none, or none where there were")
            elif np.isfinite(one).any():
                largest = largest_current(a) if name in ERRORS else np.nanmax(np.abs(one))
                off = np.nanmax(np.abs(one - other))
                if off > ALLOWED * (largest or 1.0):
                    found.append(f"{name}: {off / (largest or 1.0):.1e} of the largest, {off:.1e}")
    return found


def largest_current(data: xarray.Dataset) -> float:
    """Of a sweep, or of the map that a search has drawn."""
    currents = [name for name in map(str, data.data_vars) if "current" in name or name == "nonreciprocity"]
    return max((float(np.nanmax(np.abs(data[name].values))) for name in currents), default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--only", default="", help="sweep files whose name has this in it")
    arguments = parser.parse_args()
    chosen = {name: spec for name, spec in specs().items() if arguments.only in name}
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / name for name in ("old", "new")]
        for checkout, folder in zip((arguments.old, arguments.new), folders, strict=True):
            run(checkout, chosen, folder)
        for number, name in enumerate(chosen):
            found = differences(*(folder / f"{number}.h5" for folder in folders))
            failed += bool(found)
            print(f"{name:32s} {'; '.join(found) or 'same'}", flush=True)
        if failed:
            print(*((folder / "log").read_text()[-3000:] for folder in folders), sep="\n")
    print(f"{len(chosen) - failed} of {len(chosen)} sweep files have the same results")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
