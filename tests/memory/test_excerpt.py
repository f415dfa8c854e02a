"""What a citation points at is cut out to the box, the second and the row."""

import io

import numpy as np
import pytest
from PIL import Image

from omni.memory.record import Provenance, Record
from omni.memory.retrieve.excerpt import excerpt
from omni.memory.retrieve.library import Library
from omni.modality import media_from_bytes, modality
from omni.values import Clip, Waveform


def piece(source, text="words", meta=None, media=None, modality="text", **spot):
    origin = Provenance(source, parent="whole", **spot)
    return Record("piece", text, modality, media, meta=meta or {}, provenance=origin)


def pixels(media):
    return np.asarray(Image.open(io.BytesIO(media.read())).convert("RGB")).astype(int)


def sheet():
    """Two pages: a red bar above on the first, a blue one below on the second."""
    from reportlab.pdfgen import canvas

    stream = io.BytesIO()
    drawn = canvas.Canvas(stream, pagesize=(400, 600))
    for colour, bottom in (((1, 0, 0), 500), ((0, 0, 1), 100)):
        drawn.setFillColorRGB(*colour)
        drawn.rect(100, bottom, 200, 40, stroke=0, fill=1)
        drawn.showPage()
    drawn.save()
    return media_from_bytes(stream.getvalue(), "sheet.pdf")


@pytest.mark.parametrize(
    ("page", "box", "colour"),
    [(1, (0.25, 60 / 600, 0.75, 100 / 600), 0), (2, (0.25, 460 / 600, 0.75, 500 / 600), 2)],
)
def test_the_box_of_a_page(page, box, colour):
    found = excerpt(piece("sheet.pdf", page=page, box=box), sheet())
    assert found is not None and found.name == f"sheet.pdf page {page}.png"
    shown = pixels(found)
    others = [channel for channel in range(3) if channel != colour]
    inked = (shown[..., colour] > 200) & (shown[..., others].max(-1) < 60)
    assert inked.mean() > 0.6  # the rest is the room that is left around
    assert not inked[0].any() and not inked[:, 0].any() and not inked[-1].any()
    whole = excerpt(piece("sheet.pdf", page=page), sheet())
    assert whole is not None and pixels(whole).shape[0] > 4 * shown.shape[0]


def test_the_box_of_a_picture_even_where_it_is_a_hair():
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:60, 150:160] = (0, 255, 0)
    whole = modality("image").save(Image.fromarray(image), name="dot.png")
    found = excerpt(piece("dot.png", box=(0.75, 0.4, 0.8, 0.6)), whole)
    assert found is not None
    green = pixels(found)[..., 1] > 200
    assert green.sum() == 200 and green.mean() > 0.5
    hair = excerpt(piece("dot.png", box=(0.999, 0.999, 1.0, 1.0)), whole)
    assert hair is not None and min(pixels(hair).shape[:2]) >= 1


def test_the_frame_in_which_words_were_read():
    frames = np.zeros((40, 48, 64, 3), np.uint8)
    frames[20:] = (200, 0, 0)
    clip = Clip(frames, np.arange(40) / 10, 4.0, 10.0)
    film = modality("video").save(clip, name="film.mp4")
    for second, red in ((1.0, False), (3.0, True)):
        spot = {"seconds": (0.0, 4.0), "box": (0.0, 0.0, 0.5, 0.5)}
        found = excerpt(piece("film.mp4", meta={"at": second}, **spot), film)
        assert found is not None and (pixels(found)[..., 0].mean() > 120) == red
        assert pixels(found).shape[1] < 40


def test_the_seconds_of_a_recording():
    rate = 8000
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    wave = np.concatenate([np.zeros(2 * rate), tone, np.zeros(rate)]).astype(np.float32)[:, None]
    whole = modality("audio").save(Waveform(wave, rate), name="memo.wav")
    found = excerpt(piece("memo.wav", seconds=(2.0, 3.0)), whole)
    assert found is not None and found.name == "memo.wav 2.0-3.0 s.wav"
    cut = modality("audio").load(found)
    assert cut.seconds == pytest.approx(1.0, abs=0.01) and np.abs(cut.samples).mean() > 0.5


def test_media_of_a_piece_are_shown_as_they_are():
    image = modality("image").save(Image.new("RGB", (9, 9)), name="figure.png")
    assert excerpt(piece("a.pdf", media=image, modality="image", page=1), sheet()) is image
    whole = Record("whole", "", "image", image, provenance=Provenance("figure.png"))
    assert excerpt(whole, None) is image


def test_where_words_are_all_there_is_nothing_is_shown():
    text = media_from_bytes(b"# Title\n\nwords", "note.md")
    assert excerpt(piece("note.md", chars=(0, 5)), text) is None
    assert excerpt(Record("note", "words"), None) is None
    assert (
        excerpt(Record("a", "words", "text", text, provenance=Provenance("note.md")), None) is None
    )


def test_a_memory_shows_its_hits_after_the_file_is_gone(tmp_path):
    from omni.memory.ingest.ingester import Ingester
    from omni.memory.ingest.plan import Plan
    from omni.memory.ingest.pool import Inline

    from .test_ingest_documents import Sheet

    drawn = Sheet()
    drawn.paragraph(40, 500, ["The filter is changed twice a year."])
    path = tmp_path / "manual.pdf"
    path.write_bytes(drawn.media().read())
    with Library(tmp_path / "m", create=True, embedders=()) as library:
        plan = Plan(ocr=False, speech="none")
        Ingester(library.view, plan=plan, engine=Inline()).add([path])
        path.unlink()
        hit = library.search("filter", 1).hits[0]
        found = library.excerpt(hit)
        assert found is not None and found.modality == "image"
        dark = pixels(found).sum(-1) < 300
        assert 0.02 < dark.mean() < 0.6  # letters, close around
