"""A shelf of 3D parts: find one by words, by a part like it, or by its size.

    python recipes/shelf_of_parts.py                                  # parts that are made here
    python recipes/shelf_of_parts.py ~/cad "a ring" --like washer.stl --longest 40

Meshes and point clouds of every format that Omni reads go onto the shelf, assemblies part by part.
Each answer says where the part lies in its file, how large it is, and whether it is watertight.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import trimesh

import omni
from omni.memory.retrieve import Library
from omni.modality import modality
from omni.values import Cloud

WANTED = ("a ball", "a doughnut", "a cube", "a cone")


def sample(folder: Path) -> None:
    """Single parts, and an assembly of two that do not touch."""
    parts = {
        "a1": trimesh.creation.icosphere(3, radius=1.0),
        "b2": trimesh.creation.torus(2.0, 0.6),
        "c3": trimesh.creation.box((1.5, 1.5, 1.5)),
        "d4": trimesh.creation.cone(1.0, 2.0),
    }
    for name, mesh in parts.items():
        mesh.export(folder / f"{name}.stl")
    pair = trimesh.util.concatenate(
        [parts["c3"], parts["a1"].copy().apply_translation((6.0, 0, 0))]
    )
    pair.export(folder / "assembly.ply")


def sized(value: Cloud) -> dict[str, Any]:
    """Extents, and of a mesh its volume, as far as it encloses one."""
    extents = value.xyz.max(0) - value.xyz.min(0)
    found: dict[str, Any] = {"extents": [round(float(side), 3) for side in extents]}
    if value.faces is not None:
        mesh = trimesh.Trimesh(value.xyz, value.faces)
        found["watertight"] = bool(mesh.is_watertight)
        found["volume"] = round(float(mesh.volume), 3) if mesh.is_watertight else None
    return found


def parts(library: Library, query: Any, most: int, longest: float | None) -> list[dict[str, Any]]:
    """The best parts that fit, each with its place and size."""
    found: list[dict[str, Any]] = []
    for hit in library.search(query, 50, {"@modality": "points"}).hits:
        record, origin, media = hit.record, hit.record.provenance, library.excerpt(hit)
        if media is None or origin is None or record.meta.get("file", {}).get("pieces"):
            continue  # an assembly as a whole is no part
        told = sized(modality("points").load(media))
        if longest is not None and max(told["extents"]) > longest:
            continue
        bounds = None if origin.bounds is None else [round(float(x), 3) for x in origin.bounds]
        likeness = hit.stages.get("shared", 0.0)
        found.append(
            {"source": Path(origin.source).name, "bounds": bounds, "text": record.text}
            | {"likeness": round(likeness, 3), **told}
        )
    # Words about points tell little of shape; the space that words and points share does.
    return sorted(found, key=lambda part: -part["likeness"])[:most]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="by default parts that are made here")
    parser.add_argument("words", nargs="*", metavar="WORDS", help="each a part that is wanted")
    parser.add_argument("--like", type=Path, metavar="FILE", help="a part like this one")
    parser.add_argument("--longest", type=float, metavar="L", help="no side longer than this")
    parser.add_argument("-k", type=int, default=2, metavar="N", help="parts for each (2)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary, "parts")
        if given.folder is None:
            folder.mkdir()
            sample(folder)
        with Library(Path(temporary, "memory"), create=True) as library:
            library.add([folder])
            queries: dict[str, Any] = {words: words for words in given.words}
            if given.like is not None:
                like = omni.open_media(given.like)
                queries[f"like {given.like.name}"] = library.query("", [like])
            queries = queries or {words: words for words in WANTED}
            told = [
                {"wanted": name, "parts": parts(library, query, given.k, given.longest)}
                for name, query in queries.items()
            ]
    if given.json:
        print(json.dumps({"found": told}, ensure_ascii=False))
        return
    for one in told:
        print(one["wanted"])
        for part in one["parts"]:
            size = " × ".join(f"{side:g}" for side in part["extents"])
            volume = f", volume {part['volume']:g}" if part.get("volume") else ""
            print(f"  {part['source']}  {size}{volume}  (likeness {part['likeness']:.2f})")


if __name__ == "__main__":
    main()
