"""A memory in an engine that several machines can reach."""
