"""IR that several passes build: attention written out, sizes, composites, what calls mean."""
