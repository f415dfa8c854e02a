"""Ways to ask about a cloud of points or a mesh: which solid it is, and how it is stretched."""

from __future__ import annotations

from omni.nano.asked.frames import LEADS, split, ways

MODEL = (
    *LEADS,
    *split("""
    Here is a point cloud. | Look at the mesh. | I scanned this. | This is a 3D model.
    This came from my scanner. | Look at the 3D file. | Here's a scan. | I have a mesh here.
    The model is attached. | One question about the point cloud. | My viewer can't open it.
    These points were measured. | Somebody sent me this model. | I want to print this.
    Turn it around and look. | Here is a cloud of points.
    """),
)
"""What is said before a question about a solid."""

WHAT_POINTS = ways(
    """
    What is this a scan of? | What does the point cloud show? | What was modelled here?
    What is in the point cloud? | What does the mesh show? | What is the 3D model of?
    What does this model look like? | What do these points form? | What have I scanned?
    What would I get if I printed this? | What is the content of the scan?
    What kind of object do the points describe? | How would you describe the model?
    What does the 3D scan contain? | What came out of the scanner? | whats this 3d model
    What do the vertices make up? | What can you tell me about the mesh?
    What do you see in the 3D file? | What thing do these coordinates describe?
    """,
    clauses="""
    what the scan shows | what this is a model of | what the points show | what was scanned
    what the mesh is | what is in the 3D file | what the point cloud contains
    what the 3D model looks like | what these points form
    """,
    nouns="""
    a description of the model | a description of the point cloud | a caption for the scan
    the content of the 3D file | a short summary of the mesh | a description of the 3D object
    a catalogue entry for this model
    """,
    orders="""
    describe the model | describe the scan | describe what the points show
    tell me what was scanned | caption the 3D model | put the mesh into words
    summarise the point cloud | describe the object in the 3D file
    write a line about the model | explain what the mesh shows | describe the cloud of points
    """,
    leads=MODEL,
)
SOLID = ways(
    """
    Which kind of body do the points form? | What solid do the points make up?
    Is this a sphere, a cube, a cone or something else? | What is the body called?
    Which solid was scanned? | What type of solid is it? | What geometric solid do you see?
    Sphere, cube, cone, cylinder, torus or pyramid? | What shape has the mesh got?
    What shape does the point cloud have? | Which basic solid is the model?
    What form do the points take? | What would a geometer call this body?
    Which 3D form does it have? | What is the shape of the model? | what solid??
    What shape is the model? | Which geometric body do you recognise? | What type of body is it?
    What 3D shape do the points trace? | Which solid should I write down?
    """,
    clauses="""
    which solid it is | what shape the model has | what kind of solid this is
    which body the points form | what the solid is called | what shape the mesh is
    which geometric body was scanned | what 3D shape this is | what form the body has
    """,
    nouns="""
    the name of the solid | the kind of solid | the shape of the body | the type of solid
    the geometric name of the body | the form of the model | the 3D shape
    the shape of the point cloud
    """,
    orders="""
    name the solid | identify the body | tell me which solid it is | classify the solid
    name the 3D shape | work out which solid was scanned | identify the shape of the mesh
    give me the name of the body | recognise the solid | name the shape of the model
    """,
    leads=MODEL,
)
PROPORTION = ways(
    """
    Has it been stretched or squashed? | Is the {noun} tall, flat or neither?
    Is the {noun} a tall one or a flat one? | Tall or flat? | Is the {noun} stretched upwards?
    What are its proportions, tall or flat? | Is it a high {noun} or a low one?
    Is the {noun} squashed or drawn out? | Was the {noun} flattened or lengthened?
    Is the {noun} more tall or more flat? | Is it a tall, a flat or a regular {noun}?
    Would you call the {noun} tall or flat? | Are its proportions tall, flat or even?
    Does the {noun} look stretched or pressed flat? | Which is it, tall, flat or neither?
    How tall is it for its width, tall or flat? | flat or tall?
    """,
    clauses="""
    how the {noun} is proportioned | what proportions the {noun} has | how it is stretched
    """,
    whether="""
    whether the {noun} is tall or flat | whether it is tall, flat or neither
    whether the {noun} has been stretched or flattened | whether it is a tall or a flat {noun}
    """,
    nouns="""
    the proportion of the {noun} | the proportion, tall or flat
    the way the {noun} is stretched | the right word for its proportion, tall or flat
    """,
    orders="""
    tell me whether the {noun} is tall or flat | judge the proportions of the {noun}
    decide if the {noun} is tall, flat or neither | classify the {noun} as tall or flat
    """,
    leads=MODEL,
)
