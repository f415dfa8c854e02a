"""Files into records: what each kind of file is taken apart into, and how it gets into memory."""
