"""Phrases that go with what is in the world: what things do, where they lie, how large they are."""

from __future__ import annotations

from omni.nano.synonyms import Names, names

MOVES: Names = {
    "left": names(
        "moves left, drifts left, slides to the left, goes left, travels leftwards, glides to "
        "the left, heads left, shifts to the left, floats across to the left"
    ),
    "right": names(
        "moves right, drifts right, slides to the right, goes right, travels rightwards, glides "
        "to the right, heads right, shifts to the right, floats across to the right"
    ),
    "up": names(
        "moves up, rises, climbs, goes up, floats upwards, ascends, drifts up, soars, travels "
        "upwards"
    ),
    "down": names(
        "moves down, falls, sinks, goes down, drops, descends, drifts down, comes down, travels "
        "downwards"
    ),
    "growing": names(
        "grows, gets bigger, expands, swells, becomes larger, gets larger and larger, inflates, "
        "increases in size"
    ),
    "shrinking": names(
        "shrinks, gets smaller, contracts, becomes smaller, gets smaller and smaller, dwindles, "
        "deflates, decreases in size"
    ),
    "still": names(
        "stays still, does not move, stands still, rests, stays where it is, remains in place, "
        "never moves, just sits there"
    ),
    "turning": names(
        "turns, rotates, spins, revolves, turns around, spins around, whirls, twirls, turns on "
        "the spot"
    ),
    "appearing": names(
        "appears, pops up, shows up, emerges, comes into view, appears out of nothing, fades "
        "in, suddenly turns up"
    ),
    "bouncing": names(
        "bounces, hops, bounces up and down, jumps up and down, rebounds, bounces around, "
        "bounces like a ball"
    ),
    "colliding": names(
        "collide, bump into each other, crash into each other, hit each other, run into each "
        "other, clash, smash together"
    ),
}
"""Motion → what something does that is seen in it; of things that collide, what both do."""

DIMENSIONS: Names = {
    "large": names(
        "of great size, of considerable size, that takes up much room, of large dimensions, "
        "with a big footprint, that fills much of the space, of impressive extent"
    ),
    "small": names(
        "of small size, of modest size, that takes up little room, of tiny dimensions, "
        "with a small footprint, hardly bigger than a dot, of little extent"
    ),
}
"""What is said after a thing of its size."""

DEGREES = names("quite, rather, fairly, pretty, really, extremely, especially, remarkably")
"""How much so something is large or small."""

LYING = names(
    "sitting, hovering, floating, resting, hanging, standing, located, placed, positioned, lying, "
    "nestled, parked, drawn, painted, waiting, put, found, seen, centred around, tucked away"
)

LIES = names(
    "sits, hovers, floats, rests, hangs, stands, is located, is placed, lies, is parked, is drawn, "
    "waits, can be found, can be seen, shows up, dominates, is, is visible"
)
"""What a thing does at its place."""

VIEWS = names("picture, image, frame, canvas, view, scene, photo, screen, drawing")

SIDES = ("left", "right", "top", "bottom", "edge", "side", "part", "half", "middle", "centre")
"""Endings of places after which one may say of what they are the place."""

GOES: Names = {
    "rising": names(
        "rises, goes up, climbs, increases, grows, trends upwards, gets higher and higher, "
        "creeps up, moves upwards, keeps growing"
    ),
    "falling": names(
        "falls, goes down, declines, decreases, drops, trends downwards, gets lower and lower, "
        "sinks, moves downwards, keeps shrinking"
    ),
    "flat": names(
        "stays level, stays flat, goes nowhere, keeps its level, has no trend, "
        "neither rises nor falls, hovers around one value, stays about the same on average"
    ),
}
"""What a series with such a trend does."""

HAPPENS: Names = {
    "spike": names(
        "it spikes, it shoots up briefly, one value sticks out, there is one extreme value, "
        "it peaks for a moment, it jumps out of line once"
    ),
    "level shift": names(
        "it jumps to another level, it steps up or down, its level changes for good, "
        "it shifts abruptly, it moves to a new level, the mean changes at once"
    ),
    "variance change": names(
        "its spread changes, it becomes more or less noisy, its noise changes, "
        "it starts to scatter differently, its volatility changes, the variance is another one"
    ),
}
"""What such an event is told as in a clause of its own."""
