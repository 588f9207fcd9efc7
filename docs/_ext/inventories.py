"""Inventories of other projects for intersphinx, from the text that is kept here."""

import tomllib
import zlib
from pathlib import Path


def write_inventories(source: Path, folder: Path) -> dict[str, tuple[str, str]]:
    """Write an inventory for each project, as intersphinx reads it.

    Returns the value of `intersphinx_mapping`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, pages in tomllib.loads(source.read_text("utf-8")).items():
        url = pages.pop("url")
        lines = [
            f"{name} py:{kind} 1 {page.replace('$', name)} -\n"
            for page, kinds in pages.items()
            for kind, names in kinds.items()
            for name in names
        ]
        head = (
            f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
            "# The remainder of this file is compressed using zlib.\n"
        )
        path = folder / f"{project}.inv"
        path.write_bytes(head.encode() + zlib.compress("".join(lines).encode()))
        mapping[project] = (url, str(path))
    return mapping
