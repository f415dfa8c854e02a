"""Modalities: one folder each, and the name of the folder is the name of the plug-in."""

if __name__ != "omni.modalities":
    raise ModuleNotFoundError(
        "import this folder as 'omni.modalities', not as 'modalities'; "
        "in a checkout, first run: pip install -e ."
    )
