"""Files of points and meshes into clouds, after their declared sizes are checked."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from omni.errors import MediaError
from omni.media import Media
from omni.values import Cloud

from . import formats, glb
from .scenes import read_scene
from .tables import read_columns, read_npy, read_obj, read_off, read_stl
from .units import stated_units

MAX_POINTS = 5_000_000
MAX_FACES = 5_000_000
MAX_BYTES = 256 << 20
MAX_TEXT_BYTES = 64 << 20
"""Numbers written as text take about fifteen times their size while they are read."""

_READERS: dict[str, tuple[str, Callable[[bytes], Cloud]]] = {
    formats.PLY: ("PLY", partial(read_scene, kind="ply")),
    formats.OBJ: ("OBJ", read_obj),
    formats.GLB: ("GLB", partial(read_scene, kind="glb")),
    formats.STL: ("STL", read_stl),
    formats.OFF: ("OFF", read_off),
    formats.XYZ: ("XYZ", read_columns),
    formats.NPY: ("NPY", read_npy),
}
_ALWAYS_TEXT = (formats.OBJ, formats.OFF, formats.XYZ)
_PROBED_BYTES = 1 << 16


def read(media: Media) -> Cloud:
    """Decode a file of points or of a mesh.

    A scene becomes one cloud, its transforms applied; colours given for faces or by a texture
    become colours of points. Files that the file names are never opened.

    Raises:
        MediaError: if it is broken, larger than the limits, without points, or if a coordinate is
            no finite number.
    """
    if media.mime not in _READERS:
        raise MediaError(f"{media.name}: {media.mime!r} is no 3D format that Omni reads")
    kind, reader = _READERS[media.mime]
    _limit(media, media.size, MAX_BYTES, "bytes")
    data = media.read()
    if b"\0" not in data[:_PROBED_BYTES] or media.mime in _ALWAYS_TEXT:
        _limit(media, media.size, MAX_TEXT_BYTES, "bytes of text")
    try:
        points, faces = _declared(data, media.mime)
        _limit(media, points, MAX_POINTS, "points")
        _limit(media, faces, MAX_FACES, "faces")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cloud = reader(data)
        _check(cloud, media.name)
        return replace(cloud, units=_units(data, media.mime))
    except MediaError:
        raise
    except MemoryError:
        raise MediaError(f"{media.name} needs more memory than there is to be read") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise MediaError(
            f"{media.name} cannot be read as {kind} ({reason}): it is damaged or incomplete"
        ) from None


def _limit(media: Media, count: int, limit: int, what: str) -> None:
    if count > limit:
        raise MediaError(
            f"{media.name} has {count:,} {what}; the limit for 3D files is {limit:,}: "
            "thin it out first"
        )


def _declared(data: bytes, mime: str) -> tuple[int, int]:
    if mime == formats.GLB:
        return glb.declared(glb.contents(data))
    return formats.declared(data, mime)


def _check(cloud: Cloud, name: str) -> None:
    if not len(cloud.xyz):
        raise MediaError(f"{name} has no points: there is nothing to see in it")
    finite = np.asarray(np.isfinite(cloud.xyz).all(axis=1))
    if not finite.all():
        broken = np.flatnonzero(~finite)
        raise MediaError(
            f"{name}: {len(broken):,} of its {len(finite):,} points are not finite numbers "
            f"(the first is point {broken[0] + 1:,}): remove them"
        )
    if cloud.faces is not None and not (
        cloud.faces.min() >= 0 and cloud.faces.max() < len(cloud.xyz)
    ):
        raise ValueError(f"a face names a point that is not among its {len(cloud.xyz):,} points")


def _units(data: bytes, mime: str) -> str | None:
    """The length unit: metres for glTF, which has no other; else what a comment states."""
    if mime == formats.GLB:
        return "m"
    if mime == formats.NPY:
        return None
    if mime == formats.STL:
        return stated_units(data[:80].split(b"\n")[0])
    mark = b"comment" if mime == formats.PLY else b"#"
    lines = data[:4096].splitlines()
    return stated_units(b"\n".join(line for line in lines if line.lstrip().startswith(mark)))
