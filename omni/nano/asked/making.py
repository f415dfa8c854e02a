"""Ways to wish for something made: an answer that is spoken, or a picture of what was sent."""

from __future__ import annotations

from omni.nano.asked.frames import split, ways

SAY_THIS = split("""
    Say what you see. | Say what this is. | Tell me aloud what this is. | Speak: what is this?
    Say it aloud. | Answer by voice: what is it? | Read your answer aloud: what is this?
    Tell me with your voice what it is. | Say what I sent you. | Describe it by voice.
    """) + ways(
    """
    What is this? Answer aloud. | What is it? Please answer by voice. | What is it? Say it aloud.
    I want to hear what this is. | I'd like to hear the answer: what is it? | say what it is
    Could I hear what this is? | Let me hear what I sent you. | Use your voice: what is this?
    What is this? I'd rather listen than read. | I can't read now, so say what this is.
    Make a sound file of your answer: what is this? | Record your answer: what is it?
    I would like a spoken answer: what is this? | Voice message please: what is it?
    My eyes are tired, say aloud what this is. | Don't write, speak: what is it?
    """,
    nouns="""
    a spoken description of this | a voice message that names this | a spoken answer: what is it
    a recording of you naming this
    """,
    orders="""
    say aloud what this is | say what this is | speak your answer: what is it
    answer with your voice what it is | describe this aloud | name it aloud
    say in your voice what I attached | read out what this is | speak the name of this
    """,
    each=4,
)
SAY_PICTURE = split("""
    Say aloud what is in the picture. | Say what the picture shows. | Speak the caption.
    """) + ways(
    """
    What is in the picture? Say it aloud. | I want to hear what the picture shows.
    Let me hear what is in the image. | Voice the caption. | Speak: what is in the picture?
    I can't look at the photo, say what is in it. | Answer by voice: what does the image show?
    I'd like to hear the caption. | say what's in the picture | Read the caption aloud.
    """,
    nouns="a spoken caption for the picture | a spoken description of the image",
    orders="""
    say what is in the image | say aloud what the photo shows | speak a caption for the image
    describe the picture aloud | say what you see in the picture | read a caption out loud
    tell me by voice what is in the picture | name aloud what is in the photo
    """,
)
SAY_VIDEO = split("""
    Say aloud what happens. | Say what happens in the video. | Tell me by voice what goes on.
    """) + ways(
    """
    What happens in the clip? Say it aloud. | I want to hear what happens in the film.
    Let me hear what goes on in the video. | Speak: what happens here? | say what happens
    I can't watch it, say what happens. | Answer by voice: what happens in the clip?
    I'd like to hear what the film shows. | Comment on the video aloud. | Narrate it by voice.
    """,
    nouns="a spoken account of the video | a spoken summary of what happens",
    orders="""
    say what goes on in the clip | say aloud what the film shows | narrate the video aloud
    describe the footage aloud | say what you see happening | speak a caption for the video
    tell me by voice what happens | say aloud how it moves in the clip
    """,
)
SAY_POINTS = split("""
    Say aloud which solid it is. | Say what the points show. | Speak its name.
    """) + ways(
    """
    Which solid is it? Say it aloud. | I want to hear which solid this is. | say what solid it is
    Let me hear what the mesh shows. | Speak: which solid is it? | Voice the name of the solid.
    I can't view the model, say what it is. | Answer by voice: what does the scan show?
    I'd like to hear what was scanned. | What was scanned? Answer aloud.
    """,
    nouns="a spoken name for the solid | a spoken description of the model",
    orders="""
    say which solid it is | say aloud what the scan shows | speak the name of the solid
    describe the model aloud | say what the point cloud shows | name the body aloud
    tell me by voice which solid it is | say aloud what was scanned
    """,
)
SAY_SERIES = split("""
    Say aloud how the series goes. | Say how it develops. | Tell me by voice about the data.
    """) + ways(
    """
    How do the numbers develop? Say it aloud. | I want to hear how the series goes.
    Let me hear what the data shows. | Speak: how does the curve go? | say how the curve goes
    I can't look at the chart, say what it shows. | Answer by voice: what does the data show?
    I'd like to hear what the numbers show. | What does the chart show? Answer aloud.
    """,
    nouns="a spoken summary of the data | a spoken description of the curve",
    orders="""
    say how the series goes | say aloud what the chart shows | speak a summary of the data
    describe the curve aloud | say what the numbers do | sum up the table aloud
    tell me by voice how the values develop | say aloud how the data behaves
    """,
)
SAY_SOUND = split("""
    Say what you hear. | Say aloud what sound it is. | Name the sound aloud.
    """) + ways(
    """
    What sound is it? Say it aloud. | I want to hear you name the sound. | say what sound it is
    Let me hear you say what sound that is. | Speak: which sound is it?
    Voice the name of the sound. | Answer by voice: what do you hear? | What is it? Speak up.
    I'd like you to say what you hear. | What kind of sound is it? Answer aloud.
    """,
    nouns="a spoken name for the sound | a spoken description of the sound",
    orders="""
    say which sound you hear | say aloud what you hear | speak the name of the sound
    describe the sound aloud | say what is on the recording | name what you hear, aloud
    tell me by voice what sound this is | say aloud what kind of sound it is
    """,
)
SAY_COUNT = split("""
    Say aloud how many there are. | Say the number aloud. | Count them aloud.
    Tell me by voice how many. | Speak the count.
    """) + ways(
    """
    How many are there? Say it aloud. | I want to hear how many there are. | say how many
    Let me hear the number. | Speak: how many are there? | Voice the number.
    Answer by voice: how many are there? | I'd like to hear the count. | How many? Answer aloud.
    How many are there? Please speak. | Tell me the number, by voice.
    """,
    nouns="a spoken count | a spoken answer: how many",
    orders="""
    say how many there are | say aloud how many you count | speak the number
    count and say the number aloud | say the count | name the number aloud
    tell me by voice how many there are | count them and speak the result
    """,
)
REPEAT = split("""
    Repeat it. | Say it again. | Repeat that. | Say that again. | Repeat what was said.
    Say the same words. | Speak it back to me. | Echo it. | Say it in your own voice.
    Repeat after the speaker. | Say aloud what is said.
    """) + ways(
    """
    Can I hear that again in your voice? | I'd like to hear you repeat it. | say it again
    Let me hear the words in your voice. | What was said? Say it yourself. | repeat please
    Now you: say the same. | Your turn to say it. | Parrot it. | Once more, in your voice.
    How does it sound when you say it? | I want the same words from you. | Say it back.
    """,
    orders="""
    repeat the words | repeat what you heard | say the same thing | say back what was said
    repeat the sentence aloud | read out what was said | speak the same words
    say it once more | repeat the recording in your own voice | echo the speaker
    say again what the voice said | speak what the speaker said
    """,
)
DRAW_THIS = split("""
    Draw it. | Draw this. | Make a picture of it. | Paint it. | Show it as a picture.
    Draw what you see. | Sketch it. | Turn it into a picture. | Make an image of this.
    Can you draw that? | Give me a picture of it. | Please illustrate it.
    """) + ways(
    """
    How would you draw this? Do it. | I want to see it drawn. | I'd like a drawing of this.
    What would it look like as a picture? Draw it. | A picture of it, please. | draw this pls
    Can I have this as a picture? | Let me see your drawing of it. | Could I get a sketch of it?
    I need an illustration of this. | Picture it for me. | Drawing please.
    """,
    nouns="a drawing of this | a picture of it | a sketch of what I sent | an illustration of it",
    orders="""
    draw this | draw what I sent you | paint this | make a drawing of it | sketch this
    make a picture of what I sent | turn this into an image | create an image of it
    illustrate this | produce a picture of this | generate an image of it | draw it for my page
    """,
    each=4,
)
DRAW_PICTURE = split("""
    Draw the same. | Copy the picture. | Redraw this. | Draw it again, cleanly.
    """) + ways(
    """
    Can I have a clean copy of the picture? | I'd like the same picture again, drawn by you.
    Your version of this picture, please. | I need a cleaner drawing of this image.
    A redrawing of the picture, please. | Could you draw the same picture? | copy this picture
    """,
    nouns="a clean copy of the picture | a redrawn version of the image | a copy of this drawing",
    orders="""
    redraw the picture | draw the picture again | copy the image | draw a copy of this
    reproduce the picture | draw the same thing again | make a clean copy of the image
    paint the picture once more | draw your own version of the image
    """,
    each=6,
)
DRAW_VIDEO = split("""
    Draw what moves. | Draw the thing in the film. | Draw what the video shows.
    """) + ways(
    """
    A picture of what is in the video, please. | I'd like a still image of the film, drawn.
    Can I have a drawing of what moves? | I need a thumbnail of the clip: draw one.
    What is in the clip? Draw it. | Could I get a sketch of the thing in the film?
    """,
    nouns="""
    a drawing of what the video shows | a picture of the thing in the clip
    a drawing of what moves in the film
    """,
    orders="""
    draw what is in the clip | draw the thing that moves | draw what the film shows
    paint what you see in the video | sketch the thing in the clip
    make a picture of what the video shows | draw a poster for the film
    turn the clip into one picture | draw what the footage shows
    """,
    each=6,
)
DRAW_POINTS = split("""
    Draw the solid. | Render it. | Draw a view of it. | Show me how it looks.
    """) + ways(
    """
    A rendering, please. | I'd like a picture of the model. | Can I have a view of the solid?
    What does the solid look like? Draw it. | I need a preview image of the mesh.
    Could I get a rendering of the scan? | render pls
    """,
    nouns="a rendering of the model | a picture of the solid | a preview image of the mesh",
    orders="""
    render the model | render the mesh | draw the body | draw what was scanned
    make a picture of the solid | draw the model in 3D | show the solid as a picture
    make a rendering of the point cloud | draw a picture of the mesh | paint the solid
    """,
    each=6,
)
DRAW_SERIES = split("""
    Plot it. | Draw the curve. | Make a plot. | Sketch the series. | Chart the data.
    """) + ways(
    """
    A plot, please. | I'd like a plot of the data. | Can I have a chart of these numbers?
    What does the curve look like? Plot it. | I need a graph of the series. | plot pls
    Could I get a line chart of this? | Let me see the curve as a picture.
    """,
    nouns="""
    a plot of the series | a chart of the data | a graph of the numbers | a line chart of it
    """,
    orders="""
    plot the series | plot the data | draw a chart of the numbers | draw the graph
    make a chart of the data | make a line chart | graph the values | sketch the curve
    turn the table into a plot | visualise the data | draw a plot of the measurements
    chart the series | plot how the numbers go
    """,
)
DRAW_SOUND = split("""
    Draw what you hear. | Draw what is said. | Draw what is named. | Draw the words.
    """) + ways(
    """
    A picture of what is said, please. | I'd like to see what they talk about: draw it.
    Can I have a drawing of what is named? | The voice names something: draw that.
    What does the speaker name? Draw it. | I need an illustration of what was said.
    """,
    nouns="""
    a drawing of what is said | a picture of what the voice names
    an illustration of the spoken words
    """,
    orders="""
    draw what the voice says | draw what the speaker names | paint what is said
    sketch the thing that is named | listen and draw what you hear named
    make a picture of what was said | draw the thing that was mentioned
    illustrate the spoken words | turn the words into a picture
    """,
    each=6,
)
