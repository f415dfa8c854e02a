"""The words of the world: what can be seen, heard and measured in it, and how it is called."""

from __future__ import annotations

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 39, 40),
    "green": (44, 150, 60),
    "blue": (40, 80, 210),
    "yellow": (242, 205, 38),
    "orange": (245, 130, 32),
    "purple": (135, 60, 170),
    "pink": (245, 130, 185),
    "cyan": (40, 190, 205),
}
"""Name → sRGB centre of the colour; samples jitter around it."""

SHAPES = ("circle", "square", "triangle", "star", "heart", "cross", "ring", "diamond")

SIZES = ("small", "large")

PLACES = ("left", "right", "top", "bottom", "middle")

RELATIONS = ("left of", "right of", "above", "below")

SOLIDS = ("sphere", "cube", "cone", "cylinder", "torus", "pyramid")

PROPORTIONS = ("tall", "flat", "even")
"""How a solid is stretched along its axis; `even` is not said."""

MOTIONS = (
    *("left", "right", "up", "down", "growing", "shrinking", "still"),
    *("turning", "appearing", "bouncing", "colliding"),
)
"""What happens in a film; two things collide, everything else is done by one."""

TRENDS = ("rising", "falling", "flat")

EVENTS = ("spike", "level shift", "variance change")
"""What may happen once in a series, beside its trend and season."""

TIMES = ("early", "middle", "late")
"""When it happens: in the first, second or last third."""

NUMBERS = (
    *("one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
"""Things and beeps are counted to six, cycles of a season to twelve."""

SOUNDS = ("beep", "sweep", "noise")
"""Sounds that are not speech: beeps are counted, a sweep rises or falls, noise is hiss."""

HELD_OUT: frozenset[tuple[str, str]] = frozenset(
    {
        ("purple", "star"),
        ("cyan", "triangle"),
        ("orange", "ring"),
        ("pink", "cross"),
        ("green", "heart"),
        ("yellow", "diamond"),
    }
)
"""Colour and shape pairs that are never trained on, in any modality: they measure composition.

(The codecs of pictures and speech know no words, and do see them.)
"""

HELD_OUT_SOLIDS: frozenset[tuple[str, str]] = frozenset(
    {("red", "torus"), ("blue", "cone"), ("green", "pyramid"), ("yellow", "cube")}
)
"""Colour and solid pairs that are never trained on."""

HELD_OUT_COURSES: frozenset[tuple[str, bool, str]] = frozenset(
    {
        ("falling", True, "level shift"),
        ("rising", False, "spike"),
        ("flat", True, "variance change"),
    }
)
"""Trend, whether there is a season, and event: courses of a series that are never trained on."""
