"""Where the current is reciprocal."""
