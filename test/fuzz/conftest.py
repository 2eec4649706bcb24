"""The idioms that modules are made of stand beside the property tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "properties"))
