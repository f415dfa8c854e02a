"""Texts and media as vectors: one embedder a file, all of them behind `contracts.Embedder`."""
