"""Tables of text as people write them: dialects, numbers and times, pandas being the reference."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from omni.modalities.series import plugin as series
from omni.modality import open_media
from tests.modalities.tables import daily, load

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
