"""Results that are averages, over seeds of disorder for example, and what their variables are called.

v            mean of the members                v_error      standard error of the mean
v_typical    exp <ln |v|>                       v_variance   variance of the members
v_quantiles  along the dimension `quantile`     members      how many there are, without those that failed
"""

from __future__ import annotations

import re

import numpy as np
import xarray as xr

from jaxtransport.plot import style

QUANTILE = "quantile"
# Name and symbol of a statistic of the quantity "{}", as sweeps label them; a test compares the two.
STATISTICS = {
    "error": ("standard error of the mean {}", r"\mathrm{{SE}}({})"),
    "variance": ("variance of the {}", r"\mathrm{{Var}}({})"),
    "typical": ("typical {}", r"\exp\langle\ln|{}|\rangle"),
    "quantiles": ("{}", "{}"),
}


def parse(data: xr.Dataset, name: str) -> tuple[str, str] | None:
    """("conductance", "typical") for "conductance_typical" of averages; None for any other variable."""
    base, _, statistic = name.rpartition("_")
    known = "members" in data.variables and statistic in STATISTICS and base in data.variables
    return (base, statistic) if known else None


def error_of(data: xr.Dataset, name: str) -> str | None:
    """The variable with the standard error of `name`, if there is one."""
    error = f"{name}_error"
    return error if error in data.variables and parse(data, error) else None


def is_typical(data: xr.Dataset, name: str) -> bool:
    return (parse(data, name) or ("", ""))[1] == "typical"


def labelled(data: xr.Dataset) -> xr.Dataset:
    """`data` with labels of its averages that say what they are, such as "typical conductance".

    The attribute `quantity` of each is the name of what was averaged.
    """
    found = {name: known for name in map(str, data.data_vars) if (known := parse(data, name))}
    if not found:
        return data
    attributes = {}
    for base in {base for base, _ in found.values()}:
        name, symbol = _of_members(data[base])
        attributes[base] = {"long_name": f"mean {name}", "symbol": symbol, "quantity": name}
    for name, (base, statistic) in found.items():
        quantity, symbol = _of_members(data[base])
        unit = str(data[base].attrs.get("units", "1"))
        called, written = STATISTICS[statistic]
        attributes[name] = {
            "long_name": called.format(quantity),
            "symbol": written.format(symbol),
            "units": f"({unit})^2" if statistic == "variance" and unit != "1" else unit,
            "quantity": quantity,
        }
    return data.assign({name: data[name].assign_attrs(more) for name, more in attributes.items()})


def _of_members(mean: xr.DataArray) -> tuple[str, str]:
    """Name and symbol of what was averaged, whether or not its labels say "mean"."""
    symbol = style.symbol_of(mean)
    inner = re.fullmatch(r"\\langle\s*(.*?)\s*\\rangle", symbol)
    name = str(mean.attrs.get("long_name") or mean.name)
    return name.removeprefix("mean "), inner[1] if inner else symbol


def pairs(quantiles: np.ndarray) -> list[tuple[int, int]]:
    """Places of the quantiles q < 1/2 and 1 - q, the widest pair first."""
    found = []
    for low in np.argsort(quantiles):
        high = np.flatnonzero(np.isclose(quantiles, 1 - quantiles[low], rtol=0, atol=1e-9))
        if quantiles[low] < 0.5 and high.size and not np.isclose(quantiles[low], 0.5):
            found.append((int(low), int(high[0])))
    return found


def counted(data: xr.Dataset) -> str:
    """ "100 members", "97 to 100 members"; "" for a result that is no average."""
    if "members" not in data.variables or not data["members"].size:
        return ""
    low, high = int(data["members"].min()), int(data["members"].max())
    return f"{high:,} members" if low == high else f"{low:,} to {high:,} members"


def failures(data: xr.Dataset) -> list[str]:
    """A note on members that are left out of averages."""
    if not {"members", "failed"} <= set(data.variables):
        return []
    failed = int(data["failed"].sum())
    total = failed + int(data["members"].sum())
    return [f"{failed:,} of {total:,} members without numbers, left out of the averages"] if failed else []
