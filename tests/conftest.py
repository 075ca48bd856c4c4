"""The suite runs in double precision, with loops compiled as commands have them."""

import jax

from jaxtransport import xla

jax.config.update("jax_enable_x64", True)
xla.compile_whole_loops()
