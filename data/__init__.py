"""Events, prices, venues, calendars and universes: what comes in."""
