"""Ways to ask about a film: what happens, how something moves, whether two things meet."""

from __future__ import annotations

from omni.nano.asked.frames import LEADS, split, ways

FILM = (
    *LEADS,
    *split("""
    Watch this. | Watch the clip. | Here is a short film. | I filmed this. | Look at the footage.
    Here's a video. | This clip was sent to me. | One question about the video. | Play the clip.
    This is footage from my camera. | The video is attached. | I can't play the video.
    Watch the whole film first. | My phone recorded this clip. | It is a short animation.
    """),
)
"""What is said before a question about a film."""

WHAT_VIDEO = ways(
    """
    What goes on in the film? | What takes place in the clip? | What is happening in the video?
    What do we see in the footage? | What does the footage show? | What happens in this clip?
    What can be watched here? | What does the film show? | What is shown in the animation?
    What would you tell someone who missed the video? | What is the plot of this clip?
    What did my camera film? | What is there to watch? | What is this video about?
    How would you describe the video? | What is filmed here? | whats happening in the clip
    What happened while I filmed? | What do you see happening? | What does this recording show?
    What event does the video capture? | What is the action in this clip?
    """,
    clauses="""
    what happens in the video | what goes on in the clip | what is happening here
    what the film shows | what takes place in the footage | what the video is about
    what one sees in the animation | what happens in the film | what can be seen in the clip
    """,
    nouns="""
    a summary of the video | a caption for the clip | a description of the footage
    a description of what happens | the content of the film | the action in the clip
    a one-line summary of the film | a log entry for this footage
    """,
    orders="""
    describe the clip | summarise the film | describe what goes on | caption the video
    tell me what happens in the clip | describe the footage | watch it and report what happens
    put what happens into words | write one line about the video | retell the film
    explain what happens in the video | sum up the clip | log what happens in the footage
    """,
    leads=FILM,
)
MOTION = ways(
    """
    What motion does the {noun} make? | Which way is the {noun} going? | How is the {noun} moving?
    In which direction is the {noun} heading? | What sort of motion is this?
    Where is the {noun} off to? | What movement does the {noun} perform? | How does the {noun} act?
    Does the {noun} move left, right, up or down, or does it do something else?
    Left, right, up, down, or something else: how does it move? | its motion?
    What does the {noun} do in the clip? | What kind of motion does the {noun} show?
    In what manner is the {noun} moving? | Which way does the {noun} travel?
    Where does the {noun} move to? | What change does the {noun} go through?
    Does it slide, turn, grow or bounce? Which? | What is the {noun} up to?
    What becomes of the {noun} during the film? | How would you describe its movement?
    """,
    clauses="""
    how the {noun} moves | which way the {noun} goes | what the {noun} does
    in which direction the {noun} moves | what kind of motion it is | where the {noun} is going
    what movement the {noun} makes | how the {noun} behaves in the film
    what the {noun} is doing
    """,
    nouns="""
    the motion of the {noun} | the movement of the {noun} | its motion | its movement
    the {noun}'s movement | the kind of motion | the direction of the movement
    a description of how the {noun} moves
    """,
    orders="""
    describe how the {noun} moves | describe the movement | name the motion of the {noun}
    follow the {noun} and tell me what it does | tell me which way the {noun} moves
    watch the {noun} and describe its motion | explain what the {noun} does
    identify the kind of motion | track how the {noun} moves | name the movement
    """,
    leads=FILM,
)
DOES_MOVE = ways(
    """
    Is the {noun} in motion? | Is there movement in the clip? | Does the {noun} do anything?
    Is the {noun} moving or still? | Does the {noun} stay where it is, or does it move?
    Is anything going on with the {noun}? | Does the {noun} stir? | Is it moving at all?
    Does something change in the film? | Is it a still scene, or does the {noun} move?
    Can you see any movement? | Has the {noun} moved? | Does the {noun} change in any way?
    The {noun} moves, doesn't it? | any movement? | Is the {noun} active in any way?
    """,
    whether="""
    whether the {noun} moves | whether it moves at all | whether there is any movement
    whether anything happens to the {noun} | whether the {noun} is in motion
    """,
    claims="""
    the {noun} moves | the {noun} is moving | there is some movement in the clip
    something happens to the {noun} | the {noun} is in motion
    """,
    leads=FILM,
    each=6,
)
COLLIDE = ways(
    """
    Do the two crash into each other? | Do they run into each other? | Is there a crash?
    Do the things come into contact? | Do the objects hit one another? | Is there a bump?
    Do the two objects collide? | Does one run into the other? | Do they come together?
    Do the shapes meet at some point? | Is a collision to be seen? | Do they end up touching?
    Did the two bump into each other? | Do they miss each other, or do they collide?
    They collide, don't they? | any collision? | Does it come to a clash of the two?
    """,
    whether="""
    whether they collide | whether the two things hit each other | whether there is a collision
    whether the objects meet | whether one bumps into the other
    """,
    claims="""
    they collide | the two things hit each other | there is a collision
    the objects bump into each other | one of them runs into the other
    """,
    leads=FILM,
    each=6,
)
