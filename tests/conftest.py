"""The suite runs in double precision, as the package asks of its users."""

import jax

jax.config.update("jax_enable_x64", True)
