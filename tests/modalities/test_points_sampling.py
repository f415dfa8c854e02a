"""Points sampled from a surface and the features made of them, against chance and by hand."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from omni.modalities.points.sampling import sample
from omni.values import Cloud
from tests.modalities.clouds import POINTS, cloud_of


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
