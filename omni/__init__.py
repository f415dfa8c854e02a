"""Omni: an any-to-any multimodal agent framework."""

__version__ = "0.1.0"
