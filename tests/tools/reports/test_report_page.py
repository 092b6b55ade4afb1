"""The report of one run: what it says, and that it stands alone and can be read by everybody."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from page_reading import Element, Page
from PIL import Image

from unbraid_plugins.tools.reports import ReportError, write_comparison, write_report
from unbraid_registry import UnbraidError

NASTY = "<script>alert(1)</script>\"'>&amp;<img src=x onerror=alert(2)>"


def page_of(run: Path) -> Page:
    return Page(write_report(run).read_text(encoding="utf-8"))


def check(page: Page) -> None:
    """What every page promises."""
    assert page.elements[0].attributes == {"lang": "en"}
    identifiers = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(identifiers) == len(set(identifiers))
    for element in page.elements:
        at = element.attributes
        for key in ("aria-labelledby", "aria-describedby", "for"):
            assert set(at.get(key, "").split()) <= set(identifiers), (element.tag, at)
        assert not [k for k in at if k.startswith("on")], (element.tag, at)
        for key in ("src", "href", "data", "action", "srcset", "poster", "xlink:href"):
            assert at.get(key, "data:").startswith(("data:", "#")), (element.tag, key, at[key][:80])
        if at.get("href", "").startswith("#"):
            assert at["href"][1:] in identifiers
        if at.get("role") in ("img", "region"):
            assert at.get("aria-label") or at.get("aria-labelledby"), element.tag
        if "scroll" in at.get("class", "").split():
            assert at["tabindex"] == "0", "what scrolls must scroll by keyboard"
    assert not page.all("iframe", "object", "embed", "base", "form")
    assert [e.attributes.get("rel") for e in page.all("link")] == ["icon"]
    for style in page.all("style"):
        assert not re.search(r"@import|url\(|expression", style.text)
    for image in page.all("img"):
        assert len(image.attributes["alt"]) > 5
        assert int(image.attributes["width"]) > 0
        assert int(image.attributes["height"]) > 0
    levels = [int(e.tag[1]) for e in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels)), levels
    assert len(page.all("table")) == len(page.all("caption"))
    assert all(th.attributes["scope"] in ("col", "row", "colgroup") for th in page.all("th"))
    policy = next(e for e in page.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy")
    for script in page.all("script"):
        assert not script.attributes
        digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in policy.attributes["content"]
    assert "default-src 'none'" in policy.attributes["content"]


def test_a_report_stands_alone_and_is_accessible(run: Path) -> None:
    page = page_of(run)
    check(page)
    assert not page.all("script")
    assert len(page.all("img")) == 6                                     # the figure, four rows, a grid


def test_a_comparison_stands_alone_and_is_accessible(many: list[Path], tmp_path: Path) -> None:
    page = Page(write_comparison(many, tmp_path / "c.html").read_text())
    check(page)
    assert len(page.all("script")) == 1


def test_it_says_what_the_run_says(run: Path) -> None:
    page = page_of(run)
    for text in ("A title", "Someone, CVPR 2018", "unbraid train 'a b'", "torch 2.11.0", "finished at step 1,500",
                 "0123456789ab, with changes", "100 images of the test split", "Hue has no classes and is left out.",
                 "How well one chunk finds.", "higher is better", "0.730 to 0.780", "oracles 0.995", '"sharpness": 0.5',
                 "donors: x, y, z", "skin of the other", "size: 16"):
        assert text in page.text, text
    assert "none" not in [e.text for e in page.all("summary")]


def cells(page: Page, row: str) -> list[str]:
    """The text of the cells of a table's row, by its heading."""
    start = next(i for i, e in enumerate(page.elements) if e.tag == "th" and e.text.strip().startswith(row)
                 and e.attributes["scope"] == "row")
    found: list[str] = []
    for element in page.elements[start + 1:]:
        if element.tag == "tr":
            break
        if element.tag == "td":
            found.append(" ".join(element.text.split()))
    return found


def test_every_arm_has_its_score_in_its_column(run: Path) -> None:
    page = page_of(run)
    heads = [e.text for e in page.all("th") if e.attributes.get("role") == "columnheader"]
    assert heads[:5] == ["metric", "model", "untrained", "pixels", "perfect"]
    assert cells(page, "retrieval mAP")[:4] == ["0.755 0.730 to 0.780", "0.255", "0.355", "1.000"]
    assert cells(page, "reconstruction error")[:4] == ["27", "22", "–", "–"]
    assert cells(page, "MSE")[:2] == ["0.0020", "0.502"]


def test_a_control_that_does_as_well_is_told(run: Path) -> None:
    page = page_of(run)
    (warning,) = [e for e in page.elements if e.attributes.get("class") == "warning"]
    assert "linear probe (untrained 0.950, model 0.950)" in warning.text
    assert "retrieval" not in warning.text


def heat(page: Page) -> dict[str, list[tuple[str, str, bool]]]:
    """Text, colour and frame of the heat maps' cells, by their row."""
    found: dict[str, list[tuple[str, str, bool]]] = {}
    row = ""
    for e in page.elements:
        if e.tag == "th":
            row = e.text.split()[0]
        if e.tag == "td" and "style" in e.attributes:
            found.setdefault(row, []).append((e.text, e.attributes["style"], e.attributes.get("class") == "best"))
    return found


def test_matrices_are_tables_with_colours(run: Path) -> None:
    found = heat(page_of(run))
    assert found["skin"][:2] == [("0.81", "--v:0.810", True), ("0.20", "--v:0.200", False)]
    assert found["pose"][3:5] == [("0.05", "--v:0.050", False), ("0.80", "--v:0.800", True)]      # edit control
    assert found["a"] == [("0.90", "--v:0.900", True), ("0.10", "--v:0.100", False)]              # what a chunk moves


def test_the_pictures_keep_their_pixels(run: Path) -> None:
    image = next(e for e in page_of(run).all("img") if e.attributes["alt"].startswith("Reconstructions, rebuilt"))
    content = base64.b64decode(image.attributes["src"].partition(",")[2])
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (10 * 17 - 1, 16)
        assert picture.convert("RGBA").getpixel((16, 5))[3] == 0          # a gap shows the page's own colour
    assert (int(image.attributes["width"]), image.attributes["class"]) == (4 * 169, "crisp")


def test_the_figure_is_an_image_that_runs_nothing(run: Path) -> None:
    (run / "figure.svg").write_text((run / "figure.svg").read_text().replace("<path", "<script>alert(1)</script><path"))
    html = write_report(run).read_text()
    assert "<svg xmlns" not in html
    assert "alert(1)" not in html
    figure = next(e for e in Page(html).all("img") if e.attributes["class"] == "figure")
    assert figure.attributes["alt"] == "The method's figure. x1 goes to encoder & generator"
    assert (figure.attributes["width"], figure.attributes["height"]) == ("401", "160")
    svg = base64.b64decode(figure.attributes["src"].partition(",")[2]).decode()
    assert 'd="M 1.25 100.12" transform="scale(0.015625)"' in svg


def test_curves_are_paths_with_words(run: Path) -> None:
    plots = [e for e in page_of(run).elements if e.attributes.get("role") == "img"]
    assert [p.attributes["aria-label"] for p in plots] == [
        "rebuild: from 90 at step 25 to 0.180 at step 1,500, between 0.180 and 90",
        "prior: from 2 at step 25 to 61 at step 1,500, between 2 and 61",
        "beta: from 4 at step 25 to 4 at step 1,500, between 4 and 4"]


@pytest.mark.parametrize("where", ["title", "factor", "everything"])
def test_nothing_in_a_run_becomes_markup(run: Path, where: str) -> None:
    plain = {e.tag for e in page_of(run).elements}
    if where == "title":
        text = (run / "recipe.yaml").read_text()
        (run / "recipe.yaml").write_text(text.replace('"A title"', json.dumps(NASTY)))
    else:
        for file in ("evaluation.json", "metrics.jsonl", "run.json") if where == "everything" else ("evaluation.json",):
            text, nasty = (run / file).read_text(), json.dumps(NASTY)[1:-1]
            for word in ("skin", "vae/rebuild", "unbraid", "cpu", "hue", "mine", "finished", "How well", '"a"'):
                text = text.replace(word, f'"{nasty}"' if word[0] == '"' else nasty)
            (run / file).write_text(text)
    page = page_of(run)
    check(page)
    assert {e.tag for e in page.elements} <= plain
    assert not [e for e in page.all("img") if e.attributes["src"] == "x"]
    assert NASTY in " ".join(e.text for e in page.elements)


def rewritten(run: Path, **changes: object) -> Page:
    found = json.loads((run / "evaluation.json").read_text())
    (run / "evaluation.json").write_text(json.dumps(found | changes))
    page = page_of(run)
    check(page)
    return page


def test_a_run_without_factors(run: Path) -> None:
    arms = {"model": {"reconstruction_error": {"mse": 0.01, "score": 20.0}}}
    page = rewritten(run, factors={}, arms=arms, data={}, intervals={}, metrics={}, notes=["no factors are known"])
    assert "No factors are known." in page.text
    assert not [e for e in page.all("table") if e.attributes["class"] == "heat"]


def test_a_run_of_which_nothing_could_be_measured(run: Path) -> None:
    page = rewritten(run, factors={}, arms={"model": {}, "untrained": {}}, data={}, notes=["no encode of an image"])
    assert "Nothing could be measured" in page.text
    assert "No encode of an image." in page.text


def test_scores_that_are_not_numbers(run: Path) -> None:
    arms = {"model": {"mig": {"score": None}, "dci": {"score": 0.5, "matrix": [[None, 0.5], [1e9, -0.5]],
                                                     "factors": ["skin", "pose"], "chunks": ["a", "b"]}},
            "random": {"mig": {"score": 0.1}}}
    page = rewritten(run, arms=arms, intervals={"model": {"mig": [None, 0.2]}})
    assert cells(page, "MIG")[:2] == ["–", "0.100"]


def test_losses_that_are_not_finite(run: Path) -> None:
    values = enumerate(["1.0", "NaN", "2.0", "Infinity", "3.0"])
    lines = "".join(f'{{"step": {i}, "vae/loss": {value}}}\n' for i, value in values)
    (run / "metrics.jsonl").write_text(lines + '[1]\n"x"\n{"step": "?", "vae/loss": 1}\n{"step": 9, "vae/lo')
    page = page_of(run)
    check(page)
    assert "2 of its values are not finite" in page.text
    assert "NaN" not in page.text
    assert all("nan" not in e.attributes.get("d", "") for e in page.elements)


def test_a_run_stopped_after_three_steps(run: Path) -> None:
    (run / "metrics.jsonl").write_text('{"step": 1, "vae/loss": 3.0}\n')
    record = json.loads((run / "run.json").read_text())
    record["sessions"][0] |= {"exit": "interrupted", "to_step": 3}
    (run / "run.json").write_text(json.dumps(record))
    page = page_of(run)
    check(page)
    assert "interrupted at step 3" in page.text
    assert [e for e in page.all("path") if e.attributes["class"] == "dot"]


def test_a_bare_folder_says_what_it_lacks(run: Path) -> None:
    for path in sorted(run.rglob("*"), reverse=True):
        if path.name != "run.json":
            path.unlink() if path.is_file() else path.rmdir()
    (run / "run.json").write_text("{")
    page = page_of(run)
    check(page)
    for text in ("not evaluated", "no recipe.yaml", "record of the training is damaged", "No losses were logged",
                 "figure is missing", "no pictures"):
        assert text in page.text, text


def test_damaged_pictures_and_recipe_are_told(run: Path) -> None:
    (run / "pictures/swaps.png").write_bytes((run / "pictures/swaps.png").read_bytes()[:300])
    (run / "pictures/reconstructions.png").write_text("no picture")
    (run / "recipe.yaml").write_text("a: [")
    page = page_of(run)
    check(page)
    assert "The picture swaps.png can't be read" in page.text
    assert "The picture reconstructions.png can't be read" in page.text
    assert "The recipe can't be read" in page.text
    assert "Swap grid of skin" in " ".join(e.attributes.get("alt", "") for e in page.elements)


def test_pictures_of_the_training_where_the_evaluation_has_none(run: Path) -> None:
    for step in (500, 1500):
        Image.new("RGB", (40, 20), "teal").save(run / f"pictures/samples-{step:08d}.png")
        Image.new("RGB", (40, 20), "teal").save(run / f"pictures/swaps-{step:08d}.png")
    page = page_of(run)
    check(page)
    assert "Drawn while training, after step 1,500." in page.text
    assert len([e for e in page.all("img") if e.attributes["alt"].startswith("Swaps")]) == 2, "the evaluation's own"


@pytest.mark.parametrize(("content", "message"), [
    ("{", "can't read"), ("[]", "is no evaluation"), ('{"arms": {"model": {"mig": 1}}}', "is no evaluation"),
    ('{"arms": {}, "format": 99}', "has format 99"), ("[" * 100_000, "can't read")])
def test_an_unreadable_evaluation_is_one_message_and_loses_nothing(run: Path, content: str, message: str) -> None:
    (run / "report.html").write_text("old")
    (run / "evaluation.json").write_text(content)
    with pytest.raises(ReportError, match=message) as caught:
        write_report(run)
    assert caught.value.hint
    assert (run / "report.html").read_text() == "old"


def test_a_full_disk_is_one_message_and_leaves_the_old_report(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "report.html").write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UnbraidError, match="No space left on device"):
        write_report(run)
    monkeypatch.undo()
    assert (run / "report.html").read_text() == "old"
    assert not list(run.glob(".*"))


def luminance(red: float, green: float, blue: float) -> float:
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(run: Path, theme: int) -> None:
    style = next(e for e in page_of(run).elements if e.tag == "style").text
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[theme]
    colours = {k: tuple(int(v[i:i + 2], 16) / 255 for i in (0, 2, 4))
               for k, v in re.findall(r"--([\w-]+): #(\w{6});", block)}
    heats = {k: tuple(int(x) / 255 for x in v.split()) for k, v in re.findall(r"--(heat|cold): ([\d ]+);", block)}

    def contrast(a: tuple[float, ...], b: tuple[float, ...]) -> float:
        high, low = sorted((luminance(*a), luminance(*b)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for text, behind in (("ink", "paper"), ("muted", "paper"), ("muted", "sheet"), ("accent", "paper"),
                         ("ink", "faint"), ("warn", "warn-paper"), ("warn", "paper")):
        assert contrast(colours[text], colours[behind]) >= 4.5, (text, behind)
    for name, heat_ in heats.items():
        for share in (0.25, 0.5, 0.75, 1.0):
            mixed = tuple(share * h + (1 - share) * p for h, p in zip(heat_, colours["paper"], strict=True))
            assert contrast(colours["ink"], mixed) >= 4.5, (name, share)


def test_the_checks_can_fail() -> None:
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'"><link rel="icon">'
    head = f'<html lang="en"><head>{policy}</head><body>'
    good = f"{head}<h1>a</h1></body></html>"
    check(Page(good))
    for bad in ('<img src="data:," width="1" height="1">', '<p id="x"></p><p id="x"></p>', "<h3>b</h3>",
                '<img src="https://a.b/c.png" alt="a picture" width="1" height="1">', "<script>x</script>",
                '<p onclick="x">b</p>', "<table></table>", "<p>b</i></p>", '<div class="scroll"></div>'):
        with pytest.raises((AssertionError, KeyError)):
            check(Page(good.replace("</body>", f"{bad}</body>")))
    assert isinstance(Page(good).elements[0], Element)


@pytest.mark.parametrize(("better", "own", "other", "told"), [
    ("higher", 0.5, 0.55, True), ("higher", 0.5, 0.45, False), ("lower", 0.5, 0.45, True), ("lower", 0.5, 0.55, False),
    ("", 0.5, 0.9, False)])
def test_which_control_does_as_well(run: Path, better: str, own: float, other: float, told: bool) -> None:
    page = rewritten(run, arms={"model": {"mig": {"score": own}}, "pixels": {"mig": {"score": other}},
                                "perfect": {"mig": {"score": 1.0 if better == "higher" else 0.0}}},
                     intervals={"model": {"mig": [0.4, 0.6]}, "pixels": {"mig": [0.42, 0.58]}},
                     metrics={"mig": {"summary": "s", "better": better}})
    assert ("no better than pixels" in page.text) == told     # by scores, not by their intervals
    assert "no better than perfect" not in page.text
