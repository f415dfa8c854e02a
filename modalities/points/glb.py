"""What a binary glTF file holds, read from its table of contents before anything is decoded."""

from __future__ import annotations

import json
import struct
from typing import Any

_MAX_CONTENTS_BYTES = 64 << 20
_TRIANGLE_MODES = (4, 5, 6)


def contents(data: bytes) -> dict[str, Any]:
    """The JSON chunk.

    Raises:
        ValueError: if the container is broken, or refers to files outside itself.
    """
    if len(data) < 20:
        raise ValueError("it ends within its header")
    magic, version, length, chunk, kind = struct.unpack_from("<4sIII4s", data)
    if magic != b"glTF" or version != 2 or kind != b"JSON":
        raise ValueError(f"it is no binary glTF 2 file (version {version})")
    if length > len(data) or 20 + chunk > len(data):
        raise ValueError(f"it declares {length:,} bytes, but has {len(data):,}")
    if chunk > _MAX_CONTENTS_BYTES:
        raise ValueError(f"its table of contents has {chunk:,} bytes")
    tree = json.loads(data[20 : 20 + chunk])
    if not isinstance(tree, dict):
        raise ValueError("its table of contents is no object")
    for buffer in tree.get("buffers", []):
        uri = buffer.get("uri")
        if uri is not None and not uri.startswith("data:"):
            raise ValueError(f"its shape is in another file ({uri[:80]!r}), which is not opened")
    return tree


def declared(tree: dict[str, Any]) -> tuple[int, int]:
    """Points and faces of the whole scene, each mesh counted as often as a node shows it.

    Raises:
        ValueError: if the nodes are no tree, or an index is wrong.
    """
    try:
        sizes = [_mesh_size(tree, mesh) for mesh in tree.get("meshes", [])]
        nodes = tree.get("nodes", [])
        _check_tree(nodes)
        shown = [sizes[node["mesh"]] for node in nodes if "mesh" in node]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"its table of contents is inconsistent ({error})") from None
    return sum(size[0] for size in shown), sum(size[1] for size in shown)


def _mesh_size(tree: dict[str, Any], mesh: dict[str, Any]) -> tuple[int, int]:
    points = faces = 0
    for primitive in mesh["primitives"]:
        count = int(tree["accessors"][primitive["attributes"]["POSITION"]]["count"])
        points += count
        if primitive.get("mode", 4) in _TRIANGLE_MODES:
            indices = primitive.get("indices")
            faces += (count if indices is None else int(tree["accessors"][indices]["count"])) // 3
    return points, faces


def _check_tree(nodes: list[dict[str, Any]]) -> None:
    """Every node has at most one parent and none is its own ancestor, as the standard asks."""
    parent: dict[int, int] = {}
    for index, node in enumerate(nodes):
        for child in node.get("children", []):
            if not 0 <= child < len(nodes) or child in parent:
                raise ValueError("its nodes are no tree")
            parent[child] = index
    reached = [index for index in range(len(nodes)) if index not in parent]
    for index in reached:
        reached.extend(nodes[index].get("children", []))
    if len(reached) != len(nodes):
        raise ValueError("its nodes form a circle")
