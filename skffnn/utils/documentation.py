"""Where the documentation is, for the links in the HTML repr of an estimator."""

from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

# What `make docs` builds in a checkout.
BUILT = Path(__file__).parents[2] / "docs" / "_build" / "html"


def site() -> str | None:
    """Return the address of the documentation.

    Returns
    -------
    url : str or None
        That of the published pages, if the package names it as its project URL
        "Documentation"; else of the pages that were built in this checkout; or None.
    """
    try:
        links = metadata("skffnn").get_all("Project-URL") or []
    except PackageNotFoundError:
        links = []
    for link in links:
        label, url = link.split(", ", 1)
        if label == "Documentation":
            return url.rstrip("/")
    return BUILT.as_uri() if BUILT.is_dir() else None


class Documented:
    """Lets the HTML repr of an estimator link to the page of its class."""

    _doc_link_module = "skffnn"

    @property
    def _doc_link_template(self) -> str:
        url = site()
        return f"{url}/api/generated/skffnn.{{estimator_name}}.html" if url else ""
