"""Names of calculations: equal inputs, equal names, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import shapely

from placewise.panel.analyses.analysis import digest_of


@dataclass(frozen=True)
class _Task:
    x: Any
    cells: Any
    words: tuple[str, ...]
    area: Any
    limit: float | None = None


TASK = _Task(np.array([1.0, 2.0]), np.array([3, 4]), ("ab", "c"), shapely.box(0, 0, 1, 1))


def test_the_same_inputs_have_the_same_name():
    again = _Task(np.array([1.0, 2.0]), np.array([3, 4]), ("ab", "c"), shapely.box(0, 0, 1, 1))
    assert digest_of("scan", TASK) == digest_of("scan", again)


@pytest.mark.parametrize(
    "other",
    [
        {"x": np.array([1.0, 2.5])},
        {"x": np.array([[1.0, 2.0]])},
        {"x": np.array([1.0, 2.0], dtype=np.float32)},
        {"x": np.array([1.0]), "cells": np.array([2.0, 3, 4])},
        {"words": ("a", "bc")},
        {"words": ("abc",)},
        {"area": shapely.box(0, 0, 1, 2)},
        {"area": np.array([shapely.box(0, 0, 1, 1)])},
        {"limit": 0.0},
    ],
)
def test_any_difference_makes_another_name(other: dict[str, Any]):
    assert digest_of("scan", TASK) != digest_of("scan", replace(TASK, **other))


def test_another_analysis_has_another_name():
    assert digest_of("scan", TASK) != digest_of("emerging", TASK)


def test_arrays_of_shapes_are_named_by_what_they_hold():
    first, second = (np.array([shapely.box(0, 0, 1, i)]) for i in (1, 1))
    assert digest_of("scan", replace(TASK, area=first)) == digest_of("scan", replace(TASK, area=second))


def test_what_cannot_be_named_is_refused():
    with pytest.raises(TypeError):
        digest_of("scan", replace(TASK, limit=object()))
