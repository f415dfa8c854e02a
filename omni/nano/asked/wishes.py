"""Ways to wish, in words alone, for a picture, a plot or speech of what is named."""

from __future__ import annotations

from omni.nano.asked.frames import ways

DRAW = ways(
    """
    I'd love to see {thing}. | I'd like a picture that shows {thing}. | {thing} as a picture
    Would you draw {thing} for my daughter? | For my website I need an image of {thing}.
    My boss wants a picture of {thing}. | How about a drawing of {thing}? | drawing of {thing}
    I need an illustration: {thing}. | Picture please: {thing}. | Image: {thing}
    Could I have {thing} as an image? | Let me see a picture of {thing}. | image of {thing} pls
    What does {thing} look like? Draw it. | A drawing of {thing}, please.
    I'm making a card and need {thing} on it, drawn. | Do you know how to draw {thing}? Do it.
    Put {thing} on a canvas. | Render {thing}. | Get me a picture with {thing} in it.
    """,
    orders="""
    draw {thing} | paint {thing} | sketch {thing} | draw me {thing} | make a drawing of {thing}
    make me a picture of {thing} | create an image of {thing} | create a drawing with {thing}
    generate a picture of {thing} | generate an image with {thing} | design {thing}
    paint a picture of {thing} | produce an image of {thing} | make an image that shows {thing}
    """,
    leads=(),
    each=8,
)
PLOT = ways(
    """
    I'd like a plot of {thing}. | I need a chart with {thing}. | Let me see {thing} as a plot.
    What does {thing} look like? Plot it. | A plot of {thing}, please. | plot of {thing}
    Can I have a graph of {thing}? | For my lecture I need a sketch of {thing}.
    Show me what {thing} looks like. | Could I get a picture of {thing}? | Graph: {thing}
    """,
    orders="""
    plot {thing} | draw {thing} | sketch {thing} | chart {thing} | make a plot of {thing}
    make a chart of {thing} | draw a graph of {thing} | draw the plot of {thing}
    make a picture of {thing} | create a chart with {thing} | generate a plot of {thing}
    """,
    leads=(),
    each=8,
)
SAY = ways(
    """
    I'd like to hear {thing}. | I'd like to hear you say {thing}. | Let me hear {thing}.
    How do you say {thing}? | How does {thing} sound? | How is {thing} pronounced? Say it.
    What does it sound like if you say {thing}? | Could I hear {thing}? | speak {thing}
    Use your voice and say {thing}. | Make a recording of {thing}. | Record {thing}.
    Make a sound file with {thing}. | Speech please: {thing} | Voice message: {thing}
    Text to speech: {thing} | TTS: {thing} | Say this: {thing} | Say the following: {thing}
    Repeat after me: {thing} | Speak these words: {thing} | Read out: {thing}
    I want you to say {thing}. | Please say aloud {thing}. | Turn this into speech: {thing}
    Give me an audio clip that says {thing}. | Announce: {thing} | Dictate to me: {thing}
    """,
    orders="""
    say "{thing}" | say "{thing}" aloud | speak the words "{thing}" | read "{thing}" aloud
    pronounce "{thing}" | read out "{thing}" | record yourself saying "{thing}"
    say the words "{thing}" out loud | speak "{thing}" | turn "{thing}" into speech
    """,
    leads=(),
    each=8,
)
FORECAST = ways(
    """
    How might {h} go on? | What will {h} look like next? | Where is {h} going from here?
    How will the values of {h} develop? | What are the next values of {h}? | forecast of {h}
    What does the future of {h} look like? | What do you expect next for {h}?
    How does {h} carry on? | What happens next in {h}? | What should I expect from {h}?
    Where will {h} be later on? | For my planning I need a forecast of {h}.
    """,
    clauses="""
    how {h} will go on | what comes next in {h} | how {h} continues | where {h} is heading next
    what the next values of {h} will be
    """,
    nouns="""
    a forecast of {h} | a forecast for {h} | a prediction for {h}
    a forecast of what comes next in {h}
    a continuation of {h} | an outlook for {h}
    """,
    orders="""
    forecast {h} | predict {h} | continue {h} | extrapolate {h} | predict how {h} goes on
    forecast the next values of {h} | make a forecast for {h} | continue the series {h}
    extend {h} into the future | plot how {h} will continue
    """,
    leads=(),
)
