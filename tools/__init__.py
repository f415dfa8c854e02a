"""Tools: one LangChain tool a file, and the name of the file is the name of the plug-in."""

if __name__ != "omni.tools":
    raise ModuleNotFoundError(
        "import this folder as 'omni.tools', not as 'tools'; "
        "in a checkout, first run: pip install -e ."
    )
