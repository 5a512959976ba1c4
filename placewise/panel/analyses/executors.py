"""Where long permutation work is done: processes of this machine, or a Dask cluster; both by one interface."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from placewise.core.errors import ExecutorUnavailable

_DASK_WAIT_S = 10


@contextmanager
def executor(*, processes: int | None = None, dask: str | None = None) -> Iterator[Executor]:
    """Where pieces of a calculation are sent, as the standard library's ``Executor``.

    Parameters
    ----------
    processes : int, optional
        Processes of this machine. Default: as many as it has cores for us.
    dask : str, optional
        Address of a Dask scheduler, such as ``tcp://10.0.0.5:8786``, whose workers run this version of Placewise.

    Raises
    ------
    ExecutorUnavailable
        The scheduler does not answer.
    """
    if dask is None:
        # Forked processes would share the pool's threads and the database's sockets.
        context = multiprocessing.get_context("forkserver")
        with ProcessPoolExecutor(processes or len(os.sched_getaffinity(0)), mp_context=context) as pool:
            yield pool
        return
    from distributed import Client  # takes a second, and most have no cluster

    try:
        client = Client(dask, timeout=_DASK_WAIT_S, set_as_default=False)  # type: ignore[no-untyped-call]  # the library is not typed
    except (OSError, ValueError) as problem:
        raise ExecutorUnavailable(
            f"The Dask scheduler at {dask} does not answer. Check PLACEWISE_DASK, or leave it out to calculate here."
        ) from problem
    with client:
        yield client.get_executor()  # type: ignore[no-untyped-call]  # the library is not typed
