"""How Sphinx builds these pages: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

import unbraid

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "Unbraid"
author = "The Unbraid developers"
copyright = "2026, the Unbraid developers"
version = release = unbraid.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "catalog_tables", "native_math",
              "plain_docstrings"]
exclude_patterns = ["_build", "jupyter_execute"]
myst_enable_extensions = ["deflist", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"                        # pages of docs/notebooks: half a minute of a core in all
nb_execution_timeout = 600                         # seconds a cell; on two cores a whole notebook takes less than 180
nb_execution_raise_on_error = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "undoc-members": False}
python_maximum_signature_line_length = 100

html_theme = "furo"
html_title = "Unbraid"
html_show_sourcelink = False
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["unbraid.css"]
