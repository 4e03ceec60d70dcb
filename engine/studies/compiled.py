"""The compiled sums and ranks of event studies: each plain function is followed by its compiled twin.

All of them take float64 and int64 arrays and read each number once; NaN is a missing return. They stand in one file
because numba's cache does not notice a change in another.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numba.extending import register_jitable

from aftershock.engine.studies.types import Floats, Ints

kernel = njit(cache=True, nogil=True)


def standardised_python(estimation: Floats) -> Floats:
    """Take from each row its mean and divide by its root mean square; a row that never moves is NaN."""
    rows, columns = estimation.shape
    found = np.full((rows, columns), np.nan)
    for i in range(rows):
        known, total = 0, 0.0
        for t in range(columns):
            if not np.isnan(estimation[i, t]):
                known += 1
                total += estimation[i, t]
        if known == 0:
            continue
        mean, square = total / known, 0.0
        for t in range(columns):
            if not np.isnan(estimation[i, t]):
                square += (estimation[i, t] - mean) ** 2
        if square > 0.0:
            size = np.sqrt(square / known)
            for t in range(columns):
                found[i, t] = (estimation[i, t] - mean) / size
    return found


def date_sums_python(values: Floats, rows: Ints, code: Ints, dates: int) -> tuple[Floats, Floats, Floats]:
    """Add up rows by date and column: sums, counts (dates, columns), and sums of squares (dates,)."""
    columns = values.shape[1]
    sums = np.zeros((dates, columns))
    counts = np.zeros((dates, columns))
    squares = np.zeros(dates)
    for k in range(len(rows)):
        i, d = rows[k], code[k]
        for t in range(columns):
            value = values[i, t]
            if not np.isnan(value):
                sums[d, t] += value
                counts[d, t] += 1.0
                squares[d] += value * value
    return sums, counts, squares


@register_jitable
def lowest(value: Floats, known: int, limit: float, beyond: bool) -> int:
    """Find the first of the sorted values that is not below a limit (``beyond``: that is above it)."""
    low, high = 0, known
    while low < high:
        middle = (low + high) // 2
        at = value[middle]
        if at < limit or (beyond and at == limit):
            low = middle + 1
        else:
            high = middle
    return low


def ranks_python(estimation: Floats, window: Floats, order: Ints) -> tuple[Floats, Floats, Floats]:
    """Rank each row, ties by their average; ``order`` (n, l) sorts the rows of the estimation window, NaN last.

    Gives the ranks of the estimation window alone (n, l), and of estimation and event window together (n, l)
    and (n, w); NaN where there is no return.
    """
    rows, columns = estimation.shape
    width = window.shape[1]
    alone = np.full((rows, columns), np.nan)
    joint = np.full((rows, columns), np.nan)
    event = np.full((rows, width), np.nan)
    value = np.empty(columns)
    below = np.empty(columns + 1)
    for i in range(rows):
        mine, past, own, both = order[i], estimation[i], alone[i], joint[i]
        known = columns
        while known > 0 and np.isnan(past[mine[known - 1]]):
            known -= 1
        for k in range(known):
            value[k] = past[mine[k]]
        # How many returns of the event window lie below each place of the sorted ones; half of those that are equal.
        below[: known + 1] = 0.0
        for c in range(width):
            at = window[i, c]
            if np.isnan(at):
                continue
            low = lowest(value, known, at, False)
            high = lowest(value, known, at, True)
            below[low] += 0.5
            below[high] += 0.5
            rank = (low + high + 1.0) / 2.0
            for other in range(width):
                rank += 0.5 * (window[i, other] < at) + 0.5 * (window[i, other] <= at)
            event[i, c] = rank
        passed, start = 0.0, 0
        while start < known:
            stop = start + 1
            while stop < known and value[stop] == value[start]:
                stop += 1
            for k in range(start, stop):
                passed += below[k]
                own[mine[k]] = (start + stop + 1) / 2.0
                both[mine[k]] = (start + stop + 1) / 2.0 + passed
            start = stop
    return alone, joint, event


def column_moments_python(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Add up rows by column: values, their squares, and counts."""
    columns = values.shape[1]
    sums, squares, counts = np.zeros(columns), np.zeros(columns), np.zeros(columns)
    for i in range(len(values)):
        for t in range(columns):
            value = values[i, t]
            if not np.isnan(value):
                sums[t] += value
                squares[t] += value * value
                counts[t] += 1.0
    return sums, squares, counts


def ranks_above_python(
    residuals: Floats, rows: Ints, limits: Floats, weights: Floats
) -> tuple[Floats, Floats]:
    """Count in each row the residuals above its limit, and by column the weights of such rows; equal ones half."""
    columns = residuals.shape[1]
    sums, above = np.zeros(columns), np.zeros(len(rows))
    for k in range(len(rows)):
        row, limit, weight = residuals[rows[k]], limits[k], 0.5 * weights[k]
        total = np.int64(0)
        for t in range(columns):
            # Whole numbers: they can be added several at a time.
            twice = np.int64(row[t] > limit) + np.int64(row[t] >= limit)
            total += twice
            sums[t] += weight * twice
        above[k] = 0.5 * total
    return sums, above


def column_sums_python(values: Floats, lengths: Floats, rows: Ints) -> tuple[Floats, Floats, Floats]:
    """Add up ranks by column: sums of rank - mean rank, of rank / (length + 1) - 1/2, and counts."""
    columns = values.shape[1]
    plain, shares, counts = np.zeros(columns), np.zeros(columns), np.zeros(columns)
    for k in range(len(rows)):
        i = rows[k]
        middle = (lengths[i] + 1.0) / 2.0
        for t in range(columns):
            if not np.isnan(values[i, t]):
                plain[t] += values[i, t] - middle
                shares[t] += values[i, t] / (lengths[i] + 1.0) - 0.5
                counts[t] += 1.0
    return plain, shares, counts


def pair_correlation_python(values: Floats, rows: Ints) -> float:
    """Give the average over pairs of rows of their correlation on the columns that both have; 0 where there is none."""
    columns = values.shape[1]
    total, pairs = 0.0, 0
    for a in range(len(rows)):
        one = values[rows[a]]
        for b in range(a + 1, len(rows)):
            other = values[rows[b]]
            known, x, y, xx, yy, xy = 0, 0.0, 0.0, 0.0, 0.0, 0.0
            for t in range(columns):
                if not (np.isnan(one[t]) or np.isnan(other[t])):
                    known += 1
                    x += one[t]
                    y += other[t]
                    xx += one[t] * one[t]
                    yy += other[t] * other[t]
                    xy += one[t] * other[t]
            if known < 3:
                continue
            own = (xx - x * x / known) * (yy - y * y / known)
            if own > 1e-20 * xx * yy:
                total += (xy - x * y / known) / np.sqrt(own)
                pairs += 1
    return total / pairs if pairs else 0.0


def lagged_python(sums: Floats, counts: Floats, pair: Ints, lag: int) -> Floats:
    """Give the average product of rows of two dates, the second ``lag`` sessions after the first (pairs, 2).

    Columns are event time, so column c of the later date is the session of column c + lag of the earlier one.
    """
    columns = sums.shape[1]
    found = np.zeros(len(pair))
    for k in range(len(pair)):
        d, e = pair[k, 0], pair[k, 1]
        product, known = 0.0, 0.0
        for c in range(columns - lag):
            product += sums[e, c] * sums[d, c + lag]
            known += counts[e, c] * counts[d, c + lag]
        if known > 0.0:
            found[k] = product / known
    return found


def resampled_counts_python(picks: Ints, counts: Floats) -> None:
    """Count in each row of ``counts`` (draws, dates) how often each date was picked; it must come as zeros."""
    draws, dates = picks.shape
    for b in range(draws):
        for k in range(dates):
            counts[b, picks[b, k]] += 1.0


standardised = kernel(standardised_python)
date_sums = kernel(date_sums_python)
ranks = kernel(ranks_python)
ranks_above = kernel(ranks_above_python)
column_moments = kernel(column_moments_python)
column_sums = kernel(column_sums_python)
pair_correlation = kernel(pair_correlation_python)
lagged = kernel(lagged_python)
resampled_counts = kernel(resampled_counts_python)
