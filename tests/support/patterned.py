"""A small sweep whose wire holds a pattern, with places for what a test adds."""

SPEC = """
[wire]
layout = "pair"
gamma = 0.4
{wire}
[drive]
mu_bar = 0.3
delta_mu = 0.1
injection = 0.2
[grid]
{grid}
"""
