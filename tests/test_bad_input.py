"""Bad input is refused in one line, with bounded memory and time, and nothing is lost by it."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from omni.errors import MediaError
from omni.testing import HOSTILE, Hostile
from omni.testing.hostile import pdf, png, silent_flac

MEGABYTES = 1_000
CPU_SECONDS = 5.0

MEASURE = """
import json, resource, sys, time
from pathlib import Path
from omni.errors import MediaError
from omni.modality import modality, open_media
from omni.plugins import names
from omni.testing import HOSTILE

def peak():
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6

folder = Path(sys.argv[1])
for name in names("modalities"):
    plugin = modality(name)  # The first use imports libraries, which is no fault of a file.
    plugin.load(plugin.save(plugin.example(), name="example" + plugin.suffixes[0]))
paths = {hostile.name: hostile.make(folder / hostile.name) for hostile in HOSTILE}
base, rows = peak(), []
for hostile in HOSTILE:
    began = time.process_time()
    try:
        media = open_media(paths[hostile.name], hostile.access(folder / hostile.name))
        modality(media.modality).load(media)
        error, message = "none", "it was loaded"
    except MediaError as caught:
        error, message = "MediaError", str(caught)
    except BaseException as caught:
        error, message = type(caught).__name__, str(caught)
    seconds = time.process_time() - began
    rows.append([hostile.name, error, message, seconds, peak() - base])
print(json.dumps(rows))
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """Every bad input loaded in one fresh process, which measures itself."""
    folder = tmp_path_factory.mktemp("hostile")
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return {row[0]: row[1:] for row in json.loads(run.stdout)}


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_is_refused_in_one_line_within_bounds(hostile: Hostile, measured: dict[str, list]):
    error, message, seconds, megabytes = measured[hostile.name]
    assert error == "MediaError", message
    assert re.search(hostile.says, message), message
    assert message.isprintable(), "one line"
    assert len(message) < 400
    assert seconds < CPU_SECONDS
    assert megabytes < MEGABYTES


def test_names_are_unique():
    assert len({hostile.name for hostile in HOSTILE}) == len(HOSTILE)


class TestGenerators:
    """The corpus is what it says: a refusal of something merely malformed would prove little."""

    def test_silent_flac_is_a_valid_flac_file(self):
        import soundfile

        samples, rate = soundfile.read(io.BytesIO(silent_flac(60)))
        assert (len(samples), rate) == (60 * 8_000, 8_000)
        assert not samples.any()
        assert soundfile.info(io.BytesIO(silent_flac(36_000))).duration == 36_000

    def test_png_is_a_valid_picture_where_it_does_not_lie(self):
        from PIL import Image

        rows = b"".join(bytes([0, *range(5)]) for _ in range(3))
        picture = Image.open(io.BytesIO(png(5, 3, rows)))
        assert picture.size == (5, 3)
        assert list(picture.tobytes()) == [0, 1, 2, 3, 4] * 3

    def test_video_without_frames_is_a_valid_container(self, tmp_path: Path):
        import av

        (hostile,) = (each for each in HOSTILE if each.name == "video-without-frames")
        with av.open(str(hostile.make(tmp_path))) as container:
            (stream,) = container.streams.video
            assert (stream.width, stream.height) == (64, 64)
            with pytest.raises(StopIteration):
                next(container.decode(stream))

    def test_pdf_is_a_valid_pdf(self):
        import pypdfium2

        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 120 80]>>"
        pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
        document = pypdfium2.PdfDocument(pdf(b"<</Type/Catalog/Pages 2 0 R>>", pages, page))
        assert document.get_page_size(0) == (120, 80)
        document.close()

    def test_zip_bomb_is_small_on_disk(self, tmp_path: Path):
        (hostile,) = (each for each in HOSTILE if each.name == "docx-that-unpacks-to-a-lot")
        assert hostile.make(tmp_path).stat().st_size < 400_000


def test_words_are_read_whatever_harmless_name_they_have(tmp_path: Path):
    from omni.modality import open_media

    path = tmp_path / "LICENSE"
    path.write_text("You may copy this.\n")
    assert open_media(path).modality == "text"
    path = tmp_path / "photo.jpeg"
    path.write_text("You may copy this.\n")
    with pytest.raises(MediaError, match=r"photo\.jpeg is named as image .+ rename it to \.txt"):
        open_media(path)


HERE = [hostile for hostile in HOSTILE if not hostile.inside]


@pytest.mark.parametrize("hostile", HERE, ids=lambda hostile: hostile.name)
def test_the_command_line_refuses_it(
    hostile: Hostile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from omni.cli.main import main

    path = hostile.make(tmp_path)
    assert main(["ask", "what is this?", "-a", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert re.search(hostile.says, line)


@pytest.mark.parametrize("name", ["picture-of-ten-gigapixels", "ten-hours-of-silence", "folder"])
def test_a_process_of_its_own_ends_with_one_line_and_code_2(name: str, tmp_path: Path):
    (hostile,) = (each for each in HOSTILE if each.name == name)
    path = hostile.make(tmp_path / "files")
    environment = {**os.environ, "OMNI_HOME": str(tmp_path / "home"), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "omni", "ask", "what is this?", "-a", str(path), "--json"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 2, run.stderr
    (line,) = run.stderr.splitlines()
    assert re.search(hostile.says, line)
    told = json.loads(run.stdout)
    assert told["parts"] == []
    assert re.search(hostile.says, told["error"]["message"])


def test_a_session_goes_on_with_nothing_lost(tmp_path: Path, own_home: Path):
    from omni.chat.agent import Agent
    from omni.testing.scripted import ScriptedBrain

    good = tmp_path / "notes.txt"
    good.write_text("The answer is 42.\n")
    brain = ScriptedBrain(script=["42.", "Still 42."])
    with Agent(brain, home=own_home, session="s") as agent:
        agent.attach(good)
        for hostile in HERE:
            with pytest.raises(MediaError, match=hostile.says):
                agent.attach(hostile.make(tmp_path / hostile.name))
        assert agent.run("What is the answer?").text == "42."
    with Agent(brain, home=own_home, session="s") as agent:
        assert [ref.handle for ref in agent.shelf] == ["doc-1"]
        assert agent.run("And now?").text == "Still 42."
        assert len(agent.history()) == 2
