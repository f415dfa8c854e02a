"""GLB: scenes, materials and files made by hand, and nothing fetched from elsewhere."""

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from omni.errors import MediaError
from omni.modality import open_media
from tests.modalities.clouds import POINTS, exported, load


def rgb_of(data: bytes, name: str) -> list:
    """The colours of a file that has some."""
    rgb = load(data, name).rgb
    assert rgb is not None
    return rgb.tolist()


class TestGlb:
    def test_transforms_of_the_scene_are_applied(self):
        scene = trimesh.Scene()
        box = trimesh.creation.box((1, 1, 1))
        parent = trimesh.transformations.translation_matrix([10, 0, 0])
        child = trimesh.transformations.scale_matrix(2)
        scene.add_geometry(box, node_name="a", geom_name="box", transform=parent)
        scene.add_geometry(
            box, node_name="b", geom_name="box", parent_node_name="a", transform=child
        )
        facts = POINTS.facts(load(exported(scene, "glb"), "scene.glb"))
        assert (facts["points"], facts["faces"]) == (16, 24)
        assert facts["bounds"] == [[9, -1, -1], [11, 1, 1]]
        assert facts["units"] == "m"

    def test_colours_of_material_and_texture(self):
        from PIL import Image
        from trimesh.visual import TextureVisuals
        from trimesh.visual.material import PBRMaterial

        box: Any = trimesh.creation.box()
        material = PBRMaterial(baseColorFactor=[0, 255, 0, 255])
        box.visual = TextureVisuals(uv=np.zeros((8, 2)), material=material)
        assert rgb_of(exported(box, "glb"), "x.glb") == [[0, 255, 0]] * 8
        material = PBRMaterial(baseColorTexture=Image.new("RGB", (4, 4), (200, 100, 50)))
        box.visual = TextureVisuals(uv=np.full((8, 2), 0.5), material=material)
        assert rgb_of(exported(box, "glb"), "x.glb") == [[200, 100, 50]] * 8

    def glb(self, tree: dict, binary: bytes = b"") -> bytes:
        text = json.dumps(tree).encode()
        text += b" " * (-len(text) % 4)
        body = struct.pack("<I4s", len(text), b"JSON") + text
        if binary:
            body += struct.pack("<I4s", len(binary), b"BIN\0") + binary
        return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body

    def scene(self, **more) -> dict:
        return {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0}],
            "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
            "accessors": [
                {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"},
            ],
            "bufferViews": [{"buffer": 0, "byteLength": 36}],
            "buffers": [{"byteLength": 36}],
            **more,
        }

    def test_by_hand(self):
        data = self.glb(self.scene(), np.eye(3, dtype="<f4").tobytes())
        assert POINTS.facts(load(data, "x.glb"))["area"] == pytest.approx(math.sqrt(3) / 2)

    def test_a_shape_in_another_file_is_not_fetched(self, tmp_path: Path):
        (tmp_path / "x.bin").write_bytes(np.eye(3, dtype="<f4").tobytes())
        for uri in ("x.bin", (tmp_path / "x.bin").as_uri(), "https://localhost/x.bin"):
            path = tmp_path / "x.glb"
            path.write_bytes(self.glb(self.scene(buffers=[{"byteLength": 36, "uri": uri}])))
            with pytest.raises(MediaError, match=r"in another file.*not opened"):
                POINTS.load(open_media(path))

    def test_a_texture_in_another_file_is_not_fetched(self, tmp_path: Path):
        tree = self.scene(
            images=[{"uri": "/etc/hostname"}, {"uri": "https://localhost/x.png"}],
            textures=[{"source": 0}, {"source": 1}],
            materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 1}}}],
        )
        data = self.glb(tree, np.eye(3, dtype="<f4").tobytes())
        assert len(load(data, "x.glb").xyz) == 3

    def test_a_mesh_shown_a_million_times_is_refused(self):
        nodes = [{"mesh": 0}] * 2_000_000
        tree = self.scene(nodes=nodes, scenes=[{"nodes": list(range(len(nodes)))}])
        with pytest.raises(MediaError, match="6,000,000 points; the limit"):
            load(self.glb(tree, np.eye(3, dtype="<f4").tobytes()), "many.glb")

    def test_a_node_with_two_parents_is_refused(self):
        nodes = [{"children": [1, 2]}, {"children": [2]}, {"mesh": 0}]
        with pytest.raises(MediaError, match="no tree"):
            load(self.glb(self.scene(nodes=nodes), bytes(36)), "x.glb")

    def test_a_declared_billion_is_refused(self):
        accessors = [{"componentType": 5126, "count": 10**9, "type": "VEC3"}]
        with pytest.raises(MediaError, match="1,000,000,000 points; the limit"):
            load(self.glb(self.scene(accessors=accessors), bytes(36)), "x.glb")
