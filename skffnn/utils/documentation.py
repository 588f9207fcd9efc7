"""Links to the documentation in the HTML representation of estimators."""

from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

# The pages that `make docs` builds in a checkout.
BUILT = Path(__file__).parents[2] / "docs" / "_build" / "html"


def site() -> str | None:
    """Return the URL of the documentation.

    Returns
    -------
    url : str or None
        The project URL "Documentation" of the package if there is one, else the pages
        built in this checkout, else None.
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
    """Mixin that links the HTML representation of an estimator to its page."""

    _doc_link_module = "skffnn"

    @property
    def _doc_link_template(self) -> str:
        url = site()
        return f"{url}/api/generated/skffnn.{{estimator_name}}.html" if url else ""
