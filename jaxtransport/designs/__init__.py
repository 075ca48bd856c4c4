"""Which arrangement of sources and drains makes the current most nonreciprocal."""
