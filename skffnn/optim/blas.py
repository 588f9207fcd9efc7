"""Limits on the number of BLAS threads."""

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController


class OneThread:
    """Context manager that limits BLAS libraries to one thread.

    The limit applies to the whole process. If several users overlap, the first one sets
    it and the last one restores it.

    Parameters
    ----------
    libraries : callable
        Returns a controller of the libraries.
    """

    def __init__(self, libraries: Callable[[], ThreadpoolController]) -> None:
        self._libraries = libraries
        self._lock = Lock()
        self._users = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._limit = self._libraries().limit(limits=1)
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._limit.restore_original_limits()
                self._limit = None


@cache
def blas_of_scipy() -> ThreadpoolController:
    """Return a controller for the BLAS in a SciPy wheel; cached because it is slow."""
    controller = ThreadpoolController()
    folders = ("scipy.libs", "scipy/.dylibs")
    paths = [library["filepath"] for library in controller.info()]
    own = [path for path in paths if any(folder in path for folder in folders)]
    return controller.select(filepath=own)


@cache
def all_blas() -> ThreadpoolController:
    """Return a controller for every BLAS; cached because it is slow."""
    return ThreadpoolController().select(user_api="blas")


# The wheels of NumPy and SciPy each bundle a BLAS, whose threads keep spinning for a
# while after a call. L-BFGS alternates between the two. On its short vectors, SciPy's
# threads save only a third of the time that they cost NumPy's. A BLAS that both share
# is not limited.
one_thread_for_scipy = OneThread(blas_of_scipy)

# For running as many tasks in parallel as there are cores. The number of threads may
# also change the last bits of a matrix product.
one_thread = OneThread(all_blas)
