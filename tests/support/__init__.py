"""Independent routes to the numbers, and what tests share."""
