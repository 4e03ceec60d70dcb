"""A store of 2,700 symbols and ten years into the tape, and its files with pandas; a million rows imported, audited."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aftershock.data.calendars import cache, sessions
from aftershock.data.prices import Tape, audit, load_tape
from aftershock.data.prices.imports import import_prices
from aftershock.data.prices.series import Series
from aftershock.data.prices.store import Key, Store

SYMBOLS = [f"{number}.T" for number in range(1300, 4000)]
BARS = 2_500
MILLION = SYMBOLS[: 1_000_000 // BARS]
WHOLE = f"{len(SYMBOLS):,} symbols x {BARS:,} daily bars"

FIRST_OR_WARM = "from aftershock.data.prices import load_tape; load_tape(sys.argv[1])"
MAPPED = "from aftershock.data.prices import Tape; Tape.load(sys.argv[1])"
PANDAS = (
    "import pandas, pathlib; pandas.concat([pandas.read_parquet(path) for path in "
    "sorted(pathlib.Path(sys.argv[1]).glob('made/1d/*.parquet'))], ignore_index=True)"
)


def made(number: int) -> pd.DataFrame:
    """Bars of one instrument as they would be traded: a random walk that pays a dividend twice a year."""
    rng = np.random.default_rng(number)
    days = sessions("XTKS").session
    close = 1000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, BARS)))
    opened = close * np.exp(rng.normal(0.0, 0.005, BARS))
    return pd.DataFrame(
        {
            "at": days[(days >= 16436) & (days < 20200)][:BARS],
            "open": opened,
            "high": np.maximum(opened, close) * 1.01,
            "low": np.minimum(opened, close) * 0.99,
            "close": close,
            "volume": 1e6,
            "dividend": np.where(np.arange(BARS) % 125 == 0, 1.0, 0.0),
            "split": 1.0,
        }
    )


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory):  # type: ignore[no-untyped-def]
    """A folder for everything, compiled tapes included: nothing of the user's cache is touched."""
    folder = tmp_path_factory.mktemp("prices")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        sessions("XTKS")
        yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def store(place: Path) -> Store:
    store = Store(place / "store", create=True)
    for number, symbol in enumerate(SYMBOLS):
        store.write(Key("made", "1d", symbol), Series.of(made(number), "1d", {"currency": "JPY"}))
    return store


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    tables = [made(number).assign(symbol=symbol) for number, symbol in enumerate(MILLION)]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(date=table.pop("at").to_numpy("M8[D]").astype("M8[ns]"), currency="JPY")


def forget() -> None:
    """Throw compiled tapes away."""
    shutil.rmtree(cache.folder().parent / "tapes", ignore_errors=True)


def peak(what: str, path: Path) -> str:
    """Tell how much memory a fresh process takes at most (its own: ru_maxrss would count its parent's)."""
    tell = "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    if not Path("/proc/self/status").exists():
        return "unknown"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {what}; {tell}", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return f"{int(done.stdout.split()[1]) / 1024:.0f} MB"


def with_pandas(store: Store) -> pd.DataFrame:
    """Only rows one below the other, of what a tape also says about sessions, adjustment and faults."""
    files = sorted((store.path / "made" / "1d").glob("*.parquet"))
    return pd.concat([pd.read_parquet(path) for path in files], ignore_index=True)


def test_the_two_agree(store: Store) -> None:
    tape, table = load_tape(store), with_pandas(store)
    assert len(tape) == len(table) == len(SYMBOLS) * BARS
    assert np.allclose(tape.close * tape.factor, table["close"], rtol=1e-12, atol=0)


@pytest.mark.benchmark(group=WHOLE)
def test_first_load(benchmark, store: Store) -> None:  # type: ignore[no-untyped-def]
    forget()
    benchmark.extra_info["peak"] = peak(FIRST_OR_WARM, store.path)
    benchmark.pedantic(load_tape, args=(store,), setup=forget, rounds=5)


@pytest.mark.benchmark(group=WHOLE)
def test_warm_load(benchmark, store: Store) -> None:  # type: ignore[no-untyped-def]
    load_tape(store)
    benchmark.extra_info["peak"] = peak(FIRST_OR_WARM, store.path)
    benchmark.pedantic(load_tape, args=(store,), rounds=10)


@pytest.mark.benchmark(group=WHOLE)
def test_saved_tape(benchmark, store: Store, place: Path) -> None:  # type: ignore[no-untyped-def]
    load_tape(store).save(place / "tape")
    benchmark.extra_info["peak"] = peak(MAPPED, place / "tape")
    tape = benchmark.pedantic(Tape.load, args=(place / "tape",), rounds=10)
    assert len(tape) == len(SYMBOLS) * BARS


@pytest.mark.benchmark(group=WHOLE)
def test_read_by_pandas(benchmark, store: Store) -> None:  # type: ignore[no-untyped-def]
    benchmark.extra_info["peak"] = peak(PANDAS, store.path)
    benchmark.pedantic(with_pandas, args=(store,), rounds=5)


@pytest.fixture(scope="module")
def file(place: Path, rows: pd.DataFrame) -> Path:
    rows.to_csv(place / "rows.csv", index=False)
    return place / "rows.csv"


@pytest.mark.benchmark(group="import: a CSV of 1,000,000 rows, 400 symbols")
def test_import(benchmark, file: Path, place: Path) -> None:  # type: ignore[no-untyped-def]
    def new() -> tuple[tuple[Path], dict[str, object]]:
        shutil.rmtree(place / "imported", ignore_errors=True)
        return (file,), {"source": "desk", "store": place / "imported"}

    found = benchmark.pedantic(import_prices, setup=new, rounds=3)
    assert found.outcomes["rows"].sum() == len(MILLION) * BARS


@pytest.mark.benchmark(group="import: a CSV of 1,000,000 rows, 400 symbols")
def test_split_by_pandas(benchmark, file: Path, place: Path) -> None:  # type: ignore[no-untyped-def]
    """A file for each symbol, and no more: no checks, digests, locks, or comparison with what was there."""

    def split() -> None:
        (place / "split").mkdir(exist_ok=True)
        for symbol, own in pd.read_csv(file, parse_dates=["date"]).groupby("symbol"):
            own.to_parquet(place / "split" / f"{symbol}.parquet", index=False)

    benchmark.pedantic(split, rounds=3)


@pytest.mark.benchmark(group="a table of 1,000,000 rows")
def test_audit(benchmark, rows: pd.DataFrame) -> None:  # type: ignore[no-untyped-def]
    found = benchmark.pedantic(audit, args=(rows,), rounds=3)
    assert found.coverage["bars"].sum() == len(rows)


@pytest.mark.benchmark(group="a table of 1,000,000 rows")
def test_tape_of_a_table(benchmark, rows: pd.DataFrame) -> None:  # type: ignore[no-untyped-def]
    tape = benchmark.pedantic(Tape.from_frame, args=(rows,), rounds=3)
    assert len(tape) == len(rows)
