"""3D: point clouds and meshes."""

from omni.plugins import Component

from .media import PointsModality

plugin = PointsModality()

COMPONENTS = (
    Component(
        "modality",
        "points",
        "Point clouds and meshes: PLY, OBJ, STL, OFF, GLB, XYZ and NPY, sampled by area.",
    ),
)
