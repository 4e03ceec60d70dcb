"""Currencies and pairs by name: ISO 4217 codes, and the ways in which a pair is written."""

from __future__ import annotations

import re

from aftershock.data.errors import InputError, Problem, did_you_mean

_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK
HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL
MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON
RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH
UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW
"""

CURRENCIES = frozenset(_CODES.split())
"""The codes of national currencies (ISO 4217, list one)."""


def currency(code: str) -> str:
    """Check the code of a currency.

    Raises
    ------
    InputError
        No such code ("did you mean").

    Examples
    --------
    >>> currency("TWD")
    'TWD'
    >>> currency("EURO")
    Traceback (most recent call last):
    ...
    aftershock.data.errors.InputError: expected an ISO 4217 currency, got 'EURO'; did you mean 'EUR'?
    """
    if code not in CURRENCIES:
        cure = did_you_mean(code.strip().upper(), CURRENCIES)
        raise InputError(Problem("an ISO 4217 currency", f"'{code}'", cure))
    return code


def pair_of(text: str) -> tuple[str, str]:
    """Read a pair as quoted: ``USDTWD`` is the number of TWD that one USD buys.

    Parameters
    ----------
    text : str
        ``USDTWD``, ``usd/twd``, ``usd_twd``; Yahoo's ``USDTWD=X``, and ``TWD=X``, which leaves USD out.

    Returns
    -------
    per, currency : str
        The one that is bought, and the one in which its price is told.

    Raises
    ------
    InputError
        No pair of two different currencies.

    Examples
    --------
    >>> pair_of("usdtwd"), pair_of("TWD=X")
    (('USD', 'TWD'), ('USD', 'TWD'))
    """
    tidy = text.strip().upper()
    code = re.sub(r"[\s/_.-]", "", tidy.removesuffix("=X"))
    if tidy.endswith("=X") and len(code) == 3:
        code = f"USD{code}"
    per, quoted = code[:3], code[3:]
    if len(code) != 6 or per == quoted:
        raise InputError(Problem("a pair of currencies", f"'{text}'", "write it like USDTWD (TWD per USD)"))
    return currency(per), currency(quoted)
