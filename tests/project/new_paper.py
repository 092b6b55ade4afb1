"""Begin a paper: its folder, entry point, recipe, suites and page, each ready to be filled in.

    make new-paper NAME=stylegan                   (python tests/project/new_paper.py NAME [CHECKOUT])

What is written works: a loss, an encoder and a recipe that trains with both. docs/paper.md says what comes next.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from string import Template

from house import ROOT

from unbraid_plugins.tools.new_plugin import TEMPLATE, refuse
from unbraid_registry import UnbraidError

INIT = '''"""${title}.

The method itself is the recipe `${recipe}`; here are the paper's components. README.md maps the equations.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from ${package}.encoders import Strided
from ${package}.losses import total_variation


@hookimpl
def unbraid_components() -> list[Any]:
    """The paper's networks and losses."""
    return [Strided, total_variation]
'''
README = """# ${title}

AUTHORS, *TITLE*, VENUE YEAR. No code of theirs was read. / Their code is under LICENCE.

[The method's page](../../../../docs/methods/${name}.md) has its equations beside the lines of the recipe.
This page says what differs from the paper.

| file | subject |
|---|---|
| `losses.py` | equation (1): `${name}.total_variation` |
| `encoders.py` | section 3: `${name}.strided` |

## What differs from the paper

* ...
"""
PAGE = """# ${title}

What the method does, in three sentences that a newcomer reads once.

AUTHORS: *TITLE*, VENUE YEAR.

**What must be known of the images.** ...

**What it promises.** ...

**What it does not.** ...

## Equations

| in the paper | in the recipe |
|---|---|
| images $$x$$ | `x: {}` |
| $$f = E(x)$$, $$y = G(f)$$ | `f: encoder(x)`, `y: generator(f)` |
| $$\\min_{E, G}$$ | `trains: [encoder, generator]` |
| $$\\lVert y - x \\rVert^2$$ | `rebuild: mse(y, x)` |
| $$\\mathrm{TV}(y)$$ | `smooth: 0.01 * ${name}.total_variation(y)` |

What differs from the paper is told in [fidelity](../fidelity/${name}.md).

## Recipe

```{literalinclude} ../../configs/unbraid_configs/recipes/${name}/${recipe}.yaml
:language: yaml
```

Its variants:

```{variants} ${recipe}
```
"""
FIDELITY = """```{include} ../../plugins/unbraid_plugins/papers/${name}/README.md
:relative-docs: ../../../../docs/
```

## The paper's value and ours

| measure | the paper's value | ours | spread (seeds) | verdict | where |
|---|---|---|---|---|---|
| ... | not read | not measured | | open | [results](../results.md#results) |

## Failing ablation

Not measured yet.

## Picture

There is no picture yet.
"""


def write_paper(name: str, root: Path = ROOT) -> list[Path]:
    """Write the files of a paper into a checkout; returns those that are new or changed.  Raises UnbraidError."""
    package = f"unbraid_plugins.papers.{name}"
    recipe = name.replace("_", "-")
    words = {"name": name, "recipe": recipe, "package": package, "distribution": f"the paper `{name}`",
             "title": name.replace("_", " ").capitalize()}
    code, tests = root / "plugins/unbraid_plugins/papers" / name, root / "tests/papers" / name
    refuse(name, code)
    suites = _sorted_imports(_template("tests/test_PACKAGE_components.py").replace("of this plugin", "of this paper"))
    made = {
        code / "__init__.py": INIT,
        code / "losses.py": _typed(_template("PACKAGE/losses.py")),
        code / "encoders.py": _typed(_template("PACKAGE/encoders.py")),
        code / "README.md": README,
        root / "configs/unbraid_configs/recipes" / name / f"{recipe}.yaml":
            re.sub(r"requires:.*\n", "", _template("PACKAGE/recipes/example.yaml")),
        tests / f"test_{name}_plugin.py": suites,
        root / "docs/methods" / f"{name}.md": PAGE,
        root / "docs/fidelity" / f"{name}.md": FIDELITY,
    }
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(text).substitute(words), encoding="utf-8")
    changed = [_entry_point(root / "pyproject.toml", name, package),
               *(_in_index(root / "docs" / pages / "index.md", name) for pages in ("methods", "fidelity"))]
    return [*made, *changed]


def _template(path: str) -> str:
    return (TEMPLATE / f"{path}.template").read_text("utf-8")


def _typed(text: str) -> str:
    """A module of the house begins with `annotations`."""
    return re.sub(r'^(""".*?"""\n\n)', r"\1from __future__ import annotations\n\n", text, count=1, flags=re.DOTALL)


def _sorted_imports(text: str) -> str:
    """`unbraid.testing` comes before a package of the house, and after one that is called `unbraid_NAME`."""
    return re.sub(r"^(from \$\{package\} .*\n)(from unbraid\..*\n)", r"\2\1", text, count=1, flags=re.MULTILINE)


def _entry_point(project: Path, name: str, package: str) -> Path:
    """Add the entry point, in alphabetical order."""
    lines = project.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("[project.entry-points.unbraid]")) + 1
    end = next(i for i in range(start, len(lines)) if not lines[i].strip())
    lines[start:end] = sorted([*lines[start:end], f'{name} = "{package}"'])
    project.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return project


def _in_index(index: Path, name: str) -> Path:
    """Add the page to the table of contents."""
    text = index.read_text(encoding="utf-8")
    before, fence, after = text.rpartition("```")
    index.write_text(f"{before}{name}\n{fence}{after}", encoding="utf-8")
    return index


if __name__ == "__main__":
    try:
        for path in write_paper(sys.argv[1], *map(Path, sys.argv[2:])):
            print(f"wrote {path}")
    except UnbraidError as error:
        sys.exit(f"Error: {error}")
    print(f"\nNext:  make install && make test-plugin PLUGIN={sys.argv[1]}")
