"""Omni for other programs: what it can do, over protocols that they speak."""
