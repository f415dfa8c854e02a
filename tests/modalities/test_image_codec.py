"""The picture codec: codes of patches there and back, fitted, and refused where they make none."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from omni.errors import UsageError
from omni.modality import modality
from omni.nano.stages import image_codec
from omni.nano.world import scene


@pytest.fixture(scope="module")
def codec():
    torch.manual_seed(0)
    made = modality("image").decoder()
    assert made is not None
    return made.eval()


@torch.inference_mode()
def test_patches_are_cut_row_by_row_and_joined_again():
    from omni.pixels import cut, join

    pixels = torch.rand(2, 3, 64, 64)
    patches = cut(pixels, 8)
    assert torch.equal(join(patches, 8, 8), pixels)
    rows = torch.arange(64).view(1, 1, 8, 8).expand(1, 3, 8, 8).float()
    numbered = torch.nn.functional.interpolate(rows, scale_factor=8)
    assert cut(numbered, 8)[:, 0].tolist() == list(range(64))


@torch.inference_mode()
def test_every_code_is_its_own_nearest(codec):
    from omni.modalities.image.decoder import nearest

    assert torch.equal(nearest(codec.mixtures, codec.mixtures), torch.arange(codec.patches))


def test_a_shape_has_the_same_patches_in_every_colour(codec):
    labels = np.random.default_rng(0).dirichlet(np.ones(4), (64, 64)).astype(np.float32)
    palettes = (codec.rgb[[5, 1, 2, 3]] * 255).tolist(), (codec.rgb[[5, 9, 2, 3]] * 255).tolist()
    one, other = (codec.encode_labels(labels, palette) for palette in palettes)
    assert (one != other).nonzero()[:, 0].tolist() == [1]
    assert (one[:4] - codec.patches).tolist() == [5, 1, 2, 3]


def test_codes_of_the_wrong_kind_are_read_modulo(codec):
    codes = codec.encode(scene.draw(scene.sample(0), 64, 64))
    made = codec.decode(codes)
    wrong = codes.clone()
    wrong[-1] = codec.patches + 7
    codes[-1] = 7
    assert codec.decode(wrong) == codec.decode(codes) != made


def test_a_picture_becomes_68_codes_and_a_picture_again(codec):
    codes = codec.encode(scene.draw(scene.sample(0), 120, 80))
    assert codes.dtype == torch.int64 and codes.shape == (codec.length,) == (68,)
    assert codes.min() >= 0 and codes.max() < codec.codes
    made = codec.decode(codes)
    assert made.mode == "RGB" and made.size == (256, 256)
    assert sum(p.numel() for p in codec.parameters()) <= 2_500_000


def test_transparency_and_other_modes_are_read(codec):
    for mode in ("RGBA", "L", "P", "CMYK"):
        assert len(codec.encode(Image.new(mode, (10, 30)))) == 68


@pytest.mark.parametrize(
    "codes",
    [torch.zeros(67), torch.full((68,), 1152), torch.full((68,), -1), torch.zeros(0)],
    ids=["too few", "too high", "negative", "none"],
)
def test_codes_that_make_no_picture_are_refused(codec, codes):
    with pytest.raises(UsageError, match=r"a picture is made of 68 codes in 0…1151, not of \d+"):
        codec.decode(codes.long())


def test_the_fitted_codec_brings_its_pictures_back(tmp_path, monkeypatch):
    monkeypatch.setattr(image_codec, "GENERAL_PICTURES", 24)
    monkeypatch.setattr(image_codec, "EXAMPLES", 8)
    figures = image_codec.run(tmp_path, minutes=0.05)
    assert json.loads((tmp_path / "image_codec.figures.json").read_text()) == figures
    assert figures["psnr"] > 40 and figures["judged"] == 1
    fitted = image_codec.load(tmp_path)
    wanted = scene.draw(scene.clean("blue", "circle", "small", "left"), 256, 256)
    made = np.asarray(fitted.decode(fitted.encode(wanted)), float)
    assert np.abs(made - np.asarray(wanted)).mean() < 6
    assert image_codec.run(tmp_path, minutes=0.05) == figures  # a finished one is not fitted again
