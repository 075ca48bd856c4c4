"""Sweeps: a function of parameters, mapped over a grid, kept in a file that survives."""
