"""``python -m benchmarks [NAME …]``: run the named benchmarks, or all of them."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path


def main() -> int:
    """Run each benchmark as a program of its own; 2 when a name is unknown."""
    known = sorted(p.stem.removeprefix("bench_") for p in Path(__file__).parent.glob("bench_*.py"))
    wanted = sys.argv[1:] or known
    if unknown := [name for name in wanted if name not in known]:
        print(f"No benchmark {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    sys.argv[1:] = []
    for name in wanted:
        print(f"\n== {name} ==\n")
        runpy.run_module(f"benchmarks.bench_{name}", run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
