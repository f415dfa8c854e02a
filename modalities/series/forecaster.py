"""A small network that mixes classical forecasts into one, with how far it may be off.

It sees, of each candidate (see `candidates`), how it did in the recent past and where it goes, and
of the series some measures; it weighs the candidates anew at each step ahead, in the manner of
FFORMA (Montero-Manso et al. 2020, International Journal of Forecasting 36), corrects the mixture a
little, and spreads quantiles around it. It learns from synthetic processes alone, as Chronos does
in part (Ansari et al. 2024), through the pinball loss (Koenker & Bassett 1978).

Shapes: `rows` series of `time` points, `candidates`, `horizon` steps ahead, `quantiles`, `width`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from omni.errors import UsageError

from .candidates import NAMES, SEASONAL_NAIVE, backtest, candidates
from .forecast_features import SERIES, STEP, TOKEN, of_candidates, of_series, of_steps
from .seasons import season_of

QUANTILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MEDIAN = QUANTILES.index(0.5)
FEWEST, LONGEST = 8, 1024
"""Values that are needed, and those of the past that are looked at."""
MOST_AHEAD = 96
MOST_SEASON = 366
ROWS = 64
"""Series that are forecast at a time."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the network sees of series, in units of their spread around their mean.

    Attributes:
        forecasts: `[rows, candidates, horizon]`.
        valid: bool `[rows, candidates]`.
        tokens: `[rows, candidates, TOKEN]`, measures of each candidate.
        series: `[rows, SERIES]`, measures of the series.
        steps: `[horizon, STEP]`, measures of each step ahead.
        unit: `[rows]`, the usual error of a candidate.
        centre: float64 `[rows]`; what was taken off the values.
        spread: float64 `[rows]`; what they were divided by.
    """

    forecasts: Tensor
    valid: Tensor
    tokens: Tensor
    series: Tensor
    steps: Tensor
    unit: Tensor
    centre: np.ndarray
    spread: np.ndarray

    def scaled(self, values: np.ndarray) -> Tensor:
        """Values `[rows, …]` in the units of the network."""
        shape = (-1,) + (1,) * (values.ndim - 1)
        with np.errstate(over="ignore"):
            units = values / self.spread.reshape(shape) - (self.centre / self.spread).reshape(shape)
        return torch.from_numpy(np.clip(units, -1e6, 1e6)).float()

    def unscaled(self, values: Tensor) -> np.ndarray:
        """What the network says, `[rows, …]`, in the units of the series; finite."""
        shape = (-1,) + (1,) * (values.dim() - 1)
        with np.errstate(over="ignore"):
            found = values.double().numpy() * self.spread.reshape(shape)
            found = found + self.centre.reshape(shape)
        most = np.finfo(np.float64).max
        return np.clip(found, -most, most)


def prepare(history: np.ndarray, season: int, horizon: int) -> Prepared:
    """Candidates, their record and the measures of series `[rows, time]` of one length and season.

    Args:
        history: finite, in any unit.
        season: values a season; 1 is none.
        horizon: steps ahead.
    """
    history = np.ascontiguousarray(history[:, -LONGEST:], dtype=np.float64)
    largest = np.maximum(np.abs(history).max(1, keepdims=True), 1e-300)
    small = history / largest
    spread = small.std(1, keepdims=True)
    # the least change that the digits of a constant can show is no spread
    spread = np.where(spread > 1e-9, spread, 1.0)
    units = small / spread
    centre = units.mean(1, keepdims=True)
    forecasts, valid = candidates(units, season, horizon)
    errors, steps = backtest(units, season, horizon)
    tokens, unit = of_candidates(forecasts - centre[:, None], errors, valid, units - centre)
    measures = of_series(units, season, horizon, steps)
    return Prepared(
        forecasts=_tensor(forecasts - centre[:, None]),
        valid=torch.from_numpy(valid),
        tokens=_tensor(tokens),
        series=_tensor(measures),
        steps=_tensor(of_steps(season, horizon, steps, history.shape[1])),
        unit=_tensor(unit),
        centre=(centre * spread)[:, 0] * largest[:, 0],
        spread=(spread * largest)[:, 0],
    )


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


class Block(nn.Module):
    """Attention among the candidates of a series, and a feed-forward layer."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """`x [rows, tokens, width]`, where bool `valid [rows, tokens]` says which may be seen."""
        rows, tokens, width = x.shape
        split = self.project(self.before(x)).view(rows, tokens, 3, self.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mask = valid[:, None, None, :]
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.join(seen.transpose(1, 2).reshape(rows, tokens, width))
        return x + self.feed(self.between(x))


class Forecaster(nn.Module):
    """Quantiles of what comes next, as a learned mixture of candidates."""

    levels = QUANTILES

    def __init__(self, width: int = 64, depth: int = 2, heads: int = 4):
        super().__init__()
        self.name = nn.Embedding(len(NAMES), width)
        self.token = nn.Linear(TOKEN, width)
        self.series = nn.Sequential(nn.Linear(SERIES, width), nn.GELU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.step = nn.Sequential(nn.Linear(STEP, width), nn.GELU(), nn.Linear(width, width))
        self.query = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        self.key, self.ask = nn.Linear(width, width), nn.Linear(width, width)
        self.trust = nn.Linear(width, 1)
        self.head = nn.Linear(2 * width, 1 + len(QUANTILES))
        nn.init.normal_(self.name.weight, std=0.2)
        for last in (self.ask, self.head):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, seen: Prepared) -> Tensor:
        """Quantiles `[rows, quantiles, horizon]` in the units of the network, ascending."""
        rows, _, horizon = seen.forecasts.shape
        whole = self.series(seen.series)
        x = torch.cat([whole[:, None], self.token(seen.tokens) + self.name.weight], dim=1)
        valid = functional.pad(seen.valid, (1, 0), value=True)
        for block in self.blocks:
            x = block(x, valid)
        x = self.norm(x)
        query = self.query(x[:, :1] + self.step(seen.steps))  # [rows, horizon, width]
        logits = self.ask(query) @ self.key(x[:, 1:]).transpose(1, 2) / x.shape[-1] ** 0.5
        # from the first step on, what did well before is trusted more
        record = seen.tokens[:, None, :, 0]
        logits = logits - 3 * functional.softplus(self.trust(query)) * record
        weights = logits.masked_fill(~seen.valid[:, None], -torch.inf).softmax(-1)
        ahead = seen.forecasts.transpose(1, 2)  # [rows, horizon, candidates]
        middle = (weights * ahead).sum(-1)
        apart = (weights * (ahead - middle[..., None]).abs()).sum(-1)
        said = self.head(torch.cat([query, weights @ x[:, 1:]], dim=-1))
        unit = seen.unit[:, None] + apart
        middle = middle + unit * said[..., 0].tanh() / 2
        steps = functional.softplus(said[..., 1:] - 1) * unit[..., None]
        below = -steps[..., :MEDIAN].flip(-1).cumsum(-1).flip(-1)
        above = steps[..., MEDIAN + 1 :].cumsum(-1)
        around = torch.cat([below, torch.zeros(rows, horizon, 1), above], dim=-1)
        return (middle[..., None] + around).transpose(1, 2)

    @staticmethod
    def bridged(history: np.ndarray) -> np.ndarray:
        """A history without gaps; see the function of the same name."""
        return bridged(history)

    @staticmethod
    def season_of(history: np.ndarray) -> int:
        """Values a season of a history `[time]` with gaps; 1 if there is none, or too little."""
        measured = np.isfinite(history).sum()
        return season_of(bridged(history)) if measured >= FEWEST else 1

    def prepare(self, history: np.ndarray, season: int, horizon: int) -> Prepared:
        """What it sees of series `[rows, time]`; see the function of the same name."""
        return prepare(history, season, horizon)

    def loss(self, seen: Prepared, truth: np.ndarray) -> tuple[Tensor, dict[str, float]]:
        """Pinball loss in units of the usual error against `truth [rows, horizon]`, and figures."""
        said, wanted = self(seen), seen.scaled(truth)
        unit = (seen.unit + 0.01)[:, None]
        error = ((wanted[:, None] - said) / unit[:, None]).clamp(-50, 50)
        level = torch.tensor(QUANTILES)[:, None]
        pinball = torch.maximum(level * error, (level - 1) * error)
        naive = (wanted - seen.forecasts[:, SEASONAL_NAIVE]).abs().mean(1)
        own = (wanted - said[:, MEDIAN].detach()).abs().mean(1)
        ratio = ((own + 1e-3) / (naive + 1e-3)).log().mean().exp().item()
        # of a jump that nothing foretold little can be learned
        return torch.log1p(pinball.mean((1, 2))).mean(), {"relative": ratio}

    @torch.no_grad()
    def predict(
        self, histories: Sequence[np.ndarray], seasons: Sequence[int], horizon: int
    ) -> np.ndarray:
        """Quantiles `[series, quantiles, horizon]` of each series, in its own unit.

        Args:
            histories: each `[time]`; NaN and infinite values are bridged by straight lines.
            seasons: values a season of each.
            horizon: steps ahead, 1…`MOST_AHEAD`.

        Raises:
            UsageError: if a history has fewer than `FEWEST` values, none of them finite, or the
                horizon or a season is out of range.
        """
        if not 1 <= horizon <= MOST_AHEAD:
            raise UsageError(f"the horizon is 1 to {MOST_AHEAD} steps, not {horizon}")
        alike: dict[tuple[int, int], list[int]] = {}
        whole = [bridged(history) for history in histories]
        for place, (history, season) in enumerate(zip(whole, seasons, strict=True)):
            if not 1 <= season <= MOST_SEASON:
                raise UsageError(f"a season is 1 (none) to {MOST_SEASON} values, not {season}")
            alike.setdefault((len(history), season), []).append(place)
        found = np.empty((len(histories), len(QUANTILES), horizon))
        for (_, season), places in alike.items():
            for begin in range(0, len(places), ROWS):
                some = places[begin : begin + ROWS]
                seen = prepare(np.stack([whole[place] for place in some]), season, horizon)
                found[some] = seen.unscaled(self(seen))
        return found


def bridged(history: np.ndarray) -> np.ndarray:
    """The values `[time]` with straight lines over the gaps, from the first that was measured.

    What is missing at the end is the last that was measured.

    Raises:
        UsageError: if fewer than `FEWEST` values were measured.
    """
    history = np.asarray(history, dtype=np.float64)
    measured = np.flatnonzero(np.isfinite(history))
    if len(measured) < FEWEST:
        raise UsageError(
            f"a forecast needs at least {FEWEST} measured values, not {len(measured)}: "
            "give a longer history"
        )
    history = history[measured[0] :]
    measured = measured - measured[0]
    largest = max(float(np.abs(history[measured]).max()), 1e-300)
    lines = np.interp(np.arange(len(history)), measured, history[measured] / largest)
    return lines * largest
