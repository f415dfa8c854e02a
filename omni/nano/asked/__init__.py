"""Ways to ask, put together of what is wanted and how people frame it: one subject a file."""
