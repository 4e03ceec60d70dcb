"""Market model and tests against another program's published tables; its known defects by one-line formulas."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from market_model import market_model

from aftershock.engine.studies import inference
from aftershock.engine.studies.samples import Prepared
from aftershock.engine.studies.types import Abnormal

pytestmark = pytest.mark.shared
ESTIMATION, EVENT = slice("2019-04-01", "2020-03-13"), slice("2020-03-16", "2020-03-20")
DAYS = range(5)


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / name, skipinitialspace=True, index_col=0, na_values="NA")


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "oracles" / "event_studies" / "estudy2"


@pytest.fixture(scope="module")
def market(folder: Path) -> pd.Series:
    return table(folder, "inputs/rates_indx.csv")["GSPC"]


@pytest.fixture(scope="module")
def fitted(folder: Path, market: pd.Series) -> tuple[Abnormal, pd.DataFrame]:
    return market_model(table(folder, "inputs/rates.csv"), market, ESTIMATION, EVENT)


@pytest.fixture(scope="module")
def study(fitted: tuple[Abnormal, pd.DataFrame]) -> Abnormal:
    return fitted[0]


def statistics(study: Abnormal, test: str, windows: list[tuple[int, int]] | None = None) -> np.ndarray:
    asked = windows or [(day, day) for day in DAYS]
    return inference.tests_of(study, asked, tests=[test])["statistic"].to_numpy()


def same(found: np.ndarray, expected: object) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_fits_and_abnormal_returns(folder: Path, fitted: tuple[Abnormal, pd.DataFrame]) -> None:
    study, fits = fitted
    same(fits.to_numpy(float), table(folder, "expected/vignette__sim__fit.csv").to_numpy(float))
    expected = table(folder, "expected/vignette__sim__abnormal.csv").loc[: EVENT.stop].to_numpy()
    np.testing.assert_allclose(
        np.concatenate([study.estimation, study.window], axis=1).T, expected, rtol=1e-10, atol=1e-15
    )


@pytest.mark.parametrize(
    ("test", "file", "column"),
    [
        ("t", "parametric_daily", "t_test_stat"),
        ("crude", "parametric_daily", "bw_1985_stat"),
        ("sign", "nonparametric_daily", "sign_stat"),
        ("wilcoxon", "nonparametric_daily", "wlcx_stat"),
    ],
)
def test_tests_that_agree_as_they_are(
    folder: Path, study: Abnormal, test: str, file: str, column: str
) -> None:
    same(statistics(study, test), table(folder, f"expected/vignette__sim__{file}.csv")[column])


def test_cumulated_returns(folder: Path, study: Abnormal) -> None:
    expected = table(folder, "expected/vignette__sim__car_parametric.csv").loc["car_brown_warner_1985"]
    row = inference.tests_of(study, [(0, 4)], tests=["crude"]).iloc[0]
    assert row["mean"] / 5 == pytest.approx(expected["car_mean"], rel=1e-10)
    assert row["statistic"] == pytest.approx(expected["statistic"], rel=1e-10)


def with_their_deviation(study: Abnormal, market: pd.Series) -> np.ndarray:
    """Standardise with n - 1 (right: n - 2), and the market's squares over all sessions (right: the firm's own)."""
    past, now = market.loc[ESTIMATION].to_numpy(), market.loc[EVENT].to_numpy()
    n = study.observations[:, None]
    ahead = 1 + 1 / n + (now - past.mean()) ** 2 / ((past - past.mean()) ** 2).sum()
    return study.window / (study.scale[:, None] * np.sqrt((n - 2) / (n - 1)) * np.sqrt(ahead))


def test_patell_but_for_their_deviation(folder: Path, study: Abnormal, market: pd.Series) -> None:
    theirs = with_their_deviation(study, market)
    expected = table(folder, "expected/vignette__sim__parametric_daily.csv")["pt_stat"]
    same(theirs.sum(axis=0) / np.sqrt(((study.observations - 2) / (study.observations - 4)).sum()), expected)
    ours = study.window / (study.scale[:, None] * np.sqrt(study.covariance[:, DAYS, DAYS]))
    same(statistics(study, "patell"), expected * ours.sum(axis=0) / theirs.sum(axis=0))


def test_bmp_but_for_their_deviation(folder: Path, study: Abnormal, market: pd.Series) -> None:
    theirs = with_their_deviation(study, market)
    expected = table(folder, "expected/vignette__sim__parametric_daily.csv")["bh_stat"]
    same(theirs.mean(axis=0) / theirs.std(axis=0, ddof=1) * np.sqrt(7), expected)
    ours = study.window / (study.scale[:, None] * np.sqrt(study.covariance[:, DAYS, DAYS]))
    same(statistics(study, "bmp"), ours.mean(axis=0) / ours.std(axis=0, ddof=1) * np.sqrt(7))


def test_generalised_sign_but_for_firms_with_short_histories(folder: Path, study: Abnormal) -> None:
    """They pool firms and sessions; Cowan (1992) takes the mean over firms of each firm's share."""
    expected = table(folder, "expected/vignette__sim__nonparametric_daily.csv")["gsign_stat"].to_numpy()
    positive, n = (study.window > 0).sum(axis=0), 7
    pooled = (study.estimation > 0).sum() / (~np.isnan(study.estimation)).sum()
    same((positive - n * pooled) / np.sqrt(n * pooled * (1 - pooled)), expected)
    p = Prepared(study).positive.mean()
    same(statistics(study, "generalised_sign"), (positive - n * p) / np.sqrt(n * p * (1 - p)))


def test_ranks_but_for_days_with_missing_firms(folder: Path, study: Abnormal) -> None:
    """They scale a day's sum up to seven firms, and count a firm's returns where sessions count."""
    plain, shares, counts = Prepared(study).rank_sums
    expected = table(folder, "expected/vignette__sim__nonparametric_daily.csv")
    length = (study.observations + 5).mean()
    ours = np.sqrt(((plain / counts) ** 2).mean())
    theirs = np.sqrt(((plain / counts * 7 / counts) ** 2).sum() / length)
    same(statistics(study, "corrado"), expected["rank_stat"] * theirs / ours)
    ours = np.sqrt((shares**2 / counts).mean())
    theirs = np.sqrt(((shares / counts * 7) ** 2 / counts).sum() / length)
    same(statistics(study, "corrado_zivney"), expected["mrank_stat"] * theirs / ours)


def test_ranks_of_several_days_but_for_missing_firms(folder: Path, study: Abnormal) -> None:
    """They take one mean rank for all firms, whatever their histories."""
    from scipy.stats import rankdata

    expected = table(folder, "expected/vignette__sim__car_nonparametric.csv")["statistic"].iloc[0]
    ranks = rankdata(np.concatenate([study.estimation, study.window], axis=1), axis=1, nan_policy="omit")
    middle, length = np.nanmean(ranks, axis=1).mean(), (study.observations + 5).mean()
    theirs = np.sqrt(((np.nanmean(ranks, axis=0) - middle) ** 2).sum() / length)
    assert np.sqrt(5) * (ranks[:, -5:].mean() - middle) / theirs == pytest.approx(expected, rel=1e-10)
    plain, _, counts = Prepared(study).rank_sums
    ours = np.sqrt(((plain / counts) ** 2).mean())
    same(statistics(study, "corrado", [(0, 4)]), [expected * theirs / ours])


def test_their_other_statistics_follow_from_the_same_abnormal_returns(
    folder: Path, study: Abnormal, market: pd.Series
) -> None:
    """Three tests that are not offered, because one that is does better, each a line of what is."""
    parametric = table(folder, "expected/vignette__sim__parametric_daily.csv")
    nonparametric = table(folder, "expected/vignette__sim__nonparametric_daily.csv")
    mean = study.window.mean(axis=0)
    # Brown and Warner (1980): names independent, as variable as before.
    same(mean / np.sqrt(np.nanvar(study.estimation, axis=1, ddof=1).sum()) * 7, parametric["bw_1980_stat"])
    # Lamb (1995): crude dependence with forecast error; theirs divides by n - 1 and by the mean length of histories.
    past, now = market.loc[ESTIMATION].to_numpy(), market.loc[EVENT].to_numpy()
    ahead = 1 + 1 / study.observations.mean() + (now - past.mean()) ** 2 / ((past - past.mean()) ** 2).sum()
    same(statistics(study, "crude") / np.sqrt(ahead), parametric["lmb_stat"])
    # Corrado and Zivney's sign (1992); theirs is scaled up to seven firms on days that lack some.
    both = np.concatenate([study.estimation, study.window], axis=1)
    signs = np.sign(both - np.nanmedian(both, axis=1, keepdims=True))
    counts, sums = (~np.isnan(both)).sum(axis=0), np.nansum(signs, axis=0)
    theirs = np.sqrt(((sums * 7 / counts**1.5) ** 2).sum() / (study.observations + 5).mean())
    same(sums[-5:] / np.sqrt(7) / theirs, nonparametric["csign_stat"])
