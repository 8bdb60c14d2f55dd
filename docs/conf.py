# SPDX-License-Identifier: GPL-3.0-or-later
"""The site of the documentation.

    python -m sphinx -W docs build/site

Runs the notebooks and makes the reference from the docstrings; open
``build/site/index.html``. Needs the extra `site`. The pages are written for the web
view of the repository; here only their links out of `docs/` get new targets.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hyperspy_hrtemnn

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
# Pages of the site whose text stands elsewhere in the repository.
ELSEWHERE = {
    "benchmarks": "benchmarks/README.md",
    "changes": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
}
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)")

project = "hyperspy-hrtemnn"
author = "The hyperspy-hrtemnn developers"
copyright = author  # noqa: A001 # Sphinx's name
version = release = hyperspy_hrtemnn.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
]
html_theme = "furo"
html_title = f"hyperspy-hrtemnn {release}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["tables.css"]
templates_path = ["_templates"]
# Names in docstrings stand between single backticks.
default_role = "py:obj"
add_module_names = False

myst_heading_anchors = 5

# Methods are on the page of their class.
numpydoc_show_class_members = False
autodoc_member_order = "alphabetical"
python_use_unqualified_type_names = True

nb_execution_mode = "auto"
nb_execution_in_temp = True
# A machine may be busy; on a quiet one the longest takes less than a minute.
nb_execution_timeout = 600
nb_execution_raise_on_error = True
# Pictures appear below the cells whatever MPLBACKEND is; bars of progress do not.
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
os.environ["TQDM_DISABLE"] = "1"
# The commands in notebooks are those of this Python.
os.environ["PATH"] = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ["PATH"]]
)


def links_of_the_site(app: Sphinx, docname: str, source: list[str]) -> None:
    """Fetch the text that stands elsewhere, and lead links to where the site has it."""
    docs = Path(app.srcdir).resolve()
    page = docs / docname
    if docname in ELSEWHERE:
        page = ROOT / ELSEWHERE[docname]
        source[0] = page.read_text(encoding="utf-8")
    pages = {(ROOT / path): f"{name}.md" for name, path in ELSEWHERE.items()}

    def moved(match: re.Match[str]) -> str:
        path = Path(os.path.normpath(page.parent / match[1]))
        here = docs / pages[path] if path in pages else path
        relative = os.path.relpath(here, (docs / docname).parent).replace(os.sep, "/")
        # Files that are not pages are there to download; of a text one has to say so.
        text = here.suffix == ".md" and docs not in here.parents
        return f"path:{relative}" if text else relative

    source[0] = LINK.sub(moved, source[0])


def with_the_type(
    _app: Sphinx, _what: str, _name: str, thing: Any, _options: Any, lines: list[str]
) -> None:
    """Put the type of the result, which is in the signature, where numpydoc has it."""
    function = getattr(thing, "fget", thing)
    returned = getattr(function, "__annotations__", {}).get("return")
    if "Returns" not in lines or returned is None:
        return
    first = lines.index("Returns") + 2
    rules = (i - 1 for i in range(first, len(lines)) if set(lines[i]) == {"-"})
    last = next(rules, len(lines))
    lines[first:last] = [str(returned), *(f"    {line}" for line in lines[first:last])]


def setup(app: Sphinx) -> dict[str, bool]:
    """Ask Sphinx for each page and docstring before it is parsed."""
    app.connect("source-read", links_of_the_site)
    app.connect("autodoc-process-docstring", with_the_type, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
