"""All long calculations by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from placewise.panel.analyses.analysis import Analysis

ANALYSES: Mapping[str, Analysis[Any]] = {}
