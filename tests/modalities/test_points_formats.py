"""Every format of points: back and forth, against trimesh, and files made by hand."""

import io
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from omni.errors import UsageError
from omni.modalities.points import formats
from omni.modalities.points.sampling import sample
from omni.modality import open_media
from omni.values import Cloud
from tests.modalities.clouds import POINTS, cloud_of, exported, load

WITH_FACES = (formats.PLY, formats.OBJ, formats.STL, formats.OFF, formats.GLB)
WITH_COLOURS = (formats.PLY, formats.OBJ, formats.OFF, formats.GLB, formats.XYZ, formats.NPY)


def in_some_order(xyz: np.ndarray) -> np.ndarray:
    return xyz[np.lexsort(xyz.T)]


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
