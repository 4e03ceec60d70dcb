"""What the columns of a blotter are called, here and in brokers' exports, and what their sides are called."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from aftershock.data.errors import InputError, Problem

NAMES: dict[str, str] = {
    "symbol": "symbol ticker instrument security stockcode code ric bbgticker bloombergticker yahoosymbol",
    "side": "side action buysell bs direction tradetype transactiontype tradeside",
    "quantity": "quantity qty shares filledqty filledquantity execqty executedquantity fillqty tradequantity size "
    "lastqty lastshares units",
    "price": "price px tprice tradeprice fillprice fillpx avgprice avgpx averageprice execprice executionprice lastpx",
    "at": "at datetime timestamp executedat executiontime exectime filledat filltime transacttime tradedatetime",
    "date": "date tradedate session tradedt dealdate",
    "time": "time tradetime dealtime",
    "fee": "fee fees totalfee totalfees charges totalcharges commfee commfees",
    "tax": "tax taxes transactiontax stt securitiestransactiontax",
    "stamp_duty": "stampduty stamp stampdutyfee",
    "commission": "commission comm commissions brokerage brokeragefee ibcommission",
    "currency": "currency ccy currencyprimary tradecurrency",
    "order_id": "orderid order ordid iborderid clordid orderref",
    "account": "account accountid acct clientaccountid accountnumber portfolio",
    "exchange": "exchange listingexchange exch market mic venue",
    "zone": "zone timezone tz",
}
"""The columns that mean something, each with the names it goes by, without blanks, signs and capitals."""

REQUIRED = ("symbol", "quantity", "price")
NEAR = 0.85
"""How alike (difflib ratio) an unknown column must be to a name of an absent one to count as a misspelling."""

SIDES: dict[str, str] = {
    "buy": "BUY B BOT BOUGHT BUYS PURCHASE BUYTOOPEN BUYOPEN LONG 1 买入 买 买进 買 買入 買進 買付 매수",
    "sell": "SELL S SLD SOLD SALE SELLTOCLOSE SELLCLOSE SELLLONG 2 -1 卖出 卖 賣 賣出 売 売却 売付 매도",
    "short": "SHORT SS SELLSHORT SHORTSELL SHORTSALE SSELL SHT SELLTOOPEN SELLSHORTEXEMPT SOLDSHORT 5 6 "
    "融券卖出 空売り",
    "cover": "COVER BC BUYTOCOVER BUYCOVER CVR COVERSHORT BUYTOCLOSE BOUGHTTOCOVER 买券还券",
}
"""The sides, each with the words it goes by; the numbers are FIX's, and this package's own -1."""

_MEANS = {alias: name for name, aliases in NAMES.items() for alias in aliases.split()}
_SAYS = {word: side for side, words in SIDES.items() for word in words.split()}


def plain(name: str) -> str:
    """Write the name of a column without blanks, signs and capitals.

    Examples
    --------
    >>> plain("T. Price"), plain("Comm/Fee")
    ('tprice', 'commfee')
    """
    return re.sub(r"[\W_]+", "", name.lower())


def side_of(word: str) -> str:
    """Give the side that a word stands for, "" where it stands for none.

    Examples
    --------
    >>> side_of("Sell Short"), side_of("BOT"), side_of("hold")
    ('short', 'buy', '')
    """
    written = word.strip().upper()
    numeric = re.fullmatch(r"[+]?(-?\d)(\.0+)?", written)
    return _SAYS.get(numeric[1] if numeric else re.sub(r"[\W\d_]+", "", written), "")


def meanings(columns: Iterable[str], file: str | None = None) -> tuple[dict[str, str], list[str]]:
    """Say which column of a blotter is which.

    Parameters
    ----------
    columns : iterable of str
        As they stand in the file.
    file : str, optional
        Named in the error.

    Returns
    -------
    named : dict
        The file's name of each column of `NAMES` that it has.
    ignored : list of str
        Columns that mean nothing here.

    Raises
    ------
    InputError
        A column is missing, misspelt, or there twice under two names.

    Examples
    --------
    >>> meanings(["Ticker", "Qty", "Px", "Trade Date", "Trader"])
    ({'symbol': 'Ticker', 'quantity': 'Qty', 'price': 'Px', 'date': 'Trade Date'}, ['Trader'])
    """
    given: dict[str, list[str]] = {}
    ignored = []
    for column in columns:
        name = _MEANS.get(plain(column))
        if name:
            given.setdefault(name, []).append(column)
        else:
            ignored.append(column)
    problems = [problem for name, found in given.items() for problem in _twice(name, found, file)]
    misspelt = {column: near for column in ignored if (near := _near(column, given))}
    problems += [
        Problem("a known column", f"'{column}'", f"rename it to '{near}', or drop it", file, column=column)
        for column, near in misspelt.items()
    ]
    problems += _missing({*given, *misspelt.values()}, [*columns], file)
    if problems:
        raise InputError(problems)
    return {name: _chosen(name, found) for name, found in given.items()}, ignored


def _chosen(name: str, found: list[str]) -> str:
    exact = [column for column in found if column.strip().lower() == name]
    return exact[0] if exact else found[0]


def _twice(name: str, found: list[str], file: str | None) -> list[Problem]:
    if len(found) == 1 or any(column.strip().lower() == name for column in found):
        return []
    got = " and ".join(f"'{column}'" for column in found)
    return [Problem(f"one column for {name}", got, f"rename the one that counts to '{name}'", file)]


def _near(column: str, given: Iterable[str]) -> str:
    absent = {alias: name for alias, name in _MEANS.items() if name not in given and len(alias) > 3}
    near = difflib.get_close_matches(plain(column), list(absent), n=1, cutoff=NEAR)
    return absent[near[0]] if near else ""


def _missing(present: set[str], columns: list[str], file: str | None) -> list[Problem]:
    got = "only " + ", ".join(columns[:20]) if columns else "no columns"
    problems = [
        Problem(f"a column '{name}' (or {', '.join(NAMES[name].split()[1:4])})", got, "add it", file)
        for name in REQUIRED
        if name not in present
    ]
    if not present & {"at", "date"}:
        expected = "a column 'at' (instants) or 'date' (local sessions)"
        problems.append(Problem(expected, got, "add one of them", file))
    return problems
