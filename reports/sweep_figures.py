"""Figures of sweeps: heat maps of trials by two parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def heatmap(cells: pd.DataFrame, value: str, how: str, luck: float = np.nan) -> Any:
    """Draw trials by two parameters.

    Parameters
    ----------
    cells : DataFrame
        A figure by two parameters; NaN is left blank.
    value, how : str
        Which figure, and what stands for the trials of one cell.
    luck : float
        The 95th percentile of the best trial of sweeps on dates of no news.

    Returns
    -------
    plotly.graph_objects.Figure

    Examples
    --------
    >>> import pandas as pd
    >>> drawn = heatmap(pd.DataFrame([[0.1, 0.4]], index=["off"], columns=[1, 5]), "sharpe", "median", 1.2)
    >>> drawn.layout.title.subtitle.text
    'best of luck alone (95 %): 1.2'
    """
    import plotly.graph_objects as go

    numbers = cells.to_numpy(np.float64)
    most = float(np.nanmax(np.abs(numbers))) if np.isfinite(numbers).any() else 1.0
    name = value.replace("_", " ")
    hover = f"{cells.columns.name}: %{{x}}<br>{cells.index.name}: %{{y}}<br>{name}: %{{z:.3g}}<extra></extra>"
    told = "no placebos" if np.isnan(luck) else f"best of luck alone (95 %): {luck:.3g}"
    figure = go.Figure(
        go.Heatmap(
            z=numbers,
            x=[str(one) for one in cells.columns],
            y=[str(one) for one in cells.index],
            # Blue and orange around zero: told apart by all eyes, and the sign is seen at once.
            colorscale=[[0.0, "#b35806"], [0.5, "#f7f7f7"], [1.0, "#2166ac"]],
            zmin=-most,
            zmax=most,
            colorbar={"title": name},
            hovertemplate=hover,
        )
    )
    figure.update_layout(
        title={"text": f"{how} {name} of the trials of each cell", "subtitle": {"text": told}},
        xaxis={"title": str(cells.columns.name), "type": "category"},
        yaxis={"title": str(cells.index.name), "type": "category"},
    )
    return figure
