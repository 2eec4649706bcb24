"""What the next tool does not take becomes what it takes, or an error."""
