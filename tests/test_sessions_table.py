"""The days of a venue as a table: every day that matters once, hours on its clock, and who says so."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from aftershock.data.calendars import listing, overlay, sessions, sessions_table, shipped
from aftershock.data.calendars.build import regular_hours
from aftershock.data.errors import InputError
from aftershock.data.instants import to_ns
from aftershock.data.venues import VENUES, find_venue
from aftershock.places import sessions as sessions_of

COLUMNS = [
    "session", "weekday", "opens", "break_start", "break_end", "closes", "opens_at", "closes_at",
    "open_cutoff", "close_cutoff", "status", "fact", "source", "confidence",
]  # fmt: skip


def day(mic, date):
    """The row of one date."""
    (row,) = sessions_table(mic, date, date).to_dict("records")
    return row


def hours(row):
    return row["opens"], row["break_start"], row["break_end"], row["closes"]


class TestDays:
    @pytest.mark.parametrize("mic", VENUES)
    def test_every_session_every_closed_weekday_and_every_fact_has_one_row(self, mic):
        table = sessions_table(mic, "2003-01-01", "2026-10-30")
        dates = table["session"]
        assert dates.is_monotonic_increasing
        assert dates.is_unique
        days = sessions(mic)
        first, last = (np.datetime64(date, "D").astype(int) for date in ("2003-01-01", "2026-10-30"))
        inside = (days.session >= first) & (days.session <= last)
        trades = table[table["status"] != "closed"]
        assert trades["session"].to_numpy("M8[D]").astype(int).tolist() == days.session[inside].tolist()
        assert to_ns(trades["opens_at"]).tolist() == days.opens_at[inside].tolist()
        assert to_ns(trades["closes_at"]).tolist() == days.closes_at[inside].tolist()
        weekdays = pd.bdate_range("2003-01-01", "2026-10-30")
        assert set(weekdays) <= set(dates)
        facts = overlay()
        mine = facts[facts["venue"].isin([mic, shipped.places()[mic]["calendar_of"]])]
        mine = mine[mine["session"].between("2003-01-01", "2026-10-30")]
        told = table.set_index("session")
        assert set(mine["session"]) <= set(dates)
        assert set(told.loc[mine["session"], "fact"]) <= set(mine["what"])

    @pytest.mark.parametrize("mic", VENUES)
    def test_every_row_is_whole(self, mic):
        table = sessions_table(mic, "2010-01-01", "2026-10-30")
        assert list(table) == COLUMNS
        closed = table["status"] == "closed"
        assert (table.loc[closed, ["opens", "break_start", "break_end", "closes", "open_cutoff"]] == "").all(
            axis=None
        )
        assert table.loc[closed, ["opens_at", "closes_at"]].isna().all(axis=None)
        open_days = table[~closed]
        assert (open_days["opens"] < open_days["closes"]).all()
        assert (open_days["open_cutoff"] <= open_days["opens"]).all()
        assert ((open_days["break_start"] == "") == (open_days["break_end"] == "")).all()
        plain = table["fact"] == ""
        assert (table.loc[plain, "status"] == "regular").all()
        assert (table["source"] != "").all()
        assert set(table["confidence"]) <= {"sourced", "rule", "unverified", "library"}
        assert (table["weekday"] == table["session"].dt.day_name()).all()
        # Far more than a twentieth of special days would say that what is regular is not known.
        assert (table["status"] == "special").mean() < 0.05

    def test_local_times_are_those_of_the_zone_also_over_a_change_of_clocks(self):
        table = sessions_table("XASX", "2025-03-31", "2025-04-11")
        assert set(table["opens"]) == {"10:00"}
        zone = ZoneInfo("Australia/Sydney")
        for row in table.itertuples():
            opens = dt.datetime.combine(row.session.date(), dt.time.fromisoformat(row.opens), zone)
            assert row.opens_at == opens
        assert table["opens_at"].dt.hour.tolist() == [23] * 5 + [0] * 5

    def test_the_columns_have_their_kinds(self):
        kinds = sessions_table("XHKG", "2023-08-31", "2023-09-04").dtypes.astype(str).to_dict()
        assert kinds.pop("session") == "datetime64[ns]"
        assert kinds.pop("opens_at") == kinds.pop("closes_at") == "datetime64[ns, UTC]"
        assert set(kinds.values()) == {"str"}


class TestFacts:
    def test_of_the_summer_of_typhoons_in_hong_kong(self):
        table = sessions_table("XHKG", "2023-07-01", "2023-09-30")
        closed = table[table["status"] == "closed"].set_index("session")["fact"]
        assert {str(date.date()): fact for date, fact in closed.items()} == {
            "2023-07-17": "closed",
            "2023-09-01": "closed: typhoon Saola",
            "2023-09-08": "closed: black rainstorm and extreme conditions",
        }
        assert len(table) == 65
        facts = table.set_index("session").loc[["2023-07-17", "2023-09-01"], ["source", "confidence"]]
        assert facts.iloc[0, 0].startswith("exchange_calendars 4.")
        assert facts.iloc[0, 1] == "library"
        assert facts.iloc[1].tolist() == [
            "https://www.hkex.com.hk/News/Market-Communications/2023/2309012news?sc_lang=en",
            "sourced",
        ]

    def test_a_late_open_is_special_and_has_its_own_break(self):
        row = day("XHKG", "2023-10-09")
        assert (row["status"], row["fact"]) == ("special", "late open: typhoon Koinu and black rainstorm")
        assert hours(row) == ("14:00", "", "", "16:00")
        assert (row["open_cutoff"], row["close_cutoff"]) == ("13:50", "16:00")

    def test_what_the_library_marks_says_what_would_be_regular(self):
        row = day("XHKG", "2024-12-24")
        assert hours(row) == ("09:30", "", "", "12:00")
        assert (row["status"], row["fact"]) == ("special", "early close (regular 16:00)")
        row = day("XKRX", "2019-11-14")
        assert row["fact"] == "late open (regular 09:00), late close (regular 15:30)"
        assert row["confidence"] == "library"

    def test_a_session_on_a_saturday_is_listed_and_other_weekends_are_not(self):
        table = sessions_table("XTAI", "2018-12-17", "2018-12-23").set_index("session")
        assert [str(date.date()) for date in table.index] == [f"2018-12-{date}" for date in range(17, 23)]
        saturday = table.loc["2018-12-22"]
        assert (saturday["weekday"], saturday["status"]) == ("Saturday", "regular")
        assert saturday["fact"] == "Saturday session: make-up day"

    def test_a_named_holiday_has_its_name(self):
        assert day("XTKS", "2025-08-11")["fact"].startswith("closed: Mountain Day")
        assert day("XKRX", "2023-09-28")["fact"].startswith("closed: Chuseok")

    @pytest.mark.parametrize("mic", ["XKRX", "XASX", "XTKS", "XBOM"])
    def test_a_day_alone_is_told_as_among_others(self, mic):
        table = sessions_table(mic, "2019-01-01", "2022-12-31").set_index("session")
        for date, row in table[table["fact"] != ""].iloc[::7].iterrows():
            assert day(mic, str(date.date()))["fact"] == row["fact"]

    def test_venues_of_one_calendar_share_its_facts(self):
        for twin, home in (("ROCO", "XTAI"), ("XKOS", "XKRX")):
            mine, its = (sessions_table(mic, "2022-01-01", "2024-12-31") for mic in (twin, home))
            pd.testing.assert_frame_equal(mine, its)

    def test_regular_hours_name_the_row_they_come_from(self):
        row = day("XIDX", "2025-06-13")
        assert hours(row) == ("09:00", "11:30", "14:00", "15:50")
        assert (row["status"], row["fact"], row["confidence"]) == ("regular", "", "sourced")
        assert "kontan.co.id" in row["source"]


class TestRegular:
    @pytest.mark.parametrize(
        ("mic", "date", "expected"),
        [
            ("XTKS", "2010-06-01", ("09:00", "11:00", "12:30", "15:00")),
            ("XTKS", "2012-06-01", ("09:00", "11:30", "12:30", "15:00")),
            ("XTKS", "2024-11-04", ("09:00", "11:30", "12:30", "15:00")),
            ("XTKS", "2024-11-05", ("09:00", "11:30", "12:30", "15:30")),
            ("XKRX", "2016-07-29", ("09:00", "", "", "15:00")),
            ("XKRX", "2016-08-01", ("09:00", "", "", "15:30")),
            ("XHKG", "2010-06-01", ("10:00", "12:30", "14:30", "16:00")),
            ("XHKG", "2012-03-05", ("09:30", "12:00", "13:00", "16:00")),
            ("XBOM", "2024-11-01", ("09:15", "", "", "15:30")),
        ],
    )
    def test_hours_of_a_date(self, mic, date, expected):
        found = regular_hours(mic, pd.DatetimeIndex([date])).iloc[0]
        assert (
            tuple(listing._clock(found[name]) for name in ("open", "break_start", "break_end", "close"))
            == expected
        )


class TestPeriod:
    def test_dates_may_be_dates(self):
        texts = sessions_table("XTKS", "2025-01-01", "2025-01-10")
        dates = sessions_table("XTKS", dt.date(2025, 1, 1), pd.Timestamp("2025-01-10"))
        pd.testing.assert_frame_equal(texts, dates)

    def test_the_coming_month_by_default(self, monkeypatch):
        class Clock(dt.datetime):
            @classmethod
            def now(cls, tz=None):
                return dt.datetime(2025, 6, 30, 16, 0, tzinfo=dt.UTC).astimezone(tz)

        monkeypatch.setattr(listing, "datetime", Clock)
        table = sessions_table("XTKS")
        # It is July in Tokyo already.
        assert str(table["session"].iloc[0].date()) == "2025-07-01"
        assert str(table["session"].iloc[-1].date()) == "2025-07-31"
        assert str(sessions_table("XTKS", "2025-02-03")["session"].iloc[-1].date()) == "2025-03-05"

    def test_an_empty_period_has_no_rows(self):
        table = sessions_table("XTKS", "2025-06-07", "2025-06-08")
        assert (list(table), len(table)) == (COLUMNS, 0)
        assert table.dtypes.astype(str)["opens_at"] == "datetime64[ns, UTC]"

    @pytest.mark.parametrize(
        ("start", "end", "told"),
        [
            ("2023-09-30", "2023-07-01", "a start that is not after the end, got 2023-09-30 to 2023-07-01"),
            (
                "1999-12-31",
                "2000-02-01",
                "the calendar of XHKG reaches, got 1999-12-31 .*; it runs 2000-01-01 to 20",
            ),
            ("2025-01-01", "2060-01-01", "the calendar of XHKG reaches, got 2025-01-01 to 2060-01-01"),
            ("2060-01-01", None, "the calendar of XHKG reaches, got 2060-01-01"),
            ("soon", None, "expected a date as start, got 'soon'; write it as 2023-07-01"),
            ("2025-01-01", "2025-02-30", "expected a date as end, got '2025-02-30'"),
        ],
    )
    def test_what_is_refused(self, start, end, told):
        with pytest.raises(InputError, match=told):
            sessions_table("XHKG", start, end)


class TestVenues:
    @pytest.mark.parametrize(
        ("text", "mic"),
        [
            *((mic, mic) for mic in VENUES),
            ("xhkg", "XHKG"),
            ("HKEX", "XHKG"),
            ("hong-kong", "XHKG"),
            ("Tokyo", "XTKS"),
            ("japan", "XTKS"),
            ("JP", "XTKS"),
            ("Tokyo Stock Exchange", "XTKS"),
            ("KOSDAQ", "XKOS"),
            ("TWSE", "XTAI"),
            ("tpex", "ROCO"),
            ("bse", "XBOM"),
            ("Singapore", "XSES"),
            ("NYSE", "XNYS"),
        ],
    )
    def test_are_found_by_any_name(self, text, mic):
        assert find_venue(text).mic == mic

    def test_each_by_its_full_name(self):
        for mic in VENUES:
            assert find_venue(find_venue(mic).name).mic == mic

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("XHGK", r"got 'XHGK'; did you mean .*'XHKG'"),
            ("Tokio", r"did you mean 'Tokyo'\?"),
            ("Mars", "known: ROCO, XASX"),
            ("", "known: ROCO, XASX"),
            ("Korea", r"one venue, got 'Korea', which may be 'XKRX' \(Korea Exchange\) or 'XKOS' \(KOSDAQ\)"),
            ("china", "'XSHG' .* or 'XSHE'"),
        ],
    )
    def test_unknown_ones(self, text, told):
        with pytest.raises(InputError, match=told):
            find_venue(text)

    def test_the_table_is_found_by_them_too(self):
        pd.testing.assert_frame_equal(
            sessions_of("hkex", "2023-09-01", "2023-09-04"),
            sessions_table("XHKG", "2023-09-01", "2023-09-04"),
        )
        with pytest.raises(InputError, match="got 'Tokio'"):
            sessions_of("Tokio")
