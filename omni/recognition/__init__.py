"""What is said in a recording, and what is written in a picture, by recognisers that exist."""
