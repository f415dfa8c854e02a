"""The public suites of LangChain, and a memory under LangChain's own `index`."""

import asyncio
from collections.abc import AsyncGenerator, Generator

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.indexing import InMemoryRecordManager, index
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests import (
    BaseStoreAsyncTests,
    BaseStoreSyncTests,
    RetrieversIntegrationTests,
    VectorStoreIntegrationTests,
)
from langchain_tests.integration_tests.indexer import (
    AsyncDocumentIndexTestSuite,
    DocumentIndexerTestSuite,
)

from omni import plugins
from omni.errors import UsageError
from omni.media import Media
from omni.memory.record import Provenance, Record

Memory = plugins.load("memory", "store")
OmniVectorStore = plugins.load("memory", "vector_store")
OmniByteStore = plugins.load("memory", "byte_store")
OmniChatHistory = plugins.load("memory", "chat_history")
OmniDocumentIndex = plugins.load("memory", "document_index")
OmniRecordManager = plugins.load("memory", "record_manager")

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")


@pytest.fixture
def memory(tmp_path):
    with Memory.open(tmp_path / "m", background=False) as memory:
        yield memory


@pytest.fixture
def view(memory):
    return memory.bind()


def embedding():
    return DeterministicFakeEmbedding(size=6)


class TestVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture()
    def vectorstore(self, view) -> Generator:  # type: ignore[override]
        yield OmniVectorStore(view, self.get_embeddings())


class TestSealedVectorStore(VectorStoreIntegrationTests):
    """The same with every write sealed at once."""

    @pytest.fixture()
    def vectorstore(self, memory, view, monkeypatch) -> Generator:  # type: ignore[override]
        monkeypatch.setattr(
            memory.parts.sealer, "nudge", lambda _: memory.parts.sealer.run(everything=True)
        )
        yield OmniVectorStore(view, self.get_embeddings())
        assert memory.damage == []


class TestDocumentIndex(DocumentIndexerTestSuite):
    @pytest.fixture
    def index(self, view) -> Generator:
        yield OmniDocumentIndex(store=OmniVectorStore(view, embedding()))


class TestDocumentIndexAsync(AsyncDocumentIndexTestSuite):
    @pytest.fixture
    async def index(self, view) -> AsyncGenerator:
        yield OmniDocumentIndex(store=OmniVectorStore(view, embedding()))


class TestByteStore(BaseStoreSyncTests[bytes]):
    @pytest.fixture
    def kv_store(self, view):
        return OmniByteStore(view)

    @pytest.fixture
    def three_values(self):
        return b"", b"bar" * 40_000, b"\x00baz"


class TestByteStoreAsync(BaseStoreAsyncTests):
    @pytest.fixture
    async def kv_store(self, view):
        return OmniByteStore(view)

    @pytest.fixture
    def three_values(self):
        return b"foo", b"bar" * 40_000, b"baz"


class TestRetriever(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self):
        return OmniDocumentIndex

    @property
    def retriever_constructor_params(self):
        return {"store": self._store}

    @property
    def retriever_query_example(self):
        return "three"

    @pytest.fixture(autouse=True)
    def filled(self, view):
        self._store = OmniVectorStore(view, embedding())
        self._store.add_texts([f"text {n}" for n in range(12)])


def test_it_answers_as_the_store_of_langchain_does(view):
    """Search, filter, diversity and deletion, beside LangChain's own in memory."""
    ours, theirs = OmniVectorStore(view, embedding()), InMemoryVectorStore(embedding())
    texts = [f"text {n}" for n in range(40)]
    metas = [{"n": n, "even": n % 2 == 0} for n in range(40)]
    ids = [str(n) for n in range(40)]
    for store in (ours, theirs):
        store.add_texts(texts, metas, ids=ids)
        store.delete(["3", "4"])
    for query in ("a", "text 7"):
        (a, b) = (store.similarity_search_with_score(query, k=9) for store in (ours, theirs))
        assert [doc for doc, _ in a] == [doc for doc, _ in b]
        assert [score for _, score in a] == pytest.approx([score for _, score in b], abs=1e-5)
        assert ours.max_marginal_relevance_search(
            query, k=5, fetch_k=15, lambda_mult=0.3
        ) == theirs.max_marginal_relevance_search(query, k=5, fetch_k=15, lambda_mult=0.3)
        assert ours.similarity_search(query, k=5, filter={"even": True}) == (
            theirs.similarity_search(query, k=5, filter=lambda doc: doc.metadata["even"])
        )
        vector = embedding().embed_query(query)
        assert ours.similarity_search_by_vector(vector, k=3) == (
            theirs.similarity_search_by_vector(vector, k=3)
        )
    relevance = ours.similarity_search_with_relevance_scores("a", k=5)
    assert all(0 <= score <= 1 for _, score in relevance)
    assert ours.as_retriever(search_type="mmr", search_kwargs={"k": 3}).invoke("a")


def test_the_origin_and_the_media_reach_the_document(view):
    media = Media.from_bytes(b"px", modality="image", mime="image/png", name="a.png")
    origin = Provenance("a.pdf", page=3, box=(0, 0, 0.5, 1))
    store = OmniVectorStore(view, embedding())
    vector = embedding().embed_query("x")
    record = Record("r", text="x", media=media, provenance=origin, meta={"k": 1})
    view.put([record], {store.space(6): [vector]})
    (found,) = store.similarity_search("x")
    assert found.metadata["k"] == 1
    assert found.metadata["provenance"] == {"source": "a.pdf", "page": 3, "box": [0, 0, 0.5, 1]}
    assert found.metadata["media"]["name"] == "a.png"
    with open(found.metadata["media"]["path"], "rb") as stream:
        assert stream.read() == b"px"


def test_a_store_is_made_from_texts(tmp_path):
    with pytest.raises(UsageError, match=r"say where the memory is to lie.*root='folder'"):
        OmniVectorStore.from_texts(["a"], embedding())
    store = OmniVectorStore.from_texts(["a", "b"], embedding(), root=tmp_path / "m", ids=["1", "2"])
    assert [doc.id for doc in store.get_by_ids(["2", "1", "2"])] == ["2", "1"]
    with pytest.raises(UsageError, match="2 documents were given and 1 ids"):
        store.add_texts(["a", "b"], ids=["1"])
    with pytest.raises(UsageError, match="2 texts were given and 1 metadatas"):
        store.add_texts(["a", "b"], [{}])
    store.delete()
    assert store.similarity_search("a") == []


@pytest.mark.parametrize("cleanup", [None, "incremental", "full"])
def test_index_of_langchain_keeps_it_in_step(view, cleanup):
    """The same runs of `index`, with what LangChain keeps in memory as the reference."""

    def documents(*texts):
        return [Document(text, metadata={"source": text[0]}) for text in texts]

    pairs = [
        (OmniRecordManager(view, "d"), OmniVectorStore(view, embedding())),
        (InMemoryRecordManager("d"), InMemoryVectorStore(embedding())),
    ]
    runs = [
        documents("a1", "a2", "b1"),
        documents("a1", "a2", "b1"),
        documents("a1", "a3"),
        documents(),
        documents("c1", "c1"),
    ]
    told: list[list] = [[], []]
    for place, (manager, store) in enumerate(pairs):
        manager.create_schema()
        for run in runs:
            result = index(
                run, manager, store, cleanup=cleanup, source_id_key="source", key_encoder="sha256"
            )
            left = {doc.page_content for doc in store.similarity_search("a", k=99)}
            told[place].append((dict(result), left))
    assert told[0] == told[1]


async def test_a_record_manager_does_what_the_one_in_memory_does(view):
    ours, theirs = OmniRecordManager(view, "d"), InMemoryRecordManager("d")
    other = OmniRecordManager(view, "other")
    other.update(["x"])
    for manager in (ours, theirs):
        await manager.acreate_schema()
        manager.update(["a", "b", "c"], group_ids=["1", "1", "2"])
        await manager.aupdate(["d"])
        await manager.adelete_keys(["b", "zzz"])
        assert await manager.aexists(["a", "b", "d", "x"]) == [True, False, True, False]
        assert sorted(manager.list_keys()) == ["a", "c", "d"]
        assert manager.list_keys(group_ids=["1"]) == ["a"]
        assert await manager.alist_keys(after=await manager.aget_time() + 1) == []
        assert len(manager.list_keys(before=manager.get_time() + 1, limit=2)) == 2
        with pytest.raises(ValueError):
            manager.update(["a"], group_ids=["1", "2"])
        with pytest.raises(ValueError):
            manager.update(["a"], time_at_least=manager.get_time() + 100)
    assert other.exists(["x"]) == [True]


def test_messages_come_back_in_their_order(view):
    history, other = OmniChatHistory(view, "one"), OmniChatHistory(view, "two")
    said = [
        HumanMessage("hello", id="1"),
        AIMessage(
            [{"type": "text", "text": "hi"}],
            tool_calls=[{"name": "f", "args": {"x": 1}, "id": "c", "type": "tool_call"}],
        ),
        ToolMessage("done", tool_call_id="c"),
    ]
    history.add_messages(said[:2])
    other.add_user_message("else")
    history.add_message(said[2])
    assert history.messages == said
    assert asyncio.run(history.aget_messages()) == said
    assert "hello" in str(history)
    history.clear()
    assert history.messages == []
    assert [message.content for message in other.messages] == ["else"]


def test_large_values_are_files_that_go_with_their_last_name(memory, view):
    store = OmniByteStore(view)
    large = b"x" * 100_000
    store.mset([("a", large), ("b", large), ("small", b"y")])
    assert len(list(memory.parts.blobs.digests())) == 1
    store.mdelete(["a"])
    memory.compact()
    assert store.mget(["a", "b", "small"]) == [None, large, b"y"]
    store.mset([("b", b"now small")])
    memory.compact()
    assert (list(memory.parts.blobs.digests()), store.mget(["b"])) == ([], [b"now small"])
