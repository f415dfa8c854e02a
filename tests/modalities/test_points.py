"""Points and meshes, checked against solids of known size, against trimesh, and by hand."""

import io
import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from omni.errors import MediaError, UsageError
from omni.media import Media
from omni.modalities.points import formats, reading
from omni.modalities.points.sampling import sample
from omni.modality import media_from_bytes, modality, open_media
from omni.values import Cloud

POINTS = modality("points")
WITH_FACES = (formats.PLY, formats.OBJ, formats.STL, formats.OFF, formats.GLB)
WITH_COLOURS = (formats.PLY, formats.OBJ, formats.OFF, formats.GLB, formats.XYZ, formats.NPY)


def cloud_of(mesh: trimesh.Trimesh) -> Cloud:
    return Cloud(mesh.vertices.astype(np.float32), None, np.asarray(mesh.faces, np.int64))


def exported(shape: Any, kind: str) -> bytes:
    """What trimesh writes."""
    data = shape.export(file_type=kind)
    return data if isinstance(data, bytes) else data.encode()


def rgb_of(data: bytes, name: str) -> list:
    """The colours of a file that has some."""
    rgb = load(data, name).rgb
    assert rgb is not None
    return rgb.tolist()


def load(data: bytes | str, name: str) -> Cloud:
    media = media_from_bytes(data.encode() if isinstance(data, str) else data, name)
    assert media.modality == "points"
    return POINTS.load(media)


def in_some_order(xyz: np.ndarray) -> np.ndarray:
    return xyz[np.lexsort(xyz.T)]


class TestMeasures:
    def test_box(self):
        facts = POINTS.facts(cloud_of(trimesh.creation.box((1, 2, 3))))
        assert (facts["points"], facts["faces"]) == (8, 12)
        assert facts["size"] == {"x": 1, "y": 2, "z": 3}
        assert facts["bounds"] == [[-0.5, -1, -1.5], [0.5, 1, 1.5]]
        assert facts["watertight"]
        assert facts["volume"] == pytest.approx(6)
        assert facts["area"] == pytest.approx(22)

    @pytest.mark.parametrize(
        "mesh",
        [
            trimesh.creation.icosphere(3),
            trimesh.creation.torus(3, 1),
            trimesh.creation.cone(1, 2),
            trimesh.creation.annulus(1, 2, 3),
        ],
    )
    def test_agrees_with_trimesh(self, mesh: trimesh.Trimesh):
        mesh.apply_translation([100, 20, -3])
        facts = POINTS.facts(cloud_of(mesh))
        assert facts["watertight"] == mesh.is_watertight
        assert facts["volume"] == pytest.approx(mesh.volume, rel=1e-4)
        assert facts["area"] == pytest.approx(mesh.area, rel=1e-4)

    def test_open_mesh_has_no_volume(self):
        mesh = trimesh.creation.icosphere(2)
        part = cloud_of(mesh)
        assert part.faces is not None
        facts = POINTS.facts(Cloud(part.xyz, None, part.faces[:100]))
        assert facts["watertight"] is False
        assert "volume" not in facts

    def test_points_of_equal_place_count_as_one_for_closedness(self):
        mesh = trimesh.creation.box()
        soup = mesh.triangles.reshape(-1, 3).astype(np.float32)
        facts = POINTS.facts(Cloud(soup, None, np.arange(len(soup)).reshape(-1, 3)))
        assert facts["watertight"]
        assert facts["volume"] == pytest.approx(1)

    def test_caption_says_it_in_words(self):
        cloud = Cloud(trimesh.creation.box((1, 2, 3)).vertices.astype(np.float32), units="cm")
        assert POINTS.caption(cloud) == "point cloud of 8 points, 1 × 2 × 3 cm"


class TestSampling:
    def test_share_of_points_is_the_share_of_area(self):
        xyz, _ = sample(cloud_of(trimesh.creation.box((1, 2, 5))), 20_000)
        on_face = np.isclose(np.abs(xyz), [0.5, 1, 2.5], atol=1e-5)
        shares = on_face.mean(axis=0)
        np.testing.assert_allclose(shares, np.array([20, 10, 4]) / 34, atol=0.01)

    def test_is_uniform_within_a_face(self):
        """Chi-square over sixteen equal triangles into which a triangle falls apart."""
        triangle = Cloud(np.eye(3, dtype=np.float32), None, np.array([[0, 1, 2]]))
        counts = np.zeros(16)
        for seed in range(20):
            xyz, _ = sample(triangle, 800, seed=seed)
            cell = np.floor(xyz * 4 * (1 - 1e-6)).astype(int)
            codes = cell @ [16, 4, 1]
            _, found = np.unique(codes, return_counts=True)
            counts += found
        expected = 20 * 800 / 16
        assert ((counts - expected) ** 2 / expected).sum() < 37.7  # 0.999 quantile, 15 degrees

    def test_every_point_lies_on_the_surface(self):
        mesh = trimesh.creation.icosphere(1)
        xyz, _ = sample(cloud_of(mesh), 500)
        planes = np.einsum("fd,fd->f", mesh.face_normals, mesh.triangles[:, 0])
        distance = np.abs(xyz @ mesh.face_normals.T - planes).min(axis=1)
        assert distance.max() < 1e-6

    def test_colours_are_interpolated_between_the_corners(self):
        rgb = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
        cloud = Cloud(np.eye(3, dtype=np.float32), rgb, np.array([[0, 1, 2]]))
        xyz, colours = sample(cloud, 100)
        assert colours is not None
        np.testing.assert_allclose(colours, xyz * 255, atol=1e-3)

    def test_is_the_same_each_time_and_another_for_another_seed(self):
        cloud = POINTS.example(3)
        first, second = sample(cloud, 64)[0], sample(cloud, 64)[0]
        np.testing.assert_array_equal(first, second)
        assert not np.array_equal(first, sample(cloud, 64, seed=1)[0])

    @given(st.integers(1, 50), st.integers(1, 120))
    def test_bare_points_are_used_evenly(self, points: int, count: int):
        cloud = Cloud(np.arange(points * 3, dtype=np.float32).reshape(-1, 3))
        xyz, _ = sample(cloud, count)
        assert len(xyz) == count
        _, used = np.unique(xyz[:, 0], return_counts=True)
        assert used.max() <= -(-count // points)

    def test_a_mesh_without_area_gives_its_points(self):
        cloud = Cloud(np.zeros((3, 3), np.float32), None, np.array([[0, 1, 2]]))
        assert sample(cloud, 10)[0].shape == (10, 3)


class TestFeatures:
    @settings(max_examples=50, deadline=None)
    @given(
        arrays.arrays(
            np.float32,
            st.tuples(st.integers(1, 40), st.just(3)),
            elements=st.floats(-1e9, 1e9, width=32),
        )
    )
    def test_any_cloud_fits_the_unit_sphere(self, xyz: np.ndarray):
        features = POINTS.features(Cloud(xyz))
        assert {name: tuple(each.shape) for name, each in features.items()} == {
            "xyz": (1024, 3),
            "rgb": (1024, 3),
            "scale": (1,),
        }
        assert features["xyz"].norm(dim=1).max() <= 1 + 1e-5
        assert all(bool(each.isfinite().all()) for each in features.values())

    def test_scale_is_undone_and_told(self):
        mesh = trimesh.creation.icosphere(4)
        mesh.apply_scale(1000)
        mesh.apply_translation([5e4, 0, 0])
        features = POINTS.features(cloud_of(mesh))
        assert features["scale"].item() == pytest.approx(3, abs=0.01)
        radius = features["xyz"].norm(dim=1)
        assert radius.min() > 0.9
        assert radius.max() == pytest.approx(1, abs=1e-5)

    def test_colours_are_kept_and_grey_stands_for_none(self):
        xyz = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
        red = np.tile(np.array([[255, 0, 51]], np.uint8), (20, 1))
        rgb = POINTS.features(Cloud(xyz, red))["rgb"]
        np.testing.assert_allclose(rgb.numpy(), np.tile([[1, 0, 0.2]], (1024, 1)), atol=1e-6)
        assert (POINTS.features(Cloud(xyz))["rgb"] == 0.5).all()


class TestRoundTrips:
    @pytest.mark.parametrize("mime", formats.MIME_TYPES)
    def test_points_colours_and_units_come_back(self, mime: str):
        cloud = POINTS.example(5)
        media = POINTS.save(cloud, name="box", mime=mime)
        found = POINTS.load(media)
        scale = 0.001 if mime == formats.GLB else 1
        order, other = np.lexsort(cloud.xyz.T), np.lexsort(found.xyz.T)
        np.testing.assert_allclose(found.xyz[other], cloud.xyz[order] * scale, rtol=1e-5)
        assert found.units == {formats.GLB: "m", formats.NPY: None}.get(mime, "mm")
        if mime in WITH_COLOURS:
            assert found.rgb is not None
            assert cloud.rgb is not None
            np.testing.assert_array_equal(found.rgb[other], cloud.rgb[order])
        if mime in WITH_FACES:
            facts = POINTS.facts(found)
            assert facts["volume"] == pytest.approx(
                POINTS.facts(cloud)["volume"] * scale**3, rel=1e-5
            )
        else:
            assert found.faces is None

    @pytest.mark.parametrize("mime", sorted({*formats.MIME_TYPES} - {formats.STL}))
    def test_bare_points_stay_bare(self, mime: str):
        cloud = Cloud(np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32))
        found = POINTS.load(POINTS.save(cloud, name="cloud", mime=mime))
        assert found.faces is None
        np.testing.assert_allclose(found.xyz, cloud.xyz, rtol=1e-6)

    def test_stl_of_bare_points_is_refused(self):
        with pytest.raises(UsageError, match=r"holds faces.*save it as PLY"):
            POINTS.save(Cloud(np.zeros((2, 3), np.float32)), name="x.stl", mime=formats.STL)

    @pytest.mark.parametrize("kind", ["ply", "obj", "stl", "off", "glb"])
    def test_trimesh_reads_what_we_write(self, kind: str):
        cloud = cloud_of(trimesh.creation.icosphere(2))
        mime = WITH_FACES[("ply", "obj", "stl", "off", "glb").index(kind)]
        data = POINTS.save(cloud, name="x", mime=mime).read()
        mesh = trimesh.load_mesh(io.BytesIO(data), file_type=kind)
        assert mesh.is_watertight
        assert mesh.volume == pytest.approx(trimesh.creation.icosphere(2).volume, rel=1e-5)

    @pytest.mark.parametrize("kind", ["ply", "obj", "stl", "stl_ascii", "off", "glb"])
    def test_reads_what_trimesh_writes(self, kind: str):
        mesh = trimesh.creation.cone(2, 5)
        data = exported(mesh, kind)
        found = load(data, "cone." + kind.removesuffix("_ascii"))
        assert POINTS.facts(found)["volume"] == pytest.approx(mesh.volume, rel=1e-4)
        np.testing.assert_allclose(
            in_some_order(np.unique(found.xyz.round(4), axis=0)),
            in_some_order(np.unique(mesh.vertices.astype(np.float32).round(4), axis=0)),
            atol=1e-4,
        )


PLY_HEAD = "ply\nformat ascii 1.0\n{}end_header\n{}"


class TestByHand:
    def test_ascii_ply_with_colours_units_and_a_quadrilateral(self):
        head = "comment units = cm\nelement vertex 4\n"
        head += "".join(f"property float {axis}\n" for axis in "xyz")
        head += "".join(f"property uchar {colour}\n" for colour in ("red", "green", "blue"))
        head += "element face 1\nproperty list uchar int vertex_indices\n"
        rows = "0 0 0 255 0 0\n2 0 0 0 255 0\n2 3 0 0 0 255\n0 3 0 9 8 7\n4 0 1 2 3\n"
        cloud = load(PLY_HEAD.format(head, rows), "square.ply")
        assert cloud.units == "cm"
        assert cloud.rgb is not None
        assert cloud.rgb.tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7]]
        assert POINTS.facts(cloud)["area"] == 6

    def test_big_endian_ply(self):
        head = "ply\nformat binary_big_endian 1.0\nelement vertex 2\n"
        head += "property double x\nproperty double y\nproperty double z\nend_header\n"
        cloud = load(head.encode() + struct.pack(">6d", 1, 2, 3, 4, 5, 6), "x.ply")
        assert cloud.xyz.tolist() == [[1, 2, 3], [4, 5, 6]]

    def test_colours_of_faces_become_colours_of_points(self):
        head = "element vertex 4\n" + "".join(f"property float {axis}\n" for axis in "xyz")
        head += "element face 2\nproperty list uchar int vertex_indices\n"
        head += "".join(f"property uchar {colour}\n" for colour in ("red", "green", "blue"))
        rows = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2 255 0 0\n3 0 2 3 0 0 255\n"
        cloud = load(PLY_HEAD.format(head, rows), "two.ply")
        assert cloud.rgb is not None
        assert cloud.faces is not None
        assert cloud.rgb[cloud.faces].tolist() == [[[255, 0, 0]] * 3, [[0, 0, 255]] * 3]
        _, colours = sample(cloud, 10)
        assert colours is not None
        assert {tuple(colour) for colour in colours} == {(255, 0, 0), (0, 0, 255)}

    def test_obj_ignores_its_material_file(self, tmp_path: Path):
        (tmp_path / "evil.mtl").write_text("newmtl m\nKd 1 0 0\n")
        path = tmp_path / "x.obj"
        path.write_text(
            "# units: inches\nmtllib evil.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl m\nf 1 2 3\n"
        )
        cloud = POINTS.load(open_media(path))
        assert (cloud.units, cloud.rgb) == ("in", None)
        assert POINTS.facts(cloud)["area"] == 0.5

    def test_obj_with_negative_and_slashed_indices(self):
        text = "v 0 0 0\nv 2 0 0\nv 0 2 0\nvt 0 0\nvn 0 0 1\nf -3/1/1 -2/1/1 -1/1/1\n"
        assert POINTS.facts(load(text, "x.obj"))["area"] == 2

    def test_coff_with_comments_and_a_pentagon(self):
        angles = [2 * math.pi * k / 5 for k in range(5)]
        rows = "".join(f"{math.cos(a)} {math.sin(a)} 0 {k} 0 0 255\n" for k, a in enumerate(angles))
        cloud = load(f"COFF # colours\n# pentagon\n5 1 0\n{rows}5 0 1 2 3 4\n", "x.off")
        assert POINTS.facts(cloud)["area"] == pytest.approx(2.5 * math.sin(2 * math.pi / 5))
        assert cloud.rgb is not None
        assert cloud.rgb[:, 0].tolist() == [0, 1, 2, 3, 4]

    def test_stl_with_colours_in_its_spare_bytes(self):
        corners = np.eye(3, dtype="<f4").tobytes()
        facets = b"".join(
            bytes(12) + corners + struct.pack("<H", 0x8000 | word) for word in (31 << 10, 31)
        )
        data = b"made by hand".ljust(80) + struct.pack("<I", 2) + facets
        cloud = load(data, "x.stl")
        assert cloud.rgb is not None
        assert {tuple(colour) for colour in cloud.rgb.tolist()} == {(255, 0, 0), (0, 0, 255)}

    @pytest.mark.parametrize(
        ("text", "rgb"),
        [
            ("1 2 3\n4 5 6\n", None),
            ("x,y,z\n1,2,3\n4,5,6\n", None),
            ("# made by hand\n1;2;3;0.5\n4;5;6;0.1\n", None),
            ("1 2 3 255 0 9\n4 5 6 1 2 3\n", [[255, 0, 9], [1, 2, 3]]),
            ("1\t2\t3\t1\t0\t0.2\n4 5 6 0 0 0", [[255, 0, 51], [0, 0, 0]]),
            ("2\n1 2 3 77 255 0 9\n4 5 6 12 1 2 3\n", [[255, 0, 9], [1, 2, 3]]),
            ("1 2 3 -1 0 0\n4 5 6 0 0 1\n", None),
        ],
    )
    def test_rows_of_text(self, text: str, rgb: list[list[int]] | None):
        cloud = load(text, "x.pts")
        assert cloud.xyz.tolist() == [[1, 2, 3], [4, 5, 6]]
        assert (None if cloud.rgb is None else cloud.rgb.tolist()) == rgb

    @pytest.mark.parametrize("columns", [3, 6])
    @pytest.mark.parametrize("kind", ["<f4", ">f8", "<i2"])
    def test_npy(self, columns: int, kind: str):
        table = np.arange(4 * columns).reshape(4, columns).astype(kind)
        stream = io.BytesIO()
        np.save(stream, table)
        cloud = load(stream.getvalue(), "x.npy")
        np.testing.assert_array_equal(cloud.xyz, table[:, :3])
        assert (cloud.rgb is not None) == (columns == 6)


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


class TestSniffing:
    @pytest.mark.parametrize("mime", sorted({*formats.MIME_TYPES} - {formats.XYZ}))
    def test_without_a_name(self, mime: str):
        data = POINTS.save(POINTS.example(), name="x", mime=mime).read()
        assert POINTS.sniff(data[:4096], "") == mime

    def test_a_long_binary_stl_is_known_by_its_facets(self):
        data = exported(trimesh.creation.icosphere(4), "stl")
        assert len(data) > 4096
        assert POINTS.sniff(data[:4096], "download") == formats.STL

    @pytest.mark.parametrize(
        ("data", "name"),
        [
            (b"solid ground is rare in these parts\n", "a.txt"),
            (b"off we go\n", "a.txt"),
            (b"v is a letter\n", "a.txt"),
            (b"1 2 3\n4 5 6\n", "numbers.txt"),
            (b"time,x,y\n1,2,3\n", "a.csv"),
            (b"plywood\n", "a.txt"),
            (bytes(5000), "zeros.bin"),
            (b"<!" * 2048, "download"),
            (b"hello\n" * 1000, "a.txt"),
        ],
    )
    def test_what_only_looks_alike_is_left_to_others(self, data: bytes, name: str):
        assert POINTS.sniff(data, name) is None

    def test_columns_of_any_other_number_are_left_to_series(self):
        stream = io.BytesIO()
        np.save(stream, np.zeros((10, 4)))
        assert POINTS.sniff(stream.getvalue(), "x.npy") is None


class TestRefusals:
    def check(self, data: bytes, mime: str, says: str):
        media = Media.from_bytes(data, modality="points", mime=mime, name="bad")
        with pytest.raises(MediaError, match=says) as caught:
            POINTS.load(media)
        assert str(caught.value).isprintable()

    @pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "1e39"])
    def test_numbers_that_are_not_finite(self, bad: str):
        text = f"0 0 0\n1 {bad} 2\n"
        self.check(
            text.encode(), formats.XYZ, r"1 of its 2 points .*the first is point 2\): remove"
        )

    def test_nothing_in_it(self):
        head = b"ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nend_header\n"
        self.check(head, formats.PLY, "bad")
        self.check(b"OFF\n0 0 0\n", formats.OFF, "no points")
        self.check(bytes(84), formats.STL, "no points")
        self.check(b"# only a comment\n", formats.XYZ, "no line of it begins with three numbers")

    def test_too_many_points(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(reading, "MAX_POINTS", 7)
        media = POINTS.save(POINTS.example(), name="box.ply")
        with pytest.raises(MediaError, match=r"box\.ply has 8 points; the limit .* 7: thin it out"):
            POINTS.load(media)

    def test_too_many_faces_and_bytes(self, monkeypatch: pytest.MonkeyPatch):
        media = POINTS.save(POINTS.example(), name="box.ply")
        monkeypatch.setattr(reading, "MAX_FACES", 11)
        with pytest.raises(MediaError, match="12 faces"):
            POINTS.load(media)
        monkeypatch.setattr(reading, "MAX_BYTES", 100)
        with pytest.raises(MediaError, match="bytes; the limit"):
            POINTS.load(media)

    def test_too_much_text(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(reading, "MAX_TEXT_BYTES", 30)
        text = "1 2 3\n4 5 6\n7 8 9\n" * 9
        head = "ply\nformat ascii 1.0\nelement vertex 27\nend_header\n"
        for mime, data in [(formats.XYZ, text), (formats.PLY, head + text)]:
            self.check(data.encode(), mime, "bytes of text; the limit")
        assert len(POINTS.load(POINTS.save(POINTS.example(), name="box.ply")).xyz) == 8

    def test_another_type(self):
        self.check(b"x", "image/png", "no 3D format")


class TestPicture:
    def test_shows_the_silhouette_of_a_sphere(self):
        picture = np.asarray(POINTS.picture(cloud_of(trimesh.creation.icosphere(3)), width=200))
        drawn = (picture != picture[0, 0]).any(axis=2)
        radius = 0.44 * picture.shape[0]
        assert drawn.sum() == pytest.approx(math.pi * radius**2, rel=0.03)
        rows, columns = np.nonzero(drawn)
        assert rows.mean() == pytest.approx(picture.shape[0] / 2, abs=2)
        assert columns.mean() == pytest.approx(picture.shape[1] / 2, abs=2)

    def test_the_nearer_face_hides_the_farther(self):
        near = np.array([[-1, -1, -1], [1, -1, -1], [0, -1, 1]], np.float32)
        far = near + np.array([0, 4, -1.8])
        rgb = np.repeat(np.array([[250, 0, 0], [0, 0, 250]], np.uint8), 3, axis=0)
        for order in ([0, 1], [1, 0]):
            xyz = np.concatenate([near, far]).astype(np.float32)
            faces = np.arange(6).reshape(2, 3)[order]
            middle = np.asarray(POINTS.picture(Cloud(xyz, rgb, faces), width=160))
            red = (middle[..., 0] > 2 * middle[..., 2].astype(int)).sum()
            assert red > 500

    def test_draws_many_faces_and_points_and_a_single_point(self):
        mesh = trimesh.creation.icosphere(6)
        assert len(mesh.faces) > 20_000
        assert POINTS.picture(cloud_of(mesh), width=100).size == (100, 75)
        points = Cloud(mesh.vertices.astype(np.float32))
        drawn = np.asarray(POINTS.picture(points, width=100))
        assert (drawn != drawn[0, 0]).any(axis=2).mean() > 0.2
        assert POINTS.picture(Cloud(np.zeros((1, 3), np.float32)), width=64).size == (64, 48)
