"""What a backend takes as a whole is set apart for it."""
