"""Words of a report, for page and terminal alike: formats, names of figures, the summary in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from aftershock.reports.run import Run, section

SIMULATED = "SIMULATED"
UNDEFINED = "n/a"
"""What stands for a figure that is undefined."""

FEW_DATES = 30
"""Below this many event dates the summary says that little can be concluded."""


CITIES = {
    "XASX": "Sydney",
    "XTKS": "Tokyo",
    "XKRX": "Seoul",
    "XKOS": "Seoul, KOSDAQ",
    "XTAI": "Taipei",
    "ROCO": "Taipei, TPEx",
    "XSES": "Singapore",
    "XHKG": "Hong Kong",
    "XSHG": "Shanghai",
    "XSHE": "Shenzhen",
    "XNSE": "Mumbai",
    "XBOM": "Mumbai, BSE",
}
"""What a venue is called on the ladder; others go by their MIC."""


CONTROLS = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"},
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),
}
"""What stands for characters that would be obeyed or not be seen."""


class Measure(NamedTuple):
    """How a figure is called, what it is (a kind of `tables.cell`) and how it is made."""

    label: str
    kind: str = "number"
    note: str = ""


MEASURES: dict[str, Measure] = {
    "total_return": Measure("Total return", "percent", "last equity over starting capital, less one"),
    "cagr": Measure("CAGR", "percent", "growth a year, by calendar time"),
    "volatility": Measure(
        "Volatility",
        "percent",
        "standard deviation of returns (ddof 1), a year of the sessions really observed",
    ),
    "sharpe": Measure("Sharpe", "number", "mean over standard deviation of returns (ddof 1), a year"),
    "sortino": Measure("Sortino", "number", "mean return over the downside deviation of all returns, a year"),
    "max_drawdown": Measure(
        "Max drawdown", "depth", "deepest fall of equity from a peak; the starting capital counts as one"
    ),
    "calmar": Measure("Calmar", "number", "CAGR over the depth of the deepest drawdown"),
    "hit_rate": Measure("Hit rate", "percent", "share of closed trades with a profit, net"),
    "profit_factor": Measure("Profit factor", "number", "sum of gains over sum of losses, net"),
    "trades": Measure("Trades", "count", "trades that were closed"),
    "event_dates": Measure(
        "Event dates", "count", "different UTC dates of the events traded: the independent observations"
    ),
    "mean_return": Measure("Mean return", "percent", "mean net return of a trade"),
    "mean_by_date": Measure(
        "Mean by date", "percent", "mean over event dates of the mean net return of their trades"
    ),
    "standard_error": Measure(
        "Standard error",
        "percent",
        "of the mean by date; the trades of one event date count as one observation",
    ),
    "t_statistic": Measure("t by event date", "number", "of the mean by date"),
    "exposure": Measure("Exposure", "percent", "mean gross share of equity that was invested"),
    "costs": Measure("Costs", "money", "charges, slippage, borrowing and what was withheld, hedges included"),
    "pnl": Measure("Net P&L", "money", "profit or loss after costs"),
    "gross_pnl": Measure("Gross P&L", "money", "profit or loss before costs"),
    "open": Measure("Open trades", "count", "trades still held when the data end"),
    "events": Measure("Events", "count", "events that were traded"),
    "symbols": Measure("Symbols", "count", "instruments that were traded"),
    "median_return": Measure("Median return", "percent", "median net return of a trade"),
    "mean_gross_return": Measure("Mean gross return", "percent", "mean return of a trade before costs"),
    "payoff_ratio": Measure("Payoff ratio", "number", "mean gain over mean loss"),
    "average_bars": Measure("Average holding", "number", "bars from entry to exit"),
    "best": Measure("Best trade", "percent", "largest net return"),
    "worst": Measure("Worst trade", "percent", "smallest net return"),
    "capital": Measure("Capital", "money", "that of all accounts together"),
    "start": Measure("Starting capital", "money", "before the first mark of equity"),
    "end": Measure("Last equity", "money", "the last mark"),
    "sessions": Measure("Sessions", "count", "dates on which equity was marked"),
    "days": Measure("Days", "count", "calendar days from the first mark to the last"),
    "longest_drawdown": Measure("Longest drawdown, days", "count", "from a peak to its recovery"),
    "downside_deviation": Measure("Downside deviation", "percent", "of all returns, a year"),
    "value_at_risk": Measure("Value at risk", "percent", "5 % quantile of the returns of single dates"),
    "expected_shortfall": Measure("Expected shortfall", "percent", "mean of the returns at or below it"),
    "omega": Measure("Omega", "number", "sum of positive returns over sum of negative ones"),
    "tail_ratio": Measure("Tail ratio", "number", "size of the 95 % quantile over that of the 5 % quantile"),
    "skew": Measure("Skew", "number", "third moment of returns"),
    "kurtosis": Measure("Excess kurtosis", "number", "fourth moment of returns, 0 for a normal distribution"),
    "stability": Measure("Stability", "number", "R squared of log equity on a straight line"),
    "positive_sessions": Measure("Positive sessions", "percent", "share of dates with a positive return"),
    "best_session": Measure("Best session", "percent", "largest return of a single date"),
    "worst_session": Measure("Worst session", "percent", "smallest return of a single date"),
    "periods_per_year": Measure("Sessions a year", "number", "as observed"),
}
"""The figures a report knows, in its order; others are shown under their own key."""


# ---------------------------------------------------------------------------------------------- formats


def defined(value: Any) -> bool:
    """Whether a figure is a finite number.

    Examples
    --------
    >>> defined(0.0), defined(float("nan")), defined(None)
    (True, False, False)
    """
    if isinstance(value, (bool, str)) or value is None or value is pd.NaT:
        return False
    return math.isfinite(value)


def number(value: Any, digits: int = 2) -> str:
    """Write a number with thousands separators and a minus sign; an undefined one is n/a.

    Examples
    --------
    >>> number(-1234.567), number(-0.001), number(None)
    ('−1,234.57', '0.00', 'n/a')
    """
    if not defined(value):
        return UNDEFINED
    text = f"{abs(value):,.{digits}f}"
    negative = value < 0 and any(digit in "123456789" for digit in text)
    return ("−" if negative else "") + text


def percent(value: Any, digits: int = 2) -> str:
    r"""Write a share as a percentage.

    Examples
    --------
    >>> percent(0.0212), percent(float("nan"))
    ('2.12\xa0%', 'n/a')
    """
    return number(100 * value, digits) + "\N{NO-BREAK SPACE}%" if defined(value) else UNDEFINED


def date(value: Any) -> str:
    """Write a calendar date as ISO 8601; an undefined one is n/a.

    Examples
    --------
    >>> date("2025-09-12"), date(None)
    ('2025-09-12', 'n/a')
    """
    return dates(pd.Series([value]))[0] or UNDEFINED


def dates(values: pd.Series[Any]) -> list[str]:
    """Write dates (instants, dates, ISO strings, or days since 1970) as ISO 8601, "" where there is none.

    Examples
    --------
    >>> dates(pd.Series([20343, 20344]))
    ['2025-09-12', '2025-09-13']
    """
    how: dict[str, Any] = {"unit": "D"} if pd.api.types.is_numeric_dtype(values) else {"format": "ISO8601"}
    moments = pd.Series(pd.to_datetime(values, errors="coerce", **how))
    return list(moments.dt.strftime("%Y-%m-%d").where(moments.notna(), ""))


def word(value: Any) -> str:
    """Say a setting of any shape in a few words, "" where there is none.

    Examples
    --------
    >>> word({"name": "fed_cut", "hold": 3}), word(["7203.T", "005930.KS"])
    ('fed_cut', '7203.T, 005930.KS')
    """
    if isinstance(value, Mapping):
        named = next((value[key] for key in ("name", "source", "sources") if value.get(key)), None)
        return word(named) if named else ", ".join(f"{key} {word(value[key])}" for key in value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(word, value)) if len(value) <= 6 else f"{len(value)} names"
    if value is None or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return visible(str(value))


def visible(text: str) -> str:
    r"""Put pictures for control characters, so that a text shows what it holds.

    Examples
    --------
    >>> visible("a \x1b[31mred headline")
    'a ␛[31mred headline'
    """
    return text.translate(CONTROLS)


def city(mic: Any) -> str:
    """Say where a venue is.

    Examples
    --------
    >>> city("XNSE"), city("XBKK")
    ('Mumbai', 'XBKK')
    """
    return CITIES.get(str(mic), str(mic))


def counted(count: float, nouns: str) -> str:
    """Count things, with the noun's singular for one.

    Examples
    --------
    >>> counted(1, "trades"), counted(1200, "trades")
    ('1 trade', '1,200 trades')
    """
    return f"{number(count, 0)} {nouns.removesuffix('s') if count == 1 else nouns}"


# ------------------------------------------------------------------------------------- what a run tells


def titled(run: Run, title: str) -> str:
    """Mark a caption or title where the prices were simulated."""
    return f"{SIMULATED} · {title}" if run.simulated else title


def figure_of(run: Run, key: str) -> float:
    """Give a headline figure, NaN where it is undefined."""
    value = (run.stats.get("headline") or {}).get(key)
    return float(value) if value is not None and defined(value) else math.nan


def setting(run: Run, key: str) -> str:
    """Say in words an entry of the manifest, "" where it has none."""
    return word(run.manifest.get(key))


def facts(run: Run) -> dict[str, str]:
    """Say what was run: strategy, its hedge if it has one, period, universe, the source of the prices, the capital."""
    period = [date(day) for day in (run.manifest.get("period") or {}).values() if day]
    capital = number(start_of(run), money_digits(run)) if start_of(run) > 0 else UNDEFINED
    hedge = hedge_in(run.experiment)
    return {
        "Strategy": setting(run, "strategy") or UNDEFINED,
        **({"Hedge": hedge} if hedge else {}),
        "Period": " to ".join(period) or UNDEFINED,
        "Universe": setting(run, "universe") or UNDEFINED,
        "Prices": "simulated market" if run.simulated else _where_from(run) or UNDEFINED,
        "Capital": f"{capital} {unit(run)}" if capital != UNDEFINED else UNDEFINED,
    }


def hedge_in(experiment: str) -> str:
    """Say in a line what an experiment (TOML) sets against each trade, "" where nothing.

    Examples
    --------
    >>> hedge_in('hedge = {method = "beta", instrument = "1306.T"}')
    'beta, 1306.T'
    """
    settings = section(experiment, "hedge")
    method = word(settings.get("method"))
    if method in ("", "none"):
        return ""
    by_market = settings.get("instruments")
    symbols = [*(by_market.values() if isinstance(by_market, Mapping) else ()), settings.get("instrument")]
    return ", ".join([method, *dict.fromkeys(word(symbol) for symbol in symbols if symbol)])


def _where_from(run: Run) -> str:
    """Name the store and its state, else the sources, else the files that prices came from."""
    told = run.manifest.get("prices")
    if not isinstance(told, Mapping):
        return word(told)
    if told.get("snapshot"):
        return f"{Path(word(told.get('store'))).name or 'store'}, snapshot {word(told['snapshot'])}"
    sources = [source for source in told.get("sources") or () if source]
    files = [Path(word(file)).name for file in told.get("files") or ()]
    for names, nouns in ((sources, "sources"), (files, "files")):
        if names:
            return word(names) if len(names) <= 6 else counted(len(names), nouns)
    return word(told)


def unit(run: Run) -> str:
    """Give the unit of money."""
    return setting(run, "currency") or "base currency"


def money_digits(run: Run) -> int:
    """Choose the decimals of money by the size of the capital."""
    start = figure_of(run, "start")
    size = start if defined(start) else column(run.trades, "notional").abs().max()
    return 0 if size >= 100_000 else 2 if size >= 100 or not defined(size) else 4


def start_of(run: Run) -> float:
    """Give the starting capital; where a run does not tell it, its first mark of equity."""
    start = figure_of(run, "start")
    return start if defined(start) else float(column(run.equity, "equity").dropna().head(1).sum())


def column(frame: pd.DataFrame, key: str) -> pd.Series[float]:
    """Give a column of numbers, all undefined where the table has no such column."""
    if key not in frame.columns:
        return pd.Series(math.nan, index=frame.index, dtype="float64")
    return frame[key].astype("float64")


# ----------------------------------------------------------------------------------------- the summary


def findings(run: Run) -> list[str]:
    """Say in sentences what came out of a run."""
    return [
        *_on_trades(run),
        *_on_currencies(run),
        *_on_the_mean(run),
        *_on_drawdowns(run),
        *_on_signals(run),
    ]


def chips(run: Run) -> list[tuple[str, str]]:
    """Say in a few words each what weighs most on a run: text, and ``warn`` or ``plain``."""
    trades, days = figure_of(run, "trades"), figure_of(run, "event_dates")
    told = " ".join(str(line) for line in run.manifest.get("caveats") or ())
    found = [
        (counted(trades, "trades"), "plain", defined(trades)),
        (
            f"{counted(days, 'independent event dates')}",
            "warn" if days < FEW_DATES else "plain",
            defined(days),
        ),
        ("simulated prices", "warn", run.simulated),
        ("survivorship: only what is listed today", "warn", "urvivorship" in told),
        ("rules without a source", "warn", "without a source" in told),
        ("currencies taken as hedged", "plain", "taken as hedged" in told),
    ]
    return [(text, kind) for text, kind, holds in found if holds]


def caveats(run: Run) -> list[str]:
    """Say in sentences what has to be known before a run is believed: the manifest's caveats first."""
    told = [visible(str(line)) for line in run.manifest.get("caveats") or ()]
    return [*told, *_on_dates(run), *_on_open_trades(run), *_on_the_data(run)]


def _on_trades(run: Run) -> list[str]:
    trades, total = figure_of(run, "trades"), figure_of(run, "total_return")
    if not trades > 0:
        none = "No trade counts for the headline figures" if len(run.trades) else "No trade was made"
        return [f"{none}: there is no return to judge."]
    opening = f"{counted(trades, 'trades')} on {counted(figure_of(run, 'event_dates'), 'event dates')}"
    if not defined(total):
        return [f"{opening}; the total return is undefined."]
    cagr, costs = figure_of(run, "cagr"), figure_of(run, "costs")
    yearly = f" ({percent(cagr)} a year)" if defined(cagr) else ""
    after = f" after costs of {number(costs, money_digits(run))} {unit(run)}" if defined(costs) else ""
    return [f"{opening} returned {percent(total)} in all{yearly}{after}."]


def _on_currencies(run: Run) -> list[str]:
    told = run.stats.get("unhedged") or {}
    if not defined(told.get("pnl")):
        return []
    pnl, effect = (
        f"{number(told[key], money_digits(run))} {unit(run)}" for key in ("pnl", "currency_effect")
    )
    closed = counted(told["trades"], "closed trades")
    return [f"Unhedged, {closed} made {pnl} after costs; {effect} of it is the effect of currencies."]


def _on_the_mean(run: Run) -> list[str]:
    mean, error, t = (figure_of(run, key) for key in ("mean_by_date", "standard_error", "t_statistic"))
    if not defined(mean):
        return []
    line = f"Trades returned {percent(mean)} on the average event date, net"
    line += f", with a standard error of {percent(error)}" if defined(error) else ""
    if defined(t):
        return [f"{line}; t by event date is {number(t)}."]
    return [f"{line}; t by event date is undefined."]


def _on_drawdowns(run: Run) -> list[str]:
    falls = [fall for fall in run.stats.get("drawdowns") or [] if defined(fall.get("depth"))]
    if not falls:
        return []
    worst = max(falls, key=lambda fall: abs(fall["depth"]))
    end = date(worst.get("recovery"))
    after = f"recovered on {end}" if end != UNDEFINED else "not yet recovered"
    return [
        f"The deepest drawdown was {percent(-abs(worst['depth']))}, from {date(worst.get('start'))} to "
        f"{date(worst.get('trough'))}, {after}."
    ]


def _on_signals(run: Run) -> list[str]:
    counts = run.stats.get("outcomes") or {}
    total, filled = sum(counts.values()), counts.get("filled", 0)
    if not total:
        return ["No event gave a signal."]
    line = f"Of {counted(total, 'signals')} {number(filled, 0)} became trades"
    if total == filled:
        return [f"{line}."]
    return [f"{line}; what became of the other {number(total - filled, 0)} is told below."]


def _on_dates(run: Run) -> list[str]:
    trades, days = figure_of(run, "trades"), figure_of(run, "event_dates")
    lines = []
    if trades > days > 0:
        lines.append(
            "Trades of one event date share their news: count "
            f"{counted(days, 'independent event dates')}, not {counted(trades, 'trades')}."
        )
    if trades > 0 and 0 < days < FEW_DATES:
        lines.append(f"Fewer than {FEW_DATES} event dates: little can be concluded from them.")
    return lines


def _on_open_trades(run: Run) -> list[str]:
    still = int((run.trades["status"] == "open").sum()) if "status" in run.trades.columns else 0
    verb = "was" if still == 1 else "were"
    return [f"{counted(still, 'trades')} {verb} still open when the data end."] if still else []


def price_lines(run: Run) -> list[str]:
    """Say in a sentence or two what the audit of the prices came to."""
    audit = run.manifest.get("price_audit") or {}
    found = [record.get("severity") for record in audit.get("findings") or ()]
    nouns = {"error": "errors", "warning": "warnings", "info": "remarks"}
    counts = [counted(found.count(severity), noun) for severity, noun in nouns.items()]
    lines = [f"The audit gave {counts[0]}, {counts[1]} and {counts[2]}."]
    left_out = {
        (warned.get("code"), warned.get("symbol"))
        for warned in run.manifest.get("warnings") or ()
        if (warned.get("area"), warned.get("severity")) == ("prices", "error")
    }
    if left_out:
        lines[0] = (
            f"The audit of the bars that were kept gave {counts[0]}, {counts[1]} and {counts[2]}. Reading the prices "
            f"had left out rows for {counted(len(left_out), 'errors')}, listed among the warnings about the data."
        )
    days = audit.get("disagreements") or ()
    if days:
        puzzling = sum(record.get("status") == "unexplained" for record in days)
        known = f"{puzzling:,} of them unexplained" if puzzling else "each with its explanation"
        lines.append(f"Calendar and prices disagree in {counted(len(days), 'places')}, {known}.")
    return lines


def _on_the_data(run: Run) -> list[str]:
    warned = len(run.manifest.get("warnings") or ())
    skipped = len({record.get("event_id") for record in run.manifest.get("skipped_events") or ()})
    lines = [f"The data gave {counted(warned, 'warnings')}, listed below."] if warned else []
    if skipped:
        verb = "was" if skipped == 1 else "were"
        lines.append(
            f"{counted(skipped, 'events')} {verb} skipped, in all or for some instruments, listed below."
        )
    return lines
