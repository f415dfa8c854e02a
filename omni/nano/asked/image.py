"""Ways to ask about a picture: what it shows, where, and how often something is in it."""

from __future__ import annotations

from omni.nano.asked.frames import LEADS, split, ways

PICTURE = (
    *LEADS,
    *split("""
    Look at the picture. | Here is a picture. | Look at this image. | I took this photo.
    This picture is for my website. | My daughter made this drawing. | Here's an image.
    I found this image online. | See the attached image. | One question about the picture.
    I can't open the image. | Take a close look at the image. | The picture is attached.
    Here is a photo I got. | This is a picture from my book.
    """),
)
"""What is said before a question about a picture."""

WHAT_IMAGE = ways(
    """
    What would a caption of this picture be? | What do you notice in the image?
    What is visible in the picture? | What does one find in this photo?
    What is there to see in the picture? | What does this image contain?
    What has been put in the picture? | What is the picture of? | What is this a picture of?
    What is the subject of the image? | What would you write under this photo?
    What do we see in the photo? | Which objects does the image hold? | what's in the pic
    How would you describe the picture? | What did the artist put in this picture?
    What did I take a photo of? | What does the graphic show? | what is on the picture
    What can be made out in the image? | What is pictured here?
    """,
    clauses="""
    what is in the picture | what the image shows | what can be seen in the photo
    what this is a picture of | what the drawing shows | what is visible in the image
    what the picture contains | what is on the photo | what you see in the picture
    """,
    nouns="""
    a caption for the picture | a description of the image | the content of the picture
    an alt text for this image | a short summary of the picture | the subject of the photo
    a line about the picture | a title for this drawing
    """,
    orders="""
    describe the picture | caption the photo | describe what is in the image
    list the things in the picture | tell me what the photo shows | write an alt text
    put the picture into words | describe this drawing | write a caption for the image
    explain what can be seen in the picture | name what is in the photo
    """,
    leads=PICTURE,
)
EVERYTHING = ways(
    """
    What are all the things with their sizes? | Which things are there, one after another?
    From left to right, what are all the things? | What is the whole list, with sizes?
    Can I have the complete list of things with their sizes? | Which things, and of what size?
    Reading from the left, which things are there and how big is each?
    """,
    nouns="""
    a complete list of the things with their sizes | the full list from left to right
    a list of every object and its size | an inventory of the picture, with sizes
    the whole list of shapes with their sizes | a full inventory of the shapes
    """,
    orders="""
    list everything from left to right | list all the things with their sizes
    name every object with its size | go through all the things one by one
    enumerate every shape with its size | make an inventory of the picture, sizes included
    name all the shapes from left to right | list each thing, small or large, from the left
    give every single thing with its size | leave nothing out and list all the shapes
    """,
    leads=PICTURE,
    each=7,
)
PLACE = ways(
    """
    In what part of the image is it? | To what part of the picture does it belong?
    Where in the image is the {noun}? | On which side is the {noun}? | Where was it put?
    Is the {noun} left, right, up, down or in the centre? | Where is the {noun} placed?
    Where on the canvas is the {noun}? | At what spot is the {noun}? | its place?
    Where did the artist put the {noun}? | Left, right or centre: where is the {noun}?
    In which area does the {noun} lie? | Where would I point to find the {noun}?
    Is it at the top, the bottom, a side or the middle? | Where do I find the {noun}?
    Whereabouts in the picture is the {noun}? | Which place does the {noun} have?
    """,
    clauses="""
    where the {noun} is | where it is | where in the picture the {noun} is
    on which side the {noun} is | where the {noun} was put | in which part of the image it is
    where I can find the {noun} | where one has to look for the {noun}
    """,
    nouns="""
    the position of the {noun} | its position | the place of the {noun} in the picture
    the {noun}'s place | the location of the {noun} | its location in the image
    the side on which the {noun} is
    """,
    orders="""
    locate the {noun} | tell me where the {noun} is | find the {noun} and tell me where it is
    name the side on which it is | describe where the {noun} lies
    give me its position | work out the place of the {noun} | point me to the {noun}
    """,
    leads=PICTURE,
)
HOW_MANY_SHAPES = ways(
    """
    How many {asked} does the picture show? | How many {asked} can be seen?
    What is the count of {asked}? | How many {asked} were drawn? | {asked}: how many?
    Of all the things, how many are {asked}? | How many {asked} does it have?
    Are there any {asked}, and how many? | How many {asked} are in it?
    How many {asked} has the picture got?
    How many {asked} do you count? | How many {asked} in total? | number of {asked}?
    """,
    clauses="""
    how many {asked} there are | how many {asked} you see | how many of the things are {asked}
    how many {asked} are in the picture | how many {asked} were drawn
    """,
    nouns="the number of {asked} | the count of {asked} | the total of {asked}",
    orders="""
    count all the {asked} | count just the {asked} | tell me the number of {asked}
    find all {asked} and count them | work out how many {asked} there are
    count up the {asked} in the picture | look only for {asked} and count them
    """,
    leads=PICTURE,
    each=6,
)
HOW_MANY_COLOURED = ways(
    """
    How many things have the colour {asked}? | How many {asked} objects can be seen?
    Of all the things, how many are {asked}? | How many {asked} figures were drawn?
    How many shapes come in {asked}? | In {asked}, how many things are there?
    How many {asked} things do you count? | How many of the shapes are {asked}?
    Are any things {asked}, and how many? | How many things share the colour {asked}?
    How many {asked} ones does it have? | How many were painted {asked}? | how many {asked} ones
    """,
    clauses="""
    how many things are {asked} | how many {asked} objects there are
    how many of the shapes are {asked} | how many {asked} things you see
    how many figures have the colour {asked}
    """,
    nouns="""
    the number of {asked} objects | the count of {asked} things
    the number of shapes in {asked} | the total of {asked} figures
    """,
    orders="""
    count the {asked} things | count all {asked} objects | count whatever is {asked}
    tell me how many things are {asked} | find the {asked} shapes and count them
    count only the {asked} figures | work out how many shapes are {asked}
    """,
    leads=PICTURE,
    each=6,
)
EXISTS = ways(
    """
    Is {thing} anywhere in the picture? | Can {thing} be seen? | Is {thing} visible?
    Does the image contain {thing}? | Did they draw {thing}? | Do you spot {thing}?
    Is one of the things {thing}? | Was {thing} drawn? | Can you make out {thing}?
    Is there {thing} somewhere? | Are we shown {thing}? | Is there {thing} or not?
    Could you find {thing} in there? | Do I see {thing} there? | Does {thing} occur in it?
    There is {thing}, isn't there? | Is {thing} part of the picture? | any sign of {thing}?
    """,
    whether="""
    whether there is {thing} | whether the picture has {thing} in it
    whether you can see {thing} | whether {thing} is among the things
    whether {thing} was drawn | whether the image shows {thing}
    """,
    claims="""
    there is {thing} in the picture | there is {thing} | one of the things is {thing}
    the image shows {thing} | the picture has {thing} in it | you can see {thing}
    """,
    orders="look for {thing} and tell me if there is one | check for {thing} | search for {thing}",
    leads=PICTURE,
)
