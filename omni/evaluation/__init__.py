"""What models can do, measured: the any-to-any matrix and speed."""
