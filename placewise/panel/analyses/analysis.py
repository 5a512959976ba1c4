"""What every long calculation has in common: its inputs, how they are named, and what it answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from hashlib import blake2b
from typing import Any, Protocol, TypeVar

import numpy as np
import orjson
import shapely

import placewise
from placewise.core.progress import OnProgress
from placewise.panel.hotspots import Hotspots

#: An address' parameters: name and all its values.
Asked = Mapping[str, Sequence[str]]
Task = TypeVar("Task")

#: The same picture for everybody and every day; it is shown with the result, and another may be asked for.
SEED = 20_250_101
DIGEST_BYTES = 32


class Analysis(Protocol[Task]):
    """One kind of long calculation."""

    @property
    def code(self) -> str:
        """Its name in addresses and in the database."""

    @property
    def label(self) -> str:
        """Its name on pages."""

    def prepare(self, found: Hotspots, asked: Asked) -> Task:
        """Take from a picture all that the calculation needs: a frozen dataclass of arrays and plain values.

        Raises
        ------
        PlacewiseError
            There is too little to calculate with, or a parameter is wrong; the message says what to do.
        """

    def run(self, task: Task, *, executor: Executor | None = None, on_progress: OnProgress) -> dict[str, Any]:
        """Calculate; the answer is ready for JSON, without names and without anything of a single record.

        Raises
        ------
        CalculationStopped
            ``on_progress(done, total)`` returned False.
        """


def digest_of(code: str, task: Any) -> bytes:
    """Name of a calculation: equal only for equal inputs, parameters and software, so a result can be kept under it.

    Who can make it has all the inputs and could calculate the result, so it gives nothing away.

    Parameters
    ----------
    code : str
        Of the analysis.
    task : dataclass
        Its inputs: arrays, shapes, dataclasses of them, and plain values.
    """
    digest = blake2b(digest_size=DIGEST_BYTES)
    _feed(digest.update, [placewise.__version__, code, task])
    return digest.digest()


def _feed(update: Callable[[bytes], None], value: Any) -> None:
    """Hash a value with its kind and size before it, so that no two values run into one another."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        value = [part for name in sorted(value) for part in (name, value[name])]
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        value = [value.shape, *value.ravel().tolist()]
    if isinstance(value, list | tuple):
        update(b"list %d " % len(value))
        for part in value:
            _feed(update, part)
        return
    if isinstance(value, shapely.Geometry):
        kind, content = "shape", shapely.to_wkb(value)
    elif isinstance(value, np.ndarray):
        kind, content = f"{value.dtype.str} {value.shape}", np.ascontiguousarray(value).tobytes()
    else:  # a type that orjson does not know is refused by it
        kind, content = "value", orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    update(f"{kind} {len(content)} ".encode())
    update(content)
