"""The whole training, in two minutes and from nothing."""

import json

import pytest

from omni.nano import train
from omni.nano.stages import align, together


def test_every_stage_has_its_share_of_the_minutes():
    shares = [share for lane in train.LANES for _, share in lane]
    assert all(share > 0 for share in shares)
    longest = max(sum(share for _, share in lane) for lane in train.LANES)
    after = train.ALIGN_SHARE + train.TOGETHER_SHARE + train.LANGUAGE_SHARE
    assert longest + after <= 1


def test_both_stages_of_heads_see_the_same_things_however_long_a_run_is():
    for minutes in (2.0, 50.0, 180.0):
        shares = (
            min(1.0, minutes * train.ALIGN_SHARE / align.FULL_MINUTES),
            min(1.0, minutes * train.TOGETHER_SHARE / together.FULL_MINUTES),
        )
        assert align.sizes(shares[0]) == align.sizes(shares[1])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_minutes_of_training_make_a_model_and_every_loss_falls(tmp_path):
    train.train(tmp_path, minutes=2.0, seed=0)
    curves = {
        path.name.split(".")[0]: [
            json.loads(line)["loss"] for line in path.read_text().splitlines()
        ]
        for path in tmp_path.glob("*.log.jsonl")
    }
    stages = {"image", "audio", "video", "points", "series", "forecast"}
    assert stages | {"align", "together", "language"} <= set(curves)
    for stage, losses in curves.items():
        brief = stage == "together"  # goes on for seconds with heads that `align` has taught
        assert len(losses) >= (2 if brief else 4), stage
        if stage == "forecast":  # it begins as the mean of good forecasts: seconds do not show
            continue
        late = losses[-2:]  # a slow machine logs five values of a stage, a quick one dozens
        fallen = losses[-1] if brief else sum(late) / len(late)
        assert fallen < (1.0 if brief else 0.95) * losses[0], f"{stage}: {losses}"
    assert says_something(tmp_path / "model")


def says_something(folder):
    """The model can be loaded and asked, whatever it answers after two minutes."""
    from omni.device import place
    from omni.evaluation.answering import Answerer
    from omni.model.loading import load
    from omni.nano import cases
    from omni.nano.cases import Pool

    answerer = Answerer(load(folder, place("cpu", "float32")))
    questions = cases.about_things(Pool(answerer.encode, 4), "image", "text", 4, held_out=False)
    said = answerer.answer(questions)
    return any(answers[0].text for answers in said)
