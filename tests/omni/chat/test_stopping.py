import threading
import time

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.chat.stopping import Sampler, StopText, Watchdog


def naive(text, stops):
    places = [text.find(stop) for stop in stops if stop in text]
    return text[: min(places)] if places else text


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text("ab", max_size=4), max_size=8),
    st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
)
def test_stop_text_shows_what_comes_before_the_first_stop(pieces, stops):
    stopping = StopText(stops)
    shown = "".join(stopping.feed(piece) for piece in pieces) + stopping.finish()
    whole = "".join(pieces)
    if not any(stop in whole for stop in stops):
        assert shown == whole and not stopping.found
        return
    # Reading bit by bit, the stop that is whole first is found first.
    ends = min(n for n in range(len(whole) + 1) if any(s in whole[:n] for s in stops))
    assert stopping.found
    assert shown == naive(whole[: _piece_end(pieces, ends)], stops)


def _piece_end(pieces, place):
    """End of the piece in which a place lies: all of it is read at once."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total >= place:
            break
    return total


def test_the_watchdog_counts_and_ends():
    dog = Watchdog(prompt_tokens=3, seconds=None)
    assert not dog(torch.zeros(2, 5), None).any()
    assert dog.tokens == 2
    dog.stop.set()
    assert dog(torch.zeros(2, 6), None).all() and dog.stopped and not dog.late
    late = Watchdog(0, 0.001)
    time.sleep(0.002)
    assert late(torch.zeros(1, 1), None).all() and late.late


def test_sampling_draws_from_the_softmax():
    scores = torch.tensor([[1.0, 0.0, -1.0, -torch.inf]])
    sampler = Sampler(temperature=0.7, seed=1)
    drawn = torch.cat([sampler(torch.zeros(1, 1), scores).argmax(1) for _ in range(6000)])
    found = torch.bincount(drawn, minlength=4) / 6000
    expected = (scores / 0.7).softmax(1)[0]
    assert torch.allclose(found, expected, atol=0.02)
    assert found[3] == 0


def test_a_seed_fixes_the_draw_whatever_other_threads_do():
    scores = torch.zeros(1, 50)
    results = []

    def draw():
        sampler = Sampler(1.0, seed=7)
        results.append([int(sampler(torch.zeros(1, 1), scores).argmax()) for _ in range(20)])

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1] == results[2]
    assert len(set(results[0])) > 1
