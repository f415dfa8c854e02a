"""What is taken for points and what is left to others, and files that are refused."""

import io

import numpy as np
import pytest
import trimesh

from omni.errors import MediaError
from omni.media import Media
from omni.modalities.points import formats, reading
from tests.modalities.clouds import POINTS, exported


class TestSniffing:
    @pytest.mark.parametrize("mime", sorted({*formats.MIME_TYPES} - {formats.XYZ}))
    def test_without_a_name(self, mime: str):
        data = POINTS.save(POINTS.example(), name="x", mime=mime).read()
        assert POINTS.sniff(data[:4096], "") == mime

    def test_a_long_binary_stl_is_known_by_its_facets(self):
        data = exported(trimesh.creation.icosphere(4), "stl")
        assert len(data) > 4096
        assert POINTS.sniff(data[:4096], "download") == formats.STL

    @pytest.mark.parametrize(
        ("data", "name"),
        [
            (b"solid ground is rare in these parts\n", "a.txt"),
            (b"off we go\n", "a.txt"),
            (b"v is a letter\n", "a.txt"),
            (b"1 2 3\n4 5 6\n", "numbers.txt"),
            (b"time,x,y\n1,2,3\n", "a.csv"),
            (b"plywood\n", "a.txt"),
            (bytes(5000), "zeros.bin"),
            (b"<!" * 2048, "download"),
            (b"hello\n" * 1000, "a.txt"),
        ],
    )
    def test_what_only_looks_alike_is_left_to_others(self, data: bytes, name: str):
        assert POINTS.sniff(data, name) is None

    def test_columns_of_any_other_number_are_left_to_series(self):
        stream = io.BytesIO()
        np.save(stream, np.zeros((10, 4)))
        assert POINTS.sniff(stream.getvalue(), "x.npy") is None


class TestRefusals:
    def check(self, data: bytes, mime: str, says: str):
        media = Media.from_bytes(data, modality="points", mime=mime, name="bad")
        with pytest.raises(MediaError, match=says) as caught:
            POINTS.load(media)
        assert str(caught.value).isprintable()

    @pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "1e39"])
    def test_numbers_that_are_not_finite(self, bad: str):
        text = f"0 0 0\n1 {bad} 2\n"
        self.check(
            text.encode(), formats.XYZ, r"1 of its 2 points .*the first is point 2\): remove"
        )

    def test_nothing_in_it(self):
        head = b"ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nend_header\n"
        self.check(head, formats.PLY, "bad")
        self.check(b"OFF\n0 0 0\n", formats.OFF, "no points")
        self.check(bytes(84), formats.STL, "no points")
        self.check(b"# only a comment\n", formats.XYZ, "no line of it begins with three numbers")

    def test_too_many_points(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(reading, "MAX_POINTS", 7)
        media = POINTS.save(POINTS.example(), name="box.ply")
        with pytest.raises(MediaError, match=r"box\.ply has 8 points; the limit .* 7: thin it out"):
            POINTS.load(media)

    def test_too_many_faces_and_bytes(self, monkeypatch: pytest.MonkeyPatch):
        media = POINTS.save(POINTS.example(), name="box.ply")
        monkeypatch.setattr(reading, "MAX_FACES", 11)
        with pytest.raises(MediaError, match="12 faces"):
            POINTS.load(media)
        monkeypatch.setattr(reading, "MAX_BYTES", 100)
        with pytest.raises(MediaError, match="bytes; the limit"):
            POINTS.load(media)

    def test_too_much_text(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(reading, "MAX_TEXT_BYTES", 30)
        text = "1 2 3\n4 5 6\n7 8 9\n" * 9
        head = "ply\nformat ascii 1.0\nelement vertex 27\nend_header\n"
        for mime, data in [(formats.XYZ, text), (formats.PLY, head + text)]:
            self.check(data.encode(), mime, "bytes of text; the limit")
        assert len(POINTS.load(POINTS.save(POINTS.example(), name="box.ply")).xyz) == 8

    def test_another_type(self):
        self.check(b"x", "image/png", "no 3D format")
