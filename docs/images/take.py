"""Take the pictures of the README from the report of the demo: ``python docs/images/take.py runs/demo/report.html``."""

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
browser = runpy.run_path(str(HERE.parent.parent / "tests/factories/chromium.py"))["browser"]

OPEN = """
(() => {
  const buttons = [...document.querySelectorAll("#run-1-events-table button.open")];
  buttons[3].click();
})()
"""


def main(report: Path) -> None:
    """Open the report light and dark, wide and narrow, and keep what a reader sees."""
    with browser() as tab:
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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
