"""A real diffusion pipeline with tiny weights makes pictures, or says why it does not."""

# The types that diffusers declares are narrower than what it takes and gives:
# pyright: reportPrivateImportUsage=false, reportArgumentType=false
# pyright: reportAttributeAccessIssue=false

import json
import shutil
import threading

import numpy as np
import pytest
import torch
from langchain_core.messages import AIMessage

from omni.chat.cancelling import STOP, Cancelled
from omni.errors import Failed, UsageError
from omni.making import Wish, opened
from omni.modality import modality

STEPS = "?num_inference_steps=2&height=32&width=48"


@pytest.fixture(scope="module")
def painter(weights):
    return opened(f"{weights['stable_diffusion']}{STEPS}", "image", device="cpu")


def test_a_picture_has_the_size_asked_for_and_its_lineage(painter, weights):
    made = painter.make(Wish("image", "a red cat", seed=3))
    assert modality("image").load(made.media).size == (48, 32)
    assert made.block(prompt="a red cat")["extras"]["omni"]["lineage"] == {
        "model": str(weights["stable_diffusion"]),
        "seed": 3,
        "parameters": {
            "pipeline": "StableDiffusionPipeline",
            "num_inference_steps": 2,
            "height": 32,
            "width": 48,
        },
        "prompt": "a red cat",
    }


def test_the_seed_in_the_lineage_makes_the_picture_again(painter):
    first = painter.make(Wish("image", "a cat"))
    assert painter.make(Wish("image", "a cat", first.seed)).media.digest == first.media.digest
    assert painter.make(Wish("image", "a cat", first.seed + 1)).media.digest != first.media.digest


def test_the_picture_is_that_of_the_pipeline_itself(painter, weights):
    from diffusers import StableDiffusionPipeline

    plain = StableDiffusionPipeline.from_pretrained(weights["stable_diffusion"])
    plain.set_progress_bar_config(disable=True)
    wanted = plain(
        "a dog", height=32, width=48, num_inference_steps=2, generator=torch.manual_seed(5)
    ).images[0]
    made = modality("image").load(painter.make(Wish("image", "a dog", seed=5)).media)
    assert np.array_equal(np.asarray(made), np.asarray(wanted))


def test_parameters_of_the_wish_go_before_those_of_the_name(painter):
    made = painter.make(Wish("image", "x", 1, parameters={"height": 64, "horizon": 9}))
    assert modality("image").load(made.media).size == (48, 64)
    assert made.parameters["height"] == 64 and "horizon" not in made.parameters


def test_the_random_numbers_of_others_are_left_alone(painter):
    torch.manual_seed(7)
    painter.make(Wish("image", "a cat"))
    found = torch.rand(1)
    assert found == torch.rand(1, generator=torch.Generator().manual_seed(7))


def test_loading_shows_nothing(weights, capfd):
    opened(f"{weights['stable_diffusion']}{STEPS}", "image").make(Wish("image", "a", seed=1))
    assert capfd.readouterr() == ("", "")


def test_a_stopped_turn_leaves_between_two_steps(painter):
    flag = threading.Event()
    flag.set()
    token = STOP.set(flag)
    try:
        with pytest.raises(Cancelled):
            painter.make(Wish("image", "a cat"))
    finally:
        STOP.reset(token)
    assert painter.make(Wish("image", "a cat", 1)).seed == 1


@pytest.mark.parametrize(
    ("arguments", "kind", "error", "message"),
    [
        ("?steps=2", "image", UsageError, "StableDiffusionPipeline takes no steps; it takes "),
        ("?num_inference_steps=many", "image", Failed, " made no image of this prompt: "),
        (STEPS, "audio", Failed, " is a StableDiffusionPipeline, which makes no audio"),
        (f"{STEPS}&output_type=latent", "image", Failed, " made no image of this prompt: "),
    ],
)
def test_what_cannot_be_made_is_told(weights, arguments, kind, error, message):
    maker = opened(f"{weights['stable_diffusion']}{arguments}", kind)
    with pytest.raises(error) as raised:
        maker.make(Wish(kind, "a cat", seed=1))
    assert message in str(raised.value) and "\n" not in str(raised.value)


def test_weights_that_could_hold_code_are_not_read(weights, tmp_path):
    folder = tmp_path / "pickled"
    shutil.copytree(weights["stable_diffusion"], folder)
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    state = {"conv_in.weight": torch.zeros(8, 4, 3, 3)}
    torch.save(state, folder / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(UsageError, match=r"cannot be loaded as a pipeline: .*safetensors"):
        opened(str(folder), "image").make(Wish("image", "a cat"))


def test_a_pipeline_without_words_is_refused(tmp_path):
    from diffusers import DDIMPipeline, DDIMScheduler, UNet2DModel

    net = UNet2DModel(
        sample_size=8,
        block_out_channels=(8,),
        norm_num_groups=4,
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
    )
    DDIMPipeline(net, DDIMScheduler()).save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=r"is a DDIMPipeline, which takes no prompt: name another"):
        opened(str(tmp_path), "image").make(Wish("image", "a cat"))


def test_a_folder_of_another_sort_is_told(tmp_path):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "NoSuchPipeline"}))
    with pytest.raises(UsageError, match=r"cannot be loaded as a pipeline: .*NoSuchPipeline"):
        opened(str(tmp_path), "image").make(Wish("image", "a cat"))


def test_an_agent_shows_the_picture_with_its_lineage(weights):
    from omni.chat.agent import Agent
    from omni.chat.making import asking_block
    from omni.testing.scripted import ScriptedBrain

    makers = {"image": f"{weights['stable_diffusion']}{STEPS}"}
    block = asking_block("image", "a red cat", seed=3)
    with Agent(ScriptedBrain(script=[AIMessage([block])]), makers=makers) as agent:
        answer = agent.run("draw a red cat")
        lineage = agent.lineage("img-1")
        assert lineage is not None
    assert answer.ok
    assert (lineage.prompt, lineage.seed) == ("a red cat", 3)
    assert lineage.parameters["pipeline"] == "StableDiffusionPipeline"
