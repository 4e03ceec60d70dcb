"""Event studies the slow and obvious way: one event at a time, lists and numpy's least squares."""

import math

import numpy as np


def gaps(prices, others, ordinals, log=False):
    """Returns from price to price, sessions spanned and what others did; None where there is none."""
    found, last = [], None
    for t, price in enumerate(prices):
        known = (
            price is not None and not math.isnan(price) and not any(math.isnan(each) for each in others[t])
        )
        if not known:
            found.append(None)
            continue
        if last is None:
            found.append(None)
        else:

            def move(new, old):
                return math.log(new / old) if log else new / old - 1.0

            found.append(
                (
                    move(price, prices[last]),
                    max(ordinals[t] - ordinals[last], 1),
                    [move(new, old) for new, old in zip(others[t], others[last], strict=True)],
                )
            )
        last = t
    return found


def study(found, due, window, estimation, model):
    """One event on one instrument: abnormal returns, coefficients, residual deviation, forecast covariance.

    ``found`` is a list of (return, span, factors) or None by session. A return that spans s sessions has s times the
    variance, so its row of the regression is divided by the root of s.
    """
    rows, y = [], []
    for t in range(due + estimation[0], due + estimation[1] + 1):
        if 0 <= t < len(found) and found[t] is not None:
            value, span, factors = found[t]
            x = {
                "raw": [],
                "mean": [span],
                "market_adjusted": [],
                "market": [span, *factors],
            }[model]
            less = factors[0] if model == "market_adjusted" else 0.0
            rows.append([each / math.sqrt(span) for each in x])
            y.append((value - less) / math.sqrt(span))
    k = len(rows[0])
    x, y = np.array(rows, float).reshape(len(y), k), np.array(y)
    coefficients = np.linalg.lstsq(x, y, rcond=None)[0] if k else np.zeros(0)
    left = y - x @ coefficients
    scale = math.sqrt(float(left @ left) / (len(y) - k))
    abnormal, event_rows, spans = [], [], []
    for t in range(due + window[0], due + window[1] + 1):
        if not 0 <= t < len(found) or found[t] is None:
            abnormal.append(math.nan)
            event_rows.append([math.nan] * k)
            spans.append(math.nan)
            continue
        value, span, factors = found[t]
        row = [span, *factors][:k] if model != "market_adjusted" else []
        expected = float(np.dot(row, coefficients)) if k else 0.0
        expected += factors[0] if model == "market_adjusted" else 0.0
        abnormal.append(value - expected)
        event_rows.append(row)
        spans.append(span)
    stars = np.array(event_rows, float).reshape(len(abnormal), k)
    inverse = np.linalg.inv(x.T @ x) if k else np.zeros((0, 0))
    covariance = np.diag(np.nan_to_num(spans)) + stars @ inverse @ stars.T
    covariance[np.isnan(abnormal), :] = np.nan
    covariance[:, np.isnan(abnormal)] = np.nan
    return {
        "abnormal": np.array(abnormal),
        "coefficients": coefficients,
        "scale": scale,
        "residuals": left,
        "observations": len(y),
        "covariance": covariance,
    }


def scholes_williams(y, x):
    """Alpha, beta and residual deviation from lists of returns without gaps."""

    def slope(a, b):
        a, b = a - a.mean(), b - b.mean()
        return float(a @ b / (b @ b))

    y, x = np.array(y), np.array(x)
    own, before, now, after = y[1:-1], x[:-2], x[1:-1], x[2:]
    rho = np.corrcoef(now, before)[0, 1]
    beta = (slope(own, before) + slope(own, now) + slope(own, after)) / (1 + 2 * rho)
    alpha = own.mean() - beta * now.mean()
    left = own - alpha - beta * now
    return alpha, beta, math.sqrt(float(left @ left) / (len(own) - 2))
