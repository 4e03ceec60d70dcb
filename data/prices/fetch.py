"""Fetching: Yahoo's prices into a store, politely, resumably, by as many processes as like to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import secrets
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from aftershock.data.errors import InputError, Problem
from aftershock.data.instants import local_date
from aftershock.data.prices import yahoo
from aftershock.data.prices.hours import DAILY
from aftershock.data.prices.series import Series, Update, changes_table, updated
from aftershock.data.prices.store import Key, State, Store, check_interval
from aftershock.data.tables import write_text, writing_to
from aftershock.data.universes import Instrument, Universe, universe

OVERLAP = 30
"""Days that ``recent`` asks for again, to notice a rewritten past."""
LOST_SHARE, LOST_BARS = 0.1, 10
"""An answer that lacks more of the bars there were than both is taken for a faulty one."""
TRIES = 5
"""How often one instrument is asked for before it counts as failed."""
LEAVE = 1.0
"""Seconds that threads are waited for when the user stops a fetch."""
BLINK = 0.05
"""Seconds before a series that another process writes is looked at again."""


class Manners(NamedTuple):
    """How politely to ask.

    Attributes
    ----------
    workers : int
        Requests under way at once.
    pause : float
        Seconds between the starts of two requests.
    batch : int
        After so many requests ...
    rest : float
        ... rest for so many seconds.
    backoff : float
        Seconds to wait after the first refusal (429) or fault; twice as long after each further one, for all workers.
    timeout : float
        Seconds for one request.
    """

    workers: int = yahoo.WORKERS
    pause: float = 0.1
    batch: int = 100
    rest: float = 2.0
    backoff: float = 5.0
    timeout: float = 30.0


class Outcome(NamedTuple):
    """What came of one series.

    ``outcome`` is ``new``, ``extended``, ``unchanged``, ``rewritten``, ``no_prices``, ``failed`` or ``unknown``.
    """

    symbol: str
    outcome: str
    rows: int = 0
    added: int = 0
    first: str = ""
    last: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Fetched:
    """What a fetch or an import left.

    Attributes
    ----------
    store : Store
        Where.
    snapshot : str
        The name of the state it left, of the series it was about.
    outcomes : DataFrame
        `Outcome`, a row for each series.
    changes : DataFrame
        Where the source tells another past than before: see `aftershock.data.prices.series.Update`.
    """

    store: Store
    snapshot: str
    outcomes: pd.DataFrame
    changes: pd.DataFrame

    @property
    def failed(self) -> pd.DataFrame:
        """The rows of ``outcomes`` that the same call would ask for again."""
        return self.outcomes[self.outcomes["outcome"] == "failed"]


Progress = Callable[[Outcome, int, int], Any]
"""Told of each instrument as it is done: its outcome, how many are done, how many there are."""


def fetch_prices(
    symbols: str | Iterable[str] | Universe,
    start: Any = "2018-01-01",
    end: Any = None,
    *,
    store: str | Path | Store = "prices",
    interval: str = DAILY,
    recent: bool = False,
    accept_losses: bool = False,
    manners: Manners | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Bring a store up to date with Yahoo's prices.

    Whole histories are asked for, because a source rewrites its past and one request gives all of it; what agrees
    keeps its bytes. Each series is written as soon as it is there, so that nothing already fetched is lost, whatever
    stops the fetch; called again on the same day with the same arguments, one that was stopped or had failures goes
    on where it was. Several processes may fetch into one store: they share the work. Dates between those asked for
    before and those asked for now are asked for too, so that a series has no hole.

    Parameters
    ----------
    symbols : str, iterable of str or Universe
        A universe by name, or symbols in any dialect.
    start, end : date or str
        First and last local date; ``end`` None is the last session that is over.
    store : path or Store
        Made where there is none.
    interval : str
        ``1d``, or intraday where Yahoo has it (``60m``: two years; shorter ones: two months or less).
    recent : bool
        Ask only for what is new and the last 30 days; the whole again where those tell another past, and where a
        series does not begin as early as ``start`` yet.
    accept_losses : bool
        Believe an answer that lacks much of what there was (more than 10 bars and a tenth), which else fails. The
        state before stays readable as a snapshot.
    manners : Manners, optional
        How politely.
    progress : callable, optional
        Told of each instrument as it is done.

    Returns
    -------
    Fetched
        Which may have failures in it: they are rows of ``outcomes``, not exceptions.

    Raises
    ------
    InputError
        An unknown symbol, dates or an interval that cannot be, a place that is no store.
    KeyboardInterrupt
        After Ctrl-C, with everything fetched until then in the store.
    """
    return _Fetch(
        _job(symbols, start, end, interval, recent)._replace(accept_losses=accept_losses),
        _store(store),
        manners or Manners(),
        progress,
    ).run()


class _Job(NamedTuple):
    """What is fetched."""

    instruments: tuple[Instrument, ...]
    first: pd.Timestamp
    last: pd.Timestamp | None
    interval: str
    recent: bool
    accept_losses: bool = False

    @property
    def name(self) -> str:
        """Its name: the same for the same fetch on the same day (UTC), in every process."""
        symbols = [one.symbol for one in self.instruments]
        text = json.dumps([symbols, str(self.first), str(self.last), self.interval, self.recent])
        today = pd.Timestamp(time.time_ns()).strftime("%Y%m%d")
        return f"{today}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def key(self, instrument: Instrument) -> Key:
        """Say which series an instrument's bars go to."""
        return Key(yahoo.SOURCE, self.interval, instrument.symbol)

    def through(self, instrument: Instrument) -> pd.Timestamp:
        """Give the last date wanted that can be had."""
        over = yahoo.last_over(instrument.venue)
        return over if self.last is None else min(self.last, over)


def _job(symbols: str | Iterable[str] | Universe, start: Any, end: Any, interval: str, recent: bool) -> _Job:
    chosen = universe(symbols)
    interval = check_interval(interval)
    if interval != DAILY and interval not in yahoo.REACH:
        cure = "take one of them, or import bars from files"
        known = ", ".join([DAILY, *yahoo.REACH])
        raise InputError(Problem(f"an interval that Yahoo has ({known})", f"'{interval}'", cure))
    first = local_date(start, "start as a date")
    last = None if end is None else local_date(end, "end as a date")
    floor = yahoo.earliest(interval)
    first = first if floor is None else max(first, floor)
    if last is not None and first > last:
        got = f"{first.date()} to {last.date()}"
        cure = (
            "exchange the two" if floor is None else f"Yahoo keeps {interval} bars since {floor.date()} only"
        )
        raise InputError(Problem("a start that is not after the end", got, cure))
    instruments = tuple(sorted(chosen.instruments, key=lambda one: one.symbol))
    over = max(yahoo.last_over(one.venue) for one in instruments)
    if first > over:
        cure = f"choose an earlier start: the last session that is over is that of {over.date()}"
        raise InputError(Problem("a start with sessions that are over", str(first.date()), cure))
    return _Job(instruments, first, last, interval, recent)


def _store(store: str | Path | Store) -> Store:
    return store if isinstance(store, Store) else Store(store, create=True)


class _Fetch:
    """One fetch in one process: its queue, its pace and its marks."""

    def __init__(self, job: _Job, store: Store, manners: Manners, progress: Progress | None) -> None:
        self.job, self.store, self.manners, self.progress = job, store, manners, progress
        self.marks = self.here = store.path / ".fetching" / job.name
        self.waiting = deque(job.instruments)
        self.heard = False
        self.outcomes: dict[str, Outcome] = {}
        self.changes: dict[str, list[Any]] = {}
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.pace = _Pace(manners, self.stop)
        self.error: BaseException | None = None
        self.complete = False

    def run(self) -> Fetched:
        """Work through the queue with several threads; finish, or stop where the user says so."""
        _clear_older(self.marks)
        with self._present():
            self._share()
            if self.error is not None:
                raise self.error
            return self._finish()

    def _share(self) -> None:
        count = min(self.manners.workers, len(self.job.instruments))
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.1)
        finally:
            # A thread that writes finishes its file; one that waits for Yahoo is left behind.
            self.stop.set()
            deadline = time.monotonic() + LEAVE
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))

    @contextlib.contextmanager
    def _present(self) -> Iterator[None]:
        """Hold a lock beside the marks: the last one at a fetch that is complete clears them."""
        from filelock import FileLock

        self.here = self.marks / f"{secrets.token_hex(8)}.present"
        with self.store.lock("fetch"), writing_to(self.marks):
            self.marks.mkdir(parents=True, exist_ok=True)
            held = FileLock(self.here)
            held.acquire()
        try:
            yield
        finally:
            with self.store.lock("fetch"):
                held.release()
                if self.complete and self._is_last():
                    shutil.rmtree(self.marks, ignore_errors=True)
                self.here.unlink(missing_ok=True)

    def _is_last(self) -> bool:
        """Say whether no other process is at this fetch: what one that was killed left is locked by nobody."""
        from filelock import FileLock, Timeout

        for other in self.marks.glob("*.present"):
            if other != self.here:
                try:
                    with FileLock(other, timeout=0):
                        pass
                except Timeout:
                    return False
        return True

    def _work(self) -> None:
        try:
            while not self.stop.is_set():
                try:
                    instrument = self.waiting.popleft()
                except IndexError:
                    return
                with self.store.writing(self.job.key(instrument), wait=False) as held:
                    if held:
                        self._take(instrument)
                if not held:
                    self.waiting.append(instrument)
                    self.stop.wait(BLINK)
        except BaseException as error:
            self.error = error
            self.stop.set()

    def _take(self, instrument: Instrument) -> None:
        """Fetch one instrument, unless this fetch has done so already, here or elsewhere."""
        outcome = self._done_before(instrument) or self._ask(instrument)
        if self.stop.is_set() and outcome.outcome == "failed":
            return
        with self.lock:
            self.outcomes[instrument.symbol] = outcome
            if self.progress is not None:
                self.progress(outcome, len(self.outcomes), len(self.job.instruments))

    def _mark(self, instrument: Instrument) -> Path:
        return self.marks / self.store.file(self.job.key(instrument)).with_suffix(".json").name

    def _reached(self, instrument: Instrument) -> list[str]:
        """Identify what a mark was set for: a later session that is over, or another file, is not done yet."""
        key = self.job.key(instrument)
        digest = str(self.store.about(key)["digest"]) if self.store.file(key).exists() else ""
        return [str(self.job.through(instrument).date()), digest]

    def _done_before(self, instrument: Instrument) -> Outcome | None:
        try:
            kept = json.loads(self._mark(instrument).read_text("utf-8"))
            if kept["reached"] != self._reached(instrument):
                return None
            outcome = Outcome(*kept["outcome"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        self.changes[instrument.symbol] = kept["changes"]
        return outcome

    def _ask(self, instrument: Instrument) -> Outcome:
        """Ask until there is an answer, patience ends or the user stops it; write what came."""
        reason = "stopped"
        for attempt in range(TRIES):
            self.pace.wait()
            if self.stop.is_set():
                break
            try:
                outcome = self._answer(instrument, self.job.recent)
            except yahoo.YahooError as error:
                reason = f"{error} (asked {attempt + 1} times)"
                if self._gives_up(error):
                    break
                if error.kind == "none":
                    outcome = Outcome(instrument.symbol, "no_prices", reason=str(error))
                    self._put_mark(instrument, outcome)
                    return outcome
                if attempt + 1 < TRIES:
                    self.pace.slow_down(attempt, everybody=error.kind == "rate")
            else:
                if outcome.outcome != "failed":
                    self._put_mark(instrument, outcome)
                return outcome
        return Outcome(instrument.symbol, "failed", reason=reason)

    def _gives_up(self, error: yahoo.YahooError) -> bool:
        """Stop everything where the first thing heard is a fault, and Yahoo cannot be reached at all."""
        if self.heard or error.kind != "fault" or yahoo.answers():
            self.heard = True
            return False
        cure = "check the network, or import prices from files; what is in the store stays"
        self.error = InputError(Problem("an answer from Yahoo", str(error), cure))
        self.stop.set()
        return True

    def _answer(self, instrument: Instrument, recent: bool) -> Outcome:
        key, symbol = self.job.key(instrument), instrument.symbol
        try:
            old = self.store.read(key) if self.store.file(key).exists() else None
        except InputError as damage:
            return Outcome(symbol, "failed", reason=str(damage))
        first, last = self._dates(instrument, old, recent)
        answer = self._asked(instrument, first, last)
        if not len(answer):
            return Outcome(symbol, "no_prices", reason=f"no bars from {first.date()} to {last.date()}")
        window = yahoo.bounds(instrument, self.job.interval, first, last)
        if old is not None:
            if recent and first > self.job.first and updated(old, answer, symbol, window).rewritten:
                return self._answer(instrument, recent=False)
            doubt = _currency_doubt(old, answer) or (
                "" if self.job.accept_losses else _loss(old, answer, window)
            )
            if doubt:
                return Outcome(symbol, "failed", reason=f"{doubt}: the series was left as it is")
        try:
            update = self.store.write(key, answer, window)
        except InputError as refusal:
            if isinstance(refusal.__cause__, OSError):
                raise
            return Outcome(symbol, "failed", reason=str(refusal))
        self.changes[symbol] = update.changes.values.tolist()
        done = update.series
        return Outcome(symbol, kind_of(update, old is not None), len(done), update.added, *done.span)

    def _dates(
        self, instrument: Instrument, old: Series | None, recent: bool
    ) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Give the first and last date to ask for, without a hole to those asked for before."""
        first, last = self.job.first, self.job.through(instrument)
        if old is None or not len(old) or "asked_from" not in old.about:
            return first, last
        since, until = (local_date(old.about[name]) for name in ("asked_from", "asked_through"))
        day = pd.Timedelta(days=1)
        if recent and since <= first:
            first = max(first, pd.Timestamp(int(old.day[-1]), unit="D").as_unit("ns") - OVERLAP * day)
        floor = yahoo.earliest(self.job.interval)
        first = min(first, until + day)
        return first if floor is None else max(first, floor), max(last, since - day)

    def _asked(self, instrument: Instrument, first: pd.Timestamp, last: pd.Timestamp) -> Series:
        """Ask Yahoo, and say in the provenance for which dates."""
        answer = yahoo.ask(instrument, first, self.job.interval, timeout=self.manners.timeout)
        answer = answer.rows(answer.at <= yahoo.bounds(instrument, self.job.interval, first, last)[1])
        asked = {"asked_from": str(first.date()), "asked_through": str(last.date())}
        return Series(answer.at, answer.values, answer.interval, {**answer.about, **asked})

    def _put_mark(self, instrument: Instrument, outcome: Outcome) -> None:
        """Note that this fetch is done with an instrument."""
        changes, reached = self.changes.get(instrument.symbol, []), self._reached(instrument)
        mark = {"outcome": outcome, "changes": changes, "reached": reached}
        write_text(json.dumps(mark), self._mark(instrument))

    def _finish(self) -> Fetched:
        """Name the state that is reached and write it down."""
        outcomes = sorted(self.outcomes.values())
        states: dict[Key, State] = {}
        for key in map(self.job.key, self.job.instruments):
            # A file that is absent or damaged is no part of the state; its outcome says so.
            with contextlib.suppress(InputError):
                states |= self.store.states([key])
        snapshot = self.store.record(states)
        changes = changes_table(
            [tuple(row) for symbol in sorted(self.changes) for row in self.changes[symbol]]
        )
        self.complete = all(one.outcome != "failed" for one in outcomes)
        table = outcomes_table(outcomes)
        self.store.note(
            "fetch",
            source=yahoo.SOURCE,
            interval=self.job.interval,
            start=str(self.job.first.date()),
            snapshot=snapshot,
            outcomes=table["outcome"].value_counts().to_dict(),
            rewritten=table.loc[table["outcome"] == "rewritten", "symbol"].tolist(),
        )
        return Fetched(self.store, snapshot, table, changes)


class _Pace:
    """The pace of all workers of a process: pauses, rests, and a common wait after refusals."""

    def __init__(self, manners: Manners, stop: threading.Event) -> None:
        self.manners, self.stop = manners, stop
        self.lock = threading.Lock()
        self.next, self.asked = 0.0, 0

    def wait(self) -> None:
        """Wait for one's turn to ask."""
        with self.lock:
            now = time.monotonic()
            turn = max(self.next, now)
            self.asked += 1
            rest = self.manners.rest if self.asked % self.manners.batch == 0 else 0.0
            self.next = turn + self.manners.pause + rest
        self.stop.wait(turn - now)

    def slow_down(self, attempt: int, *, everybody: bool) -> None:
        """Wait longer after each refusal; where Yahoo says "too many requests", all workers do."""
        seconds = self.manners.backoff * 2.0**attempt * random.uniform(0.8, 1.2)
        if everybody:
            with self.lock:
                self.next = max(self.next, time.monotonic() + seconds)
        else:
            self.stop.wait(seconds)


def kind_of(update: Update, before: bool) -> str:
    """Name what came of a series that was there ``before`` or not."""
    kinds = {"rewritten": update.rewritten, "new": not before, "extended": bool(update.added)}
    return next((kind for kind, holds in kinds.items() if holds), "unchanged")


def outcomes_table(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """Make the table of outcomes."""
    table = pd.DataFrame(list(outcomes), columns=list(Outcome._fields), dtype=object)
    texts = dict.fromkeys(("symbol", "outcome", "first", "last", "reason"), "str")
    return table.astype({**texts, "rows": "int64", "added": "int64"})


def _loss(old: Series, new: Series, window: tuple[int, int]) -> str:
    """Say what an answer lacks of the bars inside the window, where that is too much to believe; "" else."""
    inside = (old.at >= window[0]) & (old.at <= window[1])
    lost = int((inside & ~pd.Index(old.at).isin(new.at)).sum())
    if lost <= max(LOST_BARS, LOST_SHARE * len(old)):
        return ""
    return f"the answer lacks {lost} of the {len(old)} bars there were (accept_losses believes it)"


def _currency_doubt(old: Series, new: Series) -> str:
    """Say where a series would be half in another currency; "" else."""
    before, now = old.about.get("currency"), new.about.get("currency")
    if not before or not now or before == now or new.at[0] <= old.at[0]:
        return ""
    return f"its currency was {before} and is {now} now (start at {old.span[0][:10]} or before)"


def _clear_older(marks: Path) -> None:
    """Forget fetches of other days: they are begun anew."""
    today = marks.name.split("-")[0]
    for other in marks.parent.glob("*-*"):
        if not other.name.startswith(today):
            shutil.rmtree(other, ignore_errors=True)
