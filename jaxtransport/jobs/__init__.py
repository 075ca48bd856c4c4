"""Jobs: sweeps, searches and figures from a sweep file to a result, with resuming."""
