"""Which rule refused a signal, in words: its dates, and the limit it set."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from aftershock.data.prices.tape import Tape
from aftershock.data.venues import RuleBook
from aftershock.data.venues.limits import limit_prices
from aftershock.engine.rules import EPOCH, Books

BY_SHORT_SALE = ("short_banned", "short_rule", "short_unlisted")


def told_by_rule(signals: pd.DataFrame, tape: Tape, books: Books) -> pd.Series[str]:
    """Say of each signal which rule of its venue refused it at its due bar.

    Parameters
    ----------
    signals : DataFrame
        ``outcome`` and ``due`` (a row of the tape, -1: none), and ``side``.
    tape, books : Tape, Books
        The bars and the rule books they are held to.

    Returns
    -------
    Series of str
        "" where no rule of short sales and no price limit was the reason.

    Examples
    --------
    >>> from aftershock.engine.rules import rule_books
    >>> bars = pd.DataFrame({"symbol": "6138.TWO", "date": ["2025-09-11", "2025-09-12"], "close": [191.5, 210.5]})
    >>> tape = Tape.from_frame(bars)
    >>> signals = pd.DataFrame({"outcome": ["locked"], "due": [1], "side": [1]})
    >>> told_by_rule(signals, tape, rule_books(tape.venues)).tolist()
    ['ROCO: 10 % of the close before, none in the first 5 sessions; after 191.5 at most 210.5']
    """
    asked = np.asarray((signals["due"] >= 0) & signals["outcome"].isin((*BY_SHORT_SALE, "locked")))
    told = np.full(len(signals), "", dtype=object)
    due, side = signals["due"].to_numpy(np.int64), signals["side"].to_numpy(np.int64)
    locked = signals["outcome"].to_numpy(object) == "locked"
    for row in np.flatnonzero(asked):
        bar = int(due[row])
        place = int(np.searchsorted(tape.offsets, bar, side="right")) - 1
        day = date.fromordinal(int(tape.session[bar]) + EPOCH)
        book = books[tape.venues[place]]
        board = book.board_of(tape.symbols[place], tape.kinds[place])
        if locked[row]:
            told[row] = _limit(tape, book, board, (place, bar, day), side[row] > 0)
        else:
            rule = book.one("short_sale", day, board)
            told[row] = f"{book.mic}: {rule.words()}, {rule.since}" if rule is not None else ""
    return pd.Series(told, index=signals.index)


def _limit(tape: Tape, book: RuleBook, board: str, at: tuple[int, int, date], buy: bool) -> str:
    place, bar, day = at
    rule, tick = book.one("price_limit", day, board), book.one("tick", day, board)
    before = slice(int(tape.offsets[place]), bar)
    known = np.flatnonzero((tape.session[before] < tape.session[bar]) & ~np.isnan(tape.close[before]))
    if rule is None or tick is None or not len(known):
        return ""
    factor = 1.0 if np.isnan(tape.factor[bar]) else float(tape.factor[bar])
    base = np.array([tape.close[before][known[-1]] * factor])
    lowest, highest = limit_prices(rule, tick, base)
    limit = f"at most {highest[0]:,.10g}" if buy else f"at least {lowest[0]:,.10g}"
    return f"{book.mic}: {rule.words()}; after {round(base[0], 6):,.10g} {limit}"
