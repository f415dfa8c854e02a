"""Measures and pictures of solids of known size, against trimesh."""

import math

import numpy as np
import pytest
import trimesh

from omni.values import Cloud
from tests.modalities.clouds import POINTS, cloud_of


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
