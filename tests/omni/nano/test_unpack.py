"""A packaged model, laid out as a run folder, is the same model again."""

import importlib

import pytest
import torch

from omni.model.loading import load
from omni.nano.assemble import CODECS, assemble, attach
from omni.nano.corpus import MODALITIES
from omni.nano.stages import loop
from omni.nano.unpack import unpack


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    unpack(folder)
    return folder


@pytest.fixture(scope="module")
def nano():
    return load("nano").model.float()


def same(part, other):
    wanted, given = part.state_dict(), other.state_dict()
    assert wanted.keys() == given.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(given[name].float(), value.float(), msg=name)


@pytest.mark.parametrize("name", MODALITIES)
def test_encoders_are_those_of_the_model(run, nano, name):
    stage = importlib.import_module(f"omni.nano.stages.{name}")
    same(nano.encoders[name], stage.load(run))


@pytest.mark.parametrize("name", CODECS)
def test_codecs_are_those_of_the_model(run, nano, name):
    stage = importlib.import_module(f"omni.nano.stages.{CODECS[name]}")
    same(nano.decoders[name], stage.load(run))


def test_the_language_model_goes_on_from_where_it_was(run, nano):
    model, processor = assemble(run)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters)
    partial = run / "language.partial.safetensors"
    assert loop._resume(partial, model, optimiser, parameters) == (0, 0.0)
    attach(model, run)
    same(nano, model)
    text = "What colour is it?"
    assert processor.tokenizer(text) == load("nano").processor.tokenizer(text)


def test_a_run_is_not_written_over(run):
    with pytest.raises(SystemExit, match="holds a run already: name an empty folder"):
        unpack(run)
