"""Films and sounds of real diffusion pipelines with tiny weights."""

# The types that diffusers declares are narrower than what it takes and gives:
# pyright: reportPrivateImportUsage=false, reportArgumentType=false
# pyright: reportAttributeAccessIssue=false

import numpy as np
import pytest
import torch

from omni.making import Wish, opened
from omni.modality import modality

FILM = {"num_inference_steps": 2, "height": 32, "width": 64, "num_frames": 9}
SOUND = {"num_inference_steps": 2, "audio_length_in_s": 0.02}


def named(folder, arguments):
    return f"{folder}?{'&'.join(f'{name}={value}' for name, value in arguments.items())}"


@pytest.fixture(scope="module")
def director(weights):
    arguments = {**FILM, "max_sequence_length": 16}
    return opened(named(weights["ltx"], arguments), "video", device="cpu")


@pytest.fixture(scope="module")
def musician(weights):
    return opened(named(weights["audio_ldm"], SOUND), "audio", device="cpu")


def test_a_film_has_the_frames_of_the_pipeline_itself(director, weights):
    from diffusers import LTXPipeline

    made = director.make(Wish("video", "a red cat", seed=3))
    clip = modality("video").load(made.media)
    plain = LTXPipeline.from_pretrained(weights["ltx"])
    plain.set_progress_bar_config(disable=True)
    wanted = plain(
        "a red cat",
        **FILM,
        max_sequence_length=16,
        generator=torch.manual_seed(3),
        output_type="np",
    ).frames[0]
    assert clip.frames.shape == (9, 32, 64, 3)
    # What is written is compressed: brightness is kept, single pixels hardly are.
    assert np.abs(clip.frames.mean((1, 2, 3)) / 255 - wanted.mean((1, 2, 3))).max() < 0.02
    assert made.parameters["num_frames"] == 9


@pytest.mark.parametrize(("given", "rate"), [({}, 25), ({"frame_rate": 10}, 10)])
def test_a_film_runs_as_fast_as_it_was_made_for(director, given, rate):
    """The pipeline of LTX assumes 25 frames a second, and moves what it shows accordingly."""
    made = director.make(Wish("video", "a cat", 1, parameters=given))
    clip = modality("video").load(made.media)
    assert clip.frame_rate == pytest.approx(rate)
    assert clip.seconds == pytest.approx(9 / rate, rel=0.02)


def test_a_sound_is_that_of_the_pipeline_itself_at_its_own_rate(musician, weights):
    from diffusers import AudioLDMPipeline

    made = musician.make(Wish("audio", "a red cat", seed=3))
    wave = modality("audio").load(made.media)
    plain = AudioLDMPipeline.from_pretrained(weights["audio_ldm"])
    plain.set_progress_bar_config(disable=True)
    wanted = plain("a red cat", **SOUND, generator=torch.manual_seed(3)).audios[0]
    assert wave.sample_rate == 12_000
    assert wave.samples.shape == (240, 1)
    assert np.abs(wave.samples[:, 0] - wanted.clip(-1, 1)).max() < 1e-4


@pytest.mark.parametrize(("maker", "kind"), [("director", "video"), ("musician", "audio")])
def test_the_seed_makes_the_same_again(maker, kind, request):
    make = request.getfixturevalue(maker).make
    first = make(Wish(kind, "a cat"))
    assert make(Wish(kind, "a cat", first.seed)).media.digest == first.media.digest
    assert make(Wish(kind, "a cat", first.seed + 1)).media.digest != first.media.digest


def test_what_a_pipeline_does_not_make_is_told(director):
    from omni.errors import Failed

    with pytest.raises(Failed, match=r"is a LTXPipeline, which makes no audio"):
        director.make(Wish("audio", "a cat", 1))


def test_loading_a_film_maker_shows_nothing(weights, capfd):
    arguments = {**FILM, "max_sequence_length": 16}
    opened(named(weights["ltx"], arguments), "video").make(Wish("video", "a", seed=1))
    assert capfd.readouterr() == ("", "")
