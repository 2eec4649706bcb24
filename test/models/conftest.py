import tempfile

import pytest


@pytest.fixture(autouse=True)
def reproducers_apart(tmp_path_factory, monkeypatch):
    """Reproducers of failures that a test provokes go where pytest cleans up."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("reproducers")))


@pytest.fixture(scope="module")
def worst(request):
    """Errors by name; the largest one is printed at the end."""
    errors = {}
    yield errors
    if errors:
        name = max(errors, key=errors.get)
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            print(f"\n{len(errors)} results; the worst: {errors[name]:.2g} of its bound, {name}")
