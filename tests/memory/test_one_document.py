"""One long document: the page that answers is found, within a budget, in the order of reading."""

import hashlib
import io
import itertools
import random
import re
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from omni.errors import MediaError, UsageError
from omni.media import Media
from omni.memory.contracts import Space
from omni.memory.document_cache import DocumentCache
from omni.memory.embed.grouping import GroupedEmbedder
from omni.memory.one_document import OneDocument, held
from omni.memory.record import Hit, Provenance, Record
from omni.memory.retrieve import Library
from omni.memory.retrieve.citing import cite
from omni.memory.retrieve.sampling import in_reading_order, sampled
from omni.modality import open_media
from omni.recognition.writing import can_read

PAGES = 126
SUBJECTS = ("The pump", "A valve", "The basin", "The crew", "Each filter", "The turbine hall")
VERBS = ("was checked", "is cleaned", "had been repaired", "was replaced", "is monitored")
TAILS = ("in spring", "before the audit", "by two technicians", "with usual care", "after rain")
TABLE = (
    ("Part", "Torque", "Supplier"),
    ("KX-4471", "31 Nm", "Norwind"),
    ("KX-4480", "54 Nm", "Hal"),
)
FACTS = {
    17: ("Where is the archive key kept?", "The archive key is kept under the marble staircase."),
    54: ("Who signed the harbour treaty?", "Ambassador Quillon signed the harbour treaty at dusk."),
    119: ("When does the night ferry leave?", "The night ferry leaves at twenty past eleven."),
}
TABLE_PAGE, PICTURE_PAGE, CAPTION_PAGE = 88, 103, 71


class Bags(GroupedEmbedder):
    """Vectors of words, each word with a place of its own."""

    modalities = frozenset({"text"})
    space = Space("text", 512, "b" * 64)

    def __init__(self):
        self.read_texts = 0

    def read(self, modality, items):
        self.read_texts += len(items)
        return [self._vector(item) for item in items]

    def _vector(self, text) -> Any:
        found = np.full(512, 1e-3, np.float32)
        for word in re.findall(r"\w+", text.lower()):
            found[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % 512] += 1
        return found / np.linalg.norm(found)


class Report:
    """A PDF that is drawn here, page by page."""

    def __init__(self):
        from reportlab.pdfgen import canvas

        self._stream = io.BytesIO()
        self.canvas: Any = canvas.Canvas(self._stream, pagesize=(420, 595))
        self.canvas.setTitle("")

    def lines(self, y, lines):
        self.canvas.setFont("Helvetica", 10)
        for number, line in enumerate(lines):
            self.canvas.drawString(40, y - 13 * number, line)

    def picture(self, y, picture, width=300, height=94):
        from reportlab.lib.utils import ImageReader

        self.canvas.drawImage(ImageReader(picture), 60, y, width, height)

    def turn(self):
        self.canvas.showPage()

    def media(self, name="report.pdf", password=""):
        if password:
            from reportlab.lib.pdfencrypt import StandardEncryption

            self.canvas._doc.encrypt = StandardEncryption(password)
        self.canvas.save()
        data = self._stream.getvalue()
        return Media.from_bytes(data, modality="text", mime="application/pdf", name=name)


def written(words):
    picture = Image.new("RGB", (640, 200), "white")
    font = ImageFont.load_default(40)
    ImageDraw.Draw(picture).text((20, 70), words, fill="black", font=font)
    return picture


@pytest.fixture(scope="module")
def report():
    drawn, draw = Report(), random.Random(0)
    for page in range(1, PAGES + 1):
        for y in (520, 440, 360):
            lines = [
                f"{draw.choice(SUBJECTS)} {draw.choice(VERBS)} {draw.choice(TAILS)}." for _ in "abc"
            ]
            drawn.lines(y, lines)
        if page in FACTS:
            drawn.lines(280, [FACTS[page][1]])
        if page == TABLE_PAGE:
            for number, row in enumerate(TABLE):
                for column, cell in enumerate(row):
                    drawn.canvas.drawString(40 + 110 * column, 280 - 14 * number, cell)
        if page == PICTURE_PAGE:
            drawn.picture(60, written("Emergency shelter: cedar tunnel"))
        if page == CAPTION_PAGE:
            drawn.picture(120, Image.new("RGB", (40, 30), "red"))
            drawn.lines(105, ["Figure 3: plan of the lighthouse"])
        drawn.turn()
    return drawn.media()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return DocumentCache(tmp_path_factory.mktemp("documents"), embedders=[Bags()])


@pytest.fixture(scope="module")
def one(report, cache):
    with OneDocument.open(report, cache=cache) as opened:
        yield opened


ASKED = [
    *((question, page, "text") for page, (question, _) in FACTS.items()),
    ("What is the torque of part KX-4480?", TABLE_PAGE, "text"),
    ("plan of the lighthouse", CAPTION_PAGE, "image"),
    pytest.param(
        "Where is the emergency shelter?",
        PICTURE_PAGE,
        "image",
        marks=pytest.mark.skipif(not can_read(), reason="nothing here reads pictures"),
    ),
]


@pytest.mark.parametrize(("question", "page", "modality"), ASKED)
def test_the_page_that_answers_is_among_the_first(one, question, page, modality):
    sample = one.sample(question, 5)
    nearest = [(hit.record.provenance.page, hit.record.modality) for hit in sample.hits[:2]]
    assert (page, modality) in nearest
    hit = next(hit for hit in sample.hits if one.cite(hit).page == page)
    cited = one.cite(hit)
    assert cited.source == "report.pdf" and cited.box is not None
    assert f"page {page}" in one.spot(hit)


def test_a_table_comes_whole_with_its_box(one):
    hit = one.sample("What is the torque of part KX-4480?").hits[0]
    assert all(cell in hit.record.text for row in TABLE for cell in row)
    left, top, right, bottom = hit.record.provenance.box
    assert abs(left - 40 / 420) < 0.02 and right > 260 / 420
    assert abs(top - (595 - 290) / 595) < 0.02 and abs(bottom - (595 - 250) / 595) < 0.02


@pytest.mark.parametrize("budget", [1, 60, 150, 1000])
def test_the_budget_is_kept_and_what_is_left_out_is_told(report, cache, budget):
    with OneDocument.open(report, cache=cache, budget=budget) as opened:
        found = opened.search("Where is the archive key kept?", 8)
        sample = opened.sample("Where is the archive key kept?", 8)
        assert sample.used == sum(sample.tokens) <= budget
        # Counted by the text that the model is handed, with its marks.
        handed = [opened.fenced([hit]).partition("\n\n")[2] for hit in sample.hits]
        assert sum(len(text) for text in handed) <= 4.4 * sample.used + 40
        told = [note for note in found.explain.notes if "tokens" in note]
        assert bool(told) == (budget < 1000)
        assert bool(found.hits) == (budget > 1)
        if not found.hits:
            assert told == ["no piece fits into 1 tokens: allow more"]


def test_hits_come_in_the_order_of_reading(one):
    found = one.search("Where is the archive key kept? Who signed the harbour treaty?", 8)
    pages = [hit.record.provenance.page for hit in found.hits]
    assert pages == sorted(pages) and {17, 54} <= set(pages) and len(pages) == 8
    assert one.fenced(found.hits).count("report.pdf, page") == 8


def test_a_second_question_takes_nothing_apart(report, cache, one):
    embedder = one.library.embedders[0]
    before = embedder.read_texts
    began = time.process_time()
    copy = Media.from_bytes(report.read(), modality="text", mime=report.mime, name="copy.pdf")
    with OneDocument.open(copy, cache=cache) as again:
        assert again.sample("When does the night ferry leave?").hits[0].record.text == FACTS[119][1]
        assert again.source == "copy.pdf" and again.library.root == one.library.root
    assert embedder.read_texts == before + 1  # the question alone
    assert time.process_time() - began < 5  # the first time takes it a multiple of that


def test_a_memory_that_holds_the_document_is_asked(tmp_path, cache):
    path = tmp_path / "held.md"
    path.write_text("# Lamp\n\nThe lamp is lit at dusk.\n\n# Bell\n\nThe bell is rung at noon.\n")
    (tmp_path / "other.md").write_text("# Bell\n\nThe bell is rung at noon and at dusk, too.\n")
    with Library(tmp_path / "m", create=True, embedders=[Bags()]) as library:
        library.add([tmp_path])
        copy = tmp_path / "moved.md"
        path.rename(copy)
        with OneDocument.open(copy, library=library, cache=cache) as opened:
            assert opened.library is library and opened.source == str(copy)
            hits = opened.search("When is the bell rung?", 5).hits
            assert {cite(hit).source for hit in hits} == {str(path)}
            assert {opened.cite(hit).source for hit in hits} == {str(copy)}
        piece = next(hit.record.id for hit in library.search("bell", 5).hits)
        by_id = OneDocument.open(piece, library=library)
        assert by_id.whole.id == piece.partition(".")[0]
        copy.write_text("# Lamp\n\nThe lamp was sold.\n")
        with OneDocument.open(copy, library=library, cache=cache) as changed:
            assert changed.library is not library
            assert "sold" in changed.sample("lamp").hits[0].record.text
        assert len(library.view) == 5  # asking adds nothing


def test_a_document_that_another_principal_holds_is_taken_apart_anew(tmp_path, cache):
    path = tmp_path / "secret.md"
    path.write_text("# Lamp\n\nThe lamp is lit at dusk.\n")
    with Library(tmp_path / "m", create=True, embedders=[Bags()], namespace=("ann",)) as ann:
        ann.add([path])
        assert held(ann, open_media(path))
        with Library(tmp_path / "m", embedders=[Bags()], namespace=("bob",)) as bob:
            with OneDocument.open(path, library=bob, cache=cache) as opened:
                assert opened.library is not bob
            with pytest.raises(UsageError, match="no such file"):
                OneDocument.open(next(iter(ann.view.ids())), library=bob, cache=cache)


def test_documents_that_cannot_be_read(tmp_path):
    own = DocumentCache(tmp_path / "c", embedders=[Bags()])
    locked = Report()
    locked.lines(500, ["secret"])
    with pytest.raises(MediaError, match="locked by a password: save a copy without one"):
        OneDocument.open(locked.media(password="open sesame"), cache=own)
    (tmp_path / "empty.pdf").write_bytes(b"")
    with pytest.raises(MediaError, match="empty"):
        OneDocument.open(tmp_path / "empty.pdf", cache=own)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\n" + b"\0garbage" * 50)
    with pytest.raises(MediaError, match=r"broken\.pdf"):
        OneDocument.open(tmp_path / "broken.pdf", cache=own)
    with pytest.raises(MediaError, match="no such file"):
        OneDocument.open(tmp_path / "gone.pdf", cache=own)
    assert not any((tmp_path / "c").iterdir())  # nothing of what could not be read is kept


@pytest.mark.skipif(not can_read(), reason="nothing here reads pictures")
def test_a_document_of_pictures_only(tmp_path):
    drawn = Report()
    for words in ("Tariff of the northern canal", "The owl sleeps in the granary"):
        drawn.picture(150, written(words), 420, 300)
        drawn.turn()
    cache = DocumentCache(tmp_path, embedders=[Bags()])
    with OneDocument.open(drawn.media(), cache=cache) as one:
        nearest = one.sample("Where does the owl sleep?", 2).hits
        assert {cite(hit).page for hit in nearest} == {2}
        assert {hit.record.modality for hit in nearest} == {"text", "image"}


def test_a_document_without_a_word_has_only_its_pages(tmp_path):
    drawn = Report()
    drawn.picture(150, Image.new("RGB", (64, 64), "navy"))
    drawn.turn()
    with OneDocument.open(drawn.media(), cache=DocumentCache(tmp_path, embedders=[Bags()])) as one:
        assert one.sample("Where is the archive key kept?").hits == []


def test_indexes_that_are_too_many_are_cleared_away(tmp_path):
    import os

    own = DocumentCache(tmp_path / "c", keep=2, embedders=[Bags()])
    for number in range(4):
        path = tmp_path / f"{number}.md"
        path.write_text(f"Document number {number} is about granite.")
        OneDocument.open(path, cache=own).close()
        for folder in (tmp_path / "c").iterdir():  # a day goes by
            then = folder.stat().st_mtime - 86_400
            os.utime(folder, (then, then))
    assert len(list((tmp_path / "c").iterdir())) == 2
    with pytest.raises(UsageError, match="1 document or more, not 0"):
        DocumentCache(keep=0)


def hit(id, page=1, box=None, text="words", score=1.0, modality="text", digest=""):
    media = None
    if modality != "text":
        media = Media.from_bytes(digest.encode(), modality=modality, mime="image/png", name=id)
    origin = Provenance(source="a.pdf", page=page, box=box)
    return Hit(Record(id, text, modality, media, provenance=origin), score)


def test_a_figure_stands_before_what_is_below_it_in_its_column():
    left, right = (0.1, 0.1, 0.45, 0.3), (0.55, 0.1, 0.9, 0.3)
    hits = [
        hit("5", box=(0.55, 0.6, 0.9, 0.9)),
        hit("9", box=(0.55, 0.35, 0.9, 0.55), modality="image", digest="a"),
        hit("2", box=(0.1, 0.5, 0.45, 0.9)),
        hit("4", box=right),
        hit("1", box=left),
        hit("0", page=2, box=left),
    ]
    assert [one.record.id for one in in_reading_order(hits)] == ["1", "2", "4", "9", "5", "0"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 50), st.sampled_from("abcde")), max_size=20),
    st.integers(1, 120),
    st.integers(1, 6),
)
def test_a_sample_is_what_a_greedy_reader_would_take(pieces, budget, most):
    hits = [hit(f"{n:03}", page=n + 1, text=text) for n, (_, text) in enumerate(pieces)]
    costs = {f"{n:03}": cost for n, (cost, _) in enumerate(pieces)}
    found = sampled(hits, lambda one: costs[one.record.id], budget=budget, most=most)
    kept = [one.record.id for one in found.hits]
    assert kept == sorted(kept) and found.used == sum(costs[id] for id in kept) <= budget
    assert len(kept) <= most and len(kept) + len(found.left) == len(hits)
    texts = [one.record.text for one in found.hits]
    assert len(set(texts)) == len(texts)
    for id, why in found.left:
        before = [one for one in kept if one < id]
        room = budget - sum(costs[one] for one in before)
        said = {pieces[int(one)][1] for one in before}
        assert {
            "most": len(before) == most,
            "repeated": pieces[int(id)][1] in said,
            "budget": costs[id] > room,
        }[why]
    assert [n for n, _ in itertools.groupby(one.record.id for one in found.in_order)] == kept


@pytest.mark.parametrize(("budget", "most"), [(0, 5), (5, 0)])
def test_a_budget_is_from_1_up(budget, most):
    with pytest.raises(UsageError, match="1 token and 1 piece or more"):
        sampled([], lambda one: 1, budget=budget, most=most)
