"""Make the bundled samples again: `python recipes/make_samples.py`.

One small file of each kind, from the world that the embedded model was trained on. The same code
gives the same samples; those that `omni tour` shows are copied into the package.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from omni.modality import modality
from omni.nano.world import curves, group, motion, paths, scene, solid, speech, tones, words
from omni.values import Cloud, Series

HERE = Path(__file__).parent / "samples"
TOUR = Path(__file__).parent.parent / "omni" / "cli" / "tour"
LARGEST_BYTES = 100_000
SHOWN_BY_THE_TOUR = (
    "red-circle.png",
    "blue-square.wav",
    "moving-right.mp4",
    "torus.ply",
    "rising.csv",
)

NOTES = """# The lighthouse of Ardmore

The lighthouse stands on a rock west of the harbour. It was built in 1852 by Alan Stevenson.

## The lamp

The lamp is 24 metres above the sea and flashes twice every ten seconds. It is seen from 18 nautical
miles away. Since 1988 nobody lives in the tower: the lamp is run from Edinburgh.

## Visiting

The tower is open on Saturdays from May to September. The climb has 128 steps; dogs wait below.
"""


def make() -> dict[str, bytes]:
    """Name and bytes of every sample."""
    return {
        "red-circle.png": encoded("image", picture("red", "circle"), "image/png"),
        "blue-square.wav": encoded("audio", speech.speak("blue square"), "audio/wav"),
        "moving-right.mp4": encoded("video", film(), "video/mp4"),
        "torus.ply": encoded("points", torus(), None),
        "rising.csv": encoded("series", rising(), "text/csv"),
        "lighthouse.md": NOTES.encode(),
        "three-beeps.wav": encoded("audio", tones.beeps(3).waveform, "audio/wav"),
    }


def encoded(kind: str, value: object, mime: str | None) -> bytes:
    return modality(kind).save(value, name="sample", mime=mime).read()


def picture(colour: str, shape: str):
    return scene.draw(scene.clean(colour, shape), 240, 240)


def film():
    """A green circle that moves to the right for two seconds."""
    frames = 24
    circle = replace(
        group.sample(0, count=1).things[0],
        colour="green",
        shape="circle",
        rgb=words.COLOURS["green"],
        stretch=1.0,
        rotation=0.0,
        shading=0.0,
    )
    white = (255, 255, 255)
    behind = group.Group((circle,), "flat", (white,) * 3, 0.0, 0, 0.0, None, (192, 192), 0)
    way = tuple(paths.Pose((float(x), 0.5), 0.18) for x in np.linspace(0.25, 0.75, frames))
    return motion.render(motion.Motion(behind, "right", (way,), seconds=2.0))


def torus() -> Cloud:
    """A large green torus of points."""
    return solid.build(
        solid.Solid(
            solid="torus",
            colour="green",
            size="large",
            proportion="even",
            radius=5.0,
            rgb=words.COLOURS["green"],
            form=0.5,
            stretch=(1.0, 1.0, 1.0),
            rotation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
            points=1200,
            noise=0.0,
            outliers=0.0,
            missing=0.0,
            mesh=False,
            seed=7,
        )
    )


def rising() -> Series:
    """Half a year of daily sales that rise, with a season that comes round six times."""
    rng = np.random.default_rng(11)
    rows = 180
    values = curves.draw(rng, curves.Course("rising", cycles=6), rows)
    values = 120 + 25 * (values - values.mean()) / values.std()
    days = np.datetime64("2026-01-01", "ns") + np.arange(rows) * np.timedelta64(1, "D")
    return Series(values=values.round(1)[:, None], names=("sales",), times=days, frequency="D")


def main() -> None:
    HERE.mkdir(exist_ok=True)
    TOUR.mkdir(exist_ok=True)
    for name, data in make().items():
        if len(data) > LARGEST_BYTES:
            raise SystemExit(f"{name} has {len(data):,} bytes; the limit is {LARGEST_BYTES:,}")
        (HERE / name).write_bytes(data)
        print(f"{name}: {len(data):,} bytes")
    for name in SHOWN_BY_THE_TOUR:
        shutil.copyfile(HERE / name, TOUR / name)


if __name__ == "__main__":
    main()
