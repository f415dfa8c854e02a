"""Broken and hostile tables: refused in one line, soon, and never run."""

import io
import json
import pickle
import time

import numpy as np
import pandas as pd
import pytest

from omni.modality import sniff
from tests.modalities.tables import PARQUET, daily, load, npy, refused


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
