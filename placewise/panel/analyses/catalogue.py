"""All long calculations by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from placewise.panel.analyses.analysis import Analysis
from placewise.panel.analyses.back_test import BACK_TEST
from placewise.panel.analyses.emerging import EMERGING
from placewise.panel.analyses.near_repeats import NEAR_REPEATS
from placewise.panel.analyses.scan import SCAN

_ALL: tuple[Analysis[Any], ...] = (EMERGING, SCAN, NEAR_REPEATS, BACK_TEST)
ANALYSES: Mapping[str, Analysis[Any]] = {analysis.code: analysis for analysis in _ALL}
#: Those that the map draws, by the name of its view; the others have pages of their own.
ON_THE_MAP = frozenset({"emerging", "scan"})
