"""The rule book of a venue: lots, ticks, limits, charges, settlement and short sales, each dated and sourced."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.settings import Settings
from aftershock.data.venues.venue import VENUES

FOLDER = Path(__file__).parent
BY_STOCK = ("board_lots.csv", "short_lists.csv")
"""The tables of what differs by stock."""
Share = Annotated[float, Field(ge=0, lt=1)]
Money = Annotated[float, Field(ge=0)]
Bands = tuple[tuple[float, float], ...]
ALWAYS = date(1900, 1, 1)
"""The first date of a desk's rule that gives none."""


class Board(Settings):
    """Instruments of a venue with rules of their own, told by the beginning of their code or by their kind."""

    name: str
    prefixes: tuple[str, ...] = ()
    kind: Literal["", "stock", "fund"] = ""

    def holds(self, code: str, kind: str) -> bool:
        """Say whether an instrument is on the board, by its code (Yahoo's symbol without suffix) and kind."""
        by_code = not self.prefixes or code.startswith(self.prefixes)
        return by_code and self.kind in ("", kind) and bool(self.prefixes or self.kind)


class Entry(Settings):
    """A rule while it is in force.

    Parameters
    ----------
    valid_from, valid_to : date
        First and last local date; without a last one it still is.
    board : str
        For which board; "" for all that have no entry of their own.
    source : str
        The public pages it was read from.
    confidence : {"sourced", "unverified", "desk"}
        Whether they say all of it, dates included; or a desk's own rule, from its experiment.
    note : str
        A remark.
    """

    valid_from: date
    valid_to: date | None = None
    board: str = ""
    source: str = ""
    confidence: Literal["sourced", "unverified", "desk"]
    note: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Entry:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("a valid_to that is not before valid_from")
        if self.confidence == "sourced" and not self.source:
            raise ValueError("a source where confidence is 'sourced'")
        return self

    def holds_on(self, day: date) -> bool:
        """Say whether it is in force on a date."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @property
    def since(self) -> str:
        """Since when it is in force, and until when, in words."""
        until = f" to {self.valid_to}" if self.valid_to is not None else ""
        return "always" if self.valid_from == ALWAYS and not until else f"from {self.valid_from}{until}"

    @property
    def topic(self) -> tuple[str, ...]:
        """What it regulates: entries of one topic take turns."""
        return (self.board,)

    def yields_to(self, other: Entry) -> bool:
        """Say whether a desk's entry of the same rule takes this one's place while both are in force."""
        return self.topic == other.topic

    def words(self) -> str:
        """Say the rule in words."""
        raise NotImplementedError


class Lot(Entry):
    """The trading unit: ``shares`` (0: another for each stock), and whether fewer can be traded in the session."""

    shares: Annotated[int, Field(ge=0)]
    odd_lots: bool = False

    def words(self) -> str:
        """Say the rule in words."""
        unit = f"{self.shares:,} {'share' if self.shares == 1 else 'shares'}" if self.shares else "by stock"
        return unit + (", odd lots in the session" if self.odd_lots else "")


class Tick(Entry):
    """The steps of prices: ``bands`` of (price from which, tick).

    ``upper_inclusive`` bands begin above their price, which belongs to the band below.
    """

    bands: Bands
    upper_inclusive: bool = False

    def words(self) -> str:
        """Say the rule in words."""
        above = "above" if self.upper_inclusive else "from"
        return ", ".join(f"{_plain(tick)} {above} {_plain(price)}" for price, tick in self.bands)


class PriceLimit(Entry):
    """How far a price may move in a session from the base price, the close before.

    ``percent`` of it; or an ``amount`` of money by ``bands`` of the base price; or ``none``. ``rounding`` says how the
    limit is put on the tick: ``inward`` (towards the base), ``up`` (the upper limit away from it), ``twice`` (the
    amount of the change is cut to the tick of the base, then the limit down to its own), ``nearest``, ``none``.
    ``first_days`` sessions after a listing have no limit.
    """

    kind: Literal["percent", "amount", "none"]
    percent: Annotated[float, Field(ge=0, le=1)] = 0.0
    bands: Bands = ()
    rounding: Literal["inward", "up", "twice", "nearest", "none"] = "inward"
    first_days: Annotated[int, Field(ge=0)] = 0

    def words(self) -> str:
        """Say the rule in words."""
        if self.kind == "none":
            return "none"
        first = f", none in the first {self.first_days} sessions" if self.first_days else ""
        if self.kind == "percent":
            return f"{100 * self.percent:.6g} % of the close before{first}"
        return ", ".join(f"{_plain(money)} from {_plain(price)}" for price, money in self.bands) + first


class Charge(Entry):
    """A tax, duty, levy or fee on a trade.

    Parameters
    ----------
    name : str
        As the law or exchange calls it.
    side : {"buy", "sell", "both"}
        Who pays; ``both`` is each.
    rate : float
        Share of the traded value.
    minimum, maximum : float
        Of the amount, in local currency; 0 is none.
    kind : {"", "stock", "fund"}
        On what.
    group : str
        ``tax``, ``duty``, ``levy``, ``exchange``, ``settlement`` or ``commission`` (``class`` in the file).
    """

    name: str
    side: Literal["buy", "sell", "both"]
    rate: Share
    minimum: Money = 0.0
    maximum: Money = 0.0
    kind: Literal["", "stock", "fund"] = ""
    group: Literal["tax", "duty", "levy", "exchange", "settlement", "commission"] = Field(alias="class")

    @property
    def topic(self) -> tuple[str, ...]:
        """What it regulates."""
        return (self.name, self.side, self.board, self.kind)

    def yields_to(self, other: Entry) -> bool:
        """Say whether a desk's charge takes this one's place: it has its name, or both are commissions."""
        if not isinstance(other, Charge) or other.board not in ("", self.board):
            return False
        return other.name == self.name or other.group == self.group == "commission"

    def words(self) -> str:
        """Say the rule in words."""
        on = {"buy": "purchases", "sell": "sales", "both": "both sides"}[self.side]
        bounds = [
            f"{word} {_plain(money)}"
            for word, money in (("at least", self.minimum), ("at most", self.maximum))
            if money
        ]
        return " ".join([f"{100 * self.rate:.6g} % of {on}", *([f"({', '.join(bounds)})"] if bounds else [])])


class Settlement(Entry):
    """When a trade settles, and after how many sessions what was bought may be sold (0: at once)."""

    days: Annotated[int, Field(ge=0)]
    sell_from: Annotated[int, Field(ge=0)] = 0
    intraday: bool = True

    def words(self) -> str:
        """Say the rule in words."""
        again = "sold the same day" if self.intraday else f"sold from {self.sell_from} session(s) later"
        return f"T+{self.days}, may be {again}"


class ShortSale(Entry):
    """Whether shares may be sold short, under which price rule, and which of them."""

    allowed: bool
    price_rule: str = ""
    list: str = ""

    def words(self) -> str:
        """Say the rule in words."""
        if not self.allowed:
            return "not allowed"
        return ", ".join(["allowed", *filter(None, (self.price_rule, self.list))])


class Dividend(Entry):
    """What is left of a dividend after the tax withheld from a holder abroad."""

    net_rate: Annotated[float, Field(ge=0, le=1)]

    def words(self) -> str:
        """Say the rule in words."""
        return f"{100 * self.net_rate:.6g} % is left for a holder abroad"


RULES: dict[str, type[Entry]] = {
    "lot": Lot,
    "tick": Tick,
    "price_limit": PriceLimit,
    "charge": Charge,
    "settlement": Settlement,
    "short_sale": ShortSale,
    "dividend": Dividend,
}
"""The rules a book can have, by their names in the file."""


class RuleBook(Settings):
    """What holds at a venue, and since when.

    Examples
    --------
    >>> from datetime import date
    >>> book = rule_book("ROCO")
    >>> book.one("price_limit", date(2025, 9, 12)).percent
    0.1
    """

    mic: str
    boards: tuple[Board, ...] = ()
    lot: tuple[Lot, ...] = ()
    tick: tuple[Tick, ...] = ()
    price_limit: tuple[PriceLimit, ...] = ()
    charge: tuple[Charge, ...] = ()
    settlement: tuple[Settlement, ...] = ()
    short_sale: tuple[ShortSale, ...] = ()
    dividend: tuple[Dividend, ...] = ()

    @model_validator(mode="after")
    def _take_turns(self) -> RuleBook:
        boards = {board.name for board in self.boards} | {""}
        for name in RULES:
            for entry in getattr(self, name):
                if entry.board not in boards:
                    raise ValueError(f"a board of [[boards]] in [[{name}]], not '{entry.board}'")
            for earlier, later in _neighbours(getattr(self, name)):
                if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
                    raise ValueError(f"entries of [[{name}]] that take turns; see {later.valid_from}")
        return self

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Go through all entries with the names of their rules."""
        for name in RULES:
            for entry in getattr(self, name):
                yield name, entry

    def overridden(self, desk: DeskRules) -> RuleBook:
        """Put a desk's own entries in the place of the book's, from their first date to their last.

        Examples
        --------
        >>> from datetime import date
        >>> book, day = rule_book("XTKS"), date(2025, 9, 12)
        >>> own = DeskRules(charge=[{"name": "our broker", "side": "both", "rate": 0.0002, "class": "commission"}])
        >>> [(one.name, one.rate) for one in book.overridden(own).charges(day) if one.group == "commission"]
        [('our broker', 0.0002)]
        """
        changed = {}
        for name in RULES:
            own = getattr(desk, name)
            if own:
                left = [part for entry in getattr(self, name) for part in _beside(entry, own)]
                changed[name] = (*left, *own)
        return RuleBook(**{**{name: getattr(self, name) for name in ("mic", "boards", *RULES)}, **changed})

    def board_of(self, symbol: str, kind: str = "stock") -> str:
        """Name the board of an instrument, by its Yahoo symbol; "" where it is on none."""
        code = symbol.rsplit(".", 1)[0]
        return next((board.name for board in self.boards if board.holds(code, kind)), "")

    def one(self, rule: str, day: date, board: str = "") -> Any:
        """Give the entry of a rule in force on a date: the board's own, else that of all; None where there is none."""
        held = [entry for entry in getattr(self, rule) if entry.holds_on(day)]
        own = [entry for entry in held if entry.board == board]
        return next(iter([*own, *(entry for entry in held if not entry.board)]), None)

    def timeline(self, rule: str, board: str = "") -> list[tuple[date, Any]]:
        """Give the dates from which on an entry (or None) is in force for a board, in time order.

        Examples
        --------
        >>> [(str(since), entry.percent) for since, entry in rule_book("XKOS").timeline("price_limit")][:2]
        [('2015-01-01', 0.15), ('2015-06-15', 0.3)]
        """
        entries = [entry for entry in getattr(self, rule) if entry.board in ("", board)]
        ends = [_day_after(entry.valid_to) for entry in entries if entry.valid_to is not None]
        since = sorted({*(entry.valid_from for entry in entries), *ends})
        return [(day, self.one(rule, day, board)) for day in since]

    def charge_timeline(self, board: str = "", kind: str = "stock") -> list[tuple[date, tuple[Charge, ...]]]:
        """Give the dates from which on other charges are in force for an instrument, in time order.

        Examples
        --------
        >>> changes = rule_book("XTAI").charge_timeline()
        >>> [(str(since), [one.rate for one in charges]) for since, charges in changes]
        [('2015-01-01', [0.003, 0.001425])]
        """
        entries = [entry for entry in self.charge if entry.board in ("", board) and entry.kind in ("", kind)]
        ends = [_day_after(entry.valid_to) for entry in entries if entry.valid_to is not None]
        since = sorted({*(entry.valid_from for entry in entries), *ends})
        return [(day, self.charges(day, board, kind)) for day in since]

    def charges(self, day: date, board: str = "", kind: str = "stock") -> tuple[Charge, ...]:
        """Give the charges in force on a date for an instrument; a board's own takes the place of that of all."""
        held = [entry for entry in self.charge if entry.holds_on(day) and entry.kind in ("", kind)]
        own = {(entry.name, entry.side) for entry in held if entry.board and entry.board == board}
        return tuple(
            entry
            for entry in held
            if entry.board == board or (not entry.board and (entry.name, entry.side) not in own)
        )


def _in_hand(values: Any) -> Any:
    """Fill in what a desk need not say of its own rules: always in force, and whose they are."""
    if isinstance(values, dict):
        return {"valid_from": ALWAYS, "confidence": "desk", **values}
    return values


def _listed(values: Any) -> Any:
    return tuple(map(_in_hand, values)) if isinstance(values, (list, tuple)) else values


_Own = BeforeValidator(_listed)


class DeskRules(Settings):
    """A desk's own rules of one venue: entries as in its rule book, in force always unless they say since when."""

    lot: Annotated[tuple[Lot, ...], _Own] = ()
    tick: Annotated[tuple[Tick, ...], _Own] = ()
    price_limit: Annotated[tuple[PriceLimit, ...], _Own] = ()
    charge: Annotated[tuple[Charge, ...], _Own] = ()
    settlement: Annotated[tuple[Settlement, ...], _Own] = ()
    short_sale: Annotated[tuple[ShortSale, ...], _Own] = ()
    dividend: Annotated[tuple[Dividend, ...], _Own] = ()


@cache
def rule_book(mic: str) -> RuleBook:
    """Read the rule book of a venue.

    Raises
    ------
    InputError
        No such venue, or a file that breaks the schema.
    """
    if mic not in VENUES:
        cure = did_you_mean(mic.upper(), VENUES)
        raise InputError(Problem("the MIC of a known venue", f"'{mic}'", cure))
    return read_book(FOLDER / f"{mic}.toml")


def read_book(path: Path) -> RuleBook:
    """Read a rule book from its file.

    Raises
    ------
    InputError
        It is missing, no TOML, or breaks the schema.
    """
    try:
        return _book(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(Problem("a rule book", reason, "check the path", str(path))) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem("valid TOML", str(error), "correct the line", str(path))) from None
    except InputError as error:
        raise InputError([_in_file(problem, path) for problem in error.problems]) from None


def rules_digest() -> str:
    """Hash all rule books and the tables of lots and lists beside them: what a run was held to."""
    sha = hashlib.sha256()
    for path in sorted([*FOLDER.glob("*.toml"), *(FOLDER / name for name in BY_STOCK)]):
        sha.update(path.name.encode() + b"\0" + path.read_bytes())
    return sha.hexdigest()


def _book(table: dict[str, Any]) -> RuleBook:
    """Make each entry by itself, so that an error names it."""
    models: dict[str, type[Settings]] = {"boards": Board, **RULES}
    parts = {
        name: tuple(
            _entry(cls, name, number, values) for number, values in enumerate(table.get(name, ()), start=1)
        )
        for name, cls in models.items()
    }
    return RuleBook(**{**table, **parts})


def _entry(cls: type[Settings], name: str, number: int, values: Any) -> Settings:
    try:
        return cls(**values)
    except InputError as error:
        raise InputError(
            [
                Problem(f"in entry {number} of [[{name}]] {problem.expected}", problem.got, problem.cure)
                for problem in error.problems
            ]
        ) from None


def _plain(number: float) -> str:
    return f"{number:,.10g}"


def _in_file(problem: Problem, path: Path) -> Problem:
    return Problem(problem.expected, problem.got, problem.cure, str(path), problem.line, problem.column)


def _neighbours(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Entry]]:
    topics: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        topics.setdefault(entry.topic, []).append(entry)
    for own in topics.values():
        own.sort(key=lambda entry: entry.valid_from)
        yield from pairwise(own)


def _beside(entry: Entry, own: Iterable[Entry]) -> list[Entry]:
    """Give what is left of an entry before and after the desk's entries that take its place."""
    parts = [entry]
    for one in own:
        if entry.yields_to(one):
            parts = [left for part in parts for left in _cut(part, one)]
    return parts


def _cut(entry: Entry, one: Entry) -> list[Entry]:
    left = []
    if entry.valid_from < one.valid_from:
        day_before = date.fromordinal(one.valid_from.toordinal() - 1)
        last = day_before if entry.valid_to is None else min(entry.valid_to, day_before)
        left.append(entry.model_copy(update={"valid_to": last}))
    if one.valid_to is not None and (entry.valid_to is None or entry.valid_to > one.valid_to):
        first = max(entry.valid_from, _day_after(one.valid_to))
        left.append(entry.model_copy(update={"valid_from": first}))
    return left


def _day_after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)
