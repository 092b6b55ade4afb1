"""Equations as MathML, which browsers draw by themselves: no script, no network.  docutils translates them."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

UNSPACED = re.compile(r"<mo>&ApplyFunction;</mo>(?!\s*<mo[^>]*>[(\[])")         # browsers set `log D` as `logD`


def setup(app: Any) -> dict[str, bool]:
    """Add the renderer `mathml`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(mathml(node))
    raise nodes.SkipNode


def _display(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="equation">{mathml(node, display=True)}</div>\n')
    raise nodes.SkipNode


def mathml(node: nodes.Node, *, display: bool = False) -> str:
    """The element.  Raises ValueError, with the place, for what can't be read."""
    try:
        return UNSPACED.sub('<mspace width="0.17em"></mspace>', tex2mathml(node.astext(), as_block=display))
    except (SyntaxError, ValueError, AttributeError, IndexError) as error:
        raise ValueError(f"{node.source}:{node.line}: can't read the equation {node.astext()!r}: {error}") from error
