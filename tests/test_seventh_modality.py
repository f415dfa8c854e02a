"""A modality from another package works everywhere, and no line of Omni knows of it.

The package lies in `tests/packages/omni_midi`. A fixture writes what an installer would write: the
module, and beside it a `.dist-info` folder with the entry points that `pyproject.toml` declares.
"""

import configparser
import importlib
import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from omni import plugins
from omni.errors import DuplicatePlugin, MediaError
from omni.media import Media
from omni.modality import media_from_bytes, modality, modality_of, open_media
from omni.testing import ModalitySuite

PACKAGE = Path(__file__).parent / "packages" / "omni_midi"


def module_of_package():
    """The package's module, loaded from where it lies."""
    if "omni_midi" not in sys.modules:
        spec = importlib.util.spec_from_file_location("omni_midi", PACKAGE / "omni_midi.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["omni_midi"] = module
        spec.loader.exec_module(module)
    return sys.modules["omni_midi"]


midi = module_of_package()
TUNE = midi.Score((midi.Note(0, 0.5, 60), midi.Note(0.5, 0.5, 64), midi.Note(1, 1, 67)))


def install(folder: Path) -> Path:
    """Lay the package out in `folder` as an installer does."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    for name in tomllib.loads((PACKAGE / "pyproject.toml").read_text())["tool"]["setuptools"][
        "py-modules"
    ]:
        shutil.copy(PACKAGE / f"{name}.py", folder)
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = configparser.ConfigParser()
    points.read_dict(project["entry-points"])
    with (info / "entry_points.txt").open("w") as stream:
        points.write(stream)
    return folder


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package is installed for this test."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(install(folder)))
    importlib.invalidate_caches()
    return folder


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    path = tmp_path / "tune.mid"
    path.write_bytes(midi.compose(TUNE))
    return path


class TestMidi(ModalitySuite):
    """The suite that the built-in modalities pass."""

    modality = midi.plugin
    kept_facts = ("notes", "seconds", "lowest", "highest", "channels")


class TestFormat:
    def test_a_file_made_by_hand(self):
        """Two tracks, running status, a change of tempo, a system message, a note left on."""
        tempo = bytes.fromhex("00ff5103 07a120 8360ff5103 03d090 00ff2f00")  # 0.5 s, then 0.25 s
        notes = bytes.fromhex(
            "00c005 00f003010203 00903c40 8360 3c00 00 4064 81704000 0043 7f 60ff2f00"
        )
        data = struct.pack(">4sIHHH", b"MThd", 6, 1, 2, 480)
        for track in (tempo, notes):
            data += struct.pack(">4sI", b"MTrk", len(track)) + track
        score = midi.parse(data)
        found = [(n.start, round(n.seconds, 6), n.pitch, n.velocity) for n in score.notes]
        assert found == [(0, 0.5, 60, 64), (0.5, 0.125, 64, 100), (0.625, 0.05, 67, 127)]

    def test_what_is_written_is_read(self):
        assert midi.parse(midi.compose(TUNE)) == TUNE

    def test_pitch_of_the_sound(self):
        sound = midi.render(midi.Score((midi.Note(0, 1, 69),)))
        spectrum = np.abs(np.fft.rfft(sound.samples[:, 0]))
        assert np.argmax(spectrum) / sound.seconds == pytest.approx(440, abs=1)

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"MThd", "no readable MIDI file"),
            (struct.pack(">4sIHHH", b"MThd", 6, 2, 1, 480), "no kind that is read"),
            (struct.pack(">4sIHHH", b"MThd", 6, 0, 0, 480), "no notes"),
            (midi.compose(TUNE)[:-9], "a track of"),
        ],
    )
    def test_broken_files(self, data: bytes, says: str):
        with pytest.raises(MediaError, match=says):
            midi.plugin.load(Media.from_bytes(data, modality="midi", mime=midi.MIME, name="x"))


class TestDoor:
    def test_without_the_package_nobody_reads_it(self, tune: Path):
        assert "midi" not in plugins.names("modalities")
        with pytest.raises(MediaError, match=r"tune\.mid is of no kind that Omni reads"):
            open_media(tune)

    def test_loading_and_sniffing(self, installed: Path, tune: Path):
        assert "midi" in plugins.names("modalities")
        media = open_media(tune)
        assert (media.modality, media.mime) == ("midi", "audio/midi")
        assert modality("midi").load(media) == TUNE
        assert modality_of("audio/midi") is modality("midi")
        assert media_from_bytes(tune.read_bytes(), "download").modality == "midi"

    def test_a_package_may_not_take_a_name_that_is_built_in(self, installed: Path):
        (points,) = installed.glob("*.dist-info/entry_points.txt")
        points.write_text("[omni.modalities]\nimage = omni_midi:plugin\n")
        importlib.invalidate_caches()
        with pytest.raises(DuplicatePlugin, match="'image' is built in and also offered by"):
            plugins.load("modalities", "image")

    def test_the_rest_of_omni_says_nothing_of_it(self):
        import omni

        root = Path(omni.__file__).parent.parent
        for folder in ("omni", "modalities", "memory", "tools"):
            for source in (root / folder).rglob("*.py"):
                assert "omni_midi" not in source.read_text(encoding="utf-8"), source


class TestTerminal:
    def test_preview_draws_it(self, installed: Path, tune: Path, monkeypatch: pytest.MonkeyPatch):
        from omni.cli import preview

        media = open_media(tune)
        assert preview.caption(media, "mid-1") == (
            "mid-1  tune.mid: midi, score of 3 notes from C4 to G4, 2.0 s (53 bytes)"
        )
        picture = modality("midi").picture(TUNE, width=120)
        drawn = preview.draw(picture, "blocks", 40, 12)
        assert drawn.count("\n") >= 6
        assert "\x1b[" in drawn

    def test_catalogue_lists_it(self, installed: Path):
        from omni.catalog import catalog

        (entry,) = [entry for entry in catalog() if entry.name == "midi"]
        assert (entry.kind, entry.module) == ("modality", "omni_midi")


class TestChat:
    def test_an_agent_takes_it_and_remembers_it(self, installed: Path, tune: Path, own_home: Path):
        from omni.chat.agent import Agent
        from omni.testing.scripted import ScriptedBrain

        brain = ScriptedBrain(script=["Three notes.", "Still three."])
        with Agent(brain, home=own_home, session="music") as agent:
            assert agent.attach(tune).handle == "mid-1"
            assert agent.run("What is this?").text == "Three notes."
        with Agent(brain, home=own_home, session="music") as agent:
            assert [ref.handle for ref in agent.shelf] == ["mid-1"]
            assert modality("midi").load(agent.shelf.media("mid-1")) == TUNE
            agent.run("And now?")
        shown = str(brain.asked[0][-1].content)
        assert "mid-1" in shown
        assert "score of 3 notes from C4 to G4, 2.0 s" in shown or "audio/midi" in shown

    def test_a_model_without_it_sees_and_hears_it(self, installed: Path, tune: Path):
        from omni.chat.presenting import Presenter

        blocks = Presenter({"image", "audio"}).blocks(open_media(tune))
        assert [block["type"] for block in blocks] == ["text", "image", "audio"]
        assert "score of 3 notes" in blocks[0]["text"]


class TestModel:
    @pytest.fixture
    def model(self, installed: Path):
        """A model with an encoder for it: a modality from outside is assembled like any other."""
        import torch
        from transformers import Qwen3Config

        from omni.model.assemble import assemble
        from omni.model.modeling import OmniModel
        from omni.model.tokens import build_tokenizer

        tokenizer = build_tokenizer(["What is this? Three notes."], 300, {})
        language = Qwen3Config(
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
            max_position_embeddings=400,
            tie_word_embeddings=True,
        )
        torch.manual_seed(0)
        modalities = {"midi": {"encoder": {"width": 24}, "adapter": {"name": "linear"}}}
        config, processor = assemble(tokenizer, language, modalities)
        return OmniModel(config).eval(), processor

    def test_tokens_are_counted_before_and_alike_after(self, model):
        from omni.compression.budget import Budget
        from omni.model.tokens import MEDIA

        _, processor = model
        score = midi.plugin.example(3)
        part = {"type": "midi", "value": score}
        dialogue = [{"role": "user", "content": [part, {"type": "text", "text": "What is this?"}]}]
        estimate = processor.estimate(dialogue)
        assert estimate.media == {"midi": 8}
        inputs = processor.apply_chat_template(
            dialogue, tokenize=True, return_dict=True, return_tensors="pt"
        )
        mark = processor.tokenizer.convert_tokens_to_ids(MEDIA)
        assert int((inputs["input_ids"] == mark).sum()) == 8
        assert processor.estimate(dialogue, Budget(tokens=5)).media == {"midi": 5}

    def test_the_notes_reach_the_model(self, model, tmp_path: Path):
        import torch

        from omni.model.modeling import OmniModel

        network, processor = model
        network.save_pretrained(tmp_path / "saved")
        again = OmniModel.from_pretrained(tmp_path / "saved").eval()

        def logits(score, network=network):
            content = [{"type": "midi", "value": score}, {"type": "text", "text": "What is this?"}]
            inputs = processor.apply_chat_template(
                [{"role": "user", "content": content}],
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            )
            with torch.inference_mode():
                return network(**inputs).logits

        other = midi.Score(tuple(midi.Note(n.start, n.seconds, n.pitch + 9) for n in TUNE.notes))
        assert not torch.allclose(logits(TUNE), logits(other), atol=1e-6)
        torch.testing.assert_close(logits(TUNE, again), logits(TUNE))


def run_installed(folder: Path, home: Path, *command: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMNI_HOME": str(home)}
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=False
    )


class TestFreshProcess:
    """Nothing of this test is in the process: only files on the path, as after an installation."""

    def test_it_is_found_loaded_and_told(self, tmp_path: Path, tune: Path):
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        script = (
            "import sys; from omni.modality import open_media, modality; from omni import plugins\n"
            "media = open_media(sys.argv[1]); plugin = modality(media.modality)\n"
            "assert 'torch' not in sys.modules\n"
            "print(media.modality, plugin.caption(plugin.load(media)), sep='|')\n"
        )
        run = run_installed(install(folder), tmp_path / "home", "-c", script, str(tune))
        assert run.stdout == "midi|score of 3 notes from C4 to G4, 2.0 s\n", run.stderr

    def test_the_command_line_lists_it(self, tmp_path: Path):
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        command = ("-m", "omni", "catalog", "--json")
        run = run_installed(install(folder), tmp_path / "home", *command)
        assert run.returncode == 0, run.stderr
        components = json.loads(run.stdout)["components"]
        assert "midi" in [each["name"] for each in components if each["kind"] == "modality"]
