"""The slow, obvious tests of event studies: plain loops over rows, pairs and days, shared with no other module.

A study is any object with the fields of ``Abnormal``. Every function gives the effect, its standard error and the
statistic, and degrees of freedom where they are not plain.
"""

from __future__ import annotations

import datetime
import math
from functools import lru_cache
from itertools import combinations
from statistics import correlation, mean, stdev
from typing import Any

NONE = (math.nan, math.nan, math.nan)


def usable(study: Any, i: int) -> bool:
    return math.isfinite(study.scale[i]) and study.scale[i] > 0


def rows_in(study: Any, first: int, last: int) -> list[int]:
    """Rows with at least half of the returns of the window."""
    return [
        i
        for i in range(len(study.window))
        if usable(study, i) and 2 * len(known_days(study, i, first, last)) >= last - first + 1
    ]


def known_days(study: Any, i: int, first: int, last: int) -> list[int]:
    return [
        d for d in range(first - study.first, last - study.first + 1) if not math.isnan(study.window[i, d])
    ]


def car(study: Any, i: int, first: int, last: int) -> float:
    return math.fsum(study.window[i, d] for d in known_days(study, i, first, last))


def error(study: Any, i: int, first: int, last: int) -> float:
    days = known_days(study, i, first, last)
    return float(study.scale[i] * math.sqrt(math.fsum(study.covariance[i, a, b] for a in days for b in days)))


def scar(study: Any, i: int, first: int, last: int) -> float:
    return car(study, i, first, last) / error(study, i, first, last)


def return_unit(study: Any, rows: list[int], first: int, last: int) -> float:
    """What a mean SCAR of 1 is in returns, if all rows have the same."""
    return 1.0 / mean(1.0 / error(study, i, first, last) for i in rows)


def cross_sectional_t(study: Any, first: int, last: int) -> tuple[float, float, float]:
    cars = [car(study, i, first, last) for i in rows_in(study, first, last)]
    effect, spread = mean(cars), stdev(cars) / math.sqrt(len(cars))
    return effect, spread, effect / spread


def patell(study: Any, first: int, last: int) -> tuple[float, float, float]:
    rows = rows_in(study, first, last)
    total = math.fsum(scar(study, i, first, last) for i in rows)
    variance = 0.0
    for i in rows:
        freedom = study.observations[i] - study.parameters[i]
        variance += freedom / (freedom - 2)
    unit = return_unit(study, rows, first, last)
    n = len(rows)
    return total / n * unit, math.sqrt(variance) / n * unit, total / math.sqrt(variance)


def bmp(study: Any, first: int, last: int) -> tuple[float, float, float]:
    rows = rows_in(study, first, last)
    scars = [scar(study, i, first, last) for i in rows]
    unit = return_unit(study, rows, first, last)
    spread = stdev(scars) / math.sqrt(len(scars))
    return mean(scars) * unit, spread * unit, mean(scars) / spread


@lru_cache
def weekday_number(days: int) -> int:
    """Weekdays from 1 January 1970 to a day."""
    start, count = datetime.date(1970, 1, 1), 0
    for k in range(days):
        count += (start + datetime.timedelta(days=k)).weekday() < 5
    return count


def clusters(study: Any, rows: list[int]) -> list[list[int]]:
    """Rows by event date, dates whose earliest bar 0 is the same weekday taken together."""
    earliest: dict[int, int] = {}
    for i in range(len(study.window)):
        date = int(study.date[i])
        place = weekday_number(int(study.session[i])) if study.session is not None else -1
        earliest[date] = min(earliest.get(date, place), place)
    groups: dict[Any, list[int]] = {}
    for i in rows:
        date = int(study.date[i])
        key = earliest[date] if study.session is not None else ("apart", date)
        groups.setdefault(key, []).append(i)
    return list(groups.values())


def standard(study: Any, i: int) -> list[float]:
    known = [x for x in study.estimation[i] if not math.isnan(x)]
    middle = mean(known)
    size = math.sqrt(mean((x - middle) ** 2 for x in known))
    return [(x - middle) / size for x in study.estimation[i]]


def same_date_correlation(study: Any, rows: list[int]) -> float:
    """Average correlation of residuals over pairs of rows, each on the sessions that both have."""
    found = []
    for i, j in combinations(rows, 2):
        both = [
            (a, b)
            for a, b in zip(study.estimation[i], study.estimation[j], strict=True)
            if not math.isnan(a) and not math.isnan(b)
        ]
        if len(both) >= 3:
            found.append(correlation([a for a, _ in both], [b for _, b in both]))
    return mean(found) if found else 0.0


def apart(study: Any, one: list[int], other: list[int]) -> int:
    """Weekdays from the earliest bar 0 of one date to that of another."""

    def first(group: list[int]) -> int:
        dates = {int(study.date[i]) for i in group}
        return min(
            weekday_number(int(study.session[i]))
            for i in range(len(study.date))
            if int(study.date[i]) in dates
        )

    return first(other) - first(one)


def other_date_correlation(study: Any, early: list[int], late: list[int], lag: int) -> float:
    products = []
    length = study.estimation.shape[1]
    for i in early:
        for j in late:
            one, other = standard(study, i), standard(study, j)
            for c in range(length - lag):
                # Session c of the later date is session c + lag of the earlier one.
                if not math.isnan(one[c + lag]) and not math.isnan(other[c]):
                    products.append(one[c + lag] * other[c])
    return mean(products) if products else 0.0


def correlation_sums(
    study: Any, first: int, last: int
) -> tuple[list[list[int]], list[float], list[list[float]]]:
    """Dates, the average correlation inside each, and the covariance of the sums of rows of different dates."""
    rows = rows_in(study, first, last)
    groups = clusters(study, rows)
    inside = [same_date_correlation(study, group) if len(group) > 1 else 0.0 for group in groups]
    between, days = [[0.0] * len(groups) for _ in groups], last - first + 1
    if study.session is not None:
        for d, one in enumerate(groups):
            for e, other in enumerate(groups):
                lag = apart(study, one, other) if d != e else 0
                if 0 < lag < days:
                    each = (1 - lag / days) * other_date_correlation(study, one, other, lag)
                    between[d][e] = between[e][d] = len(one) * len(other) * each
    return groups, inside, between


def total_of(matrix: list[list[float]]) -> float:
    return math.fsum(math.fsum(row) for row in matrix)


def average_correlation(study: Any, first: int, last: int) -> float:
    """Average correlation over all pairs of rows of the study, 0 for those that share nothing."""
    groups, inside, between = correlation_sums(study, first, last)
    n = sum(len(group) for group in groups)
    total = total_of(between)
    for group, r in zip(groups, inside, strict=True):
        for _ in combinations(group, 2):
            total += 2 * r
    return total / (n * (n - 1))


def kp_textbook(study: Any, first: int, last: int) -> tuple[float, float, float]:
    effect, spread, statistic = bmp(study, first, last)
    n = len(rows_in(study, first, last))
    r = average_correlation(study, first, last)
    shrink = math.sqrt((1 - r) / (1 + (n - 1) * r))
    return effect, spread / shrink, statistic * shrink


def correlations(study: Any, first: int, last: int) -> list[list[float]]:
    """Matrix of the working model: rows of one date share its average correlation."""
    groups, inside, _ = correlation_sums(study, first, last)
    order = [(g, i) for g, group in enumerate(groups) for i in group]
    return [[1.0 if a == b else inside[a[0]] if a[0] == b[0] else 0.0 for b in order] for a in order]


def product(one: list[list[float]], other: list[list[float]]) -> list[list[float]]:
    return [
        [math.fsum(x * other[k][j] for k, x in enumerate(row)) for j in range(len(other[0]))] for row in one
    ]


def trace(matrix: list[list[float]]) -> float:
    return math.fsum(matrix[k][k] for k in range(len(matrix)))


def past_degrees(study: Any, first: int, last: int) -> float:
    """tr(MR)^2 / tr(MRMR) of the variance of a cross-section."""
    r = correlations(study, first, last)
    n = len(r)
    centring = [[(i == j) - 1 / n for j in range(n)] for i in range(n)]
    both = product(centring, r)
    return trace(both) ** 2 / trace(product(both, both))


def by_dates(study: Any, values: dict[int, float], first: int, last: int) -> tuple[float, float]:
    """Variance of the mean and degrees of freedom from sums of dates, corrected under the working model."""
    groups, inside, own = correlation_sums(study, first, last)
    n = sum(len(group) for group in groups)
    g = len(groups)
    middle = math.fsum(values.values()) / n
    q = math.fsum(math.fsum(values[i] - middle for i in group) ** 2 for group in groups)
    for d, group in enumerate(groups):
        own[d][d] = len(group) * max(1 + (len(group) - 1) * inside[d], 1e-6)
    # Deviations of sums are (I - p 1') T, so Q is T' A T.
    keep = [[(d == e) - len(groups[d]) / n for e in range(g)] for d in range(g)]
    form = product([list(row) for row in zip(*keep, strict=True)], keep)
    av = product(form, own)
    expected, variance = trace(av), trace(product(av, av))
    return q / expected * total_of(own) / n**2, expected**2 / variance


def date_clustered(study: Any, first: int, last: int) -> tuple[float, float, float, float]:
    rows = rows_in(study, first, last)
    values = {i: car(study, i, first, last) for i in rows}
    variance, df = by_dates(study, values, first, last)
    effect = mean(values.values())
    return effect, math.sqrt(variance), effect / math.sqrt(variance), df


def kolari_pynnonen(study: Any, first: int, last: int) -> tuple[float, float, float, float]:
    rows = rows_in(study, first, last)
    values = {i: scar(study, i, first, last) for i in rows}
    unit = return_unit(study, rows, first, last)
    if len(clusters(study, rows)) > 1:
        variance, df = by_dates(study, values, first, last)
        if df >= 10:
            effect = mean(values.values())
            return effect * unit, math.sqrt(variance) * unit, effect / math.sqrt(variance), df
    df = past_degrees(study, first, last)
    quotients = past_quotients(study, rows, 1)
    if len(rows) < 5 or len(quotients) < 60 or df <= 2:
        return *kp_textbook(study, first, last), df
    effect, spread, statistic = bmp(study, first, last)
    groups, inside, between = correlation_sums(study, first, last)
    n = len(rows)
    own = math.fsum(len(g) * (1 + (len(g) - 1) * r) for g, r in zip(groups, inside, strict=True))
    alone, all_of = own / n, (own + total_of(between)) / n
    # (1 + (n - 1) r) / (1 - r), of all pairs by those of one date.
    ratio = all_of / (1 - (all_of - 1) / (n - 1)) / (alone / (1 - (alone - 1) / (n - 1)))
    square = mean(x**2 for x in quotients) * ratio
    days = last - first + 1
    longer = past_quotients(study, rows, days)
    if days > 1 and len(longer) >= 60:
        windows = len(longer) / days
        square = (windows * mean(x**2 for x in longer) + 50 * square) / (windows + 50)
    factor = math.sqrt(square * (df - 2) / df)
    squares = [x**2 for x in quotients]
    of_past = 2 * mean(squares) ** 2 / (stdev(squares) ** 2 / len(squares))
    return effect, spread * factor, statistic / factor, 1 / (1 / df + 1 / of_past)


def past_quotients(study: Any, rows: list[int], days: int) -> list[float]:
    """Mean over rows of sums of some days by its error, for each run of days that nearly all rows have."""
    scaled = [standard(study, i) for i in rows]
    found = []
    for t in range(study.estimation.shape[1] - days + 1):
        sums = [math.fsum(z[t : t + days]) for z in scaled if not any(math.isnan(x) for x in z[t : t + days])]
        if len(sums) >= 0.9 * len(rows) and len(sums) > 1:
            found.append(mean(sums) / (stdev(sums) / math.sqrt(len(sums))))
    return found


def crude(study: Any, first: int, last: int) -> tuple[float, float, float]:
    rows = rows_in(study, first, last)
    means = []
    for t in range(study.estimation.shape[1]):
        known = [study.estimation[i, t] for i in rows if not math.isnan(study.estimation[i, t])]
        if known:
            means.append(mean(known))
    effect = mean(car(study, i, first, last) for i in rows)
    spread = stdev(means) * math.sqrt(last - first + 1)
    return effect, spread, effect / spread


def rank_of(value: float, values: list[float]) -> float:
    """Average rank of a value among values that hold it."""
    less = sum(x < value for x in values)
    same = sum(x == value for x in values)
    return less + (same + 1) / 2


def corrado(study: Any, first: int, last: int, zivney: bool) -> tuple[float, float, float]:
    length = study.estimation.shape[1]
    width = study.window.shape[1]
    deviations: list[list[float]] = [[] for _ in range(length + width)]
    shares: list[list[float]] = [[] for _ in range(length + width)]
    for i in range(len(study.window)):
        if not usable(study, i):
            continue
        both = [*study.estimation[i], *study.window[i]]
        known = [x for x in both if not math.isnan(x)]
        for t, x in enumerate(both):
            if not math.isnan(x):
                rank = rank_of(x, known)
                deviations[t].append(rank - (len(known) + 1) / 2)
                shares[t].append(rank / (len(known) + 1) - 0.5)
    daily = []
    for t in range(length + width):
        if zivney:
            daily.append(math.fsum(shares[t]) / math.sqrt(len(shares[t])) if shares[t] else None)
        else:
            daily.append(mean(deviations[t]) if deviations[t] else None)
    size = math.sqrt(mean(x**2 for x in daily if x is not None))
    days = [t for t in range(length + first - study.first, length + last - study.first + 1) if shares[t]]
    total = math.fsum(daily[t] for t in days)
    statistic = total / math.sqrt(len(days)) / size
    if zivney:
        effect = total / math.fsum(math.sqrt(len(shares[t])) for t in days)
    else:
        effect = total / len(days) / (length + width + 1)
    return effect, effect / statistic, statistic


def grank(
    study: Any, first: int, last: int
) -> tuple[tuple[float, float, float], tuple[float, float, float], int]:
    """GRANK-t and GRANK-z, and T."""
    rows = rows_in(study, first, last)
    scars = {i: scar(study, i, first, last) for i in rows}
    size = stdev(scars.values())
    length = study.estimation.shape[1]
    shares: list[list[float]] = [[] for _ in range(length)]
    event, variance = [], 0.0
    for i in rows:
        past = [x / study.scale[i] for x in study.estimation[i]]
        known = [x for x in past if not math.isnan(x)] + [scars[i] / size]
        many = len(known)
        event.append(rank_of(scars[i] / size, known) / (many + 1) - 0.5)
        for t, x in enumerate(past):
            if not math.isnan(x):
                shares[t].append(rank_of(x, known) / (many + 1) - 0.5)
        variance += (many - 1) / (12 * (many + 1))
    n = len(rows)
    days = [x for x in shares if x] + [event]
    mean_square = math.fsum(len(x) / n * mean(x) ** 2 for x in days) / len(days)
    z = mean(event) / math.sqrt(mean_square)
    t = z * math.sqrt((len(days) - 2) / (len(days) - 1 - z**2))
    effect = mean(event)
    spread = math.sqrt(variance) / n
    return (effect, effect / t, t), (effect, spread, effect / spread), len(days)


def sign(study: Any, first: int, last: int) -> tuple[float, float, float]:
    rows = rows_in(study, first, last)
    positive = sum(car(study, i, first, last) > 0 for i in rows)
    n = len(rows)
    return positive / n - 0.5, 0.5 / math.sqrt(n), (positive - n / 2) / math.sqrt(n / 4)


def generalised_sign(study: Any, first: int, last: int) -> tuple[float, float, float]:
    rows = rows_in(study, first, last)
    shares = []
    for i in rows:
        known = [x for x in study.estimation[i] if not math.isnan(x)]
        shares.append(sum(x > 0 for x in known) / len(known))
    p = mean(shares)
    positive = sum(car(study, i, first, last) > 0 for i in rows)
    n = len(rows)
    spread = math.sqrt(n * p * (1 - p))
    return positive / n - p, spread / n, (positive - n * p) / spread


def calendar_time(study: Any, first: int, last: int) -> tuple[float, float, float, int]:
    days: dict[Any, list[float]] = {}
    for i in rows_in(study, first, last):
        for d in range(first, last + 1):
            if math.isnan(study.window[i, d - study.first]):
                continue
            if study.session is not None:
                day: Any = weekday_number(int(study.session[i])) + d
            else:
                day = (int(study.date[i]), d)
            days.setdefault(day, []).append(study.window[i, d - study.first])
    means = [mean(x) for x in days.values()]
    effect, spread = mean(means), stdev(means) / math.sqrt(len(means))
    return effect, spread, effect / spread, len(means) - 1


def clustered_quotient(groups: list[list[float]], centre: float) -> float:
    """Mean of rows less a centre by its error from how far sums of dates lie apart; infinite where they do not."""
    n = sum(len(group) for group in groups)
    middle = math.fsum(math.fsum(group) for group in groups) / n
    q = math.fsum((math.fsum(group) - len(group) * middle) ** 2 for group in groups)
    g = len(groups)
    spread = math.sqrt(g / (g - 1) * q) / n
    return (middle - centre) / spread if spread > 1e-9 * abs(middle - centre) else math.inf


def block_quotients(groups: list[list[float]], picks: Any) -> list[float]:
    n = sum(len(group) for group in groups)
    centre = math.fsum(math.fsum(group) for group in groups) / n
    return [clustered_quotient([groups[k] for k in row], centre) for row in picks]


def wild_quotients(groups: list[list[float]], weights: Any) -> list[float]:
    return [
        clustered_quotient([[w * x for x in group] for w, group in zip(row, groups, strict=True)], 0.0)
        for row in weights
    ]
