"""A server of the Model Context Protocol: our tools, for agents of others.

What a tool makes is kept under a handle, which the next call may name; the bytes go along, as
pictures and sounds where the protocol has a form for them and as embedded resources where not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from omni import __version__
from omni.errors import OmniError
from omni.extras import need
from omni.media import Lineage, Shelf
from omni.wire import block_media, is_media, take
from omni.workbench import BenchTool

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

INSTRUCTIONS = (
    "Media have handles such as img-1. Put a file on the shelf with open_file (within the allowed "
    "folders), or use what an earlier call made, and name it by its handle."
)


def server(tools: Sequence[BenchTool], shelf: Shelf) -> Server:
    """A server that offers these tools.

    Args:
        tools: ours, all at the same workbench.
        shelf: where what they make is kept.

    Raises:
        MissingExtra: if the package `mcp` is not installed.
    """
    types: Any = need("mcp.types", extra="mcp")
    lowlevel: Any = need("mcp.server.lowlevel", extra="mcp")
    found = lowlevel.Server("omni", version=__version__, instructions=INSTRUCTIONS)
    known = {tool.name: tool for tool in tools}
    turn = asyncio.Lock()  # handles are given in the order of calls

    @found.list_tools()
    async def _list() -> list[Any]:
        return [
            types.Tool(
                name=tool.name,
                description=tool.description,
                inputSchema=_schema(tool),
                annotations=types.ToolAnnotations(
                    readOnlyHint=not tool.asks, openWorldHint=tool.asks
                ),
            )
            for tool in tools
        ]

    @found.call_tool()
    async def _call(name: str, arguments: dict[str, Any]) -> list[Any]:
        if name not in known:
            raise ValueError(f"no tool is called {name!r}; there is: {', '.join(known)}")
        async with turn:
            try:
                result = await known[name].ainvoke(arguments)
            except OmniError as error:
                raise ValueError(str(error)) from None
            return contents(result, shelf, Lineage(model=name, parameters=arguments))

    return found


def _schema(tool: BenchTool) -> dict[str, Any]:
    schema: Any = tool.tool_call_schema
    return schema.model_json_schema()


def contents(result: Any, shelf: Shelf, lineage: Lineage) -> list[Any]:
    """What a tool answered, in the forms of the protocol; media get a handle.

    Args:
        result: words or content blocks.
        shelf: where media are put.
        lineage: where they come from.
    """
    types: Any = need("mcp.types", extra="mcp")
    if isinstance(result, str):
        return [types.TextContent(type="text", text=result)]
    found: list[Any] = []
    for block in result:
        if not is_media(block):
            found.append(types.TextContent(type="text", text=str(block.get("text", block))))
            continue
        media = block_media(block, strict=False, stem="made")
        ref = take(media, shelf, lineage)
        words = f"[{ref.handle}: {ref.name}, {ref.mime}]"
        found.append(types.TextContent(type="text", text=words))
        found.append(_carried(types, block, ref.handle, media.modality))
    return found


def _carried(types: Any, block: Mapping[str, Any], handle: str, kind: str) -> Any:
    """The bytes of a block, as they came."""
    if kind == "image":
        return types.ImageContent(type="image", data=block["base64"], mimeType=block["mime_type"])
    if kind == "audio":
        return types.AudioContent(type="audio", data=block["base64"], mimeType=block["mime_type"])
    inner = types.BlobResourceContents(
        uri=f"omni://{handle}", mimeType=block["mime_type"], blob=block["base64"]
    )
    return types.EmbeddedResource(type="resource", resource=inner)


def serve(tools: Sequence[BenchTool], shelf: Shelf) -> None:
    """Serve on standard input and output, until the other side ends."""
    stdio: Any = need("mcp.server.stdio", extra="mcp")
    ours = server(tools, shelf)

    async def run() -> None:
        async with stdio.stdio_server() as (reading, writing):
            await ours.run(reading, writing, ours.create_initialization_options())

    asyncio.run(run())
