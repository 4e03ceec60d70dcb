"""Reading news: texts, pages, folders, standard input, tables; and what is hostile among them."""

import gzip
import io
import json
import sys
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.data.errors import InputError
from aftershock.data.news.documents import MAX_BYTES, MAX_TEXT, read_documents
from aftershock.data.news.markup import read_markup


def read(path, **more):
    return list(read_documents(path, **more))


def one(path, **more):
    (document,) = read(path, **more)
    return document


@pytest.fixture
def put(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


# Wraps


@pytest.mark.parametrize("name", ["wrap.txt", "wrap.md", "wrap"])
def test_a_text_is_one_document_as_it_stands(put, name):
    path = put(name, "Fed cuts\r\n\r\nRates¥\n")
    document = one(path, published="2025-09-12", zone="Asia/Seoul")
    assert (document.file, document.row, document.places) == (str(path), None, None)
    assert document.text == "Fed cuts\r\n\r\nRates¥\n"
    assert (document.published, document.zone) == ("2025-09-12", "Asia/Seoul")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(put, encoding):
    assert one(put("wrap.txt", "¥ rises".encode(encoding))).text == "¥ rises"


def test_bytes_that_are_no_utf8_and_nuls_become_one_character_each(put):
    notes = []
    document = one(put("wrap.txt", b"a\xffb\0c"), notes=notes)
    assert document.text == "a\ufffdb\ufffdc"
    assert "expected UTF-8 text, got other bytes from byte 1 on" in str(notes[0])


def test_an_empty_file_is_refused(put):
    with pytest.raises(InputError, match="expected a text, got an empty file"):
        read(put("wrap.txt", " \n"))


def test_a_page_without_text_is_refused(put):
    with pytest.raises(InputError, match="expected a text, got an empty file"):
        read(put("wrap.html", "<html><script>var fed = 1</script></html>"))


def test_what_is_too_large_is_refused_at_once(put):
    started = time.perf_counter()
    with pytest.raises(InputError, match=f"one news text of at most {MAX_BYTES:,} bytes"):
        read(put("wrap.txt", b"Fed cuts. " * 5_000_000))
    with pytest.raises(InputError, match=f"got a text of {MAX_TEXT + 2:,} characters"):
        read(put("wrap.txt", b"a" * (MAX_TEXT + 2)))
    assert time.perf_counter() - started < 5


def test_a_missing_file_names_its_neighbour(put):
    path = put("wrap.txt", "x")
    with pytest.raises(InputError, match=r"no such file; did you mean 'wrap\.txt'"):
        read_documents(path.with_name("wrop.txt"))


def test_another_kind_of_file_is_refused(put):
    with pytest.raises(InputError, match=r"expected a text, a page or a table, got '.pdf'; give .txt"):
        read_documents(put("wrap.pdf", "x"))


def test_an_unknown_zone_is_refused_before_anything_is_read(put):
    with pytest.raises(InputError, match="did you mean 'Asia/Seoul'"):
        read_documents(put("wrap.txt", "x"), zone="Asia/Seol")


def test_a_folder_is_its_files_in_order_and_the_others_are_listed(put, tmp_path):
    for name in ("b.txt", "a/z.txt", "a/y.html", "c.pdf", ".hidden.txt"):
        put(name, f"<p>{name}</p>" if name.endswith("html") else name)
    put("d.csv", "tag,headline\nfed,x\n")
    notes = []
    texts = [document.text.strip() for document in read_documents(tmp_path, notes=notes)]
    assert texts == ["a/y.html", "a/z.txt", "b.txt"]
    assert [note.file.rsplit("/", 1)[1] for note in notes] == ["c.pdf", "d.csv"]


def test_a_folder_without_news_is_refused(put, tmp_path):
    put("c.pdf", "x")
    with pytest.raises(InputError, match="expected a folder of news files, got none among 1 files"):
        read_documents(tmp_path)


@pytest.mark.parametrize("text", ["Fed cuts", "<!doctype html><p>Fed cuts</p>"])
def test_standard_input_is_a_text_or_a_page(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    document = one("-")
    assert (document.file, document.text.strip()) == ("-", "Fed cuts")


# Pages


def text_of(page):
    return read_markup(page).text.strip()


def test_what_is_no_article_is_dropped():
    page = """<html><head><title>Site</title><style>p {}</style><script>if (a < b) "</p>"</script></head>
    <body><nav><nav>In</nav>Home</nav><h1>Fed   cuts</h1><!-- <p>no</p> --><p>Chips &amp;
    <b>AI</b>&nbsp;rise&#46;</p><aside>Ad</aside><footer>(c)</footer><form>Sign up</form></body></html>"""
    assert text_of(page) == "Fed cuts\nChips & AI\xa0rise."


def test_the_title_stands_in_for_a_heading():
    assert text_of("<title>Fed cuts</title><p>Rates fall.</p>") == "Fed cuts\nRates fall."


def test_blocks_and_rows_become_lines_and_cells_words():
    assert text_of("<table><tr><td>KOSPI</td><td>+1.5%</td></tr><tr><td>HSI</td></tr></table>a<br>b") == (
        "KOSPI +1.5%\nHSI\na\nb"
    )


def test_a_form_around_the_article_and_a_page_of_asides_keep_their_text():
    assert text_of("<form><input><h1>Fed</h1><p>cuts</p></form>") == "Fed\ncuts"
    assert text_of("<aside>Fed cuts</aside>") == "Fed cuts"


def test_the_pages_own_stamps_are_its_stamp(put):
    page = """<meta property="article:published_time" content="2025-09-12T04:08:00+01:00">
    <meta content='2025-09-12T04:10:00+01:00' property='article:modified_time'><p>Fed cuts</p>"""
    assert one(put("a.html", page)).published == "2025-09-12T04:08:00+01:00/2025-09-12T04:10:00+01:00"
    assert one(put("a.html", page), published="2025-09-13").published == "2025-09-13"
    assert read_markup(page.replace("+01:00", "")).published == ""


def test_every_character_knows_its_place():
    page = "<p>Fed  <b>cuts</b> &lt;25&gt; bp</p>\n<p>chips</p>"
    found = read_markup(page)
    start = found.text.index("cuts")
    assert page[found.places[start] : found.places[start + 4]] == "cuts</b>"[:4] + "</b>"
    assert found.places[-1] == len(page)
    for word in ("Fed", "25", "chips"):
        at = found.text.index(word)
        assert page[found.places[at] :].startswith(word)


PIECES = [*"<>/!-'\"= &;#x1\n\t pabFé\u200b\u202e", "<p>", "</p>", "<nav>", "&amp;", "<!--", "<script>"]
MARKUP = st.lists(st.sampled_from(PIECES)).map("".join)


@given(MARKUP | st.text())
def test_places_never_fall_and_unchanged_characters_are_the_files(page):
    found = read_markup(page)
    assert len(found.places) == len(found.text) + 1
    assert (np.diff(found.places) >= 0).all()
    assert found.places[-1] == len(page)
    for character, place in zip(found.text, found.places, strict=False):
        if not character.isspace() and page[place] not in "&":
            assert page[place] == character


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "<a ",
        "<a b='",
        '<a b="',
        "<!--",
        "<![",
        "</",
        "<div>",
        "<script>",
        "&",
        "&#",
        "<b>x</b>",
        "<nav>",
        "'<\">",
    ],
)
def test_hostile_markup_takes_linear_time(unit):
    page = unit * (2_000_000 // len(unit))
    started = time.perf_counter()
    read_markup(page + "<p>Fed cuts</p>")
    assert time.perf_counter() - started < 20


def test_twenty_megabytes_of_blanks_are_one():
    started = time.perf_counter()
    found = read_markup("<p>Fed" + " \n\t" * 7_000_000 + "cuts</p>")
    assert found.text.strip() == "Fed cuts"
    assert time.perf_counter() - started < 20


# Tables


def test_a_row_of_csv_is_a_document(put):
    path = put(
        "n.csv", '\nid,Title,date,zone\n1,"Fed, again\ncuts",2025-09-12,Asia/Seoul\n\n2,Chips,2025-09-13,\n'
    )
    first, second = read(path, zone="UTC")
    assert (first.row, first.text, first.published, first.zone) == (
        3,
        "Fed, again\ncuts",
        "2025-09-12",
        "Asia/Seoul",
    )
    assert (second.row, second.text, second.zone, second.is_headline) == (6, "Chips", "UTC", True)


def test_csv_may_be_compressed_and_have_a_mark(put):
    path = put("n.csv.gz", gzip.compress("headline,time\nFed,2025-09-12\n".encode("utf-16")))
    assert [(news.row, news.text) for news in read(path)] == [(2, "Fed")]


def test_jsonl_and_parquet_rows_are_documents(put, tmp_path):
    rows = [
        {"headline": "Fed", "known_from": "2025-09-12", "known_by": "2025-09-13"},
        {"headline": "x\ud800\0", "known_by": "2025-09-14"},
    ]
    path = put("n.jsonl", "\n".join(json.dumps(row) for row in rows))
    assert [(news.row, news.text, news.published) for news in read(path)] == [
        (1, "Fed", "2025-09-12/2025-09-13"),
        (2, "x\ufffd\ufffd", "2025-09-14"),
    ]
    stamps = pd.to_datetime(["2025-09-12 00:00", "2025-09-13 04:10"])
    frame = pd.DataFrame({"text": ["a", "b"], "published": stamps, "other": [1, 2]})
    frame.to_parquet(tmp_path / "n.parquet")
    assert [(news.row, news.published) for news in read(tmp_path / "n.parquet")] == [
        (1, "2025-09-12"),
        (2, "2025-09-13T04:10:00"),
    ]
    frame.assign(published=stamps.tz_localize("Asia/Tokyo")).to_parquet(tmp_path / "z.parquet")
    assert read(tmp_path / "z.parquet")[1].published == "2025-09-13T04:10:00+09:00"


def test_rows_without_text_are_left_out_and_listed(put):
    notes = []
    assert [
        news.text for news in read(put("n.csv", "title,date\n,2025-09-12\nb,2025-09-12\n"), notes=notes)
    ] == ["b"]
    assert "line 2, column title: expected a headline, got an empty cell; the row is left out" in str(
        notes[0]
    )


def test_a_given_stamp_fills_empty_times(put):
    path = put("n.csv", "title,date\na,\nb,2025-09-12\n")
    assert [news.published for news in read(path, published="2025-09-01")] == ["2025-09-01", "2025-09-12"]
    with pytest.raises(
        InputError, match="line 2, column date: expected when it was published, got an empty cell"
    ):
        read(path)


@pytest.mark.parametrize(
    ("name", "data", "match"),
    [
        ("n.csv", "tag,headline,date\nfed,x,2025-09-12\n", "expected news, got a table of tagged events"),
        (
            "n.csv",
            "body,date\nx,2025-09-12\n",
            "expected a column 'headline', 'title' or 'text', got only body, date",
        ),
        ("n.csv", "headline\nx\n", r"expected a column 'published' \(or --published\)"),
        ("n.csv", "headline,date\nx\n", "line 2: expected 2 cells, got 1"),
        (
            "n.csv",
            'headline,date\n"x,2025-09-12\n',
            "line 2: expected a row of CSV cells, got unexpected end of data",
        ),
        (
            "n.csv",
            "headline,headline\nx,y\n",
            "line 1: expected columns with different names, got twice 'headline'",
        ),
        ("n.csv", "headline,date\n", "expected rows of headlines, got none"),
        (
            "n.csv",
            "headline,date,zone\nx,2025-09-12,Asia/Seol\n",
            "line 2, column zone: .* did you mean 'Asia/Seoul'",
        ),
        ("n.csv", "headline,date\n" + "x" * 70_000 + ",2025-09-12\n", "a text of at most 65,536 characters"),
        (
            "n.csv",
            "headline,date\n" + "x" * 2**20 + "x,2025-09-12\n",
            "lines of at most 1,048,576 characters",
        ),
        ("n.jsonl", "[1]\n", "line 1: expected a JSON object, got a JSON list"),
        ("n.jsonl", "{\n", "line 1: expected a JSON object"),
        ("n.jsonl", "[" * 100_000 + "\n", "line 1: expected a JSON object"),
        ("n.jsonl", '{"headline": 5, "date": "2025-09-12"}\n', "got a int; give a wrap"),
        ("n.parquet", "no", "expected a Parquet file"),
        ("n.csv.gz", "no", "expected a file that can be read"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(put, name, data, match):
    with pytest.raises(InputError, match=match):
        read(put(name, data))


def test_memory_stays_flat_over_a_hundred_thousand_rows(put):
    rows = "".join(f"Fed cuts rates by {row} basis points,2025-09-12\n" for row in range(100_000))
    path = put("n.csv", "headline,date\n" + rows)
    tracemalloc.start()
    count = sum(1 for _ in read_documents(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 2_000_000


@pytest.mark.shared
def test_the_seeds_are_read_as_they_stand(shared):
    first, second = read(shared / "seeds")
    assert (len(first.text), first.places) == (4396, None)
    assert second.text[81:108] != first.text[81:108] == "Published 12/09/2025, 04:08"
