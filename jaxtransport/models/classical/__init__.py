"""`model = "classical"`: its tables and its task."""

from jaxtransport.models.classical.tables import parse
from jaxtransport.models.classical.task import make_task
from jaxtransport.parameters import CLASSICAL
from jaxtransport.spec.tables import Model

MODEL = Model(parse, CLASSICAL, make_task)
