import tempfile

import pytest


@pytest.fixture(autouse=True)
def reproducers_apart(tmp_path_factory, monkeypatch):
    """Reproducers of failures that a test provokes go where pytest cleans up."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("reproducers")))
