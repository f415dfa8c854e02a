"""The public names of `omni`, and where each lives: a change here is a change for users."""

import inspect

import omni

NAMES = {
    "Access": "omni.media",
    "Agent": "omni.chat.agent",
    "Allow": "omni.chat.approving",
    "Answer": "omni.content",
    "Budget": "omni.compression.budget",
    "ChatOmni": "omni.chat.omni",
    "ChatTransformers": "omni.chat.transformers",
    "Edit": "omni.chat.approving",
    "Limits": "omni.chat.limits",
    "Lineage": "omni.media",
    "Media": "omni.media",
    "MediaByReference": "omni.chat.byreference",
    "MediaPart": "omni.content",
    "MediaRef": "omni.media",
    "Modality": "omni.modality",
    "OmniError": "omni.errors",
    "Price": "omni.chat.limits",
    "Refuse": "omni.chat.approving",
    "TextPart": "omni.content",
    "brain": "omni.chat.brain",
    "compress": "omni.compression.attach",
    "media_from_bytes": "omni.modality",
    "open_media": "omni.modality",
}


def test_the_public_names_are_these():
    assert omni.__all__ == sorted([*NAMES, "__version__"])
    assert set(omni.__all__) <= set(dir(omni))


def test_each_name_is_found_where_it_lives():
    for name, home in NAMES.items():
        found = getattr(omni, name)
        module = inspect.getmodule(found)
        assert module and module.__name__ == home, name
        assert inspect.getdoc(found), f"{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(omni, "Agnet")
