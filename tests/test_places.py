"""Places: which markets a text names, and what a move without an instrument is about."""

import pytest

from aftershock.data.news.places import markets_in, subject_of


@pytest.mark.parametrize(
    ("text", "markets"),
    [
        ("tariffs on India, China and India again", ("IN", "CN")),
        ("Beijing answers; Chinese mainland stocks", ("CN",)),
        ("Hong Kong and South Korea led, Taipei fell", ("HK", "KR", "TW")),
        ("Seoul, Tokyo, Sydney, Singapore", ("KR", "JP", "AU", "SG")),
        ("Indonesian, Thai, Malaysian and Philippine shares", ("ID", "TH", "MY", "PH")),
        ("North Korea fires a missile", ()),
        ("North Korean missile rattles South Korean stocks", ("KR",)),
        ("Indiana and chinaware, the Thailander", ()),
        ("U.S. tariffs on Mexico", ()),
        ("", ()),
    ],
)
def test_the_markets_of_a_text(text, markets):
    assert markets_in(text) == markets


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("Asia stocks rally tracking Wall St", "Asia"),
        ("Wall St closes at a record, Asian shares to follow", "US"),
        ("U.S. stock index futures traded unchanged", "US futures"),
        ("The S&P 500 closed higher", "US"),
        ("Treasuries slipped", "US"),
        ("European shares and the DAX rise", "Europe"),
        ("Japan fell in the previous session", "Asia before"),
        ("Futures for the Nifty fell yesterday", "Asia futures before"),
        ("stocks are up", "Asia"),
        ("", "Asia"),
    ],
)
def test_what_a_move_is_about(text, subject):
    assert subject_of(text) == subject
