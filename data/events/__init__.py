"""Tagged events: the schema, what loads and checks them, their impacts on instruments."""

from aftershock.data.events.identity import first_prints
from aftershock.data.events.impacts import load_impacts
from aftershock.data.events.load import load_events
from aftershock.data.events.schema import (
    DIRECTIONS,
    EVENT_COLUMNS,
    IMPACT_COLUMNS,
    INPUT_COLUMNS,
    PRECISIONS,
    TAGS,
    describe_schema,
)
from aftershock.data.events.table import Events

__all__ = [
    "DIRECTIONS",
    "EVENT_COLUMNS",
    "IMPACT_COLUMNS",
    "INPUT_COLUMNS",
    "PRECISIONS",
    "TAGS",
    "Events",
    "describe_schema",
    "first_prints",
    "load_events",
    "load_impacts",
]
