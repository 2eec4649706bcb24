"""What the property tests are made of serves here too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "properties"))
