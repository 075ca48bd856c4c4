"""Jobs: sweeps, searches and figures from a sweep file to a result, resumed where they stopped."""
