"""Measure a mesh or a point cloud, and show it from several sides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from omni.modality import modality
from omni.plugins import Component
from omni.workbench import Arguments, BenchTool, Blocks, made, told

if TYPE_CHECKING:
    from omni.values import Cloud

COMPONENTS = (
    Component("tool", "measure_points", "Size, area, volume and closedness of 3D, with views."),
)

_VIEW = 320
_TURNS = {"as it is": (0.0, 0.0), "turned by 90°": (90.0, 0.0), "turned by 180°": (180.0, 0.0),
          "from above": (0.0, 90.0)}  # fmt: skip


class _Solid(Arguments):
    points: str = Field(description="handle of a mesh or a point cloud, such as pts-1")
    views: bool = Field(True, description="also make a picture of it from four sides")


class MeasurePoints(BenchTool):
    """Gives a picture model something to look at, and everybody numbers."""

    name: str = "measure_points"
    description: str = (
        "Measure 3D: size, bounds, number of points and faces, surface area, whether it is "
        "watertight, volume, centre; and draw it from four sides."
    )
    args_schema: Any = _Solid

    def work(self, points: str, views: bool = True) -> str | Blocks:
        cloud = self.bench.value(points, "points")
        facts = modality("points").facts(cloud)
        facts["centre"] = [float(f"{value:.6g}") for value in cloud.xyz.mean(0)]
        if not views:
            return told(facts)
        sides = ", ".join(_TURNS)
        words = f"{told(facts)}\nThe picture shows {points} {sides}, from left to right."
        return made("image", sheet(cloud), name="views.png", words=words)


def sheet(cloud: Cloud) -> Any:
    """Four views in a row."""
    from PIL import Image

    found = [
        modality("points").picture(turned(cloud, *angles), width=_VIEW)
        for angles in _TURNS.values()
    ]
    canvas = Image.new("RGB", (sum(one.width for one in found), found[0].height), "white")
    place = 0
    for one in found:
        canvas.paste(one, (place, 0))
        place += one.width
    return canvas


def turned(cloud: Cloud, around: float, over: float) -> Cloud:
    """The cloud turned about its vertical axis, then tipped towards the viewer, in degrees."""
    centre = cloud.xyz.mean(0, dtype=np.float64)
    about, tip = np.deg2rad([around, over])
    z = np.array([[np.cos(about), -np.sin(about), 0], [np.sin(about), np.cos(about), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, np.cos(tip), -np.sin(tip)], [0, np.sin(tip), np.cos(tip)]])
    xyz = (cloud.xyz - centre) @ (x @ z).T + centre
    return replace(cloud, xyz=xyz.astype(np.float32))


plugin = MeasurePoints
