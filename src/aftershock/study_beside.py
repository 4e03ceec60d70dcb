"""What stands beside the instruments of a study: markets, the US series, control groups, factors of a file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.prices import Tape
from aftershock.data.tables import read_table
from aftershock.data.universes import universe
from aftershock.data.venues import venue
from aftershock.engine.studies.abnormal import (
    MARKET_INDICES,
    US,
    Days,
    Line,
    control_line,
    days_of,
    factor_lines,
    line_of,
)
from aftershock.engine.studies.models import MODELS
from aftershock.experiment import StudySection
from aftershock.inputs import Source


class Beside:
    """What stands beside each segment under the model of a study, each line made once."""

    def __init__(
        self,
        section: StudySection,
        tape: Tape,
        days: Days,
        beside: Tape | None,
        touched: set[str],
        factors: Source,
    ) -> None:
        self.section, self.tape, self.days = section, tape, days
        self.tapes = [
            (one, days_of(one, bars=section.part == "bar")) for one in (beside, tape) if one is not None
        ]
        self.touched = touched
        self.made: dict[str, Line | None] = {}
        self.named: dict[str, str] = {}
        log = section.returns == "log"
        self.factors = factor_lines(_factor_table(factors), log=log) if section.model == "factors" else []

    def of(self, place: int) -> Sequence[Line] | str:
        """Give the lines of a segment, or a key of ``SKIPPED`` where one is missing."""
        model = self.section.model
        if model == "factors":
            return self.factors
        if MODELS[model].beside == "":
            return ()
        mic, symbol = self.tape.venues[place], self.tape.symbols[place]
        if model == "control":
            line = self._control(venue(mic).market)
            return "no_control" if line is None else [line]
        name = self._market(mic)
        if name is None:
            return "no_market"
        if name == symbol:
            return "is_market"
        self.named[mic] = name
        market = self._line(name)
        assert market is not None
        if model != "market_us":
            return [market]
        us = self._us()
        if us is None or venue(mic).market == "US":
            return "no_us"
        return [market, us]

    def _market(self, mic: str) -> str | None:
        own = venue(mic).market
        asked = self.section.markets.get(own, self.section.market)
        for name in (asked,) if asked else MARKET_INDICES.get(mic, ()):
            if self._line(name) is not None:
                return name
        return None

    def _us(self) -> Line | None:
        for name in (self.section.us,) if self.section.us else US:
            line = self._line(name)
            if line is not None:
                self.named["US"] = name
                # Last night's, whatever it is the market of.
                return line._replace(abroad=True)
        return None

    def _line(self, name: str) -> Line | None:
        if name not in self.made:
            found = next(((one, days) for one, days in self.tapes if name in one.symbols), None)
            self.made[name] = None if found is None else line_of(found[0], name, found[1])
        return self.made[name]

    def _control(self, market: str) -> Line | None:
        key = f"control of {market}"
        if key not in self.made:
            self.made[key] = self._made_control(market)
        return self.made[key]

    def _made_control(self, market: str) -> Line | None:
        asked = {*universe(self.section.control).symbols} if self.section.control else None
        for tape, days in self.tapes:
            places = [
                place
                for place, (symbol, mic, kind) in enumerate(
                    zip(tape.symbols, tape.venues, tape.kinds, strict=True)
                )
                if venue(mic).market == market
                and (symbol in asked if asked is not None else kind == "stock" and symbol not in self.touched)
            ]
            line = control_line(days, places, market)
            if np.isfinite(line.close).any():
                self.named[f"control group of {market}"] = f"{len(places)} names"
                return line
        return None


def _factor_table(source: Source) -> pd.DataFrame:
    """Read returns of factors by date: column ``date``, and one of numbers for each factor."""
    table = source if isinstance(source, pd.DataFrame) else read_table(source)
    table = table.drop(columns=["_line"], errors="ignore")
    file = None if isinstance(source, pd.DataFrame) else str(source)
    if "date" not in table:
        got = f"columns {', '.join(map(str, table.columns))}"
        raise InputError(Problem("a column date in the file of factors", got, "name it date", file))
    try:
        dates = pd.to_datetime(table["date"], format="ISO8601")
        values = table.drop(columns="date").apply(pd.to_numeric)
    except (ValueError, TypeError) as error:
        cure = "write dates as 2025-09-12 and returns as shares (0.01 is 1 %)"
        raise InputError(
            Problem("dates and numbers in the file of factors", str(error), cure, file)
        ) from None
    if values.empty or dates.duplicated().any():
        got = "none" if values.empty else f"{dates[dates.duplicated()].iloc[0]:%Y-%m-%d} twice"
        raise InputError(Problem("one row for each date, with factors", got, "correct the file", file))
    told: pd.DataFrame = values.set_index(pd.DatetimeIndex(dates)).sort_index()
    return told
