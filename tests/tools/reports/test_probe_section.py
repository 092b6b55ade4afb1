"""The part of a report about transfer: what `unbraid probe` left in the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_reading import Page
from PIL import Image

from unbraid_plugins.tools.reports import write_report


def summary(few: float, every: float) -> dict[str, Any]:
    return {"mean": [few, every], "std": [0.05, None]}


def probe(source: str = "a") -> dict[str, Any]:
    """A probe.json."""
    accuracy = {
        "linear": {"code": {"skin": summary(0.6, 0.99)}, "<b>part": {"skin": summary(0.7, 0.4)}},
        "nearest": {"code": {"skin": summary(0.5, 0.8)}, "<b>part": {"skin": summary(0.3, 0.8)}},
    }
    return {"format": 1, "title": "t", "step": 1500, "labels": [5, "all"], "draws": 3, "neighbours": 1, "seed": 0,
            "fitted_on": {"source": "a", "split": "train", "images": 5000},
            "judged_on": {"source": source, "split": "test", "images": 1000},
            "factors": {"skin": {"classes": 5, "chance": 0.25, "labelled": [25, 5000]}},
            "representations": {"code": {"kind": "code", "numbers": 8}, "<b>part": {"kind": "part", "numbers": 4}},
            "accuracy": accuracy, "notes": ["hue is <left> out"]}


def write(run: Path, name: str, told: Any) -> None:
    (run / f"{name}.json").write_text(told if isinstance(told, str) else json.dumps(told))


def test_its_numbers_stand_in_tables(run: Path) -> None:
    write(run, "probe", probe())
    write(run, "probe-a-b", probe("b"))
    Image.fromarray(np.full((20, 40, 3), 200, np.uint8)).save(run / "pictures/probe.png")
    html = write_report(run).read_text()
    page = Page(html)
    titles = [e.text for e in page.elements if e.attributes.get("id", "").startswith("transfer-")]
    assert titles == ["Fitted on 5,000 train images of a, judged on 1,000 test images of a",
                      "Fitted on 5,000 train images of a, judged on 1,000 test images of b"]
    assert "&lt;b&gt;part" in html
    assert "<b>part" not in html
    assert "hue is &lt;left&gt; out" in html
    inside = [e for e in page.elements[page.elements.index(page.one("transfer")):] if e.tag == "td"]
    assert [e.text.split() for e in inside[:3]] == [["0.60", "±0.05"], ["0.99"], ["0.70", "±0.05"]]
    assert [e.text.split()[0] for e in inside[3:8]] == ["0.40", "0.50", "0.80", "0.30", "0.80"]
    best = [e.text.split()[0] for e in inside if "best" in e.attributes.get("class", "")]
    assert best[:5] == ["0.99", "0.70", "0.50", "0.80", "0.80"]
    pictures = [e for e in page.elements if e.tag == "img" and "number of labels" in e.attributes["alt"]]
    assert len(pictures) == 1
    assert html.count("Transfer</a>") == 1
    assert not [e for e in page.elements if e.tag == "h3" and e.text == "Probe"]


def test_a_run_that_was_not_probed_has_no_such_part(run: Path) -> None:
    assert "transfer" not in write_report(run).read_text()


@pytest.mark.parametrize("told", ["{", "[]", "3", "{}", json.dumps({**probe(), "format": 99}),
                                  json.dumps({**probe(), "factors": {"skin": {}, "pose": {}}}),
                                  json.dumps({**probe(), "labels": [1]}), json.dumps({**probe(), "accuracy": [1]})])
def test_a_damaged_one_is_a_gap(run: Path, told: str) -> None:
    write(run, "probe", told)
    html = write_report(run).read_text()
    assert "The probe probe.json can&#39;t be read" in html
    assert 'id="transfer"' not in html


def test_a_damaged_picture_is_a_gap(run: Path) -> None:
    write(run, "probe", probe())
    (run / "pictures/probe.png").write_text("no picture")
    html = write_report(run).read_text()
    assert "The picture probe.png can&#39;t be read" in html
    assert 'id="transfer"' in html
