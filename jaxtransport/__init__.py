"""jaxtransport: electrical transport through wires with sources and drains of charge in their bulk.

Importing does nothing but read the public names in `__init__.pyi`; each is loaded when it is first used.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, _, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]


def __dir__() -> list[str]:
    return sorted(__all__)
