"""Other names for what is in the world, as people who do not know its words would choose them.

The first of each is the world's own. Hand-written tests of the shared space use wordings of their
own, so nothing here is made after them.
"""

from __future__ import annotations

from collections.abc import Mapping

Names = Mapping[str, tuple[str, ...]]


def names(listed: str) -> tuple[str, ...]:
    """What stands between the commas."""
    return tuple(name.strip() for name in listed.split(","))


COLOURS: Names = {
    "red": names(
        "red, crimson, scarlet, ruby, cherry red, bright red, vermilion, blood-red, tomato-red, "
        "dark red, reddish, carmine, burgundy, maroon, brick red, fire-engine red, wine-red, "
        "light red, strawberry red, rusty red, cardinal red, poppy red"
    ),
    "green": names(
        "green, emerald, grass-green, leaf-green, forest green, lime green, dark green, "
        "greenish, jade, olive green, mossy green, pine green, mint green, bottle green, olive, "
        "lime, jade green, light green, bright green, spinach green, pea green, emerald green"
    ),
    "blue": names(
        "blue, azure, cobalt, navy, sapphire, royal blue, ultramarine, dark blue, bluish, deep "
        "blue, marine blue, indigo blue, navy blue, cobalt blue, sapphire blue, bright blue, "
        "ocean blue, denim blue, midnight blue, cornflower blue, ink blue, sky-blue"
    ),
    "yellow": names(
        "yellow, lemon, golden, canary yellow, sunny yellow, yellowish, lemon-yellow, gold, "
        "mustard yellow, bright yellow, sunflower yellow, banana yellow, golden yellow, "
        "saffron, blond, butter yellow, light yellow, sun-coloured, canary, honey yellow"
    ),
    "orange": names(
        "orange, tangerine, amber, pumpkin-coloured, carrot-coloured, bright orange, "
        "orange-coloured, apricot, dark orange, mandarin orange, copper, rust-orange, pumpkin, "
        "peachy orange, fox-coloured, light orange, orangey, tangerine orange, carrot orange"
    ),
    "purple": names(
        "purple, violet, lilac, plum, mauve, amethyst, lavender, dark purple, purplish, "
        "aubergine, deep violet, grape-coloured, eggplant purple, royal purple, orchid, light "
        "purple, bright purple, lavender-coloured, plum-coloured, violet-coloured, "
        "magenta-violet"
    ),
    "pink": names(
        "pink, rose, rosy, hot pink, salmon pink, fuchsia, pinkish, light pink, bubblegum pink, "
        "rose-coloured, magenta pink, blush pink, flamingo pink, candy pink, coral pink, baby "
        "pink, bright pink, rose pink, salmon, dusky pink, pale pink"
    ),
    "cyan": names(
        "cyan, turquoise, aqua, teal, aquamarine, bluish green, light blue-green, "
        "cyan-coloured, bright turquoise, teal blue, sea-green blue, light blue, blue-green, "
        "greenish blue, turquoise blue, aqua blue, sea-coloured, pool blue, lagoon blue, "
        "cerulean"
    ),
}

SHAPES: Names = {
    "circle": names(
        "circle, disc, disk, dot, round shape, circular shape, ball, round spot, filled circle, "
        "roundel, round thing, round figure, coin, circular blob, round disc, perfectly "
        "round shape, bullet point, full moon"
    ),
    "square": names(
        "square, box, square shape, quadratic tile, square block, square tile, shape with four "
        "equal sides, quadrate, quadrilateral, four-cornered shape, rectangle with equal sides, "
        "equal-sided box, block, square figure, four-sided shape, tile, checker"
    ),
    "triangle": names(
        "triangle, triangular shape, three-sided shape, three-cornered figure, shape with three "
        "corners, wedge, trilateral, three-sided figure, shape with three sides, delta, "
        "arrowhead, three-pointed shape, triangular figure, tricorn, trigon"
    ),
    "star": names(
        "star, five-pointed star, star shape, starlet, star-shaped figure, asterisk, pentagram, "
        "shape with five points, five-armed star, star symbol, pointy star, five-pointed shape, "
        "little star, starfish shape, twinkling star"
    ),
    "heart": names(
        "heart, love heart, heart shape, heart-shaped figure, valentine heart, symbol of love, "
        "valentine, heart symbol, emblem of love, heart-shaped thing, heart-shaped sign, sign "
        "of love, hearts symbol"
    ),
    "cross": names(
        "cross, plus sign, plus, cross shape, cross-shaped figure, plus symbol, first-aid "
        "cross, plus-shaped figure, cross symbol, Swiss cross, medical cross, crossed bars, "
        "addition sign, cruciform shape, plus shape, Greek cross"
    ),
    "ring": names(
        "ring, hoop, annulus, circle with a hole, ring shape, round band, hollow circle, letter "
        "O, flat doughnut, loop, doughnut, donut shape, round hollow shape, circle outline, "
        "washer, round frame, ring-shaped figure, wheel rim, circular band, O shape, life buoy"
    ),
    "diamond": names(
        "diamond, rhombus, lozenge, diamond shape, kite shape, rhomb, square standing on its "
        "corner, playing-card diamond, rotated square, tilted square, gem shape, rhomboid, "
        "card-suit diamond, diamond-shaped figure, square on its tip, kite, rhombic shape"
    ),
}

SOLIDS: Names = {
    "sphere": names(
        "sphere, ball, globe, orb, spherical body, round solid, round ball, marble, round 3D "
        "shape, planet, spherical solid, bowling ball"
    ),
    "cube": names(
        "cube, box, block, die, cubic block, cuboid, brick, six-sided block, square block, "
        "dice, crate, cubical solid, box with six faces, cubic solid"
    ),
    "cone": names(
        "cone, conical solid, traffic cone, ice-cream cone, funnel, party hat, cone-shaped "
        "solid, pointed cone, conical body, tapering round solid, witch's hat, conical shape"
    ),
    "cylinder": names(
        "cylinder, tube, can, drum, pillar, barrel, cylindrical body, rod, cylindrical solid, "
        "tin can, column, round pillar, pipe, tube-shaped solid, round post"
    ),
    "torus": names(
        "torus, doughnut, donut, ring, tyre, bagel, swim ring, toroid, ring-shaped solid, "
        "doughnut shape, donut shape, tire, inner tube, hoop, lifebuoy, solid with a hole"
    ),
    "pyramid": names(
        "pyramid, pyramidal solid, Egyptian pyramid, pyramid shape, square pyramid, pointed "
        "solid with a square base, pyramidal body, pyramid-shaped solid, four-sided spire, tomb "
        "of the pharaohs shape"
    ),
}

SIZES: Names = {
    "large": names(
        "large, big, huge, enormous, giant, massive, very large, great, gigantic, sizeable, "
        "oversized, hefty, immense, broad, colossal, really big, good-sized, bulky, vast"
    ),
    "small": names(
        "small, little, tiny, minute, mini, miniature, very small, wee, compact, petite, teeny, "
        "diminutive, undersized, really small, smallish, minuscule, microscopic, pocket-sized, "
        "short"
    ),
}


PLACES: Names = {
    "left": names(
        "on the left, at the left edge, on the left side, to the left, far left, on the "
        "left-hand side, in the left part, by the left border, left, over on the left, along "
        "the left side, at the left, in the left half, hugging the left edge, on the left end, "
        "leftmost"
    ),
    "right": names(
        "on the right, at the right edge, on the right side, to the right, far right, on the "
        "right-hand side, in the right part, by the right border, right, over on the right, "
        "along the right side, at the right, in the right half, hugging the right edge, on the "
        "right end, rightmost"
    ),
    "top": names(
        "at the top, near the top edge, in the upper part, up high, at the upper edge, near the "
        "top, in the top part, above the centre, on top, up at the top, close to the top, in "
        "the upper half, at the very top, high up, along the top edge, overhead, up top"
    ),
    "bottom": names(
        "at the bottom, near the bottom edge, in the lower part, low down, at the lower edge, "
        "near the bottom, in the bottom part, below the centre, down at the bottom, close to "
        "the bottom, in the lower half, at the very bottom, along the bottom edge, at the foot, "
        "down low, down below"
    ),
    "middle": names(
        "in the middle, in the centre, at the center, centred, right in the middle, in the "
        "central part, in the midst, at the very centre, halfway across, in the center, dead "
        "centre, in the center of the picture, centrally placed, at the heart of it, in the "
        "very middle, mid-picture, central"
    ),
}

PROPORTIONS: Names = {
    "tall": names(
        "tall, slender, elongated, stretched, long, thin and high, towering, tall and thin, "
        "lofty, upright, lanky, high, drawn-out, stretched upwards, vertically stretched, "
        "narrow and high"
    ),
    "flat": names(
        "flat, squashed, flattened, squat, low, compressed, short and wide, flat and wide, "
        "pressed flat, shallow, stubby, pancake-like, low and broad, vertically squeezed, wide "
        "and low"
    ),
    "even": names(
        ", , , , evenly proportioned, regular, of even proportions, normally proportioned, "
        "neither tall nor flat"
    ),
}

MOTIONS: Names = {
    "left": names(
        "moving left, drifting to the left, sliding leftwards, going left, travelling from "
        "right to left, heading left, gliding to the left side, flying left, moving to the "
        "left, sliding to the left, leftward bound, crossing from right to left, shifting left, "
        "drifting left"
    ),
    "right": names(
        "moving right, drifting to the right, sliding rightwards, going right, travelling from "
        "left to right, heading right, gliding to the right side, flying right, moving to the "
        "right, sliding to the right, rightward bound, crossing from left to right, shifting "
        "right, drifting right"
    ),
    "up": names(
        "moving up, rising, climbing, going upwards, ascending, floating up, lifting, "
        "travelling from the bottom to the top, moving upwards, rising to the top, soaring, "
        "sliding up, going up, drifting upward, heading upward"
    ),
    "down": names(
        "moving down, falling, sinking, going downwards, descending, dropping, travelling from "
        "the top to the bottom, sliding down, moving downwards, sinking to the bottom, "
        "plunging, going down, drifting downward, heading downward, coming down, falling down"
    ),
    "growing": names(
        "growing, getting bigger, expanding, swelling, becoming larger, enlarging, inflating, "
        "increasing in size, growing larger, blowing up in size, widening, scaling up, growing "
        "bigger, ballooning, getting larger"
    ),
    "shrinking": names(
        "shrinking, getting smaller, contracting, becoming smaller, dwindling, diminishing, "
        "deflating, decreasing in size, shrinking away, growing smaller, scaling down, getting "
        "tinier, reducing in size, becoming tiny"
    ),
    "still": names(
        "staying still, not moving, standing still, motionless, resting, stationary, staying "
        "where it is, at rest, remaining in place, standing motionless, immobile, holding "
        "still, frozen in place, unmoving, doing nothing, keeping still, sitting still"
    ),
    "turning": names(
        "turning, rotating, spinning, revolving, turning around, whirling, twirling, turning on "
        "the spot, rotating in place, spinning around, going round and round, turning round, "
        "pivoting, swivelling, spinning on the spot"
    ),
    "appearing": names(
        "appearing, popping up, showing up, emerging, coming into view, appearing out of "
        "nothing, becoming visible, suddenly there, fading in, materialising, turning up, "
        "coming out of nowhere, entering the scene, popping into view, becoming visible out of "
        "nothing"
    ),
    "bouncing": names(
        "bouncing, hopping, bouncing up and down, jumping, rebounding, bouncing like a ball, "
        "bouncing off the edge, bouncing around, hopping up and down, jumping up and down, "
        "springing up and down, bobbing, rebounding off the walls, ricocheting"
    ),
    "colliding": names(
        "colliding, bumping into each other, crashing into each other, hitting each other, "
        "running into each other, crashing together, clashing, knocking together, smashing into "
        "each other, meeting with a bump, banging into each other, colliding with each other"
    ),
}


TRENDS: Names = {
    "rising": names(
        "rising, going up, climbing, increasing, growing, trending upwards, on an upward slope, "
        "getting higher, ascending, upward, moving upwards, going higher, on the rise, heading "
        "up, trending up, creeping up"
    ),
    "falling": names(
        "falling, going down, declining, decreasing, dropping, trending downwards, on a "
        "downward slope, getting lower, descending, downward, moving downwards, going lower, on "
        "the decline, heading down, trending down, shrinking, sloping down"
    ),
    "flat": names(
        "flat, level, steady, without a trend, neither rising nor falling, horizontal, staying "
        "around the same level, constant on average, stable, with no trend, hovering around a "
        "constant, unchanging, sideways, even, with a constant "
        "mean"
    ),
}


EVENTS: Names = {
    "spike": names(
        "spike, peak, sudden spike, single outlier, short burst, sharp peak, brief spike, "
        "sudden peak, one-off peak, isolated jump, single extreme value, outlier, blip, "
        "momentary surge"
    ),
    "level shift": names(
        "level shift, sudden step, jump to another level, step change, shift of the level, "
        "abrupt jump that stays, permanent jump, jump in level, lasting step, sudden shift, "
        "break in the level, step, sudden change of level, offset"
    ),
    "variance change": names(
        "variance change, change of the variance, change in the noise, change of volatility, "
        "change in how much it scatters, change of the spread, change in variance, noise that "
        "changes, change in variability, shift in volatility, change of how noisy it is, "
        "changing scatter, change in fluctuation"
    ),
}


TIMES: Names = {
    "early": names(
        "early, near the beginning, at the start, early on, in the first third, soon after the "
        "start, in the beginning, at an early point, close to the start, in the opening part, "
        "right away, in the early part"
    ),
    "middle": names(
        "in the middle, halfway through, midway, around the middle, in the second third, in the "
        "central part, in the centre, half way, mid-way through, near the midpoint, in the mid "
        "part, about halfway"
    ),
    "late": names(
        "late, near the end, towards the end, late on, in the last third, shortly before the "
        "end, at the end, at a late point, close to the end, in the closing part, in the final "
        "third, in the late part"
    ),
}

MEDIA: Names = {
    "image": names(
        "picture, image, drawing, photo, illustration, graphic, painting, still image, figure, "
        "scene, photograph, canvas"
    ),
    "video": names(
        "video, film, clip, animation, movie, short film, recording, footage, video clip, "
        "moving picture, sequence, gif, scene"
    ),
    "audio": names(
        "recording, sound, audio, audio clip, sound file, sound clip, audio file, piece of "
        "sound, audio recording, track"
    ),
    "points": names(
        "3D model, point cloud, solid, 3D object, 3D scan, mesh, 3D shape, 3D figure, solid "
        "body, three-dimensional shape, three-dimensional object, 3D thing, body"
    ),
    "series": names(
        "series, time series, curve, line chart, graph, plot, line, sequence of measurements, "
        "chart, data series, trace, signal, sequence of values"
    ),
}
"""Modality → what one calls such a thing; each tells it from the others well enough."""
