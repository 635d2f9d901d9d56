"""How the site is built: ``make docs``. Every page is executed at build; an error in a cell fails the build.

While writing, execute one page only: ``DOCS_ONLY='course/05*' sphinx-build docs out/docs``.
"""

import importlib.util
import os
import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path

from sphinx.util import logging

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

# The kernels that execute the pages inherit these. One BLAS thread each: several pages run side by side.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")
os.environ["JUPYTER_PATH"] = str(HERE / "_kernel")
os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import tinytensor  # noqa: E402  # after the settings that its threads read

# ------------------------------------------------------------------------------------------ project
project = "tinytensor"
author = "the tinytensor authors"
copyright = author
version = release = tinytensor.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb"}  # the first is what autosummary writes
exclude_patterns = ["_kernel"]
templates_path = ["_templates"]
default_role = "py:obj"  # `name` in a docstring is a link where there is something of that name

# -------------------------------------------------------------------------------------------- pages
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "force"  # Sphinx reads only what changed, so only that is executed again
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds for a cell; the slowest takes ten
nb_merge_streams = True
nb_output_stderr = "remove-warn"  # a warning in a cell fails the build, as it names paths of this machine
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"

only = os.environ.get("DOCS_ONLY")
if only:
    pages = [path.relative_to(HERE).as_posix() for path in HERE.rglob("*.md")]
    nb_execution_excludepatterns = [
        page for page in pages if not any(fnmatch(page, f"{pattern}*") for pattern in only.split())
    ]
    suppress_warnings = ["myst-nb.lexer"]  # a page that is not executed does not know its language

# ---------------------------------------------------------------------------------------- reference
autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say the types, with shapes
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# --------------------------------------------------------------------------------------------- HTML
html_theme = "pydata_sphinx_theme"
html_title = "tinytensor"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("frames.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "tinytensor"},
    "show_prev_next": True,
    "navigation_with_keys": False,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version", "theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "ten-minutes": []}
# MathJax from the package beside, so that formulas are readable without a network.
mathjax_path = "tex-svg.js"
mathjax3_config = {"svg": {"fontCache": "global"}, "options": {"enableMenu": False}}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_selector = "div:not(.output) > div.highlight > pre"


def copy_mathjax(app, exception):
    """Put MathJax's one file beside the pages."""
    if exception is None and app.builder.format == "html":
        package = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent
        shutil.copy(package / "static" / "mathjax" / "tex-svg.js", Path(app.outdir) / "_static")


def check_expected_errors(app, doctree):
    """Warn of a cell that is said to raise, and does not any more."""
    executed = app.env.docname + ".md" not in app.config.nb_execution_excludepatterns
    for cell in doctree.findall(
        lambda node: "tag_raises-exception" in getattr(node, "attributes", {}).get("classes", [])
    ):
        outputs = cell.findall(lambda node: "traceback" in getattr(node, "attributes", {}).get("classes", []))
        if executed and not any(outputs):
            logging.getLogger(__name__).warning("this cell was to raise an error, and did not", location=cell)


def setup(app):
    """What Sphinx calls."""
    app.connect("doctree-read", check_expected_errors)
    steppers = Path(app.outdir) / "_static" / "steppers"  # the pages that show a stepper write it there
    steppers.mkdir(parents=True, exist_ok=True)
    os.environ["DOCS_STEPPERS"] = str(steppers)
    app.connect("build-finished", copy_mathjax)
