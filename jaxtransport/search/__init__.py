"""Where the current becomes reciprocal, and which arrangement makes it most nonreciprocal."""
