"""The report page of one run, and the parts that all pages share."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from unbraid_plugins.tools.reports import curves, heatmaps as matrices, image_rows as embedding, probes, scores, tables
from unbraid_plugins.tools.reports.figure import figure_image
from unbraid_plugins.tools.reports.formatting import number, words
from unbraid_plugins.tools.reports.run_reader import Findings
from unbraid_registry.terminal import shown

TEMPLATES = Path(__file__).parent / "templates"


def report_page(findings: Findings) -> str:
    """Return the HTML of a run's report."""
    rows = scores.scores(findings)
    maps = matrices.heat_maps(findings)
    pictures = embedding.shown_pictures(findings)          # may add a gap, so it comes before the notes
    return render("report.html", run=findings, evaluation=findings.evaluation or {}, rows=rows,
                  arms=list(findings.arms), about_arms=scores.ABOUT, tiles=scores.tiles(rows),
                  of_data=scores.of_data(findings),
                  matched=[r for r in rows if r.matched is not None], open_maps=[m for m in maps if not m.folded],
                  folded_maps=[m for m in maps if m.folded], breakdowns=tables.breakdowns(findings),
                  figure=figure_image(findings.figure), pictures=pictures,
                  curves=curves.curves(findings), span=curves.span(findings), size=(curves.WIDTH, curves.HEIGHT),
                  transfers=probes.transfers(findings), facts=facts(findings), notes=notes(findings),
                  hooks=_hooks(findings))


def render(template: str, **values: Any) -> str:
    """Render a page from a template.  Every value is escaped; the page runs only its own script."""
    return _environment().get_template(template).render(**values)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True,
                                     lstrip_blocks=True, undefined=jinja2.StrictUndefined, finalize=_printable)
    script = (TEMPLATES / "sort.js").read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.globals |= {"script": script, "script_digest": digest, "number": number, "words": words,
                            "style": (TEMPLATES / "style.css").read_text(encoding="utf-8")}
    return environment


def _printable(value: Any) -> Any:
    """Return a value without control characters and without marks that change the direction of the text around it."""
    return shown(value) if isinstance(value, str) and not isinstance(value, markupsafe.Markup) else value


def facts(findings: Findings) -> list[tuple[str, str]]:
    """Return facts about the run and its evaluation, by name."""
    session, evaluation = findings.session, findings.evaluation or {}
    versions = session.get("versions")
    found = [
        ("run", str(findings.folder)),
        ("training", curves.exit_words(session) if session else ""),
        ("sessions", str(len(findings.sessions)) if len(findings.sessions) > 1 else ""),
        ("started", str(session.get("started") or "")),
        ("seed", findings.seed or str(session.get("seed", ""))),
        ("device", str(session.get("device") or "")),
        ("processes", str(session["world"]) if session.get("world", 1) != 1 else ""),
        ("python", " on ".join(str(session[k]) for k in ("python", "platform") if session.get(k))),
        ("versions", ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, dict) else ""),
        ("git", _commit(session.get("git"))),
        ("unbraid's sources", _commit(session.get("sources"))),
        ("evaluated", _measured(evaluation)),
    ]
    return [(name, text) for name, text in found if text]


def _commit(git: Any) -> str:
    """Return a commit and whether there were changes."""
    if not isinstance(git, dict):
        return ""
    return f"{str(git.get('commit'))[:12]}{', with changes' if git.get('changed') else ''}"


def _measured(evaluation: dict[str, Any]) -> str:
    """Return a description of the images that an evaluation used."""
    parts = [f"step {number(evaluation['step'])}" if "step" in evaluation else "",
             f"{number(evaluation['images'])} images of the {evaluation.get('split', '')} split"
             if "images" in evaluation else "",
             f"seed {evaluation['seed']}" if "seed" in evaluation else ""]
    return ", ".join(p for p in parts if p)


def notes(findings: Findings) -> list[str]:
    """Return notes for the reader: those of the evaluation, and the gaps of the folder."""
    own = [str(note) for note in (findings.evaluation or {}).get("notes", [])]
    return [*(n[:1].upper() + n[1:] + ("" if n.endswith(".") else ".") for n in own if n), *findings.gaps]


def _hooks(findings: Findings) -> list[tuple[str, str]]:
    """Return the measurements of plugins, as JSON."""
    found = (findings.evaluation or {}).get("hooks", {})
    return [(str(name), json.dumps(value, indent=1, ensure_ascii=False)) for name, value in found.items()
            if value not in (None, [], {})]
