"""Ways to ask about a series: its trend, its season, what is odd in it and when that comes."""

from __future__ import annotations

from collections.abc import Mapping

from omni.nano.asked.frames import LEADS, split, ways

DATA = (
    *LEADS,
    *split("""
    Here are some numbers. | Look at the chart. | This is a time series. | Look at the curve.
    I have a table of values. | These are my measurements. | Here is the data.
    Look at these figures. | One question about the series. | I logged this for a while.
    This came from a sensor. | The table is attached. | These are our sales figures.
    Go through the values. | I exported this from a spreadsheet. | Look at the graph.
    """),
)
"""What is said before a question about a series."""

WHAT_SERIES = ways(
    """
    What do these values show? | What does the chart show? | What does the curve look like?
    How would you describe the series? | What can be seen in the table? | What is in the table?
    What do my measurements show? | What can you read from the graph? | What do the figures show?
    What does the series look like as a whole? | What sort of series is it?
    What would you write about this data? | What kind of time series is this?
    What do you see in the chart? | What are the features of the curve?
    In one sentence, what do the data show? | whats in this table | What does the sensor report?
    What does the log tell us? | How would you sum up the numbers?
    What are the main features of this series? | How would you characterise the curve?
    """,
    clauses="""
    what the data shows | what the series looks like | what the numbers tell us
    what the curve looks like | what is in the table | what these values show
    what kind of series this is | what the chart shows | what one sees in the measurements
    """,
    nouns="""
    a summary of the data | a description of the curve | a description of the series
    a caption for the chart | a list of the series' main features | a short report on the numbers
    a summary of the table | a one-line summary of the measurements
    """,
    orders="""
    describe the chart | describe the data | summarise the series | describe the numbers
    sum up the table | characterise the curve | describe the measurements in one sentence
    caption the chart | tell me what the numbers show | put the curve into words
    write one line about the data | analyse the table | report what the values show
    describe the time series | explain what the graph shows
    """,
    leads=DATA,
)
TREND = ways(
    """
    Which way is it going overall? | Is the curve rising, falling or flat? | Where is it heading?
    Are the numbers going up or down? | Does the series climb, drop or stay level?
    Do the values rise or fall over time? | Is the line sloping up or down? | up or down?
    Is it trending upwards or downwards? | What direction does the curve take overall?
    On the whole, do the values rise or fall? | Is there an upward or a downward trend?
    Are we seeing growth or decline? | Does the level go up, go down or stay the same?
    Rising, falling or flat? | Does the data trend up or down? | In general, is it rising?
    Are the measurements increasing, decreasing or steady? | Is it on the rise?
    From start to end, do the numbers grow or shrink? | Which way do the figures tend?
    Which way does the line point? | What is the general tendency? | Is the series flat?
    """,
    clauses="""
    what the trend is | which way the series goes | what the general direction is
    where the numbers are heading | which way the curve tends | what trend the data has
    in which direction the values move overall
    """,
    whether="""
    whether the series rises or falls | whether the numbers are going up or down
    whether the curve is rising, falling or flat | whether the values grow over time
    """,
    nouns="""
    the trend | the trend of the series | the overall direction | the general tendency
    the direction of the curve | the trend in the data | the long-term trend
    the slope of it all, up, down or flat
    """,
    orders="""
    name the trend | tell me whether it rises or falls | determine the trend of the data
    identify the overall direction | work out the long-term trend | describe the trend
    tell me which way the numbers go | classify the trend as rising, falling or flat
    """,
    leads=DATA,
)
SEASON = ways(
    """
    Is there any seasonality? | Do the values follow a cycle? | Is there a regular cycle?
    Does the pattern repeat itself? | Are there recurring waves? | Is the series cyclical?
    Does it oscillate? | Do the numbers swing regularly? | Is there a rhythm to the data?
    Do you see a seasonal component? | Is a periodic swing visible?
    Is there a repeating cycle in the numbers? | Does the curve go in waves? | Does it wave?
    Does the data have a period? | Do highs and lows come at regular intervals?
    Are the ups and downs regular? | Does the same pattern come round again?
    It is seasonal, isn't it? | Is there a recurring pattern in the chart? | Does it cycle?
    """,
    whether="""
    whether there is a season | whether the series is seasonal | whether a pattern repeats
    whether the data has a cycle | whether the values swing regularly
    whether the curve is periodic | whether there are regular waves
    """,
    claims="""
    the series is seasonal | there is a seasonal pattern | the data has a regular cycle
    the curve repeats itself | the values go up and down regularly | it is periodic
    """,
    orders="""
    check for seasonality | look for a repeating pattern | check whether there is a season
    tell me if the series is seasonal | find out if the pattern repeats | look for a cycle
    """,
    leads=DATA,
)
CYCLES = ways(
    """
    How many cycles does the series have? | How many waves does the curve make?
    How often does the cycle come round? | How many full periods are in the data?
    How many times does the pattern repeat? | How many seasons are there?
    How many periods do you count? | How many waves are visible? | What is the cycle count?
    How many times does it go up and down? | How many oscillations does it make?
    How often does the wave come back? | How many seasonal cycles can you see?
    How many rounds of the season do you see? | How many swings are there? | cycles?
    The pattern comes how many times? | How many cycles does the chart show?
    """,
    clauses="""
    how many cycles there are | how often the pattern repeats | how many waves the curve has
    how many periods the series goes through | how many seasons there are
    how many times the cycle comes round | how many cycles you count
    """,
    nouns="""
    the number of cycles | the number of waves | the number of periods in the data
    the count of the seasonal cycles | the number of seasons | the number of repetitions
    """,
    orders="""
    count the cycles | count the waves | count the periods | count how often it repeats
    tell me the number of cycles | work out how many cycles there are | count the seasons
    count the waves in the chart | find the number of periods | count the seasonal swings
    """,
    leads=DATA,
)
EVENT = ways(
    """
    Does anything stand out? | Is there something unusual? | Is there anything odd in the data?
    Does something break the pattern? | Are there any irregularities? | Is anything abnormal?
    Do you see anything suspicious? | Is there an unexpected change? | anything odd?
    Does anything out of the ordinary happen? | Is there a disturbance in the series?
    Do the numbers behave strangely anywhere? | Is there something wrong with the data?
    Did anything unusual happen in the measurements? | Is some value off?
    Are there any events in the series? | Is there a point where something odd happens?
    Is everything normal, or is there an anomaly? | Do you spot an anomaly?
    Is there a strange spot in the curve? | Does anything look out of place?
    Something is off in the data, isn't it? | Does the chart have anything irregular in it?
    """,
    whether="""
    whether there is an anomaly | whether anything unusual happens | whether something stands out
    whether the data has an irregularity | whether anything odd is in the series
    whether something strange happens | whether there is an unusual event
    """,
    claims="""
    there is an anomaly in the data | something unusual happens | something odd is in the series
    there is an irregularity | the numbers do something strange | something breaks the pattern
    """,
    orders="""
    check for anomalies | look for anything unusual | check the data for odd values
    tell me if anything unusual happens | look for something strange in the curve
    search the series for anomalies | report any anomaly | point out anything irregular
    """,
    leads=DATA,
)


def _event(name: str, does: str, also: str) -> tuple[str, ...]:
    """Ways to ask after one kind of event: its name with an article, and what the series does."""
    return ways(
        f"""
        Is there {name}? | {also}
        Do you find {name}? | Can you see {name}? | Does the series have {name}? | {name}?
        Is {name} in the data? | Does the chart show {name}? | Was there {name}?
        Is there {name} somewhere in the curve? | Is there {name} among the measurements?
        There is {name}, isn't there? | Did you notice {name}? | Does the data contain {name}?
        """,
        whether=f"""
        whether there is {name} | whether the series has {name} | whether {does}
        whether you see {name} in the data
        """,
        claims=f"there is {name} | the data has {name} | {does} | the curve shows {name}",
        orders=f"""
        check for {name} | look for {name} | tell me if there is {name} | search for {name}
        """,
        leads=DATA,
    )


EVENT_NAMED: Mapping[str, tuple[str, ...]] = {
    "spike": _event(
        "a spike",
        "one value shoots up or down for a moment",
        "Is there an outlier? | Do you see a spike?",
    ),
    "level shift": _event(
        "a level shift",
        "the level jumps and stays there",
        "Does the level jump? | Is there a break in it?",
    ),
    "variance change": _event(
        "a variance change", "the spread of the values changes", "Does the noise change?"
    ),
}
WHEN_EVENT = ways(
    """
    When does the anomaly come? | When does something odd happen? | When was the event?
    Is the anomaly early, in the middle or late? | At which point does the odd thing happen?
    Where in the series does the event lie? | When in the data does it go wrong?
    In what part of the curve is the anomaly? | Is it near the start or near the end?
    How far into the data is the event? | When did the strange thing occur? | when was it?
    Towards the beginning, the middle or the end: where is the event?
    At what time does the anomaly appear? | Around when does the irregularity come?
    When do the numbers do something strange? | In which part of the chart is the odd spot?
    When should I look for the anomaly? | At what stage is the pattern broken?
    """,
    clauses="""
    when the anomaly happens | when the event takes place | where in the series the event is
    when something unusual happens | at which point the odd thing comes
    in which part of the data the anomaly lies | how late the event comes
    """,
    whether="""
    whether the event is early, in the middle or late | whether the anomaly is early or late
    """,
    nouns="""
    the time of the event | the time of the anomaly | the rough date of the anomaly
    the position of the event in the series | the moment of the anomaly
    the part of the series where the event is
    """,
    orders="""
    tell me when the anomaly happens | locate the anomaly in time | date the event roughly
    find out when the odd thing happens | place the event: early, middle or late
    name the part of the series with the event | work out when the anomaly comes
    """,
    leads=DATA,
)
