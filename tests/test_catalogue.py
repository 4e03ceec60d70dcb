"""The shipped events and exposures: they parse, follow their stated rules and agree with other records."""

import csv
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from aftershock.data.catalogue import CATALOGUES, catalogue_path
from aftershock.data.errors import InputError
from aftershock.data.events import EVENT_COLUMNS, load_events, load_impacts
from aftershock.data.universes import known_instruments, resolve

NEW_YORK = ZoneInfo("America/New_York")
PLACES = tuple(
    ZoneInfo(name)
    for name in (
        "America/New_York",
        "America/Los_Angeles",
        "Asia/Shanghai",
        "Asia/Seoul",
        "Asia/Tokyo",
        "Europe/Amsterdam",
    )
)
EMERGENCY = {"fomc-2020-03-03": "10:00", "fomc-2020-03-15": "17:00"}
UNIVERSES = catalogue_path("fomc").parent.parent / "universes"
FACTORS = {
    "chip_demand",
    "export_curbs",
    "us_tariffs_china",
    "us_tariffs_global",
    "weaker_dollar",
    "us_easing",
}

# Day of the news in New York and the effective date of the same measure, from the records beside the project.
EFFECTIVE = {
    "tariff-2025-02-01-orders": "2025-02-04",
    "tariff-2025-02-09-metals": "2025-03-12",
    "tariff-2025-03-26-autos": "2025-04-03",
    "tariff-2025-04-02-reciprocal": "2025-04-05",
    "tariff-2025-04-08-china-84": "2025-04-08",
    "tariff-2025-04-09-pause": "2025-04-09",
    "tariff-2025-04-09-china-125": "2025-04-09",
    "tariff-2025-04-11-electronics": "2025-04-11",
    "tariff-2025-05-12-geneva": "2025-05-12",
    "tariff-2025-05-30-steel": "2025-06-03",
    "tariff-2025-07-31-order": "2025-08-07",
    "tariff-2025-10-30-busan": "2025-11-01",
    "tariff-2026-02-20-court": "2026-02-20",
    "tariff-2026-02-20-section-122": "2026-02-24",
}
SECTION_301 = {
    "tariff-2018-06-15-us": ("July 6, 2018", date(2018, 7, 6)),
    "tariff-2018-09-17-200bn": ("September 24, 2018", date(2018, 9, 24)),
    "tariff-2019-08-01-tweet": ("September 1, 2019", date(2019, 9, 1)),
}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def rows_of(name: str) -> list[dict[str, str]]:
    return read(catalogue_path(name))


def instant(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    assert parsed.tzinfo is not None, f"{text} has no zone"
    return parsed


def number(text: str) -> float | None:
    return float(text) if text else None


def fomc_days() -> set[str]:
    return {row["event_id"].removeprefix("fomc-") for row in rows_of("fomc")}


def scheduled_days() -> set[str]:
    return fomc_days() - {event.removeprefix("fomc-") for event in EMERGENCY}


# The tables


def test_an_unknown_catalogue_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'tariffs'"):
        catalogue_path("tarifs")


@pytest.mark.parametrize("name", CATALOGUES)
def test_the_loader_reads_every_row(name):
    events = load_events(catalogue_path(name))
    assert len(events.frame) == len(rows_of(name))


@pytest.mark.parametrize("name", CATALOGUES)
def test_columns_are_those_of_the_schema(name):
    assert list(rows_of(name)[0]) == [column.name for column in EVENT_COLUMNS]


def test_ids_are_unique_across_catalogues_and_name_their_story():
    rows = [row for name in CATALOGUES for row in rows_of(name)]
    assert len({row["event_id"] for row in rows}) == len(rows)
    assert all(row["story_id"] == row["event_id"] for row in rows)


@pytest.mark.parametrize("name", CATALOGUES)
def test_rows_stand_in_the_order_in_which_they_became_known(name):
    known = [instant(row["known_by"]) for row in rows_of(name)]
    assert known == sorted(known)


@pytest.mark.parametrize("name", CATALOGUES)
def test_intervals_are_zoned_ordered_and_as_exact_as_they_say(name):
    for row in rows_of(name):
        start, end = instant(row["known_from"]), instant(row["known_by"])
        width = end - start
        expected = {
            "instant": width == timedelta(0),
            "interval": timedelta(0) < width <= timedelta(hours=24),
            "day": timedelta(hours=23) <= width <= timedelta(hours=25),
        }
        assert expected[row["precision"]], row["event_id"]
        assert end < instant(row["tagged_at"])


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_day_is_the_day_of_the_id_at_a_place_of_news(name):
    for row in rows_of(name):
        if row["precision"] == "day":
            start, end = instant(row["known_from"]), instant(row["known_by"])
            day = date.fromisoformat(re.search(r"\d{4}-\d\d-\d\d", row["event_id"])[0])
            bounds = [(day, day + timedelta(days=1), zone) for zone in PLACES]
            midnights = [
                tuple(datetime.combine(each, datetime.min.time(), zone) for each in (first, last))
                for first, last, zone in bounds
            ]
            assert (start, end) in midnights, row["event_id"]


@pytest.mark.parametrize("name", CATALOGUES)
def test_the_date_in_the_id_lies_in_the_interval(name):
    for row in rows_of(name):
        day = date.fromisoformat(re.search(r"\d{4}-\d\d-\d\d", row["event_id"])[0])
        start = instant(row["known_from"]).astimezone(NEW_YORK).date()
        end = instant(row["known_by"]).astimezone(ZoneInfo("Asia/Tokyo")).date()
        assert start <= day <= end, row["event_id"]


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_row_has_a_public_source_and_a_headline(name):
    for row in rows_of(name):
        assert re.fullmatch(r"https?://[^\s]+\.[^\s]+", row["source"]), row["event_id"]
        assert row["source_kind"] in {"official", "news"}
        assert 10 < len(row["headline"]) < 130


@pytest.mark.parametrize("name", CATALOGUES)
def test_surprise_is_actual_minus_expected_and_unknown_where_either_is(name):
    for row in rows_of(name):
        expected, actual, surprise = (number(row[key]) for key in ("expected", "actual", "surprise"))
        if expected is None or actual is None:
            assert surprise is None, row["event_id"]
            assert row["surprise_source"] == ""
        else:
            assert surprise == pytest.approx(actual - expected), row["event_id"]
            assert row["surprise_source"] != ""


# The Fed


def test_scheduled_statements_come_at_two_in_new_york():
    for row in rows_of("fomc"):
        local = instant(row["known_by"]).astimezone(NEW_YORK)
        assert f"{local:%H:%M}" == EMERGENCY.get(row["event_id"], "14:00"), row["event_id"]
        assert row["event_id"] == f"fomc-{local:%Y-%m-%d}"


def test_only_scheduled_meetings_carry_a_schedule_and_it_was_known_before():
    for row in rows_of("fomc"):
        if row["event_id"] in EMERGENCY:
            assert row["scheduled_for"] == row["schedule_known_from"] == ""
        else:
            assert row["scheduled_for"] == row["known_by"]
            assert instant(row["schedule_known_from"]) < instant(row["known_by"]) - timedelta(days=14)


def test_direction_follows_the_surprise_then_the_change():
    for row in rows_of("fomc"):
        key = number(row["surprise"]) or float(row["actual"])
        word = "hawkish" if key > 0 else "dovish" if key < 0 else "neutral"
        assert row["direction"] == word, row["event_id"]


def test_fed_strength_is_the_size_of_the_change():
    for row in rows_of("fomc"):
        assert float(row["strength"]) == abs(float(row["actual"])), row["event_id"]


def test_changes_add_up_to_the_ranges_in_the_headlines():
    level = 0.25
    for row in rows_of("fomc"):
        level += float(row["actual"]) / 100
        assert f"{level - 0.25:.2f}-{level:.2f} %" in row["headline"], row["event_id"]


def test_each_year_has_eight_scheduled_decisions_but_the_one_whose_march_meeting_was_cancelled():
    count = {year: sum(day.startswith(str(year)) for day in scheduled_days()) for year in range(2015, 2027)}
    assert count == dict.fromkeys(range(2015, 2026), 8) | {2020: 7, 2026: 2}


@pytest.mark.shared
def test_scheduled_decisions_are_those_of_the_minutes(shared):
    meetings = read(shared / "events" / "fomc" / "gt_minutes_meetings_with_release_dates_1996_2024.csv")
    ends = [row["EndDate"] for row in meetings if int(row["Year"]) >= 2015]
    listed = {str(datetime.strptime(end, _month(end)).date()) for end in ends}
    assert listed - {"2020-03-15"} == {day for day in scheduled_days() if day <= max(listed)}


def _month(text: str) -> str:
    return "%b/%d/%Y" if len(text.split("/")[0]) == 3 else "%B/%d/%Y"


@pytest.mark.shared
def test_statements_of_2015_to_2020_are_those_of_the_list_of_actions(shared):
    actions = read(shared / "events" / "fomc" / "mpu_fomc_actions_1990_2020.csv")
    days = {
        datetime.strptime(row["Date"], "%m/%d/%Y").date()
        for row in actions
        if row["Type"] == "FOMC Statement" and row["Scheduled FOMC"] == "1"
    }
    listed = {str(day) for day in days if day >= date(2015, 1, 1)}
    assert listed == {day for day in scheduled_days() if day <= max(listed)}


@pytest.mark.shared
def test_decisions_of_2023_to_2026_agree_and_none_goes_beyond(shared):
    decisions = read(shared / "events" / "fomc" / "bellwether_fomc_decisions_2023_2026.csv")
    ours = {row["event_id"].removeprefix("fomc-"): row for row in rows_of("fomc")}
    listed = {row["decision_date"] for row in decisions}
    assert {day for day in ours if day >= min(listed)} == listed
    for row in decisions:
        mine = ours[row["decision_date"]]
        assert float(mine["actual"]) == float(row["bps_change"])
        assert mine["source"] == row["source_url"]


@pytest.mark.shared
def test_times_changes_and_consensus_agree_with_the_economic_calendar(shared):
    calendar = read(shared / "events" / "fomc" / "pyfedwatch_fomc_1977plus.csv")
    ours = {row["event_id"].removeprefix("fomc-"): row for row in rows_of("fomc")}
    known = [row for row in calendar if row["FOMCDate"] >= "2015" and row["Actual"]]
    assert {row["FOMCDate"] for row in known} == {day for day in ours if day <= "2023-02-01"}
    for row in known:
        mine = ours[row["FOMCDate"]]
        actual, forecast, before = (number(row[key].strip("%")) for key in ("Actual", "Forecast", "Previous"))
        assert float(mine["actual"]) == round((actual - before) * 100)
        if forecast is not None:
            assert float(mine["expected"]) == round((forecast - before) * 100)
        # Its clock stands at UTC-5 the year round.
        assert instant(mine["known_by"]) == instant(f"{row['FOMCDate']}T{row['Time']}:00-05:00")


# Tariffs and chips


def test_tariff_strength_and_direction_follow_the_terms():
    sums: dict[str, float] = {}
    for term in read(catalogue_path("tariffs").with_name("tariff_terms.csv")):
        size = float(term["points"]) * float(term["covered_usd_bn"]) / 100
        sums[term["event_id"]] = sums.get(term["event_id"], 0.0) + size
        assert term["source"].startswith("https://")
        assert term["goods"]
    for row in rows_of("tariffs"):
        total = sums.pop(row["event_id"], None)
        assert number(row["strength"]) == (None if total is None else pytest.approx(abs(total))), row[
            "event_id"
        ]
        if total is not None:
            assert row["direction"] == ("escalation" if total > 0 else "deescalation"), row["event_id"]
    assert sums == {}


def test_tags_directions_and_scopes_are_known_words():
    for name, tag, directions in (
        ("tariffs", "tariff", {"escalation", "deescalation"}),
        ("chips", "chip", {"positive", "negative"}),
    ):
        for row in rows_of(name):
            assert row["tag"] == tag
            assert row["direction"] in directions
            assert re.fullmatch("global|market:[A-Z]{2}|theme:semis", row["scope"]), row["event_id"]


def chip_impacts() -> Path:
    return catalogue_path("chips").with_name("chips_impacts.csv")


def test_chips_cover_every_year_from_2018_to_2025_and_both_directions():
    rows = [row for row in rows_of("chips") if "2018" <= row["known_by"] < "2026"]
    assert len(rows) >= 60
    for year in range(2018, 2026):
        assert {row["direction"] for row in rows if row["known_by"].startswith(str(year))} == {
            "positive",
            "negative",
        }, year


def test_chips_load_without_a_warning_or_a_skipped_row():
    events = load_events(catalogue_path("chips"))
    assert events.warnings.empty
    assert events.skipped.empty


def test_symbols_of_chips_are_shipped_instruments_in_their_own_spelling():
    named = {symbol for row in rows_of("chips") for symbol in row["symbols"].split()}
    named |= {row["symbol"] for row in read(chip_impacts())}
    assert {"000660.KS", "005930.KS", "2330.TW", "0981.HK", "6723.T"} <= named
    for symbol in named:
        assert resolve(symbol).symbol == symbol
        assert symbol in known_instruments()


def test_the_direction_of_a_chip_surprise_is_its_sign():
    surprised = [row for row in rows_of("chips") if row["surprise"]]
    assert len(surprised) >= 30
    for row in surprised:
        word = "positive" if float(row["surprise"]) > 0 else "negative"
        assert row["direction"] == word, row["event_id"]


def test_chips_have_no_strength_since_their_sizes_have_no_common_unit():
    assert {row["strength"] for row in rows_of("chips")} == {""}


def test_chip_impacts_load_and_agree_with_the_company_an_event_names():
    events = load_events(catalogue_path("chips"))
    impacts = load_impacts(chip_impacts(), events)
    assert len(impacts) == len(read(chip_impacts())) > 0
    assert set(impacts["polarity"]) == {-1.0, 1.0}
    rows = {row["event_id"]: row for row in rows_of("chips")}
    for event, symbol, polarity in impacts.itertuples(index=False):
        if symbol in rows[event]["symbols"].split():
            assert polarity == (1 if rows[event]["direction"] == "positive" else -1), (event, symbol)


def test_what_hurts_one_maker_of_memory_helps_another():
    impacts = {(row["event_id"], row["symbol"]): float(row["polarity"]) for row in read(chip_impacts())}
    for event in ("chip-2021-12-29-samsung-xian", "chip-2024-05-24-samsung-hbm"):
        assert impacts[event, "005930.KS"] == -1
        assert impacts[event, "000660.KS"] == 1


def test_chip_news_with_a_known_clock_stands_at_it():
    known = {row["event_id"]: row["known_by"] for row in rows_of("chips")}
    assert known["chip-2018-08-05-tsmc-virus"] == "2018-08-05T08:30:00Z"
    assert known["chip-2020-12-18-smic-entity-list"] == "2020-12-18T12:36:00Z"
    assert known["chip-2023-02-01-hynix-results"] == "2023-01-31T23:02:00Z"
    assert known["chip-2024-10-17-tsmc-results"] == "2024-10-17T05:36:00Z"


def test_results_of_tsmc_come_after_the_close_in_taipei():
    rows = [row for row in rows_of("chips") if row["event_id"].endswith("tsmc-results")]
    assert len(rows) >= 5
    for row in rows:
        start = instant(row["known_from"]).astimezone(ZoneInfo("Asia/Taipei"))
        assert f"{start:%H:%M}" == "13:30", row["event_id"]
        assert instant(row["known_by"]) - instant(row["known_from"]) <= timedelta(minutes=30)


@pytest.mark.shared
def test_results_of_tsmc_fall_on_the_days_of_its_calls(shared):
    calls = {
        row["call_date"] for row in read(shared / "events/earnings/tsmc_earnings_call_dates_2011plus.csv")
    }
    days = {
        row["event_id"][5:15]
        for row in rows_of("chips")
        if re.search("tsmc-(results|outlook|guidance|capex|japan)$", row["event_id"])
    }
    assert {day for day in days if day <= max(calls)} <= calls


@pytest.mark.shared
def test_guidance_of_nvidia_falls_on_the_days_of_its_reports(shared):
    reports = read(shared / "events/earnings/nvda_earnings_1999_202302_alphavantage.csv")
    reported = {row["reportedDate"] for row in reports}
    days = {row["event_id"][5:15] for row in rows_of("chips") if "nvidia-guidance" in row["event_id"]}
    assert {day for day in days if day <= max(reported)} <= reported


def test_what_happened_at_a_known_minute_stands_at_that_minute():
    known = {row["event_id"]: row["known_by"] for row in rows_of("tariffs")}
    assert known["tariff-2019-08-01-tweet"] == "2019-08-01T17:26:00Z"
    assert known["tariff-2025-04-09-pause"] == known["tariff-2025-04-09-china-125"] == "2025-04-09T17:18:00Z"
    assert known["tariff-2025-07-22-japan"] == "2025-07-22T23:12:00Z"


@pytest.mark.shared
def test_news_comes_no_later_than_the_effective_day(shared):
    actions = read(shared / "events" / "tariffs" / "twt_tariff_actions_2025_2026.csv")
    effective = {row["effective_date"] for row in actions}
    days = {row["event_id"]: instant(row["known_from"]) for row in rows_of("tariffs")}
    for event, day in EFFECTIVE.items():
        assert day in effective, event
        assert days[event].astimezone(NEW_YORK).date() <= date.fromisoformat(day), event


@pytest.mark.shared
def test_news_of_section_301_comes_before_its_effective_day(shared):
    notes = (shared / "events" / "tariffs" / "waugh_section301_2018_2020_notes.md").read_text("utf-8")
    days = {row["event_id"]: instant(row["known_by"]) for row in rows_of("tariffs")}
    for event, (written, day) in SECTION_301.items():
        assert written in notes
        assert days[event].date() < day, event


@pytest.mark.shared
def test_chip_rules_are_known_before_they_are_printed(shared):
    printed = {
        row["doc"]: date.fromisoformat(row["published"])
        for row in read(shared / "events" / "federal_register" / "fr_trade_chip_documents_2020_2026.csv")
    }
    known = {row["event_id"]: instant(row["known_by"]).date() for row in rows_of("chips")}
    assert known["chip-2022-10-07-export-rule"] < printed["2022-21658"]
    assert known["chip-2025-08-29-end-user"] < printed["2025-16735"]


# Exposures


def test_exposures_are_signed_weighted_dated_and_sourced():
    rows = read(UNIVERSES / "exposures.csv")
    assert list(rows[0]) == ["symbol", "factor", "sign", "weight", "valid_from", "source"]
    assert len({(row["symbol"], row["factor"]) for row in rows}) == len(rows)
    for row in rows:
        assert row["factor"] in FACTORS
        assert row["sign"] in {"1", "-1"}
        assert 0 < float(row["weight"]) <= 1
        assert date(2015, 1, 1) <= date.fromisoformat(row["valid_from"]) < date(2026, 1, 1)
        assert re.fullmatch(r".+: https://\S+", row["source"])


def test_factors_map_each_direction_once_and_opposite_ways():
    rows = read(UNIVERSES / "factors.csv")
    assert list(rows[0]) == ["tag", "direction", "factor", "sign"]
    signs = {(row["tag"], row["factor"], row["direction"]): int(row["sign"]) for row in rows}
    assert len(signs) == len(rows)
    assert {factor for _, factor, _ in signs} == FACTORS
    opposite = {"dovish": "hawkish", "positive": "negative", "escalation": "deescalation"}
    for (tag, factor, direction), sign in signs.items():
        if direction in opposite:
            assert signs[tag, factor, opposite[direction]] == -sign


def test_every_direction_of_the_catalogues_moves_a_factor_unless_neutral():
    mapped = {(row["tag"], row["direction"]) for row in read(UNIVERSES / "factors.csv")}
    used = {(row["tag"], row["direction"]) for name in CATALOGUES for row in rows_of(name)}
    assert used - mapped == {("fed", "neutral")}


@pytest.mark.shared
def test_every_exposed_symbol_has_prices_and_none_is_exposed_before_it_is_listed(shared):
    import pandas as pd

    stocks = pd.read_parquet(shared / "prices" / "stocks.parquet", columns=["symbol", "date"])
    indices = pd.read_parquet(shared / "prices" / "indices.parquet", columns=["symbol", "date"])
    listed = set(stocks["symbol"]) | set(indices["symbol"])
    listings = {
        "285A.T": "2024-12-18",
        "9988.HK": "2019-11-26",
        "3690.HK": "2018-09-20",
        "9618.HK": "2020-06-18",
    }
    for row in read(UNIVERSES / "exposures.csv"):
        assert row["symbol"] in listed
        assert row["valid_from"] >= listings.get(row["symbol"], "2015")
