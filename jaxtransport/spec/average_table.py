"""[average] of a sweep file: axes that are reduced to statistics.

[average]
over       = "onsite.seed"                           one axis, or a list of them
statistics = ["mean", "error", "typical"]            default: mean and error
quantiles  = [0.05, 0.5, 0.95]                       with "quantiles" among the statistics
until      = { error = 1e-3, of = "conductance" }    no more members than this standard error takes
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import PlainValidator

from jaxtransport.arguments import POSITIVE, show
from jaxtransport.spec.tables import Table
from jaxtransport.spec.values import choice, list_of, number, part, text
from jaxtransport.sweep.statistics import QUANTILES, STATISTICS


def _over(value: Any) -> list[str]:
    names = list_of(text, "names of axes")([value] if isinstance(value, str) else value)
    if not names:
        raise ValueError("expected the name of an axis, or several, got an empty list")
    return names


def _statistics(value: Any) -> list[str]:
    names = list_of(choice(*STATISTICS), "statistics")(value)
    if not names:
        raise ValueError(f"expected some of {', '.join(STATISTICS)}, got an empty list")
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"duplicate {twice[0]!r}")
    return names


def _quantiles(value: Any) -> list[float]:
    probabilities = list_of(_probability, "probabilities")(value)
    if not probabilities:
        raise ValueError("expected probabilities such as [0.05, 0.5, 0.95], got an empty list")
    if any(a >= b for a, b in itertools.pairwise(probabilities)):
        raise ValueError(f"expected probabilities in ascending order, each once, got {show(value)}")
    return probabilities


def _probability(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"expected a probability from 0 to 1, got {show(value)}")
    return float(value)


def _until(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or set(value) != {"error", "of"}:
        example = '{ error = 1e-3, of = "conductance" }'
        raise ValueError(f"expected a table such as {example}, got {show(value)}")
    return {key: part(value, key, read) for key, read in {"error": number(POSITIVE), "of": text}.items()}


class AverageTable(Table):
    """[average]"""

    required: ClassVar = {"over": "the name of the axis to average over"}

    over: Annotated[list[str] | None, PlainValidator(_over)] = None
    statistics: Annotated[list[str] | None, PlainValidator(_statistics)] = None
    quantiles: Annotated[list[float] | None, PlainValidator(_quantiles)] = None
    until: Annotated[dict[str, Any] | None, PlainValidator(_until)] = None

    def completed(self) -> AverageTable:
        """With its defaults, so that omitted and explicit ones are equal."""
        if self.over is None:
            return self
        asked = [name for name in STATISTICS if name in (self.statistics or ("mean", "error"))]
        quantiles = list(QUANTILES) if self.quantiles is None and "quantiles" in asked else self.quantiles
        # Members have the order of [grid], whatever the order of their names here.
        return self.model_copy(
            update={"over": sorted(self.over), "statistics": asked, "quantiles": quantiles}
        )
