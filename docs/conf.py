"""How the site is built: `make docs`, without a network."""

from importlib.metadata import version as version_of

project = "skffnn"
author = "the skffnn developers"
copyright = author
version = release = version_of("skffnn")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",  # the formulas are set by a copy that the site carries
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]

# The pages are Markdown that is legible elsewhere too: $…$ and a block ```math.
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4

autosummary_generate = True
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_validation_checks = {"all", "ES01", "SA01", "EX01", "PR08", "RT02", "RT04"} | {
    "SS02",
    "YD01",
}

html_theme = "pydata_sphinx_theme"
html_title = "skffnn"
html_static_path = ["_static"]
html_css_files = ["skffnn.css"]
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "use_edit_page_button": False,
}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "within_subsection_order": "FileNameSortKey",
}
