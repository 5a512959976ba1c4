"""How the few inner loops are compiled that numpy cannot make fast; who needs one imports its module at first use.

Importing the compiler takes half a second and 60 MB, which neither the web service nor a command should pay.
Compiling takes some seconds more, once a machine: the result is kept in ``NUMBA_CACHE_DIR``, or beside the module.
Where neither can be written, each process compiles for itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., object])
_KEPT = "NUMBA_CACHE_DIR" in os.environ or os.access(Path(__file__).parent, os.W_OK)


def compiled(loop: Loop) -> Loop:
    """Compile at first call for the types it is called with; results are those of IEEE arithmetic, in order."""
    return cast(Loop, numba.njit(cache=_KEPT, nogil=True, error_model="numpy")(loop))
