"""Numbers of news: index moves, movers and macro prints, each literal case and trap."""

import json
import math
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.data.news.macro import alternation
from aftershock.data.news.mentions import find_mentions, yahoo_style
from aftershock.data.news.numbers import index_moves, macro_prints, movers
from aftershock.data.news.types import IndexMove, Macro, Mover, Sentence, Span

NAN = float("nan")


def sentences(text: str) -> list[Sentence]:
    """Split a text by lines and full stops."""
    return [
        Sentence(Span(match.start(), match.end()), "body")
        for match in re.finditer(r"[^\n]+?(?:(?<=[a-z%)\d])\.(?=\s+[A-Z])|(?=\n)|$)", text)
    ]


def moves(text: str) -> list[IndexMove]:
    split = sentences(text)
    return index_moves(text, split, find_mentions(text, split))


def listed(text: str) -> list[Mover]:
    split = sentences(text)
    return movers(text, split, find_mentions(text, split))


def same(ours, meant) -> bool:
    """Compare numbers and words where NaN equals NaN."""
    return len(ours) == len(meant) and all(
        one == two or (isinstance(one, float) and math.isnan(one) and math.isnan(two))
        for one, two in zip(ours, meant, strict=True)
    )


MOVES = {
    "South Korea’s KOSPI index jumped 1.3%, buoyed by chips": [("KOSPI", 1.3, NAN, NAN, "")],
    "Hong Kong’s Hang Seng index advanced 1.5%, with Hang Seng TECH sub-index surging nearly 2.5%.": [
        ("HSI", 1.5, NAN, NAN, ""),
        ("HSTECH", 2.5, NAN, NAN, "nearly"),
    ],
    "Nikkei 225 climbed 0.8% to 44,888 points, a fresh record peak": [
        ("N225", 0.8, 44888.0, NAN, "record level")
    ],
    "TOPIX index gained 0.5%, also hitting fresh record highs of 3,171.7 points.": [
        ("TOPIX", 0.5, 3171.7, NAN, "record level")
    ],
    "Shanghai Composite\u00a0edged 0.2% lower, while the Shanghai Shenzhen CSI 300 fell 0.4%": [
        ("SSEC", -0.2, NAN, NAN, ""),
        ("CSI300", -0.4, NAN, NAN, ""),
    ],
    "Futures for India’s Nifty 50 were largely unchanged": [
        ("NIFTY50", 0.0, NAN, NAN, "were largely unchanged")
    ],
    "The Straits Times Index was little changed.": [("STI", 0.0, NAN, NAN, "was little changed")],
    "The S&P/ASX 200 edged down 0.2%": [("ASX200", -0.2, NAN, NAN, "")],
    "Japan's Nikkei 225 reached a fresh record high despite political unrest": [
        ("N225", NAN, NAN, NAN, "reached a fresh record high")
    ],
    "Nikkei: 395.62 or +0.89% to 44768.12": [("N225", 0.89, 44768.12, 395.62, "")],
    "Shanghai Composite: (4.71) or (0.12%) to 3870.60": [("SSEC", -0.12, 3870.60, -4.71, "")],
    "Nikkei 225 +0.89% at 44,768.12": [("N225", 0.89, 44768.12, NAN, "")],
    "Hang Seng Index: 26,388.16 (+1.16%)": [("HSI", 1.16, 26388.16, NAN, "")],
    "Hang Seng Index | 26,388.16 | -301.84 | -1.16%": [("HSI", -1.16, 26388.16, -301.84, "")],
    "KOSPI down 0.4% at 3,380.12": [("KOSPI", -0.4, 3380.12, NAN, "")],
    "Nifty up 100 points": [("NIFTY50", NAN, NAN, 100.0, "")],
    "Sensex rose 398 points to end at 81,947.": [("SENSEX", NAN, 81947.0, 398.0, "")],
    "The Nikkei 225 fell 1.2%, or 450.33 points, to close at 37,155.50.": [
        ("N225", -1.2, 37155.5, -450.33, "")
    ],
    "Australia's ASX 200 was 0.3% higher at 8,864.9 points.": [("ASX200", 0.3, 8864.9, NAN, "")],
    "Taiwan's benchmark Taiex closed up 1.03% at 25,474.64.": [("TAIEX", 1.03, 25474.64, NAN, "")],
    "The Topix, a broader gauge, added about 0.2%.": [("TOPIX", 0.2, NAN, NAN, "about")],
    "KOSPI posted a 1.5% gain": [("KOSPI", 1.5, NAN, NAN, "")],
    "KOSPI suffered a 1.5% drop": [("KOSPI", -1.5, NAN, NAN, "")],
    "Shanghai Composite Index pared losses to trade 0.1% lower": [("SSEC", -0.1, NAN, NAN, "")],
    "Nikkei 225 hit a record high of 45,000.": [("N225", NAN, 45000.0, NAN, "hit a record high")],
    "The Dow and the S&P 500 rose 0.3% and 0.5%, respectively.": [
        ("DJIA", 0.3, NAN, NAN, ""),
        ("SPX", 0.5, NAN, NAN, ""),
    ],
    "The S&P 500 and the Nasdaq fell 1%.": [("SPX", -1.0, NAN, NAN, ""), ("NASDAQ", -1.0, NAN, NAN, "")],
    "Nvidia slumped almost 10 percent, dragging the Philadelphia semiconductor index down 4%.": [
        ("SOX", -4.0, NAN, NAN, "")
    ],
    "U.S. stock index futures traded largely unchanged": [
        (symbol, 0.0, NAN, NAN, "traded largely unchanged") for symbol in ("ES=F", "YM=F", "NQ=F")
    ],
    "All three benchmark U.S. stock indexes closed at record highs": [
        (symbol, NAN, NAN, NAN, "closed at record highs") for symbol in ("SPX", "DJIA", "NASDAQ")
    ],
    "Hong Kong and South Korea were the top performers": [
        (symbol, NAN, NAN, NAN, "were the top performers") for symbol in ("HSI", "KOSPI")
    ],
    "Asian stock markets extended their rally": [("", NAN, NAN, NAN, "extended their rally")],
    "Tokyo stocks open 0.28% lower": [("N225", -0.28, NAN, NAN, "")],
    "The CSI 300 fell 0.4%. The ChiNext fell 1%. Both indices saw sharp gains on Thursday": [
        ("CSI300", -0.4, NAN, NAN, ""),
        ("CHINEXT", -1.0, NAN, NAN, ""),
        ("CSI300", NAN, NAN, NAN, "saw sharp gains"),
        ("CHINEXT", NAN, NAN, NAN, "saw sharp gains"),
    ],
}

NO_MOVES = (
    "KOSPI is expected to rise 2% this year.",
    "KOSPI could fall 5%",
    "$-¥: +0.39 or +0.27% to 147.6150",
    "A$-$: (0.00) or (0.06%) to 0.6656",
    "The Nifty 50 and the CSI 300 and the S&P 500",
    "The Nikkei reported that Sony gained 3%",
    "Huawei's smartphone gains in China",
    "South Korea and Japan signed a deal",
    "Hong Kong was hit by a typhoon",
)


class TestIndexMoves:
    @pytest.mark.parametrize(("text", "meant"), MOVES.items())
    def test_moves(self, text, meant):
        ours = [one[1:] for one in moves(text)]
        assert len(ours) == len(meant)
        assert all(same(one, two) for one, two in zip(ours, meant, strict=True)), ours

    @pytest.mark.parametrize("text", NO_MOVES)
    def test_what_tells_no_move(self, text):
        assert moves(text) == []

    def test_a_percent_and_a_record_level_are_no_one_quote(self):
        [move] = moves("Nikkei 225 climbed 0.8% to 44,888 points, a fresh record peak")
        assert move.qualifier == "record level"
        assert math.isnan(move.change)

    def test_spans_hold_the_statement(self):
        text = "Stocks rose. Japan’s broader TOPIX index gained 0.5%, also. Futures for India’s Nifty 50 were flat."
        assert [text[one.span.start : one.span.end] for one in moves(text)] == [
            "Japan’s broader TOPIX index gained 0.5%",
            "Futures for India’s Nifty 50 were flat",
        ]


MOVERS = {
    "+13.6% 9627.JP (Ain Holdings): reports Q1 earnings; revenue ¥132.97B vs FactSet ¥122.93B": [
        ("9627.T", 13.6, "reports Q1 earnings; revenue ¥132.97B vs FactSet ¥122.93B")
    ],
    "-0.8% 2229.JP (CALBEE): acquires 58% stake in Hodo In; terms undisclosed": [
        ("2229.T", -0.8, "acquires 58% stake in Hodo In; terms undisclosed")
    ],
    "(3.2%) 6857.JP (Advantest): cuts FY guidance": [("6857.T", -3.2, "cuts FY guidance")],
    "* +4.1% 2330.TT (TSMC) - August sales beat": [("2330.TW", 4.1, "August sales beat")],
    "Tokyo Electron (8035.JP) -2.3%: cut to neutral at Nomura": [
        ("8035.T", -2.3, "cut to neutral at Nomura")
    ],
    "Notable Decliners:\n1.0% 6030.HK (CITIC Securities): curbs": [("6030.HK", -1.0, "curbs")],
    "Notable Gainers:\n1.0% 6030.HK (CITIC Securities): curbs": [("6030.HK", 1.0, "curbs")],
    "buoyed by SK Hynix Inc (KS:000660), which surged nearly 6% to a record high after announcing HBM4.": [
        ("000660.KS", 6.0, "announcing HBM4")
    ],
    "Samsung Electronics shares tumbled as much as 3.5% after it cut its outlook.": [
        ("005930.KS", -3.5, "it cut its outlook")
    ],
    "Shares of Nvidia (NVDA) rose 2.1% on Friday on strong guidance.": [("NVDA", 2.1, "strong guidance")],
    "Tencent (700.HK) and Meituan (3690.HK) fell 2.1% and 3.4%, respectively, on worries.": [
        ("0700.HK", -2.1, "worries"),
        ("3690.HK", -3.4, "worries"),
    ],
    "Hang Seng Bank rose 2% while the Hang Seng fell 1%.": [("0011.HK", 2.0, "")],
    "Alibaba, up 5%, led": [("9988.HK", 5.0, "")],
    "Coal India shares rise almost 5%": [("COALINDIA.NS", 5.0, "")],
}

NO_MOVERS = (
    "TSMC's August revenue rose 34% from a year earlier.",
    "Toyota raised its stake to 58% in Hino Motors.",
    "Apple gained 3% market share.",
    "AI deals drove 359% y/y increase in Oracle's (ORCL) remaining performance obligations",
    "Alibaba's chip offers double the bandwidth and more than 40% improved power efficiency",
    "Hynix could rise 5%",
    "1.0% 6030.HK (CITIC Securities): curbs",
    "Airtel Q1 net profit jumps 40 per cent",
)


class TestMovers:
    @pytest.mark.parametrize(("text", "meant"), MOVERS.items())
    def test_movers(self, text, meant):
        assert [one[1:] for one in listed(text)] == meant

    @pytest.mark.parametrize("text", NO_MOVERS)
    def test_a_percent_that_is_no_move(self, text):
        assert listed(text) == []


PRINTS = {
    "Data on Thursday showed that the U.S. consumer price index rose 0.4% month-on-month in August, "
    "slightly above expectations, while weekly jobless claims jumped to 263,000, pointing": [
        ("US CPI", "August", 0.4, NAN, NAN, "% m/m"),
        ("US initial jobless claims", "", 263000.0, NAN, NAN, "persons"),
    ],
    "Japan July\nIndustrial Production m/m (revised) (1.2%) versus (1.6%) in prior month": [
        ("Japan industrial production", "July", -1.2, NAN, -1.6, "% m/m")
    ],
    "Chinese data due.\nIndustrial production growth expected to moderate to 5.6% y/y in August from 5.7% in July.": [
        ("industrial production", "August", NAN, 5.6, 5.7, "% y/y")
    ],
    "China slowed in August. Retail sales growth forecast to pick up to 3.8% from 3.7% in July, weakest YTD.": [
        ("China retail sales", "August", NAN, 3.8, 3.7, "%")
    ],
    "Urban unemployment rate expected to be flat at 5.2%.": [("unemployment rate", "", NAN, 5.2, 5.2, "%")],
    "authorities waited after H1 GDP grew 5.3% y/y.": [("GDP", "H1", 5.3, NAN, NAN, "% y/y")],
    "China saw a 33% plunge in exports to US in August": [
        ("China exports to US", "August", -33.0, NAN, NAN, "%")
    ],
    "US CPI y/y 2.9% vs consensus 2.8% and 2.7% in prior month": [("US CPI", "", 2.9, 2.8, 2.7, "% y/y")],
    "U.S. retail sales rose 0.6% in August, beating the 0.2% forecast, after a 0.5% gain in July.": [
        ("US retail sales", "August", 0.6, 0.2, 0.5, "%")
    ],
    "China's exports fell 1.2% on-year in August, compared with expectations for a 5% rise.": [
        ("China exports", "August", -1.2, 5.0, NAN, "% y/y")
    ],
    "Japan's core CPI slowed to 2.7% in August from 3.1% in July.": [
        ("Japan core CPI", "August", 2.7, NAN, 3.1, "%")
    ],
    "The unemployment rate fell to 4.2% from 4.3%.": [("unemployment rate", "", 4.2, NAN, 4.3, "%")],
    "Nonfarm payrolls increased by 22,000 in August, well below the 75,000 expected.": [
        ("US nonfarm payrolls", "August", 22000.0, 75000.0, NAN, "persons")
    ],
    "China's official manufacturing PMI came in at 49.4 in August, up from 49.3 in July.": [
        ("China manufacturing PMI", "August", 49.4, NAN, 49.3, "points")
    ],
    "Initial jobless claims 263K vs 235K expected": [
        ("US initial jobless claims", "", 263000.0, 235000.0, NAN, "persons")
    ],
    "GDP grew an annualized 2.2% in the second quarter, in line with expectations.": [
        ("GDP", "second quarter", 2.2, 2.2, NAN, "% annualized")
    ],
    "Australia Q2 GDP +0.6% q/q versus StreetAccount +0.5% and +0.3% in prior quarter": [
        ("Australia GDP", "Q2", 0.6, 0.5, 0.3, "% q/q")
    ],
    "Core machinery orders m/m (4.6%) vs StreetAccount (1.7%)": [
        ("machinery orders", "", -4.6, -1.7, NAN, "% m/m")
    ],
    "Economists expect China's industrial output to grow 5.7% in August.": [
        ("China industrial production", "August", NAN, 5.7, NAN, "%")
    ],
    "Traders are pricing in a near-certainty of a 25-basis-point reduction, with slim odds of more.": [
        ("FOMC target change", "", NAN, -25.0, NAN, "bp")
    ],
    "The RBA may hold; markets are pricing in a 25bp hike by the BOJ.": [
        ("BOJ target change", "", NAN, 25.0, NAN, "bp")
    ],
}

NO_PRINTS = (
    "Apple's retail sales fell 3%.",
    "The Fed wants to bring inflation to 2%.",
    "Industrial production was weak and 58% of firms said so.",
    "Oracle's remaining performance obligations rose 359% y/y.",
    "Trump called for tariffs of up to 100% on exports.",
    "firmed Fed rate cut bets, and increased the chances of a 50 bps cut",
    "KOSPI jumped 1.3%",
    "The economy is short of 5% of its workers",
)


class TestMacroPrints:
    @pytest.mark.parametrize(("text", "meant"), PRINTS.items())
    def test_prints(self, text, meant):
        ours = [one[1:] for one in macro_prints(text, sentences(text))]
        assert len(ours) == len(meant)
        assert all(same(one, two) for one, two in zip(ours, meant, strict=True)), ours

    @pytest.mark.parametrize("text", NO_PRINTS)
    def test_what_tells_no_print(self, text):
        assert macro_prints(text, sentences(text)) == []

    def test_what_was_closed_says_nothing_of_the_next_paragraph(self):
        text = "Japan is calm in July.\nRetail sales rose 1.0%."
        [one] = macro_prints(text, sentences(text))
        assert (one.name, one.period) == ("retail sales", "")

    def test_spans_hold_the_statement(self):
        text = "Recall H1 GDP grew 5.3% y/y. The U.S. consumer price index rose 0.4% month-on-month in August, above."
        assert [text[one.span.start : one.span.end] for one in macro_prints(text, sentences(text))] == [
            "H1 GDP grew 5.3%",
            "consumer price index rose 0.4% month-on-month in August",
        ]

    @given(st.sets(st.text(alphabet="ab-c ", min_size=1, max_size=6), min_size=1, max_size=12))
    def test_alternation_matches_its_words_and_no_other(self, words):
        pattern = re.compile(alternation(words))
        assert all(pattern.fullmatch(word) for word in words)
        assert pattern.fullmatch("abx") is None
        assert pattern.match(max(words, key=len))[0] == max(words, key=len)


PIECES = [
    *("Nikkei", "KOSPI", "Alibaba", " fell", " rose", " 1.3%", "(4.71)", " or", " to"),
    *(",", " ", "\n", "+", "GDP", "."),
]


class TestBounds:
    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.sampled_from(PIECES), max_size=25))
    def test_any_text_gives_spans_of_its_own(self, words):
        text = "".join(words)
        found = [*moves(text), *listed(text), *macro_prints(text, sentences(text))]
        assert all(0 <= one.span.start < one.span.end <= len(text) for one in found)

    @pytest.mark.parametrize(
        "piece",
        [
            *(
                "1",
                "1,",
                "Nikkei ",
                "Nikkei 1% ",
                "Nikkei: 1",
                "Nikkei rose ",
                " .N225",
                "Hang Seng rose 0.5% and ",
            ),
            *(
                "Samsung fell 5% after ",
                "+1% 9988.HK (",
                "GDP grew 1% vs ",
                "Both indexes ",
                "1% rise in ",
                "MSCI A",
            ),
            *("expects 25", "Asian ", "three a ", "%", "  ", "\x00", "Nikkei\n"),
        ],
    )
    def test_hostile_lines_take_bounded_time(self, piece):
        text = (piece * 200_000)[:200_000]
        whole = [Sentence(Span(0, len(text)), "body")]
        mentions = find_mentions(text, whole)
        started = time.process_time()
        index_moves(text, whole, mentions)
        movers(text, whole, mentions)
        macro_prints(text, whole)
        assert time.process_time() - started < 8


SEED_002_MARKETS = [
    ("N225", 0.89, 44768.12, 395.62),
    ("HSI", 1.16, 26388.16, 301.84),
    ("SSEC", -0.12, 3870.60, -4.71),
    ("SZSC", -0.25, 2462.49, -6.17),
    ("ASX200", 0.68, 8864.90, 59.90),
    ("KOSPI", 1.54, 3395.54, 51.34),
    ("SENSEX", 0.49, 81947.14, 398.41),
]
SEED_002_TOLD = [
    *("", "", "HSI", "SSEC", "SZSC", "KOSPI", "TAIEX", "ASX200", "N225", "", "JKSE", "NIFTY50"),
    *("ES=F", "YM=F", "NQ=F", "", "", "KOSPI", "N225", "KOSPI", "TAIEX", "HSI"),
]
SEED_002_MOVERS = [
    ("9627.T", 13.6),
    ("6138.TWO", 9.9),
    ("9888.HK", 8.1),
    ("000660.KS", 7.0),
    ("9988.HK", 5.4),
    ("6030.HK", -1.0),
    ("2229.T", -0.8),
    ("6957.T", -0.4),
]
SEED_002_MACRO = [
    ("China industrial production", NAN, 5.6, 5.7),
    ("China retail sales", NAN, 3.8, 3.7),
    ("China unemployment rate", NAN, 5.2, 5.2),
    ("China GDP", 5.3, NAN, NAN),
    ("China exports to US", -33.0, NAN, NAN),
    ("Japan industrial production", -1.2, NAN, -1.6),
]


@pytest.mark.shared
class TestSeeds:
    def test_seed_000_against_its_annotation(self, shared):
        gold = json.loads((shared / "labels/gold_wrap_000.json").read_text(encoding="utf-8"))["documents"][0]
        text = (shared / "seeds/000_211e76bec58d9872.txt").read_text(encoding="utf-8")
        split = sentences(text[: text.index("Latest comments")])
        ours = index_moves(text, split, find_mentions(text, split))
        statements = set()
        for meant in gold["index_statements"]:
            start, end = meant["span"]
            near = [one for one in ours if one.span.start < end and start < one.span.end]
            wanted = meant["yahoo"] if isinstance(meant["yahoo"], list) else [meant["yahoo"] or ""]
            wanted = {"998405.T" if symbol == "^TPX" else symbol for symbol in wanted}
            numbers = tuple(NAN if number is None else number for number in (meant["pct"], meant["level"]))
            told = {yahoo_style(one.symbol) for one in near if same((one.percent, one.level), numbers)}
            assert wanted <= told, meant["id"]
            statements.update(id(one) for one in near)
        assert {one.span for one in ours if id(one) not in statements} == {Span(0, 24)}
        [mover] = movers(text, split, find_mentions(text, split))
        assert (mover.symbol, mover.percent, mover.span) == (
            "000660.KS",
            6.0,
            Span(*gold["movers"][0]["span"]),
        )
        assert [one[3:5] for one in macro_prints(text, split)] == [
            (one["actual"], pytest.approx(NAN, nan_ok=True)) if one["expected"] is None
            else (pytest.approx(NAN, nan_ok=True), one["expected"])
            for one in gold["macro"]
        ]  # fmt: skip

    def test_seed_002_as_read_by_eye(self, shared):
        text = (shared / "seeds/002_182d62441b110ae4.txt").read_text(encoding="utf-8")
        split = sentences(text)
        mentions = find_mentions(text, split)
        ours = index_moves(text, split, mentions)
        assert [one[1:5] for one in ours if not math.isnan(one.level)] == SEED_002_MARKETS
        assert [one.symbol for one in ours if math.isnan(one.level)] == SEED_002_TOLD
        assert [one[1:3] for one in movers(text, split, mentions)] == SEED_002_MOVERS
        prints: list[Macro] = macro_prints(text, split)
        numbers = [(one.name, one.actual, one.expected, one.previous) for one in prints]
        assert len(numbers) == len(SEED_002_MACRO)
        assert all(same(one, two) for one, two in zip(numbers, SEED_002_MACRO, strict=True)), numbers
        assert [one.period for one in prints] == ["August", "August", "August", "H1", "August", "July"]
