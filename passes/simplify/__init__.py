"""The same, in fewer and simpler ops."""
