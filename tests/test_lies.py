"""A few of the cases of `benchmarks/lies.py`: no answer claims a thing that does not exist."""

import importlib.util
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parent.parent / "benchmarks" / "lies.py"


@pytest.fixture(scope="module")
def lies():
    spec = importlib.util.spec_from_file_location("lies", PATH)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["lies"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["lies"]


def test_no_answer_claims_what_does_not_exist(lies, own_home):
    found = {
        number: told
        for number, case in enumerate(lies.cases(40, 3, own_home))
        if case.name != "tool hangs" and (told := lies.run(case, number))
    }
    assert found == {}
