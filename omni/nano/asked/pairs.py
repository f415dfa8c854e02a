"""Ways to ask about two or three attached things at once."""

from __future__ import annotations

from omni.nano.asked.frames import LEADS, split, ways

BOTH = (
    *LEADS,
    *split("""
    Here are my files. | I attached several things. | Compare these. | Look at all of them.
    They belong together. | I have more than one file here. | Take the files together.
    """),
)
"""What is said before a question about several things."""

SAME_COLOUR = ways(
    """
    Does {a} show the same colour as {b}? | Same colour in {a} and {b}?
    Is the colour of {a} the colour of {b}? | Do the colours of {a} and {b} agree?
    Is one colour shared by {a} and {b}? | Do {a} and {b} match in colour?
    Are the colours in {a} and {b} equal? | Do {a} and {b} differ in colour or not?
    """,
    whether="""
    whether {a} and {b} have the same colour | whether the colours of {a} and {b} are the same
    whether {a} and {b} match in colour
    """,
    claims="""
    {a} and {b} have the same colour | the colour is the same in {a} and {b}
    {a} and {b} are of one colour
    """,
    orders="compare the colours of {a} and {b} and tell me if they agree",
    leads=BOTH,
    each=9,
)
SAME_THING = ways(
    """
    Do {a} and {b} tell the same? | Is {b} what {a} is about? | Does {a} agree with {b}?
    Do {a} and {b} belong together? | Does {b} show what {a} tells? | Does {a} match {b}?
    Is the thing in {a} the one in {b}? | Are {a} and {b} about the same thing?
    Does {a} describe {b} correctly? | Do {a} and {b} contradict each other or agree?
    """,
    whether="""
    whether {a} and {b} agree | whether {a} fits {b} | whether {a} and {b} mean the same thing
    whether {a} matches {b} | whether {a} describes {b} rightly
    """,
    claims="""
    {a} and {b} agree | {a} fits {b} | it is the same thing in {a} and {b} | {a} matches {b}
    """,
    leads=BOTH,
    each=6,
)
WHICH = ways(
    """
    Which of these is {value}? | Which file is {value}: {options}? | Which one has {value} in it?
    Where do you find {value}: {options}? | Which of them has the colour {value}?
    What has the colour {value}: {options}? | Which one comes in {value}?
    Which one is it that is {value}?
    In which of them is the thing {value}? | Which of the attached files is {value}?
    """,
    clauses="""
    which of them is {value} | which one is {value}, {options} | which file shows {value}
    which of the files has the colour {value}
    """,
    nouns="the one that is {value} | the file with the colour {value}",
    orders="""
    name the one that is {value} | tell me which one is {value} | pick the file that is {value}
    find out which of the files is {value}
    """,
    leads=BOTH,
)
WHICH_SAYS = ways(
    """
    Which of them has {value}? | Which file shows {value}: {options}? | Which one has {value}?
    Where do you see {value}: {options}? | In which of the files do you find {value}?
    Which of these is the one with {value}? | Which of the files is the one with {value}?
    Is it {options} that has {value}? | Which of the attached files has {value}?
    """,
    clauses="""
    which of them has {value} | which one shows {value} | where there is {value}, {options}
    in which of the files there is {value}
    """,
    nouns="the one with {value} | the file that has {value} | the one that shows {value}",
    orders="""
    name the one that has {value} | tell me which file has {value} | find the one with {value}
    pick the file with {value}
    """,
    leads=BOTH,
)
COLOUR_IN = ways(
    """
    Which colour is it in {a}? | As for {a}, which colour is it? | In {a}, what colour is it?
    What's the colour in {a}? | Which colour do you get from {a}? | {a}: which colour?
    Take {a}: what colour is it there? | What colour does {a} give? | the colour in {a}?
    Only {a}: which colour is that? | What colour belongs to {a}? | Which color has {a}?
    """,
    clauses="""
    what colour it is in {a} | which colour {a} has | what colour {a} gives
    which colour belongs to {a}
    """,
    nouns="the colour of {a} | the colour in {a} | the colour that {a} gives",
    orders="""
    name the colour of {a} | name the colour in {a} | tell me which colour {a} has
    look at {a} only and name the colour | find out the colour of {a}
    """,
    leads=BOTH,
)
SHAPE_IN = ways(
    """
    Which shape is it in {a}? | As for {a}, which shape is it? | In {a}, what shape is it?
    What's the shape in {a}? | What form does {a} give? | {a}: which shape? | What is in {a}?
    Take {a}: what shape is it there? | Which thing belongs to {a}? | the shape in {a}?
    Only {a}: which shape is that? | Which form do you get from {a}? | Which shape has {a}?
    """,
    clauses="""
    what shape it is in {a} | which shape {a} has | what shape {a} gives
    which shape belongs to {a}
    """,
    nouns="the shape of {a} | the shape in {a} | the form that {a} gives",
    orders="""
    name the shape of {a} | name the shape in {a} | tell me which shape {a} has
    take {a} only and name the shape | find out the shape in {a}
    """,
    leads=BOTH,
)
COURSE = ways(
    """
    Does {a} rise, fall or stay flat? | Which way does {a} go? | What is the trend of {a}?
    As for {a}: rising, falling or flat? | Is {a} going up, down or nowhere? | {a}: which trend?
    Where is {a} heading, up, down or nowhere? | What direction does {a} take?
    """,
    clauses="which way {a} goes | what the trend of {a} is | how {a} develops",
    whether="whether {a} is rising, falling or flat | whether {a} goes up or down",
    nouns="the trend of {a} | the direction of {a} | the overall trend in {a}",
    orders="""
    name the trend of {a} | tell me which way {a} goes | find out the trend in {a}
    take {a} only and name its trend
    """,
    leads=BOTH,
)
DRAW_MIXED = ways(
    """
    I'd like the shape of {a} drawn in the colour of {b}. | Can I have {a} in the colour of {b}?
    The shape of {a} with the colour of {b}: draw that. | Mix them: shape of {a}, colour of {b}.
    Shape from {a}, colour from {b}: make a picture. | What if {a} had the colour of {b}? Draw it.
    Combine the shape in {a} with the colour in {b} in a picture.
    """,
    nouns="""
    a picture of the shape in {a} in the colour of {b}
    a drawing with the shape of {a} and the colour of {b}
    """,
    orders="""
    draw the shape of {a} using the colour of {b} | paint {a} in the colour of {b}
    draw the shape from {a} with the colour from {b} | recolour {a} with the colour of {b}
    make a picture with the shape of {a} and the colour of {b}
    take the shape from {a} and the colour from {b} and draw it
    redraw {a} in the colour of {b} | sketch the shape of {a} in the colour of {b}
    """,
    leads=BOTH,
    each=7,
)
SAY_BOTH = ways(
    """
    I want to hear both colours. | Let me hear the two colours. | Both colours, aloud.
    Which two colours are there? Answer aloud. | Answer by voice: which colours are they?
    Both colours, spoken aloud. | The two colours, by voice.
    What are the two colours? Say them.
    say both colours | Speak: what are the colours?
    """,
    orders="""
    say both colours | say the two colours aloud | speak both colours | name both colours aloud
    say which colours the two have | read both colours out loud | say the colours of the two
    tell me both colours by voice | speak the colours of the two files
    """,
    leads=BOTH,
    each=7,
)
