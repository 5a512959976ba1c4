"""What the map's form offers on how to draw: each choice as (value, label)."""

from __future__ import annotations

from placewise.panel.analyses.emerging_task import ALTERNATIVES, INTENSITIES, STEPS_MONTHS, WINDOWS
from placewise.panel.analyses.scan_question import SHUFFLINGS
from placewise.panel.hotspot_cluster_words import COMPARED_LABELS, TIME_LABELS
from placewise.panel.hotspot_filter import (
    BANDWIDTH_RULES,
    BANDWIDTHS_M,
    EDGES,
    IMPRECISE,
    KERNELS,
    RATES,
    SHADES,
    SHAPES,
    HotspotFilter,
)
from placewise.panel.hotspot_rates import MEASURES
from placewise.panel.hotspot_words import count_of

SHAPE_LABELS = {"hexagons": "Hexagons", "squares": "Squares"}
SHADE_LABELS = {"records": "Records", "children": "Different children"}
RULE_LABELS = {"silverman": "By Silverman’s rule", "likelihood": "As the records suggest"}
KERNEL_LABELS = {"quartic": "Quartic", "gaussian": "Gaussian"}
EDGE_LABELS = {"corrected": "Corrected", "plain": "Not corrected"}
WINDOW_LABELS = {"separate": "One after another", "rolling": "Overlapping, month by month"}
ALTERNATIVE_LABELS = {"more": "More than the rest", "both": "More, and fewer"}
INTENSITY_LABELS = {"share": "Share of all records", "z": "How far it stands out (z)"}
IMPRECISE_LABELS = {"left_out": "Leave out", "spread": "Spread over where they may have been"}


def drawing_options(wanted: HotspotFilter) -> dict[str, list[tuple[str, str]]]:
    """Choices of the form by field; a distance that only the address holds is among them."""
    lengths = {*BANDWIDTHS_M, *([int(wanted.bandwidth)] if wanted.bandwidth.isdecimal() else [])}
    return {
        "bandwidth": [
            *((str(length), f"{length:,} m") for length in sorted(lengths)),
            *((rule, RULE_LABELS[rule]) for rule in BANDWIDTH_RULES),
        ],
        "kernel": [(kernel, KERNEL_LABELS[kernel]) for kernel in KERNELS],
        "imprecise": [(choice, IMPRECISE_LABELS[choice]) for choice in IMPRECISE],
        "cells": [(shape, SHAPE_LABELS[shape]) for shape in SHAPES],
        "shade": [(shade, SHADE_LABELS[shade]) for shade in SHADES],
        "rate": [(rate, MEASURES[rate].label) for rate in RATES],
        "edge": [(edge, EDGE_LABELS[edge]) for edge in EDGES],
    }


def calculation_options() -> dict[str, list[tuple[str, str]]]:
    """Choices for the views that a worker calculates; the empty one is the usual, which the records decide."""
    return {
        "step": [("", "Usual"), *((str(n), count_of(n, "month")) for n in STEPS_MONTHS)],
        "windows": [("", "Usual"), *((code, WINDOW_LABELS[code]) for code in WINDOWS)],
        "alternative": [(code, ALTERNATIVE_LABELS[code]) for code in ALTERNATIVES],
        "intensity": [(code, INTENSITY_LABELS[code]) for code in INTENSITIES],
        "compared": list(COMPARED_LABELS.items()),
        "time": [("", "Usual"), *TIME_LABELS.items()],
        "shufflings": [(n, f"{int(n):,}") for n in SHUFFLINGS],
    }
