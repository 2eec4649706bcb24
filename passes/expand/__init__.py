"""Ops become StableHLO primitives."""
