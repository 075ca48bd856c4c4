"""Search for the arrangement of sources and drains with the most nonreciprocal current."""
