"""Ops of the dialect take in what stands beside them."""
