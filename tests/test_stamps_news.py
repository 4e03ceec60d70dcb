"""When news can have been known: stamps of many houses, and what the text itself gives away."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.data.errors import InputError
from aftershock.data.instants import iso
from aftershock.data.news.dates import stamps_in
from aftershock.data.news.documents import read_documents
from aftershock.data.news.layout import layout
from aftershock.data.news.stamps import known
from aftershock.data.news.types import Document


def reading(text, published="", zone="", row=None):
    document = Document("a.txt", row, text, None, published, zone)
    return known(document, layout(document))


def when(text, published="", zone="", row=None):
    found = reading(text, published, zone, row)
    start, end = iso(found.known_from), iso(found.known_by)
    return start if start == end else (start, end)


def stamped(stamp, body="Stocks rose.", **more):
    return when(f"Fed cuts\n\n{stamp}\n\n{body}", **more)


@pytest.mark.parametrize(
    ("stamp", "instant"),
    [
        ("September 12, 2025 4:10 AM ET", "2025-09-12T08:10:00Z"),
        ("Sept. 12, 2025 4:10 p.m. EDT", "2025-09-12T20:10:00Z"),
        ("2025-09-12T04:10:00Z", "2025-09-12T04:10:00Z"),
        ("2025-09-12 04:10:00.5+09:00", "2025-09-11T19:10:00.500000Z"),
        ("12 Sep 2025 11:10 HKT", "2025-09-12T03:10:00Z"),
        ("Fri, 12 Sep 2025 04:10:00 GMT", "2025-09-12T04:10:00Z"),
        ("Fri, 12 Sep 2025 12:10:00 +0800", "2025-09-12T04:10:00Z"),
        ("0410 GMT, Sept 12, 2025", "2025-09-12T04:10:00Z"),
        ("By Ann Lee | 12 September 2025 05:10 BST", "2025-09-12T04:10:00Z"),
        ("September 12, 2025\n4:10 AM ET", "2025-09-12T08:10:00Z"),
        ("Reuters | Sep 12, 2025 | 12:10 PM (GMT+8)", "2025-09-12T04:10:00Z"),
        ("Last Updated : Sep 12 2025 | 9:40 AM IST", "2025-09-12T04:10:00Z"),
        ("12-Sep-2025 13:10 JST", "2025-09-12T04:10:00Z"),
        ("Sep 12, 2025 12:10 Hong Kong time", "2025-09-12T04:10:00Z"),
        ("2025年9月12日 13:10 KST", "2025-09-12T04:10:00Z"),
        ("January 15, 2025 11:10 AEDT", "2025-01-15T00:10:00Z"),
        ("September 12, 2025 4:10 AM UTC · Updated 3 hours ago", "2025-09-12T04:10:00Z"),
        ("12.25.2025 09:00 CET", "2025-12-25T08:00:00Z"),
    ],
)
def test_a_stamp_with_a_zone_is_one_instant(stamp, instant):
    assert stamped(stamp) == instant


@pytest.mark.parametrize(
    ("stamp", "start", "end"),
    [
        # EST in summer: New York's clock or the letters'.
        ("Sep 12, 2025 04:10 EST", "2025-09-12T08:10:00Z", "2025-09-12T09:10:00Z"),
        ("Sep 12, 2025 12:00 CST", "2025-09-12T04:00:00Z", "2025-09-12T18:00:00Z"),
        ("Jan 15, 2025 10:00 AEST", "2025-01-14T23:00:00Z", "2025-01-15T00:00:00Z"),
    ],
)
def test_letters_of_several_clocks_hold_all_of_them(stamp, start, end):
    assert stamped(stamp) == (start, end)


def test_a_zone_given_reads_the_stamps_without_one():
    assert stamped("Sep 12, 2025 12:10", zone="Asia/Hong_Kong") == "2025-09-12T04:10:00Z"
    assert stamped("Sep 12, 2025 12:10 KST", zone="Asia/Hong_Kong") == "2025-09-12T03:10:00Z"
    assert stamped("Nov 2, 2025 01:30", zone="America/New_York") == (
        "2025-11-02T05:30:00Z",
        "2025-11-02T06:30:00Z",
    )


def test_a_time_that_clocks_left_out_is_refused():
    with pytest.raises(
        InputError, match="a time that clocks in America/New_York showed, got '2025-03-09 02:30'"
    ):
        stamped("Mar 9, 2025 02:30", zone="America/New_York")


def test_a_date_alone_is_the_whole_day():
    assert stamped("Sep 12 ,2025", zone="Asia/Tokyo") == (
        "2025-09-11T15:00:00Z",
        "2025-09-12T14:59:59.999999999Z",
    )
    assert stamped("Nov 2, 2025", zone="America/New_York") == (
        "2025-11-02T04:00:00Z",
        "2025-11-03T04:59:59.999999999Z",
    )


def test_a_date_without_a_zone_is_that_day_anywhere():
    found = reading("Fed cuts\n\nSep 12 ,2025\n\nStocks rose.")
    assert (iso(found.known_from), iso(found.known_by)) == (
        "2025-09-11T10:00:00Z",
        "2025-09-13T11:59:59.999999999Z",
    )
    assert "a date alone without a zone: that day anywhere from UTC+14 to UTC-12" in found.why[-1]


def test_a_clock_without_a_zone_is_on_some_clock_of_the_world():
    assert stamped("Sep 12, 2025 12:00") == ("2025-09-11T22:00:00Z", "2025-09-13T00:00:00Z")


def test_a_day_first_house_is_not_american():
    assert stamped("25/12/2025, 12:00") == ("2025-12-24T22:00:00Z", "2025-12-25T12:00:00Z")
    assert stamped("12/25/2025, 12:00") == ("2025-12-24T22:00:00Z", "2025-12-26T00:00:00Z")


def test_an_updated_text_is_known_by_its_update():
    found = reading(
        "Fed cuts\nPublished Sep 12, 2025 04:08 GMT\nUpdated Sep 12, 2025 06:10 GMT\nStocks rose."
    )
    assert (iso(found.known_from), iso(found.known_by)) == ("2025-09-12T04:08:00Z", "2025-09-12T06:10:00Z")
    assert "its body may have been overwritten after publication" in found.why[-1]
    assert stamped("Sep 12, 2025 04:08 GMT\nUpdated 06:10 GMT") == (
        "2025-09-12T04:08:00Z",
        "2025-09-12T06:10:00Z",
    )


def test_a_stamp_below_the_news_or_in_its_title_counts_where_none_is_above():
    assert when("Fed cuts\nStocks rose.\nPublished: Sep 12, 2025 04:08 GMT") == "2025-09-12T04:08:00Z"
    assert when("Asia wrap for September 12, 2025\nStocks rose.", zone="UTC")[0] == "2025-09-12T00:00:00Z"


def test_dates_of_related_texts_and_disclaimers_are_no_stamps():
    text = "Fed cuts\nSep 12, 2025 04:08 GMT\nStocks rose.\nRelated articles\nOil\nSep 30, 2025 04:08 GMT"
    assert when(text) == "2025-09-12T04:08:00Z"
    with pytest.raises(InputError, match="no stamp with a date"):
        when("Fed cuts\nStocks rose.\nPosted 3 hours ago\nDisclaimer: none.\nSep 12, 2025 04:08 GMT")


def test_a_text_without_a_stamp_asks_for_one():
    with pytest.raises(
        InputError, match=r'a\.txt: expected a text that says when .* say --published "2025-09-12T04:10Z"'
    ):
        when("Fed cuts\n\nStocks rose.")


# Day and month


@pytest.mark.parametrize(
    ("stamp", "body", "day"),
    [
        ("Published 12/09/2025, 04:08 GMT", "Stocks rose on Friday.", "2025-09-12"),
        ("Published 12/09/2025, 04:08 GMT", "Stocks rose on Tuesday.", "2025-12-09"),
        ("Fri 12/09/2025, 04:08 GMT", "Stocks rose.", "2025-09-12"),
        ("12/09/2025, 04:08 GMT", "The Fed meets on Sept. 16-17.", "2025-09-12"),
        ("12/09/2025, 04:08 GMT", "The Fed meets on Dec. 9-10.", "2025-12-09"),
        ("12/09/2025, 04:08 GMT", "Stocks rose after 2025-09-11.", "2025-09-12"),
        ("12/09/2025, 04:08 GMT", "Prices rose in November after falling in October.", "2025-12-09"),
        ("Published 12/09/2025, 04:08 GMT\nUpdated 12/09/2025, 04:10 GMT", "It fell Tuesday.", "2025-12-09"),
        ("03/12/2025, 04:08 GMT | Updated 03/13/2025, 04:08 GMT", "Stocks rose.", "2025-03-12"),
        ("09/09/2025, 04:08 GMT", "Stocks rose.", "2025-09-09"),
    ],
)
def test_the_text_settles_which_number_is_the_month(stamp, body, day):
    found = stamped(stamp, body)
    assert (found if isinstance(found, str) else found[0]).startswith(f"{day}T04:08")


@pytest.mark.parametrize("body", ["Stocks rose.", "The Fed meets on Sept. 16. Stocks rose on Tuesday."])
def test_what_the_text_does_not_settle_is_asked(body):
    match = r"12 September 2025 or 09 December 2025, which the text does not settle .* which is it\? say --published"
    with pytest.raises(InputError, match=match):
        stamped("12/09/2025, 04:08", body)


# Given stamps


def test_a_given_stamp_goes_before_the_texts():
    assert (
        stamped("Sep 1, 2025", published="2025-09-12 04:10", zone="Europe/London") == "2025-09-12T03:10:00Z"
    )
    assert when("x", "2025-09-12", "Asia/Seoul") == ("2025-09-11T15:00:00Z", "2025-09-12T14:59:59.999999999Z")
    assert when("x", "Fri, 12 Sep 2025 04:10:00 GMT") == "2025-09-12T04:10:00Z"
    assert when("x", "2025-09-12T04:10:00.123456789+0530") == "2025-09-11T22:40:00.123456789Z"
    assert when("x", "2025-09-12T02:41Z/2025-09-12T04:10Z") == (
        "2025-09-12T02:41:00Z",
        "2025-09-12T04:10:00Z",
    )


@pytest.mark.parametrize(
    ("published", "match"),
    [
        (
            "2025-09-12 04:10",
            "a.csv, line 7: expected an instant with a zone, got '2025-09-12 04:10'; say --zone",
        ),
        ("2025-02-30", "a day and time that exist"),
        ("1757650200", "seconds since 1970 it is 2025-09-12T04:10:00Z"),
        ("yesterday", "expected an ISO 8601 stamp, got 'yesterday'"),
        ("12/09/2025", "which the text does not settle"),
        ("2025-09-13T00:00Z/2025-09-12T00:00Z", "a period that does not end before it begins"),
        ("0001-01-01T00:00Z", "a year from 1678 to 2261"),
    ],
)
def test_a_given_stamp_that_is_no_instant_is_refused_with_its_row(published, match):
    document = Document("a.csv", 7, "Fed cuts", None, published)
    with pytest.raises(InputError, match=match):
        known(document, layout(document))


# What the text gives away


def test_clocks_that_prices_are_told_of_bound_it_from_below():
    text = "Fed cuts\nSep 12, 2025\nAs of 02:41 GMT, futures were flat."
    assert when(text, zone="UTC")[0] == "2025-09-12T02:41:00Z"
    assert when(text.replace("As of 02:41 GMT, futures", "Futures rose 1% at 0241 GMT and"), zone="UTC")[
        0
    ] == ("2025-09-12T02:41:00Z")
    assert when(
        text.replace("As of 02:41 GMT, futures were flat", "Powell will speak at 1400 GMT"), zone="UTC"
    )[0] == ("2025-09-12T00:00:00Z")
    assert (
        when("Fed cuts\nSep 12, 2025 06:00 SGT\nAs of 20:00 GMT, futures were flat.")
        == "2025-09-11T22:00:00Z"
    )


def test_a_text_younger_than_its_stamp_is_known_no_earlier():
    assert stamped("Sep 12, 2025 04:08 GMT", "As of 05:30 GMT, futures were flat.") == "2025-09-12T05:30:00Z"
    assert stamped("Sep 12, 2025 04:08 GMT\n(Updates prices at 0610 GMT)") == "2025-09-12T06:10:00Z"
    found = reading("Fed cuts\nSep 12, 2025 04:08 GMT\nThe Nikkei ended 0.9% higher on Friday.")
    assert iso(found.known_by) == "2025-09-12T06:30:00Z"
    assert "the close of XTKS of 2025-09-12, at 2025-09-12T06:30:00Z, after its stamp" in found.why[-1]


@pytest.mark.parametrize(
    ("body", "start"),
    [
        ("The Nikkei ended 0.9% higher.", "2025-09-12T06:30:00Z"),
        ("The Nikkei closed at 44,768.12 on Friday.", "2025-09-12T06:30:00Z"),
        ("Hong Kong's Hang Seng index finished up 1%.", "2025-09-12T08:00:00Z"),
        ("Wall Street closed at record highs on Thursday.", "2025-09-11T20:00:00Z"),
        (
            "Asian stocks ended higher.\nMarkets:\nNikkei: 395 to 44768\nSENSEX: 398 to 81947",
            "2025-09-12T10:00:00Z",
        ),
        ("Asian stocks closed mixed, with Seoul up and Sydney down.", "2025-09-12T06:30:00Z"),
        # No close of the day.
        ("The Nikkei rose 0.9%.", "2025-09-11T15:00:00Z"),
        ("The Nikkei ended higher in the previous session.", "2025-09-11T15:00:00Z"),
        ("Nikkei futures ended higher.", "2025-09-11T15:00:00Z"),
        ("Japan ended its negative rates.", "2025-09-11T15:00:00Z"),
        ("Wall Street closed higher.", "2025-09-11T15:00:00Z"),
    ],
)
def test_closes_that_are_told_bound_it_from_below(body, start):
    assert stamped("Sep 12, 2025", body, zone="Asia/Tokyo")[0] == start


def test_a_headline_that_tells_a_close_is_not_known_before_it():
    assert when("Nikkei ends at record high", "2025-09-12", "Asia/Tokyo", row=2)[0] == "2025-09-12T06:30:00Z"
    assert when("Nikkei ends at record high", "2025-09-13", "Asia/Tokyo", row=2)[0] == "2025-09-12T15:00:00Z"


@pytest.mark.shared
def test_the_first_seed_has_the_interval_of_its_gold_annotation(shared):
    (path,) = (shared / "seeds").glob("000_*.txt")
    (document,) = read_documents(path)
    found = known(document, layout(document))
    assert (iso(found.known_from), iso(found.known_by)) == ("2025-09-12T02:41:00Z", "2025-09-12T04:10:00Z")
    assert "12 September 2025 is the Friday that its lead says" in found.why[0]


@pytest.mark.shared
def test_the_second_seed_is_known_after_the_last_close_it_tells(shared):
    (path,) = (shared / "seeds").glob("002_*.txt")
    (document,) = read_documents(path)
    found = known(document, layout(document))
    assert (iso(found.known_from), iso(found.known_by)) == (
        "2025-09-12T10:00:00Z",
        "2025-09-13T11:59:59.999999999Z",
    )


# Whatever the text


PIECES = (
    *(
        "Published",
        "Updated",
        "12/09/2025",
        "2025-09-12",
        "Sep 12, 2025",
        "04:10",
        "4:10 AM",
        "GMT",
        "EST",
        "25:99",
    ),
    *(
        "|",
        "Friday",
        "As of",
        "0241 GMT",
        "Nikkei ended higher",
        ".",
        "\n",
        "99/99/9999",
        "Feb 30, 2025",
        "0000-00-00",
    ),
    *(
        "+14:00",
        "Z",
        "T",
        "Asian stocks closed up on Thursday.",
        "(Updates at 0410 GMT)",
        "KOSPI: +1% to 3395",
        "/",
    ),
)
STAMPED = st.lists(st.sampled_from(PIECES)).map(" ".join)


@given(STAMPED | st.text(), STAMPED | st.text())
def test_any_text_has_an_interval_or_an_error(text, published):
    for given_stamp in ("", published):
        try:
            found = reading(text, given_stamp)
        except InputError:
            continue
        assert found.known_from <= found.known_by
        assert found.why


@pytest.mark.parametrize(
    "unit",
    ["12/09/2025 ", "As of 02:41 GMT ", "Nikkei ended ", "Asia closed up 1%. ", "1", "Sept 1 ", "(", "a "],
)
def test_hostile_text_takes_linear_time(unit):
    text = "Fed cuts\nPublished 12/09/2025, 04:08\nOn Friday it rose.\n" + unit * (1_000_000 // len(unit))
    document = Document("a.txt", None, text)
    started = time.perf_counter()
    known(document, layout(document))
    stamps_in(text)
    assert time.perf_counter() - started < 15


def test_a_row_takes_less_than_a_tenth_of_a_millisecond():
    rows = [
        Document("a.csv", row, f"Fed cuts by {row}", None, f"2025-09-{row % 28 + 1:02}T04:{row % 60:02}Z")
        for row in range(2000)
    ]
    started = time.perf_counter()
    for row in rows:
        known(row, layout(row))
    assert time.perf_counter() - started < 0.4
