"""SKaiNET's text: StableHLO of a dialect of its own, repaired to what MLIR parses."""
