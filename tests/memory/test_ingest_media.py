"""Sounds, films, series and solids: what is said of them is true, and to the second or row."""

import itertools
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from omni.errors import UsageError
from omni.memory.ingest import films, solids, sounds, tables
from omni.memory.ingest.plan import Plan
from omni.memory.ingest.shots import cuts
from omni.memory.ingest.solids import parts
from omni.memory.ingest.tables import shape, windows
from omni.modality import modality
from omni.recognition import speech, writing
from omni.recognition.voice import RATE
from omni.values import Clip, Cloud, Series, Waveform
from tests.omni.recognition.speaking import spoken

film_pieces: Any = films.extract
solid_pieces: Any = solids.extract
sound_pieces: Any = sounds.extract
table_pieces: Any = tables.extract
SILENT = Plan(ocr=False, speech="none")


def recorded(*phrases, **how):
    """A recording of phrases; where each begins and ends, in seconds."""
    samples, spots = spoken(*phrases, **how)
    return Waveform(samples[:, None], RATE), spots


def test_a_recording_by_segment_with_its_words():
    pytest.importorskip("pocketsphinx")
    wave, spots = recorded("one two three four five", "hello world", "good morning")
    media = modality("audio").save(wave, name="memo.wav")
    whole, *pieces = sound_pieces(media, Plan(speech="pocketsphinx"))
    assert whole.media is media and whole.seconds == (0.0, round(wave.seconds, 3))
    assert len(pieces) == 3
    for piece, (first, last) in zip(pieces, spots, strict=True):
        assert piece.modality == "audio" and piece.extractor.startswith("pocketsphinx ")
        assert abs(piece.seconds[0] - first) < 0.25 and abs(piece.seconds[1] - last) < 0.25
        clip = modality("audio").load(piece.media)
        length = piece.seconds[1] - piece.seconds[0]
        assert clip.sample_rate == RATE and clip.seconds == pytest.approx(length, abs=0.01)
    assert {"two", "three", "four"} <= set(pieces[0].text.split())


def test_nothing_fails_where_nobody_can_write_it_down(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(speech, "available", lambda name: False)
    assert sounds.recogniser("auto") is None
    wave, _ = recorded("hello world", "good morning")
    media = modality("audio").save(wave, name="memo.wav")
    whole, *pieces = sound_pieces(media, Plan())
    assert len(pieces) == 2 and not any(piece.text for piece in pieces)
    assert "nothing that is said was written down: run  pip install" in whole.meta["notes"][0]
    with pytest.raises(UsageError, match="whisper's weights are not on this machine"):
        sounds.recogniser("whisper")


def scene(seed, count, size=(96, 160)):
    """Frames of something that moves over a ground of its own."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 256, 3)
    paint, top = rng.integers(0, 256, 3), rng.integers(0, size[0] - 30)
    frames = np.empty((count, *size, 3), np.uint8)
    frames[:] = ground
    for number in range(count):
        left = int(number / max(1, count - 1) * (size[1] - 30))
        frames[number, top : top + 30, left : left + 30] = paint
    return frames


LENGTHS = (3.2, 1.7, 4.5, 2.4)


def film(rate=10, wave=None, signs=()):
    frames = np.concatenate([scene(seed, round(each * rate)) for seed, each in enumerate(LENGTHS)])
    for start, end, sign in signs:
        for place in range(round(start * rate), round(end * rate)):
            image = Image.fromarray(frames[place])
            ImageDraw.Draw(image).rectangle((0, 0, 160, 34), fill="white")
            font = ImageFont.load_default(24)
            ImageDraw.Draw(image).text((6, 2), sign, fill="black", font=font)
            frames[place] = np.asarray(image)
    times = np.arange(len(frames)) / rate
    value = Clip(frames, times, len(frames) / rate, rate, wave)
    return modality("video").save(value, name="film.mp4")


def test_shots_begin_where_they_were_cut():
    """Find the moment: within a second is asked for; these are within two tenths."""
    media = film()
    whole, *pieces = film_pieces(media, SILENT)
    shots = [piece for piece in pieces if piece.modality == "video"]
    begins = np.cumsum([0, *LENGTHS])
    assert len(shots) == len(LENGTHS) and whole.meta["shots"] == len(LENGTHS)
    for piece, first, last in zip(shots, begins, begins[1:], strict=False):
        assert abs(piece.seconds[0] - first) <= 0.2 and abs(piece.seconds[1] - last) <= 0.2
        clip = modality("video").load(piece.media)
        assert clip.frames.shape[0] >= 8
    frames = [piece for piece in pieces if piece.modality == "image"]
    assert [piece.meta["shot"] for piece in frames] == [1, 2, 3, 4]
    for piece in frames:
        number = piece.meta["shot"] - 1
        ground = scene(number, 1)[0, -1, -1].astype(int)
        shown = np.asarray(modality("image").load(piece.media))[-1, -1].astype(int)
        assert np.abs(shown - ground).max() < 30
        assert piece.seconds[0] <= piece.meta["at"] <= piece.seconds[1]


def test_motion_and_fades_are_no_cuts():
    moving = scene(3, 40)
    assert cuts(moving, np.arange(40) / 8) == []
    fade = np.linspace(0, 1, 24)[:, None, None, None]
    dark = (scene(1, 1) * (1 - fade) + scene(2, 1) * fade).astype(np.uint8)
    assert cuts(dark, np.arange(24) / 8) == []
    shaken = np.stack([np.roll(scene(5, 1)[0], n % 3, axis=1) for n in range(30)])
    assert cuts(shaken, np.arange(30) / 8) == []
    assert cuts(moving[:1], np.zeros(1)) == []


def test_speech_in_a_film_has_its_seconds():
    wave, spots = recorded("the harbour is closed", "ships leave at seven", gap=2.0)
    length = round(sum(LENGTHS) * RATE)
    samples = np.zeros((length, 1), np.float32)
    count = min(length, len(wave.samples))
    samples[:count] = wave.samples[:count]
    media = film(wave=Waveform(samples, RATE))
    pieces = [piece for piece in film_pieces(media, SILENT) if piece.modality == "audio"]
    assert len(pieces) == len(spots)
    for piece, (first, last) in zip(pieces, spots, strict=True):
        assert abs(piece.seconds[0] - first) <= 0.3 and abs(piece.seconds[1] - last) <= 0.3


def test_words_on_the_screen_have_their_seconds():
    if not writing.can_read():
        pytest.skip("no rapidocr")
    media = film(signs=[(4.9, 9.4, "HARBOUR")])
    pieces = list(film_pieces(media, Plan(speech="none")))
    screen = [piece for piece in pieces if piece.meta.get("of") == "screen"]
    assert [piece.text for piece in screen] == ["HARBOUR"]
    assert abs(screen[0].seconds[0] - 4.9) <= 1 and abs(screen[0].seconds[1] - 9.4) <= 1
    assert screen[0].box[3] < 0.45 and screen[0].extractor.startswith("rapidocr ")


def test_a_film_of_one_shot_is_not_said_twice():
    frames = scene(1, 20)
    value = Clip(frames, np.arange(20) / 10, 2.0, 10.0)
    media = modality("video").save(value, name="one.mp4")
    whole, *pieces = film_pieces(media, SILENT)
    assert whole.meta["shots"] == 1 and [piece.modality for piece in pieces] == ["image"]


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (np.linspace(0, 9, 60), "rises"),
        (np.linspace(9, 0, 60) + 0.2 * np.sin(np.arange(60)), "falls, with a cycle of 6 rows"),
        (np.full(60, 3.0), "stays the same"),
        (np.sin(2 * np.pi * np.arange(120) / 12), "keeps its level, with a cycle of 12 rows"),
        (
            np.arange(120) / 10 + 2 * np.sin(2 * np.pi * np.arange(120) / 20),
            "rises, with a cycle of 20 rows",
        ),
        (np.random.default_rng(0).normal(size=200), "keeps its level"),
        (np.full(60, np.nan), "has hardly any values"),
    ],
)
def test_what_is_said_of_a_column(column, told):
    assert shape(column.astype(float)).startswith(told)
    assert ("cycle" in shape(column.astype(float))) == ("cycle" in told)


def test_series_by_window():
    times = np.datetime64("2024-01-01", "ns") + np.arange(1000) * np.timedelta64(1, "h")
    values = np.concatenate([np.linspace(0, 50, 500), np.linspace(50, 0, 500)])[:, None]
    series = Series(values, ("load",), times, "h")
    media = modality("series").save(series, name="load.csv")
    whole, *pieces = table_pieces(media, SILENT)
    assert whole.rows == (0, 1000)
    assert [piece.rows for piece in pieces] == [(0, 250), (250, 500), (500, 750), (750, 1000)]
    assert ["rises" in piece.text for piece in pieces] == [True, True, False, False]
    for piece in pieces:
        first, last = piece.rows
        again = modality("series").load(piece.media)
        np.testing.assert_allclose(again.values, values[first:last])
        assert piece.meta["from"] == str(times[first])[:19]
        assert piece.meta["to"] == str(times[last - 1])[:19]
        assert piece.meta["greatest"] == values[first:last].max()


@pytest.mark.parametrize("rows", [1, 255, 257, 1000, 99_999])
def test_windows_cover_all_rows(rows):
    found = list(windows(rows, 256))
    assert found[0][0] == 0 and found[-1][1] == rows
    assert all(one[1] == after[0] for one, after in itertools.pairwise(found))
    assert all(rows < 256 or 128 <= last - first <= 384 for first, last in found)


def boxes(*corners, faces=True):
    import trimesh

    meshes = []
    for x, y, z, side in corners:
        mesh = trimesh.creation.box((side, side, side))
        mesh.apply_translation((x, y, z))
        meshes.append(mesh if faces else mesh.sample(800, seed=1))
    if not faces:
        return Cloud(np.concatenate(meshes).astype(np.float32))
    whole: Any = trimesh.util.concatenate(meshes)
    xyz = np.asarray(whole.vertices, np.float32)
    return Cloud(xyz, faces=np.asarray(whole.faces, np.int64))


SPOTS = ((0, 0, 0, 2), (5, 0, 0, 1), (0, 6, 1, 1.5))


@pytest.mark.parametrize("faces", [True, False], ids=["mesh", "cloud"])
def test_solids_by_part(faces):
    media = modality("points").save(boxes(*SPOTS, faces=faces), name="shelf.ply")
    whole, *pieces = solid_pieces(media, SILENT)
    assert len(pieces) == 3 and whole.text.endswith("3 separate parts")
    expected = sorted(
        (x - side / 2, y - side / 2, z - side / 2, x + side / 2, y + side / 2, z + side / 2)
        for x, y, z, side in SPOTS
    )
    found = sorted(piece.bounds for piece in pieces)
    np.testing.assert_allclose(found, expected, atol=1e-4 if faces else 0.02)
    for piece in pieces:
        part = modality("points").load(piece.media)
        np.testing.assert_allclose(part.xyz.min(0), piece.bounds[:3], atol=1e-4)
        assert (part.faces is not None) == faces


def test_what_hangs_together_is_one_part():
    import networkx
    import trimesh

    mesh = trimesh.creation.torus(3, 1)
    cloud = Cloud(np.asarray(mesh.vertices, np.float32), faces=np.asarray(mesh.faces, np.int64))
    assert len(parts(cloud)) == 1
    assert len(parts(modality("points").example())) == 1
    chance = np.random.default_rng(0)
    from omni.memory.ingest.solids import _components

    edges = chance.integers(0, 300, (180, 2))
    graph = networkx.Graph()
    graph.add_nodes_from(range(300))
    graph.add_edges_from(edges.tolist())
    labels = _components(300, edges)
    found = {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}
    assert found == set(map(frozenset, networkx.connected_components(graph)))
