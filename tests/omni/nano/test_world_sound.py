"""The sounding and measured world: its labels against measurements that do not know them."""

from __future__ import annotations

import re
import threading

import numpy as np
import pytest

from omni.errors import UsageError
from omni.nano.world import curves, hearing, speech, strange_sounds, tones, utterances, words
from omni.nano.world.curves import Course

pytest.importorskip("soxr")


def needs_synthesiser():
    pytest.importorskip("espeakng_loader", reason="the synthesiser is in the extra 'offline'")


def bursts(samples: np.ndarray, rate: int = 16_000) -> int:
    """How often the envelope rises above a quarter of its peak."""
    window = rate // 100
    envelope = np.convolve(np.abs(samples), np.ones(window) / window, mode="same")
    loud = envelope > envelope.max() / 4
    return int(loud[0]) + int(np.sum(loud[1:] & ~loud[:-1]))


def centroid(samples: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    return float(np.sum(power * np.arange(len(power))) / np.sum(power))


class TestTones:
    @pytest.mark.parametrize("seed", range(40))
    def test_beeps_can_be_counted_on_the_envelope(self, seed):
        made = tones.tone(np.random.default_rng(seed), "beep")
        assert bursts(made.waveform.samples[:, 0]) == made.count

    @pytest.mark.parametrize("seed", range(20))
    def test_a_sweep_moves_its_spectrum_the_way_it_says(self, seed):
        made = tones.tone(np.random.default_rng(seed), "sweep")
        samples = made.waveform.samples[:, 0]
        quarter = len(samples) // 4
        early, late = centroid(samples[:quarter]), centroid(samples[-quarter:])
        assert made.direction == ("up" if late > early else "down")

    def test_noise_is_flat_beside_a_tone(self):
        rng = np.random.default_rng(3)

        def flatness(samples: np.ndarray) -> float:
            power = np.abs(np.fft.rfft(samples)) ** 2 + 1e-12
            return float(np.exp(np.log(power).mean()) / power.mean())

        for _ in range(10):
            noise = tones.tone(rng, "noise").waveform.samples[:, 0]
            sweep = tones.tone(rng, "sweep").waveform.samples[:, 0]
            assert flatness(noise) > 5 * flatness(sweep)

    def test_same_seed_same_sound(self):
        first, second = (tones.tone(np.random.default_rng(7)) for _ in range(2))
        assert np.array_equal(first.waveform.samples, second.waveform.samples)

    @pytest.mark.parametrize("count", range(1, 7))
    def test_plain_beeps(self, count):
        made = tones.beeps(count)
        assert bursts(made.waveform.samples[:, 0]) == made.count == count

    def test_samples_are_float32_mono_in_range(self):
        for seed in range(20):
            samples = tones.tone(np.random.default_rng(seed)).waveform.samples
            assert samples.dtype == np.float32 and samples.shape[1] == 1
            assert np.abs(samples).max() <= 1


class TestSpeech:
    def setup_method(self):
        needs_synthesiser()

    def test_the_same_call_gives_the_same_sound_whatever_was_said_between(self):
        first = speech.speak("blue square").samples
        speech.speak("hello there", "en+f5", speed=200, pitch=70)
        assert np.array_equal(first, speech.speak("blue square").samples)

    def test_threads_take_turns(self):
        wanted = speech.speak("red circle").samples
        found: list[np.ndarray] = []
        crowd = [
            threading.Thread(target=lambda: found.append(speech.speak("red circle").samples))
            for _ in range(6)
        ]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        assert len(found) == 6
        assert all(np.array_equal(each, wanted) for each in found)

    def test_speed_shortens_and_pitch_raises(self):
        slow, fast = (speech.speak("a large blue square", speed=s) for s in (120, 220))
        assert fast.seconds < 0.8 * slow.seconds

        def pitch(samples: np.ndarray) -> float:
            middle = samples[len(samples) // 4 : len(samples) // 2, 0]
            echo = np.correlate(middle, middle, "full")[len(middle) - 1 :]
            shortest = 16_000 // 450
            return 16_000 / (shortest + int(np.argmax(echo[shortest : 16_000 // 70])))

        low, high = (
            pitch(speech.speak("oh no no no", speech.Voice("en-us", pitch=p, range=0)).samples)
            for p in (20, 80)
        )
        assert high > 1.15 * low

    def test_an_unknown_voice_and_an_empty_text_are_said_to_be_wrong(self):
        with pytest.raises(UsageError, match="no voice 'nobody'"):
            speech.speak("red", "nobody")
        with pytest.raises(UsageError, match="nothing to say"):
            speech.speak("   ")
        with pytest.raises(UsageError, match="nothing to say"):
            speech.speak_house("")

    def test_house_words_are_the_same_in_every_phrase_and_lie_on_the_grid(self):
        alone = speech.speak_house("square").samples
        phrase = speech.speak_house("large blue square").samples
        assert len(alone) % speech.GRID == len(phrase) % speech.GRID == 0
        assert np.array_equal(phrase[-len(alone) :], alone)

    def test_phrases_keep_to_the_vocabulary_and_off_held_out_combinations(self):
        rng = np.random.default_rng(0)
        said = [utterances.phrase(rng) for _ in range(3000)] + [
            utterances.jumble(rng) for _ in range(1000)
        ]
        spoken = {word for text in said for word in text.split()}
        assert spoken == set(utterances.VOCABULARY)
        pairs = words.HELD_OUT | words.HELD_OUT_SOLIDS
        apart = re.compile("|".join(rf"\b{colour} {shape}\b" for colour, shape in pairs))
        courses = re.compile(
            r"\bfalling (series|plot) with season and level shift"
            r"|\brising (series|plot) with spike"
            r"|\bflat (series|plot) with season and variance change"
        )
        assert not any(apart.search(text) or courses.search(text) for text in said)
        kept_back = [utterances.phrase(rng, held_out=True) for _ in range(200)]
        assert all(apart.search(text) or courses.search(text) for text in kept_back)
        assert any(courses.search(text) for text in kept_back)

    def test_phrases_are_sentences(self):
        """A colour comes before a thing, an article has no vowel after a, one is no plural."""
        rng = np.random.default_rng(1)
        things = "|".join((*words.SHAPES, *words.SOLIDS))
        for _ in range(2000):
            text = utterances.phrase(rng)
            assert not re.search(r"\ba [aeio]|\ban [^aeiou]|\bone (beep|object|cycle)s", text)
            assert not re.search(rf"\b({things}) ({things})\b|[{{}}]", text), text

    def test_an_independent_recogniser_understands_the_house_voice(self):
        pytest.importorskip("pocketsphinx", reason="the recogniser is in the extra 'offline'")
        from omni.nano.judge import judge_speech

        phrases = [f"{colour} {shape}" for colour in ("red", "blue") for shape in words.SHAPES[:4]]
        heard = [judge_speech(speech.speak_house(text), phrases) for text in phrases]
        assert heard == phrases

    def test_the_longest_answers_fit_into_four_seconds(self):
        for text in ("purple triangle moving right", "purple pyramid", "twelve objects"):
            assert speech.speak_house(text).seconds <= 4

    def test_words_lie_between_gaps(self):
        samples = speech.speak_house("blue square").samples[:, 0]
        assert not samples[:384].any() and not samples[-384:].any()


class TestStrangeSounds:
    """Music and drums by their spectra; talk by its words."""

    def test_they_are_seeded_and_of_one_to_four_seconds(self):
        needs_synthesiser()
        for seed in range(30):
            first, second = (strange_sounds.sound(np.random.default_rng(seed)) for _ in range(2))
            assert np.array_equal(first.samples, second.samples)
            assert 0.4 < first.seconds <= 3.5 and np.abs(first.samples).max() <= 1
            assert np.isfinite(first.samples).all()

    def test_a_chord_sounds_several_pitches_at_once(self):
        samples = strange_sounds.chords(np.random.default_rng(4))[:3200]
        power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
        peaks = (power[1:-1] > power[:-2]) & (power[1:-1] > power[2:])
        assert np.sum(peaks & (power[1:-1] > 0.02 * power.max())) >= 3

    def test_no_word_of_the_world_is_among_the_unknown(self):
        assert not set(strange_sounds.UNKNOWN.split()) & set(utterances.VOCABULARY)


class TestHearing:
    def test_labels_of_tones(self):
        made = tones.beeps(3)
        heard = hearing.toned(made)
        assert [hearing.SYMBOLS[i] for i in heard.symbols] == ["<beep>"] * 3
        assert hearing.KINDS[heard.kind] == "beep" and heard.count == 3

    def test_nothing_is_written_down_of_what_is_strange(self):
        needs_synthesiser()
        heard = hearing.strange(np.random.default_rng(0))
        assert heard.symbols == () and heard.kind == heard.count == -1 and not heard.text

    def test_the_corpus_of_sounds_has_some_from_outside(self):
        needs_synthesiser()
        from omni.nano.corpus import hear

        rng = np.random.default_rng(2)
        outside = [bool(hear(rng, False).labels.get("outside")) for _ in range(150)]
        assert 1 <= sum(outside) <= 22  # nine are expected
        assert not any(hear(rng, True).labels.get("outside") for _ in range(20))

    def test_a_corpus_is_kept_and_read_back(self, tmp_path):
        needs_synthesiser()
        made = hearing.Corpus.make(4, seed=1, folder=tmp_path)
        again = hearing.Corpus.make(4, seed=1, folder=tmp_path)
        assert again.texts == made.texts and len(again) == 4
        for index in range(4):
            assert np.array_equal(made[index].samples, again[index].samples)
            assert [hearing.SYMBOLS[i] for i in made[index].symbols] == made.texts[index].split()

    def test_disturbed_sound_keeps_its_beeps(self):
        for seed in range(20):
            rng = np.random.default_rng(seed)
            clean = tones.beeps(4).waveform.samples[:, 0]
            rough = hearing.disturb(rng, clean)
            assert len(rough) >= len(clean) and np.abs(rough).max() <= 1
            assert np.isfinite(rough).all()


def slope(column: np.ndarray) -> float:
    """By least squares, as the rise over the whole column."""
    return float(np.polyfit(np.linspace(0, 1, len(column)), column, 1)[0])


class TestCurves:
    @pytest.mark.parametrize("trend", words.TRENDS)
    def test_trend_by_regression(self, trend):
        rng = np.random.default_rng(11)
        for _ in range(50):
            rise = slope(curves.draw(rng, Course(trend), 300))
            found = "flat" if abs(rise) < 1 else "rising" if rise > 0 else "falling"
            assert found == trend

    @pytest.mark.parametrize("cycles", [2, 5, 12])
    def test_season_by_the_strongest_frequency(self, cycles):
        rng = np.random.default_rng(cycles)
        for _ in range(30):
            column = curves.draw(rng, Course("flat", cycles), 400)
            power = np.abs(np.fft.rfft(column - column.mean()))
            assert int(np.argmax(power)) == cycles

    def test_a_spike_is_the_largest_step_back_and_forth(self):
        rng = np.random.default_rng(5)
        for _ in range(30):
            made = Course("flat", 0, "spike", float(rng.uniform(0.1, 0.9)))
            column = curves.draw(rng, made, 200)
            outlier = int(np.argmax(np.abs(column - np.median(column))))
            assert abs(outlier / 199 - made.place) < 0.02

    def test_a_level_shift_parts_two_means(self):
        rng = np.random.default_rng(6)
        for _ in range(30):
            made = Course("flat", 0, "level shift", float(rng.uniform(0.25, 0.75)))
            column = curves.draw(rng, made, 200)
            costs = [column[:i].var() * i + column[i:].var() * (200 - i) for i in range(10, 190)]
            assert abs((10 + int(np.argmin(costs))) / 199 - made.place) < 0.03

    def test_noise_changes_where_it_is_said_to(self):
        rng = np.random.default_rng(8)
        for _ in range(30):
            made = Course("flat", 0, "variance change", float(rng.uniform(0.25, 0.75)))
            column = curves.draw(rng, made, 400)
            parts = np.split(column, [round(made.place * 399)])
            small, large = sorted(part.std() for part in parts)
            assert 2 < large / small < 9

    def test_events_keep_away_from_the_borders_of_their_time(self):
        rng = np.random.default_rng(3)
        seen = set()
        for _ in range(600):
            made = curves.course(rng, held_out=None)
            told = curves.describe(made)
            assert (told["event"], told["when"]) == (made.event or "", made.when)
            if made.event is None:
                assert made.when == "" and made.place == 0
                continue
            third = ("early", "middle", "late").index(made.when)
            assert third / 3 < made.place < (third + 1) / 3
            assert all(abs(made.place - border) > 0.04 for border in (1 / 3, 2 / 3))
            seen.add((made.event, made.when))
        assert len(seen) == len(words.EVENTS) * len(words.TIMES)

    def test_held_out_courses_are_drawn_only_when_asked_for(self):
        rng = np.random.default_rng(2)
        for held_out in (False, True):
            drawn = [curves.sample(rng, columns=2, held_out=held_out) for _ in range(150)]
            found = {(c.trend, c.cycles > 0, c.event) for curve in drawn for c in curve.courses}
            assert {each in words.HELD_OUT_COURSES for each in found} == {held_out}
        assert found == words.HELD_OUT_COURSES

    def test_samples_are_seeded_finite_and_at_the_scales_of_measurements(self):
        first, second = (curves.sample(np.random.default_rng(9), columns=2) for _ in range(2))
        assert np.array_equal(first.series.values, second.series.values, equal_nan=True)
        assert first.courses == second.courses and len(first.courses) == 2
        sizes = []
        for seed in range(200):
            series = curves.sample(np.random.default_rng(seed)).series
            assert curves.FEWEST_ROWS <= len(series.values) <= curves.MOST_ROWS
            assert np.isfinite(series.values[[0, -1]]).all()
            if series.times is not None:
                assert (np.diff(series.times) > np.timedelta64(0)).all() and series.frequency
            sizes.append(np.nanmax(np.abs(series.values)))
        assert min(sizes) < 1 and max(sizes) > 10_000
