"""Adapters from encoder width to language width: one family a file."""
