"""Runs all attacks and makes the table of docs/reliability.md.

    python tests/attacks --quick               # few rounds
    python tests/attacks --only kill --write   # replace the rows of what ran in docs/reliability.md

Exit code 1 where a promise is broken.
"""

from __future__ import annotations

import argparse
import sys

from table import ATTACKS, ROOT, Row

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- attacks: python tests/attacks --write -->", "<!-- end of attacks -->"
HEAD = "| promise | attack | outcome | command |\n|---|---|---|---|"


def written_into(page: str, rows: list[Row]) -> str:
    """The page with these rows in place of those of the same promises, in the order of the list."""
    before, _, rest = page.partition(BEGIN)
    table, _, after = rest.partition(END)
    if not rest or not after:
        raise SystemExit(f"{PAGE} has no table between {BEGIN} and {END}")
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines() if line.startswith("| ")}
    lines |= {row.promise: str(row) for row in rows}
    ordered = [lines.pop(a.promise) for a in ATTACKS if a.promise in lines]
    ordered += [line for promise, line in lines.items() if promise != "promise"]      # not in the list yet
    return f"{before}{BEGIN}\n\n{HEAD}\n" + "\n".join(ordered) + f"\n\n{END}{after}"


def main() -> int:
    """Attack, and say how it went."""
    parser = argparse.ArgumentParser(prog="python tests/attacks", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="with few rounds")
    parser.add_argument("--only", metavar="WORD", default="", help="attacks whose promise or command has this word")
    parser.add_argument("--write", action="store_true", help="put the rows into docs/reliability.md")
    asked = parser.parse_args()
    rows = []
    print(HEAD)
    for attack in ATTACKS:
        if asked.only.lower() in f"{attack.promise} {attack.command}".lower():
            rows.append(attack.run(asked.quick))
            print(rows[-1], flush=True)
            print(f"{rows[-1].seconds:.0f} s", file=sys.stderr, flush=True)
            if asked.write:
                PAGE.write_text(written_into(PAGE.read_text(encoding="utf-8"), [rows[-1]]), encoding="utf-8")
    return 0 if rows and all(row.held for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
