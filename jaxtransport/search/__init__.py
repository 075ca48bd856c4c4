"""Search for zeros of the nonreciprocity."""
