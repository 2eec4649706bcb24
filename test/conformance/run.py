"""Judges every op and type against its definition, and prints what is not right.

python test/conformance/run.py                       all forms, for this machine
python test/conformance/run.py --target x86-64-v3    for AVX2
python test/conformance/run.py --slice 2/10          every tenth form, from the second on
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from forms import forms
from judge import judge


def main() -> int:
    """Status 1 where a form is wrong or ends a process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--target", default="host")
    parser.add_argument("--slice", default="1/1", metavar="K/N")
    parser.add_argument("--only", default="", help="forms whose key contains this")
    options = parser.parse_args()
    first, step = map(int, options.slice.split("/"))
    asked = [form for form in forms()[first - 1 :: step] if options.only in form.key]
    verdicts = judge(asked, options.target)
    for verdict in verdicts:
        if verdict.kind != "right":
            print(f"{verdict.kind:9} {verdict.key}: {verdict.reason}", flush=True)
    counts = Counter(verdict.kind for verdict in verdicts)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    return int(bool(counts["wrong"] or counts["crashed"]))


if __name__ == "__main__":
    sys.exit(main())
