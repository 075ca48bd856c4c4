"""Sweep files: their tables, values and checks, without knowing any model."""
