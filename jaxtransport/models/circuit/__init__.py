"""`model = "circuit"`: its tables and its task."""

from jaxtransport.models.circuit.tables import parse
from jaxtransport.models.circuit.task import make_task
from jaxtransport.parameters import CIRCUIT
from jaxtransport.spec.tables import Model

MODEL = Model(parse, CIRCUIT, make_task)
