"""Dialogues about ramps for the tests of the model, as its processor takes them."""

LONG = [0.1 * n for n in range(11)]
SHORT = [2.0, 1.0, 0.5]


def ask(processor, *contents, budget=None, **kwargs):
    """Inputs of one or several dialogues of one user turn each."""
    dialogues = [[{"role": "user", "content": content}] for content in contents]
    return processor.apply_chat_template(
        dialogues, tokenize=True, add_generation_prompt=True, budget=budget, **kwargs
    )


def text(words):
    return {"type": "text", "text": words}


def ramp(values, kind="ramp"):
    return {"type": kind, "value": values}


MIXED = (
    [ramp(LONG), text("What is this?")],
    [text("draw a square")],
    [ramp(SHORT, "wave"), text("How many"), ramp(LONG), text("beeps? Three")],
)


def last(outputs):
    return outputs.logits[:, -1]
