"""LangChain's own suite for chat models."""

import json

import pytest
from langchain_tests.unit_tests import ChatModelUnitTests

from omni.chat.omni import ChatOmni
from omni.chat.transformers import ChatTransformers


class TestChatOmni(ChatModelUnitTests):
    folder = "nano"

    @pytest.fixture(autouse=True)
    def saved(self, tiny_omni):
        type(self).folder = tiny_omni

    @property
    def chat_model_class(self):
        return ChatOmni

    @property
    def chat_model_params(self):
        return {"model": self.folder, "device": "cpu"}

    @property
    def supports_image_inputs(self):
        return True

    @property
    def supports_audio_inputs(self):
        return True

    @property
    def supports_video_inputs(self):
        return True


class TestChatTransformers(ChatModelUnitTests):
    @property
    def chat_model_class(self):
        return ChatTransformers

    @property
    def chat_model_params(self):
        return {"model": "nobody/nothing", "device": "cpu"}

    @property
    def supports_image_inputs(self):
        return True


def test_profiles_fit_json():
    for model in (ChatOmni(), ChatTransformers(model="nobody/nothing")):
        assert json.loads(json.dumps(model.profile))["text_outputs"]
