"""Instants: UTC nanoseconds inside, zoned timestamps at the door."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aftershock.data.errors import InputError, Problem

Instants = NDArray[np.int64]
"""UTC nanoseconds since 1970; ``NAT`` where there is none."""

NAT = np.iinfo(np.int64).min
DAY = 86_400_000_000_000
"""Nanoseconds in a day."""


def to_ns(instants: Any) -> Instants:
    """Turn instants of any zoned kind into UTC nanoseconds.

    Parameters
    ----------
    instants : array-like of shape (n,) or a scalar
        Zoned timestamps or strings; int64 nanoseconds; or NumPy ``datetime64``, which by NumPy's own
        convention counts from 1970 in UTC. A scalar becomes an array of one.

    Returns
    -------
    ndarray of int64, shape (n,)
        UTC nanoseconds; missing values are ``NAT``.

    Raises
    ------
    InputError
        A naive timestamp: which of the world's clocks it was read on cannot be guessed; or what is no instant that
        nanoseconds can tell (the years 1678 to 2261).

    Examples
    --------
    >>> to_ns(["2025-09-12T09:00+09:00"])
    array([1757635200000000000])
    """
    if isinstance(instants, np.datetime64):
        instants = np.array(instants)
    if isinstance(instants, np.ndarray) and instants.dtype.kind in "iM":
        return _numpy_to_ns(np.atleast_1d(instants))
    if isinstance(instants, (int, np.integer)):
        return np.array([instants], dtype=np.int64)
    series = pd.Series(instants if pd.api.types.is_list_like(instants) else [instants])
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return _series_to_ns(series)
    if pd.api.types.is_integer_dtype(series.dtype):
        return series.to_numpy(np.int64, na_value=NAT)
    if series.dtype.kind == "M":
        return _naive_to_ns(series)
    return np.array([_one_to_ns(value) for value in series], np.int64)


def to_index(nanoseconds: Instants) -> pd.DatetimeIndex:
    """Show UTC nanoseconds as a zoned pandas index (``NAT`` becomes ``NaT``).

    Examples
    --------
    >>> to_index(np.array([0]))[0].isoformat()
    '1970-01-01T00:00:00+00:00'
    """
    naive = pd.DatetimeIndex(np.ascontiguousarray(nanoseconds, np.int64).view("M8[ns]"))
    return naive.tz_localize("UTC")


def like(nanoseconds: Instants, model: Any) -> Any:
    """Give instants back in the kind they came in: int64, ``datetime64`` or a zoned index."""
    kind = model.dtype.kind if isinstance(model, np.ndarray) else ""
    if kind == "i":
        return nanoseconds
    if kind == "M":
        return nanoseconds.view("M8[ns]")
    return to_index(nanoseconds)


def iso(nanoseconds: int) -> str | None:
    """Write one instant as UTC ISO 8601, or None for ``NAT``.

    Examples
    --------
    >>> iso(1757635200000000000)
    '2025-09-12T00:00:00Z'
    """
    if nanoseconds == NAT:
        return None
    return pd.Timestamp(nanoseconds, unit="ns").isoformat() + "Z"


def local_date(value: Any, what: str = "a date") -> pd.Timestamp:
    """Read one local date, of a text, a date or a timestamp.

    Parameters
    ----------
    value : str, date or datetime
        Such as ``2018-01-31``; a time of day is left out.
    what : str
        What an error says was expected.

    Raises
    ------
    InputError
        It is none.

    Examples
    --------
    >>> local_date("2018-01-31").date()
    datetime.date(2018, 1, 31)
    """
    try:
        day = pd.Timestamp(value)
        # Of an empty text pandas makes a date that is none.
        if not pd.isna(day):
            return pd.Timestamp(day.date()).as_unit("ns")
    except (ValueError, TypeError):
        pass
    raise InputError(Problem(what, f"'{value}'", "write it as 2018-01-31"))


def _numpy_to_ns(values: NDArray[Any]) -> Instants:
    if values.dtype.kind == "i":
        return values.astype(np.int64)
    found = values.astype("M8[ns]")
    if found.dtype != values.dtype:
        # Out of range the conversion wraps around, by 584 years.
        wrapped = (found.astype("M8[Y]") != values.astype("M8[Y]")) & ~np.isnat(values)
        if wrapped.any():
            raise _far(values[wrapped][0])
    return found.view(np.int64)


def _one_to_ns(value: Any) -> int:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return NAT
    try:
        stamp = pd.Timestamp(value)
        found = int(stamp.as_unit("ns").value)
    except pd.errors.OutOfBoundsDatetime:
        raise _far(value) from None
    except (ValueError, TypeError):
        problem = Problem("an instant", f"'{value}'", "write 2025-09-12T09:00+09:00")
        raise InputError(problem) from None
    if stamp.tzinfo is None and found != NAT:
        raise _naive(stamp)
    return found


def _series_to_ns(series: pd.Series[Any]) -> Instants:
    index = pd.DatetimeIndex(series)
    return _numpy_to_ns(index.asi8.view(f"M8[{index.unit}]"))


def _naive_to_ns(series: pd.Series[Any]) -> Instants:
    known = series.dropna()
    if len(known):
        raise _naive(known.iloc[0])
    return np.full(len(series), NAT)


def _far(value: Any) -> InputError:
    return InputError(Problem("an instant of the years 1678 to 2261", f"'{value}'", "correct the year"))


def _naive(value: Any) -> InputError:
    return InputError(
        Problem(
            "an instant with a zone",
            f"the naive timestamp '{value}'",
            "add an offset (2025-09-12T09:00+09:00), a zone column, or [events] zone",
        )
    )
