"""A real folder of mixed files, from installed packages and from what is printed and spoken here.

Of what is made here it is known where everything stands: page and box of each paragraph (measured
on the picture of its page, by the colour of its ink), and the seconds of shots, signs and phrases.
"""

import importlib.util
import inspect
import io
import random
import shutil
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from omni.modality import modality
from omni.nano.world import speech
from omni.values import Clip, Waveform

RATE = 8
SIGNS = ("HARBOUR", "LIBRARY", "STATION", "MUSEUM", "BAKERY", "CASTLE", "GARDEN", "THEATRE")
PHRASES = (
    "the doctor will see you on friday morning",
    "one two three four five",
    "good morning",
    "hello world",
    "we will be there in the evening",
    "open the window please",
)
PRINTED = ("numpy.linalg", "numpy.fft", "numpy.random", "scipy.signal", "scipy.stats", "json",
           "sqlite3", "argparse", "pathlib", "statistics", "zipfile", "email.message")  # fmt: skip


@dataclass
class Made:
    """What stands where.

    Attributes:
        paragraphs: file, page, text and box, as shares of the page.
        moments: file, what is on show or said, and from when to when in seconds.
    """

    paragraphs: list = field(default_factory=list)
    moments: list = field(default_factory=list)


def build(folder: Path, *, files: int = 320, seed: int = 0) -> Made:
    """Fill a folder with about so many files of every kind."""
    rng, made = random.Random(seed), Made()
    share = files / 320

    def count(whole: int) -> int:
        return max(1, round(whole * share))

    for name in ("texts", "pictures", "tables", "sounds", "films", "solids", "papers"):
        (folder / name).mkdir(parents=True)
    copy(folder / "texts", rng, count(110), (".md", ".rst", ".txt", ".html"), 60_000)
    copy(folder / "pictures", rng, count(40), (".png", ".jpg", ".gif"), 1_500_000)
    copy(folder / "tables", rng, count(55), (".csv",), 400_000)
    copy(folder / "sounds", rng, count(14), (".wav",), 2_000_000)
    digits(folder / "pictures", count(24))
    for number in range(count(20)):
        record(folder / "sounds" / f"memo-{number:02}.wav", rng, made)
    for number in range(count(8)):
        film(folder / "films" / f"film-{number}.mp4", SIGNS[number % len(SIGNS)], rng, made)
    for number in range(count(36)):
        solid(folder / "solids", number)
    for name in PRINTED[: count(len(PRINTED))]:
        paper(folder / "papers" / f"{name}.pdf", name, made)
    return made


def packages() -> Path:
    """Where packages are installed."""
    spec = importlib.util.find_spec("numpy")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parents[1]


def copy(target: Path, rng: random.Random, most: int, suffixes: tuple[str, ...], largest: int):
    """Files of installed packages; each content once."""
    found = sorted(
        path
        for path in packages().rglob("*")
        if (path.suffix in suffixes or (".txt" in suffixes and path.name == "LICENSE"))
        and path.is_file()
        and 200 < path.stat().st_size < largest
    )
    rng.shuffle(found)
    seen: set[bytes] = set()
    for path in found:
        if len(seen) == most:
            return
        data = path.read_bytes()
        if data not in seen:
            suffix = path.suffix or ".txt"
            shutil.copyfile(path, target / f"{len(seen):03}-{path.stem}{suffix}")
            seen.add(data)


def digits(target: Path, most: int) -> None:
    from sklearn.datasets import load_digits

    for number, image in enumerate(load_digits().images[:most]):
        picture = Image.fromarray((255 - image * 15.9).astype(np.uint8)).resize((96, 96))
        picture.save(target / f"digit-{number:02}.png")


def record(path: Path, rng: random.Random, made: Made) -> None:
    """Three phrases with pauses of chance, at known seconds."""
    said, at = [], 0.0
    for phrase in rng.sample(PHRASES, 3):
        wave = speech.speak(phrase, speech.Voice("en-us", speed=140))
        pause = 1.0 + rng.random()
        sounding = np.flatnonzero(np.abs(wave.samples[:, 0]) > 0.02)
        begin = at + pause + sounding[0] / wave.sample_rate
        end = at + pause + sounding[-1] / wave.sample_rate
        made.moments.append((str(path), phrase, begin, end))
        said += [np.zeros((round(pause * wave.sample_rate), 1), np.float32), wave.samples]
        at += round(pause * wave.sample_rate) / wave.sample_rate + wave.seconds
    sound = Waveform(np.concatenate(said), wave.sample_rate)
    path.write_bytes(modality("audio").save(sound, name=path.name).read())


def film(path: Path, sign: str, rng: random.Random, made: Made) -> None:
    """Four scenes of moving things; the words of a sign stand in one of them."""
    with_sign, frames, at = rng.randrange(4), [], 0.0
    for scene in range(4):
        count = rng.randint(2 * RATE, 4 * RATE)
        ground, paint = (tuple(rng.randrange(256) for _ in range(3)) for _ in range(2))
        top = rng.randint(70, 120)
        for number in range(count):
            image = Image.new("RGB", (256, 192), ground)
            draw = ImageDraw.Draw(image)
            left = 10 + 180 * number // count
            draw.ellipse((left, top, left + 50, top + 50), fill=paint)
            if scene == with_sign:
                draw.rectangle((0, 0, 256, 50), fill="white")
                draw.text((12, 6), sign, fill="black", font=ImageFont.load_default(34))
            frames.append(np.asarray(image))
        if scene == with_sign:
            made.moments.append((str(path), sign, at, at + count / RATE))
        at += count / RATE
    clip = Clip(np.stack(frames), np.arange(len(frames)) / RATE, len(frames) / RATE, RATE)
    path.write_bytes(modality("video").save(clip, name=path.name).read())


def solid(target: Path, number: int) -> None:
    """A mesh or a cloud of points, each of another size."""
    import trimesh
    from sklearn.datasets import make_s_curve, make_swiss_roll

    size = 1 + number / 7
    make = number % 6
    if make >= 4:
        draw = make_s_curve if make == 4 else make_swiss_roll
        xyz, _ = draw(900, random_state=number)
        trimesh.PointCloud(xyz).export(target / f"cloud-{number:02}.ply")
        return
    mesh = (
        trimesh.creation.icosphere(3, size),
        trimesh.creation.torus(2 * size, 0.5),
        trimesh.creation.box((1, size, 2)),
        trimesh.creation.cone(1, size),
    )[make]
    mesh.export(target / f"mesh-{number:02}{('.stl', '.ply', '.obj', '.glb')[number % 4]}")


def paper(path: Path, module: str, made: Made) -> None:
    """The documentation of a module as a PDF, paragraph by paragraph in a colour of its own."""
    from reportlab.pdfgen import canvas

    stream = io.BytesIO()
    sheet = canvas.Canvas(stream, pagesize=(420, 595))
    sheet.setTitle(module)
    drawn: list[tuple[int, int, str]] = []
    page, y, colour = 1, 550.0, 0
    for text in paragraphs(module):
        lines = textwrap.wrap(text, 62)[:6]
        size = 9 + len(drawn) % 3
        if y - len(lines) * 1.25 * size < 40:
            sheet.showPage()
            page, y, colour = page + 1, 550.0, 0
        if page > 6:
            break
        colour += 1
        sheet.setFillColorRGB(*((colour >> shift & 7) * 32 / 255 for shift in (0, 3, 6)))
        sheet.setFont("Helvetica", size)
        for number, line in enumerate(lines):
            sheet.drawString(40 + 12 * (len(drawn) % 3), y - number * 1.25 * size, line)
        drawn.append((page, colour, "\n".join(lines)))
        y -= len(lines) * 1.25 * size + 22
    sheet.save()
    path.write_bytes(stream.getvalue())
    ink = inked(stream.getvalue())
    made.paragraphs += [(str(path), page, text, ink[page, colour]) for page, colour, text in drawn]


def paragraphs(module: str):
    """Prose of docstrings: Latin, at least ninety characters, each once."""
    found = importlib.import_module(module)
    seen = set()
    for name in ("", *sorted(vars(found))):
        one = getattr(found, name) if name else found
        if not (inspect.isroutine(one) or inspect.isclass(one) or one is found):
            continue
        for block in (inspect.getdoc(one) or "").split("\n\n"):
            text = " ".join(block.split())
            plain = text.isascii() and not any(sign in text for sign in (">>>", "---", "::", "|"))
            if plain and len(text) >= 90 and text[:80] not in seen:
                seen.add(text[:80])
                yield text


def inked(data: bytes) -> dict[tuple[int, int], tuple[float, float, float, float]]:
    """Box of the ink of each colour on each page, as shares, measured on pictures of the pages."""
    import pypdfium2

    found = {}
    pdf = pypdfium2.PdfDocument(data)
    for number in range(len(pdf)):
        pixels = np.asarray(pdf[number].render(scale=3).to_pil().convert("RGB"))
        high, wide = pixels.shape[:2]
        exact = (pixels % 32 < 2).all(-1)
        code = (pixels // 32).astype(int) @ np.array([1, 8, 64])
        for colour in np.unique(code[exact]):
            rows, columns = np.nonzero((code == colour) & exact)
            left, top = columns.min() / wide, rows.min() / high
            box = (left, top, (columns.max() + 1) / wide, (rows.max() + 1) / high)
            found[number + 1, int(colour)] = tuple(map(float, box))
    pdf.close()
    return found
