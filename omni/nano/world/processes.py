"""Random processes without end, from which forecasting is learned; no real series is among them.

Five families are drawn row by row, mixed, disturbed by events and observed as something measured:

- `kernels`: sums of samples of Gaussian processes, as KernelSynth has them (Ansari et al. 2024,
  "Chronos", arXiv:2403.07815), through their spectra rather than by Cholesky;
- `arima`: stationary or integrated, with a seasonal part (Box & Jenkins 1970);
- `states`: level, damped trend and season that wander (Hyndman et al. 2008, exponential smoothing);
- `cycles`: waves whose length and height wander, lopsided like those of the sun or of predators;
- `structure`: a trend that bends, a fixed season, noise.

A part of the rows are convex mixtures of others ("TSMixup" of the same paper).

Shapes: `rows` processes, `time` points. Inside, arrays are `[time, rows]`, since time is walked.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Family = Callable[[np.random.Generator, int, int, int], np.ndarray]

SEASONS = (1, 4, 7, 12, 24, 52)
ODD_SEASONS = (2, 60)
"""Least and greatest of the seasons that no calendar has."""

BURN_IN = 60
"""Steps before the first that is kept, so that no start shows."""

MIXED, SHIFTED, SPOILT, LOUDER = 0.25, 0.15, 0.12, 0.1
"""Shares of rows that are mixtures, or have shifts of level, outliers, a change of variance."""

FOREIGN_SEASON = 0.15
"""Share of rows whose season is not the one that is named."""


def sample(rng: np.random.Generator, rows: int, time: int, season: int) -> np.ndarray:
    """Values `[rows, time]`, float64 and finite, at the levels and scales of real measurements.

    Args:
        rng: everything comes from it: the same state gives the same values.
        rows: how many processes.
        time: how many points each has.
        season: the season that most of those which have one repeat with; 1 is none.
    """
    family = rng.choice(len(FAMILIES), rows, p=SHARES)
    values = np.empty((time, rows))
    for number, draw in enumerate(FAMILIES):
        chosen = np.flatnonzero(family == number)
        foreign = rng.random(len(chosen)) < FOREIGN_SEASON
        other = any_season(rng)
        for some, length in ((chosen[~foreign], season), (chosen[foreign], other)):
            if len(some):
                values[:, some] = _unit(draw(rng, len(some), time, length))
    values = _mixed(rng, values)
    values = _disturbed(rng, values)
    return np.ascontiguousarray(_observed(rng, values).T)


def any_season(rng: np.random.Generator) -> int:
    """A season: mostly one that calendars have."""
    if rng.random() < 0.8:
        return int(rng.choice(SEASONS))
    return int(rng.integers(*ODD_SEASONS, endpoint=True))


def kernels(rng: np.random.Generator, rows: int, time: int, season: int) -> np.ndarray:
    """A sum of one to five Gaussian processes of random kernels."""
    line = np.linspace(-1, 1, time)[:, None]
    ramp = line - rng.uniform(-1, 1, rows)
    parts = [
        ramp * rng.choice([-1, 1], rows),
        _unit(_smooth(rng, rows, time, 0.05, 1.0)),
        _unit(_rough(rng, rows, time)),
        _unit(_periodic(rng, rows, time, season)),
        _unit(_periodic(rng, rows, time, season, wander=True)),
        ramp * _unit(_periodic(rng, rows, time, season)),
        _noise(rng, rows, time),
    ]
    chances = np.array([0.3, 0.4, 0.4, 0.3, 0.3, 0.12, 0.7])[:, None]
    gains = (rng.random((len(parts), rows)) < chances) * rng.lognormal(
        -0.3, 0.7, (len(parts), rows)
    )
    gains[1] += 1e-3  # so that there is something
    return sum(gain * part for gain, part in zip(gains, parts, strict=True))  # type: ignore[return-value]


def arima(rng: np.random.Generator, rows: int, time: int, season: int) -> np.ndarray:
    """Autoregressive integrated moving averages, half of them with a seasonal part."""
    total = time + BURN_IN
    shocks = _noise(rng, rows, total)
    moving = rng.uniform(-0.8, 0.8, rows) * (rng.random(rows) < 0.5)
    shocks[1:] += moving * shocks[:-1]
    values = _autoregressive(shocks, _stable(rng, rows))
    if season > 1:
        memory = rng.choice([0.0, 0.5, 0.8, 0.95, 1.0], rows, p=[0.5, 0.1, 0.1, 0.15, 0.15])
        values[:season] *= np.where(memory == 1, 3, 1 / np.sqrt(1.001 - memory**2) * (memory < 1))
        for start in range(season, total, season):
            size = min(season, total - start)
            values[start : start + size] += memory * values[start - season : start - season + size]
    values = values[BURN_IN:]
    once = rng.random(rows) < 0.45
    twice = once & (rng.random(rows) < 0.15)
    values = np.where(once, np.cumsum(values - values.mean(0) * once, axis=0), values)
    values = np.where(twice, np.cumsum(_unit(values), axis=0), values)
    drift = rng.normal(0, 1.5, rows) * (rng.random(rows) < 0.35)
    return _unit(values) + drift * np.linspace(-1, 1, time)[:, None]


def states(rng: np.random.Generator, rows: int, time: int, season: int) -> np.ndarray:
    """Exponential smoothing run forwards: level, damped trend and season take up each error."""
    alpha = rng.beta(1, 2, rows)
    beta = alpha * rng.beta(1, 6, rows) * (rng.random(rows) < 0.5)
    gamma = (1 - alpha) * rng.beta(1, 5, rows) * (rng.random(rows) < 0.6)
    damping = np.where(rng.random(rows) < 0.3, 1.0, rng.uniform(0.8, 0.99, rows))
    level = np.zeros(rows)
    slope = rng.normal(0, 0.3, rows) * (rng.random(rows) < 0.6)
    swing = rng.lognormal(0.5, 0.8, rows) * (rng.random(rows) < 0.75) * (season > 1)
    pattern = swing * _pattern(rng, rows, season)
    shocks = _noise(rng, rows, time)
    values = np.empty((time, rows))
    for now in range(time):
        phase = now % season
        slope = damping * slope
        values[now] = level + slope + pattern[phase] + shocks[now]
        level = level + slope + alpha * shocks[now]
        slope = slope + beta * shocks[now]
        pattern[phase] += gamma * shocks[now]
    return values


def cycles(rng: np.random.Generator, rows: int, time: int, season: int) -> np.ndarray:
    """Waves whose length and height wander, many of them steeper on one side and spiky."""
    length = float(season) if season > 1 else 1.0
    lengths = np.where(rng.random(rows) < 0.5, length, 1) * rng.uniform(0.85, 1.2, rows)
    free = np.exp(rng.uniform(np.log(4), np.log(max(8, time / 3)), rows))
    lengths = np.where(lengths < 3, free, lengths)
    pace = np.exp(rng.uniform(0.02, 0.25, rows) * _unit(_smooth(rng, rows, time, 0.01, 0.3)))
    phase = 2 * np.pi * (np.cumsum(pace / lengths, axis=0) + rng.random(rows))
    phase += rng.uniform(-0.7, 0.7, rows) * np.sin(phase)
    height = np.exp(rng.uniform(0.05, 0.6, rows) * _unit(_smooth(rng, rows, time, 0.01, 0.5)))
    wave = height * (np.cos(phase) + 1)
    wave = np.where(rng.random(rows) < 0.4, wave ** rng.uniform(1, 2.5, rows), wave)
    noise = _noise(rng, rows, time) * rng.lognormal(-2, 1, rows)
    return _unit(wave) + noise + rng.normal(0, 0.5, rows) * _unit(_rough(rng, rows, time))


def structure(rng: np.random.Generator, rows: int, time: int, season: int) -> np.ndarray:
    """A trend that bends, a fixed season, and noise."""
    step = np.arange(time)[:, None]
    bends = (rng.random((time, rows)) < rng.uniform(0, 4, rows) / time) * rng.normal(
        size=(time, rows)
    )
    bends[0] = rng.normal(size=rows)
    broken = np.cumsum(np.cumsum(bends, axis=0), axis=0)
    damped = 1 - np.exp(-step / time * np.exp(rng.uniform(-1, 3, rows)))
    grown = np.exp(step / time * rng.uniform(0.5, 3, rows))
    saturated = 1 / (
        1 + np.exp(-(step / time - rng.uniform(0, 1, rows)) * rng.uniform(3, 20, rows))
    )
    kind = rng.integers(6, size=rows)
    trend = np.choose(kind, [broken, damped, grown, saturated, np.zeros_like(broken), broken])
    trend = _unit(trend) * rng.choice([-1, 1], rows) * rng.lognormal(0, 0.8, rows)
    swing = rng.lognormal(0, 0.8, rows) * (rng.random(rows) < 0.7)
    seasonal = _unit(_pattern(rng, rows, season)[step[:, 0] % season])
    return trend + swing * seasonal + _noise(rng, rows, time) * rng.lognormal(-1.2, 1, rows)


FAMILIES: tuple[Family, ...] = (kernels, arima, states, cycles, structure)
SHARES = (0.18, 0.3, 0.22, 0.12, 0.18)
"""Of the families: most of what people measure wanders, and its trends do not last."""


def _unit(values: np.ndarray) -> np.ndarray:
    """Each row with mean 0 and deviation 1; a constant row is 0."""
    middle = values - values.mean(0)
    return middle / np.maximum(middle.std(0), 1e-9)


def _noise(rng: np.random.Generator, rows: int, time: int) -> np.ndarray:
    """White noise of deviation about 1; a quarter of the rows have heavy tails."""
    noise = rng.standard_normal((time, rows))
    heavy = np.flatnonzero(rng.random(rows) < 0.25)
    freedom = rng.uniform(3, 8, len(heavy))
    chi = rng.chisquare(freedom, (time, len(heavy)))
    noise[:, heavy] *= np.sqrt((freedom - 2) / np.maximum(chi, 1e-3))
    return noise


def _smooth(
    rng: np.random.Generator, rows: int, time: int, least: float, most: float
) -> np.ndarray:
    """Gaussian processes with a squared-exponential kernel of `least`…`most` of the time."""
    scale = np.maximum(1.0, time * np.exp(rng.uniform(np.log(least), np.log(most), rows)))
    around = 2 * time  # a circle so wide that its ends do not meet
    frequency = np.fft.rfftfreq(around)[:, None]
    gain = np.exp(-((np.pi * scale * frequency) ** 2))
    white = rng.standard_normal((len(frequency), rows, 2)).view(np.complex128)[..., 0]
    return np.fft.irfft(gain * white, around, axis=0)[:time] * np.sqrt(around * scale)


def _rough(rng: np.random.Generator, rows: int, time: int) -> np.ndarray:
    """Ornstein–Uhlenbeck processes, up to the random walk."""
    memory = 1 - 10 ** rng.uniform(-3.5, -0.3, rows)
    return _autoregressive(rng.standard_normal((time, rows)), memory[None])


def _periodic(
    rng: np.random.Generator, rows: int, time: int, season: int, *, wander: bool = False
) -> np.ndarray:
    """Gaussian processes with a periodic kernel, or with one that a long memory multiplies.

    The kernel is a sum of harmonics; with coefficients that are processes themselves their sum is
    a sample of the product.
    """
    if season < 2:
        return np.zeros((time, rows))
    step = np.arange(time)[:, None]
    total = np.zeros((time, rows))
    fading = rng.uniform(0.2, 0.9, rows)
    for harmonic in range(1, min(4, season // 2) + 1):
        for wave in (np.cos, np.sin):
            if wander:
                gain = _unit(_smooth(rng, rows, time, 0.1, 1.5)) + rng.standard_normal(rows)
            else:
                gain = rng.standard_normal(rows)
            total += fading**harmonic * gain * wave(2 * np.pi * harmonic * step / season)
    return total


def _pattern(rng: np.random.Generator, rows: int, season: int) -> np.ndarray:
    """Shapes of a season `[season, rows]` with mean 0: smooth, jagged, or with days that differ."""
    smooth = _unit(_periodic(rng, rows, season, season)) if season > 2 else 0
    jagged = rng.standard_normal((season, rows))
    apart = (rng.random((season, rows)) < 0.25) * rng.choice([-1.5, 1.5], rows)
    kind = rng.random(rows)
    shape = np.where(kind < 0.5, smooth, np.where(kind < 0.8, jagged, apart))
    return shape - shape.mean(0)


def _stable(rng: np.random.Generator, rows: int, order: int = 3) -> np.ndarray:
    """Coefficients `[order, rows]` of stable autoregressions, from partial autocorrelations."""
    partial = rng.uniform(-0.9, 0.9, (order, rows)) * rng.choice([0.3, 1.0], (order, rows))
    partial[0] = np.where(rng.random(rows) < 0.5, np.abs(partial[0]), partial[0])
    used = rng.integers(0, order, size=rows, endpoint=True)
    partial *= np.arange(order)[:, None] < used
    found = partial[:1]
    for each in partial[1:]:  # Durbin–Levinson
        found = np.concatenate([found - each * found[::-1], each[None]])
    return found


def _autoregressive(shocks: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """What shocks `[time, rows]` make with coefficients `[order, rows]` of what was before."""
    values = shocks.copy()
    for now in range(1, len(values)):
        for lag, coefficient in enumerate(coefficients[:now], start=1):
            values[now] += coefficient * values[now - lag]
    return values


def _mixed(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Some rows become convex mixtures of three."""
    rows = values.shape[1]
    shares = rng.dirichlet(np.ones(3), rows).T
    others = [values[:, rng.permutation(rows)] for _ in range(2)]
    blend = shares[0] * values + shares[1] * others[0] + shares[2] * others[1]
    return _unit(np.where(rng.random(rows) < MIXED, blend, values))


def _disturbed(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Shifts of level, outliers and changes of variance in some rows."""
    time, rows = values.shape
    step = np.arange(time)[:, None]
    for _ in range(2):
        after = step >= rng.uniform(0, time, rows)
        shift = rng.normal(0, 1.5, rows) * (rng.random(rows) < SHIFTED)
        values = values + shift * after
    spoilt = (rng.random(rows) < SPOILT) * rng.uniform(0, 0.03, rows)
    values = values + (rng.random((time, rows)) < spoilt) * rng.normal(0, 4, (time, rows))
    louder = np.where(rng.random(rows) < LOUDER, rng.uniform(0.3, 3, rows), 1.0)
    middle = values.mean(0)
    changed = middle + (values - middle) * louder
    return np.where(step >= rng.uniform(0, time, rows), changed, values)


def _observed(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """As something measured: plain, multiplicative, positive and long-tailed, counted, rounded."""
    rows = values.shape[1]
    values = np.clip(values, -12, 12)
    kind = rng.choice(5, rows, p=[0.5, 0.26, 0.06, 0.1, 0.08])
    level = rng.choice([-1, 1, 1, 1, 1, 1], rows) * np.exp(
        rng.uniform(np.log(0.3), np.log(30), rows)
    )
    plain = values + level * (rng.random(rows) < 0.85)
    growing = np.exp(np.minimum(values * np.exp(rng.uniform(np.log(0.03), 0, rows)), 8))
    positive = np.maximum(values + rng.uniform(0, 1.5, rows), 0) ** rng.uniform(1, 2, rows)
    rate = np.exp(rng.uniform(-1, 4, rows)) * np.exp(np.clip(0.6 * values, -6, 3))
    counted = rng.poisson(rate).astype(float)
    rounded = np.round(plain * rng.uniform(1, 10, rows))
    scale = 10 ** rng.uniform(-3, 5, rows)
    scale = np.where((kind == 3) | (kind == 4), 1.0, scale)
    return np.choose(kind, [plain, growing, positive, counted, rounded]) * scale
