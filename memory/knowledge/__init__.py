"""What records are about: names in them, and how those are related."""
