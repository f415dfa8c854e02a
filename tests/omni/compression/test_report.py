"""What is told of a selection goes through JSON and comes back; what is none is refused."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from omni.compression.budget import Grid
from omni.compression.record import SelectionRecord, recorded
from omni.compression.report import ItemDetail, SelectionReport
from omni.errors import UsageError


@st.composite
def reports(draw):
    items, details = [], []
    for number in range(draw(st.integers(0, 4))):
        size = draw(st.integers(1, 30))
        places = tuple(sorted(draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=size))))
        whole = len(places) == size
        items.append((f"img-{number}", len(places), size))
        details.append(
            ItemDetail(
                draw(st.sampled_from(["", "image", "audio"])),
                draw(st.sampled_from([None, Grid(1, 1, size)])),
                draw(st.sampled_from([None, 0.0, 0.25])),
                draw(st.sampled_from([None, -0.5, 0.75])),
                None if whole else places,
            )
        )
    return SelectionReport(
        draw(st.none() | st.integers(1, 99)), tuple(items), tuple(details), "farthest", 0.125
    )


@given(reports())
def test_it_comes_back_from_json(report):
    told = json.loads(json.dumps(report.to_json()))
    assert SelectionReport.from_json(told) == report
    assert told["kept"] == sum(row["kept"] for row in told["items"])
    assert {"budget", "kept", "items"} <= told.keys()
    for row in told["items"]:
        assert {"handle", "kept", "of"} <= row.keys() and None not in row.values()


@given(reports())
def test_it_is_replayed(report):
    record = SelectionRecord.from_json(recorded(report).to_json())
    short = [
        (row, detail)
        for row, detail in zip(report.items, report.details, strict=True)
        if detail.places is not None
    ]
    x = torch.arange(sum(size for (_, _, size), _ in short))[:, None]
    expected, start = [], 0
    for (_, _, size), detail in short:
        expected += [start + place for place in detail.places]
        start += size
    assert record.take(x).flatten().tolist() == expected if short else not record.items


def test_the_short_form_has_what_it_always_had():
    report = SelectionReport(100, (("img-1", 36, 144), ("", 8, 8)))
    assert report.to_json() == {
        "budget": 100,
        "kept": 44,
        "items": [
            {"handle": "img-1", "kept": 36, "of": 144},
            {"handle": "", "kept": 8, "of": 8},
        ],
    }
    with pytest.raises(UsageError, match="does not tell which tokens of 'img-1' were kept"):
        recorded(SelectionReport.from_json(report.to_json()))
    with pytest.raises(UsageError, match="1 details for 2 items: give one an item"):
        SelectionReport(100, report.items, (ItemDetail(),))


def test_what_was_put_together_cannot_be_replayed_from_an_answer():
    report = SelectionReport(4, (("img-1", 1, 2),), (ItemDetail(places=(0,)),), "tome", 0.1, True)
    assert report.to_json()["merged"] is True
    with pytest.raises(UsageError, match="tome puts tokens together"):
        recorded(report)


@pytest.mark.parametrize(
    "row",
    [
        {"handle": "a", "kept": 1},
        {"handle": "a", "kept": "x", "of": 3},
        {"handle": "a", "kept": 2, "of": 3, "places": [1, 0]},
        {"handle": "a", "kept": 2, "of": 3, "places": [1, 3]},
        {"handle": "a", "kept": 2, "of": 3, "places": [1]},
        {"handle": "a", "kept": 1, "of": 3, "grid": [1, 2, 3, 4]},
        {"handle": "a", "kept": 1, "of": 3, "places": 7},
    ],
)
def test_what_is_no_report_is_refused(row):
    with pytest.raises(UsageError, match="this is no report of a selection"):
        SelectionReport.from_json({"items": [row]})


def test_other_than_a_report_is_refused():
    for told in ({}, {"items": None}, {"items": [3]}):
        with pytest.raises(UsageError, match="this is no report of a selection"):
            SelectionReport.from_json(told)
