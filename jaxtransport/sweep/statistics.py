"""Statistics of the members of an average, and the variables that store them.

    v            mean of x
    v_error      standard error of the mean, s / sqrt(n)
    v_variance   s^2 = sum (x - mean)^2 / (n - 1)
    v_typical    exp mean log |x|
    v_quantiles  values below which given fractions of the members lie

n members have status 0; the others are left out, and counted. Host data only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtransport.sweep.task import StoredVariable

STATISTICS = ("mean", "error", "variance", "typical", "quantiles")
# Full name and symbol of a statistic of the quantity "{}"
LABELS = {
    "mean": ("mean {}", r"\langle {}\rangle"),
    "error": ("standard error of the mean {}", r"\mathrm{{SE}}({})"),
    "variance": ("variance of the {}", r"\mathrm{{Var}}({})"),
    "typical": ("typical {}", r"\exp\langle\ln|{}|\rangle"),
    "quantiles": ("quantiles of the {}", "{}"),
}
QUANTILES = (0.05, 0.5, 0.95)
QUANTILE = "quantile"  # the dimension
BOOKS = "run/pieces_"  # in front of what is kept to add members


@dataclass(frozen=True)
class Statistic:
    """One stored variable: a statistic of another."""

    name: str
    unit: str
    long_name: str
    symbol: str
    dims: tuple[str, ...]
    of: str = ""  # the variable that is averaged; none: it counts members
    kind: str = ""  # of `STATISTICS`
    dtype: str = "f8"


MEMBERS = Statistic("members", "1", "members of the average", "n", (), dtype="i8")
FAILED = Statistic(
    "failed", "1", "members that failed and were left out", r"n_\mathrm{failed}", (), dtype="i8"
)


def statistics_of(variables: Sequence[StoredVariable], kinds: Sequence[str]) -> tuple[Statistic, ...]:
    """The stored variables of an average: the mean of each variable, and the statistics asked for."""
    out = []
    for v in variables:
        for kind in STATISTICS:
            if kind == "mean" or kind in kinds:
                out.append(_statistic(v, kind))
    return (*out, MEMBERS, FAILED)


def unit_of(kind: str, unit: str) -> str:
    """The unit of a statistic of a quantity with a unit."""
    return f"({unit})^2" if kind == "variance" and unit != "1" else unit


def _statistic(v: StoredVariable, kind: str) -> Statistic:
    name = v.name if kind == "mean" else f"{v.name}_{kind}"
    long_name, symbol = (
        label.format(of) for label, of in zip(LABELS[kind], (v.long_name, v.symbol), strict=True)
    )
    dims = (*v.dims, QUANTILE) if kind == "quantiles" else v.dims
    return Statistic(name, unit_of(kind, v.unit), long_name, symbol, dims, v.name, kind)


STATE_OF = {"mean": "mean", "squares": "sum of squared deviations", "logs": "sum of logarithms"}


def state_of(variables: Sequence[StoredVariable], *, squares: bool, logs: bool) -> tuple[Statistic, ...]:
    """Moments of the whole pieces of an average, from which more members can be added: bookkeeping."""
    kinds = ["mean", *(["squares"] if squares else []), *(["logs"] if logs else [])]
    out = [
        Statistic(f"{BOOKS}{kind}_{v.name}", "1", STATE_OF[kind], "", v.dims, v.name, kind)
        for v in variables
        for kind in kinds
    ]
    counts = {"n": "members", "failed": "members left out", "first": "status of the first left out"}
    return (*out, *(Statistic(f"{BOOKS}{k}", "1", what, "", (), dtype="i8") for k, what in counts.items()))
