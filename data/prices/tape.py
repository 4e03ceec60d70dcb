"""The tape: all bars of all instruments, one after the other, as arrays that nothing can change."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.instants import Instants, to_index

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TEXTS = ("symbols", "venues", "kinds", "sources")
CLOCKS = ("opens_at", "closes_at", "open_cutoff", "close_cutoff")
NUMBERS = ("open", "high", "low", "close", "volume", "factor", "payout")
PER_BAR = ("session", "ordinal", *CLOCKS, *NUMBERS, "halted")
SHOWN = 8
"""How many instruments a printed tape lists."""


class Warned(NamedTuple):
    """One row of a tape's warnings.

    Attributes
    ----------
    code, severity, symbol : str
        What kind; ``info``, ``warning`` or ``error``; of which instrument ("" for the whole input).
    first, last : int
        Days since 1970 of the first and last row it speaks of, or None.
    rows : int
        How many rows it speaks of.
    message : str
        A sentence.
    """

    code: str
    severity: str
    symbol: str
    first: int | None
    last: int | None
    rows: int
    message: str


def warnings_table(warned: Iterable[Warned] = ()) -> pd.DataFrame:
    """Make the table of warnings a tape carries.

    Returns
    -------
    DataFrame
        ``code, severity, symbol, first, last, rows, message``; ``first`` and ``last`` are local dates
        (``datetime64[ns]``, NaT where there is none).

    Examples
    --------
    >>> warnings_table([Warned("halt", "info", "000660.KS", 20000, 20001, 2, "two days")])["first"][0]
    Timestamp('2024-10-04 00:00:00')
    """
    table = pd.DataFrame(list(warned), columns=list(Warned._fields), dtype=object)
    days = {name: _days_or_none(table[name]) for name in ("first", "last")}
    texts = dict.fromkeys(("code", "severity", "symbol", "message"), "str")
    return table.assign(**days).astype({**texts, "rows": np.int64})


@dataclass(frozen=True, eq=False, repr=False)
class Tape:
    """All bars of all instruments, concatenated with offsets: ragged, no union calendar, nothing filled.

    An entry is a segment: bars of one symbol from one source. Where sources follow each other, a symbol has
    several entries, side by side and in time order; a return across two of them means nothing, because sources
    adjust differently. The bars of entry ``i`` are those from ``offsets[i]`` to ``offsets[i + 1]``, in time order:
    one for each session, or several within it that do not overlap. Arrays are copied unless read-only already,
    made C-contiguous and read-only.

    Attributes
    ----------
    symbols, venues, kinds, sources : tuple of str, one per segment
        Yahoo symbol, MIC, ``stock``/``fund``/``index``, where the prices come from ("" unknown).
    offsets : ndarray of int64, shape (n_segments + 1,)
    session, ordinal : ndarray of int64, shape (n_bars,)
        Local date in days since 1970; position in the venue's sessions.
    opens_at, closes_at, open_cutoff, close_cutoff : ndarray of int64, shape (n_bars,)
        UTC nanoseconds: when the bar opens and closes, and the last instants at which one who knows can still have
        its open and its close (docs/fills.md, section 9). None falls along the bars of an instrument.
    open, high, low, close, volume : ndarray of float64, shape (n_bars,)
        Adjusted prices in the venue's currency, and units traded; NaN unknown.
    factor : ndarray of float64, shape (n_bars,)
        Traded price = price x factor; NaN unknown.
    payout : ndarray of float64, shape (n_bars,)
        Share of what was held at the close before that the dividend of an ex-date pays out, 0 on other dates; NaN
        where nothing tells dividends apart.
    halted : ndarray of bool, shape (n_bars,)
        No trade could be done in that bar.
    simulated : bool
        The prices were made, not observed.
    warnings : DataFrame
        What was found on the way in, see `warnings_table`.
    provenance : dict
        Where it came from.

    Raises
    ------
    InputError
        Arrays that do not fit each other, or bars out of order.

    Examples
    --------
    >>> frame = pd.DataFrame({"symbol": "8035.T", "date": ["2025-09-11", "2025-09-12"], "close": [99.0, 101.0]})
    >>> tape = Tape.from_frame(frame)
    >>> len(tape), tape.venues
    (2, ('XTKS',))
    >>> tape.bars("8035.T")["closes_at"].iloc[-1].isoformat()
    '2025-09-12T06:30:00+00:00'
    """

    symbols: tuple[str, ...]
    venues: tuple[str, ...]
    kinds: tuple[str, ...]
    sources: tuple[str, ...]
    offsets: Ints
    session: Ints
    ordinal: Ints
    opens_at: Instants
    closes_at: Instants
    open_cutoff: Instants
    close_cutoff: Instants
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    factor: Floats
    payout: Floats
    halted: Flags
    simulated: bool = False
    warnings: pd.DataFrame = field(default_factory=warnings_table)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in TEXTS:
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("offsets", "session", "ordinal", *CLOCKS):
            object.__setattr__(self, name, _frozen(getattr(self, name), np.int64))
        for name in NUMBERS:
            object.__setattr__(self, name, _frozen(getattr(self, name), np.float64))
        object.__setattr__(self, "halted", _frozen(self.halted, np.bool_))
        object.__setattr__(self, "provenance", dict(self.provenance))
        self._check()

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        sources: Sequence[str] = (),
        skip_bad: bool = False,
        exclude: Sequence[str] = (),
        simulated: bool = False,
        provenance: Mapping[str, Any] | None = None,
        interval: str = "1d",
    ) -> Tape:
        """Make a tape of a long table of bars.

        Parameters
        ----------
        frame : DataFrame
            ``symbol, date, close`` and, where known, ``open, high, low, volume, source, factor, halted``.
            ``ticker``, ``src`` and Yahoo's capitals are understood. With ``adj_close`` prices are adjusted
            and ``factor`` is close / adj_close. With ``dividend`` and ``split`` (on the ex-date; 0 and 1 are
            none) prices are taken as traded and adjusted here, see `aftershock.data.prices.adjust`. Rows may
            stand in any order. Bars shorter than a session have ``opens_at`` (``datetime``, ``timestamp``) in the
            place of ``date``, with its zone, and ``closes_at`` or an ``interval``.
        sources : sequence of str
            Sources in order of preference: of each symbol the first that has bars, and no other. A symbol that
            has none of them, and every symbol where no order is given, keeps its sources one after the other
            (Notes).
        skip_bad : bool
            Leave impossible prices out and count them, instead of refusing the table.
        exclude : sequence of str
            Codes of findings whose bars are marked as halted, so that nothing fills there: ``synthetic_open``,
            ``missing_open``, ``outside_range``, ``split_like``, ``stale`` (from the fifth identical bar in a
            row on).
        simulated, provenance
            Kept on the tape.
        interval : str
            How long bars are from ``opens_at`` (or an instant in ``date``), where no ``closes_at`` says so:
            minutes or hours (``5m``, ``60m``, ``1h``), less where continuous trading ends before.

        Returns
        -------
        Tape
            Instruments by symbol, their segments by time; everything found on the way is in ``warnings``.

        Raises
        ------
        InputError
            Columns missing, cells that are no number or date, two different bars of one day, bars that overlap,
            impossible prices, a code in ``exclude`` that is none of these, or nothing left.

        Notes
        -----
        No bar depends on a later row: a table cut after any session gives the same bars up to it.

        - Sources follow each other: first the one that begins first (ties by name). It gives way at a session
          that it misses, at once to a source that begins there, and to one that was there already when it has
          missed five sessions in a row. Rows of other sources are dropped (``other_source``), a change is told
          (``source_change``).
        - Opens become unknown (``synthetic_open``) where more than half of the last 60 bars with a moved close,
          this one among them, open exactly at the previous close, and more than three times the share of closes
          that rest. The first 20 bars of a segment cannot be judged and stay. Of bars within a session only
          the first is judged.
        - Bars within a session are put into the venue's continuous trading: cut to it (``cut_to_hours``), or
          dropped where they hold none (``outside_hours``), as does a closing auction stamped at the close. A bar
          without volume is halted (``zero_volume``) and does not fill, unless its prices move: then there was
          trade and the volume is unknown (``unknown_volume``), as Yahoo leaves it in the first bar of a session.

        Three things the past alone cannot tell, and this proof leaves out: which of the ``sources`` in order a
        symbol has; what an ambiguous symbol (``6138.TT``) means among those of the table; and adjustment:
        whoever adjusts, a provider (``adj_close``, ``factor``) or this package, does so with every later split
        and dividend. That changes levels and ``factor``, not returns.
        """
        from aftershock.data.prices.cleaning import clean

        parts = clean(frame, sources=sources, skip_bad=skip_bad, exclude=exclude, interval=interval)
        return cls(**parts._asdict(), simulated=simulated, provenance=provenance or {})

    @classmethod
    def trusted(cls, **parts: Any) -> Tape:
        """Make a tape of arrays that were checked when they were written, without looking at them again."""
        tape = object.__new__(cls)
        for name, value in parts.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(tape, name, value)
        return tape

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Tape:
        """Map a saved tape into memory: it opens at once, whatever its size.

        Raises
        ------
        InputError
            The folder holds no saved tape.
        """
        from aftershock.data.prices.mapped import open_tape

        return open_tape(folder)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the arrays to a folder, for `load`.

        Raises
        ------
        InputError
            The place cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> tape = Tape.from_frame(pd.DataFrame({"symbol": "N225", "date": ["2025-09-12"], "close": [44768.12]}))
        >>> place = tempfile.mkdtemp() + "/tape"
        >>> tape.save(place)
        >>> Tape.load(place).digest() == tape.digest()
        True
        """
        from aftershock.data.prices.mapped import save_tape

        save_tape([self], folder)

    def __len__(self) -> int:
        """Count the bars."""
        return len(self.session)

    def __repr__(self) -> str:
        """Show the first instruments and the warnings, counted by code."""
        what = "simulated instruments" if self.simulated else "instruments"
        shown = list(self._places)[:SHOWN]
        lines = [f"Tape: {len(self._places)} {what}, {len(self):,} bars, {self._span(slice(len(self)))}"]
        width = max([9, *map(len, shown)])
        for symbol in shown:
            i, rows, pieces = self.position(symbol), self._rows(symbol), len(self.segments(symbol))
            bars = "intraday bars" if (np.diff(self.session[rows]) == 0).any() else "bars"
            count = rows.stop - rows.start
            about = f"{self.venues[i]}  {self.kinds[i]:5}  {count:7,} {bars}  {self._span(rows)}"
            lines.append(f"  {symbol:{width}}  {about}" + (f"  {pieces} segments" if pieces > 1 else ""))
        if len(self._places) > SHOWN:
            lines.append(f"  ... and {len(self._places) - SHOWN} more")
        counts = self.warnings["code"].value_counts(sort=False)
        if len(counts):
            lines.append("warnings: " + ", ".join(f"{code} {count}" for code, count in counts.items()))
        return "\n".join(lines)

    @property
    def intraday(self) -> bool:
        """Whether a session holds several bars of an instrument."""
        first = np.isin(np.arange(1, len(self)), self.offsets)
        return bool((~first & (np.diff(self.session) == 0)).any())

    def position(self, symbol: str) -> int:
        """Find the place in `symbols` of an instrument, of its last segment; dialects are understood.

        Raises
        ------
        InputError
            The tape has no such instrument.
        """
        return self.segments(symbol)[-1]

    def segments(self, symbol: str) -> tuple[int, ...]:
        """Find the places in `symbols` of an instrument's segments, in time order.

        Raises
        ------
        InputError
            The tape has no such instrument.

        Examples
        --------
        >>> days = ["2025-09-10", "2025-09-11", "2025-09-12"]
        >>> frame = pd.DataFrame({"symbol": "N225", "date": days, "close": [1.0, 2.0, 3.0], "source": list("aab")})
        >>> tape = Tape.from_frame(frame)
        >>> tape.segments("N225"), tape.sources
        ((0, 1), ('a', 'b'))
        """
        places = self._places.get(symbol)
        return places if places is not None else self._places[self._meant(symbol)]

    def bars(self, symbol: str) -> pd.DataFrame:
        """Show one instrument's bars, of all its segments.

        Returns
        -------
        DataFrame
            ``session`` (local date), instants in UTC, prices, ``halted``, ``source``; a row for each bar.
        """
        rows = self._rows(symbol)
        instants = {name: to_index(getattr(self, name)[rows]) for name in CLOCKS}
        values = {name: getattr(self, name)[rows] for name in (*NUMBERS, "halted")}
        places = self.segments(symbol)
        source = self._per_bar(self.sources, places[0], places[-1])
        return pd.DataFrame({"session": _dates(self.session[rows]), **instants, **values, "source": source})

    def select(self, symbols: Iterable[str]) -> Tape:
        """Keep some instruments with all their segments, in the order given, once each.

        Raises
        ------
        InputError
            The tape lacks one of them.
        """
        places = list(dict.fromkeys(place for symbol in symbols for place in self.segments(symbol)))
        bounds = [(int(self.offsets[i]), int(self.offsets[i + 1])) for i in places]
        rows = np.concatenate([np.arange(*bound) for bound in bounds] or [np.empty(0, np.int64)])
        offsets = np.cumsum([0, *(end - start for start, end in bounds)])
        kept = {"", *(self.symbols[i] for i in places)}
        parts: dict[str, Any] = {name: tuple(getattr(self, name)[i] for i in places) for name in TEXTS}
        parts.update({name: _frozen(getattr(self, name)[rows]) for name in PER_BAR})
        return Tape(
            **parts,
            offsets=offsets,
            simulated=self.simulated,
            warnings=self.warnings[self.warnings["symbol"].isin(kept)].reset_index(drop=True),
            provenance=self.provenance,
        )

    def to_frame(self) -> pd.DataFrame:
        """Give the bars as the long table `from_frame` takes; it makes the same arrays and segments of it."""
        daily = {"date": _dates(self.session)}
        timed = {name: to_index(getattr(self, name)) for name in ("opens_at", "closes_at")}
        return pd.DataFrame(
            {
                "symbol": self._per_bar(self.symbols),
                **(daily if self._is_daily() else timed),
                **{name: getattr(self, name) for name in NUMBERS},
                "source": self._per_bar(self.sources),
                "halted": self.halted,
            }
        )

    def digest(self) -> str:
        """Identify the snapshot: SHA-256 over instruments and arrays, the same on every machine."""
        texts = {name: getattr(self, name) for name in TEXTS}
        whole = hashlib.sha256(json.dumps([texts, self.simulated]).encode())
        for name in ("offsets", *PER_BAR):
            values = getattr(self, name)
            if values.dtype.kind == "f":
                values = np.where(np.isnan(values), np.nan, values) + 0.0
            whole.update(np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"))).data)
        return whole.hexdigest()

    @cached_property
    def _places(self) -> dict[str, tuple[int, ...]]:
        places: dict[str, tuple[int, ...]] = {}
        for i, symbol in enumerate(self.symbols):
            places[symbol] = (*places.get(symbol, ()), i)
        return places

    def _rows(self, symbol: str) -> slice:
        places = self.segments(symbol)
        return slice(int(self.offsets[places[0]]), int(self.offsets[places[-1] + 1]))

    def _per_bar(self, texts: tuple[str, ...], first: int = 0, last: int | None = None) -> pd.Series[Any]:
        """Repeat texts of segments for each of their bars, from one segment to another."""
        entries = slice(first, len(texts) if last is None else last + 1)
        counts = np.diff(self.offsets)[entries]
        return pd.Series(np.repeat(np.array(texts[entries], object), counts), dtype="str")

    def _meant(self, symbol: str) -> str:
        from aftershock.data.universes import resolve

        try:
            meant = resolve(symbol, among=self._places).symbol
        except InputError:
            meant = ""
        if meant in self._places:
            return meant
        near = did_you_mean(symbol, self._places)
        cure = near if near.startswith("did you mean") else "see tape.symbols"
        raise InputError(Problem(f"one of the tape's {len(self._places)} instruments", f"'{symbol}'", cure))

    def _is_daily(self) -> bool:
        """Tell whether every bar is a whole session, which its date alone tells."""
        from aftershock.data.calendars import sessions

        for i, mic in enumerate(self.venues):
            known, rows = sessions(mic), slice(int(self.offsets[i]), int(self.offsets[i + 1]))
            at = np.minimum(np.searchsorted(known.session, self.session[rows]), len(known.session) - 1)
            hours = zip((known.opens_at, known.closes_at), (self.opens_at, self.closes_at), strict=True)
            if any((whole[at] != own[rows]).any() for whole, own in hours):
                return False
        return True

    def _span(self, rows: slice) -> str:
        days = self.session[rows]
        if not len(days):
            return "no bars"
        return f"{np.datetime64(int(days.min()), 'D')}..{np.datetime64(int(days.max()), 'D')}"

    def _check(self) -> None:
        n = len(self.symbols)
        if any(len(getattr(self, name)) != n for name in TEXTS):
            raise _unfit("one venue, kind and source for each symbol", f"{n} symbols")
        steps = np.diff(self.offsets)
        bars = int(self.offsets[-1]) if len(self.offsets) == n + 1 else -1
        if bars < 0 or self.offsets[0] != 0 or (steps < 0).any():
            raise _unfit(f"{n + 1} rising offsets from 0", f"{len(self.offsets)} offsets")
        short = [name for name in PER_BAR if getattr(self, name).shape != (bars,)]
        if short:
            raise _unfit(f"arrays of {bars} bars", f"another length of {', '.join(short)}")
        self._check_segments()
        self._check_order()

    def _check_order(self) -> None:
        starts, changes = np.zeros(len(self) + 1, np.bool_), np.zeros(len(self) + 1, np.bool_)
        starts[self.offsets] = True
        changes[self.offsets[[places[0] for places in self._places.values()]]] = True

        def falls(values: Ints) -> Flags:
            fallen: Flags = values[1:] < values[:-1]
            return fallen

        within = (self.ordinal[1:] == self.ordinal[:-1]) & ~starts[1:-1]
        again = (self.session[1:] == self.session[:-1]) & ~within
        faults = {
            "bars by rising session": falls(self.session) | again,
            "bars that do not overlap": self.opens_at[1:] < self.closes_at[:-1],
            "cut-offs that never fall along the bars": falls(self.open_cutoff) | falls(self.close_cutoff),
        }
        for expected, found in faults.items():
            wrong = np.flatnonzero(found & ~changes[1:-1])
            if len(wrong):
                raise _unfit(expected, f"a bar out of order at {int(wrong[0]) + 1}")

    def _check_segments(self) -> None:
        for symbol, places in self._places.items():
            if places[-1] - places[0] >= len(places):
                raise _unfit("segments of a symbol side by side", f"{symbol} in several places")
            about = [(self.venues[i], self.kinds[i]) for i in places]
            if len(set(about)) > 1 or any(self.sources[i] == self.sources[i + 1] for i in places[:-1]):
                expected = "segments of one venue and kind, each from another source than the one before"
                raise _unfit(expected, f"others of {symbol}")


def _frozen(values: Any, dtype: Any = None) -> NDArray[Any]:
    array = np.ascontiguousarray(values, dtype)
    if array.flags.writeable:
        # The caller may still hold the same memory, unless it was made just now.
        array = array.copy() if dtype is not None else array
        array.setflags(write=False)
    return array


def _dates(days: Ints) -> pd.Series[Any]:
    return pd.Series(days.astype("M8[D]").astype("M8[ns]"))


def _days_or_none(days: Iterable[int | None]) -> pd.Series[Any]:
    return pd.Series([np.datetime64("NaT" if day is None else day, "D") for day in days], dtype="M8[ns]")


def _unfit(expected: str, got: str) -> InputError:
    return InputError(Problem(expected, got, "make the tape with Tape.from_frame"))
