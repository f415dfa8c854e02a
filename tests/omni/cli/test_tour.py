"""`omni tour`: every path is shown, what it made is written, and a step that fails is told."""

import base64
import io

import numpy as np
import pytest
import soundfile
from langchain_core.messages import AIMessage

WORDS = ["A red circle.", "Blue square.", "A green circle moves.", "A green torus.", "Rising."]


def media(kind, mime, data):
    block = {"type": kind, "base64": base64.b64encode(data).decode(), "mime_type": mime}
    return AIMessage(content=[{"type": "text", "text": "Here."}, block])


@pytest.fixture
def sound():
    out = io.BytesIO()
    soundfile.write(out, np.zeros(800, np.float32), 16_000, format="WAV")
    return media("audio", "audio/wav", out.getvalue())


def test_every_path_is_shown_and_written(omni, scripted, blue_png, sound, tmp_path):
    brain = scripted(*WORDS, media("image", "image/png", blue_png), sound)
    out = tmp_path / "tour"
    ran = omni("tour", "-o", out)
    assert ran.code == 0, ran.err
    steps = ran.out.splitlines()
    assert [line.split("  ")[0] for line in steps] == [
        "image → text",
        "audio → text",
        "video → text",
        "points → text",
        "series → text",
        "text → image",
        "text → speech",
        "resume",
    ]
    assert all(words in line for words, line in zip(WORDS, steps[:5], strict=True))
    assert "7 turns and 7 media are back" in steps[-1]
    assert sorted(path.name for path in out.iterdir()) == ["aud-2.wav", "img-2.png", "tour.md"]
    assert "A green torus." in (out / "tour.md").read_text("utf-8")
    kinds = [[block["type"] for block in asked[-1].content] for asked in brain.asked[:5]]
    assert all("image" in blocks or "file" in blocks or len(blocks) > 1 for blocks in kinds)


def test_a_step_that_fails_makes_the_exit_code_1(omni, scripted, sound, tmp_path):
    scripted(*WORDS[:2], ConnectionError("gone"), "", *WORDS[4:], "I cannot draw.", sound)
    ran = omni("tour", "-o", tmp_path)
    assert ran.code == 1
    told = dict(line.split("  ", 1) for line in ran.out.splitlines())
    assert "gone" in told["video → text"]
    assert "the model gave an empty answer" in told["points → text"]
    assert "no image was made; the answer was 'I cannot draw.'" in told["text → image"]
    assert ran.err.endswith(
        "omni: 3 of 8 steps failed: video → text, points → text, text → image\n"
    )
