# The public names, and where each lives: `jaxtransport.__getattr__` and type checkers read them here.
from . import closed_forms as closed_forms
from .classical.circuit import Circuit as Circuit
from .classical.circuit import solve_circuit as solve_circuit
from .classical.master import Lattice as Lattice
from .classical.master import steady_state as steady_state
from .compute.precision import PrecisionError as PrecisionError
from .compute.precision import use_double as use_double
from .designs.design import Design as Design
from .designs.design import design as design
from .errors import InputError as InputError
from .jobs.merge import merge as merge
from .jobs.run import run as run
from .laws import Exact as Exact
from .laws import Linear as Linear
from .laws import Series as Series
from .layout import Layout as Layout
from .results import load as load
from .search.nearest import nearest_zero as nearest_zero
from .search.vary import vary as vary
from .search.zeros import find_zeros as find_zeros
from .state import State as State
from .state import nonreciprocity as nonreciprocity
from .state import solve as solve
from .state import transmission as transmission
from .store.export import export as export
from .wire import Wire as Wire

__version__: str
