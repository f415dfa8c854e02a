"""The assembled model: encoders, adapters, router, selection, splice, language model, decoders."""
