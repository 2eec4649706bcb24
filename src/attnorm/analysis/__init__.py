"""What IR means, as values: what several passes ask about it. Nothing here changes IR."""
