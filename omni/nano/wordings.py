"""How people word what they ask; `{noun}` and `{thing}` are filled in."""

from __future__ import annotations

from collections.abc import Iterable

WHAT = (
    "What is this?",
    "What's this?",
    "What is that?",
    "What is it?",
    "What do you see?",
    "What can you see?",
    "What is shown here?",
    "What is in the file?",
    "Describe this.",
    "Describe it.",
    "Tell me what this is.",
    "Can you tell me what this is?",
    "Please describe what you see.",
    "Explain this.",
)
WHAT_IMAGE = (
    "What is in the picture?",
    "What is in this image?",
    "What does the picture show?",
    "Describe the image.",
    "Describe this picture.",
    "Caption this image.",
    "What is on this photo?",
)
COLOUR = (
    "What colour is it?",
    "What color is it?",
    "Which colour does it have?",
    "What is its colour?",
    "What colour is this?",
    "Name the colour.",
    "Tell me the color.",
    "Which color is it?",
    "What colour is the {noun}?",
    "What color is the {noun}?",
)
SHAPE = (
    "What shape is it?",
    "Which shape is it?",
    "What is its shape?",
    "What shape is this?",
    "Name the shape.",
    "What form does it have?",
    "Which shape do you see?",
    "Tell me the shape.",
)
HOW_BIG = (
    "How big is it?",
    "Is it large or small?",
    "Is it small or large?",
    "What size is it?",
    "What is its size?",
    "Is it big or small?",
)
PLACE = (
    "Where is it?",
    "Where is the {noun}?",
    "In which place is it?",
    "Where in the picture is it?",
    "Which side is it on?",
    "Where does it stand?",
)
WHAT_AUDIO = (
    "What do you hear?",
    "What can you hear?",
    "What is this sound?",
    "What does it sound like?",
    "Describe the sound.",
    "Listen and tell me what it is.",
    "What is in the recording?",
)
SAID = (
    "What is said?",
    "What was said?",
    "What does the voice say?",
    "Which words are spoken?",
    "Transcribe this.",
    "Write down what is said.",
    "What does the person say?",
    "What is being said here?",
)
BEEPS = (
    "How many beeps are there?",
    "How many beeps do you hear?",
    "Count the beeps.",
    "How often does it beep?",
    "What is the number of beeps?",
)
WHAT_VIDEO = (
    "What happens?",
    "What happens in the video?",
    "What happens here?",
    "Describe the video.",
    "What is going on?",
    "What do you see in this clip?",
    "What does the video show?",
)
MOTION = (
    "Which way does it move?",
    "In which direction does it move?",
    "How does it move?",
    "Where does it go?",
    "What does the {noun} do?",
    "Does it move, and where to?",
    "What is the motion?",
)
WHAT_POINTS = (
    "What solid is this?",
    "Which solid is it?",
    "What object is this?",
    "What do the points show?",
    "What is this 3D shape?",
    "Describe the point cloud.",
    "Describe the mesh.",
)
WHAT_SERIES = (
    "Describe the series.",
    "What do the numbers show?",
    "What does the data show?",
    "Describe the curve.",
    "What does this table show?",
    "Summarise the data.",
    "How does the series behave?",
)
TREND = (
    "What is the trend?",
    "Is it rising or falling?",
    "Does it go up or down?",
    "Which way does the series go?",
    "How does it develop?",
    "Is there a trend?",
)
SEASON = (
    "Is there a season?",
    "Is it seasonal?",
    "Does it repeat?",
    "Is there a seasonal pattern?",
    "Does the series have a cycle?",
    "Is there a periodic pattern?",
)
EVENT = (
    "Is there a spike?",
    "Is there an outlier?",
    "Does anything unusual happen?",
    "Are there anomalies?",
    "Is there something strange in it?",
    "Is there a break in the series?",
)
DRAW = (
    "Draw {thing}.",
    "draw {thing}",
    "Draw me {thing}.",
    "Paint {thing}.",
    "Please draw {thing}.",
    "Make a picture of {thing}.",
    "Make an image of {thing}.",
    "Show me {thing}.",
    "Generate an image of {thing}.",
    "Can you draw {thing}?",
    "Create a picture of {thing}.",
    "I want a picture of {thing}.",
    "Sketch {thing}.",
)
SAY = (
    "Say {thing}.",
    "say {thing}",
    'Say "{thing}".',
    "Please say {thing}.",
    "Speak: {thing}",
    "Say the words {thing}.",
    "Read aloud: {thing}",
    "Pronounce {thing}.",
    "Say {thing} aloud.",
    "Can you say {thing}?",
    "Speak the words {thing}.",
    "Tell me aloud: {thing}",
)
SAY_THIS = (
    "Say what you see.",
    "Say what this is.",
    "Tell me aloud what this is.",
    "Say aloud what is in the picture.",
    "Speak: what is this?",
)
DRAW_THIS = (
    "Draw it.",
    "Draw this.",
    "Draw what you hear.",
    "Draw what is said.",
    "Make a picture of it.",
    "Paint it.",
    "Show it as a picture.",
)


def wordings() -> Iterable[str]:
    """Every wording of a question: for the tokeniser and for tests."""
    for name, value in globals().items():
        if name.isupper() and isinstance(value, tuple):
            yield from value
