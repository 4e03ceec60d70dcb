"""Take the pictures of the README: ``python docs/images/take.py runs/demo/report.html``.

Those of a run are of the report given; that of a sweep is of one on the simulated market, made here.
"""

import runpy
import sys
import tempfile
from pathlib import Path

import aftershock as af

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
browser = runpy.run_path(str(ROOT / "tests/factories/chromium.py"))["browser"]

OPEN = """
(() => {
  const buttons = [...document.querySelectorAll("#run-1-events-table button.open")];
  buttons[3].click();
})()
"""
PRESS = "document.querySelector('#sweep-figure-heat td.best button').click()"


def main(report: Path) -> None:
    """Open the report light and dark, wide and narrow, and keep what a reader sees."""
    with browser() as tab, tempfile.TemporaryDirectory() as place:
        for name, width, height, dark in (
            ("first-page", 1200, 1560, False),
            ("first-page-phone", 400, 1560, True),
        ):
            tab.show(width, height, dark=dark)
            tab.open(report)
            (HERE / f"{name}.png").write_bytes(tab.picture("body", height=height))
        tab.show(1200, 1000)
        tab.open(report)
        tab.run(OPEN)
        (HERE / "event.png").write_bytes(tab.picture(".drill", height=860, margin=8))
        tab.open(sweep().report(Path(place) / "sweep.html"))
        (HERE / "sweep.png").write_bytes(tab.picture("body", height=1400))
        tab.run(PRESS)
        (HERE / "sweep-heat.png").write_bytes(tab.picture("#sweep-figure-heat", margin=16))


def sweep() -> af.Sweep:
    """Run a sweep of 1,680 trials on a simulated market, and 40 on dates of no news beside it."""
    events = af.load_events(["catalogue:fomc", "catalogue:tariffs"]).between(
        "2021-01-01T00:00Z", "2025-12-31T00:00Z"
    )
    made = af.simulated_market("asia-semis", start="2020-12-01", end="2025-12-31", events=events.frame)
    grid = {
        "hold": range(21),
        "stop": ["off", 0.02, 0.04, 0.06, 0.08],
        "take": ["off", 0.03, 0.06, 0.1],
        "stance": ["follow", "fade"],
        "delay": [0, 1],
    }
    book = af.Portfolio(mode="account", capital=1_000_000, currency="USD")
    strategy = af.Reaction(tag=("fed", "tariff"))
    return af.sweep(events, made.tape, strategy, grid, portfolio=book, placebo=40, name="fed and tariffs")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
