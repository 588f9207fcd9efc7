"""How many threads BLAS, the library behind matrix products, has for what."""

from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController


class OneThreadForSciPy:
    """Keep SciPy's own BLAS to one thread while at least one fit asks for it.

    The wheels of NumPy and SciPy bring a BLAS each, with threads that go on looking
    for work after a call. L-BFGS calls the one between calls of the other, and what
    SciPy's threads gain on its short vectors NumPy's lose three times over. A BLAS
    that both share is left alone.

    The number of threads belongs to the process. So it is lowered by the first of
    several fits that overlap, and raised again by the last.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._limit = blas_of_scipy().limit(limits=1)
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limit.restore_original_limits()
                self._limit = None


@cache
def blas_of_scipy() -> ThreadpoolController:
    """Find the libraries that lie in a wheel of SciPy's: once, it takes a while."""
    controller = ThreadpoolController()
    folders = ("scipy.libs", "scipy/.dylibs")
    paths = [library["filepath"] for library in controller.info()]
    own = [path for path in paths if any(folder in path for folder in folders)]
    return controller.select(filepath=own)


one_thread_for_scipy = OneThreadForSciPy()
