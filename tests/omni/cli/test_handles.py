"""Handles that last: "make img-2 darker, then put it next to img-1", said after a restart."""

import json
import subprocess

import numpy as np
from PIL import Image


def calls(*found):
    """A line of a script that calls tools, as the process that reads it spells it."""
    listed = [
        {"name": name, "args": args, "id": f"call-{place}"}
        for place, (name, args) in enumerate(found)
    ]
    return f"AIMessage('', tool_calls={listed!r})"


class Line:
    """Spells itself in a script as an expression."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def ask(spawn, script, *arguments):
    lines = [Line(one) if one.startswith("AIMessage") else one for one in script]
    process = spawn(
        lines,
        *("ask", *arguments, "--json", "--session", "pictures"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    return json.loads(out)


def test_a_picture_of_another_process_is_made_darker_and_put_beside_the_first(spawn, tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGB", (40, 30), (200, 100, 60)).save(path)
    tools = ("--tools", "crop_image,edit_image,join_images")
    crop = {"image": "img-1", "left": 0, "top": 0, "right": 20, "bottom": 30}
    first = ask(
        spawn,
        [calls(("crop_image", crop)), "The left half is img-2."],
        *("the left half, please", "-a", str(path), *tools),
    )
    assert [part.get("handle") for part in first["parts"]] == ["img-2", None]

    darker = {"image": "img-2", "change": "darken", "amount": 0.5}
    beside = {"images": ["img-3", "img-1"]}
    second = ask(
        spawn,
        [calls(("edit_image", darker)), calls(("join_images", beside)), "img-4 shows both."],
        *("make img-2 darker, then put it next to img-1", *tools),
    )
    made = {part["handle"]: part for part in second["parts"] if part.get("handle")}
    assert list(made) == ["img-3", "img-4"]
    assert all(part["status"] == "delivered" for part in second["parts"])
    assert made["img-3"]["lineage"]["parents"] == ["img-2"]
    assert made["img-3"]["lineage"]["model"] == "edit_image"
    assert made["img-3"]["lineage"]["parameters"]["change"] == "darken"
    assert made["img-4"]["lineage"]["parents"] == ["img-3", "img-1"]

    with Image.open(made["img-4"]["path"]) as joined:
        pixels = np.asarray(joined.convert("RGB"))
    assert pixels.shape == (30, 20 + 8 + 40, 3)
    assert pixels[5, 5].tolist() == [100, 50, 30]  # the darker half, then a gap, then the whole
    assert pixels[5, 60].tolist() == [200, 100, 60]
