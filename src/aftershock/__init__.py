"""After this kind of news, what could have been earned on Asian equities, and would luck have found it too.

Every verb of the command line is one function here; each input may be a DataFrame or a path. Names are imported when
they are first used, so that ``import aftershock`` costs nothing.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

_HOME = {
    "align": "aftershock.run",
    "backtest": "aftershock.run",
    "check_fills": "aftershock.fills",
    "check_prices": "aftershock.prices",
    "check_symbols": "aftershock.data.universes",
    "chip_momentum": "aftershock.strategies.library",
    "compare": "aftershock.comparison",
    "Comparison": "aftershock.comparison",
    "Costs": "aftershock.experiment",
    "demo": "aftershock.demonstration",
    "Events": "aftershock.data.events",
    "explain": "aftershock.data.universes",
    "Explanation": "aftershock.data.universes",
    "fed_cut": "aftershock.strategies.library",
    "fetch_fixings": "aftershock.data.fx",
    "fetch_prices": "aftershock.prices",
    "Hedge": "aftershock.experiment",
    "import_prices": "aftershock.prices",
    "InputError": "aftershock.data.errors",
    "Instrument": "aftershock.data.universes",
    "list_prices": "aftershock.prices",
    "list_snapshots": "aftershock.prices",
    "load_events": "aftershock.data.events",
    "load_run": "aftershock.result",
    "load_study": "aftershock.studies",
    "load_sweep": "aftershock.sweeps",
    "load_tape": "aftershock.data.prices",
    "load_taxonomy": "aftershock.data.news",
    "Portfolio": "aftershock.experiment",
    "power": "aftershock.studies",
    "Reaction": "aftershock.strategies.reaction",
    "read_documents": "aftershock.data.news",
    "read_news": "aftershock.data.news",
    "report": "aftershock.result",
    "resolve": "aftershock.data.universes",
    "Result": "aftershock.result",
    "run_experiment": "aftershock.run",
    "sessions": "aftershock.places",
    "Strategy": "aftershock.strategies.own",
    "show_prices": "aftershock.prices",
    "signals": "aftershock.run",
    "simulated_market": "aftershock.data.prices",
    "Study": "aftershock.studies",
    "study": "aftershock.studies",
    "study_experiment": "aftershock.studies",
    "study_returns": "aftershock.study_table",
    "Sweep": "aftershock.sweeps",
    "sweep": "aftershock.sweeps",
    "sweep_experiment": "aftershock.sweeps",
    "tag": "aftershock.data.news",
    "Tape": "aftershock.data.prices",
    "tariff_shock": "aftershock.strategies.library",
    "Universe": "aftershock.data.universes",
    "universe": "aftershock.data.universes",
    "Venue": "aftershock.data.venues",
    "venue": "aftershock.data.venues",
}

__all__ = [
    "Comparison",
    "Costs",
    "Events",
    "Explanation",
    "Hedge",
    "InputError",
    "Instrument",
    "Portfolio",
    "Reaction",
    "Result",
    "Strategy",
    "Study",
    "Sweep",
    "Tape",
    "Universe",
    "Venue",
    "align",
    "backtest",
    "check_fills",
    "check_prices",
    "check_symbols",
    "chip_momentum",
    "compare",
    "demo",
    "explain",
    "fed_cut",
    "fetch_fixings",
    "fetch_prices",
    "import_prices",
    "list_prices",
    "list_snapshots",
    "load_events",
    "load_run",
    "load_study",
    "load_sweep",
    "load_tape",
    "load_taxonomy",
    "power",
    "read_documents",
    "read_news",
    "report",
    "resolve",
    "run_experiment",
    "sessions",
    "show_prices",
    "signals",
    "simulated_market",
    "study",
    "study_experiment",
    "study_returns",
    "sweep",
    "sweep_experiment",
    "tag",
    "tariff_shock",
    "universe",
    "venue",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("aftershock")
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'aftershock' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
