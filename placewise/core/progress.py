"""How long work says how far it is, and is stopped."""

from __future__ import annotations

from collections.abc import Callable

from placewise.core.errors import CalculationStopped

#: Told (done, total) after each piece; returning False stops the work.
OnProgress = Callable[[int, int], bool]


def tell(on_progress: OnProgress | None, done: int, total: int) -> None:
    """Say how far the work is, to whoever wants to know.

    Raises
    ------
    CalculationStopped
        ``on_progress`` returned False.
    """
    if on_progress is not None and on_progress(done, total) is False:
        raise CalculationStopped("The calculation was stopped before it was done; there is no result.")
