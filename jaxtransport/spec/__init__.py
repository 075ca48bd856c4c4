"""Sweep files: their tables, values and checks, independent of the models."""
