"""Ways to ask about any thing that is seen: what it is, its colour, shape and size, how many."""

from __future__ import annotations

from omni.nano.asked.frames import ways

WHAT = ways(
    """
    What have I attached here? | What is it that I sent you? | What might this be?
    So what is this thing? | What do you make of this? | What does the file contain?
    Any idea what this is? | What did I just upload? | What exactly is this?
    What can you tell me about this? | What is inside? | What is this supposed to be?
    What would you say this is? | And this is what? | What does my attachment hold?
    What have you got in front of you? | what is this pls | Which thing is this, in words?
    """,
    clauses="""
    what this is | what it is that I sent you | what is in the file | what you perceive
    what the attachment contains | what I have got here | what this file is about
    what I am dealing with | what came with this message
    """,
    nouns="""
    the content of the file | a description of this | a short description of what I sent
    a one-line summary of this file | a caption for this file | the gist of the attachment
    """,
    orders="""
    describe what I attached | describe the file | explain what this is
    sum up the attachment | tell me what you perceive | summarise this in one sentence
    write one sentence about this | put what you notice into words | identify this
    """,
)
COLOUR = ways(
    """
    What colour has the {noun} got? | Which colour was the {noun} painted in?
    In what colour does the {noun} come? | What colour would you say the {noun} is?
    What colour do you make it? | Which colour do you get? | And which colour might that be?
    Which of the colours does the {noun} have? | What is the {noun} coloured in?
    Red, green, blue or something else? | What colour does the {noun} show?
    What colour should I write down for the {noun}? | Red, blue, green, yellow: which one?
    If you had to name the colour of the {noun}, what would it be? | What color has it got?
    The {noun} is red, green, blue, or what? | Looking at the {noun}, which colour is it?
    What pigment would match the {noun}? | Which crayon would I need for the {noun}?
    Which paint would I buy to match the {noun}? | colour of the {noun}?
    """,
    clauses="""
    what colour the {noun} is | which colour it has | what colour this is
    which colour the {noun} was given | in which colour the {noun} is shown
    what color the {noun} has | how the {noun} is coloured | what hue the {noun} has
    which of the colours you see on the {noun}
    """,
    nouns="""
    the colour of the {noun} | the color of the {noun} | the hue of the {noun}
    the {noun}'s colour | the name of the colour | the tint of the {noun}
    """,
    orders="""
    name the colour of the {noun} | tell me which colour the {noun} has
    identify its colour | give me the colour in one word | write down the {noun}'s colour
    name the hue of the {noun} | pick the word for its colour | work out the colour
    """,
)
SHAPE = ways(
    """
    What shape has it got? | Which shape would you say it is? | What shape do you make it?
    Which geometric form does this have? | What is the figure called? | And its form is?
    Circle, square, triangle or what? | What kind of outline do you see?
    Is it round, square or of another form? | What would a geometer call it?
    Which figure does the outline make? | If you traced the outline, what figure would it be?
    What shape should I write down? | What sort of shape is it? | Which form was used?
    What name does this figure have? | What do you call a figure like that? | form??
    Star, heart, ring, cross: which one is it? | What form is the thing in?
    """,
    clauses="""
    what shape it is | which shape it has | what form the thing has | which figure it is
    what the figure is called | how it is shaped | which geometric shape this is
    what kind of outline it has | what sort of shape this is
    """,
    nouns="""
    the shape | the shape of the thing | the form of the object
    the name of the figure | its geometric form | the geometric name of the shape
    the kind of shape | the name of its shape
    """,
    orders="""
    name the shape | identify the shape | tell me which figure it is
    name its form | give me the name of the shape | classify the shape
    write down which shape it is | work out what shape it is | name the outline
    """,
)
HOW_BIG = ways(
    """
    How big would you say the {noun} is? | Is the {noun} on the large side or on the small side?
    Is it a big {noun} or a little one? | What are we talking about, large or small?
    What size would you give the {noun}? | Large, or rather small? | Is that a small {noun}?
    Would you put the {noun} down as small or as large? | How much room does the {noun} take up?
    Is it a small {noun}, or a large one? | What size has it got? | The {noun}: large or small?
    Does the {noun} count as large? | Is the {noun} any bigger than small? | Is it sizeable?
    If there were only small and large, which is the {noun}? | small or large?
    Does it look big to you or small? | What dimensions has the {noun}, large or small ones?
    """,
    clauses="""
    how big the {noun} is | how large it is | what size the {noun} has | which size it is
    how big you find the {noun} | what size this is | how much space the {noun} fills
    """,
    whether="whether the {noun} is large or small | whether it is big or small",
    nouns="""
    the size of the {noun} | its size | the {noun}'s size | the size, large or small
    the right word for its size | the rough size of the {noun}
    """,
    orders="""
    judge the size of the {noun} | tell me whether the {noun} is big or small
    estimate its size | classify the {noun} as small or large | name its size
    decide if it is small or large | write down how big the {noun} is
    """,
)
IS_COLOUR = ways(
    """
    Is the {noun} painted {asked}? | Is {asked} its colour? | Does the {noun} come in {asked}?
    Is that {noun} {asked} or not? | Is {asked} the right word for its colour? | {asked}?
    Would {asked} be the right colour? | Is {asked} what you see? | Did they make it {asked}?
    Is the colour of the {noun} {asked}? | Has the {noun} got the colour {asked}?
    Is it coloured {asked}? | Should I put down {asked} as its colour? | Is this {noun} {asked}?
    It's {asked}, isn't it? | The {noun} is {asked}, isn't it? | It is not {asked}, or is it?
    """,
    whether="""
    whether it is {asked} | whether the {noun} is {asked} | whether its colour is {asked}
    whether the thing is painted {asked} | whether {asked} is the right colour
    whether the colour of the {noun} is {asked}
    """,
    claims="""
    it is {asked} | it's {asked} | the {noun} is {asked} | its colour is {asked}
    this {noun} is {asked} | the thing is painted {asked} | the colour is {asked}
    """,
)
IS_SHAPE = ways(
    """
    Is what you see {asked}? | Is that thing {asked} or not? | Does it have the form of {asked}?
    Is the shape that of {asked}? | Is the object {asked}? | Would {asked} be the right name?
    Do we have {asked} here? | Is its outline that of {asked}? | Did someone make {asked} here?
    Are we looking at {asked}? | Is this supposed to be {asked}? | Should I write down {asked}?
    It's {asked}, isn't it? | This is {asked}, isn't it? | It is not {asked}, or is it?
    Would a geometer call it {asked}? | Is it shaped like {asked}? | Does the form match {asked}?
    """,
    whether="""
    whether it is {asked} | whether this is {asked} | whether the thing is {asked}
    whether it has the shape of {asked} | whether one would call it {asked}
    whether what I sent is {asked}
    """,
    claims="""
    it is {asked} | it's {asked} | this is {asked} | the thing is {asked}
    the object is {asked} | it has the shape of {asked} | the shape is that of {asked}
    """,
)
HOW_MANY = ways(
    """
    How many things do you count? | How many objects can you find? | What count do you get?
    How many separate shapes are visible? | How many of these things are there in all?
    What do you get if you count the things? | How many figures were drawn?
    Are there two things, three, or how many? | How many pieces do you see?
    Counting everything, how many objects is that? | How many elements does it have?
    How many objects should I write down? | How many things in total? | how many things
    What is the number of shapes altogether? | How many figures are shown here?
    How many things does one see in it? | The number of objects is what? | count?
    """,
    clauses="""
    how many things there are | how many objects you see | how many shapes are in it
    how many things are shown | how many figures there are in all
    how many objects you count | how many items it has
    """,
    nouns="""
    the number of things | the number of objects | the total number of shapes
    the count of the figures | the number of shapes in it | the total count of things
    """,
    orders="""
    count the things | count all the objects | count the figures | tell me the number of things
    count how many shapes there are | work out how many objects there are
    give me the number of objects | add up the things you see | count up the shapes
    """,
)
