"""Links to the documentation in the HTML representation of estimators."""

from importlib.metadata import PackageNotFoundError, metadata


def site() -> str | None:
    """Return the URL of the documentation.

    Returns
    -------
    url : str or None
        The project URL "Documentation" of the package, if it has one. Pages built in a
        checkout are not linked, because browsers do not open files from a notebook.
    """
    try:
        links = metadata("skffnn").get_all("Project-URL") or []
    except PackageNotFoundError:
        links = []
    for link in links:
        label, url = link.split(", ", 1)
        if label == "Documentation":
            return url.rstrip("/")
    return None


class Documented:
    """Mixin that links the HTML representation of an estimator to its page."""

    _doc_link_module = "skffnn"

    @property
    def _doc_link_template(self) -> str:
        url = site()
        return f"{url}/api/generated/skffnn.{{estimator_name}}.html" if url else ""
