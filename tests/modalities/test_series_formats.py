"""The formats of a series: told by content, read in every form, written without losing a digit."""

import io
import json
import string
from datetime import datetime

import hypothesis.extra.numpy as arrays
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from omni.modalities.series import plugin as series
from omni.modality import sniff
from omni.values import Series
from tests.modalities.tables import PARQUET, daily, load, npy

# What is no table.


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("letter.txt", "Dear Ann,\nyes, of course, we can.\nBest,\nBob\n"),
        ("list.txt", "milk, eggs\nbread, butter\nsalt, oil\n"),
        ("prose.txt", "On 5 May, 1999\nthere were 3, or 4,\nand 7 came, later\n"),
        ("notes.md", "1, 2\n3, 4\n5, 6\n"),
        ("code.py", "x = [1, 2,\n     3, 4,\n     5, 6]\n"),
        ("cloud.xyz", "1.0 2.0 3.0\n4.0 5.0 6.0\n7.0 8.0 9.0\n"),
        ("data.bin", "1,2\n\x00,4\n5,6\n"),
        ("config.json", '{"name": "x", "version": 3, "size": [1, "a"]}'),
        ("words.json", '["a", "b", "c"]'),
        ("empty.json", "{}"),
    ],
)
def test_text_is_not_taken_for_a_table(name, content):
    assert series.sniff(content.encode(), name) is None


def test_arrays_of_points_belong_to_the_points():
    for columns in (3, 6):
        assert series.sniff(npy(np.zeros((10, columns))), "x.npy") is None
    assert series.sniff(npy(np.zeros((10, 2))), "x.npy") == "application/x-npy"


def test_a_table_is_told_by_content_not_by_name():
    table = daily().to_csv(index=False).encode()
    assert sniff(table, "table") == ("series", "text/csv")
    assert sniff(npy(np.arange(9.0)), "x.csv") == ("series", "application/x-npy")
    target = io.BytesIO()
    daily().to_parquet(target)
    assert sniff(target.getvalue()[:4096], "x.json") == ("series", PARQUET)


# Formats other than text.


@pytest.mark.parametrize(
    "content",
    [
        [1, 2.5, None, 4],
        [{"v": 1}, {"v": 2.5}, {"v": None}, {"v": 4}],
        {"v": [1, 2.5, None, 4]},
        {"meta": {"unit": "m"}, "data": [{"v": 1}, {"v": 2.5}, {"v": None}, {"v": 4}]},
        {"v": {"0": 1, "1": 2.5, "2": None, "3": 4}},
        {"columns": ["v"], "index": [0, 1, 2, 3], "data": [[1], [2.5], [None], [4]]},
        {"2024-01-01": 1, "2024-01-02": 2.5, "2024-01-03": None, "2024-01-04": 4},
    ],
)
def test_every_form_of_json(content):
    found = load(json.dumps(content), "x.json")
    np.testing.assert_array_equal(found.values[:, 0], [1, 2.5, np.nan, 4])


def test_json_lines_and_rows_with_a_header():
    found = load('{"d": "2024-01-01", "v": 1}\n{"d": "2024-01-02", "v": 2}\n', "x.jsonl")
    assert found.times is not None and found.names == ("v",)
    found = load('[["t", "v"], ["2024-01-01", 5], ["2024-01-02", 6]]', "x.json")
    assert found.times is not None and found.values.tolist() == [[5], [6]]


def test_parquet_of_pandas_with_types_of_its_own():
    table = daily().assign(
        when=lambda frame: frame["date"].dt.tz_localize("Europe/Berlin"),
        whole=pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
        flag=[True, False] * 3,
        word=["ab", "cd"] * 3,
    )
    target = io.BytesIO()
    table.drop(columns="date").to_parquet(target)
    found = load(target.getvalue(), "x.parquet")
    assert found.names == ("temp", "rain", "whole", "flag")
    assert np.isnan(found.values[1, 2]) and found.frequency == "D"
    assert found.times is not None and found.times[0] == np.datetime64("2024-01-28T23:00")


def test_arrays():
    assert load(npy(np.arange(5)), "x.npy").names == ("value",)
    wide = load(npy(np.arange(200.0).reshape(2, 100)), "x.npy")
    assert wide.values.shape == (100, 2) and "turned on its side" in wide.notes[0]
    records = np.array([(1, 2.5), (2, 3.5)], dtype=[("n", "i4"), ("v", "f8")])
    assert load(npy(records), "x.npy").names == ("v",)
    stamped = np.zeros(3, dtype=[("when", "M8[s]"), ("v", "f4")])
    stamped["when"] = np.datetime64("2024-01-01") + np.arange(3)
    assert load(npy(stamped), "x.npy").frequency == "D"


# There and back.

NAMES = some.text(string.ascii_letters + " äß,;\"'", min_size=1, max_size=8).map(
    lambda name: f"v{name}v"
)


@some.composite
def any_series(draw: some.DrawFn) -> Series:
    rows, columns = draw(some.integers(3, 12)), draw(some.integers(1, 4))
    numbers = some.floats(allow_nan=True, allow_infinity=False, width=64)
    values = draw(arrays.arrays(np.float64, (rows, columns), elements=numbers))
    values[0] = np.where(np.isnan(values[0]), 1.0, values[0])  # a column of gaps is left out
    names = tuple(f"{draw(NAMES)}{at}" for at in range(columns))
    if draw(some.booleans()):
        return Series(values, names)
    rule = draw(some.sampled_from(["D", "h", "MS", "7D", "s", "250ms"]))
    start = draw(some.datetimes(datetime(1950, 1, 1), datetime(2080, 1, 1)))
    times = pd.date_range(pd.Timestamp(start).floor("s"), periods=rows, freq=rule)
    return Series(values, names, times.to_numpy("datetime64[ns]"))


@pytest.mark.parametrize(
    "mime", ["text/csv", "text/tab-separated-values", "application/json", PARQUET]
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=any_series())
def test_a_series_comes_back_with_every_digit(mime, value):
    saved = series.save(value, name="x.csv", mime=mime)
    told = series.sniff(saved.read()[:4096], "x.csv" if mime.startswith("text") else "x")
    assert told == mime or (len(value.names) == 1 and mime.startswith("text"))
    found = series.load(saved)
    np.testing.assert_array_equal(found.values, value.values)
    assert found.names == tuple(name.strip() for name in value.names)
    if value.times is None:
        assert found.times is None
    else:
        np.testing.assert_array_equal(found.times, value.times)  # type: ignore[arg-type]


def test_numbers_too_far_apart_for_a_difference_are_no_times():
    value = Series(np.array([[-1.7e308, 1], [1.7e308, 2]]), ("time", "level"))
    found = series.load(series.save(value, name="x.csv"))
    assert found.times is None and found.names == ("time", "level")


def test_names_that_are_numbers_come_back():
    value = Series(np.array([[1.5, 2], [3, 4], [5, 7]]), ("10", "20"))
    assert series.load(series.save(value, name="x.csv")).names == ("10", "20")
