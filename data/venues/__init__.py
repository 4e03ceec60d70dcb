"""Venues: markets, zones, currencies and their clocks."""

from aftershock.data.venues.names import find_venue
from aftershock.data.venues.venue import VENUES, Venue, venue

__all__ = ["VENUES", "Venue", "find_venue", "venue"]
