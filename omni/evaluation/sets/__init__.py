"""Sets that retrieval is measured on: those of the literature from a folder, and some from here."""
