"""The best places for sources and drains on wires of N = 4 ... 40 sites: docs/figures/best_arrangements.png.

    python scripts/best_arrangements.py            draws the picture and prints the table of docs/design.md
    python scripts/best_arrangements.py --out PATH

The best of one and of two pairs for N up to 12 is checked against every arrangement, each solved for
itself with dense matrices in plain NumPy. About a minute on two cores.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from jaxtransport.designs.design import Design, design
from jaxtransport.plot.style import COLOURS, RC

GAMMA, MU_BAR = 0.5, 1.0
LENGTHS = range(4, 41)
CHECKED = 12  # the longest wire of which every arrangement is solved
SHOWN = 24  # length of the wire whose arrangements and profile are drawn
OUT = Path(__file__).parent.parent / "docs" / "figures" / "best_arrangements.png"
BLACK, BLUE, RED, GREEN, _, ORANGE, _ = COLOURS


def profile(N: int, held: tuple[int, ...]) -> np.ndarray:
    """phi on the sites `held` (from 0) of a clean wire, leads at 1 and 0, by dense matrices."""
    coupling = np.zeros(N)
    coupling[list(held)] = GAMMA
    coupling[[0, -1]] = 1.0
    root = np.sqrt(4 - MU_BAR**2)
    A = np.eye(N, k=1) + np.eye(N, k=-1) + np.diag(MU_BAR - coupling**2 / 2 * (MU_BAR - 1j * root))
    Gamma = coupling**2 * root
    T = np.abs(np.linalg.inv(A)) ** 2 * np.outer(Gamma, Gamma)
    np.fill_diagonal(T, 0)
    inner = np.ix_(held, held)
    return np.linalg.solve(np.diag(T.sum(axis=1))[inner] - T[inner], T[list(held), 0])


def brute_force(N: int, pairs: int) -> float:
    """The largest Delta I / I_g of all sites and all roles."""
    best = -np.inf
    for held in itertools.combinations(range(1, N - 1), 2 * pairs):
        phi = profile(N, held)
        for sources in itertools.combinations(range(2 * pairs), pairs):
            best = max(best, 2 * (2 * phi[list(sources)].sum() - phi.sum()))
    return best


def values(axis, one: list[Design], two: list[Design], full: list[Design]) -> None:
    """Delta I / I_g over N."""
    even = [d for d in full if "dimers" in d.compared]
    length = lambda designs: [d.layout.N for d in designs]
    standard = lambda designs, name: [d.compared[name].uniform for d in designs]
    axis.plot(length(full), [d.value for d in full], "-", color=BLACK, label="best of all pairs that fit")
    axis.plot(length(two), [d.value for d in two], "-", color=BLUE, label="best of two pairs")
    axis.plot(length(one), [d.value for d in one], "-", color=RED, label="best of one pair")
    checked = [d for d in one + two if d.layout.N <= CHECKED]
    every = [brute_force(d.layout.N, len(d.layout.sources)) for d in checked]
    axis.plot(length(checked), every, "x", color=GREEN, ms=6, label="all arrangements tried")
    axis.plot(length(even), standard(even, "dimers"), "o", mfc="w", color=BLACK, label="dimers")
    axis.plot(length(one), standard(one, "pair"), "s", mfc="w", color=ORANGE, label="pair")
    axis.set_yscale("symlog", linthresh=1, linscale=1.2)
    axis.set_yticks([0, 0.5, 1, 2, 5, 10, 20], ["0", "0.5", "1", "2", "5", "10", "20"])
    axis.minorticks_off()
    axis.set_ylim(-0.35, 130)
    axis.set_xlabel("$N$")
    axis.set_ylabel(r"$\Delta I / I_g$")
    axis.legend(ncols=2, loc="upper left", columnspacing=1.0, handlelength=1.6)
    worst = max(abs(b - d.value) for b, d in zip(every, checked, strict=True))
    print(f"largest distance from brute force, N <= {CHECKED}: {worst:.1e}")


def rows(axis, named: list[tuple[str, object, float]]) -> None:
    """Sources and drains along the wire, an arrangement a row, with what each is worth."""
    for y, (_, layout, value) in enumerate(named):
        axis.plot([1, SHOWN], [y, y], color="0.75", lw=1, zorder=0)
        axis.plot([1, SHOWN], [y, y], "|", color="0.4", ms=12)
        axis.plot(layout.sources, [y] * len(layout.sources), "o", color=RED, ms=6.5)
        axis.plot(layout.drains, [y] * len(layout.drains), "s", color=BLUE, mfc="w", ms=6)
        axis.text(SHOWN + 1, y, f"{value:.2f}", va="center")
    axis.text(SHOWN + 1, -0.8, r"$\Delta I / I_g$", va="center")
    axis.plot([], [], "o", color=RED, ms=6.5, label="source")
    axis.plot([], [], "s", color=BLUE, mfc="w", ms=6, label="drain")
    axis.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 0.98), borderaxespad=0)
    axis.set_yticks(range(len(named)), [name for name, *_ in named])
    axis.set_ylim(len(named) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_xlim(0.5, SHOWN + 0.5)
    axis.set_xlabel(f"site $l$ of $N = {SHOWN}$")


def heights(axis, three: Design) -> None:
    """The profile that gives out the roles."""
    for layout_sites, colour, name in (
        (range(2, SHOWN), BLACK, "reservoirs everywhere"),
        (three.layout.terminals, GREEN, "three pairs"),
    ):
        held = tuple(l - 1 for l in layout_sites)
        phi = profile(SHOWN, held)
        axis.plot([1, *layout_sites, SHOWN], [1, *phi, 0], "-", color=colour, lw=1.2, label=name)
        for site, height in zip(layout_sites, phi, strict=True):
            source = site <= SHOWN // 2 if colour == BLACK else site in three.layout.sources
            look = {"marker": "o", "color": RED} if source else {"marker": "s", "color": BLUE, "mfc": "w"}
            axis.plot(site, height, ms=6, **look)
    axis.set_xlim(0.5, SHOWN + 0.5)
    axis.set_ylim(-0.03, 1.15)
    axis.set_xlabel(f"site $l$ of $N = {SHOWN}$")
    axis.set_ylabel(r"$\varphi_l$")
    axis.legend(loc="upper right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    find = lambda N, pairs: design(N, pairs, gamma=GAMMA, mu_bar=MU_BAR)
    one = [find(N, 1) for N in LENGTHS]
    two = [find(N, 2) for N in LENGTHS if N >= 6]
    full = [find(N, (N - 2) // 2) for N in LENGTHS]
    three = find(SHOWN, 3)
    print("| N | one pair | sites | two pairs | sites | all pairs | dimers | pair |")
    print("|---|---|---|---|---|---|---|---|")
    at = lambda layout: " ".join(f"S{l}" for l in layout.sources) + "".join(f" D{l}" for l in layout.drains)
    by_length = {d.layout.N: d for d in two}
    for a, f in zip(one, full, strict=True):
        N, b = a.layout.N, by_length.get(a.layout.N)
        second = (f"{b.value:.4f}", at(b.layout)) if b else ("", "")
        dimers = f"{f.compared['dimers'].uniform:.4f}" if N % 2 == 0 else ""
        cells = (N, f"{a.value:.4f}", at(a.layout), *second, f"{f.value:.4f}", dimers)
        print("|", " | ".join(map(str, cells)), f"| {abs(a.compared['pair'].uniform):.4f} |")
    shown = {len(d.layout.sources): d for d in (*one, *two, *full) if d.layout.N == SHOWN} | {3: three}
    named = [
        (f"best of {p}" if p > 1 else "best pair", shown[p].layout, shown[p].value) for p in sorted(shown)
    ]
    dimers = shown[1].compared["dimers"]
    named.append(("dimers", dimers.layout, dimers.uniform))
    with plt.rc_context(RC):
        figure = plt.figure(figsize=(8, 8.2))
        grid = figure.add_gridspec(3, 1, height_ratios=(1.35, 1, 1))
        left, middle, right = (figure.add_subplot(cell) for cell in grid)
        values(left, one, two, full)
        rows(middle, named)
        heights(right, three)
        for axis, letter in ((left, "a"), (middle, "b"), (right, "c")):
            axis.text(-0.13, 1.02, letter, transform=axis.transAxes, fontweight="bold", fontsize=12)
        figure.suptitle(rf"$\gamma = {GAMMA}\,\gamma_o$, $\bar\mu = {MU_BAR:g}\,\gamma_o$", fontsize=11)
        figure.savefig(out)


if __name__ == "__main__":
    main()
