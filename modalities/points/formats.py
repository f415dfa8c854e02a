"""The formats of 3D files: how they are told apart, and the sizes that their headers declare."""

from __future__ import annotations

import ast
import math
import re
import struct
from collections.abc import Iterable
from pathlib import PurePath

PLY = "model/ply"
OBJ = "model/obj"
STL = "model/stl"
OFF = "model/x-off"
GLB = "model/gltf-binary"
XYZ = "model/x-xyz"
NPY = "model/x-npy"
MIME_TYPES = (PLY, OBJ, STL, OFF, GLB, XYZ, NPY)
SUFFIXES = (".ply", ".obj", ".stl", ".off", ".glb", ".xyz", ".pts", ".asc", ".npy")

STL_HEADER_BYTES = 84
STL_FACET_BYTES = 50
_HEAD_BYTES = 4096
_COLUMN_SUFFIXES = (".xyz", ".pts", ".asc")
_OFF_WORD = re.compile(rb"\s*(?:ST)?C?N?OFF(?:\s|$)")
_NPY_SHAPE = re.compile(rb"'shape':\s*\((\d+), ?([36])\)")
_NPY_NUMBER = re.compile(rb"'descr':\s*'[<>|=]?[fiu]\d+'")
_OBJ_WORD = re.compile(
    r"(?:v[tnp]?|[flpogs]|mtllib|use(?:mtl|map)|maplib|(?:shadow|trace)_obj|[dc]_interp|bevel|lod"
    r"|deg|bmat|step|cstype|curv2?|surf|parm|trim|hole|scrv|sp|end|con|mg)"
)


def sniff(head: bytes, name: str) -> str | None:
    """MIME type of the first bytes of a file, or `None` if they are no 3D file."""
    suffix = PurePath(name).suffix.lower()
    if head[:4] in (b"ply\n", b"ply\r"):
        return PLY
    if head[:4] == b"glTF":
        return GLB
    if head[:6] == b"\x93NUMPY":
        return NPY if _NPY_SHAPE.search(head[:256]) and _NPY_NUMBER.search(head[:256]) else None
    if _OFF_WORD.match(head):
        return OFF
    if _is_stl(head, suffix):
        return STL
    return _sniff_text(head, suffix)


def _is_stl(head: bytes, suffix: str) -> bool:
    if head.lstrip()[:6].lower() == b"solid " or head.strip().lower().startswith(b"solid\n"):
        lowered = head.lower()
        if b"facet" in lowered or b"endsolid" in lowered:
            return True
    if len(head) < STL_HEADER_BYTES:
        return False
    count = struct.unpack_from("<I", head, 80)[0]
    if len(head) < _HEAD_BYTES and len(head) != STL_HEADER_BYTES + STL_FACET_BYTES * count:
        # The whole file is here, and its length is wrong: only its name can say what was meant.
        return suffix == ".stl" and b"\0" in head
    if suffix == ".stl":
        return count > 0
    return count > 0 and _looks_like_facets(head, min(count, 40))


def _looks_like_facets(head: bytes, count: int) -> bool:
    """Whether the records have unit or zero normals and finite corners, and no words stand here."""
    if head[83]:
        return False  # More than sixteen million facets; in text, no byte at all is zero.
    largest = 0.0
    for index in range(count):
        start = STL_HEADER_BYTES + STL_FACET_BYTES * index
        if start + STL_FACET_BYTES > len(head):
            break
        numbers = struct.unpack_from("<12f", head, start)
        length = math.hypot(*numbers[:3])
        if not all(math.isfinite(number) and abs(number) < 1e12 for number in numbers):
            return False
        if length > 1e-6 and abs(length - 1) > 0.02:
            return False
        largest = max(largest, *map(abs, numbers[3:]))
    return largest > 1e-12  # UTF-16 read as numbers is next to nothing.


def _sniff_text(head: bytes, suffix: str) -> str | None:
    if b"\0" in head:
        return None
    whole = len(head) < _HEAD_BYTES
    lines = head.decode("latin-1").splitlines()
    lines = [line.strip() for line in (lines if whole else lines[:-1])]
    lines = [line for line in lines if line and not line.startswith("#")]
    if _is_obj(lines, suffix):
        return OBJ
    return XYZ if _is_columns(lines, suffix) else None


def _is_obj(lines: list[str], suffix: str) -> bool:
    words = [line.split() for line in lines]
    if not words or not all(_OBJ_WORD.fullmatch(word[0]) for word in words):
        return False
    vertices = [word for word in words if word[0] == "v"]
    if not vertices:
        return suffix == ".obj"
    return all(len(word) >= 4 and _are_numbers(word[1:4]) for word in vertices)


def _is_columns(lines: list[str], suffix: str) -> bool:
    """Whether the text is rows of coordinates: by its name, or by a heading `x y z`."""
    if suffix in (".csv", ".tsv", ".json", ".md", ".html"):
        return False
    heading = bool(lines) and columns(lines[0])[:3] == ["x", "y", "z"]
    rows = [columns(line) for line in lines[1 if heading or suffix == ".pts" else 0 :]]
    if not rows or not (heading or suffix in _COLUMN_SUFFIXES):
        return False
    return all(len(row) >= 3 and _are_numbers(row) for row in rows)


def columns(line: str) -> list[str]:
    """The fields of a line of coordinates, whatever separates them."""
    return re.split(r"[\s,;]+", line.strip().lstrip("#/").strip().lower())


def _are_numbers(words: Iterable[str]) -> bool:
    try:
        for word in words:
            float(word)
    except ValueError:
        return False
    return True


def declared(data: bytes, mime: str) -> tuple[int, int]:
    """How many points and faces a file declares, found without decoding it.

    Raises:
        ValueError: if the header cannot be read, or promises more than the bytes can hold.
    """
    if mime == PLY:
        return _declared_ply(data)
    if mime == STL:
        return _declared_stl(data)
    if mime == OFF:
        numbers = _off_counts(data)
        return numbers[0], numbers[1]
    if mime == OBJ:
        return data.count(b"\nv ") + data.startswith(b"v "), data.count(b"\nf ")
    if mime == NPY:
        return _declared_npy(data), 0
    return data.count(b"\n") + 1, 0


def is_binary_stl(data: bytes) -> bool:
    """Whether the length is that of the declared number of facets."""
    if len(data) < STL_HEADER_BYTES:
        return False
    count = struct.unpack_from("<I", data, 80)[0]
    return len(data) == STL_HEADER_BYTES + STL_FACET_BYTES * count


def _declared_stl(data: bytes) -> tuple[int, int]:
    if is_binary_stl(data):
        count = struct.unpack_from("<I", data, 80)[0]
        return 3 * count, count
    if data.lstrip()[:5].lower() == b"solid":
        count = data.lower().count(b"endfacet")
        return 3 * count, count
    if len(data) < STL_HEADER_BYTES:
        raise ValueError(f"an STL file has at least 84 bytes, this one {len(data)}")
    count = struct.unpack_from("<I", data, 80)[0]
    raise ValueError(
        f"its header declares {count:,} facets, which take "
        f"{STL_HEADER_BYTES + STL_FACET_BYTES * count:,} bytes, but it has {len(data):,}"
    )


def _declared_ply(data: bytes) -> tuple[int, int]:
    end = data.find(b"end_header", 0, 1 << 16)
    if end < 0:
        raise ValueError("its header has no end_header")
    counts = dict(re.findall(rb"^element\s+(\w+)\s+(\d{1,18})\s*$", data[:end], re.MULTILINE))
    total = sum(int(count) for count in counts.values())
    if total > len(data) - end:
        raise ValueError(
            f"its header declares {total:,} elements, but only {len(data) - end:,} bytes follow"
        )
    return int(counts.get(b"vertex", 0)), int(counts.get(b"face", 0))


def _off_counts(data: bytes) -> list[int]:
    head = re.sub(rb"#[^\n]*", b"", data[:_HEAD_BYTES])
    match = re.match(rb"\s*(?:ST)?C?N?OFF\s+(\d{1,18})\s+(\d{1,18})", head)
    if not match:
        raise ValueError("its header has no counts of vertices and faces")
    counts = [int(match[1]), int(match[2])]
    if sum(counts) * 2 > len(data):
        raise ValueError(
            f"its header declares {counts[0]:,} points and {counts[1]:,} faces, but the file has "
            f"only {len(data):,} bytes"
        )
    return counts


def _declared_npy(data: bytes) -> int:
    match = _NPY_SHAPE.search(data[:256])
    if not match:
        raise ValueError("it is no array of 3 or 6 columns")
    descr = re.search(rb"'descr':\s*('[^']*')", data[:256])
    width = int(re.sub(r"\D", "", ast.literal_eval(descr[1].decode()))) if descr else 0
    rows, row_columns = int(match[1]), int(match[2])
    if rows * row_columns * width > len(data):
        raise ValueError(
            f"its header declares {rows:,} rows of {row_columns} numbers, but the file has only "
            f"{len(data):,} bytes"
        )
    return rows
