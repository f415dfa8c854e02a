"""Series: tables as people write them, pandas as the reference, and broken files."""

import io
import json
import pickle
import string
import time
from datetime import datetime
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from omni.errors import MediaError
from omni.media import Media
from omni.modalities.series import plugin as series
from omni.modality import media_from_bytes, open_media, sniff
from omni.values import Series

PARQUET = "application/vnd.apache.parquet"


def load(content: str | bytes, name: str = "table.csv") -> Series:
    data = content.encode() if isinstance(content, str) else content
    media = media_from_bytes(data, name)
    assert media.modality == "series"
    return series.load(media)


def refused(content: str | bytes, mime: str = "text/csv") -> str:
    data = content.encode() if isinstance(content, str) else content
    media = Media.from_bytes(data, modality="series", mime=mime, name="bad")
    with pytest.raises(MediaError) as caught:
        series.load(media)
    message = str(caught.value)
    assert message.startswith("bad ") and "\n" not in message
    return message


def npy(array: np.ndarray, **options: Any) -> bytes:
    target = io.BytesIO()
    np.save(target, array, **options)
    return target.getvalue()


def daily(rows: int = 6) -> pd.DataFrame:
    dates = pd.date_range("2024-01-29", periods=rows)
    return pd.DataFrame(
        {"date": dates, "temp": np.arange(rows) + 0.5, "rain": [3, 0] * (rows // 2)}
    )


# Dialects, with pandas as the writer and the reference.


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_every_dialect_of_pandas_is_read(encoding, separator, decimal):
    table = daily().rename(columns={"temp": "Wärme"})
    text = table.to_csv(index=False, sep=separator, decimal=decimal)
    found = load(text.encode(encoding))
    assert found.names == ("Wärme", "rain")
    np.testing.assert_array_equal(found.values, table[["Wärme", "rain"]].to_numpy(float))
    assert found.times is not None
    np.testing.assert_array_equal(found.times, table["date"].to_numpy("datetime64[ns]"))
    assert found.frequency == "D" and found.notes == ()


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_and_blank_lines(ending):
    found = load(ending.join(["a,b", "1,2", "", "3,4", "5,6", ""]))
    np.testing.assert_array_equal(found.values, [[1, 2], [3, 4], [5, 6]])


def test_quoted_fields_with_separators_and_newlines():
    found = load('day,"a, b","c ""d""\nlong"\n2024-01-01,"1,234.5",2\n2024-01-02,"7",3\n')
    assert found.names == ("a, b", 'c "d"\nlong')
    np.testing.assert_array_equal(found.values, [[1234.5, 2], [7, 3]])


@pytest.mark.parametrize(
    ("cells", "separator", "expected"),
    [
        (["1.234,50", "2,5", "3,0"], ";", [1234.5, 2.5, 3.0]),
        (["1,234", "2,345", "3,456"], ";", [1.234, 2.345, 3.456]),
        (['"1,234"', '"2,345"', '"3,456"'], ",", [1234, 2345, 3456]),
        (["1 234,5", "12 345,5", "3,5"], ";", [1234.5, 12345.5, 3.5]),
        (["1'234.5", "2'000.5", "3.5"], ",", [1234.5, 2000.5, 3.5]),
        (["$1.50", "$2.50", "-"], ",", [1.5, 2.5, np.nan]),
        (["12%", "13.5%", "n/a"], ",", [12, 13.5, np.nan]),
        (["1e3", "−2.5", ".5"], ",", [1000, -2.5, 0.5]),
        (["true", "false", "true"], ",", [1, 0, 1]),
    ],
)
def test_numbers_as_people_write_them(cells, separator, expected):
    rows = [f"2024-01-0{day + 1}{separator}{cell}" for day, cell in enumerate(cells)]
    found = load("\n".join([f"day{separator}v", *rows]))
    np.testing.assert_array_equal(found.values[:, 0], expected)


def test_with_and_without_a_header():
    assert load("1.5,2\n2.5,3\n3,4\n").names == ("column 1", "column 2")
    assert load("a,b\n1.5,2\n2.5,3\n3,4\n").names == ("a", "b")
    assert load("value\n1\n2\n3\n").names == ("value",)
    assert load(",a\n0,5\n1,7\n2,6\n").names == ("a",)  # the index that pandas writes


def test_lines_before_the_table_are_left_out():
    found = load("Station 7\n# in metres\nday,level\n2024-01-01,1\n2024-01-02,2\n2024-01-03,4\n")
    assert found.names == ("level",) and "2 lines before the table left out" in found.notes


def test_rows_of_the_wrong_width_are_reported():
    rows = [f"{number},{number * 2}" for number in range(50)]
    rows[20] = "1,2,3,4"
    found = load("x,y\n" + "\n".join(rows))
    assert len(found.values) == 49 and "1 rows with too many cells left out" in found.notes


# Time.


@pytest.mark.parametrize(
    ("cells", "first", "frequency"),
    [
        (
            ["2024-01-31T06:00Z", "2024-01-31T07:00Z", "2024-01-31T08:00Z"],
            "2024-01-31T06",
            "h",
        ),
        (
            ["2024-01-31 23+02:00", "2024-02-01 00+02:00", "2024-02-01 01+02:00"],
            "2024-01-31T21",
            "h",
        ),
        (["2024/1/9", "2024/1/10", "2024/1/11"], "2024-01-09", "D"),
        (["31.12.2023", "01.01.2024", "02.01.2024"], "2023-12-31", "D"),
        (["12/30/2023", "12/31/2023", "01/01/2024"], "2023-12-30", "D"),
        (["30/12/23 10:00", "30/12/23 11:00", "30/12/23 12:00"], "2023-12-30T10", "h"),
        (["Jan 2020", "Feb 2020", "Mar 2020"], "2020-01-01", "MS"),
        (["2020-01", "2020-02", "2020-03"], "2020-01-01", "MS"),
        (["2019Q4", "2020Q1", "2020Q2"], "2019-10-01", "QS-OCT"),
        (["1959", "1960", "1961"], "1959-01-01", "YS-JAN"),
        (["1949.0", "1949.083", "1949.167"], "1949-01-01", "MS"),
        (["20240131", "20240201", "20240202"], "2024-01-31", "D"),
        (["202401", "202402", "202403"], "2024-01-01", "MS"),
        (["1700000000", "1700000060", "1700000120"], "2023-11-14T22:13:20", "min"),
        (["1700000000000", "1700000060000", "1700000120000"], "2023-11-14T22:13:20", "min"),
    ],
)
def test_times_as_people_write_them(cells, first, frequency):
    found = load("\n".join(["time,v", *(f'"{cell}",{at}.5' for at, cell in enumerate(cells))]))
    assert found.names == ("v",)
    assert found.times is not None and found.times.dtype == np.dtype("datetime64[ns]")
    assert found.times[0] == np.datetime64(first)
    assert found.frequency in (frequency, frequency.replace("QS-OCT", "QS-JAN"))


def test_day_and_month_that_could_be_either_are_reported():
    found = load("date,v\n03/04/2024,1\n03/05/2024,2\n03/06/2024,3\n")
    assert found.times is not None and found.times[0] == np.datetime64("2024-03-04")
    assert "month first, which is a guess" in found.notes[0]
    found = load("date,v\n11/01/2024,1\n12/01/2024,2\n01/02/2024,3\n02/02/2024,3\n")
    assert found.times is not None and found.times[0] == np.datetime64("2024-01-11")
    assert "day first, so that they ascend" in found.notes[0]


def test_year_and_quarter_in_columns_of_their_own():
    found = load("year,quarter,gdp\n1959,3,1.5\n1959,4,2\n1960,1,3\n1960,2,3.5\n")
    assert found.names == ("gdp",) and found.frequency in ("QS-OCT", "QS-JAN", "QS-JUL")
    assert found.times is not None and found.times[0] == np.datetime64("1959-07-01")


def test_seconds_from_a_start_are_a_row_number_or_a_time():
    even = load("t,v\n0,5\n0.1,7\n0.2,6\n")
    assert even.times is None and "taken as the row number" in even.notes[0]
    uneven = load("t,v\n0,5\n0.1,7\n0.7,6\n")
    assert uneven.times is not None and "read as seconds" in uneven.notes[0]
    assert (uneven.times[-1] - uneven.times[0]) / np.timedelta64(1, "ms") == 700


def test_measurements_are_not_mistaken_for_times():
    found = load("price,size\n1700000000,1\n1600000000,2\n1650000000,3\n")
    assert found.times is None and found.names == ("price", "size")
    found = load("a,b\n5,1\n6,2\n7,4\n")
    assert found.times is None and found.names == ("a", "b")


# Mending.


def test_rows_out_of_order_repeated_and_missing_are_mended_and_reported():
    table = daily(30).assign(v=np.arange(30.0))[["date", "v"]]
    untidy = pd.concat([table.drop([4, 17]), table.iloc[[2]].assign(v=100.0)])
    untidy = untidy.sample(frac=1, random_state=0)
    found = load(untidy.to_csv(index=False))
    means: Any = untidy.groupby("date").mean()
    expected = means.asfreq("D")
    np.testing.assert_array_equal(found.values, expected.to_numpy())
    assert found.times is not None
    np.testing.assert_array_equal(found.times, expected.index.to_numpy("datetime64[ns]"))
    assert found.frequency == "D"
    assert found.notes == (
        "rows were not in order of time",
        "1 rows that repeat a time are averaged",
        "2 missing rows filled in as gaps",
    )


def test_business_days_with_holidays_and_months_with_gaps():
    for rule in ("B", "MS", "2h"):
        dates = pd.date_range("2024-01-01", periods=40, freq=rule).delete([9, 23])
        found = load(pd.DataFrame({"date": dates, "v": np.arange(38.0)}).to_csv(index=False))
        assert found.frequency == rule and len(found.values) == 40
        assert np.isnan(found.values[[9, 23]]).all()


def test_irregular_sampling_is_kept_and_reported():
    days = ["2024-01-01T00:00", "2024-01-02T00:00", "2024-01-09T07:11", "2024-03-01T00:00"]
    dates = pd.to_datetime(days)
    found = load(pd.DataFrame({"date": dates, "v": [1.0, 2, 3, 4]}).to_csv(index=False))
    assert found.frequency is None and len(found.values) == 4
    assert found.notes[-1].startswith("irregular sampling: steps from 1 days to 51.7 days")


def test_long_form_becomes_a_column_for_each_word():
    rows = [
        f"2024-01-0{day},{who},{day * scale}"
        for day in range(1, 5)
        for who, scale in (("A", 1), ("B", 10))
    ]
    found = load("date,who,v\n" + "\n".join(rows))
    assert found.names == ("A", "B")
    np.testing.assert_array_equal(found.values, [[day, 10 * day] for day in range(1, 5)])


def test_what_is_left_out_is_reported():
    rows = [f"2024-01-0{day},Ulm,{day}," for day in range(1, 9)]
    found = load("\n".join(["date,city,v,empty", *rows, "2024-01-09,Bonn,inf,"]))
    assert found.names == ("v",)
    assert np.isnan(found.values[-1, 0]) and found.frequency == "D"
    assert "columns of text left out: 'city'" in found.notes
    assert "columns without a value left out: 'empty'" in found.notes
    found = load("v\n" + "1\n" * 9 + "broken\n")
    assert np.isnan(found.values[-1, 0])
    assert "1 cells of 'v' that are no numbers are taken as gaps" in found.notes


# Other formats.


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


# Broken and hostile files.


def test_a_table_of_text_is_refused_with_its_columns():
    text = "name,city\nAnn,Ulm\nBob,Bonn\n"
    assert sniff(text.encode(), "x.csv") == ("series", "text/csv")
    assert "holds only text (columns 'name', 'city')" in refused(text)


def test_tables_without_a_value_are_refused():
    assert "no measured value" in refused("a,b\nNaN,\n,NaN\nNaN,NaN\n")
    assert "no measured value" in refused("[null, NaN, Infinity]", "application/json")
    assert "holds only times" in refused('["2024-01-01", "2024-01-02"]', "application/json")
    assert "is no table" in refused("just words\n\nand more of them")
    assert "without a table" in refused('{"a": {"b": {"c": {"d": 1}}}}', "application/json")


def test_a_pickled_array_is_never_loaded(tmp_path):
    bomb = tmp_path / "bomb"

    class Bomb:
        def __reduce__(self):
            return (open, (str(bomb), "w"))

    data = npy(np.array([Bomb(), 1], dtype=object), allow_pickle=True)
    assert "never loaded" in refused(data, "application/x-npy")
    assert "broken NPY header" in refused(pickle.dumps([1, 2]), "application/x-npy")
    assert not bomb.exists()


@pytest.mark.parametrize("keep", [5, 40, 100, -8])
def test_cut_off_files_are_refused(keep):
    array = npy(np.arange(100.0))
    refused(array[:keep], "application/x-npy")
    target = io.BytesIO()
    daily().to_parquet(target)
    assert "Parquet" in refused(target.getvalue()[:keep], PARQUET)
    assert "cut off JSON" in refused(json.dumps(list(range(100)))[:keep], "application/json")


def test_headers_that_declare_too_much_are_refused_before_reading():
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }"
    for shape, reason in (
        ("10000000000000,", "cut off"),
        ("2, 3, 4", "3 dimensions"),
        ("0,", "empty array"),
        ("-5,", ""),
    ):
        text = (header % shape).ljust(117) + "\n"
        data = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(800)
        assert reason in refused(data, "application/x-npy")
    assert "numbers that can be measured" in refused(npy(np.zeros(3, complex)), "application/x-npy")


def test_one_huge_line_is_refused_quickly():
    start = time.monotonic()
    assert "one line of more than" in refused("1," * 4_000_000)
    assert "columns; the limit" in refused(("1," * 5000 + "1\n") * 3)
    refused("[" * 200_000, "application/json")
    refused('"' + "a,1\n" * 500_000)
    assert time.monotonic() - start < 60  # a guard against minutes, on any machine


def test_too_many_cells_of_text_are_refused_before_parsing():
    start = time.monotonic()
    assert "save it as Parquet" in refused(("1," * 299 + "1\n") * 70_000)
    assert time.monotonic() - start < 60


def test_too_many_rows_are_refused(monkeypatch):
    from omni.modalities.series import delimited, table

    monkeypatch.setattr(table, "MAX_ROWS", 100)
    monkeypatch.setattr(delimited, "MAX_ROWS", 100)
    assert "more than 100 rows" in refused("v,w\n" + "1,2\n" * 101)
    assert "more than 100 rows" in refused(npy(np.zeros(101)), "application/x-npy")
    target = io.BytesIO()
    pd.DataFrame({"v": np.zeros(101)}).to_parquet(target)
    assert "more than 100 rows" in refused(target.getvalue(), PARQUET)


def test_long_words_in_parquet_are_not_spelled_out():
    words = pd.Series(["x" * 100_000]).repeat(20_000).reset_index(drop=True)
    target = io.BytesIO()
    pd.DataFrame({"v": np.arange(20_000.0), "word": words.astype("category")}).to_parquet(target)
    found = load(target.getvalue(), "x.parquet")
    assert found.names == ("v",) and "columns of text left out: 'word'" in found.notes


# Features.


def test_features_are_standardised_curves_and_raw_statistics():
    values = np.stack([np.sin(np.arange(100) / 5) * 3 + 7, np.full(100, 5.0)], axis=1)
    values[10:15, 0] = np.nan
    found = series.features(Series(values, ("wave", "flat")))
    assert found["values"].shape == (2, 256) and found["stats"].shape == (2, 4)
    assert found["values"].dtype == found["stats"].dtype == torch.float32
    assert found["values"][0].mean().abs() < 1e-5
    assert found["values"][0].std(correction=0) == pytest.approx(1, abs=1e-4)
    assert not found["values"][1].any()
    column = pd.Series(values[:, 0])
    expected = [np.log1p(column.mean()), np.log1p(column.std(ddof=0)), 2 / 4, 0.05]
    np.testing.assert_allclose(found["stats"][0], expected, rtol=1e-5)
    bridged = column.interpolate().to_numpy()
    curve = np.interp(np.linspace(0, 99, 256), np.arange(100), bridged)
    curve = (curve - curve.mean()) / curve.std()
    np.testing.assert_allclose(found["values"][0], curve, atol=1e-4)


def test_features_follow_time_where_sampling_is_irregular():
    days = np.array([0, 1, 2, 3, 50, 100])
    times = (np.datetime64("2024-01-01", "ns") + days * np.timedelta64(1, "D")).astype("M8[ns]")
    curve = series.features(Series(days[:, None] * 2.0, ("v",), times))["values"][0]
    torch.testing.assert_close(curve.diff(), curve.diff().mean().expand(255), atol=1e-4, rtol=1e-3)


def test_a_spike_in_a_long_series_leaves_its_trace():
    values = np.zeros((10_000, 1))
    values[7_777] = 1
    curve = series.features(Series(values, ("v",)))["values"][0]
    assert int(curve.argmax()) == pytest.approx(7_777 * 256 / 10_000, abs=1)


def test_roughness_shows_a_spike_and_a_change_of_noise_beneath_a_season():
    rng = np.random.default_rng(0)
    time = np.arange(400)
    quiet = np.where(time < 200, 0.02, 0.2)
    column = 3 * np.sin(time / 20) + time / 100 + rng.standard_normal(400) * quiet
    found = series.features(Series(column[:, None], ("v",)))["rough"][0]
    assert found.shape == (256,) and found[132:].mean() > 2 * found[:124].mean()
    column = np.sin(time / 20) + rng.standard_normal(400) * 0.02
    column[300] += 2
    bigger = series.features(Series(1000 * column[:, None] + 9, ("v",)))["rough"][0]
    assert int(bigger.argmax()) == pytest.approx(300 * 255 / 399, abs=2)
    torch.testing.assert_close(
        series.features(Series(column[:, None], ("v",)))["rough"][0], bigger, atol=1e-3, rtol=1e-3
    )


@torch.inference_mode()
def test_strengths_of_waves_are_those_of_a_season():
    from omni.modalities.series.encoder import strengths

    time = torch.linspace(0, 1, 256)
    for cycles in (1, 5, 12):
        column = torch.sin(2 * torch.pi * cycles * time + 1) + 4 * time
        found = strengths(column[None])[0]
        assert int(found[1:].argmax()) + 2 == cycles or cycles == 1
        assert found[cycles - 1] > 2


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300, -1e307])
def test_features_are_finite_at_any_scale(scale):
    values = np.array([[1.0], [2.0], [np.nan], [1.5]]) * scale
    found = series.features(Series(values / 2, ("v",)))
    assert all(torch.isfinite(tensor).all() for tensor in found.values())
    assert found["values"].abs().max() > 0.5
    facts = series.facts(Series(values / 2, ("v",)))
    json.dumps(facts, allow_nan=False)
    series.picture(Series(values / 2, ("v",)), width=120)
    assert len(series.sparkline(Series(values / 2, ("v",)))) == 4


def test_at_most_eight_columns_are_seen():
    value = Series(np.random.default_rng(0).normal(size=(20, 11)), tuple("abcdefghijk"))
    assert series.features(value)["values"].shape == (8, 256)
    assert series.estimate_tokens(value) == 128
    single = series.features(Series(np.array([[3.0]]), ("v",)))
    assert not single["values"].any() and torch.isfinite(single["stats"]).all()


# Looking at it.


def test_facts_are_those_of_pandas():
    value = series.example(1)
    facts = series.facts(value)
    frame = pd.DataFrame(value.values, columns=list(value.names))
    assert (facts["rows"], facts["columns"], facts["gaps"]) == (60, 2, 3)
    assert (facts["from"], facts["to"], facts["frequency"]) == ("2024-01-01", "2024-02-29", "D")
    for told in facts["by_column"]:
        column = frame[told["name"]]
        for key in ("min", "mean", "max"):
            assert told[key] == pytest.approx(getattr(column, key)(), rel=1e-5)
    json.dumps(facts, allow_nan=False)
    assert "60 rows of 2 columns" in series.caption(value)


def test_the_sparkline_follows_the_first_column():
    rising = Series(np.arange(200.0)[:, None], ("v",))
    line = series.sparkline(rising, width=40)
    assert len(line) == 40 and list(line) == sorted(line) and line[0] == "▁" and line[-1] == "█"
    gap = Series(np.array([[1.0], [np.nan], [3.0]]), ("v",))
    assert series.sparkline(gap) == "▁·█"


def test_the_picture_rises_with_the_series():
    image = np.asarray(series.picture(Series(np.arange(1000.0)[:, None], ("v",)), width=400))
    ink = (np.abs(image.astype(int) - (31, 119, 180)).sum(axis=-1) < 60).nonzero()
    left, right = ink[0][ink[1] < 120].mean(), ink[0][ink[1] > 340].mean()
    assert right < left - 80  # the top of a picture is its first row


# Files that nobody here wrote.


@pytest.mark.parametrize(
    ("name", "times", "columns", "frequency"),
    [
        ("sunspots", True, 1, "YS-JAN"),
        ("macrodata", True, 12, "QS-JAN"),
        ("co2", True, 1, "W-SAT"),
        ("nile", True, 1, "YS-JAN"),
        ("elnino", True, 12, "YS-JAN"),
        ("longley", True, 6, "YS-JAN"),
    ],
)
def test_data_sets_of_statsmodels(name, times, columns, frequency, tmp_path):
    datasets = pytest.importorskip("statsmodels.datasets")
    from pathlib import Path

    path = Path(datasets.__file__).parent / name / f"{name}.csv"
    found = series.load(open_media(path))
    assert (found.times is not None) == times and found.frequency == frequency
    assert found.values.shape[1] == columns
    reference = pd.read_csv(path)
    assert len(found.values) >= len(reference)
    measured: Any = pd.to_numeric(reference[found.names[-1]], errors="coerce")
    assert np.nanmax(found.values[:, -1]) == pytest.approx(measured.max())
