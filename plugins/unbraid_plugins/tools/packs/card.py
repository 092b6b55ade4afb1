"""Cards: what a pack is, in the terminal and as a model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

TASKS = {"generate": "unconditional-image-generation", "decode": "image-to-image"}


def in_words(about: Mapping[str, Any]) -> str:
    """Return a pack's card for the terminal.  about: what its header tells."""
    shown = [("title", about["title"]), ("paper", about["paper"]), ("step", f"{about['step']:,}"),
             ("image", " x ".join(map(str, about.get("image", [])))),
             ("code", ", ".join(f"{n} ({s})" for n, s in about.get("code", {}).items())),
             ("functions", ", ".join(f"{n}({', '.join(p)})" for n, p in about.get("functions", {}).items())),
             ("networks", ", ".join(about.get("networks", []))), ("plugins", _plugins(about["plugins"])),
             ("made with", ", ".join(f"{n} {v}" for n, v in about["versions"].items() if n in ("unbraid", "torch"))),
             ("licence", about["licence"].get("weights") or "not stated"),
             ("data's licence", about["licence"].get("data") or "not stated")]
    lines = [f"{name:<15}{text}" for name, text in shown if text]
    for metric, result in about["scores"].items():
        lines.append(f"{'':<15}{_score(metric, result)}")
    return "\n".join(lines)


def card(name: str, about: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Return a model card: Markdown with the metadata that hubs read.

    name: the name to load the pack by.
    about: what its header tells.
    data: the facts about its data.
    """
    title = about["title"] or name
    task = next((t for f, t in TASKS.items() if f in about.get("functions", {})), "image-feature-extraction")
    results = [{"type": name, "value": row["score"], "name": name} for name, row in about["scores"].items()]
    metadata: dict[str, Any] = {"library_name": "unbraid", "pipeline_tag": task, "tags": ["disentanglement", "unbraid"]}
    if about["licence"].get("weights"):
        metadata["license"] = about["licence"]["weights"].lower()
    if results:
        metadata["model-index"] = [{"name": title, "results": [{
            "task": {"type": task}, "dataset": {"type": "custom", "name": _dataset(data)}, "metrics": results}]}]
    scores = "\n".join(f"| {name} | {row['score']:.4g} | {_interval(row)} | {_baselines(row)} | {row['better']} |"
                       for name, row in about["scores"].items())
    heading = "| metric | model | 95 % interval | baselines | better |\n|---|---|---|---|---|"
    table = f"\n{heading}\n{scores}\n" if scores else "\nIt was not evaluated.\n"
    functions = "\n".join(f"- `{n}({', '.join(p)})`" for n, p in about.get("functions", {}).items())
    return f"""---
{_yaml(metadata)}---

# {title}

{about["paper"]}. Trained for {about["step"]:,} steps with [Unbraid](https://pypi.org/project/unbraid).

```python
import unbraid

model = unbraid.load("{name}")
```

## Functions

{functions}

## Scores
{table}
## Licences

Weights: {about["licence"].get("weights") or "not stated"}. Data: {about["licence"].get("data") or "not stated"}.

## Limits

The model knows images like those that it was trained on: {_dataset(data)}.
"""


def _dataset(data: Mapping[str, Any]) -> str:
    sources = data.get("sources", {})
    return ", ".join(f"{s.get('images', '?')} images of the source {s.get('type', '?')!r}" for s in sources.values())


def _plugins(plugins: dict[str, Any]) -> str:
    return ", ".join(f"{n} ({plugin.get('distribution') or plugin.get('file') or '?'})" for n, plugin in plugins.items()
                     if isinstance(plugin, dict) and plugin.get("distribution") != "unbraid")


def _score(metric: str, row: dict[str, Any]) -> str:
    return f"{metric} {row['score']:.4g} {_interval(row)} ({_baselines(row)})".replace("  ", " ").replace(" ()", "")


def _interval(row: dict[str, Any]) -> str:
    found = row.get("interval")
    return f"{found[0]:.3g} to {found[1]:.3g}" if isinstance(found, list) and len(found) == 2 else ""


def _baselines(row: dict[str, Any]) -> str:
    return ", ".join(f"{n} {v:.4g}" for n, v in row.get("baselines", {}).items())


def _yaml(tree: dict[str, Any]) -> str:
    """Return metadata as YAML: JSON values behind the keys, which YAML reads as they are."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in tree.items())
