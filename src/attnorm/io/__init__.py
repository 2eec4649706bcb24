"""From bytes to a verified module, and files that are whole or not there.

MLIR's readers end the process on some broken files: what is risky is read by another one first.
"""
