"""Routers and experts between adapters and the language model."""
