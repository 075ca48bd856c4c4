"""Status of a solved point, as stored in every result. Host data: no JAX."""

NOT_COMPUTED = -1
SOLVED, STEP_LIMIT, DIVERGED, SINGULAR, NOT_FINITE, OUTSIDE_BAND = range(6)

MEANINGS = {
    NOT_COMPUTED: "not_computed",
    SOLVED: "solved",
    STEP_LIMIT: "step_limit",
    DIVERGED: "diverged",
    SINGULAR: "singular",
    NOT_FINITE: "not_finite",
    OUTSIDE_BAND: "outside_band",
}
