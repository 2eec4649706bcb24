"""Modules that the bindings look for when they meet an op of a dialect: one each, and empty."""
