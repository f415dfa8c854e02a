"""How people frame what they want to know, and every frame's way to take it in.

What is wanted is written in the form that a frame needs: as a question, as a clause (`what colour
it is`), as a noun (`the colour of it`, or `a caption` that is to be made), as an order (`name the
colour`) or as a claim (`it is red`). A few frames are chosen for each, by its own words, so that
frames and wants are spread evenly and every run composes the same wordings.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence


def split(listed: str) -> tuple[str, ...]:
    """What stands between bars or on lines of its own."""
    parts = (part.strip() for part in re.split(r"[|\n]", listed))
    return tuple(part for part in parts if part)


CLAUSES = split("""
    I wonder {}. | I'd like to know {}. | Can you tell me {}? | Could you tell me {}, please?
    Tell me {}. | Please tell me {}. | Do you know {}? | Any idea {}? | I need to know {}.
    Could you work out {}? | Would you mind telling me {}? | I can't tell {}. | I'm not sure {}.
    I was wondering {}. | I want to find out {}. | Please find out {}. | Let me know {}.
    My question is {}. | What I want to know is {}. | Just tell me {}. | Kindly tell me {}.
    Someone asked me {}. | My friend wants to know {}. | My boss wants to know {}.
    I forgot to check {}. | I have to write down {}. | For my notes, tell me {}.
    For the report I need to know {}. | Can you make out {}? | Are you able to tell me {}?
    I am curious {}. | Have a look and tell me {}. | It would help me to know {}.
    Could you let me know {}? | I should very much like to know {}. | Help me find out {}.
    Would you be able to tell {}? | tell me {} | do you know {} | can you tell {}
    I have been asked {}. | We are trying to find out {}. | All I need to know is {}.
    I couldn't work out {}, could you? | Please write down {}. | Do you have any idea {}?
    One thing I need to know: {}? | Is it possible for you to tell {}? | I didn't catch {}.
""")
"""Of what is asked indirectly, or whether it is so."""

WHETHER = split("""
    Check {}. | Please check {}. | Can you check {}? | Decide {}. | Please decide {}.
    Could you check for me {}? | It is not clear to me {}. | We disagree about {}.
    I have my doubts {}. | Let me know {}, yes or no. | Yes or no: tell me {}.
    I'd like you to check {}. | Would you check {}, please? | Can you see {}?
""")
"""Only of whether something is so; clauses' frames take it as well."""

NOUNS = split("""
    What is {}? | What's {}? | Give me {}. | Tell me {}. | Please give me {}. | I need {}.
    I'd like to know {}. | Can you tell me {}? | {}? | {}, please. | {} please | Identify {}.
    Determine {}. | Please find {}. | Please state {}. | Report {}. | I'm looking for {}.
    I'm interested in {}. | For the caption I need {}. | For my notes: {}? | Do you know {}?
    Can you work out {}? | Could you give me {}? | Write down {}. | All I need is {}.
    I only want to know {}. | What about {}? | Can you make out {}? | The form asks for {}.
    Please fill in {}. | Let me have {}. | I would like to learn {}. | {} | what is {}
    May I ask for {}? | I can't make out {}. | Someone asked for {}. | For the label we need {}.
    Could you find out {} for me? | Would you note down {}? | Next question: {}? | And {}?
    May I know {}? | So, what is {}? | Please let me know {}. | Help me with {}.
    My worksheet asks for {}. | I have to enter {}. | The only thing missing is {}.
""")
"""Of one thing that is looked for."""

PRODUCTS = split("""
    Give me {}. | Please give me {}. | I need {}. | {}, please. | {} please | Could you give me {}?
    I'd like {}. | I would like {}. | Can I have {}? | Could I get {}? | May I ask for {}?
    Let me have {}. | Make me {}. | Please make {}. | Could you make {}? | I'm looking for {}.
    We need {}. | For my notes I need {}. | All I want is {}. | I was asked for {}. | {}
    Would you make me {}? | How about {}? | My boss wants {}. | It's urgent: {}, please.
    Time for {}. | I could do with {}. | Send me {}. | Can you come up with {}? | {} for me, please.
    {}, if you can. | Do me a favour and make {}. | I can't do it myself: {}, please.
    Would you be so kind as to give me {}? | What I need is {}. | Prepare {}. | {}, thanks.
""")
"""Of something that is to be made, and so has no definite article yet."""

ORDERS = split("""
    {}. | Please {}. | Could you {}? | Can you {}? | Can you {} for me? | Would you {}, please?
    I'd like you to {}. | I want you to {}. | {}, please. | {} for me. | Just {}. | Kindly {}.
    Your task is to {}. | Go ahead and {}. | Try to {}. | Be so kind as to {}. | {}
    It would help if you could {}. | I need you to {}. | {} please | please {} | can you {}
    Let's see if you can {}. | I'd be glad if you could {}. | Now {}. | Could you please {}?
    Would you be so good as to {}? | First of all, {}. | For my notes, {}. | Are you able to {}?
    Would you mind if I asked you to {}? | My boss wants you to {}. | Hi, please {}.
    I can't do it myself, so please {}. | Do me a favour and {}. | Time to {}.
""")
"""Of what is to be done."""

CLAIMS = split("""
    My colleague says {}. Is that so? | {}, right? | Is it true that {}? | Is it correct that {}?
    Am I right that {}? | Am I right in thinking that {}? | I think {}. Am I right?
    I believe {}. Is that correct? | I was told that {}. Is that true? | {}. Is that right?
    Can you confirm that {}? | Someone claims that {}. Is that so? | True or false: {}?
    Would you agree that {}? | Would you say that {}? | It seems to me that {}. Is that right?
    The note says that {}. Does that hold? | {}. Correct? | {}: yes or no? | {}, true?
    Is it the case that {}? | Can one say that {}? | Could it be that {}? | So {}, yes?
    They say {}. Is it so? | My friend is sure that {}. Is it true? | {}, is that right?
    I'd say {}. Do you agree? | According to the label, {}. Is the label right? | {}, correct?
    I have the feeling that {}. Do you see that too? | Would it be right to say that {}?
    Suppose I write that {}. Would that be true? | Is it a fact that {}? | {}, am I right?
    My sister thinks {}. Is she right? | Somebody wrote that {}. Is this correct?
""")
"""Of what is believed and may be wrong; answered with yes or no."""

LEADS = split("""
    Look at this. | One question. | Quick question. | I have a question. | Here you are.
    Have a look. | Take a look at this. | I need your help. | This is for a report.
    I've attached a file. | See the attachment. | Please help me. | Hi there. | Look closely.
    Just one thing. | A simple question. | I got this today. | Someone sent me this.
""")
"""What is said before a question about anything."""


def ways(
    questions: str = "",
    *,
    clauses: str = "",
    whether: str = "",
    nouns: str = "",
    orders: str = "",
    claims: str = "",
    leads: Sequence[str] = LEADS,
    each: int = 5,
) -> tuple[str, ...]:
    """Wordings composed of wants in their forms, each written as for `split`.

    Args:
        questions: taken as they are, and once more after a lead.
        clauses: begin with a question word.
        whether: begin with `whether`.
        nouns: begin with an article or a possessive, and are one thing; with an indefinite one
            they are to be made.
        orders: begin with a verb.
        claims: whole sentences without their capital and their mark.
        leads: sentences that go before a question.
        each: frames that are chosen for a want.

    Raises:
        ValueError: a want is not of its form, so that its frames would not be good English.
    """
    found = list(split(questions))
    for question in split(questions):
        found += _framed([f"{lead} {{}}" for lead in leads], question, 1)
    for form, wants in (
        ("clause", clauses),
        ("whether", whether),
        ("noun", nouns),
        ("order", orders),
        ("claim", claims),
    ):
        for want in split(wants):
            found += _framed(_frames(form, want), want, each)
    return tuple(dict.fromkeys(found))


_ASKING = "what|which|where|when|how|why|who|whether|if"
_STARTS = {
    "clause": rf"(?:(?:in|on|at) )?(?:{_ASKING})\b",
    "whether": r"whether\b",
    "noun": r"(?:the|its|an?)\b",
    "order": rf"(?!(?:{_ASKING}|the|its|an?|please|to|it|is|are|does|do|can|could)\b)[a-z]+",
    "claim": rf"(?!(?:{_ASKING}|please|is|are|does|do|can|could|not)\b)[a-z{{]+",
}


def _frames(form: str, want: str) -> Sequence[str]:
    """The frames that a want of this form fits into."""
    if not re.match(_STARTS[form], want) or want[-1] in ".?!":
        raise ValueError(f"{want!r} is no {form}: write it as `ways` says, without an end mark")
    if form == "noun" and want.startswith(("a ", "an ")):
        return PRODUCTS
    return {
        "clause": CLAUSES,
        "whether": CLAUSES + WHETHER,
        "noun": NOUNS,
        "order": ORDERS,
        "claim": CLAIMS,
    }[form]


def _framed(frames: Sequence[str], want: str, count: int) -> list[str]:
    """The want in some of the frames, always the same ones."""
    chosen = random.Random(want).sample(frames, min(count, len(frames)))
    return [_capital(frame, frame.replace("{}", want)) for frame in chosen]


def _capital(frame: str, sentence: str) -> str:
    """A sentence begins with a capital if it ends with a mark; careless typing has neither."""
    if frame.startswith("{}") and frame[-1] in ".?":
        return sentence[0].upper() + sentence[1:]
    return sentence
