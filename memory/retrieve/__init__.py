"""Searching a memory, and answering from what is found."""

from .library import Library

plugin = Library
