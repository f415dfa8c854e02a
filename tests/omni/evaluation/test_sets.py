"""Published sets, read from ten rows in each one's own form; and what is not in that form."""

import base64
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from omni.errors import MissingExtra, UsageError
from omni.evaluation.sets.collection import Collection, Item, Question
from omni.evaluation.sets.docstrings import docstrings
from omni.evaluation.sets.m2kr import m2kr
from omni.evaluation.sets.multimodalqa import multimodalqa
from omni.evaluation.sets.vidore import vidore
from omni.evaluation.sets.webqa import webqa

ROWS = 10


def png(place):
    held = io.BytesIO()
    Image.new("RGB", (8, 8), (20 * place, 0, 0)).save(held, "PNG")
    return held.getvalue()


def colour(media):
    return Image.open(io.BytesIO(media.read())).tobytes()[0] // 20


def stored(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".gz":
        with gzip.open(path, "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def webqa_row(place, split="val"):
    image = {
        "image_id": 30_000_000 + place,
        "title": f"File:tower {place}.jpg",
        "caption": f'"A tower number {place}"',
        "url": "https://commons.wikimedia.org/x",
        "imgUrl": "https://upload.wikimedia.org/x.jpg",
    }
    text = {
        "snippet_id": f"d5bc{place}_1",
        "title": f"Tower {place}",
        "fact": f"Tower {place} was built in {1900 + place}.",
        "url": "https://en.wikipedia.org/wiki/x",
    }
    other = {**text, "snippet_id": "d5bc0_9", "fact": "Bridges are long."}
    return {
        "Q": f'"How old is tower {place}?"',
        "A": [f'"{place} years"'],
        "topic": "towers",
        "split": split,
        "Qcate": "YesNo",
        "Guid": f"guid-{place}",
        "img_posFacts": [image] if place % 2 else [],
        "img_negFacts": [] if place % 2 else [image],
        "txt_posFacts": [] if place % 2 else [text],
        "txt_negFacts": [other],
    }


@pytest.fixture
def webqa_folder(tmp_path):
    found = {f"guid-{place}": webqa_row(place) for place in range(ROWS)}
    found["guid-t"] = webqa_row(50, "train")
    (tmp_path / "WebQA_train_val.json").write_text(json.dumps(found))
    lines = [
        f"{30_000_000 + place}\t{base64.b64encode(png(place)).decode()}\n" for place in range(ROWS)
    ]
    (tmp_path / "imgs.tsv").write_text("".join(lines))
    ends, at = [], 0
    for line in lines:
        ends.append(at)
        at += len(line)
    (tmp_path / "imgs.lineidx").write_text("\n".join(map(str, ends)))
    return tmp_path


@pytest.mark.parametrize("index", [True, False])
def test_webqa(webqa_folder, index):
    if not index:
        (webqa_folder / "imgs.lineidx").unlink()
    found = webqa(webqa_folder)
    assert len(found.questions) == ROWS and found.metrics[0] == "source_f1"
    # A text of every even row, one that all share, and a picture of every row.
    assert len(found.items) == ROWS // 2 + 1 + ROWS
    odd, even = found.questions[3], found.questions[4]
    assert odd.text == "How old is tower 3?" and odd.answers == ("3 years",)
    assert set(odd.relevant) == {"image-30000003"} and set(even.relevant) == {"text-d5bc4_1"}
    item = next(one for one in found.items if one.id == "image-30000003")
    assert item.text == "A tower number 3" and colour(item.media) == 3
    assert len(webqa(webqa_folder, split="train").questions) == 1
    assert len(webqa(webqa_folder, most=2).questions) == 2


def test_webqa_without_pictures_says_so(webqa_folder):
    (webqa_folder / "imgs.tsv").unlink()
    found = webqa(webqa_folder)
    assert "captions alone" in found.notes[0] and not any(item.media for item in found.items)
    with pytest.raises(UsageError, match="has no questions"):
        webqa(webqa_folder, split="test")


def mmqa_rows():
    def question(place):
        part = ("text", "table", "image")[place % 3]
        return {
            "qid": f"q{place}",
            "question": f"who owns shop {place}?",
            "answers": [{"answer": f"owner {place}", "type": "string", "modality": part}],
            "metadata": {
                "type": "Compose(TableQ,ImageListQ)",
                "modalities": [part],
                "image_doc_ids": [f"i{place}"],
                "text_doc_ids": [f"x{place}"],
                "table_id": f"t{place}",
            },
            "supporting_context": [
                {"doc_id": f"{part[0] if part[1] != 'e' else 'x'}{place}"} | {"doc_part": part}
            ],
        }

    texts = [
        {"title": f"Shop {n}", "url": "https://x", "id": f"x{n}", "text": f"Shop {n} is old."}
        for n in range(ROWS)
    ]
    tables = [
        {
            "title": f"Shops {n}",
            "url": "https://x",
            "id": f"t{n}",
            "table": {
                "table_rows": [[{"text": "Baker", "links": []}, {"text": str(n), "links": []}]],
                "table_name": "Owners",
                "header": [{"column_name": "Trade", "metadata": {}}, {"column_name": "No"}],
            },
        }
        for n in range(ROWS)
    ]
    images = [
        {"title": f"Front {n}", "url": "https://x", "id": f"i{n}", "path": f"{n}.png"}
        for n in range(ROWS)
    ]
    return [question(place) for place in range(ROWS)], texts, tables, images


@pytest.mark.parametrize("names", ["MMQA_{}.jsonl", "MultiModalQA_{}.jsonl.gz", "MMQA_{}.jsonl.gz"])
def test_multimodalqa(tmp_path, names):
    parts = dict(zip(("dev", "texts", "tables", "images"), mmqa_rows(), strict=True))
    for part, rows in parts.items():
        stored(tmp_path / names.format(part), rows)
    pictures = tmp_path / "final_dataset_images"
    pictures.mkdir()
    for place in range(ROWS - 1):
        (pictures / f"{place}.png").write_bytes(png(place))
    found = multimodalqa(tmp_path)
    assert len(found.questions) == ROWS and len(found.items) == 3 * ROWS
    assert set(found.questions[0].relevant) == {"text-x0"}
    assert set(found.questions[1].relevant) == {"table-t1"}
    assert set(found.questions[2].relevant) == {"image-i2"}
    assert found.questions[2].answers == ("owner 2",)
    table = next(one for one in found.items if one.id == "table-t1")
    assert table.text == "Trade | No\nBaker | 1" and table.title == "Shops 1 – Owners"
    shown = next(one for one in found.items if one.id == "image-i2")
    assert colour(shown.media) == 2 and found.notes[0].startswith("1 pictures")
    few = multimodalqa(tmp_path, most=2)
    assert {one.id for one in few.items} == {
        f"{kind}{place}" for kind in ("text-x", "table-t", "image-i") for place in (0, 1)
    }


def test_vidore_of_version_1(tmp_path):
    rows = [
        {
            "query": None if place == 9 else f"what is on page {place // 2}?",
            "image": {"bytes": png(place // 2), "path": f"{place // 2}.png"},
            "image_filename": f"page {place // 2}",
            "answer": "['A']",
        }
        for place in range(ROWS)
    ]
    stored(tmp_path / "data" / "test-00000-of-00001.parquet", rows)
    found = vidore(tmp_path)
    assert found.metrics[0] == "ndcg@5" and len(found.items) == len(found.questions) == 5
    assert colour(found.items[3].media) == 3
    assert found.questions[3].relevant == {"page 3": 1.0}


def test_vidore_of_version_2(tmp_path):
    pages = [{"corpus-id": n, "image": {"bytes": png(n), "path": None}} for n in range(ROWS)]
    queries = [{"query-id": n, "query": f"ask {n}", "language": "english"} for n in range(ROWS)]
    graded = [
        {"query-id": n, "corpus-id": other, "score": 2 if n == other else int(other == 0)}
        for n in range(ROWS)
        for other in range(ROWS)
    ]
    stored(tmp_path / "corpus" / "test-0.parquet", pages)
    stored(tmp_path / "queries" / "test-0.parquet", queries)
    with pytest.raises(UsageError, match="no qrels"):
        vidore(tmp_path)
    stored(tmp_path / "qrels" / "test-0.parquet", graded)
    found = vidore(tmp_path)
    assert found.questions[4].relevant == {"4": 2.0, "0": 1.0}
    assert colour(found.items[4].media) == 4 and len(found.items) == ROWS


def test_m2kr(tmp_path):
    passages = [
        {"passage_id": f"EVQA_{n}", "passage_content": f"Bird {n} eats seeds."} for n in range(ROWS)
    ]
    data = [
        {
            "question_id": f"EVQA_q{n}",
            "question": "what does it eat?",
            "instruction": "Using the image, find an answer to the question:",
            "img_id": str(n),
            "img_path": f"inat/{n}.png",
            "pos_item_ids": [f"EVQA_{n}"],
            "pos_item_contents": [f"Bird {n} eats seeds."],
            "answers": ["seeds"],
        }
        for n in range(ROWS)
    ]
    stored(tmp_path / "EVQA_passages" / "test_passages-00000-of-00001.parquet", passages)
    with pytest.raises(UsageError, match="download EVQA_data"):
        m2kr(tmp_path, "EVQA")
    stored(tmp_path / "EVQA_data" / "test-00000-of-00001.parquet", data)
    (tmp_path / "images" / "inat").mkdir(parents=True)
    for place in range(ROWS - 2):
        (tmp_path / "images" / "inat" / f"{place}.png").write_bytes(png(place))
    found = m2kr(tmp_path, "EVQA")
    assert found.metrics == ("hit@5", "pseudo@5") and len(found.items) == ROWS
    asked = found.questions[3]
    assert asked.text.startswith("Using the image") and asked.text.endswith("it eat?")
    assert colour(asked.media[0]) == 3 and asked.relevant == {"EVQA_3": 1.0}
    assert found.notes[0].startswith("2 pictures are not there")
    with pytest.raises(UsageError, match="it has WIT"):
        m2kr(tmp_path, "Wiki")


def test_what_is_not_a_set_is_refused_with_what_is_missing(tmp_path):
    for load in (webqa, multimodalqa, vidore):
        with pytest.raises(UsageError, match="there is no folder"):
            load(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"WebQA_train_val\.json"):
        webqa(tmp_path)
    with pytest.raises(UsageError, match="neither corpus"):
        vidore(tmp_path)
    (tmp_path / "WebQA_train_val.json").write_text("{")
    with pytest.raises(UsageError, match="is no JSON"):
        webqa(tmp_path)
    (tmp_path / "MMQA_dev.jsonl").write_text('{"qid": "1"}\n')
    with pytest.raises(UsageError, match="has no 'supporting_context'; it has qid"):
        multimodalqa(tmp_path)
    (tmp_path / "MMQA_dev.jsonl").write_text("[1]\n")
    with pytest.raises(UsageError, match="line 1, holds list"):
        multimodalqa(tmp_path)


def test_a_path_out_of_the_folder_is_refused(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(1))
    folder = tmp_path / "set"
    row = {"query": "q", "image": {"bytes": None, "path": "../secret.png"}, "image_filename": "p"}
    stored(folder / "data" / "test-0.parquet", [row])
    with pytest.raises(UsageError, match="lies outside"):
        vidore(folder)


def test_a_collection_that_is_not_whole_is_refused():
    good = Question("q", "what?", {"a": 1.0})
    for items, questions, told in (
        ([Item("a", "x")] * 2, [good], "1 ids twice"),
        ([Item("a", "x")], [], "has no questions"),
        ([Item("b", "x")], [good], "names 'a', which is no item"),
        ([Item("a", "x")], [Question("q", "what?", {})], "has no answer"),
    ):
        with pytest.raises(UsageError, match=told):
            Collection("c", items, questions).checked()


def test_docstrings_are_halved_and_no_answer_holds_its_question():
    found = docstrings("skimage", most=60)
    assert len(found.items) == 60 and found.items[0].id.startswith("skimage.")
    by_id = {item.id: item.text for item in found.items}
    assert all(one.text not in by_id[one.id] for one in found.questions)
    assert len({one.text for one in found.questions}) == 60
    assert found.some(7).questions == found.some(7).questions and len(found.some(7).questions) == 7
    with pytest.raises(MissingExtra, match="pip install nothere"):
        docstrings("nothere")
