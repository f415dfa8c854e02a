"""HTML: what a reader sees of it, however broken, in linear time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni.errors import MediaError
from omni.modalities.text import html as html_reading
from omni.modalities.text.media import HTML, TXT
from tests.modalities.documents import TEXT, load, words_of

PIECES = (
    *("<", "<!", "<!--", "<!-->", "-->", "<![CDATA[", "]]>", "<![", "<![>", "<?", "<?>", "</", "&"),
    *(
        "<a ",
        "<a b='",
        "<a b='>",
        '<a b="',
        "<a/",
        "</a",
        "<script",
        "</script",
        "<svg>",
        "</math>",
    ),
    *("<title>", "<pre>", "<td>", "<li>", "<h1>", "<!DOCTYPE ", "&#", "&#x110000;", "\x0c", " x "),
)


class TestHtml:
    def test_what_a_reader_sees(self):
        page = """<!DOCTYPE html><html><head><title>Tea &amp; cake</title>
        <style>p { color: red }</style><script>document.write("<p>no</p>")</script></head>
        <body><!-- nor this --><h1>Menu</h1><p>Green&nbsp;tea,<br>very   <b>hot</b>
        <noscript>no</noscript></p><ul><li>one<li>two</ul>
        <table><tr><th>what</th><th>how much</th></tr>
        <tr><td>cake</td><td>3 &euro;</td></tr></table>
        <pre>a\n  b</pre><template><p>no</p></template>
        <svg><text>no</text></svg>end</body></html>"""
        document = load(page.encode(), "page.html")
        assert document.title == "Tea & cake"
        assert words_of(document) == [
            "# Menu",
            "Green tea,",
            "very hot",
            "- one",
            "- two",
            "what\thow much",
            "cake\t3 €",
            "a\n  b",
            "end",
        ]

    def test_is_known_by_its_content(self):
        assert TEXT.sniff(b"  \n<!doctype HTML>\n<p>x", "download") == HTML
        assert TEXT.sniff(b"<p>x</p>", "x.htm") == HTML
        assert TEXT.sniff(b"<p> is a tag", "notes.txt") == TXT

    def test_charset_of_the_page(self):
        page = '<html><head><meta charset="iso-8859-2"></head><p>Łódź</p>'
        assert words_of(load(page.encode("iso-8859-2"), "x.html")) == ["Łódź"]
        page = '<html><head><meta charset="no-such-charset"></head><p>Łódź</p>'
        assert words_of(load(page.encode(), "x.html")) == ["Łódź"]

    @pytest.mark.parametrize("piece", PIECES)
    @pytest.mark.parametrize("tail", ["", ">", "'>"])
    def test_broken_markup_in_linear_time(self, piece: str, tail: str):
        began = time.process_time()
        load(f"<html><p>words{piece * 30_000}{tail}".encode(), "x.html")
        assert time.process_time() - began < 30  # Quadratic takes minutes.

    @given(st.lists(st.sampled_from(PIECES), max_size=30))
    def test_any_markup_is_read(self, pieces: list[str]):
        page = "<html><p>words</p>" + "".join(pieces)
        assert load(page.encode(), "x.html").passages[0].text == "words"

    def test_nothing_to_see(self):
        with pytest.raises(MediaError, match=r"x\.html holds no text"):
            load(b"<html><script>alert('hello')</script></html>", "x.html")

    def test_too_large(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(html_reading, "MAX_BYTES", 10)
        with pytest.raises(MediaError, match="the limit for HTML is 10: split it"):
            load(b"<html><p>hello", "x.html")
