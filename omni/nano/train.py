"""Train the embedded model from nothing: `python -m omni.nano.train --minutes 180 --out runs/nano`.

Encoders and codecs are trained first, each on the world's own labels, in two lanes side by side;
then they are frozen, what they see is cached, and the language model learns to talk about it, to
draw and to speak. Every stage leaves its weights, its curve and its held-out figures in the run
folder; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

LANES: tuple[tuple[tuple[str, float], ...], ...] = (
    (("image", 0.16), ("video", 0.10), ("points", 0.07), ("image_codec", 0.02)),
    (("audio", 0.18), ("audio_codec", 0.06), ("series", 0.06), ("forecast", 0.05)),
)
"""Stages that run one after another in each lane, and the share of the minutes each may take."""

MINUTES = 180.0
"""Budget of a whole run, if nothing else is said."""

ALIGN_SHARE = 0.06
"""Of the minutes, for the heads into the shared space, which need all encoders."""

TOGETHER_SHARE = 0.02
"""Of the minutes, for telling things of one modality from those of others."""

LANGUAGE_SHARE = 0.45
"""Of the minutes, for the language model; caching what the encoders see has the rest."""

# Freed memory stays with the process: of a step of 0.45 s on one core, 0.07 s went into asking the
# system for the same pages again.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 33),
    "MALLOC_TOP_PAD_": str(1 << 28),
}


def run_stage(name: str, out: Path, minutes: float, seed: int, threads: int) -> dict:
    """One stage in this process; its figures."""
    import torch

    torch.set_num_threads(threads)
    stage = importlib.import_module(f"omni.nano.stages.{name}")
    figures = out / f"{name}.figures.json"
    if figures.exists():
        return json.loads(figures.read_text())
    return stage.run(out, minutes=minutes, seed=seed)


def run_lane(lane: Sequence[tuple[str, float]], out: Path, minutes: float, seed: int) -> None:
    """The stages of a lane on one core."""
    for name, share in lane:
        began = time.monotonic()
        run_stage(name, out, minutes * share, seed, threads=1)
        report(f"{name}: {(time.monotonic() - began) / 60:.1f} minutes")


def train(out: Path, minutes: float, seed: int) -> None:
    """All stages; then the package in `out/model`."""
    out.mkdir(parents=True, exist_ok=True)
    os.environ.update(MALLOC)  # for the processes below
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(LANES), mp_context=context) as pool:
        for done in [pool.submit(run_lane, lane, out, minutes, seed) for lane in LANES]:
            done.result()
    cores = multiprocessing.cpu_count()
    after = (("align", ALIGN_SHARE), ("together", TOGETHER_SHARE), ("language", LANGUAGE_SHARE))
    for name, share in after:
        began = time.monotonic()
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            pool.submit(run_stage, name, out, minutes * share, seed, cores).result()
        report(f"{name}: {(time.monotonic() - began) / 60:.1f} minutes")


def report(line: str) -> None:
    """Progress goes to standard error."""
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m omni.nano.train", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="budget of the whole run")
    parser.add_argument("--out", type=Path, default=Path("runs/nano"), help="run folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stage", help="run only this stage")
    given = parser.parse_args(arguments)
    if given.stage:
        threads = int(os.environ.get("OMP_NUM_THREADS", multiprocessing.cpu_count()))
        figures = run_stage(given.stage, given.out, given.minutes, given.seed, threads)
        print(json.dumps(figures))
        return
    train(given.out, given.minutes, given.seed)
    print(json.dumps({"model": str(given.out / "model")}))


if __name__ == "__main__":
    main()
