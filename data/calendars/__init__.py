"""Trading calendars: the library's days, corrected by dated facts, and where instants fall among them."""

from aftershock.data.calendars.listing import sessions_table
from aftershock.data.calendars.positions import (
    PHASES,
    close_position,
    first_tradable,
    instants_of,
    local_midnights,
    open_position,
    phase_codes,
    segments,
)
from aftershock.data.calendars.sessions import Sessions, compiled_from, overlay, sessions

__all__ = [
    "PHASES",
    "Sessions",
    "close_position",
    "compiled_from",
    "first_tradable",
    "instants_of",
    "local_midnights",
    "open_position",
    "overlay",
    "phase_codes",
    "segments",
    "sessions",
    "sessions_table",
]
