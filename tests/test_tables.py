"""Tables: read with line numbers, refused with reasons, written whole or not at all."""

import gzip
import json
import re

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from aftershock.data.errors import InputError
from aftershock.data.tables import (
    LINE,
    Where,
    check_columns,
    lines_of,
    read_metadata,
    read_table,
    write_parquet,
    write_text,
)


@pytest.fixture
def put(tmp_path):
    def put(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


def columns(frame):
    return frame.astype(object).where(frame.notna(), None).to_dict("list")


class TestCsv:
    def test_cells_stay_text_and_only_empty_ones_are_missing(self, put):
        frame = read_table(put("a.csv", "id,note\n007,NA\n1.50,\nnan,null\n"))
        assert columns(frame) == {
            "id": ["007", "1.50", "nan"],
            "note": ["NA", None, "null"],
            LINE: [2, 3, 4],
        }

    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            ("a,b\n1,2\n3,4\n", [2, 3]),
            ("a,b\n1,2\n\n\n3,4", [2, 5]),
            ('a,b\n"x\ny",2\n"p\n\nq","r\ns"\n3,4\n', [2, 4, 8]),
            ('a,b\r\n1,"2\r\n4"\r\n5,6\r\n', [2, 4]),
            ("a,b\r1,2\r3,4\r", [2, 3]),
            ("\n\na,b\n1,2\n", [4]),
            ('"a\nc",b\n1,2\n', [3]),
            ("a,b\n,\n1,2\n", [3]),
            ('a,b\n1,x"y\n2,"say ""yes"""\n', [2, 3]),
        ],
    )
    def test_lines_are_those_an_editor_shows(self, put, text, lines):
        assert read_table(put("a.csv", text))[LINE].tolist() == lines

    def test_gzip_and_byte_order_mark(self, put):
        frame = read_table(put("a.csv.gz", gzip.compress("\ufeffa,b\n1,ü\n".encode())))
        assert columns(frame) == {"a": ["1"], "b": ["ü"], LINE: [2]}

    def test_a_header_alone_is_a_table_without_rows(self, put):
        for text in ("a,b", "a,b\n", "a,b\n\n"):
            frame = read_table(put("a.csv", text))
            assert list(frame.columns) == ["a", "b", LINE]
            assert frame.empty

    def test_ragged_rows_are_all_named_by_line(self, put):
        path = put("a.csv", 'a,b\n"x\ny",2\n3\n4,5\n6,7,8\n')
        with pytest.raises(InputError, match="line 4: expected 2 cells, got 1") as caught:
            read_table(path)
        assert [(p.line, p.got) for p in caught.value.problems] == [(4, "1"), (6, "3")]

    @pytest.mark.parametrize(
        ("text", "line"), [('a,b\n1,2\n3,"4\n5,6\n', 3), ('a,b\n1,2\n"3,4\n5,6\n', 3), ('a\n"x\ny\n', 2)]
    )
    def test_a_quote_that_never_closes(self, put, text, line):
        with pytest.raises(InputError, match=f"line {line}: expected a closing quote"):
            read_table(put("a.csv", text))

    def test_not_utf_8(self, put):
        with pytest.raises(InputError, match=r"line 3: expected UTF-8 text, got the byte 0xe9"):
            read_table(put("a.csv", b"a,b\n1,2\n3,caf\xe9\n"))

    def test_a_name_twice(self, put):
        with pytest.raises(InputError, match="line 1: expected columns with different names, got twice 'a'"):
            read_table(put("a.csv", "a,b,a\n1,2,3\n"))

    def test_long_cells_and_many_rows(self, put):
        long = "x" * 3_000_000
        frame = read_table(put("a.csv", f'a,b\n1,"{long}"\n' + "2,3\n" * 50_000))
        assert len(frame.loc[0, "b"]) == len(long)
        assert frame[LINE].iloc[-1] == 50_002


class TestJsonl:
    def test_values_keep_their_types_and_lines(self, put):
        frame = read_table(put("a.jsonl", '{"a": "007", "b": 1}\n\n{"a": "2025-09-12", "c": [1]}\n'))
        assert frame["a"].tolist() == ["007", "2025-09-12"]
        assert frame["b"].iloc[0] == 1.0
        assert np.isnan(frame["b"].iloc[1])
        assert frame["c"].iloc[1] == [1]
        assert frame[LINE].tolist() == [1, 3]

    @pytest.mark.parametrize(
        ("line", "got"), [('{"a": ', "Expecting value at character 7"), ("[1]", "a JSON list")]
    )
    def test_a_line_that_is_no_object(self, put, line, got):
        with pytest.raises(InputError, match=f"line 2: expected a JSON object, got {re.escape(got)}"):
            read_table(put("a.jsonl", '{"a": 1}\n' + line + "\n"))


class TestParquet:
    def test_rows_are_counted_and_the_index_becomes_a_column(self, tmp_path):
        path = tmp_path / "a.parquet"
        days = pd.date_range("2025-09-11", periods=2, name="date")
        pd.DataFrame({"close": [1.0, 2.0]}, index=days).to_parquet(path)
        frame = read_table(path)
        assert list(frame.columns) == ["date", "close", LINE]
        assert frame[LINE].tolist() == [1, 2]

    @pytest.mark.parametrize("kind", ["str", "category"])
    def test_where_loads_chosen_rows_with_their_own_numbers(self, tmp_path, kind):
        path = tmp_path / "a.parquet"
        frame = pd.DataFrame({"symbol": list("abcab"), "close": range(5)}).astype({"symbol": kind})
        frame.to_parquet(path)
        seen = []

        def keep(texts):
            seen.extend(texts)
            return {"b", "c"}

        chosen = read_table(path, where=Where(("ticker", "symbol"), keep))
        assert sorted(seen) == ["a", "b", "c"]
        assert chosen["close"].tolist() == [1, 2, 4]
        assert chosen[LINE].tolist() == [2, 3, 5]
        assert len(read_table(path, where=Where(("symbol",), lambda texts: []))) == 0

    def test_where_on_text_files_and_on_tables_without_the_column(self, put):
        where = Where(("symbol",), lambda texts: [text for text in texts if text != "a"])
        assert read_table(put("a.csv", "symbol\na\nb\n"), where=where)[LINE].tolist() == [3]
        assert len(read_table(put("b.csv", "close\n1\n2\n"), where=where)) == 2


class TestRefusals:
    def test_missing_files_suggest_neighbours(self, put, tmp_path):
        put("prices.csv", "a\n1\n")
        with pytest.raises(InputError, match=r"got nothing; did you mean 'prices.csv'\?"):
            read_table(tmp_path / "price.csv")
        with pytest.raises(InputError, match=r"check the path$"):
            read_table(tmp_path / "zzz.parquet")
        with pytest.raises(InputError, match="there is no folder"):
            read_table(tmp_path / "nowhere" / "prices.csv")

    @pytest.mark.parametrize(
        ("name", "content", "match"),
        [
            ("a.csv", b"", "expected a table, got an empty file"),
            ("a.csv", b"\xef\xbb\xbf\n\n", "expected a table, got an empty file"),
            ("a.jsonl", b"\n", "expected a table, got an empty file"),
            ("a.csv.gz", b"not gzip", "expected a readable file, got Not a gzipped file"),
            ("a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-6], "expected a readable file"),
            ("a.parquet", b"PAR1 and no more", "expected a Parquet file"),
            ("a.xlsx", b"x", r"expected a file that ends in .csv, .*, got .xlsx"),
            ("a", b"x", "got no suffix"),
        ],
    )
    def test_files_that_cannot_be_read(self, put, name, content, match):
        with pytest.raises(InputError, match=match):
            read_table(put(name, content))

    def test_a_folder(self, tmp_path):
        with pytest.raises(InputError, match="expected a file, got a folder"):
            read_table(tmp_path)


class TestColumns:
    def test_unknown_columns_come_back_and_near_ones_are_refused(self):
        known, required = ["symbol", "date", "close", "volume"], ["symbol", "date"]
        assert check_columns(["symbol", "date", "colour", LINE], known, required) == ["colour"]
        assert check_columns(["symbol", "date", "volume", "volumes"], known, required) == ["volumes"]
        with pytest.raises(InputError, match=r"column volumes: .* rename it to 'volume'"):
            check_columns(["symbol", "date", "volumes"], known, required)

    def test_every_missing_column_is_told_once(self):
        with pytest.raises(InputError, match="rename it to 'symbol'") as caught:
            check_columns(["Symbol", "price"], ["close"], ["symbol", "date"], "a.csv")
        assert [str(problem) for problem in caught.value.problems] == [
            "a.csv, column Symbol: expected a known column, got 'Symbol'; rename it to 'symbol', or drop it",
            "a.csv: expected a column 'date', got only Symbol, price; add it",
        ]

    def test_lines_without_the_column_are_rows(self):
        assert lines_of(pd.DataFrame({"a": [1, 2]}, index=[7, 9])).tolist() == [1, 2]


class TestWriting:
    def test_text_and_parquet_come_back(self, tmp_path):
        write_text("ü\r\n", tmp_path / "new" / "a.txt")
        assert (tmp_path / "new" / "a.txt").read_bytes() == "ü\r\n".encode()
        frame = pd.DataFrame({"a": [1, 2], LINE: [5, 6]}, index=[3, 4])
        write_parquet(frame, tmp_path / "a.parquet", {"digest": "abc"})
        assert list(pq.read_table(tmp_path / "a.parquet").column_names) == ["a"]
        assert read_metadata(tmp_path / "a.parquet")["digest"] == "abc"
        assert read_table(tmp_path / "a.parquet")["a"].tolist() == [1, 2]

    def test_the_same_table_gives_the_same_bytes(self, tmp_path):
        frame = pd.DataFrame({"a": [1.5, None], "b": ["x", "y"]})
        for name in ("one", "two"):
            write_parquet(frame, tmp_path / name, {"k": "v"})
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()

    def test_a_failure_leaves_the_old_file_and_nothing_else(self, tmp_path, monkeypatch):
        write_text("old", tmp_path / "a.parquet")

        def half(table, place):
            place.write_bytes(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(pq, "write_table", half)
        with pytest.raises(InputError, match="expected a place that can be written, got No space left"):
            write_parquet(pd.DataFrame({"a": [1]}), tmp_path / "a.parquet")
        assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
        assert (tmp_path / "a.parquet").read_text() == "old"

    def test_any_other_failure_leaves_nothing_either(self, tmp_path):
        with pytest.raises(UnicodeEncodeError):
            write_text("\ud800", tmp_path / "a.txt")
        assert list(tmp_path.iterdir()) == []

    def test_places_that_cannot_be_written(self, tmp_path):
        write_text("x", tmp_path / "file")
        (tmp_path / "folder").mkdir()
        for place, told in (
            (tmp_path / "file" / "a.txt", r"expected a place that can be written, got .* choose another"),
            (tmp_path / "folder", "expected a place for a file, got a folder; name a file inside it"),
        ):
            with pytest.raises(InputError, match=told):
                write_text("y", place)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_million_rows_come_back_whole(tmp_path):
    n = 1_000_000
    text = "symbol,close\n" + "8035.T,1.25\n" * n
    write_text(text, tmp_path / "a.csv")
    frame = read_table(tmp_path / "a.csv")
    assert len(frame) == n
    assert frame[LINE].iloc[-1] == n + 1
    assert set(frame["close"].unique()) == {"1.25"}


def test_json_and_csv_of_one_table_agree(tmp_path):
    rows = [{"event_id": f"e{i}", "headline": "a, b\n" * (i % 3)} for i in range(9)]
    write_text("\n".join(json.dumps(row) for row in rows), tmp_path / "a.jsonl")
    pd.DataFrame(rows).to_csv(tmp_path / "a.csv", index=False)
    a, b = read_table(tmp_path / "a.jsonl"), read_table(tmp_path / "a.csv")
    assert a["event_id"].tolist() == b["event_id"].tolist()
    assert a["headline"].tolist() == b["headline"].fillna("").tolist()
    assert b[LINE].tolist() == [2, 3, 5, 8, 9, 11, 14, 15, 17]
