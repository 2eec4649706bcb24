"""The only way to MLIR's bindings, and what StableHLO says in them.

The bindings' habits that callers must not have to know are hidden here: what a pattern callback
returns, which locations survive an insertion point, how an error becomes a failure.
"""
