"""What the map's form offers on how to draw: each choice as (value, label)."""

from __future__ import annotations

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

SHAPE_LABELS = {"hexagons": "Hexagons", "squares": "Squares"}
SHADE_LABELS = {"records": "Records", "children": "Different children"}
RULE_LABELS = {"silverman": "By Silverman’s rule", "likelihood": "As the records suggest"}
KERNEL_LABELS = {"quartic": "Quartic", "gaussian": "Gaussian"}
EDGE_LABELS = {"corrected": "Corrected", "plain": "Not corrected"}
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
