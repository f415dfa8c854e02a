"""What the language model may say next, so that every run of codes can be decoded.

Shapes: B rows, L tokens so far, V vocabulary, S states of the grammar.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import LogitsProcessor

from omni.model.config import OmniConfig

TEXT = 0
"""The state outside of codes; code number c has 3c+1 (codes), 3c+2 (codes or end), 3c+3 (end)."""


class CodeGrammar(LogitsProcessor):
    """Keeps codes inside their marks, in the right number, and marks of the prompt unsaid.

    After a begin mark come codes of that modality alone: exactly `length` of them where it is
    fixed, else at least one and at most `max_length`; then the end mark. Outside there are neither
    codes nor end marks. Marks that only the prompt may hold (roles, media, padding) are never said.
    The state is read from the tokens themselves, so beams may be reordered.
    """

    def __init__(self, config: OmniConfig):
        self.codes = list((config.codes or {}).values())
        unsaid = [
            config.user_token_id,
            config.assistant_token_id,
            config.system_token_id,
            config.tool_token_id,
            config.open_token_id,
            config.media_token_id,
            config.close_token_id,
            config.pad_token_id,
        ]
        # A tokenizer may pad with its end mark, which has to stay sayable.
        self.unsaid = [mark for mark in unsaid if mark is not None and mark != config.end_token_id]
        self._table: Tensor | None = None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores `[B, V]`, minus infinity for what may not come next."""
        states = [self.state(*place) for place in self.places(input_ids)]
        return self.restrict(scores, states)

    def restrict(self, scores: Tensor, states: Sequence[int]) -> Tensor:
        """Scores `[B, V]` of rows in these states, minus infinity for what may not come next."""
        table = self.forbidden(scores.shape[1], scores.device)
        return scores.masked_fill(table[states], -torch.inf)

    def places(self, input_ids: Tensor) -> list[tuple[int, int]]:
        """Where each row of ids `[B, L]` is: in which code, or -1, and how many it said."""
        order = torch.arange(input_ids.shape[1], device=input_ids.device)
        found = [(-1, 0)] * len(input_ids)
        for number, code in enumerate(self.codes):
            began = torch.where(input_ids == code["begin"], order, -1).amax(1)
            ended = torch.where(input_ids == code["end"], order, -1).amax(1)
            said = input_ids.shape[1] - 1 - began
            for row, inside in enumerate((began > ended).tolist()):
                if inside:
                    found[row] = number, int(said[row])
        return found

    def state(self, number: int, said: int) -> int:
        """The state of a row that has said so many codes of the code with this number."""
        if number < 0:
            return TEXT
        code = self.codes[number]
        most = code.get("length") or code["max_length"]
        if said < (code.get("length") or 1):
            return 3 * number + 1
        return 3 * number + 2 if said < most else 3 * number + 3

    def forbidden(self, vocabulary: int, device: torch.device) -> Tensor:
        """What may not be said in each state: bool `[S, V]`, made once."""
        table = self._table
        if table is None or table.shape[1] != vocabulary:
            table = self._forbidden(vocabulary)
        self._table = table.to(device)
        return self._table

    def _forbidden(self, vocabulary: int) -> Tensor:
        table = torch.ones(3 * len(self.codes) + 1, vocabulary, dtype=torch.bool)
        table[TEXT] = False
        table[TEXT, [mark for mark in self.unsaid if mark < vocabulary]] = True
        for number, code in enumerate(self.codes):
            own = slice(code["first"], code["first"] + code["count"])
            more, either, end = range(3 * number + 1, 3 * number + 4)
            table[TEXT, own] = table[TEXT, code["end"]] = True
            table[more, own] = table[either, own] = False
            table[either, code["end"]] = table[end, code["end"]] = False
        return table


class GrammarWalk:
    """The same grammar followed token by token, without reading the history again.

    Args:
        grammar: the rules.
        input_ids: the prompts `[B, L]`.
    """

    def __init__(self, grammar: CodeGrammar, input_ids: Tensor):
        self.grammar = grammar
        self.places = grammar.places(input_ids)
        self._begins = {code["begin"]: number for number, code in enumerate(grammar.codes)}
        self._ends = {code["end"] for code in grammar.codes}

    def restrict(self, scores: Tensor) -> Tensor:
        """Scores `[B, V]`, minus infinity for what may not come next."""
        return self.grammar.restrict(scores, [self.grammar.state(*place) for place in self.places])

    def feed(self, tokens: Sequence[int]) -> None:
        """Go on by one token in each row."""
        for row, token in enumerate(tokens):
            number, said = self.places[row]
            if token in self._begins:
                self.places[row] = self._begins[token], 0
            elif token in self._ends:
                self.places[row] = -1, 0
            elif number >= 0:
                self.places[row] = number, said + 1

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows alone."""
        self.places = [self.places[row] for row in rows]
