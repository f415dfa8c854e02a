"""Ways to ask on about what was just talked of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from omni.nano.asked.frames import split

_ONWARD = split("""
    And {}? | What about {}? | How about {}? | Now {}. | And now {}, please. | Also {}?
    Next, {}. | Then {}? | {} too, please. | And {}, please? | OK, and {}? | Thanks. And {}?
    Right, and {}? | Fine, now {}. | Could you also tell me {}? | Please also give me {}.
    I also need {}. | One more thing: {}? | {} as well? | Same for {}? | Good. And {}?
    Can I also have {}? | Then tell me {}. | While you're at it, {}? | Besides that, {}?
    """)
_WONDER = split("""
    And {}? | Now tell me {}. | Could you also tell me {}? | And can you see {}?
    I also wonder {}. | Next I need to know {}. | Then tell me {}. | Also, {}?
    One more thing: {}? | Please tell me {} too. | OK, and {}? | I'd also like to know {}.
    """)


def _onward(nouns: str, clauses: str, questions: str) -> tuple[str, ...]:
    """Every noun and every clause in each frame, and questions that are short anyway."""
    framed = [frame.replace("{}", noun) for noun in split(nouns) for frame in _ONWARD]
    framed += [frame.replace("{}", clause) for clause in split(clauses) for frame in _WONDER]
    return tuple(dict.fromkeys((*split(questions), *_capitals(framed))))


def _capitals(sentences: Iterable[str]) -> tuple[str, ...]:
    """The sentences with capitals, each of them once."""
    return tuple(dict.fromkeys(one[0].upper() + one[1:] for one in sentences))


MORE: Mapping[str, tuple[str, ...]] = {
    "colour": _onward(
        "the colour | its colour",
        "what colour it is | which colour it has",
        """
        Which colour? | And what colour is it? | What colour was it? | Colour? | In what colour?
        Which colour is that? | colour too?
        """,
    ),
    "shape": _onward(
        "the shape | its shape | the form",
        "what shape it is | which shape it has",
        """
        Which shape? | And what shape is it? | What shape was it? | Shape? | What form?
        Which shape is that? | shape too?
        """,
    ),
    "size": _onward(
        "the size | its size",
        "how big it is | whether it is large or small",
        """
        And how big? | How big is that? | Large or small? | Size? | Is that large? | How large?
        What size? | Big or small, then?
        """,
    ),
    "place": _onward(
        "the place | its place | its position",
        "where it is | where in the picture that is",
        """
        And where? | Where is that? | And where is it? | Where? | Whereabouts? | On which side?
        And on which side? | In which part? | Where, then?
        """,
    ),
    "motion": _onward(
        "the motion | its motion | the movement",
        "how it moves | what it does | which way it goes",
        """
        And what does it do? | And how does it move? | How does it move, then?
        What does it do there? | Which way? | Moving how? | And doing what?
        """,
    ),
    "trend": _onward(
        "the trend | its trend | the direction",
        "which way it goes | what the trend is",
        """
        And which way does it go? | Rising or falling? | Up or down, then? | Trend? | Which way?
        Up, down or flat? | Going where?
        """,
    ),
    "season": _onward(
        "",
        """
        whether it is seasonal | whether it repeats | whether there is a season
        whether there is a cycle | whether it is periodic
        """,
        """
        And a season? | And is it seasonal? | Does that repeat? | Seasonal? | Any season?
        And does it repeat? | Is there a season, too? | Periodic?
        Does it have a season? | And is there a cycle? | Is that seasonal?
        """,
    ),
    "event": _onward(
        "",
        """
        whether anything unusual happens | whether there is an anomaly
        whether anything is odd | whether something strange happens | whether there is an event
        """,
        """
        And anything unusual? | And an event? | Does something odd happen, too?
        Anything unusual? | And is anything odd? | Any event? | Any oddities?
        And does something strange happen? | Is anything unusual in it? | And something special?
        """,
    ),
}
_SECOND = split("""
    And {}? | What about {}? | How about {}? | Now {}. | And now {}, please. | Next, {}.
    Then {}, please. | And for {}? | The same for {}? | Same question for {}. | What of {}?
    OK, and {}? | Thanks. And {}? | And what about {}? | {} too, please. | And what is it for {}?
    Could you do the same for {}? | Please also tell me about {}. | Now for {}, please.
    And likewise for {}? | I'd also like to know it of {}. | {}? | And then {}?
    """)
OTHER = _capitals(
    frame.replace("{}", one)
    for one in ("the other one", "the second one", "the other", "that other one")
    for frame in _SECOND
)
_SPOKEN = split("""
    say it aloud | say it out loud | say that | say that aloud | speak it | read it aloud
    say it with your voice | tell me by voice | read that out | answer by voice
    """)
_DRAWN = split("""
    draw it | draw that | paint it | sketch it | make a picture of it | draw that for me
    show it as a picture | turn it into an image | make an image of it | draw me that
    """)
_PLOTTED = split("""
    plot it | plot that | chart it | make a plot of it | draw the curve | graph it
    make a chart of it | draw it as a curve
    """)
_AGAIN = split("""
    Now {}. | And {}. | Please {}. | Then {}. | OK, {}. | Can you {}? | Could you {}, please?
    Now please {}. | Thanks, now {}. | And now {}. | {}, please. | And can you {}, too? | {} now
    """)


def _again(orders: tuple[str, ...]) -> tuple[str, ...]:
    return _capitals(frame.replace("{}", order) for order in orders for frame in _AGAIN)


SAY_MORE, DRAW_MORE, PLOT_MORE = map(_again, (_SPOKEN, _DRAWN, _PLOTTED))
