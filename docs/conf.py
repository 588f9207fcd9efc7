"""How the site is built: `make docs`, without a network."""

import sys
import tomllib
import warnings
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from inventories import write_inventories
from sklearn.exceptions import ConvergenceWarning
from sphinx_gallery.sorting import ExplicitOrder
from thumbnails import draw_thumbnails

DOCS = Path(__file__).parent
# Pictures are drawn of networks that were trained for a few epochs on purpose.
warnings.simplefilter("ignore", ConvergenceWarning)

project = "skffnn"
author = "the skffnn developers"
copyright = author
version = release = version_of("skffnn")

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "reference",  # in _ext
    "drawing",  # in _ext
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_codeautolink",  # names in examples link to the reference
    "sphinx_copybutton",
    "sphinx-mathjax-offline",  # the formulas are set by a copy that the site carries
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]

# The pages are Markdown that is legible elsewhere too: $…$ and a block ```math.
myst_enable_extensions = ["colon_fence", "dollarmath", "substitution"]
myst_substitutions = {"version": version}
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4

smartquotes = False  # a name in quotes is code
toc_object_entries_show_parents = "hide"
highlight_language = "none"  # where a block does not say: formulas, commands
# The blank line that ends an example in the page is not shown.
highlight_options = {name: {"stripnl": True} for name in ("python", "none")}

intersphinx_mapping = write_inventories(
    DOCS / "inventories.toml", DOCS / "_build" / "inventories"
)

# Links in code are made where they can be: lines from the middle of a function are no
# code on their own, and the gallery makes links of its own.
suppress_warnings = [
    f"codeautolink.{kind}" for kind in ("parse_block", "match_block", "match_name")
]

# What is copied is code alone: neither prompts nor output.
copybutton_exclude = ".linenos, .gp, .go"

# `.. plot::` runs the code that it shows, and draws below it what the code drew.
plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = ["svg"]

default_role = "py:obj"  # a link where there is something to link to, else code
autodoc_typehints = "none"  # docstrings say more
autosummary_generate = True
numpydoc_show_class_members = False  # the template of a class lists them
# The checks of `make lint`, which leaves out YD01 too.
pyproject = tomllib.loads((DOCS.parent / "pyproject.toml").read_text("utf-8"))
numpydoc_validation_checks = {
    *pyproject["tool"]["numpydoc_validation"]["checks"],
    "YD01",
}
# A protocol has methods, and no parameters of its own; solvers only read the criteria.
numpydoc_validation_exclude = {
    r"\.(Activation|ClassificationLoss|Initializer|Optimizer|Penalty|Solver)$",
    r"\.StoppingCriteria$",
}

html_theme = "pydata_sphinx_theme"
html_title = "skffnn"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["skffnn.css"]
html_search_scorer = str(DOCS / "_ext" / "search_scorer.js")
html_show_sourcelink = False
# Pages with no others beside them have nothing to list there.
html_sidebars = {
    name: []
    for name in (
        "index",
        "install",
        "getting_started",
        "from_mlpclassifier",
        "benchmarks",
        "glossary",
        "changelog",
        "contributing",
        "citing",
    )
}
html_theme_options = {
    "logo": {"text": "skffnn", "alt_text": "skffnn"},
    "navbar_start": ["navbar-logo", "version"],
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "show_prev_next": True,
    "use_edit_page_button": False,
}

draw_thumbnails(DOCS / "_build" / "thumbnails")
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "capture_repr": (),
    "remove_config_comments": True,
    "image_srcset": ["2x"],
    "thumbnail_size": (640, 440),
    # The page of each object of the reference lists the examples that use it.
    "backreferences_dir": "auto_examples/backreferences",
    "doc_module": ("skffnn",),
    "write_computation_times": False,
    # From the simplest to the richest; one that is not named comes last.
    "within_subsection_order": ExplicitOrder(
        [
            "plot_logic_gates.py",
            "plot_universal_approximation.py",
            "plot_feature_space.py",
            "plot_alpha.py",
            "plot_solvers_and_schedules.py",
            "plot_training.py",
            "plot_learning_curves.py",
            "plot_peers.py",
            "plot_calibration.py",
            "plot_quantile_bands.py",
            "plot_counts.py",
            "plot_pipeline_grid_search.py",
            "plot_mixed_table.py",
            "plot_explaining.py",
            "plot_cluster.py",
            "optuna_pruning.py",
            "mlflow_tracking.py",
            "mnist.py",
            "*",
        ]
    ),
}
