"""Files into records: what is stored, what is left alone, what is replaced, and what goes wrong."""

import io
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from omni.errors import UsageError
from omni.media import Access
from omni.memory.ingest import reading
from omni.memory.ingest.ingester import Ingester
from omni.memory.ingest.likeness import alike, key_of_picture
from omni.memory.ingest.piece import Piece, Source
from omni.memory.ingest.plan import Plan
from omni.memory.ingest.pool import Inline, Processes
from omni.modality import modality

from .doubles import Digests, Shelf

BARE = Plan(ocr=False, speech="none")
KINDS = {"image": ".png", "audio": ".wav", "video": ".mp4", "series": ".csv", "points": ".ply"}


def ingester(shelf, *embedders, plan=BARE, **more):
    return Ingester(shelf, embedders, plan=plan, engine=Inline(), **more)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    (place / "note.md").write_text("# Title\n\nFirst words.\n\n## Below\n\nSecond words.\n")
    for name, suffix in KINDS.items():
        kind = modality(name)
        (place / f"one{suffix}").write_bytes(kind.save(kind.example(), name="x").read())
    return place


def statuses(outcome):
    return {one.path.name: one.status for one in outcome}


def test_a_folder_of_every_kind(folder):
    shelf, every = Shelf(), Digests("text", *KINDS)
    words = Digests("text", name="words")
    outcome = ingester(shelf, every, words).add([folder])
    assert set(statuses(outcome).values()) == {"added"} and len(outcome.files) == 6
    assert outcome.records == len(shelf.records)
    for name, suffix in KINDS.items():
        whole = shelf.of(f"one{suffix}")[0]
        assert whole.modality == name and whole.provenance.digest == whole.media.digest
        assert whole.media.read() == (folder / f"one{suffix}").read_bytes()
        assert shelf.vectors(every.space, [whole.id])[0] is not None
    for record in shelf.records.values():
        where = record.provenance
        assert where.parent is None or shelf.records[where.parent].provenance.source == where.source
    assert {kind for kind, _ in every.seen} == {"text", *KINDS}
    assert {kind for kind, _ in words.seen} == {"text"}


def test_nothing_changes_when_nothing_changed(folder):
    shelf = Shelf()
    mine = ingester(shelf, Digests("text"))
    mine.add([folder])
    before, puts = dict(shelf.records), shelf.puts
    again = mine.add([folder, folder / "note.md"])
    assert set(statuses(again).values()) == {"kept"}
    assert shelf.records == before and shelf.puts == puts
    assert {one.path: one.records for one in again} == {
        one.path: one.records for one in ingester(Shelf()).add([folder])
    }


def test_a_changed_file_replaces_its_records(folder):
    shelf = Shelf()
    mine = ingester(shelf, Digests("text"))
    mine.add([folder])
    others = {id: one for id, one in shelf.records.items() if "note" not in one.provenance.source}
    (folder / "note.md").write_text("# Title\n\nOnly these.\n")
    outcome = mine.add([folder])
    assert statuses(outcome)["note.md"] == "replaced"
    assert [one.text for one in shelf.of("note.md")[1:]] == ["# Title\n\nOnly these."]
    assert others.items() <= shelf.records.items()


def test_another_plan_or_embedder_is_a_reason_to_begin_anew(folder):
    shelf, note = Shelf(), folder / "note.md"
    ingester(shelf).add([note])
    assert statuses(ingester(shelf).add([note])) == {"note.md": "kept"}
    assert statuses(ingester(shelf, Digests("text")).add([note])) == {"note.md": "replaced"}
    small = Plan(ocr=False, speech="none", passage=10)
    assert statuses(ingester(shelf, plan=small).add([note])) == {"note.md": "replaced"}
    patient = Plan(ocr=False, speech="none", passage=10, seconds=1e6)
    assert statuses(ingester(shelf, plan=patient).add([note])) == {"note.md": "kept"}


def test_a_kill_between_replacing_and_removing_is_made_good(folder):
    shelf, note = Shelf(), folder / "note.md"
    ingester(shelf).add([note])
    old = {one.id for one in shelf.of("note.md")[1:]}
    note.write_text("Other words.")
    delete, shelf.delete = shelf.delete, lambda ids: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        ingester(shelf).add([note])
    shelf.delete = delete
    assert old <= set(shelf.records)
    assert statuses(ingester(shelf).add([note])) == {"note.md": "kept"}
    assert not old & set(shelf.records)
    assert [one.text for one in shelf.of("note.md")[1:]] == ["Other words."]


def test_files_can_be_taken_out_after_they_are_gone(folder):
    shelf = Shelf()
    mine = ingester(shelf)
    mine.add([folder / "note.md"])
    (folder / "note.md").unlink()
    assert mine.remove([folder / "note.md"]) == 3
    assert not shelf.records and mine.remove([folder / "note.md"]) == 0


def test_trouble_with_one_file_is_its_own(folder):
    whole = (folder / "one.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.txt").write_bytes(b"")
    (folder / "noise.bin").write_bytes(bytes(range(256)) * 8)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing of the kind")
    (folder / ".hidden.txt").write_text("not looked at")
    (folder / "dangling.txt").symlink_to(folder / "nowhere")
    (folder / "loop").symlink_to(folder)
    shelf = Shelf()
    outcome = ingester(shelf).add([folder, folder / "missing.txt"])
    found = {one.path.name: one for one in outcome}
    assert found["noise.bin"].status == "skipped"
    assert {name for name, one in found.items() if one.status == "failed"} == {
        *("broken.pdf", "cut.png", "dangling.txt", "empty.txt", "missing.txt")
    }
    assert "damaged or incomplete" in found["cut.png"].reason
    assert "is empty (0 bytes)" in found["empty.txt"].reason
    assert "no such file" in found["missing.txt"].reason
    assert "no readable PDF" in found["broken.pdf"].reason
    assert ".hidden.txt" not in found and len(found) == 12
    assert statuses(outcome)["note.md"] == "added"
    named = ingester(shelf).add([folder / "noise.bin"])
    assert named.files[0].status == "failed"  # who names it wants to know
    assert named.to_json()["counts"]["failed"] == 1


def test_files_outside_the_allowed_folders(folder, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    shelf = Shelf()
    outcome = ingester(shelf, access=Access(roots=(folder,))).add([folder / "link.txt"])
    assert "is outside the allowed folders" in outcome.files[0].reason and not shelf.records


def test_a_file_that_changes_or_vanishes_while_it_is_read(folder, monkeypatch):
    note = folder / "note.md"
    whole = reading.extract

    def during(what):
        def extract(media, plan):
            yield from whole(media, plan)
            what()

        monkeypatch.setattr(reading, "extract", extract)
        return ingester(Shelf()).add([note]).files[0]

    assert "changed while it was read: add it again" in during(lambda: note.write_text("x")).reason
    assert "no such file" in during(note.unlink).reason


def test_a_file_that_takes_too_long(folder, monkeypatch):
    def slow(media, plan):
        for number in range(100):
            time.sleep(0.02)
            yield Piece(str(number))

    monkeypatch.setattr(reading, "extract", slow)
    plan = Plan(ocr=False, speech="none", seconds=0.05)
    found = ingester(Shelf(), plan=plan).add([folder / "note.md"]).files[0]
    assert found.reason == "note.md took longer than 0.05 s: split it, or allow more seconds"


def test_more_pieces_than_allowed_are_said(folder):
    (folder / "many.md").write_text("\n\n".join(f"# {n}\n\nwords" for n in range(30)))
    shelf = Shelf()
    plan = Plan(ocr=False, speech="none", most_pieces=10)
    outcome = ingester(shelf, plan=plan).add([folder / "many.md"])
    assert len(shelf.of("many.md")) == 11
    assert outcome.files[0].notes == ("only the first 10 pieces are kept",)
    tight = Plan(ocr=False, speech="none", most_bytes=1)
    (folder / "two.csv").write_text("a\n" + "\n".join(str(n % 7) for n in range(900)))
    cut = ingester(shelf, plan=tight).add([folder / "two.csv"])
    assert "pieces up to 1 bytes of media are kept" in cut.files[0].notes[0]


def test_what_a_plan_must_not_ask():
    with pytest.raises(UsageError, match="unknown recogniser 'siri': wanted auto, whisper"):
        Plan(speech="siri")
    with pytest.raises(UsageError, match="passage of a plan is a number above 0, not 0"):
        Plan(passage=0)


def picture(seed=0, size=(200, 160)):
    """Something like a photograph."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(0, 256, (12, 15, 3), np.uint8)).resize(size, 2)
    return image.filter(ImageFilter.GaussianBlur(2))


def saved(image, form, **more):
    stream = io.BytesIO()
    image.save(stream, form, **more)
    return stream.getvalue()


def test_near_duplicates_are_linked(tmp_path):
    original = picture()
    files = {
        "a.png": saved(original, "PNG"),
        "b.jpg": saved(original, "JPEG", quality=60),
        "c.png": saved(original.resize((130, 104)), "PNG"),
        "d.png": saved(picture(1), "PNG"),
        "e.png": saved(original.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "PNG"),
        "f.txt": b"the same words",
        "g.txt": b"the same words",
        "h.txt": b"other words",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    shelf = Shelf()
    mine = ingester(shelf, Digests("image", "text"))
    outcome = mine.add([tmp_path])
    linked = {one.path.name: shelf.records[one.of].title for one in outcome.of("linked")}
    assert linked == {"b.jpg": "a.png", "c.png": "a.png", "g.txt": "f.txt"}
    link = shelf.of("c.png")[0]
    assert link.meta["duplicate_of"] == shelf.of("a.png")[0].id and link.media is None
    assert all(link.id not in rows for rows in shelf.stored.values())
    assert set(statuses(mine.add([tmp_path])).values()) == {"kept"}
    (tmp_path / "a.png").write_bytes(saved(picture(5), "PNG"))  # what was linked stands alone now
    after = statuses(mine.add([tmp_path]))
    assert after["a.png"] == "replaced"
    mine.add([tmp_path])
    assert shelf.of("b.jpg")[0].media is not None
    assert shelf.of("c.png")[0].meta["duplicate_of"] == shelf.of("b.jpg")[0].id


def test_things_drawn_alike_in_other_colours_or_places_are_not_the_same():
    def disc(colour, left=40):
        image = Image.new("RGB", (128, 128), "white")
        ImageDraw.Draw(image).ellipse((left, 40, left + 48, 88), fill=colour)
        return key_of_picture(image)

    red = disc("red")
    assert alike(red, disc("red"))
    assert not alike(red, disc("blue")) and not alike(red, disc("red", 56))
    assert key_of_picture(Image.new("RGB", (64, 64), "red")) == b""  # plain areas have no likeness


def test_captions_of_the_brain_are_added(folder):
    asked = []

    def captioner(media):
        asked.append(media.modality)
        if media.modality == "points":
            raise UsageError("cannot see that")
        return "a striking thing"

    shelf = Shelf()
    outcome = ingester(shelf, captioner=captioner).add([folder / "one.png", folder / "one.ply"])
    assert shelf.of("one.png")[0].text == "a striking thing"
    assert shelf.of("one.png")[0].provenance.extractor == "captioner"
    assert outcome.files[1].status == "added"
    assert "no caption for one.ply: cannot see that" in outcome.files[1].notes[0]
    assert asked == ["image", "points"]


def test_media_that_cannot_be_embedded_go_without(folder):
    class Picky(Digests):
        def read(self, modality, items):
            if modality == "image":
                raise UsageError("never pictures")
            return super().read(modality, items)

    shelf = Shelf()
    outcome = ingester(shelf, Picky("image", "text")).add([folder / "one.png", folder / "note.md"])
    assert [one.status for one in outcome] == ["added", "added"]
    assert outcome.files[0].notes == ("no place in digests: never pictures",)


def test_progress_tells_each_file(folder):
    seen = []
    ingester(Shelf(), progress=lambda one, done, total: seen.append((done, total))).add([folder])
    assert seen == [(n, 6) for n in range(1, 7)]


def test_ids_are_of_place_and_content():
    one, two = Source("/a", "", "d"), Source("/b", "", "d")
    assert one.root != two.root and one.mark("p") == two.mark("p") != one.mark("q")


def test_processes_do_the_same_as_this_one(folder):
    here, there = Shelf(), Shelf()
    ingester(here).add([folder])
    outcome = Ingester(there, plan=BARE, engine=Processes(2)).add([folder])
    assert set(statuses(outcome).values()) == {"added"}
    assert {id: (one.text, one.provenance) for id, one in here.records.items()} == {
        id: (one.text, one.provenance) for id, one in there.records.items()
    }


def test_a_reader_that_dies_or_hangs_takes_only_its_file(folder, tmp_path, monkeypatch):
    """A process whose decoder crashes on one file and hangs on another; a third is read."""
    (tmp_path / "crash.txt").write_text("x")
    (tmp_path / "hang.txt").write_text("y")
    (tmp_path / "fine.txt").write_text("fine words")
    (tmp_path / "sitecustomize.py").write_text(
        "import os, time\n"
        "import omni.modality as m\n"
        "whole = m.open_media\n"
        "def hostile(path, access=None):\n"
        "    if str(path).endswith('crash.txt'): os.kill(os.getpid(), 11)\n"
        "    if str(path).endswith('hang.txt'): time.sleep(60)\n"
        "    return whole(path, access)\n"
        "m.open_media = hostile\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("omni.memory.ingest.pool._GRACE", 8.0)
    paths = [tmp_path / f"{name}.txt" for name in ("crash", "hang", "fine")]
    plan = Plan(ocr=False, speech="none", seconds=0.5)
    outcome = Ingester(Shelf(), plan=plan, engine=Processes(2)).add(paths)
    found = {one.path.stem: one for one in outcome}
    assert "crash.txt killed its reader (SIGSEGV): it is damaged" in found["crash"].reason
    assert "hang.txt took longer than 0.5 s" in found["hang"].reason
    assert found["fine"].status == "added"


SCRIPT = """
import sys
from omni.memory.ingest.ingester import Ingester
from omni.memory.ingest.plan import Plan
from omni.memory.ingest.pool import Inline
from omni.memory.store import Memory
with Memory.open(sys.argv[1], background=False) as memory:
    tell = lambda one, done, total: print(done, flush=True)
    plan = Plan(ocr=False, speech="none")
    Ingester(memory.bind(), plan=plan, engine=Inline(), progress=tell).add([sys.argv[2]])
"""


def test_ingestion_goes_on_after_a_kill(tmp_path):
    """Against the store itself: killed in the middle, then begun again."""
    from omni.memory.store import Memory

    place = tmp_path / "in"
    place.mkdir()
    for number in range(40):
        (place / f"{number:02}.md").write_text(f"# File {number}\n\nWords {number}.\n")
    root = tmp_path / "memory"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(root), str(place)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 7:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    process.wait()
    with Memory.open(root, background=False) as memory:
        view = memory.bind()
        before = len(view)
        assert 14 <= before < 80  # what was told is there, and it was killed in the middle
        outcome = ingester(view).add([place])
        kept = len(outcome.of("kept"))
        assert kept * 2 == before and len(outcome.of("added")) == 40 - kept
        assert len(view) == 80
        pieces = [one.text for one in view.get(view.ids()) if one.text.startswith("# File")]
        assert len(set(pieces)) == len(pieces) == 40
