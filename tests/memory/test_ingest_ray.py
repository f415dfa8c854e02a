"""The same ingestion by a local Ray with two readers: the same records, the same vectors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from omni import extras
from omni.errors import MissingExtra
from omni.memory.ingest.ray_engine import RayEngine

SCRIPT = """
import json, sys
from omni.memory.embed.opening import open_embedder
from omni.memory.ingest.ingester import Ingester
from omni.memory.ingest.plan import Plan
from omni.memory.ingest.pool import Inline
from omni.memory.ingest.ray_engine import RayEngine
from omni.memory.store import Memory
import numpy as np
from doubles import Digests

root, place, *names = sys.argv[1:]
plan = Plan(ocr=False, speech="none")
words = open_embedder(names[0]) if names else Digests("text")
counted, whole = [], words.read
words.read = lambda modality, items: counted.append(len(items)) or whole(modality, items)
found = {}
engines = {"ray": RayEngine(names, readers=2), "here": Inline()}
for name, engine in engines.items():
    with Memory.open(f"{root}/{name}", background=False) as memory:
        view = memory.bind()
        outcome = Ingester(view, [words], plan=plan, engine=engine).add([place])
        ids = view.ids()
        found[name] = (
            sorted((one.path.name, one.status) for one in outcome),
            [(one.id, one.text, one.provenance.to_json()) for one in view.get(ids)],
            view.vectors(words.space, ids),
        )
        if name == "ray":
            before = list(counted)
            again = Ingester(view, [words], plan=plan, engine=Inline()).add([place])
            found["again"] = sorted({one.status for one in again})
same = all(
    (one is None) == (other is None) and (one is None or np.allclose(one, other, atol=1e-5))
    for one, other in zip(found["ray"][2], found["here"][2], strict=True)
)
print(json.dumps({
    "outcome": found["ray"][0],
    "records": found["ray"][1] == found["here"][1],
    "count": len(found["ray"][1]),
    "vectors": same,
    "again": found["again"],
    "embedded here": before,
}))
"""


def run(tmp_path, *names):
    pytest.importorskip("ray")
    place = tmp_path / "in"
    place.mkdir()
    for number in range(6):
        (place / f"{number}.md").write_text(f"# File {number}\n\nWords {number}.\n")
    (place / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path), str(place), *names],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["outcome"] == [
        *([f"{number}.md", "added"] for number in range(6)),
        ["broken.png", "failed"],
    ]
    assert told["records"] and told["count"] == 12 and told["vectors"]
    assert told["again"] == ["failed", "kept"]
    return told


@pytest.mark.slow
def test_ray_does_the_same_as_one_process(tmp_path):
    """Two actors take files apart; the ingester embeds."""
    assert sum(run(tmp_path)["embedded here"]) == 12


@pytest.mark.slow
@pytest.mark.skipif("OMNI_TEST_RAY" not in os.environ, reason="a minute: set OMNI_TEST_RAY=1")
def test_actors_embed_too(tmp_path):
    """A third actor loads the sentence model and embeds; nothing is embedded here."""
    assert run(tmp_path, "sentences")["embedded here"] == []


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(extras, "available", lambda module: False)
    with pytest.raises(MissingExtra, match=r'package \'ray\'.*pip install "omni-agent\[ray\]"'):
        RayEngine()
