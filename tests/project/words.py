"""The words of the house: phrases that a newcomer stumbles over, and what to write instead.

    python tests/project/words.py [FILE ...]       where they stand; all of the packages and the docs by default
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from house import HOUSE, ROOT

FIELD = {                                          # paraphrases of the field's words; in docstrings, messages and docs
    r"\baveraged (twin|weights)": "EMA, EMA weights",
    r"\bmoving averages? of (the|their|its) weights": "EMA",
    r"\b(and|with|without|networks,|buffers,|kept) averages\b(?! over)": "EMA, EMA weights",
    r"\bnumbers? of (the|a|its|one) codes?\b": "dimension of the code",
    r"\bahead of time\b|\breads? ahead\b|\breading ahead\b": "prefetch",
    r"\bparts? of (a|the|its) batch\b": "micro-batch",
    r"\b(?<!edit )controls? that\b|\bbeside controls?\b": "baseline",
    r"\bstops? too early\b|\bends? (the training )?early\b": "early stop",
    r"\bsaved states?\b|\bkept states?\b": "checkpoint",
    r"\bfirst weights\b": "initial weights",
    r"\bmade (images|ones)\b": "generated images",
}
RIDDLES = {                                        # in docstrings
    r"\A(What|Whose|Who|Where|How) ": "begin with what the thing does or is: a verb, or a noun",
    r"(?-i:\b(is|are) none\b)": "say what happens: `None where ...`, `empty where ...`, `no ...`",
    r"\bof (its|their|his) own\b": "its own, or: separate",
    r"\bso (many|much|few|far)\b": "the number itself, or: this many, until now",
    r"\b(is|are|was|were|be|been) told\b": "is reported, is given, is known",
    r"\bgo(es)? on\b|\bwent on\b|\bgone on\b": "continue, resume",
    r"\bat rest\b": "in evaluation mode, unchanged",
    r"\bcomes? to life\b": "is built",
    r"\bguess(es|, \w+)?: |\bguesses\b": "prediction",
    r"\b(a|the) (\w+ )?(fitted|trained) \w+ is asked\b|\btells? of\b": "gives, reports",
    r"\bwhat (\w+ )?is\b(?! wrong)": "name the thing",
}
NAMES = {                                          # of variables, parameters and functions
    "told": "message, summary, result, progress: what it holds",
    "said": "message, answer, notes: what it holds",
    "guess": "prediction",
}
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts),
         *sorted((ROOT / "plugins").rglob("*.md"))]


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The docstrings of a module with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text


def crowded(text: str) -> str:
    """The first line of a docstring on which a third parameter is described, or nothing."""
    for paragraph in text.split("\n\n"):
        if len(re.findall(r"(?:^|[.;,] |  )[a-z_]\w*(?:, [a-z_]\w*)*: (?=\S)", paragraph, re.MULTILINE)) > 2:
            lines = [line for line in paragraph.splitlines() if len(re.findall(r"[a-z_]\w*: (?=\S)", line)) > 1]
            if lines:
                return lines[0]
    return ""


def _named(node: ast.AST) -> str:
    """The name that a node gives to a variable, a parameter or a function."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.FunctionDef(name=name):
            return name
    return ""


def found(file: Path) -> list[str]:
    """`file:line  phrase: better` for everything in a file."""
    text = file.read_text(encoding="utf-8")
    name = file.relative_to(ROOT)
    if file.suffix == ".md":
        return [f"{name}:{number}  {m[0]!r}: {better}" for number, line in enumerate(text.splitlines(), 1)
                for phrase, better in FIELD.items() if (m := re.search(phrase, line, re.IGNORECASE))]
    tree, wrong = ast.parse(text), []
    fields = {id(n.target) for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for n in c.body
              if isinstance(n, ast.AnnAssign)}     # those of files may be called anything
    for node in ast.walk(tree):
        called = _named(node) if id(node) not in fields else ""
        if better := NAMES.get(called.lstrip("_")):
            wrong.append(f"{name}:{node.lineno}  {called!r}: {better}")      # type: ignore[attr-defined]
    for line, doc in docstrings(tree):
        for phrase, better in (FIELD | RIDDLES).items():
            if m := re.search(phrase, doc, 0 if phrase.startswith(r"\A") else re.IGNORECASE):
                wrong.append(f"{name}:{line}  {m[0]!r}: {better}")
        if crowd := crowded(doc):
            wrong.append(f"{name}:{line}  {crowd.strip()!r}: one parameter a line where there are more than two")
    return wrong


def everything() -> list[str]:
    """All that is wrong in the packages and the docs."""
    return [line for file in (*HOUSE.files.values(), *PAGES) for line in found(file)]


if __name__ == "__main__":
    chosen = [line for f in sys.argv[1:] for line in found(Path(f).resolve())]
    print("\n".join(chosen if sys.argv[1:] else everything()))
