import base64
import contextlib
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage

from omni import plugins
from omni.content import MediaPart, Part, TextPart
from omni.errors import MediaError, UsageError
from omni.media import Lineage, Media, MediaRef, Shelf
from omni.wire import (
    block_media,
    failed_block,
    from_langchain,
    from_openai,
    is_media,
    media_block,
    take,
    to_langchain,
    to_openai,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
STATUSES = st.sampled_from(["delivered", "failed", "refused", "unsupported"])
REASONS = st.none() | TEXTS
LINEAGES = st.none() | st.builds(
    Lineage,
    parents=st.lists(st.sampled_from(["img-1", "aud-3"])).map(tuple),
    prompt=TEXTS,
    model=TEXTS,
    seed=st.none() | st.integers(0, 2**63),
    parameters=st.dictionaries(TEXTS, st.integers() | TEXTS | st.booleans(), max_size=3),
)
MIMES = {
    "image": "image/png",
    "audio": "audio/wav",
    "video": "video/mp4",
    "points": "model/gltf-binary",
    "series": "text/csv",
    "text": "application/pdf",
    "midi": "audio/midi",
}
REFS = st.builds(
    lambda kind, number, name, digest, size, lineage: MediaRef(
        handle=f"{kind[:3]}-{number}",
        modality=kind,
        mime=MIMES[kind],
        name=name,
        digest=digest,
        size=size,
        lineage=lineage,
    ),
    st.sampled_from(sorted(MIMES)),
    st.integers(1, 99),
    TEXTS,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.integers(1, 10**12),
    LINEAGES,
)
PARTS = st.lists(
    st.builds(TextPart, text=TEXTS, status=STATUSES, reason=REASONS)
    | st.builds(
        lambda ref, status, reason: MediaPart(
            type=ref.modality, ref=ref, status=status, reason=reason
        ),
        REFS,
        STATUSES,
        REASONS,
    )
    | st.builds(
        MediaPart,
        type=st.sampled_from(sorted(MIMES)),
        ref=st.none(),
        status=STATUSES.filter(lambda status: status != "delivered"),
        reason=REASONS,
    )
)


KEYS = (
    *("type", "text", "url", "base64", "data", "image_url", "file", "extras", "omni"),
    *("value", "source", "file_id", "ref", "status", "mime_type", "input_audio"),
)


def png(colour=(255, 0, 0)) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (4, 3), colour).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    return Shelf(plugins.load("memory", "blobs")(tmp_path / "blobs"))


def put(shelf: Shelf, data: bytes, name: str) -> MediaRef:
    from omni.modality import media_from_bytes

    return take(media_from_bytes(data, name), shelf)


def example(name: str) -> Media:
    plugin = plugins.load("modalities", name)
    return plugin.save(plugin.example(), name=f"example of {name}")


@settings(max_examples=60, deadline=None)
@given(PARTS)
def test_parts_survive_langchain_and_json(parts: list[Part]):
    blocks = json.loads(json.dumps(to_langchain(parts)))
    assert from_langchain(blocks) == parts


@settings(max_examples=40, deadline=None)
@given(PARTS)
def test_parts_survive_a_langchain_message(parts: list[Part]):
    for message in (HumanMessage(to_langchain(parts)), AIMessage(to_langchain(parts))):  # type: ignore[arg-type]
        assert from_langchain(message.content) == parts
        assert from_langchain(message.content_blocks) == parts  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(PARTS)
def test_parts_survive_openai_and_json(parts: list[Part]):
    assert from_openai(json.loads(json.dumps(to_openai(parts)))) == parts


@pytest.mark.parametrize("name", ["image", "audio", "video", "points", "series", "text"])
def test_bytes_travel_whole(shelf, tmp_path, name):
    ref = take(example(name), shelf)
    parts: list[Part] = [TextPart(text="look"), MediaPart.of(ref)]
    elsewhere = Shelf(plugins.load("memory", "blobs")(tmp_path / "other"))
    for out in (to_langchain(parts, shelf), to_openai(parts, shelf, plain=True)):
        words, found = from_langchain(json.loads(json.dumps(out)), elsewhere)
        assert words == parts[0]
        assert isinstance(found, MediaPart) and found.ref is not None
        assert (found.ref.digest, found.ref.modality) == (ref.digest, ref.modality)
        assert elsewhere.media(found.ref.handle).read() == shelf.media(ref.handle).read()


def test_three_dimensions_and_series_travel_as_files_with_their_type(shelf):
    for name in ("points", "series"):
        media = example(name)
        block = to_langchain([MediaPart.of(take(media, shelf))], shelf)[0]
        assert block["type"] == "file"
        assert block["mime_type"] == media.mime
        assert block["extras"]["filename"] == media.name


def test_plain_openai_parts_hold_nothing_of_ours(shelf):
    parts: list[Part] = [
        TextPart(text="x", status="failed", reason="y"),
        MediaPart.of(put(shelf, png(), "a.png")),
        MediaPart(type="audio", ref=None, status="failed", reason="z"),
    ]
    out = to_openai(parts, shelf, plain=True)
    assert [part["type"] for part in out] == ["text", "image_url", "text"]
    assert "omni" not in json.dumps(out)
    assert out[2]["text"] == "(audio failed: z)"


def data_url(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


ENCODED = base64.b64encode(png()).decode()
FORMS = {
    "langchain": {"type": "image", "base64": ENCODED, "mime_type": "image/png"},
    "langchain url": {"type": "image", "url": data_url(png(), "image/png")},
    "langchain 0": {"type": "image", "source_type": "base64", "data": ENCODED},
    "anthropic": {"type": "image", "source": {"type": "base64", "data": ENCODED}},
    "openai": {"type": "image_url", "image_url": {"url": data_url(png(), "image/png")}},
    "openai short": {"type": "image_url", "image_url": data_url(png(), "image/png")},
    "openai file": {"type": "file", "file": {"file_data": data_url(png(), "text/plain")}},
    "with line breaks": {"type": "image", "base64": base64.encodebytes(png()).decode()},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_image_is_read(shelf, form):
    (part,) = from_langchain([FORMS[form]], shelf)
    assert isinstance(part, MediaPart) and part.ref is not None
    assert (part.type, part.ref.mime) == ("image", "image/png")  # by content, not by claim
    assert shelf.media("img-1").read() == png()


def test_openai_audio_is_read(shelf):
    media = example("audio")
    block = {
        "type": "input_audio",
        "input_audio": {"data": base64.b64encode(media.read()).decode(), "format": "wav"},
    }
    (part,) = from_openai([block], shelf)
    assert part.type == "audio"
    assert isinstance(part, MediaPart) and part.ref and part.ref.name == "unnamed.wav"


def test_a_handle_alone_is_looked_up(shelf):
    ref = put(shelf, png(), "a.png")
    for block in (
        {"type": "image", "file_id": "img-1"},
        {"type": "file", "file": {"file_id": "img-1"}},
    ):
        assert from_langchain([block], shelf) == [MediaPart.of(ref)]
    with pytest.raises(UsageError, match=r"no media called 'img-9'.*img-1"):
        from_langchain([{"type": "image", "file_id": "img-9"}], shelf)


def test_a_handle_of_another_session_is_not_taken_for_ours(shelf):
    ref = put(shelf, png(), "a.png")
    foreign = ref.model_copy(update={"digest": "0" * 64})
    with pytest.raises(MediaError, match="img-1 stands for other bytes"):
        from_langchain(to_langchain([MediaPart.of(foreign)]), shelf)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"type": "image", "base64": "no base64!"}, "not base64"),
        ({"type": "image", "base64": ""}, "empty"),
        ({"type": "image", "url": "https://example.org/a.png"}, "links are not fetched"),
        ({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}, "links are not"),
        ({"type": "image_url", "image_url": {"url": "data:image/png"}}, "comma"),
        ({"type": "file", "file_id": "file-abc"}, "no bytes and no known handle"),
        ({"type": "image"}, "no bytes and no known handle"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(shelf, block, message):
    with pytest.raises(MediaError, match=message) as caught:
        from_langchain([block], shelf)
    assert "\n" not in str(caught.value)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(KEYS),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from(["text", "image", "audio", "file", "image_url", "non_standard", "odd"]),
)
def test_hostile_blocks_never_do_worse_than_a_usage_error(inner, kind):
    fields = inner if isinstance(inner, dict) else {"extras": inner, "file": inner}
    with contextlib.suppress(UsageError):
        from_langchain([{**fields, "type": kind}])


def test_names_are_never_paths():
    block = FORMS["langchain"] | {"extras": {"filename": "..\\..\\etc/../evil.png"}}
    assert block_media(block).name == "evil.png"


def test_unreadable_bytes_are_a_file_where_that_is_allowed():
    block = {"type": "file", "base64": base64.b64encode(b"\x00\x01\x02zip").decode()}
    with pytest.raises(MediaError):
        block_media(block)
    assert block_media(block, strict=False).modality == "file"


def test_failures_are_blocks_too():
    (part,) = from_langchain([failed_block("image", "out of memory")])
    assert part == MediaPart(type="image", ref=None, status="failed", reason="out of memory")


def test_reasoning_and_calls_are_no_parts():
    blocks = [
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "tool_call", "name": "x", "args": {}, "id": "1"},
        {"type": "non_standard", "value": {"any": 1}},
        "words",
    ]
    assert from_langchain(blocks) == [TextPart(text="words")]
    assert not any(is_media(block) for block in blocks)


def test_media_blocks_say_what_they_are():
    block = media_block(example("image"), lineage={"seed": 4})
    assert block["type"] == "image"
    assert block["extras"]["omni"] == {"lineage": {"seed": 4}}
