"""What people ask about the things of the world and what is answered: one kind of thing a file."""
