"""Long work in numbered pieces: one after another here, or side by side wherever an executor runs them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import closing
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from placewise.core.progress import OnProgress, tell

Number = TypeVar("Number", bound=np.generic)
Work = Callable[[int, int], NDArray[Number]]

#: Pieces handed out and not yet taken back. Enough for the processors of a machine or two, and few enough
#: that little is made in vain by a stop and little memory waits.
IN_FLIGHT = 16


def replicate_generator(seed: int, number: int) -> np.random.Generator:
    """Return the random numbers of one replicate (or block): the same whichever piece or worker makes it.

    It is the generator of ``SeedSequence(seed).spawn(...)[number]``.

    Raises
    ------
    ValueError
        The seed or the number is negative.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(number,))
    return np.random.Generator(np.random.SFC64(sequence))


def pieces(
    work: Work[Number],
    total: int,
    *,
    size: int,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> Generator[NDArray[Number], None, None]:
    """Yield what ``work`` makes of replicates 0 to ``total - 1``, piece by piece, in order.

    Whoever has enough closes the generator (`contextlib.closing`): pieces not begun are then cancelled.

    Parameters
    ----------
    work : callable
        ``work(first, count)`` makes replicates ``first`` to ``first + count - 1``, each from its own number
        only (`replicate_generator`), so that neither ``size`` nor ``executor`` changes what is made. For an
        executor of other processes it and what it holds must be picklable; they are sent with each piece.
    total : int >= 1
    size : int >= 1
        Replicates in a piece.
    executor : concurrent.futures.Executor, optional
        A pool of processes, ``distributed.Client.get_executor()``, or any other of that interface. It is
        not shut down. Without it the pieces are made here, one by one.
    on_progress : callable, optional
        Told (done, total) after each piece, always from here; returning False stops.

    Raises
    ------
    CalculationStopped
        ``on_progress`` returned False. Nothing of the work is left running.

    Examples
    --------
    >>> [piece.tolist() for piece in pieces(lambda first, count: np.arange(first, first + count), 5, size=2)]
    [[0, 1], [2, 3], [4]]
    """
    if total < 1 or size < 1:
        raise ValueError(f"the number of replicates must be 1 or more, not {total} (in pieces of {size})")
    spans = [(first, min(size, total - first)) for first in range(0, total, size)]
    made = (work(*span) for span in spans) if executor is None else _side_by_side(executor, work, spans)
    with closing(made):
        for (first, count), piece in zip(spans, made, strict=True):
            tell(on_progress, first + count, total)
            yield piece


def _side_by_side(
    executor: Executor, work: Work[Number], spans: list[tuple[int, int]]
) -> Generator[NDArray[Number], None, None]:
    waiting: deque[Future[NDArray[Number]]] = deque()
    try:
        for span in spans:
            if len(waiting) == IN_FLIGHT:
                yield waiting[0].result()
                waiting.popleft()
            waiting.append(executor.submit(work, *span))
        while waiting:
            yield waiting[0].result()
            waiting.popleft()
    finally:
        # What has begun cannot be taken back; waited for, it does not run on behind whoever stopped.
        wait([future for future in waiting if not future.cancel()])


def stacked(
    work: Work[Number],
    total: int,
    *,
    size: int,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> NDArray[Number]:
    """Return all `pieces` in one array, shape (total, …)."""
    return np.concatenate(list(pieces(work, total, size=size, executor=executor, on_progress=on_progress)))


def summed(
    work: Work[Number],
    total: int,
    *,
    size: int,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> NDArray[Number]:
    """Return the sum of all `pieces`, each of one and the same shape."""
    made = pieces(work, total, size=size, executor=executor, on_progress=on_progress)
    amount = next(made).copy()
    for piece in made:
        amount += piece  # type: ignore[misc]  # arrays of any one type
    return amount


def blocks(first: int, count: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield (number, replicates) of each block in a piece, where a whole block shares one generator.

    Drawing for many replicates at once is faster than for each alone. A piece begins where a block does.

    Examples
    --------
    >>> list(blocks(500, 350, 250))
    [(2, 250), (3, 100)]
    """
    for start in range(first, first + count, size):
        yield start // size, min(size, first + count - start)
