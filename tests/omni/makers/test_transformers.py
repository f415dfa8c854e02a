"""Real text-to-audio models with tiny weights make sound, or say why they do not."""

import numpy as np
import pytest
import torch

from omni.errors import Failed, UsageError
from omni.making import Wish, opened
from omni.modality import modality


@pytest.fixture(scope="module")
def speaker(weights):
    return opened(f"{weights['vits']}?speaker_id=1", "speech", device="cpu")


@pytest.fixture(scope="module")
def player(weights):
    return opened(f"{weights['musicgen']}?max_new_tokens=12", "audio", device="cpu")


def test_speech_is_that_of_the_model_itself(speaker, weights):
    from transformers import VitsModel, VitsTokenizer

    made = speaker.make(Wish("speech", "a red cat", seed=3))
    model = VitsModel.from_pretrained(weights["vits"])
    tokens = VitsTokenizer.from_pretrained(weights["vits"])("a red cat", return_tensors="pt")
    torch.manual_seed(3)
    with torch.no_grad():
        wanted = model(**tokens, speaker_id=1).waveform[0].clamp(-1, 1).numpy()
    wave = modality("audio").load(made.media)
    assert wave.sample_rate == 16_000
    assert np.abs(wave.samples[:, 0] - wanted).max() < 1e-4  # 16 bits a sample
    assert (made.model, made.seed, made.parameters) == (str(weights["vits"]), 3, {"speaker_id": 1})


def test_a_generator_makes_as_much_as_was_asked_for(player, weights):
    made = player.make(Wish("audio", "a red cat", seed=3))
    wave = modality("audio").load(made.media)
    assert (wave.sample_rate, wave.samples.shape) == (8000, (176, 1))
    assert (made.seed, made.parameters) == (3, {"max_new_tokens": 12})


@pytest.mark.parametrize("name", ["speaker", "player"])
def test_the_seed_in_the_lineage_makes_the_sound_again(name, request):
    maker = request.getfixturevalue(name)
    first = maker.make(Wish("audio", "a red cat"))
    again, other = (maker.make(Wish("audio", "a red cat", first.seed + one)) for one in (0, 1))
    assert again.media.digest == first.media.digest != other.media.digest


def test_the_random_numbers_of_others_are_left_alone(speaker):
    torch.manual_seed(7)
    speaker.make(Wish("speech", "a cat", seed=1))
    assert torch.rand(1) == torch.rand(1, generator=torch.Generator().manual_seed(7))


def test_loading_shows_nothing(weights, capfd):
    opened(str(weights["vits"]), "speech").make(Wish("speech", "a cat", seed=1))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "arguments", "prompt", "error", "message"),
    [
        ("vits", "", "  ", Failed, "there is nothing to say: no words were given"),
        ("vits", "", "語", Failed, " made no sound of this prompt: "),
        ("vits", "?speaker_id=9", "cat", Failed, "Set `speaker_id` in the range 0-1"),
        ("vits", "?max_new_tokens=4", "cat", UsageError, "VitsModel takes no max_new_tokens; it"),
        ("musicgen", "?loudness=4", "cat", Failed, "['loudness']"),
    ],
)
def test_what_cannot_be_made_is_told(weights, name, arguments, prompt, error, message):
    maker = opened(f"{weights[name]}{arguments}", "audio")
    with pytest.raises(error) as raised:
        maker.make(Wish("audio", prompt, seed=1))
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_a_model_of_another_sort_is_told(weights):
    folder = weights["stable_diffusion"] / "text_encoder"
    with pytest.raises(UsageError, match=f"^{folder} is no text-to-audio model: "):
        opened(f"transformers:{folder}", "audio").make(Wish("audio", "a cat"))
