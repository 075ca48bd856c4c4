"""Sweeps: a function of parameters, mapped over a grid and stored in a result file."""
