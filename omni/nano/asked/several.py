"""Ways to ask about one of several things, and how things lie and compare."""

from __future__ import annotations

from collections.abc import Mapping

from omni.nano.asked.frames import ways
from omni.nano.asked.image import PICTURE

COLOUR_OF = ways(
    """
    Which colour was the {noun} given? | And the {noun}, what colour is that?
    In which colour is the {noun} shown? | What colour did they paint the {noun}?
    Which colour does the {noun} have? | What colour has the {noun} got?
    Among these things, what colour is the {noun}? | As for the {noun}: which colour?
    Which colour do you see on the {noun}? | The {noun} is of which colour? | {noun} colour?
    Find the {noun}: what colour is it? | What hue is the {noun}? | What is the {noun} painted in?
    """,
    clauses="""
    what colour the {noun} is | which colour the {noun} has | in which colour the {noun} is drawn
    how the {noun} is coloured | what color the {noun} is | what colour they gave the {noun}
    """,
    nouns="""
    the colour of the {noun} | the {noun}'s colour | the color of the {noun}
    the hue of the {noun} | the name of the {noun}'s colour
    """,
    orders="""
    name the colour of the {noun} | find the {noun} and name its colour
    tell me what colour the {noun} is | look at the {noun} and tell me its colour
    work out the colour of the {noun} | identify the color of the {noun}
    """,
)
SHAPE_OF = ways(
    """
    What is the shape of the {colour} thing? | What form has the {colour} object got?
    Which of the shapes is {colour}? | Which thing comes in {colour}? | Which thing is {colour}?
    The {colour} one: what shape is it? | What shape does the {colour} one have?
    As for the {colour} one, which figure is it? | Which shape was painted {colour}?
    What did they paint {colour}? | What figure is the {colour} one? | What shape is {colour}?
    Among these things, what is the {colour} one? | Which object has the colour {colour}?
    """,
    clauses="""
    what shape the {colour} thing is | which figure is {colour} | what the {colour} thing is
    which shape the {colour} object has | what is painted {colour}
    what form the {colour} one has
    """,
    nouns="""
    the shape of the {colour} thing | the form of the {colour} object
    the shape of the {colour} one | the name of the {colour} shape
    """,
    orders="""
    name the {colour} shape | name the shape of the {colour} thing
    find the {colour} thing and tell me its shape | tell me what the {colour} thing is
    look for what is {colour} and name its shape | identify the {colour} figure
    """,
)
SIZE_OF = ways(
    """
    Is the {noun} a large one or a small one? | The {noun}: large or small?
    How large is the {noun}? | What is the size of the {noun}? | Would you call the {noun} big?
    And the {noun}, is that big or small? | Among these, is the {noun} large or small?
    Does the {noun} look large or small? | As for the {noun}: what size is it?
    What size has the {noun} got? | How big would you say the {noun} is? | {noun}: big or small?
    """,
    clauses="how big the {noun} is | what size the {noun} has | how large the {noun} is",
    whether="whether the {noun} is large or small | whether the {noun} is big or small",
    nouns="the size of the {noun} | the {noun}'s size | the size that the {noun} has",
    orders="""
    name the size of the {noun} | tell me whether the {noun} is large or small
    find the {noun} and tell me its size | judge how big the {noun} is
    decide whether the {noun} is small or large
    """,
)
WHERE_RELATIVE = ways(
    """
    Where does the {a} lie, seen from the {b}? | Relative to the {b}, where is the {a}?
    Starting at the {b}, which way is it to the {a}? | Compared with the {b}, where is the {a}?
    Which side of the {b} is the {a} on? | Where do I find the {a} if I start from the {b}?
    Is the {a} left of, right of, above or below the {b}? | Seen from the {b}, where is the {a}?
    How is the {a} placed relative to the {b}? | From the {b}, where is the {a}?
    Where did they put the {a}, compared to the {b}? | Which way from the {b} does the {a} lie?
    If you look from the {b}, where is the {a}? | Where is the {a} with respect to the {b}?
    """,
    clauses="""
    where the {a} is relative to the {b} | on which side of the {b} the {a} is
    where the {a} lies, seen from the {b} | how the {a} lies relative to the {b}
    in which direction from the {b} the {a} is | where the {a} is compared with the {b}
    """,
    nouns="""
    the position of the {a} relative to the {b} | the side of the {b} that the {a} is on
    the direction from the {b} to the {a} | the place of the {a} as seen from the {b}
    """,
    orders="""
    tell me where the {a} is relative to the {b} | locate the {a} relative to the {b}
    describe where the {a} lies as seen from the {b} | place the {a} with respect to the {b}
    """,
    leads=PICTURE,
)
IS_RELATIVE = ways(
    """
    Is the {a} placed {relation} the {b}? | Can the {a} be found {relation} the {b}?
    Was the {a} drawn {relation} the {b}? | Is it {relation} the {b} that the {a} is?
    Do you see the {a} {relation} the {b}? | Did they put the {a} {relation} the {b}?
    Seen from the {b}, is the {a} {relation} it? | Is the {a} somewhere {relation} the {b}?
    The {a} is {relation} the {b}, isn't it? | Would I find the {a} {relation} the {b}?
    """,
    whether="""
    whether the {a} is {relation} the {b} | whether the {a} lies {relation} the {b}
    whether the {a} was put {relation} the {b} | whether the {a} can be found {relation} the {b}
    """,
    claims="""
    the {a} is {relation} the {b} | the {a} lies {relation} the {b}
    the {a} was drawn {relation} the {b} | the {a} can be found {relation} the {b}
    """,
    leads=PICTURE,
    each=7,
)
WHAT_BESIDE = ways(
    """
    Which object lies {relation} the {a}? | What was put {relation} the {a}?
    What is there {relation} the {a}? | Is there something {relation} the {a}, and what?
    Which shape do I find {relation} the {a}? | What has been drawn {relation} the {a}?
    Starting from the {a}, what is {relation} it? | {relation} the {a}, what is there?
    What, if anything, is {relation} the {a}? | Which figure was drawn {relation} the {a}?
    Looking {relation} the {a}, what do you see? | What sits {relation} the {a}?
    """,
    clauses="""
    what is {relation} the {a} | which thing lies {relation} the {a}
    what can be found {relation} the {a} | what was drawn {relation} the {a}
    what there is {relation} the {a}
    """,
    nouns="""
    the thing {relation} the {a} | the shape {relation} the {a} | the object {relation} the {a}
    the name of what is {relation} the {a}
    """,
    orders="""
    name the thing {relation} the {a} | look {relation} the {a} and tell me what is there
    tell me what is {relation} the {a} | identify what lies {relation} the {a}
    """,
    leads=PICTURE,
)
WHICH_SIZE = ways(
    """
    Which of the two is {wish}, the {a} or the {b}? | Is the {a} or the {b} {wish}?
    Between the {a} and the {b}, which is {wish}? | Which one is {wish}: {a} or {b}?
    Compare the {a} with the {b}: which is {wish}? | Is it the {a} or the {b} that is {wish}?
    Who wins as the {wish} one, the {a} or the {b}? | {a} or {b}, which is {wish}?
    If you put the {a} next to the {b}, which is {wish}? | What's {wish}, the {a} or the {b}?
    Looking at the {a} and the {b}, which one would you call {wish}?
    """,
    clauses="""
    which is {wish}, the {a} or the {b} | which of the two is {wish}, the {a} or the {b}
    which one of the {a} and the {b} is {wish}
    """,
    whether="""
    whether it is the {a} or the {b} that is {wish} | whether the {a} or the {b} is {wish}
    """,
    nouns="the {wish} one of the {a} and the {b} | the {wish} of the two, the {a} or the {b}",
    orders="""
    tell me which is {wish}, the {a} or the {b} | name the {wish} one: the {a} or the {b}
    compare the {a} with the {b} and name the {wish} one
    pick the {wish} one of the {a} and the {b}
    """,
    each=7,
)
SAME_COLOUR = ways(
    """
    Is the colour of the {a} that of the {b}? | Are the {a} and the {b} coloured alike?
    Do the {a} and the {b} match in colour? | Was one colour used for the {a} and the {b}?
    Does the {a} have the colour of the {b}? | Are {a} and {b} the same colour?
    Is it one colour for both the {a} and the {b}? | Same colour for {a} and {b}?
    Are the {a} and the {b} painted in the same colour? | Do {a} and {b} differ in colour or not?
    The {a} has the colour of the {b}, doesn't it? | Are the colours of the {a} and the {b} equal?
    """,
    whether="""
    whether the {a} and the {b} have the same colour | whether the {a} has the colour of the {b}
    whether the {a} and the {b} match in colour | whether {a} and {b} are of one colour
    """,
    claims="""
    the {a} and the {b} have the same colour | the {a} and the {b} match in colour
    the {a} has the same colour as the {b} | the {a} and the {b} are of the same colour
    """,
    orders="compare the colours of the {a} and the {b} and tell me if they are the same",
    each=7,
)


def _outermost(side: str, most: str, edge: str, also: str) -> tuple[str, ...]:
    return ways(
        f"""
        {also}
        Which object is {most}? | What do you find {most}? | What has been put {most}?
        Which shape is {most} in the picture? | Which figure is closest to the {edge}?
        What lies nearest to the {edge}? | Of all the things, which is {most}?
        Which of them is {most}? | Nearest to the {edge} is what? | What is {side} of all the rest?
        """,
        clauses=f"""
        which thing is {most} | what is closest to the {edge} | which shape is {most}
        which of the things is nearest to the {edge}
        """,
        nouns=f"""
        the thing that is {most} | the shape closest to the {edge}
        the object nearest to the {edge}
        """,
        orders=f"""
        name the thing that is {most} | tell me what is {most}
        identify the shape nearest to the {edge} | find what is {most}
        name the object closest to the {edge}
        """,
        leads=PICTURE,
        each=6,
    )


OUTERMOST: Mapping[str, tuple[str, ...]] = {
    "left": _outermost(
        "left",
        "furthest to the left",
        "left edge",
        "What is on the far left? | Which thing is leftmost? | What is furthest left?",
    ),
    "right": _outermost(
        "right",
        "furthest to the right",
        "right edge",
        "What is on the far right? | Which thing is rightmost? | What is furthest right?",
    ),
    "top": _outermost(
        "on top",
        "highest up",
        "top edge",
        "What is at the very top? | Which thing is highest? | What is uppermost?",
    ),
    "bottom": _outermost(
        "at the bottom",
        "lowest down",
        "bottom edge",
        "What is at the very bottom? | Which thing is lowest? | What is lowermost?",
    ),
}
