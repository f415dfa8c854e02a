"""Ask a PDF with figures: the sentence that answers, and the figure, cut out of their page.

    python recipes/ask_a_pdf.py                                   # a manual that is drawn here
    python recipes/ask_a_pdf.py manual.pdf "Where is the filter?" --out found

Every passage keeps its page and its box, every figure its caption. What is found is written as
pictures of just that spot, so that one sees where the answer stands.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from omni.memory.retrieve import Library

QUESTIONS = ("How often is the filter changed?", "Which figure shows the valve?")
PAGES = (
    (("Pump manual", "The pump moves water from the well to the house.",
      "The filter is changed every six months."), None),
    (("Care", "Close the valve before you open the lid.",
      "Figure 1: the valve, seen from above"), "red"),
)  # fmt: skip


def sample() -> bytes:
    """A PDF of two pages, written object by object: text in Helvetica, and a figure."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"",
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]  # fmt: skip
    kids = []
    for lines, colour in PAGES:
        drawn = b"BT /F 12 Tf 40 500 Td 40 TL " + b" ".join(
            f"({line}) Tj T*".encode() for line in lines
        )
        drawn += b" ET"
        figure = b""
        if colour:
            objects.append(picture(colour))
            figure = f"/XObject << /P {len(objects)} 0 R >>".encode()
            drawn += b" q 160 0 0 120 60 280 cm /P Do Q"
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 595] /Contents %d 0 R "
            b"/Resources << /Font << /F 3 0 R >> %s >> >>" % (len(objects), figure)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    data, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n" % (
        count, table, count) + b"startxref\n%d\n%%%%EOF\n" % len(data)  # fmt: skip


def picture(colour: str) -> bytes:
    """A drawing as an object of a PDF."""
    image = Image.new("RGB", (320, 240), "white")
    ImageDraw.Draw(image).ellipse((80, 40, 240, 200), fill=colour, outline="black", width=6)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    head = b"<< /Type /XObject /Subtype /Image /Width 320 /Height 240 /ColorSpace /DeviceRGB "
    head += b"/BitsPerComponent 8 /Filter /DCTDecode /Length %d >>\n" % len(stream.getvalue())
    return head + b"stream\n" + stream.getvalue() + b"\nendstream"


def found(library: Library, question: str, out: Path, number: int) -> dict[str, Any]:
    """The sentences that answer, and the best text and figure, each as a picture of its spot."""
    hits = library.search(question, 6).hits
    figures = library.search(question, 1, {"of": "figure"}).hits
    quotes = [one for one in library.quotes(question, hits) if one.citation.page]
    texts = [hit for hit in hits if hit.record.modality == "text" and library.cite(hit).page][:1]
    spots = []
    for hit in [*texts, *figures]:
        media = library.excerpt(hit)
        path = out / f"{number}-{'figure' if hit in figures else 'text'}{'.png' if media else ''}"
        if media is not None:
            path.write_bytes(media.read())
        citation = library.cite(hit).model_dump(mode="json", exclude_none=True)
        spots.append({"text": hit.record.text, "picture": str(path), **citation})
    return {
        "question": question,
        "quotes": [{"text": one.text, "spot": library.told(one.citation)} for one in quotes],
        "spots": spots,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pdf", nargs="?", type=Path, help="by default one that is drawn here")
    parser.add_argument("questions", nargs="*", metavar="QUESTION")
    parser.add_argument("--out", type=Path, default=Path("found"), help="folder of the pictures")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        pdf = given.pdf or Path(temporary, "manual.pdf")
        if given.pdf is None:
            pdf.write_bytes(sample())
        with Library(Path(temporary, "memory"), create=True) as library:
            library.add([pdf])
            asked = given.questions or QUESTIONS
            told = [found(library, one, given.out, n) for n, one in enumerate(asked, 1)]
    if given.json:
        print(json.dumps({"answers": told}, ensure_ascii=False))
        return
    for one in told:
        print(one["question"])
        for quote in one["quotes"]:
            print(f"  “{quote['text']}” ({quote['spot']})")
        for spot in one["spots"]:
            print(f"  page {spot['page']}: {spot['picture']}")


if __name__ == "__main__":
    main()
