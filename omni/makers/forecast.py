"""How a series goes on, by the embedded forecaster: a series made from a series."""

from __future__ import annotations

import re
from dataclasses import replace

from omni.errors import Failed
from omni.making import Made, Maker, Wish
from omni.modality import modality
from omni.plugins import Component

COMPONENTS = (Component("decoder", "forecast", "A series that goes on, with its quantiles."),)

_HORIZON = 12
_STEPS = re.compile(r"\b(\d{1,3})\b")
_RANGE = (0.1, 0.9)


class Forecast(Maker):
    """Continues the last series among the sources; a number in the prompt is how far."""

    makes = frozenset({"series"})

    def make(self, wish: Wish) -> Made:
        import numpy as np

        from omni.nano.forecasting import forecast

        found = next((one for one in reversed(wish.sources) if one.modality == "series"), None)
        if found is None:
            raise Failed("a series is made from a series, and none was given: attach one")
        series = modality("series").load(found)
        steps = _STEPS.search(wish.prompt)
        horizon = max(
            1, min(256, int(wish.parameters.get("horizon") or (steps or [0, _HORIZON])[1]))
        )
        ahead = forecast(series, horizon)
        low, high = (ahead.quantile(share) for share in _RANGE)
        names = [name for one in series.names for name in (one, f"{one} 10 %", f"{one} 90 %")]
        columns = np.stack([ahead.values, low, high], axis=2).reshape(horizon, -1)
        table = replace(series, values=columns, names=tuple(names), times=ahead.times, notes=())
        media = modality("series").save(table, name="forecast.csv")
        words = f"{horizon} steps of {', '.join(series.names)} ahead."
        return Made(media, "omni-nano", None, {"horizon": horizon, "of": found.name}, words)


plugin = Forecast
