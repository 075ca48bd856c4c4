"""Result files with given numbers, made without computing anything."""

import h5py
import numpy as np

from jaxtransport.arguments import show
from jaxtransport.store import files
from jaxtransport.store.results import ATTRIBUTES
from jaxtransport.sweep.grid import Axis, Grid
from jaxtransport.sweep.task import Beside, Task
from jaxtransport.variables import Variable

AXES = {
    "gamma": ("gamma_o", "coupling of the sources and drains", r"\gamma"),
    "mu_bar": ("gamma_o", "mean potential of the leads", r"\bar{\mu}"),
    "N": ("1", "number of sites", "N"),
    "site": ("1", "site", "l"),
    "quantile": ("1", "quantile", "q"),
}


def axis(name, values):
    return Axis(name, np.asarray(values), *AXES.get(name, ("1", name.replace("_", " "), "")))


def write(path, axes, values, *, extra=(), fixed=(), **attributes):
    """Create the result file `path`.

    Args:
        axes: name -> values, of the grid.
        values: (Variable, its numbers over the grid and its own dimensions) each.
        extra: name -> values, of dimensions beyond the grid.
        fixed: (name, number, unit, symbol) of parameters that are one number.
        attributes: of the file, beside those of every result.
    """
    grid = Grid(tuple(axis(*one) for one in axes.items()))
    beside = [
        Beside(name, np.array(number), (), unit, name.replace("_", " "), symbol)
        for name, number, unit, symbol in fixed
    ]
    task = Task(
        grid,
        tuple(variable for variable, _ in values),
        evaluate=lambda point, free, shared: {},
        extra=tuple(axis(*one) for one in dict(extra).items()),
        beside=tuple(beside),
    )
    known = dict.fromkeys(ATTRIBUTES, "") | {"model": "quantum", "layout": "pair"}
    files.create(path, task, known | {"fingerprint": show((axes, extra))} | attributes)
    with h5py.File(path, "r+") as file:
        for variable, numbers in values:
            file[variable.name][...] = numbers
        file["status"][...] = 0
    return path


CONDUCTANCE = Variable("conductance", "e^2/h", "conductance", "G")
POTENTIAL = Variable("potential_forward", "gamma_o", "chemical potential, forward bias", r"\mu_l", ("site",))

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def averages(path, axes, samples, of=CONDUCTANCE, *, extra=(), quantiles=QUANTILES, failed=0, **more):
    """Create a result that averages `samples`, whose first axis counts the members."""
    mean = np.mean(samples, axis=0)
    shape = tuple(len(values) for values in axes.values())
    spread = np.moveaxis(np.quantile(samples, quantiles, axis=0), 0, -1)

    def statistic(name, dims=of.dims):
        return Variable(f"{of.name}_{name}", of.unit, "", "", dims)

    values = [
        (of, mean),
        (statistic("error"), np.std(samples, axis=0, ddof=1) / np.sqrt(len(samples))),
        (statistic("variance"), np.var(samples, axis=0, ddof=1)),
        (statistic("typical"), np.exp(np.mean(np.log(np.abs(samples)), axis=0))),
        (statistic("quantiles", (*of.dims, "quantile")), spread),
        (Variable("members", "1", "members", "", dtype="i2"), np.full(shape, len(samples))),
        (Variable("failed", "1", "failed", "", dtype="i2"), np.full(shape, failed)),
    ]
    return write(path, axes, values, extra={**dict(extra), "quantile": quantiles}, **more)
