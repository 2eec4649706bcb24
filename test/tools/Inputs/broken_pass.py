"""`attnorm-opt` with a pass that has a bug."""

import sys

from attnorm.passes.raise_ import raise_custom_calls
from attnorm.tools.opt import main


def read(op):
    raise KeyError("epsilon")


raise_custom_calls.call_attributes.read = read
sys.exit(main())
