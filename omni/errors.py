"""Every error that a user of Omni may catch.

Two families. Errors for people derive from `OmniError`: one line that names what was given, what
was wanted and what to do next; the terminal prints that line and exits with `exit_code`. Errors for
models derive from `ModelError`: they are data, shown to the model so that it can go on.
"""


class OmniError(Exception):
    """Base of all errors that Omni raises for people."""

    exit_code = 1


class UsageError(OmniError):
    """What was asked for cannot be done as asked; the message says what to change."""

    exit_code = 2


class MediaError(UsageError):
    """A file is not what it claims, is broken, or exceeds a limit."""


class UnknownPlugin(UsageError):
    """No plug-in of that name; the message lists the names that exist."""


class DuplicatePlugin(UsageError):
    """Two distributions offer a plug-in of the same name."""


class MissingExtra(UsageError):
    """An optional package is not installed; the message names the extra that brings it."""


class BudgetSpent(OmniError):
    """A limit on tokens, steps, seconds or money was reached; the message says which."""


class Unsupported(OmniError):
    """This model or modality cannot do what was asked."""


class StoreError(OmniError):
    """Stored data is missing or damaged; the message says which and what is safe to do."""


class ModelError(OmniError):
    """Base of the errors that are shown to the model rather than to the person."""


class Retry(ModelError):
    """The model's call was wrong in a way that it can mend: the message says how."""


class Failed(ModelError):
    """The call was right and still failed: the model has to go on without the result."""
