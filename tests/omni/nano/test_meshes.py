import numpy as np
import pytest

from omni.nano.meshes import mesh
from omni.nano.world import words

ROUND = {"sphere": 4 * np.pi / 3, "cube": 8.0}


@pytest.fixture(scope="module")
def built():
    rng = np.random.default_rng(0)
    return [mesh(rng) for _ in range(120)]


def test_every_solid_is_built_in_colours_of_the_world(built):
    assert {one.labels["solid"] for one in built} == set(words.SOLIDS)
    assert {one.labels["colour"] for one in built} <= set(words.COLOURS)


def test_meshes_are_closed_and_turned_at_random(built):
    trimesh = pytest.importorskip("trimesh")
    for one in built:
        whole = trimesh.Trimesh(one.value.xyz, one.value.faces)
        assert whole.is_watertight
        assert np.isfinite(one.value.xyz).all()
    tops = np.array([one.value.xyz[one.value.xyz[:, 2].argmax()] for one in built])
    assert np.ptp(tops[:, 0]) > 0.5


def test_spheres_and_cubes_have_their_volumes(built):
    trimesh = pytest.importorskip("trimesh")
    for one in built:
        if one.labels["solid"] in ROUND:
            whole = trimesh.Trimesh(one.value.xyz, one.value.faces)
            reach = np.linalg.norm(one.value.xyz, axis=1).max()
            unit = reach if one.labels["solid"] == "sphere" else reach / 3**0.5
            assert whole.volume / unit**3 == pytest.approx(ROUND[one.labels["solid"]], rel=0.05)
