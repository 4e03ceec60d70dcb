"""The experiment: one TOML file that says which events, prices, instruments, strategy and money."""

from __future__ import annotations

import math
import re
import tomllib
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from numbers import Integral
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model, field_validator, model_validator

from aftershock.data.errors import InputError, Problem, did_you_mean
from aftershock.data.fx.currencies import CURRENCIES
from aftershock.data.prices.cleaning import EXCLUDABLE
from aftershock.data.prices.hours import DAILY, interval_ns
from aftershock.data.settings import Settings
from aftershock.data.universes import resolve, universe
from aftershock.data.venues import VENUES, DeskRules, venue
from aftershock.engine.sizing import Sizing
from aftershock.engine.studies.confounds import LEVELS
from aftershock.engine.studies.findings import TESTS
from aftershock.engine.studies.windows import span_of
from aftershock.engine.types import MODES, Book
from aftershock.engine.types import Costs as CostTerms
from aftershock.strategies.library import strategy as strategy_of
from aftershock.strategies.own import Strategy
from aftershock.strategies.own_code import beside, load_own, reference_to
from aftershock.strategies.reaction import Reaction, Seconds

INFINITY = float("inf")
CATALOGUE = "catalogue:"
"""What the name of a shipped table of events begins with where a file may stand."""
ECB = "ecb"
"""What stands for the European Central Bank where a file of fixings may stand."""


def _words(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _iso_text(value: Any) -> Any:
    """Take a date or an instant that TOML has read for the text it was."""
    return value.isoformat() if isinstance(value, date) else value


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(did_you_mean(code.strip().upper(), CURRENCIES))
    return code


Currency = Annotated[str, AfterValidator(_currency)]
Day = Annotated[str, BeforeValidator(_iso_text)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Share = Annotated[float, Field(gt=0)] | None


class EventsSection(Settings):
    """``[events]``: files of events or news and shipped catalogues, and how their stamps are read."""

    files: Words = ()
    catalogue: Words = ()
    impacts: Words = ()
    zone: str | None = None
    published: str | None = None
    taxonomy: str | None = None
    start: Day | None = None
    end: Day | None = None
    as_of: Day | None = None
    skip_bad: bool = False


def _interval(value: str) -> str:
    try:
        interval_ns(value)
    except InputError as error:
        raise ValueError(error.problems[0].cure) from None
    return value


def _excludable(value: tuple[str, ...]) -> tuple[str, ...]:
    for code in value:
        if code not in EXCLUDABLE:
            raise ValueError(did_you_mean(code, EXCLUDABLE))
    return value


class PricesSection(Settings):
    """``[prices]``: a store or files, their interval, sources in the order of preference, or the simulated market."""

    files: Words = ()
    snapshot: str | None = None
    interval: Annotated[str, AfterValidator(_interval)] = DAILY
    sources: Words = ()
    exclude: Annotated[Words, AfterValidator(_excludable)] = ()
    simulated: bool = False
    skip_bad: bool = False


class UniverseSection(Settings):
    """``[universe]``: shipped universes by name, and any symbols."""

    name: Words = ()
    symbols: Words = ()


class Portfolio(Settings):
    """``[portfolio]``: whose money and how much of it a signal takes.

    Parameters
    ----------
    mode : {"portfolio", "account", "event"}
        One account with shared cash; one compounding account per instrument; or each trade alone.
    capital : float
        In the base currency; per account in mode ``account``.
    currency : str
        The base currency (ISO 4217). P&L is the local return on base notional.
    fx : str or sequence of str
        Files of fixings that size orders in other currencies. Where they know none, the ECB's reference rates serve.
    unhedged : bool
        Whether to tell P&L with each fill exchanged at its mark as well; refused where a mark is missing.
    marks : str or sequence of str
        Files of FX marks (``at, pair, rate``) for that.
    mark_tolerance : float or str
        How old a mark may be at its fill: seconds, or a duration such as ``"15min"``.
    size : float, optional
        Target notional of a signal of weight 1, as a share of capital; 1.0 in mode ``account``, else 0.1.
    sizing : {"equal", "strength", "inverse_volatility", "notional"}
        What the weight of a signal is multiplied by before anything else: nothing; its strength over
        ``strength_of_one``; ``volatility_of_one`` over the daily volatility of its instrument, as it was known by then;
        or nothing, a weight of 1 being ``notional``. A signal that cannot be sized is refused.
    strength_of_one : float, optional
        The strength of a signal of weight 1; with sizing ``strength``, and only there. Strengths have the unit of their
        tag (basis points, tariff points): trade one tag, or tags whose strengths compare.
    volatility_of_one : float
        The daily volatility of an instrument of weight 1, with sizing ``inverse_volatility``.
    max_weight : float
        The largest weight that a strength or a volatility makes.
    notional : float, optional
        What a signal of weight 1 takes in the base currency, whatever the capital, in the place of ``size``; with
        sizing ``notional``, and only there. Budget and caps stay shares of capital.
    budget : float, optional
        What the signals of one event date may take together, as a share of capital; 1.0 in mode ``portfolio``.
    compound : bool
        Whether sizes are shares of equity as last known instead of the starting capital.
    partial : bool, optional
        Whether an entry may be smaller than its target; so by default only in mode ``account``.
    min_share : float
        The least share of its target that an entry may be scaled down to where cash or caps are short.
    max_positions : int, optional
        Most trades open at once.
    max_name, max_market, max_gross, max_net : float, optional
        Most exposure to one instrument, one market, in all, and net, as shares of the capital that sizes are shares of.
    allow_index : bool
        Whether index levels may be traded.
    """

    mode: Literal["portfolio", "account", "event"] = "portfolio"
    capital: Annotated[float, Field(gt=0)] = 1_000_000.0
    currency: Currency = "USD"
    fx: Words = (ECB,)
    unhedged: bool = False
    marks: Words = ()
    mark_tolerance: Annotated[Seconds, Field(gt=0)] = 900.0
    size: Share = None
    sizing: Literal["equal", "strength", "inverse_volatility", "notional"] = "equal"
    strength_of_one: Share = None
    volatility_of_one: Annotated[float, Field(gt=0)] = 0.02
    max_weight: Annotated[float, Field(gt=0)] = 3.0
    notional: Share = None
    budget: Share = None
    compound: bool = False
    partial: bool | None = None
    min_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    max_positions: Annotated[int, Field(gt=0)] | None = None
    max_name: Share = None
    max_market: Share = None
    max_gross: Share = None
    max_net: Share = None
    allow_index: bool = False

    @model_validator(mode="after")
    def _sizing_fits(self) -> Portfolio:
        """Refuse a sizing that lacks what it needs, and a number that no sizing would look at."""
        for sizing, key, example in (("strength", "strength_of_one", 25), ("notional", "notional", 50_000)):
            given = getattr(self, key) is not None
            if self.sizing == sizing and not given:
                raise InputError(
                    Problem(f"{key} with sizing = '{sizing}'", "none", f"write for example {key} = {example}")
                )
            if given and self.sizing != sizing:
                got, cure = f"sizing = '{self.sizing}'", f"write sizing = '{sizing}', or leave {key} out"
                raise InputError(Problem(f"sizing = '{sizing}' with {key}", got, cure))
        if self.sizing == "notional":
            self._notional_fits()
        return self

    def _notional_fits(self) -> None:
        """Refuse what would make a fixed notional another one."""
        if self.mode == "account":
            cure = "take another sizing: an account always puts its own equity to work"
            raise InputError(
                Problem("mode = 'portfolio' or 'event' with sizing = 'notional'", "mode = 'account'", cure)
            )
        if self.compound:
            cure = "leave compound out: a fixed notional does not grow"
            raise InputError(Problem("compound = false with sizing = 'notional'", "compound = true", cure))
        if self.size is not None:
            cure = "leave size out: notional takes its place"
            raise InputError(Problem("no size with sizing = 'notional'", f"size = {self.size:g}", cure))

    @property
    def weighting(self) -> Sizing:
        """How the weights of signals are made, as `aftershock.engine.sizing` takes it."""
        of_one = self.strength_of_one if self.sizing == "strength" else self.volatility_of_one
        return Sizing(self.sizing, 1.0 if of_one is None else of_one, self.max_weight)

    @property
    def share(self) -> float:
        """Target notional of a signal of weight 1, as a share of capital."""
        if self.notional is not None:
            return self.notional / self.capital
        if self.size is not None:
            return self.size
        return 1.0 if self.mode == "account" else 0.1

    @property
    def book(self) -> Book:
        """The book as kernels take it."""
        alone = self.mode == "account"
        return Book(
            mode=MODES.index(self.mode),
            capital=self.capital,
            size=self.share,
            compound=self.compound,
            partial=alone if self.partial is None else self.partial,
            min_share=self.min_share,
            max_positions=INFINITY if self.max_positions is None else float(self.max_positions),
            max_name=INFINITY if self.max_name is None else self.max_name,
            max_market=INFINITY if self.max_market is None else self.max_market,
            max_gross=INFINITY if self.max_gross is None else self.max_gross,
            max_net=INFINITY if self.max_net is None else self.max_net,
        )

    @property
    def date_budget(self) -> float:
        """What the signals of one event date may take together."""
        if self.budget is not None:
            return self.budget
        return 1.0 if self.mode == "portfolio" else INFINITY


class Costs(Settings):
    """``[costs]``: what fills cost, and whether limits and lots hold.

    Parameters
    ----------
    model : {"venue", "flat", "zero"}
        The charges and lots of each venue's rule book; a ``fee`` on the value of every fill; or nothing at all, not
        even slippage and borrowing.
    fee : float, optional
        Of the value of every fill in model ``flat``, 0.001 by default; 0.001 is ten basis points.
    slippage : float
        Of the price of every fill; 0.0005 by default, 0 in model ``zero``.
    slippage_range : float
        Of the range of the bar, as a share of its close (at an open: of the bar before), on top.
    slippage_volume : float
        Of the price where an order is as large as the turnover of a mean session of the 20 before, on top. It falls
        with the square root: an order of a hundredth of that pays a tenth.
    borrow : float
        What the shares of a short cost a year, as a share of their value at entry; 0.005 by default, 0 in model
        ``zero``.
    lot : float, optional
        Smallest number of shares at traded prices, whatever their currency; 0 allows any quantity. By default that of
        the rule book in model ``venue``, else 0.
    odd_lots : bool
        Whether fewer shares than a lot may be had where the venue has a book of odd lots in the session.
    price_limits : bool
        Whether a bar locked at its venue's price limit refuses fills.
    dividends : {"gross", "net"}
        Whether longs keep whole dividends, or what the rule book leaves a holder abroad; shorts owe them whole.
    """

    model: Literal["venue", "flat", "zero"] = "venue"
    fee: Annotated[float, Field(ge=0, lt=1)] | None = None
    slippage: Annotated[float, Field(ge=0, lt=1)] = 0.0
    slippage_range: Annotated[float, Field(ge=0, lt=1)] = 0.0
    slippage_volume: Annotated[float, Field(ge=0)] = 0.0
    borrow: Annotated[float, Field(ge=0, lt=1)] = 0.0
    lot: Annotated[float, Field(ge=0)] | None = None
    odd_lots: bool = False
    price_limits: bool = True
    dividends: Literal["gross", "net"] = "gross"

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_model(cls, values: Any) -> Any:
        """Fill in what the model costs where nothing is said, so that a written experiment says it."""
        return {**filled_in(values.get("model", "venue")), **values}

    @model_validator(mode="after")
    def _costs_of_the_model(self) -> Costs:
        if self.fee is not None and self.model != "flat":
            raise ValueError(f"fee with model = 'flat' only, which is '{self.model}'")
        given = (self.slippage, self.slippage_range, self.slippage_volume, self.borrow)
        if self.model == "zero" and any(given):
            raise ValueError("no slippage and no borrow with model = 'zero'")
        if self.odd_lots and (self.model != "venue" or self.lot is not None):
            raise ValueError("odd_lots with the lots of model = 'venue' only")
        return self

    @property
    def terms(self) -> CostTerms:
        """The costs as the engine takes them."""
        return CostTerms(
            model=self.model,
            fee=self.fee or 0.0,
            slippage=self.slippage,
            slippage_range=self.slippage_range,
            slippage_volume=self.slippage_volume,
            borrow=self.borrow,
            lot=self.lot,
            odd_lots=self.odd_lots,
            price_limits=self.price_limits,
            net_dividends=self.dividends == "net",
        )


def filled_in(model: Any) -> dict[str, float]:
    """Give what a cost model costs where nothing is said.

    Examples
    --------
    >>> filled_in("flat"), filled_in("zero")
    ({'slippage': 0.0005, 'borrow': 0.005, 'fee': 0.001}, {})
    """
    costs = {"slippage": DEFAULT_SLIPPAGE, "borrow": DEFAULT_BORROW} if model != "zero" else {}
    return {**costs, "fee": DEFAULT_FEE} if model == "flat" else costs


DEFAULT_FEE, DEFAULT_SLIPPAGE, DEFAULT_BORROW = 0.001, 0.0005, 0.005
"""What a flat fee, slippage and a year's borrowing are where nothing is said."""

VenuesSection = create_model(  # type: ignore[call-overload]
    "VenuesSection",
    __base__=Settings,
    __doc__="``[venues]``: a desk's own rules by MIC, entries as in the rule books; they take the place of the books'.",
    **dict.fromkeys(VENUES, (DeskRules | None, None)),
)


def _symbol(text: str) -> str:
    try:
        return resolve(text).symbol
    except InputError as error:
        problem = error.problems[0]
        raise ValueError(f"expected {problem.expected}: {problem.cure}") from None


def _by_market(value: dict[str, str]) -> dict[str, str]:
    """Check the markets and name each symbol as prices do."""
    markets = {venue(mic).market for mic in VENUES}
    for market in value:
        if market not in markets:
            raise ValueError(f"'{market}' is no market; {did_you_mean(market.strip().upper(), markets)}")
    return {market: _symbol(symbol) for market, symbol in value.items()}


class Hedge(Settings):
    """``[hedge]``: what stands against each trade, so that its market's move is taken out of it.

    Parameters
    ----------
    method : {"none", "beta", "index"}
        No hedge; the trade's notional times its beta to the hedge instrument, as it was known by then; or its notional.
    instruments : mapping of str to str
        Markets (``JP``, ``KR``, ...) to the symbols that hedge them.
    instrument : str, optional
        The symbol that hedges the markets that ``instruments`` does not name.

    Notes
    -----
    The leg takes no cash, as if it were margined, and pays fee and slippage of its own. A fund tracks an index and can
    be bought; an index level cannot, and is refused unless ``allow_index`` of ``[portfolio]`` is set.
    """

    method: Literal["none", "beta", "index"] = "none"
    instruments: Annotated[dict[str, str], AfterValidator(_by_market)] = Field(default_factory=dict)
    instrument: Annotated[str, AfterValidator(_symbol)] | None = None

    @model_validator(mode="after")
    def _says_what_and_how(self) -> Hedge:
        """Refuse a method without an instrument, and instruments of which nobody says what they are for."""
        if self.method != "none" and not self.symbols:
            got, cure = "none", 'write for example instrument = "1306.T"'
            raise InputError(Problem(f"instrument or instruments with method = '{self.method}'", got, cure))
        if self.symbols and "method" not in self.model_fields_set:
            cure = "write method = 'beta' or 'index' (or 'none', to leave the hedge off)"
            raise InputError(Problem("method with instrument or instruments", "none", cure))
        return self

    @property
    def symbols(self) -> tuple[str, ...]:
        """The hedge instruments, each once."""
        rest = () if self.instrument is None else (self.instrument,)
        return tuple(dict.fromkeys([*self.instruments.values(), *rest]))


class SweepSection(Settings):
    """``[sweep]``: which parameters a sweep varies, and how.

    Parameters
    ----------
    grid : mapping
        ``[sweep.grid]``: by parameter a list of values or ``{from = 1, to = 5, step = 1}``.
    table : str, optional
        A file with a row for each trial, in the place of the grid.
    sample : int, optional
        Draw so many trials of the grid.
    method : {"grid", "random", "latin"}
        How: every combination, without repeats at random, or as a Latin hypercube.
    placebo : int
        How many times the sweep is repeated on event dates shuffled within their year.
    returns : bool
        Whether to keep the daily returns of every trial.
    """

    grid: dict[str, Any] = Field(default_factory=dict)
    table: str | None = None
    sample: Annotated[int, Field(gt=0)] | None = None
    method: Literal["grid", "random", "latin"] = "grid"
    placebo: Annotated[int, Field(ge=0)] = 200
    returns: bool = False

    @field_validator("grid")
    @classmethod
    def _finite(cls, grid: dict[str, Any]) -> dict[str, Any]:
        for label, given in grid.items():
            values = (
                given.values() if isinstance(given, dict) else given if isinstance(given, list) else [given]
            )
            for value in values:
                if isinstance(value, float) and not math.isfinite(value):
                    cure = "write 'off' where a level is off"
                    raise InputError(Problem(f"finite values of '{label}'", str(value), cure))
        return grid


def _pair(value: Any) -> Any:
    """Refuse what is no window before it is taken apart."""
    whole = isinstance(value, (list, tuple)) and len(value) == 2
    if not whole or not all(isinstance(end, Integral) and not isinstance(end, bool) for end in value):
        raise ValueError("a first and a last session, whole numbers such as [-5, 10]")
    return tuple(map(int, value))


Reach = Annotated[tuple[int, int], BeforeValidator(_pair)]
"""First and last session of a window in event time."""


class StudySection(Settings):
    """``[study]``: what an event study of the same signals measures.

    Parameters
    ----------
    model : str
        What is expected without the event: ``raw`` (nothing), ``mean``, ``market_adjusted``, ``market``,
        ``scholes_williams``, ``market_us``, ``factors`` or ``control``.
    window, estimation : pair of int
        Event and estimation window in the instrument's sessions from the bar that the join found (0), ends included.
    cars : list of pairs of int, optional
        The windows whose cumulative abnormal returns are tested; by default session 0, from 0 to the end of the
        window, and what lies before 0.
    part : {"day", "halves", "gap", "session", "bar"}
        What a return covers: close to close; gap and session apart, or one of them; each bar of a tape with bars
        inside sessions.
    returns : {"simple", "log"}
        How returns are taken.
    min_observations : int
        The fewest returns in an estimation window. With 0 and the model ``raw`` nothing is estimated, and rows
        without a history are measured and not tested.
    market : str, optional
        The symbol that stands for the market everywhere.
    markets : mapping of str to str
        By market (``JP``, ``KR``, ...) the symbol that stands for it; else a broad index of the venue.
    us : str, optional
        The US series of the model ``market_us``; the S&P 500 by default.
    factors : str, optional
        A file of factor returns by date for the model ``factors``.
    control : str or sequence of str
        The names of the control group; by default all names with prices that no event of the study reaches.
    signed : bool
        Whether returns are taken in the direction of the signals. Without, events that have none are studied too.
    quiet : bool
        Whether estimation windows leave out sessions in the window of another event that reaches the instrument.
    by : str or sequence of str
        Groups that are tested: ``tag``, ``direction``, ``surprise``, ``market``, ``theme``, ``phase``, ``symbol``,
        ``year``.
    confounded : {"keep", "exclude"}
        What is done with events into whose window others fall; the alternatives are always shown beside.
    confounded_by : str or sequence of str
        What another event must share with the instrument: ``name``, ``theme``, ``market``.
    test : str
        The test that decides.
    coverage : float
        Of confidence bands.
    draws : int
        Of the bootstraps; 0 leaves them out.
    """

    model: Literal[
        "raw",
        "mean",
        "market_adjusted",
        "market",
        "scholes_williams",
        "market_us",
        "factors",
        "control",
    ] = "market"
    window: Reach = (-5, 10)
    estimation: Reach = (-250, -30)
    cars: tuple[Reach, ...] = ()
    part: Literal["day", "halves", "gap", "session", "bar"] = "day"
    returns: Literal["simple", "log"] = "simple"
    min_observations: Annotated[int, Field(ge=0)] = 60
    market: Annotated[str, AfterValidator(_symbol)] | None = None
    markets: Annotated[dict[str, str], AfterValidator(_by_market)] = Field(default_factory=dict)
    us: Annotated[str, AfterValidator(_symbol)] | None = None
    factors: str | None = None
    control: Words = ()
    signed: bool = True
    quiet: bool = False
    by: Words = ("tag", "direction")
    confounded: Literal["keep", "exclude"] = "keep"
    confounded_by: Words = ("name",)
    test: str = "kolari_pynnonen"
    coverage: Annotated[float, Field(gt=0, lt=1)] = 0.95
    draws: Annotated[int, Field(ge=0)] = 1_000

    @model_validator(mode="after")
    def _fits(self) -> StudySection:
        """Refuse windows that overlap, groups and levels nobody knows, and a model without what it needs."""
        span_of(self.window, self.estimation)
        for key, values, known in (
            ("by", self.by, STUDY_GROUPS),
            ("confounded_by", self.confounded_by, LEVELS),
            ("test", (self.test,), TESTS),
        ):
            for value in values:
                if value not in known:
                    cure = did_you_mean(value, known)
                    raise InputError(Problem(f"{key}: {', '.join(known)}", f"'{value}'", cure))
        for first, last in self.cars:
            if not self.window[0] <= first <= last <= self.window[1]:
                got, cure = f"({first}, {last})", "widen the window, or take sessions inside it"
                raise InputError(Problem(f"cars within window = {self.window}", got, cure))
        if (self.factors is None) == (self.model == "factors"):
            got = "no factors" if self.factors is None else f"model = '{self.model}'"
            raise InputError(Problem("factors (a file) with model = 'factors'", got, "write both or neither"))
        if self.factors is not None and self.part != "day":
            cure = "take part = 'day': a file of factors has closes alone"
            raise InputError(Problem("part = 'day' with model = 'factors'", f"part = '{self.part}'", cure))
        return self

    @property
    def needs(self) -> tuple[str, ...]:
        """The symbols that are looked at beside what is studied."""
        control = () if not self.control else universe(self.control).symbols
        single = tuple(each for each in (self.market, self.us) if each is not None)
        return (*single, *self.markets.values(), *control)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that are measured, one study for each."""
        return ("gap", "session") if self.part == "halves" else (self.part,)

    @property
    def sums(self) -> tuple[Reach, ...]:
        """The windows whose cumulative abnormal returns are tested."""
        if self.cars:
            return self.cars
        first, last = self.window
        if last < 0 or first > 0:
            return ((first, last),)
        before = ((first, -1),) if first < 0 else ()
        return tuple(dict.fromkeys([(0, 0), (0, last), *before]))


STUDY_GROUPS = ("tag", "direction", "surprise", "market", "theme", "phase", "symbol", "year")
"""What the events of a study can be grouped by."""


class RunSection(Settings):
    """``[run]``: the name of the run and the seed of its draws."""

    name: str = "experiment"
    seed: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True)
class Experiment:
    """Everything that decides a run.

    Attributes
    ----------
    strategy : Reaction
        The strategy, made from ``[strategy]`` (``kind`` and its parameters).
    kind : str
        The kind of strategy that was named, or the class of a desk's own.
    named_only : bool
        Whether code of a desk's own is written down by its name and that of its file, wherever that lies.
    events, prices, universe, portfolio, costs, venues, hedge, sweep, study, run
        The sections of the file.

    Raises
    ------
    InputError
        A hedge that is an index level, where index levels are not traded.
    """

    strategy: Reaction
    kind: str = "reaction"
    events: EventsSection = EventsSection()
    prices: PricesSection = PricesSection()
    universe: UniverseSection = UniverseSection()
    portfolio: Portfolio = Portfolio()
    costs: Costs = Costs()
    venues: Any = field(default_factory=VenuesSection)
    hedge: Hedge = Hedge()
    sweep: SweepSection = field(default_factory=SweepSection)
    study: StudySection = field(default_factory=StudySection)
    run: RunSection = RunSection()
    named_only: bool = False

    def __post_init__(self) -> None:
        if self.hedge.method != "none" and self.portfolio.unhedged:
            cure = "leave one of the two out: legs have no marks of exchange rates"
            raise InputError(
                Problem("no [hedge] with unhedged = true", f"method = '{self.hedge.method}'", cure)
            )
        if self.hedge.method == "none" or self.portfolio.allow_index:
            return
        for symbol in self.hedge.symbols:
            if resolve(symbol).kind == "index":
                cure = "take a fund that tracks it, or set allow_index of [portfolio]"
                raise InputError(Problem("an instrument that can be traded", f"the index {symbol}", cure))

    @property
    def desk(self) -> dict[str, DeskRules]:
        """The desk's own rules by MIC."""
        return {mic: own for mic in VENUES if (own := getattr(self.venues, mic)) is not None}

    def to_toml(self) -> str:
        """Write the experiment with every default spelt out; what is off has no line."""
        import tomli_w

        # Sections of other verbs are written where they say something.
        others = {"sweep": SweepSection(), "study": StudySection()}
        left_out = {"venues", *(name for name, none in others.items() if getattr(self, name) == none)}
        table = {name: _dump(getattr(self, name)) for name in SECTIONS if name not in left_out}
        own = {
            mic: rules.model_dump(mode="json", exclude_defaults=True, by_alias=True)
            for mic, rules in self.desk.items()
        }
        table |= {"venues": own} if own else {}
        table["strategy"] = self._strategy_table()
        return tomli_w.dumps(table)

    def _strategy_table(self) -> dict[str, Any]:
        parameters = _dump(self.strategy)
        own = {"class": reference_to(type(self.strategy))} if isinstance(self.strategy, Strategy) else {}
        own |= {"exit": parameters.pop("exit")} if "exit" in parameters else {}
        if self.named_only:
            own = {key: Path(reference).name for key, reference in own.items()}
        if isinstance(self.strategy, Strategy):
            return {**own, **parameters}
        # What is off has no line: the kind may be named only where it does not switch it on again.
        same = strategy_of(self.kind, **parameters) == self.strategy.model_copy(update={"exit": None})
        return {"kind": self.kind if same else "reaction", **parameters, **own}

    def without_paths(self) -> Experiment:
        """Leave out where the inputs lie and what they are called there; their content is hashed apart.

        What a sweep would vary and a study measure decides no run either.
        """
        nowhere = {"files": (), "impacts": ()}
        return replace(
            self,
            named_only=True,
            sweep=SweepSection(),
            study=StudySection(),
            events=self.events.model_copy(update=nowhere),
            prices=self.prices.model_copy(update={"files": (), "snapshot": None}),
            portfolio=self.portfolio.model_copy(update={"fx": (ECB,), "marks": ()}),
        )

    def with_paths(
        self, *, prices: tuple[str, ...] = (), events: tuple[str, ...] = (), skip_bad: bool = False
    ) -> Experiment:
        """Put other files in the place of those the experiment names, and let bad rows be skipped."""
        other_prices = {"files": prices, "snapshot": None, "simulated": False} if prices else {}
        shipped = tuple(path.removeprefix(CATALOGUE) for path in events if path.startswith(CATALOGUE))
        files = tuple(path for path in events if not path.startswith(CATALOGUE))
        other_events = {"files": files, "catalogue": shipped} if events else {}
        lenient = {"skip_bad": True} if skip_bad else {}
        return replace(
            self,
            prices=self.prices.model_copy(update=other_prices | lenient),
            events=self.events.model_copy(update=other_events | lenient),
        )


SECTIONS: dict[str, type[Settings]] = {
    "events": EventsSection,
    "prices": PricesSection,
    "universe": UniverseSection,
    "portfolio": Portfolio,
    "costs": Costs,
    "venues": VenuesSection,
    "hedge": Hedge,
    "sweep": SweepSection,
    "study": StudySection,
    "run": RunSection,
}
"""The sections of an experiment besides ``[strategy]``."""


def read_experiment(path: Path) -> Experiment:
    """Read an experiment; paths in it are relative to its folder.

    Raises
    ------
    InputError
        A missing or unreadable file, an unknown section or key ("did you mean"), a value out of its range; each with
        the line where it stands.
    """
    text = _text(path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem("valid TOML", str(error), "correct the line", str(path))) from None
    unknown = [name for name in table if name not in SECTIONS and name != "strategy"]
    if unknown:
        cure = did_you_mean(unknown[0], [*SECTIONS, "strategy"])
        line = _line_of(text, unknown[0], "") or _line_of(text, "", unknown[0])
        raise InputError(Problem("a section of an experiment", f"[{unknown[0]}]", cure, str(path), line))
    for name, section in table.items():
        if not isinstance(section, dict):
            line = _line_of(text, "", name)
            raise InputError(
                Problem(f"a section [{name}]", f"{section!r}", "write it as a table", str(path), line)
            )
    parts = {name: _section(cls, table.get(name, {}), name, path, text) for name, cls in SECTIONS.items()}
    parameters = dict(table.get("strategy", {}))
    with _located("strategy", path, text):
        kind, chosen = _strategy(parameters, path.parent)
    if "name" not in table.get("run", {}):
        parts["run"] = parts["run"].model_copy(update={"name": path.stem})
    with _located("hedge", path, text):
        made = Experiment(strategy=chosen, kind=kind, **parts)
    return _relative(made, path.parent)


def _strategy(parameters: dict[str, Any], folder: Path) -> tuple[str, Reaction]:
    """Make the strategy of a section, of the desk's own class where it names one; give what it is called, too."""
    if isinstance(parameters.get("exit"), str):
        parameters["exit"] = beside(folder, parameters["exit"])
    if "class" not in parameters:
        kind = str(parameters.pop("kind", "reaction"))
        return kind, strategy_of(kind, **parameters)
    if "kind" in parameters:
        cure = "leave one of the two out"
        raise InputError(Problem("kind or class", f"kind = '{parameters['kind']}' beside class", cure))
    reference = parameters.pop("class")
    what = "a class of af.Strategy"
    if not isinstance(reference, str):
        cure = "write class = 'my_file.py:MyStrategy'"
        raise InputError(Problem(f"class to be {what}", repr(reference), cure))
    made = load_own(beside(folder, reference), _is_own, what)
    return made.__name__, made(**parameters)


def _is_own(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Strategy) and value is not Strategy


def _text(path: Path) -> str:
    if not path.is_file():
        raise InputError(Problem("an experiment file (TOML)", "nothing there", "check the path", str(path)))
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem("a readable text in UTF-8", str(error), "check the file", str(path))
        raise InputError(problem) from None


def _section(cls: type[Settings], values: dict[str, Any], name: str, path: Path, text: str) -> Any:
    with _located(name, path, text):
        return cls(**values)


def placed(section: str, path: Path) -> AbstractContextManager[None]:
    """Add the file of an experiment, and the line in one of its sections, to what goes wrong inside a block."""
    return _located(section, path, _text(path))


class _located(AbstractContextManager[None]):  # noqa: N801 (reads as a statement)
    """Add file and line to what goes wrong inside a section."""

    def __init__(self, section: str, path: Path, text: str) -> None:
        self.section, self.path, self.text = section, path, text

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, InputError):
            raise InputError([self._place(problem) for problem in error.problems]) from None

    def _place(self, problem: Problem) -> Problem:
        if problem.file is not None:
            return problem
        quoted = [name.rpartition(".")[2] for name in re.findall(r"'([\w.]+)'", problem.expected)]
        words = [*quoted, *re.findall(r"\w+", f"{problem.expected} {problem.got}")]
        lines = [line for word in words if (line := _line_of(self.text, self.section, word))]
        above, _, name = self.section.rpartition(".")
        line = (
            lines[0] if lines else _line_of(self.text, self.section, "") or _line_of(self.text, above, name)
        )
        return Problem(
            f"[{self.section}] {problem.expected}", problem.got, problem.cure, str(self.path), line
        )


def _line_of(text: str, section: str, key: str) -> int | None:
    """Find the line of a key in a section, or of the section's header where the key is empty."""
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([\w.-]+)\s*\]", line)
        if header:
            current = header.group(1)
            if not key and current == section:
                return number
        elif (
            key
            and current == section
            and re.match(rf"""\s*["']?([\w.]*\.)?{re.escape(key)}["']?\s*=""", line)
        ):
            return number
    return None


def _relative(experiment: Experiment, folder: Path) -> Experiment:
    def found(paths: tuple[str, ...]) -> tuple[str, ...]:
        shipped = (path == ECB or path.startswith(CATALOGUE) for path in paths)
        return tuple(
            path if known else str(folder / path) for path, known in zip(paths, shipped, strict=True)
        )

    events, prices, portfolio = experiment.events, experiment.prices, experiment.portfolio
    factors = experiment.study.factors
    return replace(
        experiment,
        sweep=sweep_beside(experiment.sweep, folder),
        study=experiment.study.model_copy(
            update={"factors": None if factors is None else str(folder / factors)}
        ),
        events=events.model_copy(
            update={
                "files": found(events.files),
                "impacts": found(events.impacts),
                "taxonomy": None if events.taxonomy is None else str(folder / events.taxonomy),
            }
        ),
        prices=prices.model_copy(update={"files": found(prices.files)}),
        portfolio=portfolio.model_copy(update={"fx": found(portfolio.fx), "marks": found(portfolio.marks)}),
    )


def sweep_beside(section: SweepSection, folder: Path) -> SweepSection:
    """Take the table and the exits that a sweep names as relative to a folder."""
    table = None if section.table is None else str(folder / section.table)
    grid = {name: _own_beside(folder, name, given) for name, given in section.grid.items()}
    return section.model_copy(update={"grid": grid, "table": table})


def _own_beside(folder: Path, axis: str, given: Any) -> Any:
    """Take what an axis of exits names as relative to a folder."""
    if axis.rpartition(".")[2] != "exit":
        return given
    if isinstance(given, str):
        return beside(folder, given)
    return [_own_beside(folder, axis, one) for one in given] if isinstance(given, list) else given


def _dump(section: Settings) -> dict[str, Any]:
    table = section.model_dump(mode="json", exclude_none=True)
    return {key: value for key, value in table.items() if value != {}}
