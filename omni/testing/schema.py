"""Check the arguments of a tool call against the tool's JSON schema, in words for a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
    "null": (type(None),),
}


def problems(value: Any, schema: Mapping[str, Any], place: str = "the arguments") -> list[str]:
    """What of a value does not fit a schema; nothing if all does.

    Known are the words that tools use: type, enum, const, properties, required,
    additionalProperties, items, anyOf, allOf and references within the schema.

    >>> problems({"n": "three"}, {"properties": {"n": {"type": "integer"}}, "required": ["n", "m"]})
    ["the arguments lack 'm'", "the arguments.n is 'three', wanted integer"]
    """
    return list(_problems(value, schema, place, schema))


def _problems(
    value: Any, schema: Mapping[str, Any], place: str, whole: Mapping[str, Any]
) -> Iterator[str]:
    if isinstance(reference := schema.get("$ref"), str):
        schema = _resolve(reference, whole)
    for part in schema.get("allOf", ()):
        yield from _problems(value, part, place, whole)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        tried = [list(_problems(value, choice, place, whole)) for choice in choices]
        if all(tried):
            yield min(tried, key=len)[0]
        return
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{place} is {value!r}, wanted {schema['const']!r}"
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        yield f"{place} is {value!r}, wanted one of {schema['enum']}"
    wanted = schema.get("type")
    names = [wanted] if isinstance(wanted, str) else list(wanted or ())
    if names and not any(_is(value, name) for name in names):
        yield f"{place} is {value!r}, wanted {' or '.join(names)}"
    elif isinstance(value, Mapping):
        yield from _of_object(value, schema, place, whole)
    elif isinstance(value, list | tuple) and isinstance(schema.get("items"), Mapping):
        for index, item in enumerate(value):
            yield from _problems(item, schema["items"], f"{place}[{index}]", whole)


def _of_object(
    value: Mapping[str, Any], schema: Mapping[str, Any], place: str, whole: Mapping[str, Any]
) -> Iterator[str]:
    known = schema.get("properties")
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place} lack {name!r}"
    for name, item in value.items():
        if known and name in known:
            yield from _problems(item, known[name], f"{place}.{name}", whole)
        elif known is not None and not schema.get("additionalProperties"):
            yield f"{place} have {name!r}, which the tool does not take: {', '.join(known)}"


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON has it, where `true` is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(name, (object,)))


def _resolve(reference: str, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = whole
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found
