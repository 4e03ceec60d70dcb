"""Markets named in a text, for news that names no instrument."""

from __future__ import annotations

import re

_NAMES = {
    "CN": "China|Chinese|Beijing|Shanghai|Shenzhen|mainland",
    "HK": "Hong Kong|HK",
    "IN": "India|Indian|Delhi|Mumbai",
    "JP": "Japan|Japanese|Tokyo|BOJ",
    "KR": "(?<!North )Korean?|Seoul",
    "TW": "Taiwan|Taiwanese|Taipei",
    "AU": "Australia|Australian|Sydney",
    "SG": "Singapore",
    "ID": "Indonesia|Indonesian|Jakarta",
    "TH": "Thailand|Thai|Bangkok",
    "MY": "Malaysia|Malaysian|Kuala Lumpur",
    "PH": "Philippines|Philippine|Manila",
}
_PLACE = re.compile("|".join(rf"(?P<{market}>\b(?:{names})\b)" for market, names in _NAMES.items()))
_AMERICAN = re.compile(
    r"\bU\.?S\.?\b|\bWall St(?:reet)?\b|\bAmerican?\b|\bS&P 500\b|\bDow\b|\bNasdaq\b|\bTreasur(?:y|ies)\b"
)
_EUROPEAN = re.compile(r"\bEurope(?:an)?\b|\bSTOXX\b|\bFTSE\b|\bDAX\b")
_ASIAN = re.compile(rf"\bAsian?\b|{_PLACE.pattern}")
_REGIONS = {"Asia": _ASIAN, "US": _AMERICAN, "Europe": _EUROPEAN}
_FUTURES = re.compile(r"\bfutures\b", re.IGNORECASE)
_BEFORE = re.compile(r"\b(?:previous session|prior session|yesterday|the day before)\b", re.IGNORECASE)


def markets_in(text: str) -> tuple[str, ...]:
    """Give the markets that a text names, in its order.

    Examples
    --------
    >>> markets_in("tariffs on China and India")
    ('CN', 'IN')
    """
    return tuple(dict.fromkeys(str(found.lastgroup) for found in _PLACE.finditer(text)))


def subject_of(text: str) -> str:
    """Say what a move without a named instrument is about.

    Examples
    --------
    >>> subject_of("U.S. stock index futures traded largely unchanged"), subject_of("Asia tech stocks rally")
    ('US futures', 'Asia')
    """
    found = {name: pattern.search(text) for name, pattern in _REGIONS.items()}
    first = {name: match.start() for name, match in found.items() if match}
    region = min(first, key=first.__getitem__, default="Asia")
    marks = [*(["futures"] if _FUTURES.search(text) else []), *(["before"] if _BEFORE.search(text) else [])]
    return " ".join([region, *marks])
