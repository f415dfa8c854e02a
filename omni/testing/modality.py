"""The conformance suite of the modality contract, for built-in and outside modalities alike.

In a test module of your package:

    class TestMidi(ModalitySuite):
        modality = MidiModality()

pytest then collects every check below. pytest itself is needed, and nothing else of Omni's
development tools.
"""

from __future__ import annotations

import json
import random
import re
import tracemalloc
from pathlib import Path
from typing import Any, ClassVar

import pytest

from omni import plugins
from omni.errors import MediaError, Unsupported, UsageError
from omni.media import HANDLE, Media
from omni.modality import HEAD_BYTES, Modality

SEEDS = (0, 1, 2)
GARBAGE_BYTES = (1, 7, 100, 5_000)
MEMORY_BYTES = 256 << 20
CAPTION_LETTERS = 300


class ModalitySuite:
    """Subclass it, and give `modality`.

    Attributes:
        modality: the plug-in under test.
        kept_facts: facts that must be equal after saving and loading again with the default
            format; name those that it loses nothing of.
        damage: how many damaged copies of a file are tried.
    """

    modality: ClassVar[Modality]
    kept_facts: ClassVar[tuple[str, ...]] = ()
    damage: ClassVar[int] = 24

    @pytest.fixture
    def value(self) -> Any:
        return self.modality.example(0)

    @pytest.fixture
    def saved(self, value: Any) -> Media:
        return self.modality.save(value, name="example" + self.modality.suffixes[0])

    # Names.

    def test_class_attributes_are_well_formed(self):
        modality = self.modality
        assert re.fullmatch(r"[a-z][a-z0-9_]*", modality.name)
        assert HANDLE.fullmatch(f"{modality.prefix}-1"), "prefix: three lower-case letters"
        assert modality.mime_types
        assert all(re.fullmatch(r"[\w.+-]+/[\w.+-]+", mime) for mime in modality.mime_types)
        assert modality.suffixes
        assert all(re.fullmatch(r"\.[a-z0-9.]+", suffix) for suffix in modality.suffixes)
        assert modality.block in ("text", "image", "audio", "video", "file")

    def test_names_are_not_taken_by_another_modality(self):
        for name, other in plugins.load_all("modalities"):
            if name != self.modality.name:
                assert other.prefix != self.modality.prefix, f"{name} has this prefix"
                assert self.modality.mime_types[0] not in other.mime_types, f"{name} reads it too"
                assert other.mime_types[0] not in self.modality.mime_types, f"it is {name}'s own"

    # Files.

    def test_saved_media_names_itself(self, saved: Media):
        assert saved.modality == self.modality.name
        assert saved.mime == self.modality.mime_types[0]
        assert saved.size == len(saved.read()) > 0

    def test_sniffs_what_it_saves(self, saved: Media):
        head = saved.read()[:HEAD_BYTES]
        assert self.modality.sniff(head, saved.name) == saved.mime

    def test_another_name_never_makes_it_another_type(self, saved: Media):
        head = saved.read()[:HEAD_BYTES]
        assert self.modality.sniff(head, "without-suffix") in (saved.mime, None)

    def test_every_type_that_it_saves_comes_back(self, value: Any):
        for mime in self.modality.mime_types:
            try:
                media = self.modality.save(value, name="example", mime=mime)
            except UsageError:
                continue
            assert media.mime in self.modality.mime_types
            self.modality.facts(self.modality.load(media))

    def test_an_unknown_type_is_refused(self, value: Any):
        with pytest.raises(UsageError):
            self.modality.save(value, name="example", mime="application/x-no-such-type")

    def test_round_trip_keeps_the_facts(self, value: Any, saved: Media):
        before, after = self.modality.facts(value), self.modality.facts(self.modality.load(saved))
        assert after.keys() >= before.keys()
        assert {key: after[key] for key in self.kept_facts} == {
            key: before[key] for key in self.kept_facts
        }

    def test_a_file_loads_as_its_bytes_do(self, saved: Media, tmp_path: Path):
        path = tmp_path / saved.name
        path.write_bytes(saved.read())
        media = Media.from_path(path, modality=saved.modality, mime=saved.mime)
        assert self.modality.facts(self.modality.load(media)) == self.modality.facts(
            self.modality.load(saved)
        )

    def test_example_is_the_same_for_the_same_seed(self):
        for seed in SEEDS:
            first, second = self.modality.example(seed), self.modality.example(seed)
            assert self.modality.facts(first) == self.modality.facts(second)
            assert self.modality.picture(first, width=64) == self.modality.picture(second, width=64)

    # What it says of itself.

    def test_facts_are_json(self, value: Any):
        facts = self.modality.facts(value)
        assert facts
        assert json.loads(json.dumps(facts, allow_nan=False)) == facts

    def test_caption_is_one_short_line(self, value: Any):
        caption = self.modality.caption(value)
        assert caption.strip()
        assert len(caption) <= CAPTION_LETTERS
        assert caption.isprintable()

    @pytest.mark.parametrize("width", [64, 333, 640])
    def test_picture_is_rgb_of_the_asked_width(self, value: Any, width: int):
        picture = self.modality.picture(value, width=width)
        assert picture.mode == "RGB"
        assert picture.width == width
        assert 1 <= picture.height <= 8 * width

    def test_picture_shows_something(self, value: Any):
        colours = self.modality.picture(value, width=128).getcolors(1 << 16)
        assert colours is None or len(colours) > 1

    def test_sparkline_is_one_line(self, value: Any):
        line = self.modality.sparkline(value, width=40)
        assert line is None or (len(line) <= 40 and "\n" not in line)

    def test_text_is_words_or_nothing(self, value: Any):
        text = self.modality.text(value)
        assert text is None or isinstance(text, str)

    def test_parts_are_values_of_known_modalities(self, value: Any):
        for name, part in self.modality.parts(value):
            assert plugins.load("modalities", name).facts(part)

    # Bad input.

    def _refuses(self, data: bytes, mime: str, *, surely: bool) -> None:
        """Loading raises `MediaError` with one line, or (unless `surely`) works."""
        media = Media.from_bytes(data, modality=self.modality.name, mime=mime, name="bad-file")
        try:
            value = self.modality.load(media)
            assert not surely, "this was loaded, but should have been refused"
            for _ in zip(range(3), self.modality.parts(value), strict=False):
                pass
        except MediaError as error:
            assert "\n" not in str(error)
            assert "bad-file" in str(error), "the message names the file"

    def test_empty_file_is_refused(self):
        for mime in self.modality.mime_types:
            self._refuses(b"", mime, surely=True)

    @pytest.mark.parametrize("size", GARBAGE_BYTES)
    def test_garbage_is_refused(self, size: int):
        data = random.Random(size).randbytes(size)
        if size > 1:
            data = data[:-1] + b"\0"  # No encoding of text looks like this.
        for mime in self.modality.mime_types:
            self._refuses(data, mime, surely=size > 1)

    def test_sniff_takes_any_bytes(self, saved: Media):
        data = saved.read()[:HEAD_BYTES]
        chance = random.Random(0)
        for suffix in self.modality.suffixes:
            for size in range(0, 64):
                self.modality.sniff(data[:size], "x" + suffix)
                self.modality.sniff(chance.randbytes(size), "x" + suffix)

    def test_a_cut_file_loads_or_is_refused(self, saved: Media):
        data = saved.read()
        for step in range(1, self.damage):
            self._refuses(data[: len(data) * step // self.damage], saved.mime, surely=False)
        self._refuses(data[:-1], saved.mime, surely=False)

    def test_a_damaged_file_loads_or_is_refused(self, saved: Media):
        for seed in range(self.damage):
            chance = random.Random(seed)
            data = bytearray(saved.read())
            for _ in range(1 + seed % 4):
                data[chance.randrange(len(data))] = chance.randrange(256)
            self._refuses(bytes(data), saved.mime, surely=False)

    def test_loading_takes_bounded_memory(self, saved: Media):
        tracemalloc.start()
        try:
            self.modality.load(saved)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < MEMORY_BYTES + 50 * saved.size

    # The model's side.

    def test_token_estimate_is_a_positive_number(self, value: Any):
        estimate = self.modality.estimate_tokens(value)
        assert isinstance(estimate, int)
        assert estimate >= 1

    def _features(self, seed: int) -> dict[str, Any]:
        try:
            return dict(self.modality.features(self.modality.example(seed)))
        except Unsupported:
            assert self.modality.encoder() is None, "an encoder without features"
            pytest.skip("this modality has no encoder")

    def test_features_are_finite_and_the_same_each_time(self):
        import torch

        for seed in SEEDS:
            first, second = self._features(seed), self._features(seed)
            assert first.keys() == second.keys()
            for name, tensor in first.items():
                assert isinstance(tensor, torch.Tensor), name
                assert tensor.dtype in (torch.float32, torch.int64), f"{name}: {tensor.dtype}"
                assert tensor.device.type == "cpu"
                assert torch.isfinite(tensor).all(), f"{name} is not finite"
                assert torch.equal(tensor, second[name]), f"{name} differs from call to call"

    def test_features_survive_saving(self, saved: Media):
        reference = self._features(0)
        found = self.modality.features(self.modality.load(saved))
        assert found.keys() == reference.keys()
        assert {name: tensor.ndim for name, tensor in found.items()} == {
            name: tensor.ndim for name, tensor in reference.items()
        }

    def _encoder(self) -> Any:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            encoder = self.modality.encoder()
        if encoder is None:
            pytest.skip("this modality has no encoder")
        return encoder.eval()

    def test_encoder_keeps_its_promise_of_tokens(self):
        import torch

        encoder = self._encoder()
        batch = [self._features(seed) for seed in SEEDS]
        with torch.inference_mode():
            tokens = encoder(batch)
        assert len(tokens) == len(batch)
        for seed, features, item in zip(SEEDS, batch, tokens, strict=True):
            assert item.shape == (encoder.grid(features).tokens, encoder.width)
            assert torch.isfinite(item).all()
            value = self.modality.example(seed)
            assert self.modality.estimate_tokens(value) == len(item), "estimate_tokens is wrong"

    def test_batch_mates_never_change_a_result(self):
        import torch

        encoder = self._encoder()
        batch = [self._features(seed) for seed in SEEDS]
        with torch.inference_mode():
            together = encoder(batch)
            reversed_batch = encoder(batch[::-1])[::-1]
            alone = [encoder([features])[0] for features in batch]
        for one, other, single in zip(together, reversed_batch, alone, strict=True):
            torch.testing.assert_close(one, single, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(other, single, rtol=1e-4, atol=1e-5)

    def test_encoder_learns_and_runs_in_bfloat16(self):
        import torch

        encoder = self._encoder()
        features = self._features(0)
        encoder([features])[0].float().square().mean().backward()
        gradients = [weight.grad for weight in encoder.parameters() if weight.grad is not None]
        assert gradients
        assert all(torch.isfinite(gradient).all() for gradient in gradients)
        with torch.inference_mode():
            tokens = encoder.to(torch.bfloat16)([features])[0]
        assert tokens.dtype == torch.bfloat16
        assert torch.isfinite(tokens).all()

    def test_decoder_speaks_its_own_codes(self, value: Any):
        import torch

        decoder: Any = self.modality.decoder()
        if decoder is None:
            pytest.skip("this modality has no decoder")
        decoder.eval()
        assert decoder.codes > 1
        assert decoder.max_length >= (decoder.length or 1)
        with torch.inference_mode():
            codes = decoder.encode(value)
            assert codes.dtype == torch.int64
            assert codes.ndim == 1
            assert 1 <= len(codes) <= decoder.max_length
            assert decoder.length in (None, len(codes))
            assert codes.min() >= 0
            assert codes.max() < decoder.codes
            assert self.modality.facts(decoder.decode(codes))
            any_codes = torch.randint(decoder.codes, (decoder.length or decoder.max_length,))
            assert self.modality.facts(decoder.decode(any_codes))
