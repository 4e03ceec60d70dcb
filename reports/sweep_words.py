"""Words of a sweep's page: what a figure is called, how its values are written."""

from __future__ import annotations

from typing import Any

from aftershock.reports.drawing import shares, short
from aftershock.reports.swept import Swept
from aftershock.reports.words import MEASURES, SIMULATED, Measure, number, percent

CENTRES = {"hit_rate": 0.5, "profit_factor": 1.0}
"""The value of a figure that means neither gain nor loss; 0 of the others."""


def measure_of(figure: str) -> Measure:
    """Say how a figure is called and what kind of value it is."""
    return MEASURES.get(figure) or Measure(figure.replace("_", " ").capitalize())


def name_of(figure: str) -> str:
    """Name a figure within a sentence.

    Examples
    --------
    >>> name_of("sharpe"), name_of("total_return"), name_of("cagr")
    ('Sharpe ratio', 'total return', 'CAGR')
    """
    if figure in ("sharpe", "sortino", "calmar"):
        return f"{measure_of(figure).label} ratio"
    label = measure_of(figure).label
    return label if label[:2].isupper() or label.startswith("Net P") else label[:1].lower() + label[1:]


def said(value: Any, figure: str) -> str:
    r"""Write a value of a figure.

    Examples
    --------
    >>> said(0.1234, "total_return"), said(1.5, "sharpe"), said(1234.5, "pnl")
    ('12.34\xa0%', '1.50', '1,234')
    """
    kind = measure_of(figure).kind
    return (
        percent(value)
        if kind in ("percent", "depth")
        else number(value, 0 if kind in ("money", "count") else 2)
    )


def form_of(figure: str) -> Any:
    """Give what writes the values of a figure on an axis."""
    return shares if measure_of(figure).kind in ("percent", "depth") else short


def titled(swept: Swept, title: str) -> str:
    """Mark a title where prices are simulated."""
    return f"{SIMULATED} · {title}" if swept.simulated else title
