"""Text repair and importers: bytes in, verified module out."""
