"""Venues: markets, zones, currencies, their clocks and their dated rules."""

from aftershock.data.venues.book import DeskRules, RuleBook, read_book, rule_book, rules_digest
from aftershock.data.venues.names import find_venue
from aftershock.data.venues.rules_table import rules_diff, rules_on, venues_table
from aftershock.data.venues.venue import VENUES, Venue, venue

__all__ = [
    "VENUES",
    "DeskRules",
    "RuleBook",
    "Venue",
    "find_venue",
    "read_book",
    "rule_book",
    "rules_diff",
    "rules_digest",
    "rules_on",
    "venue",
    "venues_table",
]
