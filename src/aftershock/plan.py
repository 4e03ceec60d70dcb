"""From a grid to what the engine runs: which trials share signals and rules, and what each looks up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from aftershock.data.instants import DAY, Instants, to_ns
from aftershock.engine.exit_rules import ruled as with_rule
from aftershock.engine.hedge import Hedging, hedging_of, legs_of
from aftershock.engine.placebo import placebo_signals
from aftershock.engine.portfolio import bars_of, capital_of, entries_of, live_rows
from aftershock.engine.trials import Axis, Ground, LegsOf, Params, Setup, axis_of, case_of, ground_of
from aftershock.engine.types import Entries, Floats, Integers, Rules
from aftershock.exchange import Exchange, exchange_of
from aftershock.execution import join, ruled
from aftershock.experiment import Experiment, SweepSection
from aftershock.grid import Grid, experiment_with
from aftershock.inputs import priced, tradable
from aftershock.run import Inputs
from aftershock.strategies.own import Strategy
from aftershock.strategies.reaction import LOOSE, Reaction

LEVELS = ("stop", "take", "trail")
OWN = ("strategy.hold", *(f"strategy.{name}" for name in LEVELS))
"""Parameters that trials of one set-up may differ in."""
LEAST = "strategy.min_strength"
"""And this one, where money and draws of one signal do not depend on the others."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A sweep laid out.

    Attributes
    ----------
    inputs : Inputs
        Events, prices and the experiment that trials vary.
    grid : Grid
        Their parameters.
    """

    inputs: Inputs
    grid: Grid
    joined: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    exchanges: dict[str, Exchange] = field(default_factory=dict, repr=False)
    rules: dict[tuple[Any, ...], Rules] = field(default_factory=dict, repr=False)

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each parameter among the axes."""
        return {name: place for place, name in enumerate(self.grid.names)}

    @cached_property
    def shared(self) -> tuple[int, ...]:
        """The places of the axes on which set-ups differ."""
        base = self.inputs.experiment.portfolio
        alone = base.mode != "portfolio" and base.date_budget == np.inf
        alone = alone and not {"portfolio.mode", "portfolio.budget"} & set(self.places)
        # A class of a desk's own may read the least strength, and give signals another.
        alone = alone and not isinstance(self.inputs.experiment.strategy, Strategy)
        own = (*OWN, LEAST) if alone else OWN
        return tuple(place for name, place in self.places.items() if name not in own)

    @cached_property
    def keys(self) -> Integers:
        """A number for each set-up that occurs, rising."""
        if self.grid.picked is None:
            return np.arange(int(np.prod(self._shape)), dtype=np.int64)
        return np.unique(self._keys_of(self.grid.picked))

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(self.grid.shape[place] for place in self.shared)

    def _keys_of(self, codes: Integers) -> Integers:
        if not self.shared:
            return np.zeros(len(codes), np.int64)
        return np.asarray(np.ravel_multi_index(tuple(codes[:, self.shared].T), self._shape), np.int64)

    def params(self, first: int, end: int) -> Params:
        """Give the parameters of some trials as the engine takes them."""
        codes = self.grid.codes(first, end)
        return Params(
            np.searchsorted(self.keys, self._keys_of(codes)),
            self._own(codes, "hold").astype(np.int64),
            self._own(codes, "stop"),
            self._own(codes, "take"),
            self._own(codes, "trail"),
            self._own(codes, "min_strength"),
        )

    def _own(self, codes: Integers, name: str) -> Floats:
        place = self.places.get(f"strategy.{name}", -1)
        if place in self.shared or (place < 0 and name == "min_strength"):
            return np.zeros(len(codes))  # what is weaker has been left out of the set-up
        if place < 0:
            one = getattr(self.inputs.experiment.strategy, name)
            return np.full(len(codes), np.nan if one is None else one, np.float64)
        values = [np.nan if value is None else value for value in self.grid.values[place]]
        return np.array(values, np.float64)[codes[:, place]]

    @cached_property
    def experiments(self) -> list[Experiment]:
        """The experiment of each set-up, with the shortest hold that occurs in it."""
        codes = (
            np.stack(np.unravel_index(self.keys, self._shape), axis=1) if self.shared else np.zeros((1, 0))
        )
        looked_up = LEAST in self.places and self.places[LEAST] not in self.shared
        widest = {LEAST: 0.0} if looked_up else {}
        return [
            experiment_with(
                self.inputs.experiment,
                {**self.grid.settings(row.astype(int), self.shared), "strategy.hold": int(hold), **widest},
            )
            for row, hold in zip(codes, self._holds(np.minimum), strict=True)
        ]

    def _holds(self, least: np.ufunc) -> Integers:
        """Give the shortest or longest hold of each set-up."""
        place = self.places.get("strategy.hold", -1)
        if place < 0:
            return np.full(len(self.keys), self.inputs.experiment.strategy.hold)
        values = np.array(self.grid.values[place], np.int64)
        if self.grid.picked is None:
            return np.full(len(self.keys), least.reduce(values))
        found = np.full(len(self.keys), values.max() if least is np.minimum else values.min())
        own = np.searchsorted(self.keys, self._keys_of(self.grid.picked))
        least.at(found, own, values[self.grid.picked[:, place]])
        return found

    @cached_property
    def bars(self) -> Any:
        """The market."""
        return bars_of(self.inputs.tape)

    @cached_property
    def axis(self) -> Axis:
        """The dates of equity."""
        return axis_of(self.bars, self._may)

    @cached_property
    def _may(self) -> Any:
        scope = priced(self.inputs.tape) if self.inputs.wanted is None else self.inputs.wanted
        return tradable(self.inputs.tape, scope, self.inputs.experiment.portfolio.allow_index)

    @property
    def capital(self) -> float:
        """The capital of all accounts together."""
        return capital_of(self.inputs.tape, self.inputs.experiment.portfolio.book, self._may)

    def ground(self, seed: tuple[int, ...] | None = None) -> Ground:
        """Prepare what trials stand on; with a seed, on dates of no news.

        Parameters
        ----------
        seed : tuple of int, optional
            Of the dates that signals are moved to.
        """
        live: dict[str, pd.DataFrame] = {}
        longest = self._holds(np.maximum)
        setups = [self._setup(one, seed, live) for one in self.experiments]
        setups = [
            setup._replace(entries=with_rule(case_of(self.bars, setup), one.strategy.exit, int(hold)))
            for setup, one, hold in zip(setups, self.experiments, longest, strict=True)
        ]
        return ground_of(self.bars, self.axis, setups, longest, self.capital)

    def _setup(
        self, experiment: Experiment, seed: tuple[int, ...] | None, live: dict[str, pd.DataFrame]
    ) -> Setup:
        chosen, book = experiment.strategy, experiment.portfolio.book
        key = f"{chosen.model_dump_json(exclude=LOOSE)} {experiment.portfolio.weighting}"
        aligned = self._joined(key, experiment)
        rules = self._rules(f"{key} {experiment.costs.model_dump_json()}", experiment, aligned)
        if key not in live:
            live[key] = self._live(aligned[aligned["headline"]], chosen, seed)
        signals = live[key]
        entries = entries_of(
            self.inputs.tape,
            signals,
            chosen.delay,
            chosen.latency_ns,
            at_close=chosen.orders.at_close,
            budget=experiment.portfolio.date_budget,
            size=book.size,
            seed=experiment.run.seed,
        )
        strength = np.array(signals["strength"], np.float64)
        known = to_ns(signals["known_by"])
        legs = self._legs(experiment, rules, entries, known + chosen.latency_ns)
        return Setup(rules, entries, strength, known // DAY, chosen.exits, chosen.orders, book, legs)

    def _live(self, signals: pd.DataFrame, chosen: Reaction, seed: tuple[int, ...] | None) -> pd.DataFrame:
        """Give the signals without an outcome yet in the order of kernels; with a seed, on dates of no news."""
        if seed is not None:
            signals = placebo_signals(
                signals,
                self.inputs.tape,
                np.random.default_rng(seed),
                latency=chosen.latency_ns,
                at_close=chosen.orders.at_close,
            )
        return signals.loc[live_rows(signals)]

    def _legs(self, experiment: Experiment, rules: Rules, entries: Entries, known: Instants) -> LegsOf | None:
        """Give what makes the hedge legs of trades, where there is a hedge."""
        hedge, tape = experiment.hedge, self.inputs.tape
        if hedge.method == "none":
            return None
        n, some = len(entries.due), np.flatnonzero(entries.due >= 0)
        hedging = Hedging(np.full(n, -1, np.int64), np.full(n, np.nan), known)
        traded = hedging_of(
            tape, entries.instrument[some], known[some], hedge.method, hedge.instruments, hedge.instrument
        )
        hedging.place[some], hedging.ratio[some] = traded.place, traded.ratio
        at_close = experiment.strategy.orders.at_close

        def legs(records: np.ndarray, hold: int) -> np.ndarray:
            return legs_of(tape, rules, records, hedging.rows(records["signal"]), hold, at_close)

        return legs

    def _joined(self, key: str, experiment: Experiment) -> pd.DataFrame:
        if key not in self.joined:
            inputs = self.inputs
            scope = priced(inputs.tape) if inputs.wanted is None else inputs.wanted
            self.joined[key] = join(inputs.loaded, inputs.tape, scope, inputs.linked, experiment)[1]
        return self.joined[key]

    def _rules(self, key: str, experiment: Experiment, aligned: pd.DataFrame) -> Rules:
        if key not in self.exchanges:
            self.exchanges[key] = exchange_of(experiment, aligned)
        exchange = self.exchanges[key]
        # All else that rules depend on is no axis.
        terms = (experiment.costs.model_dump_json(), experiment.strategy.orders.at_close, exchange.foreign)
        if terms not in self.rules:
            self.rules[terms] = ruled(self.inputs.tape, experiment, exchange)[1]
        return self.rules[terms]

    def settings(self, trial: int) -> dict[str, Any]:
        """Give the parameters of one trial by name."""
        return self.grid.settings(self.grid.codes(trial, trial + 1)[0].tolist())

    def experiment(self, trial: int) -> Experiment:
        """Give the experiment that one trial is."""
        base = replace(self.inputs.experiment, sweep=SweepSection())
        return experiment_with(base, self.settings(trial))
