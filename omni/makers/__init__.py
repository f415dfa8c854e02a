"""Makers of media: one file each, and `weights` for where their weights lie."""
