"""Ways to ask for what tools do; `{h}` stands for a medium: its handle, a noun, or a pronoun."""

from __future__ import annotations

from collections.abc import Mapping

from omni.nano.asked.frames import ways
from omni.nano.asked.wishes import FORECAST

READ = ways(
    """
    What does the text in {h} say? | What is written in {h}? | Which words are in {h}?
    What does it say in {h}? | Is there any writing in {h}? Read it. | text in {h}? | OCR {h}
    What do the letters in {h} say? | Which text can be read in {h}? | What is printed in {h}?
    """,
    clauses="""
    what is written in {h} | what the text in {h} says | which words stand in {h}
    what the writing in {h} says
    """,
    nouns="the text in {h} | the words in {h} | the writing in {h}",
    orders="""
    read {h} | read the text in {h} | read out {h} | copy the text out of {h} | read {h} to me
    get the words out of {h} | extract the text from {h} | type up what is written in {h}
    """,
    leads=(),
)
TRANSCRIBE = ways(
    """
    What is said in {h}, word by word? | Which words are spoken in {h}? | transcript of {h}?
    What do they say in {h}? | What are they talking about in {h}?
    """,
    nouns="a transcript of {h} | the words in {h} | the text of what is said in {h}",
    orders="""
    transcribe {h} | write down what is said in {h} | turn {h} into text | type up {h}
    make a transcript of {h} | get the words out of {h}
    """,
    leads=(),
)
ANALYSE = ways(
    """
    Are there outliers in {h}? | Does {h} have gaps? | Anything unusual in {h}?
    Which numbers describe {h}? | What are the mean and the deviation of {h}?
    """,
    nouns="a summary of {h} | the statistics of {h} | an analysis of {h} | the outliers of {h}",
    orders="""
    analyse {h} | summarise {h} | find outliers in {h} | look for anomalies in {h}
    compute statistics of {h} | ring the outliers of {h} in a plot | find the gaps in {h}
    """,
    leads=(),
)
SIZE = ways(
    "What size is {h} exactly? | How large is {h} exactly? | How many units wide is {h}?",
    nouns="the exact size of {h} | the measurements of {h} | the dimensions of {h}",
    orders="measure {h} | measure the size of {h} | take the measurements of {h}",
    leads=(),
)
POINTS = ways(
    "How many points has {h}? | How many points does {h} have? | How many points are in {h}?",
    nouns="the number of points in {h}",
    orders="count the points of {h} | count the points in {h}",
    leads=(),
)
VIEWS = ways(
    "What does {h} look like from above? Draw it. | Can I see {h} from all sides?",
    nouns="a view of {h} from all sides | a picture of {h} from four sides",
    orders="render {h} | draw {h} from four sides | show me {h} from above | turn {h} around",
    leads=(),
)
SOUND = ways(
    "Can I have the sound of {h} alone? | What about the sound of {h}, as a file?",
    nouns="the sound of {h} as a recording | the audio track of {h}",
    orders="""
    cut the sound out of {h} | extract the sound from {h} | take the audio out of {h}
    save the sound of {h}
    """,
    leads=(),
)
FRAME = ways(
    "What does {h} look like at second {n}? | Can I see {h} at {n} seconds?",
    nouns="the frame of {h} at {n} s | a still of {h} at second {n} | the picture at {n} s of {h}",
    orders="""
    show me {h} at {n} seconds | take a still from {h} at second {n}
    grab the frame at {n} s of {h} | cut out the picture at second {n} of {h}
    """,
    leads=(),
)
SUM = ways(
    "What is {sum}? | How much is {sum}? | {sum} = ? | What do I get for {sum}? | {sum}?",
    nouns="the result of {sum}",
    orders="work out {sum} | calculate {sum} | compute {sum} | evaluate {sum}",
    leads=(),
)
SAY = ways(
    'Can you say "{words}"? | Say: {words} | How does "{words}" sound?',
    nouns='a recording of "{words}"',
    orders='say "{words}" | say "{words}" aloud | read "{words}" aloud | speak the words "{words}"',
    leads=(),
)
BESIDE = ways(
    "Can I see {h} and {g} side by side?",
    nouns="a picture with {h} and {g} side by side | a picture of both {h} and {g}",
    orders="""
    put {h} next to {g} | join {h} and {g} | place {h} beside {g} | show {h} and {g} side by side
    put {h} and {g} next to each other | combine {h} and {g} into one picture
    """,
    leads=(),
)
BELOW = ways(
    orders="""
    put {h} above {g} | stack {h} on {g} | put {h} and {g} below one another
    put {h} over {g} in one picture | join {h} and {g} in a column
    """,
    leads=(),
    each=12,
)
WEATHER = ways(
    "What is the weather like in {words}? | How warm is it in {words}? | Will it rain in {words}?",
    nouns="the weather in {words} | a weather report for {words}",
    leads=(),
)
SEARCH = ways(
    "What does the web say about {words}? | Who or what is {words}? Search for it.",
    orders="""
    search for {words} | search the web for {words} | look up {words} | find {words} online
    """,
    leads=(),
)
TIMER = ways(
    nouns="a timer of {n} minutes | a reminder in {n} minutes",
    orders="set a timer for {n} minutes | wake me in {n} minutes | remind me in {n} minutes",
    leads=(),
)

_ORDERS = {
    "darken": "make {h} darker | darken {h} | turn down the light in {h} | dim {h}",
    "brighten": "make {h} brighter | brighten {h} | make {h} lighter | lighten {h}",
    "contrast": "give {h} more contrast | raise the contrast of {h} | increase the contrast of {h}",
    "saturate": "make the colours of {h} stronger | saturate {h} | make {h} more colourful",
    "grey": "make {h} grey | turn {h} grey | make {h} black and white | take the colour out of {h}",
    "invert": "invert {h} | invert the colours of {h} | make a negative of {h}",
    "blur": "blur {h} | make {h} blurry | soften {h}",
    "sharpen": "sharpen {h} | make {h} sharper",
    "rotate_left": "rotate {h} to the left | turn {h} left | turn {h} anticlockwise",
    "rotate_right": "rotate {h} to the right | turn {h} right | turn {h} clockwise",
    "turn_around": "turn {h} upside down | rotate {h} by 180 degrees | turn {h} around",
    "mirror": "mirror {h} | swap left and right in {h} | mirror {h} from left to right",
    "flip": "flip {h} | swap top and bottom of {h} | flip {h} top to bottom",
    "resize": "make {h} larger | enlarge {h} | make {h} twice as large | scale {h} up",
}
EDIT: Mapping[str, tuple[str, ...]] = {
    change: ways(orders=orders, leads=(), each=8) for change, orders in _ORDERS.items()
}
"""What `edit_image` is told to do → ways to ask for it."""

AHEAD = ways(
    "What are the next {n} values of {h}? | How do the next {n} steps of {h} look?",
    nouns="the next {n} values of {h} | a forecast of {h} over {n} steps",
    orders="""
    forecast {n} values of {h} | predict the next {n} steps of {h} | continue {h} by {n} values
    """,
    leads=(),
)
PLOTTED = tuple(
    wish.rstrip(".?!") + more
    for wish in FORECAST
    if not wish.startswith("plot")
    for more in ("? Plot it." if wish.endswith("?") else ". Plot it.",)
)
"""Forecasts that are to be seen, too; the tool draws them anyway."""
