"""Pipelines: their text, the named ones, and what runs them."""
