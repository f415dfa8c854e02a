"""How people word what they ask about media; what stands in braces is filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from omni.nano import rewordings as more
from omni.nano.asked import audio, image, making, points, series, several, things, video

WHAT = (
    *("What is this?", "What's this?", "What is that?", "What is it?", "What do you see?"),
    *("What can you see?", "What is shown here?", "What is in the file?", "Describe this."),
    *("Describe it.", "Tell me what this is.", "Can you tell me what this is?", "Explain this."),
    *("Please describe what you see.", "What have we got here?", "What do I have here?"),
    *("Give me a description.", "What does this show?", "What is the content of this file?"),
    *("Summarise what I attached.", "What did I send you?", "What am I looking at?"),
    *(
        "Put this into words.",
        "What would you call this?",
        "Say in a sentence what it is in words.",
    ),
    *things.WHAT,
)
WHAT_IMAGE = (
    *("What is in the picture?", "What is in this image?", "What does the picture show?"),
    *("Describe the image.", "Describe this picture.", "Caption this image.", "Write a caption."),
    *("What is on this photo?", "What is depicted here?", "What do you see in the picture?"),
    *("Which things are in the picture?", "What objects can you see?", "List what you see."),
    *("What is drawn here?", "What does this drawing show?", "Tell me what is on the image."),
    *more.WHAT_IMAGE,
    *image.WHAT_IMAGE,
)
EVERYTHING = (
    *("List every thing with its size.", "Name each shape, one by one, with its size."),
    *("Go from left to right and name every thing.", "Enumerate all things from left to right."),
    *("Give me a full list of the shapes.", "What are all the things, from left to right?"),
    *("Make a complete list of what is in the picture.", "Name everything, from left to right."),
    *image.EVERYTHING,
)
COLOUR = (
    *(
        "What colour is it?",
        "What color is it?",
        "Which colour does it have?",
        "Which color is it?",
    ),
    *("What is its colour?", "What colour is this?", "Name the colour.", "Tell me the color."),
    *("What colour is the {noun}?", "What color is the {noun}?", "In which colour is it painted?"),
    *("What is the colour of the {noun}?", "How is it coloured?", "Colour?", "What hue is it?"),
    *("Give me the colour of the {noun}.", "Which colour do you see?", "What tint has the {noun}?"),
    *more.COLOUR,
    *things.COLOUR,
)
SHAPE = (
    *("What shape is it?", "Which shape is it?", "What is its shape?", "What shape is this?"),
    *("Name the shape.", "What form does it have?", "Which shape do you see?", "Shape?"),
    *("Tell me the shape.", "What is the form of the thing?", "What figure is it?"),
    *("Which figure is shown?", "What kind of shape is that?", "What geometric shape is this?"),
    *("How is it shaped?", "What outline does it have?", "Which geometric figure is it?"),
    *more.SHAPE,
    *things.SHAPE,
)
HOW_BIG = (
    *("How big is it?", "Is it large or small?", "Is it small or large?", "What size is it?"),
    *("What is its size?", "Is it big or small?", "How large is it?", "Is the {noun} big?"),
    *("How big is the {noun}?", "What size does the {noun} have?", "Is it tiny or big?"),
    *("Tell me its size.", "Would you call it large or small?", "Size?"),
    *more.HOW_BIG,
    *things.HOW_BIG,
)
PLACE = (
    *(
        "Where is it?",
        "Where is the {noun}?",
        "In which place is it?",
        "Where in the picture is it?",
    ),
    *(
        "Which side is it on?",
        "Where does it stand?",
        "Where can it be found?",
        "Where does it lie?",
    ),
    *("In which part of the picture is the {noun}?", "Where exactly do you see it?"),
    *("What is the position of the {noun}?", "Tell me where it is.", "Where is it located?"),
    *more.PLACE,
    *image.PLACE,
)
IS_COLOUR = (
    *("Is it {asked}?", "Is this {asked}?", "Is the {noun} {asked}?", "Is that thing {asked}?"),
    *("Would you say it is {asked}?", "Does it look {asked}?", "Is its colour {asked}?"),
    *things.IS_COLOUR,
)
IS_SHAPE = (
    *("Is it {asked}?", "Is this {asked}?", "Is that {asked}?", "Is the thing {asked}?"),
    *("Would you call it {asked}?", "Does it look like {asked}?", "Could it be {asked}?"),
    *things.IS_SHAPE,
)
HOW_MANY = (
    *("How many things are there?", "How many objects are there?", "How many shapes do you see?"),
    *("Count the objects.", "How many are there?", "What is the number of things?"),
    *(
        "How many things are in the picture?",
        "Count the shapes.",
        "How many figures can you count?",
    ),
    *("Count what you see.", "How many items are shown?", "What number of objects is there?"),
    *more.HOW_MANY,
    *things.HOW_MANY,
)
HOW_MANY_SHAPES = (
    *("How many {asked} are there?", "How many {asked} do you see?", "Count the {asked}."),
    *("What is the number of {asked}?", "How many of them are {asked}?", "How many {asked}?"),
    *("Tell me how many {asked} there are.", "How many {asked} can you find?"),
    *image.HOW_MANY_SHAPES,
)
HOW_MANY_COLOURED = (
    *("How many {asked} things are there?", "How many {asked} shapes do you see?"),
    *("Count the {asked} ones.", "How many objects are {asked}?", "How many are {asked}?"),
    *("What is the number of {asked} things?", "How many things are painted {asked}?"),
    *image.HOW_MANY_COLOURED,
)
COLOUR_OF = (
    *("What colour is the {noun}?", "What color is the {noun}?", "Which colour has the {noun}?"),
    *("What is the colour of the {noun}?", "Tell me the colour of the {noun}."),
    *("The {noun}: what colour is it?", "How is the {noun} coloured?", "Name the {noun}'s colour."),
    *several.COLOUR_OF,
)
SHAPE_OF = (
    *("What shape is the {colour} thing?", "Which shape is {colour}?", "What is the {colour} one?"),
    *("What is the {colour} object?", "Which form does the {colour} one have?"),
    *("Tell me the shape of the {colour} thing.", "What {colour} thing do you see?"),
    *("What is painted {colour}?", "Which figure is {colour}?"),
    *several.SHAPE_OF,
)
SIZE_OF = (
    *("How big is the {noun}?", "Is the {noun} large or small?", "What size is the {noun}?"),
    *("Tell me how large the {noun} is.", "Is the {noun} big or small?"),
    *several.SIZE_OF,
)
EXISTS = (
    *("Is there {thing}?", "Do you see {thing}?", "Can you see {thing}?", "Is {thing} in it?"),
    *(
        "Is there {thing} in the picture?",
        "Does the picture show {thing}?",
        "Can you find {thing}?",
    ),
    *("Is {thing} among them?", "Look for {thing}: is it there?"),
    *image.EXISTS,
)
WHERE_RELATIVE = (
    *("Where is the {a} relative to the {b}?", "Where is the {a}, seen from the {b}?"),
    *("How does the {a} lie to the {b}?", "On which side of the {b} is the {a}?"),
    *("Where is the {a} compared with the {b}?", "In which direction from the {b} is the {a}?"),
    *several.WHERE_RELATIVE,
)
IS_RELATIVE = (
    *("Is the {a} {relation} the {b}?", "Is it true that the {a} is {relation} the {b}?"),
    *("Does the {a} lie {relation} the {b}?", "Would you say the {a} is {relation} the {b}?"),
    *several.IS_RELATIVE,
)
WHAT_BESIDE = (
    *("What is {relation} the {a}?", "What do you see {relation} the {a}?"),
    *("Which thing is {relation} the {a}?", "What lies {relation} the {a}?"),
    *("Name what is {relation} the {a}.", "What can be found {relation} the {a}?"),
    *several.WHAT_BESIDE,
)
RELATION_WORDS = {
    "left of": ("left of", "to the left of", "on the left of", "left of"),
    "right of": ("right of", "to the right of", "on the right of", "right of"),
    "above": ("above", "over", "higher than", "above"),
    "below": ("below", "under", "lower than", "below"),
}
OUTERMOST = several.OUTERMOST
WHICH_SIZE = (
    *("Which is {wish}, the {a} or the {b}?", "What is {wish}: the {a} or the {b}?"),
    *("The {a} or the {b}: which one is {wish}?", "Of the {a} and the {b}, which is {wish}?"),
    *several.WHICH_SIZE,
)
SAME_COLOUR = (
    *("Do the {a} and the {b} have the same colour?", "Are the {a} and the {b} of one colour?"),
    *("Is the {a} of the same colour as the {b}?", "Do {a} and {b} share a colour?"),
    *several.SAME_COLOUR,
)
WHAT_AUDIO = (
    *("What do you hear?", "What can you hear?", "What is this sound?", "What does it sound like?"),
    *("Describe the sound.", "Listen and tell me what it is.", "What is in the recording?"),
    *("What sort of sound is that?", "Describe what you hear.", "What is on the tape?"),
    *("What is to be heard?", "What kind of noise is it?", "What did I record?"),
    *more.WHAT_AUDIO,
    *audio.WHAT_AUDIO,
)
SAID = (
    *("What is said?", "What was said?", "What does the voice say?", "Which words are spoken?"),
    *("Transcribe this.", "Write down what is said.", "What does the person say?"),
    *("What is being said here?", "Give me a transcript.", "Transcribe the recording."),
    *("What are the words?", "What did the speaker say?", "Type out what you hear spoken."),
    *("Which words do you hear?", "Turn the speech into text."),
    *more.SAID,
    *audio.SAID,
)
COLOUR_NAMED = (
    *("Which colour is named?", "What colour is mentioned?", "What colour does the voice name?"),
    *("Which color do they talk about?", "What colour is spoken of?"),
    *audio.COLOUR_NAMED,
)
SHAPE_NAMED = (
    *("Which shape is named?", "What thing is mentioned?", "What object does the voice name?"),
    *("Which thing do they talk about?", "What figure is spoken of?"),
    *audio.SHAPE_NAMED,
)
BEEPS = (
    *("How many beeps are there?", "How many beeps do you hear?", "Count the beeps."),
    *("How often does it beep?", "What is the number of beeps?", "How many times does it beep?"),
    *("Tell me how many beeps there are.", "How many signals sound?"),
    *more.BEEPS,
    *audio.BEEPS,
)
SWEEP = (
    *(
        "Does the tone rise or fall?",
        "Which way does the tone go?",
        "Is the tone rising or falling?",
    ),
    *("Does it go up or down?", "How does the pitch move?", "In which direction does it sweep?"),
    *more.SWEEP,
    *audio.SWEEP,
)
WHAT_VIDEO = (
    *("What happens?", "What happens in the video?", "What happens here?", "Describe the video."),
    *("What is going on?", "What do you see in this clip?", "What does the video show?"),
    *(
        "Describe what happens in the film.",
        "Tell me what is going on.",
        "What does the clip show?",
    ),
    *("Summarise the video.", "What is the film about?", "What occurs in this movie?"),
    *more.WHAT_VIDEO,
    *video.WHAT_VIDEO,
)
MOTION = (
    *("Which way does it move?", "In which direction does it move?", "How does it move?"),
    *("Where does it go?", "What does the {noun} do?", "What is the motion?"),
    *("How does the {noun} move?", "What is the {noun} doing?", "What kind of movement is it?"),
    *("Where is the {noun} heading?", "What happens to the {noun}?", "Describe the motion."),
    *more.MOTION,
    *video.MOTION,
)
DOES_MOVE = (
    *("Does it move?", "Does the {noun} move?", "Is anything happening?", "Is the {noun} moving?"),
    *("Does it move at all?", "Is there any motion?", "Does something happen to the {noun}?"),
    *video.DOES_MOVE,
)
COLLIDE = (
    *("Do they collide?", "Do they meet?", "Do they hit each other?", "Do the two things touch?"),
    *("Is there a collision?", "Do they bump into each other?", "Does one thing hit the other?"),
    *video.COLLIDE,
)
WHAT_POINTS = (
    *("What do the points show?", "What is this 3D shape?", "Describe the point cloud."),
    *("Describe the mesh.", "What does the scan show?", "What is this model of?"),
    *("What thing was scanned?", "Describe the 3D object.", "What is in this 3D file?"),
    *more.WHAT_POINTS,
    *points.WHAT_POINTS,
)
SOLID = (
    *("What solid is this?", "Which solid is it?", "What object is this?", "What shape is it?"),
    *("What is its shape?", "Which body is it?", "What kind of solid do you see?"),
    *(
        "What geometric body is this?",
        "Name the solid.",
        "What 3D shape is it?",
        "Which form is it?",
    ),
    *more.SOLID,
    *points.SOLID,
)
PROPORTION = (
    *("Is it tall or flat?", "Is it flat or tall?", "Is the {noun} tall or flat?"),
    *("Is it stretched or flattened?", "How is the {noun} proportioned?", "Is it high or flat?"),
    *points.PROPORTION,
)
WHAT_SERIES = (
    *("Describe the series.", "What do the numbers show?", "What does the data show?"),
    *("Describe the curve.", "What does this table show?", "Summarise the data."),
    *("How does the series behave?", "What is in this data?", "Tell me about these numbers."),
    *("What story does the data tell?", "Describe how the values develop.", "Analyse the series."),
    *more.WHAT_SERIES,
    *series.WHAT_SERIES,
)
TREND = (
    *("What is the trend?", "Is it rising or falling?", "Which way does the series go?"),
    *("Does it go up or down?", "How does it develop?", "Is there a trend?", "Trend?"),
    *("Do the values grow or shrink?", "In which direction do the numbers go?"),
    *("Is it going up, down or nowhere?", "What is the long-run direction?"),
    *more.TREND,
    *series.TREND,
)
SEASON = (
    *("Is there a season?", "Is it seasonal?", "Does it repeat?", "Is there a seasonal pattern?"),
    *("Does the series have a cycle?", "Is there a periodic pattern?", "Is it periodic?"),
    *("Does the curve come back in waves?", "Do you see a repeating pattern?"),
    *("Does it go up and down regularly?", "Is there seasonality?"),
    *more.SEASON,
    *series.SEASON,
)
CYCLES = (
    *("How many cycles are there?", "How often does it repeat?", "How many waves do you count?"),
    *(
        "How many times does the season come round?",
        "Count the cycles.",
        "How many periods are there?",
    ),
    *("What is the number of cycles?", "How many seasons does it go through?"),
    *more.CYCLES,
    *series.CYCLES,
)
EVENT = (
    *("Are there anomalies?", "Is there something strange in it?", "Does anything unusual happen?"),
    *("Does something special happen?", "Is anything odd about it?", "Do you notice an event?"),
    *("Is there an anomaly?", "Anything unusual?", "Does it change suddenly?"),
    *more.EVENT,
    *series.EVENT,
)
EVENT_NAMED = series.EVENT_NAMED
WHEN_EVENT = (
    *("When does it happen?", "When does the unusual thing happen?", "Where is the anomaly?"),
    *("At which time is the event?", "Is the event early or late?", "When is the break?"),
    *("In which part of the series is it?", "How late does the strange thing happen?"),
    *more.WHEN_EVENT,
    *series.WHEN_EVENT,
)
SAY_THIS = making.SAY_THIS
SAY_PICTURE = making.SAY_PICTURE
SAY_VIDEO = making.SAY_VIDEO
SAY_POINTS = making.SAY_POINTS
SAY_SERIES = making.SAY_SERIES
SAY_SOUND = making.SAY_SOUND
SAY_COUNT = making.SAY_COUNT
REPEAT = making.REPEAT
DRAW_THIS = making.DRAW_THIS
DRAW_PICTURE = making.DRAW_PICTURE
DRAW_VIDEO = making.DRAW_VIDEO
DRAW_POINTS = making.DRAW_POINTS
DRAW_SERIES = making.DRAW_SERIES
DRAW_SOUND = making.DRAW_SOUND


def wordings() -> Iterable[str]:
    """Every wording of a question: for the tokeniser and for tests."""
    for name, value in globals().items():
        if name.isupper() and isinstance(value, tuple):
            yield from value
        elif name.isupper() and isinstance(value, Mapping):
            for several in value.values():
                yield from several
