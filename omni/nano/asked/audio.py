"""Ways to ask about a sound: what is heard, what is said, how often it beeps, where it glides."""

from __future__ import annotations

from omni.nano.asked.frames import LEADS, split, ways

SOUND = (
    *LEADS,
    *split("""
    Listen to this. | Please listen. | Here is a recording. | I recorded this. | Play this.
    Have a listen. | This is a sound file. | I got this voice message. | Listen carefully.
    Here's an audio clip. | This was on my phone. | One question about the recording.
    My speakers are broken. | I have a track here. | The audio is attached.
    """),
)
"""What is said before a question about a sound."""

WHAT_AUDIO = ways(
    """
    What is on this recording? | What does the audio contain? | What do we hear in the clip?
    What is to hear in this track? | What did the microphone pick up? | What is on the track?
    What does one hear? | What kind of sound is in the file? | What sounds are there?
    What is the recording of? | What would you call this sound? | What noise is that?
    How would you describe the sound? | What comes out of the speaker? | whats that sound
    What does this audio clip hold? | What did I just play to you? | What reaches your ears?
    If you listen, what do you hear? | What sort of audio is this? | What was recorded?
    """,
    clauses="""
    what you hear | what is on the recording | what this sound is | what the audio contains
    what can be heard | what kind of sound this is | what was recorded | what is on the track
    what the clip sounds like
    """,
    nouns="""
    a description of the sound | a caption for the recording | the content of the audio
    a short summary of the recording | the kind of sound on the track | a label for this sound
    """,
    orders="""
    describe the recording | describe what can be heard | listen and describe it
    tell me what sound this is | identify the sound | name the sound in the clip
    caption the audio | sum up the recording | put the sound into words
    listen to the track and report what you hear | write down what you hear
    """,
    leads=SOUND,
)
SAID = ways(
    """
    What is the speaker saying? | What words does the speaker use? | What does the message say?
    Which words does the recording contain? | What is the wording of the message?
    What is the voice telling me? | What are they saying? | What does he or she say?
    Which words were recorded? | What does it say, word for word? | What did the voice say?
    What is the text of this recording? | What was spoken? | What's being said?
    What words do you hear in the clip? | What did that person say? | what are they saying
    How does the spoken sentence go? | What did they record themselves saying?
    What does the person on the recording tell us? | What would the subtitles say?
    """,
    clauses="""
    what is said | what the voice says | which words are spoken | what the speaker said
    what words were recorded | what the message says | what is being said in the clip
    what the person on the recording says | what they are saying
    """,
    nouns="""
    the transcript | a transcript of the recording | the wording | the wording of the speaker
    the text of what is said | the exact wording | a set of subtitles for this clip
    the wording of the message | a written version of the speech
    """,
    orders="""
    transcribe the speech | transcribe what is said | write out the spoken words
    write down every word | type up the recording | convert the speech to text
    put down in writing what the voice says | make a transcript | write subtitles for this
    take down the words | quote what is said | write out the message | note the words you hear
    """,
    leads=SOUND,
)
COLOUR_NAMED = ways(
    """
    Which colour is said? | What colour do you hear? | Which colour does the speaker mention?
    What colour comes up in the recording? | Which colour is spoken about? | colour named?
    What colour was it that the voice named? | Which colour did they say? | Which colour is heard?
    What colour do the words contain? | What colour is the talk of? | Which colour word is there?
    What color is named by the speaker? | They mention a colour: which one?
    """,
    clauses="""
    which colour is named | what colour the voice mentions | which colour was said
    what colour they talk about | which colour comes up in the recording
    """,
    nouns="""
    the colour that is named | the colour the speaker mentions | the colour in the spoken words
    the named colour | the colour that you hear
    """,
    orders="""
    name the colour that is mentioned | tell me which colour is named
    listen for the colour and name it | write down the colour that was said
    pick out the colour that the speaker names
    """,
    leads=SOUND,
)
SHAPE_NAMED = ways(
    """
    Which shape is said? | What shape do you hear? | Which thing does the speaker mention?
    What object comes up in the recording? | Which shape is spoken about? | shape named?
    What thing was it that the voice named? | Which shape did they say? | Which object is heard?
    What figure do the words contain? | Which thing is the talk of? | Which shape word is there?
    What shape does the speaker name? | They mention a shape: which one?
    """,
    clauses="""
    which shape is named | what thing the voice mentions | which object was said
    what shape they talk about | which thing comes up in the recording
    """,
    nouns="""
    the shape that is named | the thing the speaker mentions | the shape in the spoken words
    the named object | the thing that you hear named
    """,
    orders="""
    name the shape that is mentioned | tell me which thing is named
    listen for the shape and name it | write down the thing that was said
    pick out the shape that the speaker names
    """,
    leads=SOUND,
)
BEEPS = ways(
    """
    How many beeps can be heard? | How many beeps does the clip have? | How many beeps was that?
    How often did it beep? | How many bleeps are on the recording? | What is the beep count?
    How many times did you hear a beep? | Was that two beeps, three, or how many?
    How many pips are there? | How many signals can you hear? | How many beeps in total?
    How often do you hear the beep? | How many beeps are on the track? | how often does it beep
    What number of beeps do you get? | It beeps how many times? | How many beeps sounded?
    """,
    clauses="""
    how many beeps there are | how often it beeps | how many beeps you hear
    how many times it beeped | how many beeps are on the recording | how many signals there were
    """,
    nouns="""
    the number of beeps | the beep count | the total number of beeps | the number of signals
    the count of the beeps in the clip
    """,
    orders="""
    count the beeps | count how many times it beeps | count every beep | tell me the number of beeps
    listen and count the beeps | count the signals in the recording | tally the beeps
    work out how often it beeps | keep count of the beeps
    """,
    leads=SOUND,
)
SWEEP = ways(
    """
    Does the pitch go up or down? | Is the tone going up or coming down? | Which way does it glide?
    Does the sound get higher or lower? | Is it a tone that climbs or one that falls?
    Is the frequency rising or falling? | Which way does the sweep run? | rising or falling?
    Does the tone end higher or lower than it began? | Does the note climb or sink?
    In which direction does the pitch change? | Is the whistle rising or falling?
    Higher and higher, or lower and lower? | Is the sweep upward or downward?
    Towards the end, is the tone higher or lower? | Does the pitch increase or decrease?
    Where is the pitch going? | Is the sweep going up? | Does the tone drop?
    """,
    clauses="""
    which way the tone goes | in which direction the pitch moves | how the pitch changes
    which way the sweep runs | where the pitch is going
    """,
    whether="""
    whether the tone rises or falls | whether the pitch goes up or down
    whether the sound gets higher or lower | whether it is a rising or a falling tone
    """,
    nouns="""
    the direction of the sweep | the direction in which the pitch moves
    the direction of the tone | the way the pitch goes
    """,
    orders="""
    tell me whether the tone rises or falls | follow the pitch and tell me where it goes
    decide whether the sweep goes up or down | name the direction of the sweep
    listen to the pitch and tell me which way it moves
    """,
    leads=SOUND,
)
