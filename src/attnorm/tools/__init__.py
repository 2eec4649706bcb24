"""The command-line tools: `attnorm-opt` and `attnorm`."""
