"""The tools over MCP, asked by the protocol's own client, in memory and in another process."""

import base64
import os
import sys
from typing import Any

import pytest

from omni.chat.toolbox import toolbox
from omni.media import Access, Lineage, Shelf
from omni.modality import modality
from omni.plugins import load
from omni.wire import take
from omni.workbench import Workbench

mcp = pytest.importorskip("mcp")


@pytest.fixture
def shelf(tmp_path):
    shelf = Shelf(load("memory", "blobs")(tmp_path / "blobs"))
    image = modality("image")
    take(image.save(image.example(0), name="one.png"), shelf)
    series = modality("series")
    take(series.save(series.example(0), name="rows.csv"), shelf)
    return shelf


async def test_tools_are_listed_with_their_schemas(shelf):
    from mcp.shared.memory import create_connected_server_and_client_session

    from omni.server.mcp import server

    tools = toolbox(["calculator", "python"], Workbench(shelf, Access()))
    async with create_connected_server_and_client_session(server(tools, shelf)) as session:
        listed: dict[str, Any] = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert set(listed) == {"calculator", "python"}
    assert listed["calculator"].inputSchema["required"] == ["expression"]
    assert listed["calculator"].annotations.readOnlyHint is True
    assert listed["python"].annotations.openWorldHint is True


async def called(shelf, name, **arguments) -> Any:
    from mcp.shared.memory import create_connected_server_and_client_session

    from omni.server.mcp import server

    names = ["calculator", "edit_image", "join_images", "forecast"]
    tools = toolbox(names, Workbench(shelf, Access()))
    async with create_connected_server_and_client_session(server(tools, shelf)) as session:
        return await session.call_tool(name, arguments)


async def test_words_are_words(shelf):
    answer = await called(shelf, "calculator", expression="6 * 7")
    assert not answer.isError
    assert [block.text for block in answer.content] == ["42"]


async def test_a_picture_comes_as_a_picture_and_has_a_handle_for_the_next_call(shelf):
    answer = await called(shelf, "edit_image", image="img-1", change="mirror")
    words, handle, picture = answer.content
    assert words.text == "img-1 changed: mirror."
    assert handle.text == "[img-2: mirror.png, image/png]"
    assert (picture.type, picture.mimeType) == ("image", "image/png")
    assert base64.b64decode(picture.data) == shelf.media("img-2").read()
    assert shelf["img-2"].lineage == Lineage(
        model="edit_image", parameters={"image": "img-1", "change": "mirror"}
    )
    again = await called(shelf, "join_images", images=["img-1", "img-2"])
    assert "img-3" in again.content[1].text


async def test_what_has_no_form_comes_as_a_resource(shelf):
    answer = await called(shelf, "forecast", series="ser-1", horizon=3)
    (table,) = [block for block in answer.content if block.type == "resource"]
    assert str(table.resource.uri) == "omni://ser-2"
    assert base64.b64decode(table.resource.blob) == shelf.media("ser-2").read()


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("edit_image", {"image": "img-9", "change": "grey"}, "there is no 'img-9': there is img-1"),
        ("edit_image", {"image": "img-1", "change": "explode"}, "is not one of"),
        ("calculator", {}, "'expression' is a required property"),
        ("hammer", {}, "no tool is called 'hammer'; there is: calculator"),
    ],
)
async def test_what_goes_wrong_is_an_error_of_the_call(shelf, name, arguments, reason):
    answer = await called(shelf, name, **arguments)
    assert answer.isError
    assert reason in answer.content[0].text


async def test_the_command_serves_a_real_client(own_home, tmp_path):
    """A client in this process, the server in another, and a file in an allowed folder."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    folder = tmp_path / "files"
    folder.mkdir()
    modality("image").example(1).save(folder / "a.png")
    command = ["-c", "from omni.cli.main import main; main()", "mcp", "--root", str(folder)]
    parameters = StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ))
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        names = {tool.name for tool in (await session.list_tools()).tools}
        assert {"calculator", "open_file"} <= names
        assert "python" not in names
        opened: Any = await session.call_tool("open_file", {"path": str(folder / "a.png")})
        assert "img-1" in opened.content[1].text
        turned: Any = await session.call_tool("edit_image", {"image": "img-1", "change": "flip"})
        assert "img-2" in turned.content[1].text
        refused = await session.call_tool("open_file", {"path": "/etc/hostname"})
        assert refused.isError


async def test_an_agent_of_langchain_takes_them(own_home):
    """The adapters of LangChain turn them into tools of any agent."""
    adapters = pytest.importorskip("langchain_mcp_adapters.client")
    command = ["-c", "from omni.cli.main import main; main()", "mcp", "--tools", "calculator"]
    client = adapters.MultiServerMCPClient(
        {
            "omni": {
                "transport": "stdio",
                "command": sys.executable,
                "args": command,
                "env": dict(os.environ),
            }
        }
    )
    (tool,) = await client.get_tools()
    answer = await tool.ainvoke({"expression": "2 ** 10"})
    assert "1024" in str(answer)
