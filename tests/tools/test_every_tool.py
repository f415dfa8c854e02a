"""Every tool that ships passes LangChain's own suites, and answers nonsense with a way out."""

import pytest
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from omni import plugins
from omni.errors import Retry
from omni.extras import available

EXAMPLES = {
    "calculator": {"expression": "2 * (3 + 4)"},
    "crop_image": {"image": "img-1", "left": 10, "top": 10, "right": 30, "bottom": 30},
    "edit_image": {"image": "img-1", "change": "darken"},
    "join_images": {"images": ["img-1", "img-1"]},
    "read_text": {"image": "img-1"},
    "transcribe": {"recording": "aud-1", "recogniser": "pocketsphinx"},
    "speak": {"text": "a red circle"},
    "forecast": {"series": "ser-1", "horizon": 6},
    "analyse_series": {"series": "ser-1"},
    "measure_points": {"points": "pts-1"},
    "cut_video": {"video": "vid-1", "what": "frames", "seconds": [0.5]},
    "read_table": {"table": "ser-1", "rows": 3},
    "open_file": {"path": "ser-1"},
    "find_files": {"pattern": "*.png"},
    "fetch_url": {"url": "http://127.0.0.1:9/"},
    "python": {"code": "print(6 * 7)"},
    "make_image": {"prompt": "a red circle", "seed": 1},
    "make_sound": {"prompt": "a red circle", "seed": 1},
    "ask_about": {"media": "img-1"},
    "remember": {"text": "The key is under the mat.", "media": ["img-1"]},
    "recall": {"query": "where is the key?"},
    "forget": {"id": "note-1"},
    "run_plan": {"steps": [{"id": "sum", "tool": "calculator", "args": {"expression": "6*7"}}]},
}
ELSEWHERE = ("find_files", "fetch_url", "python")
"""What they can do depends on the machine; they have a file of tests of their own."""
NEEDS = {"read_text": "rapidocr", "transcribe": "pocketsphinx", "speak": "espeakng_loader"}


def test_every_tool_has_an_example():
    assert set(EXAMPLES) == set(plugins.names("tools"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_plug_in_is_named_as_its_file_and_tells_what_it_is_for(name, bench):
    tool = plugins.load("tools", name)(bench=bench)
    assert tool.name == name
    assert len(tool.description) > 30
    schema = tool.tool_call_schema.model_json_schema()
    assert all("description" in field for field in schema["properties"].values())


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "calculator"])
def test_a_handle_that_is_not_there_is_answered_with_those_that_are(name, bench):
    tool = plugins.load("tools", name)(bench=bench)
    handles = {
        key: ["img-9", "img-9"] if isinstance(value, list) else "img-9"
        for key, value in EXAMPLES[name].items()
        if "-1" in str(value) and name != "forget"
    }
    if not handles:
        pytest.skip("it takes no handle")
    with pytest.raises(Retry, match=r"there is no 'img-9': there is img-1, vid-1, aud-1"):
        tool.invoke(EXAMPLES[name] | handles)


class _Shipped:
    name = ""

    @pytest.fixture(autouse=True)
    def _bench(self, bench):
        if not available(NEEDS.get(self.name, "pydantic")):
            pytest.skip(f"{NEEDS[self.name]} is not installed")
        type(self).bench = bench  # type: ignore[attr-defined]

    @property
    def tool_constructor(self) -> type[BaseTool]:
        return plugins.load("tools", self.name)

    @property
    def tool_constructor_params(self) -> dict:
        return {"bench": getattr(self, "bench", None)}

    @property
    def tool_invoke_params_example(self) -> dict:
        return EXAMPLES[self.name]


def _suites(name: str) -> dict[str, type]:
    stem = "".join(word.capitalize() for word in name.split("_"))
    return {
        f"Test{stem}Unit": type(f"Test{stem}Unit", (_Shipped, ToolsUnitTests), {"name": name}),
        f"Test{stem}Use": type(f"Test{stem}Use", (_Shipped, ToolsIntegrationTests), {"name": name}),
    }


for _name in EXAMPLES:
    if _name not in ELSEWHERE:
        globals().update(_suites(_name))
