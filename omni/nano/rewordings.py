"""More ways to ask what is asked most: longer, looser, more roundabout than in `wordings`."""

from __future__ import annotations

COLOUR = (
    *("I would like to know its colour.", "Which paint was used for the {noun}?", "its colour"),
    *("I am colour-blind, what colour is that?", "Say which colour it is in writing."),
    *("Could you name the colour of this {noun}?", "Do you recognise the colour?", "colour please"),
    *("What shade is the {noun}?", "The {noun} has which colour?", "is it red or blue or what"),
    *("What would you say the colour is?", "With what colour is the {noun} filled?"),
    *("Identify the color of the {noun}.", "Which of the colours is this one?", "what colour??"),
    *("Of what colour is that {noun}?", "I can't tell the colour, can you?", "Colour of it?"),
)
SHAPE = (
    *("I would like to know its shape.", "What is the thing's outline?", "its shape"),
    *("Do you recognise the shape?", "Could you name the shape of this?", "shape please"),
    *(
        "Is it a circle or a square or what?",
        "Identify the figure.",
        "What would you call its form?",
    ),
    *("Which of the shapes is this one?", "What form do you make out?", "Say which figure it is."),
    *("In geometry, what is it called?", "What sort of figure am I looking at?", "Form of it?"),
    *("The object has which shape?", "How would you name the form?", "what shape??"),
    *("What kind of figure has been drawn?", "Tell me its geometric form.", "Which form is that?"),
)
HOW_BIG = (
    *("I would like to know its size.", "Is the {noun} a large one or a small one?", "its size"),
    *("Does it take up much room?", "Would you say it is little?", "big or small?", "size please"),
    *("Judge its size for me.", "Is the {noun} rather small?", "Tell me whether it is large."),
    *("What about its size?", "How large would you call the {noun}?", "Large or not?"),
    *("Is this {noun} huge?", "Which size is it, large or small?", "Does the {noun} look small?"),
    *("Is it of the large sort?", "Say if it is big.", "Of what size is the {noun}?"),
)
PLACE = (
    *("I would like to know where it is.", "Whereabouts is it?", "Point out where it is."),
    *("At which edge is the {noun}?", "Left, right, top, bottom or middle?", "its position"),
    *("Which area of the picture holds the {noun}?", "To which side was it put?", "where??"),
    *("Is the {noun} in the middle or at a side?", "Where did they put the {noun}?"),
    *("What is its location?", "Where should I look for it?", "Whereabouts in the image is it?"),
    *("Say where the {noun} stands.", "Locate the {noun}.", "On what side do you see it?"),
)
HOW_MANY = (
    *("I would like to know how many there are.", "Give me a count of the objects.", "how many"),
    *("Is it one thing or several? How many?", "Could you count them for me?", "count them"),
    *("How many separate things can you make out?", "Number of objects?", "Count everything."),
    *("How many shapes does the picture hold?", "What is the count?", "Total of the things?"),
    *("How many different things were drawn?", "Say how many objects there are altogether."),
    *("Work out how many figures are in it.", "The picture has how many objects?"),
)
WHAT_IMAGE = (
    *("I cannot see the picture, what is in it?", "Say what you see in the picture in writing."),
    *("Write down all that is in the picture.", "Name everything in the image.", "alt text please"),
    *("Give me a caption for this.", "What would you write below this picture?"),
    *("What does one see in this image?", "Please go through what is in the picture."),
    *("Explain to me what was painted.", "Summarise the image in one sentence."),
    *("What is it that the picture shows?", "Tell me everything that you see in the image."),
)
WHAT_AUDIO = (
    *("I am deaf, what is in this recording?", "What is the sound?", "Tell me what you hear."),
    *("Please listen to this and report.", "What can be heard on it?", "Explain the sound."),
    *("Summarise the recording.", "What is in this audio file?", "Which sound is it?"),
)
SAID = (
    *("I cannot make out the words, can you?", "Please write out what the voice says."),
    *("What exactly is spoken?", "Put the spoken words in writing.", "words please"),
    *("Note down the words that are said.", "What am I being told?", "Quote the speaker."),
    *("What did she say?", "What did he say?", "Someone speaks: what are the words?"),
    *("Type what you hear.", "Which sentence is spoken?", "Could you transcribe it for me?"),
    *("What words come from the speaker?", "Let me read what was spoken.", "the words, please"),
)
BEEPS = (
    *("Could you count the beeps for me?", "How often does it sound?", "number of beeps"),
    *("I lost count of the beeps, how many were there?", "Count how often it beeps."),
    *("How many tones were there?", "The recording has how many beeps?", "how many beeps"),
    *("Say how many beeps came.", "How many short tones can you hear?", "Beeps: how many?"),
)
SWEEP = (
    *("Is the pitch getting higher or lower?", "Which way does the pitch run?"),
    *("Is it a rising or a falling tone?", "Does the sound climb or drop?", "up or down?"),
    *("Tell me if the tone goes up.", "Does the note get lower?", "Does the frequency increase?"),
    *("In what direction does the note glide?", "Say whether the tone climbs."),
)
WHAT_VIDEO = (
    *("I cannot play it, what happens in the video?", "Tell me what goes on in the clip."),
    *("What takes place in this film?", "Give me a summary of the clip.", "what happens"),
    *("Watch this and say in writing what happens.", "Say what you see in the video in words."),
    *("What is to be seen in the film?", "Narrate the video.", "Explain what goes on here."),
    *("Please caption the video.", "What is the clip of?", "What was filmed?"),
)
MOTION = (
    *("I would like to know how it moves.", "How does it change?", "its movement"),
    *("What becomes of the {noun}?", "In what way does the {noun} move?", "which way does it go"),
    *("What movement do you see?", "To which side does the {noun} travel?", "What does it do?"),
    *("Does it go somewhere, grow or turn? What is it?", "Tell me how the {noun} behaves."),
    *(
        "Which movement is made?",
        "How would you call this motion?",
        "What goes on with the {noun}?",
    ),
    *("Say what the {noun} does over time.", "Where does the {noun} go?", "Track the {noun}."),
)
WHAT_POINTS = (
    *("What do we have in this scan?", "What is this solid like?", "Tell me about the 3D model."),
    *("Explain what was scanned.", "Give me a description of the body.", "what is this 3d thing"),
    *("Say what the mesh shows in words.", "Summarise the scan.", "What has been modelled here?"),
    *("Please describe the solid.", "What does the 3D file hold?", "Describe this body in full."),
)
SOLID = (
    *("I would like to know which solid it is.", "Is it a cube or a sphere or what?"),
    *("Identify the solid.", "What is such a body called?", "Do you recognise the body?"),
    *("What kind of 3D form is it?", "The body is of which kind?", "solid please"),
    *("Say which geometric solid this is.", "What would you call this body?", "which solid"),
    *("Which three-dimensional shape is this?", "Tell me the kind of the body."),
)
WHAT_SERIES = (
    *("Explain the chart to me.", "What do you see in the measurements?", "Describe these values."),
    *(
        "Give me a summary of the series.",
        "What can one say about the data?",
        "what is in the data",
    ),
    *(
        "Please tell me how this series looks.",
        "Characterise the series.",
        "What kind of curve is it?",
    ),
    *("Put the course of the values into words.", "Summarise how the numbers develop."),
    *("I have these numbers, what do they tell?", "Report on this series."),
)
TREND = (
    *("I would like to know the trend.", "Overall, does it rise, fall or stay?", "its trend"),
    *("Are the values climbing?", "Do the numbers get larger over time?", "trend please"),
    *("Which direction is the curve heading?", "Is there growth, decline or neither?"),
    *("How do the values change in the long run?", "Is the curve going down?", "up, down or flat?"),
    *("Leaving ups and downs aside, where is it going?", "Is it increasing or decreasing?"),
    *("Tell me the overall direction of the data.", "Would you call it rising, falling or flat?"),
)
SEASON = (
    *("I would like to know if it is seasonal.", "Is there some rhythm in it?", "seasonal?"),
    *("Do the same ups and downs come again and again?", "Any regular swings?", "Is it cyclic?"),
    *("Does a pattern recur?", "Are there regular waves?", "Does it swing back and forth?"),
    *("Can you see a yearly or weekly pattern?", "Is there any periodicity in the numbers?"),
    *("Would you call the series periodic?", "Tell me if it repeats itself.", "any season?"),
)
CYCLES = (
    *(
        "I would like to know how many cycles it has.",
        "Count the waves for me.",
        "number of cycles",
    ),
    *("How many full waves are in it?", "How often does the pattern recur?", "how many cycles"),
    *("How many repetitions of the pattern are there?", "The curve has how many waves?"),
    *("Over the whole span, how many periods do you find?", "How many times does it go round?"),
)
EVENT = (
    *("I would like to know if anything odd happens.", "Is any point out of line?", "odd values?"),
    *(
        "Is there a sudden change somewhere?",
        "Does the series jump?",
        "Anything out of the ordinary?",
    ),
    *("Do you find anything abnormal?", "Did something break the pattern?", "any anomaly"),
    *("Are there values that do not fit?", "Is there some disturbance in the data?"),
    *(
        "Check the data for irregularities.",
        "Does anything stick out?",
        "Is the data clean or odd?",
    ),
    *("Are all values as expected, or does one stand out?", "Look for outliers: any?"),
)
WHEN_EVENT = (
    *("I would like to know when the odd thing happens.", "At what point does it go odd?"),
    *("Early, in the middle or late: when is it?", "Where in time does the anomaly lie?"),
    *("How far in does the strange part come?", "When did the series misbehave?", "when is it odd"),
    *("In which third is the event?", "When does the change come?", "Date the anomaly roughly."),
    *("Does the odd part come at the start or at the end?", "At which stage does it happen?"),
)
