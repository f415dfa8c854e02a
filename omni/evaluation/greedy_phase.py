"""The greedy part of a selection alone: from vectors and weights to picks, beside the plain one.

Both sides are given the same. What each needs of cosines is counted, since not to need all of them
is half of the matter; the time of the rival's bare loop, its matrix given, is told beside. Shapes:
N tokens, K picks, D width, R rows to be covered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from omni.compression.foresight import Farthest, FarthestInSum, Volume, spread_out_ahead
from omni.compression.greedy import NOTHING, best_cover
from omni.compression.units import Units, survey, units
from omni.evaluation import eager_selection as eager
from omni.evaluation.eager_selection import Given

Work = Callable[[], Tensor]


@dataclass(frozen=True, slots=True)
class Phase:
    """Three ways to the same picks: ours, the rival's, and the rival's loop on a matrix it has."""

    ours: Work
    rival: Work
    loop: Work


def phase(name: str, given: Given) -> Phase | None:
    """The greedy part of a method on a CPU; `None` if it has none."""
    make = _PHASES.get(name)
    return None if make is None or given.tokens.device.type != "cpu" else make(given)


def _farthest(given: Given) -> Phase:
    centred, quality = eager.centred_and_weighed(given)
    made, keep = _units(centred), given.keep
    apart = 1 - centred @ centred.T
    standing = torch.zeros_like(quality)

    def ours() -> Tensor:
        return Farthest(made, (quality, 0.0), quality, standing, keep).run()

    return Phase(
        ours,
        lambda: eager.farthest_loop(1 - centred @ centred.T, quality, quality, keep),
        lambda: eager.farthest_loop(apart, quality, quality, keep),
    )


def _divprune(given: Given) -> Phase:
    made, keep = _units(given.tokens), given.keep
    vectors, sound = made.single, torch.ones(len(given.tokens), dtype=torch.bool)
    standing = torch.zeros(len(sound))

    def first(apart: Tensor) -> Tensor:
        return apart.clone().fill_diagonal_(torch.inf).amin(1)

    def rival() -> Tensor:
        apart = 1 - vectors @ vectors.T
        return eager.farthest_loop(apart, first(apart), None, keep)

    apart = 1 - vectors @ vectors.T
    return Phase(
        lambda: spread_out_ahead(made, sound, standing, keep)[0],
        rival,
        lambda: eager.farthest_loop(apart, first(apart), None, keep),
    )


def _maxsum(given: Given) -> Phase:
    made, keep = _units(given.tokens), given.keep
    vectors = made.single
    first = 1 - vectors @ vectors.mean(0)
    standing = torch.zeros_like(first)
    apart = 1 - vectors @ vectors.T
    return Phase(
        lambda: FarthestInSum(made, first, standing, keep).run(),
        lambda: eager.maxsum_loop(1 - vectors @ vectors.T, first, keep),
        lambda: eager.maxsum_loop(apart, first, keep),
    )


def _coverage(given: Given) -> Phase:
    cover = eager.covers(given)
    ours = cover.T.contiguous()[None]
    standing = torch.zeros(ours.shape[:2])

    def loop() -> Tensor:
        return eager.coverage_loop(cover, given.keep)

    return Phase(lambda: best_cover(ours, standing, [given.keep])[0], loop, loop)


def _dpp(given: Given) -> Phase:
    directions, relevant = eager.directed_and_asked(given)
    made, keep = _units(directions), given.keep
    standing = torch.zeros_like(relevant)
    kernel = relevant[:, None] * (directions @ directions.T) * relevant

    def ours() -> Tensor:
        return Volume(made, relevant, standing, keep, NOTHING).run()

    def rival() -> Tensor:
        whole = relevant[:, None] * (directions @ directions.T) * relevant
        return eager.dpp_loop(whole, keep)

    return Phase(ours, rival, lambda: eager.dpp_loop(kernel, keep))


def _units(x: Tensor) -> Units:
    return units(x, survey(x).lengths)


_PHASES: dict[str, Callable[[Given], Phase]] = {
    "farthest": _farthest,
    "divprune": _divprune,
    "maxsum": _maxsum,
    "coverage": _coverage,
    "dpp": _dpp,
}
