"""What producers write becomes ops of the dialect."""
