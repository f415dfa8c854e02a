"""Memory: where media and records live, and how they are found again."""

if __name__ != "omni.memory":
    raise ModuleNotFoundError(
        "import this folder as 'omni.memory', not as 'memory'; "
        "in a checkout, first run: pip install -e ."
    )
