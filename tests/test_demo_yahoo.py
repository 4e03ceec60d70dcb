"""The demo where Yahoo answers: its real client against the server on the loopback."""

import json

import numpy as np
from inputs import call
from yahoo_server import UNKNOWN, Market, server

from aftershock.data.prices import yahoo
from aftershock.data.universes import universe
from aftershock.demonstration import demo

__all__ = ["server"]


def test_the_demo_takes_yahoos_prices(server, tmp_path, capsys):
    server.market = Market(first="2018-01-02", last="2025-10-30")
    server.market.splits = {"2330.TW": [("2024-06-13", 2)]}
    done = call(capsys, "demo", "--out", tmp_path / "run")
    assert done.code == 0
    assert "SIMULATED" not in done.out
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text("utf-8"))
    assert not manifest["simulated"]
    assert manifest["prices"]["sources"] == [yahoo.SOURCE]
    asked = {symbol.replace("^", "") for symbol, *_ in server.asked}
    assert asked >= {one.symbol for one in universe("asia-tech") if one.kind == "stock"}
    stats = json.loads((tmp_path / "run" / "stats.json").read_text("utf-8"))
    assert stats["headline"]["trades"] > 100
    assert np.isfinite(stats["headline"]["total_return"])


def test_a_name_that_yahoo_lacks_is_left_out_and_most_of_them_are_not(server, monkeypatch):
    monkeypatch.setattr("aftershock.demonstration.UNIVERSE", "asia-semis")
    server.market = Market(first="2024-01-02", last="2024-12-30")
    server.answers["2330.TW"] = UNKNOWN
    result = demo()
    assert not result.simulated
    told = {row["symbol"] for row in result.manifest["warnings"] if row["code"] == "no_prices"}
    assert told == {"2330.TW"}
    for one in universe("asia-semis").symbols[::2]:
        server.answers[one] = UNKNOWN
    said = []
    assert demo(say=said.append).simulated
    assert any("SIMULATED market in the place of Yahoo's prices" in one for one in said)
