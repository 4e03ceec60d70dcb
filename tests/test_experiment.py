"""The experiment file: what it says comes in and goes out again, and whatever is wrong is told with its line."""

import math
import re
import textwrap
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.catalogue import catalogue_impacts
from aftershock.data.errors import InputError
from aftershock.data.events import load_events
from aftershock.data.universes import known_instruments, universe
from aftershock.engine.types import MODES
from aftershock.experiment import (
    SECTIONS,
    Costs,
    EventsSection,
    Experiment,
    Hedge,
    Portfolio,
    PricesSection,
    RunSection,
    UniverseSection,
    read_experiment,
)
from aftershock.inputs import (
    anchored,
    events_of,
    everything,
    experiment_events,
    experiment_tape,
    links_of,
    needed,
    universe_of,
)
from aftershock.run import ALIGN_COLUMNS, align, run_experiment, signals
from aftershock.strategies.library import chip_momentum, strategy
from aftershock.strategies.reaction import Reaction

FULL = """
[events]
files = ["events.csv", "more/events.jsonl"]
catalogue = ["fomc"]
impacts = "impacts.csv"
zone = "Asia/Seoul"
start = "2018-01-01"
end = "2025-12-31"
as_of = "2025-12-31T00:00Z"
skip_bad = true

[prices]
files = "prices.parquet"
sources = ["mine", "theirs"]
skip_bad = true

[universe]
name = "asia-semis"
symbols = ["9984.T"]

[strategy]
kind = "fed_cut"
hold = 2
stop = 0.05
latency = "5min"
direction = "dovish"

[portfolio]
mode = "account"
capital = 500_000
currency = "EUR"
budget = 0.5
max_positions = 3

[costs]
model = "flat"
fee = 0.002
slippage = 0
lot = 100
price_limits = false

[run]
name = "all of it"
seed = 7
"""


@pytest.fixture
def write(tmp_path):
    """Write an experiment file and give its path."""

    def written(text, name="mine.toml"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return written


@pytest.fixture
def told(write):
    """Read an experiment that is wrong and give the one line of its error, without the path."""

    def reading(text):
        path = write(text)
        with pytest.raises(InputError) as caught:
            read_experiment(path)
        assert str(caught.value).startswith(str(path))
        return str(caught.value).removeprefix(str(path)).lstrip(", :")

    return reading


class TestReading:
    def test_an_empty_file_is_all_defaults_and_named_after_the_file(self, write):
        assert read_experiment(write("", "fed reaction.toml")) == Experiment(
            strategy=Reaction(), run=RunSection(name="fed reaction")
        )

    def test_every_section_is_read(self, write, tmp_path):
        read = read_experiment(write(FULL))
        assert read.events == EventsSection(
            files=(str(tmp_path / "events.csv"), str(tmp_path / "more/events.jsonl")),
            catalogue=("fomc",),
            impacts=(str(tmp_path / "impacts.csv"),),
            zone="Asia/Seoul",
            start="2018-01-01",
            end="2025-12-31",
            as_of="2025-12-31T00:00Z",
            skip_bad=True,
        )
        assert read.prices == PricesSection(
            files=(str(tmp_path / "prices.parquet"),), sources=("mine", "theirs"), skip_bad=True
        )
        assert read.universe == UniverseSection(name=("asia-semis",), symbols=("9984.T",))
        assert read.kind == "fed_cut"
        assert read.strategy == strategy("fed_cut", hold=2, stop=0.05, latency=300.0, direction=("dovish",))
        assert read.portfolio == Portfolio(
            mode="account", capital=500_000.0, currency="EUR", budget=0.5, max_positions=3
        )
        assert read.costs == Costs(model="flat", fee=0.002, slippage=0.0, lot=100.0, price_limits=False)
        assert read.run == RunSection(name="all of it", seed=7)

    def test_dates_may_stand_without_quotes(self, write):
        read = read_experiment(
            write("""
            [events]
            start = 2018-01-01
            end = 2025-12-31
            as_of = 2025-12-31T00:00:00Z
            """)
        ).events
        assert (read.start, read.end, read.as_of) == ("2018-01-01", "2025-12-31", "2025-12-31T00:00:00+00:00")

    def test_paths_are_relative_to_the_file_but_for_those_from_the_root_and_the_catalogue(
        self, write, tmp_path
    ):
        read = read_experiment(
            write("""
            [events]
            files = ["a.csv", "../b.csv", "/data/c.csv", "catalogue:fomc"]
            [prices]
            files = "prices"
            """)
        )
        assert read.events.files == (
            str(tmp_path / "a.csv"),
            str(tmp_path / "../b.csv"),
            "/data/c.csv",
            "catalogue:fomc",
        )
        assert read.prices.files == (str(tmp_path / "prices"),)

    def test_a_byte_order_mark_is_no_harm(self, tmp_path):
        path = tmp_path / "windows.toml"
        path.write_bytes(b"\xef\xbb\xbf[strategy]\r\nhold = 2\r\n")
        assert read_experiment(path).strategy.hold == 2

    def test_a_ready_made_strategy_keeps_what_is_not_changed(self, write):
        read = read_experiment(write('[strategy]\nkind = "chip_momentum"\nhold = 2\n'))
        assert read.strategy == chip_momentum(hold=2)
        assert (read.kind, read.strategy.stop) == ("chip_momentum", 0.08)


class TestWriting:
    def test_what_was_read_and_written_reads_the_same(self, write):
        read = read_experiment(write(FULL))
        again = read_experiment(write(read.to_toml(), "again.toml"))
        assert again == read
        assert again.to_toml() == read.to_toml()

    @pytest.mark.parametrize("kind", ["reaction", "fed_cut", "chip_momentum", "tariff_shock"])
    def test_every_kind_does(self, kind, write):
        read = read_experiment(write(f'[strategy]\nkind = "{kind}"\n'))
        assert read_experiment(write(read.to_toml(), "again.toml")) == read

    def test_what_a_kind_has_and_was_switched_off_stays_off(self, write):
        """TOML cannot say none: without its stop it is no longer the ready-made kind."""
        made = Experiment(strategy=chip_momentum(stop=None), kind="chip_momentum")
        assert read_experiment(write(made.to_toml())).strategy == made.strategy

    def test_every_default_is_spelt_out(self):
        written = Experiment(strategy=Reaction()).to_toml()
        off = {"zone", "published", "taxonomy", "start", "end", "as_of", "stop", "take", "trail", "exit"}
        off |= {
            "size",
            "strength_of_one",
            "notional",
            "instrument",
            "budget",
            "partial",
            "max_positions",
            "max_name",
            "max_market",
            "max_gross",
            "max_net",
            "snapshot",
            "fee",
            "lot",
        }
        # What a sweep varies and a study measures is written where there is something: it decides no run.
        sections = [model for name, model in SECTIONS.items() if name not in ("venues", "sweep", "study")]
        assert "[sweep" not in written
        assert "[study" not in written
        for model in (*sections, Reaction):
            for key in set(model.keys()) - off:
                assert re.search(rf"^{key} = ", written, re.MULTILINE), key
        assert 'kind = "reaction"' in written
        assert "hold = 5" in written
        assert "stop" not in written

    def test_odd_text_survives(self, write):
        name = 'a "quoted" \\ name\nof two lines, ünï©ode 日本'
        made = Experiment(strategy=Reaction(), run=RunSection(name=name))
        assert read_experiment(write(made.to_toml())) == made

    @settings(deadline=None, max_examples=50)
    @given(data=st.data())
    def test_whatever_fits_survives(self, data, tmp_path_factory):
        share = st.one_of(st.none(), st.floats(1e-6, 0.99))
        words = st.lists(st.text(max_size=4), max_size=2).map(tuple)
        made = Experiment(
            strategy=data.draw(
                st.builds(
                    Reaction,
                    tag=words,
                    hold=st.integers(1, 50),
                    stop=share,
                    take=share,
                    latency=st.floats(0, 1e6),
                    side_by=st.sampled_from(["direction", "impact", "surprise"]),
                )
            ),
            portfolio=data.draw(
                st.builds(
                    Portfolio,
                    mode=st.sampled_from(MODES),
                    capital=st.floats(1, 1e12),
                    size=share,
                    partial=st.sampled_from([None, True, False]),
                    max_gross=share,
                )
            ),
            costs=data.draw(
                st.builds(Costs, model=st.just("flat"), fee=st.floats(0, 0.5), lot=st.floats(0, 1e6))
            ),
            universe=data.draw(st.builds(UniverseSection, name=words, symbols=words)),
            run=data.draw(st.builds(RunSection, name=st.text(max_size=9), seed=st.integers(0, 2**40))),
        )
        path = tmp_path_factory.mktemp("toml") / "any.toml"
        path.write_text(made.to_toml(), encoding="utf-8", newline="")
        assert read_experiment(path) == made


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "error"),
        [
            (
                "\n[evnts]\n",
                "line 2: expected a section of an experiment, got [evnts]; did you mean 'events'?",
            ),
            (
                "\n[zzz]\n",
                "line 2: expected a section of an experiment, got [zzz]; known: costs, events, hedge, portfolio,",
            ),
            ("# mine\ncapital = 5\n", "line 2: expected a section of an experiment, got [capital]; known: "),
            ("\nevents = 5\n", "line 2: expected a section [events], got 5; write it as a table"),
            ('[[run]]\nname = "a"\n', "expected a section [run], got [{'name': 'a'}]; write it as a table"),
            (
                "[costs]\nslippage = 0\n\n[strategy]\nhold = 2\nhodl = 3\n",
                "line 6: expected [strategy] a key of Reaction, got 'hodl'; did you mean 'hold'?",
            ),
            (
                "[prices]\nfiels = []\n",
                "line 2: expected [prices] a key of PricesSection, got 'fiels'; did you mean 'files'?",
            ),
            (
                "[run]\n\n  sed = 5\n",
                "line 3: expected [run] a key of RunSection, got 'sed'; did you mean 'seed'?",
            ),
            (
                '[strategy]\nkind = "fed_cuts"\n',
                "line 2: expected [strategy] a kind of strategy, got 'fed_cuts'; did you mean 'fed_cut'?",
            ),
            (
                "[strategy]\nhold = 1\nkind = 5\n",
                "line 3: expected [strategy] a kind of strategy, got '5'; known: chip_momentum, fed_cut,",
            ),
            (
                '[strategy]\nkind = "fed_cut"\nhodl = 1\n',
                "line 3: expected [strategy] a key of Reaction, got 'hodl'; did you mean 'hold'?",
            ),
            (
                '[strategy]\nhold = 3\nstance = "hold"\n',
                "line 3: expected [strategy] stance to be one of follow, fade, got 'hold'; known: fade, follow",
            ),
            (
                '[strategy]\nentry = "close"\nhold = 0\n',
                "line 3: expected [strategy] hold of at least 1 where entry is at the close or exit at the open",
            ),
            (
                "[strategy.hold]\nbars = 5\n",
                "expected [strategy] a value of hold that fits, got {'bars': 5}; should be a valid integer",
            ),
            ("[strategy]\nself = 5\n", "line 2: expected [strategy] a key of Reaction, got 'self'; known: "),
            (
                "[events]\nstart = 5\n",
                "line 2: expected [events] a value of start that fits, got 5; should be a valid",
            ),
            ("[events]\nstart = 07:32:00\n", "line 2: expected [events] a value of start that fits, got "),
            (
                "[costs]\nfee = 1\n",
                "line 2: expected [costs] a value of fee that fits, got 1; should be less than 1",
            ),
            (
                "[costs]\nfee = true\n",
                "line 2: expected [costs] a value of fee that fits, got True; true and false are for switches only",
            ),
            (
                '[costs]\nfee = "x"\n',
                "line 2: expected [costs] a value of fee that fits, got 'x'; should be a valid",
            ),
            (
                "[universe]\nsymbols = [1]\n",
                "line 2: expected [universe] a value of symbols that fits, got 1; should be a valid string",
            ),
            (
                "[portfolio]\nsize = 0\n",
                "line 2: expected [portfolio] a value of size that fits, got 0; should be",
            ),
            (
                "[portfolio]\nmax_net = inf\n",
                "line 2: expected [portfolio] a value of max_net that fits, got inf;",
            ),
            ('[portfolio]\nmode = "acount"\n', "got 'acount'; did you mean 'account'?"),
            (
                '[portfolio]\nsize = 0.1\nsizing = "strength"\n',
                "line 3: expected [portfolio] strength_of_one with sizing = 'strength', got none; "
                "write for example strength_of_one = 25",
            ),
            (
                "[portfolio]\ncapital = 5\nnotional = 5\n",
                "line 3: expected [portfolio] sizing = 'notional' with notional, got sizing = 'equal'; "
                "write sizing = 'notional', or leave notional out",
            ),
            (
                '[portfolio]\nsizing = "strenght"\n',
                "line 2: expected [portfolio] sizing to be one of equal, strength, inverse_volatility, notional, "
                "got 'strenght'; did you mean 'strength'?",
            ),
            (
                "[run]\nseed = -1\n",
                "line 2: expected [run] a value of seed that fits, got -1; should be greater",
            ),
        ],
    )
    def test_the_line_and_the_cure_are_told(self, told, text, error):
        assert error in told(text)

    @pytest.mark.parametrize(
        ("text", "where"),
        [
            ("[strategy]\nhold = \n", "at line 2, column 8"),
            ("[strategy\n", "at line 1"),
            ("[run]\n[run]\n", "at line 2"),
            ("hold: 5\n", "at line 1, column 5"),
        ],
    )
    def test_broken_toml_says_where(self, told, text, where):
        error = told(text)
        assert error.startswith("expected valid TOML, got ")
        assert where in error
        assert error.endswith("; correct the line")

    def test_all_that_is_wrong_in_a_section_is_told_at_once(self, told):
        lines = told('[strategy]\nhodl = 1\nstop = 2\nentry = "clos"\n').splitlines()
        assert sorted(int(re.search(r"line (\d)", line)[1]) for line in lines) == [2, 3, 4]

    def test_a_key_of_another_section_of_the_same_name_is_not_blamed(self, told):
        assert told('[prices]\nfiles = "a"\n[events]\nfiles = 5\n').startswith("line 4: ")

    def test_a_missing_file_is_told(self, tmp_path):
        for path in (tmp_path / "none.toml", tmp_path):
            with pytest.raises(InputError, match=r"expected an experiment file \(TOML\), got nothing there"):
                read_experiment(path)

    def test_another_encoding_is_told(self, tmp_path):
        path = tmp_path / "latin.toml"
        path.write_bytes('[run]\nname = "für"\n'.encode("latin-1"))
        with pytest.raises(
            InputError, match=r"latin\.toml: expected a readable text in UTF-8, got .*; check the file"
        ):
            read_experiment(path)

    def test_a_file_that_may_not_be_read_is_told(self, write, monkeypatch):
        def refuse(self, encoding):
            raise PermissionError(13, "Permission denied")

        path = write("")
        monkeypatch.setattr(Path, "read_text", refuse)
        with pytest.raises(InputError, match=r"readable text in UTF-8, got .*Permission denied; check"):
            read_experiment(path)


class TestWithPaths:
    READ = Experiment(
        strategy=Reaction(),
        events=EventsSection(files="a.csv", catalogue="fomc", impacts="i.csv", zone="Asia/Seoul"),
        prices=PricesSection(simulated=True, sources="mine"),
    )

    def test_nothing_given_changes_nothing(self):
        assert self.READ.with_paths() == self.READ

    def test_prices_take_the_place_of_files_and_of_the_simulated_market(self):
        changed = self.READ.with_paths(prices=("p.csv", "q.csv"))
        assert changed.prices == PricesSection(files=("p.csv", "q.csv"), simulated=False, sources="mine")
        assert replace(changed, prices=self.READ.prices) == self.READ

    def test_events_take_the_place_of_files_and_catalogues(self):
        changed = self.READ.with_paths(events=("e.csv",))
        assert changed.events == EventsSection(files="e.csv", impacts="i.csv", zone="Asia/Seoul")
        assert replace(changed, events=self.READ.events) == self.READ


class TestPortfolio:
    @pytest.mark.parametrize(
        ("mode", "size", "partial", "budget"),
        [("portfolio", 0.1, False, 1.0), ("account", 1.0, True, math.inf), ("event", 0.1, False, math.inf)],
    )
    def test_what_is_not_said_depends_on_the_mode(self, mode, size, partial, budget):
        portfolio = Portfolio(mode=mode)
        assert MODES[portfolio.book.mode] == mode
        assert (portfolio.book.size, portfolio.book.partial) == (size, partial)
        assert portfolio.date_budget == budget

    @pytest.mark.parametrize("mode", MODES)
    def test_what_is_said_counts_in_every_mode(self, mode):
        caps = {"max_positions": 3, "max_name": 0.1, "max_market": 0.2, "max_gross": 0.3, "max_net": 0.4}
        portfolio = Portfolio(
            mode=mode, capital=5, size=0.25, partial=mode != "account", budget=0.75, compound=True, **caps
        )
        book = portfolio.book
        assert (book.capital, book.size, book.compound, book.partial) == (5.0, 0.25, True, mode != "account")
        assert {name: getattr(book, name) for name in caps} == caps
        assert portfolio.date_budget == 0.75

    @pytest.mark.parametrize("mode", ["portfolio", "event"])
    def test_a_fixed_notional_is_a_share_of_whatever_the_capital_is(self, mode):
        for capital in (100_000.0, 2_000_000.0):
            book = Portfolio(mode=mode, capital=capital, sizing="notional", notional=50_000).book
            assert book.size * book.capital == pytest.approx(50_000.0, rel=1e-15)

    @pytest.mark.parametrize(
        ("values", "error"),
        [
            (
                {"mode": "account"},
                "expected mode = 'portfolio' or 'event' with sizing = 'notional', got mode",
            ),
            ({"compound": True}, "got compound = true; leave compound out: a fixed notional does not grow"),
            ({"size": 0.1}, "got size = 0.1; leave size out: notional takes its place"),
            ({"notional": None}, "got none; write for example notional = 50000"),
            ({"strength_of_one": 5}, "write sizing = 'strength', or leave strength_of_one out"),
            ({"sizing": "inverse_volatility"}, "write sizing = 'notional', or leave notional out"),
        ],
    )
    def test_a_sizing_says_what_it_needs_and_what_it_forbids(self, values, error):
        with pytest.raises(InputError, match=re.escape(error)):
            Portfolio(**({"sizing": "notional", "notional": 50_000} | values))

    @pytest.mark.parametrize(
        ("values", "weighting"),
        [
            ({}, ("equal", 0.02, 3.0)),
            ({"sizing": "strength", "strength_of_one": 25}, ("strength", 25.0, 3.0)),
            ({"sizing": "inverse_volatility", "max_weight": 2}, ("inverse_volatility", 0.02, 2.0)),
            (
                {"sizing": "inverse_volatility", "volatility_of_one": 0.01},
                ("inverse_volatility", 0.01, 3.0),
            ),
        ],
    )
    def test_a_weighting_is_what_the_engine_needs_of_it(self, values, weighting):
        assert tuple(Portfolio(**values).weighting) == weighting

    @pytest.mark.parametrize(
        "values",
        [
            {"sizing": "strength", "strength_of_one": 25.0},
            {"sizing": "inverse_volatility", "volatility_of_one": 0.03, "max_weight": 1.5},
            {"sizing": "notional", "notional": 50_000.0, "mode": "event"},
        ],
    )
    def test_every_sizing_is_written_and_read_again(self, values, write):
        made = Experiment(strategy=Reaction(), portfolio=Portfolio(**values))
        assert read_experiment(write(made.to_toml())) == replace(made, run=made.run)

    def test_caps_that_are_not_said_are_off(self):
        book = Portfolio().book
        assert [book.max_positions, book.max_name, book.max_market, book.max_gross, book.max_net] == [
            math.inf
        ] * 5


class TestHedge:
    @pytest.mark.parametrize(
        "hedge",
        [
            Hedge(method="index", instrument="1306 JP"),
            Hedge(method="beta", instruments={"JP": "1306.T", "KR": "KS:069500"}, instrument="2800.HK"),
            Hedge(method="none", instruments={"JP": "1306.T"}),
        ],
    )
    def test_it_is_written_and_read_again(self, hedge, write):
        made = Experiment(strategy=Reaction(), hedge=hedge)
        assert read_experiment(write(made.to_toml())).hedge == hedge

    def test_symbols_are_named_as_prices_are_and_once(self):
        hedge = Hedge(method="beta", instruments={"JP": "1306 JP", "KR": "KS:069500"}, instrument="1306.T")
        assert hedge.symbols == ("1306.T", "069500.KS")

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            (
                '[hedge]\nmethod = "beta"\n',
                "line 2: expected [hedge] instrument or instruments with method = 'beta', got none; write for example",
            ),
            (
                '[hedge]\ninstrument = "1306.T"\n',
                "line 2: expected [hedge] method with instrument or instruments, got none; write method = 'beta'",
            ),
            (
                '[hedge]\nmethod = "index"\ninstruments = { jp = "1306.T" }\n',
                "line 3: expected [hedge] a value of instruments that fits, got {'jp': '1306.T'}; "
                "'jp' is no market; did you mean 'JP'?",
            ),
            (
                '[hedge]\nmethod = "index"\ninstrument = "topix-fund"\n',
                "line 3: expected [hedge] a value of instrument that fits, got 'topix-fund'; expected a symbol of",
            ),
            (
                '[hedge]\nmethod = "betta"\n',
                "line 2: expected [hedge] method to be one of none, beta, index,",
            ),
            (
                '[hedge]\nmethod = "index"\ninstrument = "N225"\n',
                "expected [hedge] an instrument that can be traded, got the index N225; take a fund that tracks it",
            ),
        ],
    )
    def test_mistakes_are_told_with_their_line(self, text, error, told):
        assert error in told(text)

    def test_an_index_level_hedges_where_index_levels_are_traded(self):
        hedge = Hedge(method="index", instrument="N225")
        assert Experiment(
            strategy=Reaction(), hedge=hedge, portfolio=Portfolio(allow_index=True)
        ).hedge.symbols == ("N225",)
        assert Experiment(strategy=Reaction(), hedge=Hedge(method="none", instrument="N225"))

    @pytest.mark.parametrize(("method", "more"), [("beta", ["1306.T"]), ("none", [])])
    def test_prices_of_the_hedge_are_read_besides_those_of_the_universe(self, method, more, tmp_path):
        names = ["8035.T", "1306.T", "6857.T"]
        pd.DataFrame({"symbol": names, "date": "2025-09-12", "close": 100.0}).to_csv(tmp_path / "p.csv")
        made = Experiment(
            strategy=Reaction(),
            prices=PricesSection(files=str(tmp_path / "p.csv")),
            hedge=Hedge(method=method, instrument="1306.T"),
        )
        events = events_of(
            pd.DataFrame({"known_by": ["2025-09-11T23:00Z"], "tag": "chip", "symbols": "8035.T"})
        )
        tape, _ = experiment_tape(made, universe(["8035.T"]), events)
        assert sorted(tape.symbols) == sorted(["8035.T", *more])


def fomc(**period):
    """Give the days of the Fed decisions of a period."""
    section = EventsSection(catalogue="fomc", **period)
    found = experiment_events(Experiment(strategy=Reaction(), events=section))
    return found.frame["known_by"].dt.strftime("%Y-%m-%d").tolist()


class TestInputs:
    def test_a_period_holds_its_first_and_its_last_day(self):
        """The Fed decided on 31 January, 20 March and 1 May 2024 (press releases at 14:00 New York)."""
        assert fomc(start="2024-01-31", end="2024-05-01") == ["2024-01-31", "2024-03-20", "2024-05-01"]
        assert fomc(start="2024-02-01", end="2024-04-30") == ["2024-03-20"]
        assert fomc(start="2024-03-20", end="2024-03-20") == ["2024-03-20"]
        assert fomc(start="2024-03-21", end="2024-04-30") == []

    def test_either_end_may_be_open(self):
        every = fomc()
        assert fomc(start=every[-2]) == every[-2:]
        assert fomc(end=every[1]) == every[:2]
        assert len(every) > 80

    def test_the_last_day_ends_at_midnight_of_utc(self, tmp_path):
        stamps = ["2024-01-01T23:59:59.999999999Z", "2024-01-02T00:00Z", "2024-01-02T08:59+09:00"]
        pd.DataFrame({"event_id": ["a", "b", "c"], "known_by": stamps, "tag": "chip"}).to_csv(
            tmp_path / "e.csv", index=False
        )
        section = EventsSection(files=str(tmp_path / "e.csv"), start="2024-01-01", end="2024-01-01")
        found = experiment_events(Experiment(strategy=Reaction(), events=section))
        assert sorted(found.frame["event_id"]) == ["a", "c"]

    @pytest.mark.parametrize(
        "day",
        [
            "soon",
            "2024",
            "2024-31-12",
            "31.01.2024",
            "2024-01-31T00:00Z",
            "9999-12-31",
            "2262-04-12",
            "1066-10-14",
        ],
    )
    def test_what_is_no_date_is_told_and_nothing_else(self, day):
        for end in ("start", "end"):
            with pytest.raises(InputError) as refused:
                fomc(**{end: day})
            assert (
                str(refused.value) == f"expected a date in {end} of [events], got '{day}'; write 2018-01-01"
            )

    def test_events_and_prices_must_be_named(self):
        nothing = Experiment(strategy=Reaction())
        with pytest.raises(InputError, match=r"files or catalogue under \[events\], got neither"):
            experiment_events(nothing)
        with pytest.raises(InputError, match=r"files or simulated = true under \[prices\], got neither"):
            experiment_tape(nothing, None, load_events("catalogue:fomc"))

    def test_an_unknown_catalogue_is_told(self):
        section = EventsSection(catalogue="fomcs")
        with pytest.raises(InputError, match="a shipped catalogue, got 'fomcs'; did you mean 'fomc'"):
            experiment_events(Experiment(strategy=Reaction(), events=section))

    def test_the_simulated_market_is_made_of_the_seed(self):
        events = load_events("catalogue:fomc")
        tapes = []
        for seed in (1, 1, 2):
            made = Experiment(
                strategy=Reaction(), prices=PricesSection(simulated=True), run=RunSection(seed=seed)
            )
            tape, truth = experiment_tape(made, universe(["8035.T"]), events)
            assert tape.simulated
            assert set(truth["symbol"]) == {"8035.T"}
            tapes.append(tape.digest())
        assert tapes[0] == tapes[1] != tapes[2]

    def test_events_that_are_loaded_are_not_loaded_again(self):
        loaded = load_events("catalogue:fomc")
        assert events_of(loaded) is loaded
        frame = pd.DataFrame({"known_by": ["2025-06-10T09:00"], "tag": "chip"})
        assert events_of(frame, zone="Asia/Tokyo").frame["known_by"][0] == pd.Timestamp("2025-06-10T00:00Z")
        assert len(events_of(frame, skip_bad=True)) == 0

    def test_everything_shipped_can_be_traded_but_indices(self):
        kinds = {instrument.kind for instrument in everything()}
        assert "stock" in kinds
        assert "index" not in kinds
        assert len(everything()) == sum(one.kind != "index" for one in known_instruments().values())

    def test_files_of_prices_are_read_as_far_as_needed(self, tmp_path):
        rows = [(symbol, "2025-06-11", 100.0) for symbol in ("8035.T", "9988.HK", "2330.TW")]
        pd.DataFrame(rows, columns=["symbol", "date", "close"]).to_csv(tmp_path / "p.csv", index=False)
        made = Experiment(strategy=Reaction(), prices=PricesSection(files=str(tmp_path / "p.csv")))
        events = load_events(
            pd.DataFrame({"known_by": ["2025-06-10T00:00Z"], "tag": "chip", "symbols": "9988.HK"})
        )
        some, truth = experiment_tape(made, universe(["8035.T"]), events)
        assert (some.symbols, truth) == (("8035.T", "9988.HK"), None)
        every, _ = experiment_tape(made, None, events)
        assert every.symbols == ("2330.TW", "8035.T", "9988.HK")

    def test_needed_are_the_universe_and_what_events_name(self):
        stamps = ["2025-06-10T00:00Z"] * 3
        named = ["9988.HK 8035.T", "", "005930.KS"]
        events = load_events(
            pd.DataFrame({"known_by": stamps, "tag": "chip", "symbols": named, "event_id": list("abc")})
        )
        assert needed(universe(["8035.T", "2330.TW"]), events) == [
            "8035.T",
            "2330.TW",
            "005930.KS",
            "9988.HK",
        ]

    def test_a_universe_is_the_one_given_else_the_strategys(self):
        held = Reaction(universe="asia-semis")
        assert universe_of(["8035.T"], held).symbols == ("8035.T",)
        assert universe_of(None, held).name == "asia-semis"
        assert universe_of(None, Reaction()) is None
        assert universe_of(None) is None

    @pytest.mark.parametrize("nothing", [None, (), []])
    def test_without_impacts_there_are_none_of_the_same_columns(self, nothing):
        events = load_events("catalogue:fomc")
        one = pd.DataFrame({"event_id": events.frame["event_id"][:1], "symbol": "8035.T", "polarity": 1.0})
        none, some = links_of(nothing, events).impacts, links_of(one, events).impacts
        assert list(none.columns) == list(some.columns)
        assert (len(none), len(some)) == (0, 1)
        assert none["polarity"].dtype == some["polarity"].dtype

    def test_an_anchored_experiment_reads_the_same_from_any_folder(self, write, tmp_path, monkeypatch):
        path = write(FULL)
        monkeypatch.chdir(tmp_path)
        read = read_experiment(Path(path.name))
        assert read.events.files[0] == "events.csv"
        elsewhere = tmp_path / "runs" / "one"
        elsewhere.mkdir(parents=True)
        (elsewhere / "experiment.toml").write_text(anchored(read).to_toml(), encoding="utf-8")
        assert read_experiment(elsewhere / "experiment.toml") == read_experiment(path)


def test_the_impacts_of_a_catalogue_come_with_it():
    events = load_events("catalogue:chips")
    alone, shipped = (links_of(None, events, catalogue=names).impacts for names in ((), ("chips", "fomc")))
    assert len(alone) == 0
    assert len(shipped) > 20
    assert set(shipped["event_id"]) <= set(events.frame["event_id"])
    one = shipped.iloc[[0]].assign(polarity=0.5)
    given = links_of(one, events, catalogue=("chips",)).impacts
    assert len(given) == len(shipped)
    assert given.iloc[0].to_dict() == one.iloc[0].to_dict()


def test_a_catalogue_among_the_files_of_an_experiment_is_a_catalogue():
    read = Experiment(strategy=Reaction(tag="chip"), events=EventsSection(catalogue=("fomc",)))
    section = read.with_paths(events=("own.csv", "catalogue:chips")).events
    assert section.files == ("own.csv",)
    assert section.catalogue == ("chips",)


CUT = pd.DataFrame(
    {
        "event_id": ["first", "echo", "own"],
        "known_by": ["2024-05-02T22:00Z", "2024-05-06T22:00Z", "2024-05-07T22:00Z"],
        "tag": "chip",
        "direction": "positive",
        "symbols": "8035.T",
        "story_id": ["s", "s", "t"],
    }
)
IMPACTS = pd.DataFrame({"event_id": CUT["event_id"], "symbol": "8035.T", "polarity": 1.0})


def test_a_period_makes_no_first_print_of_an_echo_and_no_stranger_of_an_event(tmp_path):
    CUT.to_csv(tmp_path / "events.csv", index=False)
    IMPACTS.to_csv(tmp_path / "impacts.csv", index=False)
    (tmp_path / "cut.toml").write_text(
        """
        [events]
        files = "events.csv"
        impacts = "impacts.csv"
        start = "2024-05-05"
        end = "2024-05-31"
        [prices]
        simulated = true
        [universe]
        symbols = "8035.T"
        [strategy]
        side_by = "impact"
        """,
        encoding="utf-8",
    )
    result = run_experiment(tmp_path / "cut.toml")
    assert result.audit["event_id"].tolist() == ["own"]
    skipped = result.manifest["skipped_events"]
    assert [(row["event_id"], row["code"]) for row in skipped] == [("echo", "echo")]


def test_the_market_is_made_of_the_stories_that_are_first_told_in_the_period():
    events = load_events(CUT.assign(tag="tariff", direction="escalation")).between(
        "2024-05-05T00:00Z", "2024-06-01T00:00Z"
    )
    made = Experiment(strategy=Reaction(), prices=PricesSection(simulated=True))
    assert experiment_tape(made, universe(["8035.T"]), events)[1]["event_id"].tolist() == ["own"]


def test_orders_as_of_an_instant_may_have_impacts_of_later_events():
    strategy = Reaction(tag="chip", side_by="impact")
    orders = signals(CUT, ["8035.T"], strategy, as_of="2024-05-02T22:30Z", impacts=IMPACTS)
    assert orders["event_id"].tolist() == ["first"]
    with pytest.raises(InputError, match="got 'owl'; did you mean 'own'"):
        signals(CUT, ["8035.T"], strategy, impacts=IMPACTS.replace("own", "owl"))


class TestAlign:
    """Which instruments are listed, and what is said of events that have none."""

    EVENTS = pd.DataFrame(
        {
            "event_id": ["both", "other", "wide", "none"],
            "known_by": [f"2024-05-0{day}T22:00Z" for day in (6, 7, 8, 9)],
            "tag": "chip",
            "symbols": ["8035.T 2330.TW", "2330.TW", "", ""],
            "scope": ["", "", "market:JP", "market:IN"],
        }
    )

    def rows(self, **options):
        table = align(self.EVENTS, **options)
        assert list(table.columns) == ALIGN_COLUMNS
        return dict(zip(zip(table["event_id"], table["symbol"], strict=True), table["reason"], strict=True))

    def test_a_universe_leaves_out_what_events_name_beside_it(self):
        found = self.rows(universe=["8035.T"])
        assert list(found) == [("both", "8035.T"), ("other", ""), ("wide", "8035.T"), ("none", "")]
        assert found["other", ""] == found["none", ""] == "it names no instrument of the universe"

    def test_without_a_universe_what_events_name_is_listed(self):
        found = self.rows()
        assert {("both", "2330.TW"), ("both", "8035.T"), ("other", "2330.TW")} < set(found)
        assert len([event for event, _ in found if event == "wide"]) > 5

    def test_what_has_no_prices_says_so(self):
        prices = pd.DataFrame({"symbol": "8035.T", "date": ["2024-05-07"], "close": [100.0]})
        for universe_ in (None, ["8035.T", "2330.TW"]):
            found = self.rows(prices=prices, universe=universe_)
            assert list(found) == [("both", "8035.T"), ("other", ""), ("wide", "8035.T"), ("none", "")]
            assert found["other", ""] == "there are no prices for the instrument"
            assert found["none", ""] == "it names no instrument of the universe"

    def test_a_row_without_an_instrument_has_no_instants(self):
        table = align(self.EVENTS, universe=["8035.T"])
        row, reached = table.iloc[1], table.iloc[0]
        assert row[["first_tradable", "first_open", "first_close"]].isna().all()
        assert (row["venue"], row["phase"], bool(row["ambiguous"])) == ("", "", False)
        assert row["known_by"] == pd.Timestamp("2024-05-07T22:00Z")
        assert reached[["first_tradable", "first_open", "first_close"]].notna().all()
        assert table.dtypes.equals(align(self.EVENTS.iloc[:1], universe=["8035.T"]).dtypes)
        assert table.dtypes.equals(align(self.EVENTS.iloc[3:], universe=["8035.T"]).dtypes)

    def test_a_latency_may_be_a_duration(self):
        late = self.EVENTS.iloc[:1].assign(known_by="2024-05-06T23:30Z")
        first = [
            align(late, universe=["8035.T"], latency=wait)["first_open"][0] for wait in (0, 3600, "60min")
        ]
        assert first == [pd.Timestamp(f"2024-05-0{day}T00:00Z") for day in (7, 8, 8)]


def test_levels_are_no_orders():
    events = CUT.assign(symbols="N225 8035.T")
    orders = signals(events, ["N225", "8035.T"], Reaction(tag="chip"), as_of="2024-05-02T22:30Z")
    assert orders["symbol"].tolist() == ["8035.T"]


def test_signals_take_the_impacts_of_a_catalogue():
    impacts = catalogue_impacts(["chips"])
    events = load_events("catalogue:chips").frame.set_index("event_id")
    stated = impacts[impacts["polarity"] != 0]
    event, symbol = stated.iloc[-1][["event_id", "symbol"]]
    as_of = events.loc[event, "known_by"]
    strategy = Reaction(tag="chip", side_by="impact")
    orders = signals("catalogue:chips", [symbol], strategy, as_of=as_of)
    assert (event, symbol) in set(zip(orders["event_id"], orders["symbol"], strict=True))
