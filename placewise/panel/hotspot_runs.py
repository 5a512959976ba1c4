"""Saving a view of the map so that its figures can be rebuilt and explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import placewise
from placewise.core.errors import BadRequest
from placewise.core.scope import Role
from placewise.core.text import read_title
from placewise.panel.hotspot_calculated import Calculated, find_calculated
from placewise.panel.hotspot_rate_words import rate_sentence
from placewise.panel.hotspot_rates import CellRates, rates_in_view
from placewise.panel.hotspot_surface import SEED, smoothed
from placewise.panel.hotspot_words import left_out, sentence
from placewise.panel.hotspots import Q_AT_MOST, Hotspots, as_held
from placewise.store.saved_runs import SavedRun, append_saved_run, get_saved_run, list_saved_runs
from placewise.store.session import Session

KIND = "hotspot_map"
SAVERS = Role.CHAIR | Role.COORDINATOR | Role.ANALYST


def save_view(session: Session, found: Hotspots, title: str) -> UUID:
    """Keep what the map shows now; of a view that a worker calculates, its whole result.

    Raises
    ------
    BadRequest
        The title is empty or too long, or the view is not calculated yet.
    """
    title = read_title(title, of="the saved view")
    calculated = find_calculated(session, found)
    if calculated and calculated.outcome.result is None:
        raise BadRequest(
            calculated.outcome.message or "Calculate this view first: there is nothing to save yet."
        )
    here = found.accounted
    test, rates = found.test, rates_in_view(found)
    return append_saved_run(
        session,
        KIND,
        title,
        query=found.wanted.query(),
        parameters={
            "cell_width_m": found.wanted.cell_width_m,
            "cells": found.wanted.shape,
            "shade": found.wanted.shade,
            "rate": None if rates is None else found.wanted.rate,
            "denominator": rates and rates.rates and rates.rates.denominator_is,
            "surface": _surface_parameters(found),
            "q_at_most": Q_AT_MOST,
            "method": None if test is None else test.method,
            "study_area": found.ground.source,
        },
        result={
            "sentence": _sentence(found, calculated, rates),
            "calculated": calculated and calculated.outcome.result,
            "left_out": left_out(found),
            "placed": here.placed,
            "spread": here.spread,
            "asked_for": here.asked_for,
            "too_coarse": here.too_coarse,
            "children": found.n_children if found.children_known else None,
            "areas": [
                {
                    "ward": area.ward,
                    "cells": len(area.cells),
                    "records": int(found.counts[list(area.cells)].sum()),
                }
                for area in found.areas
            ],
        },
        software_version=placewise.__version__,
    )


def _sentence(found: Hotspots, calculated: Calculated | None, rates: CellRates | None) -> str:
    if calculated:
        return str(calculated.drawn["sentence"])
    return as_held(found.wanted, sentence(found) if rates is None else rate_sentence(found, rates))


def _surface_parameters(found: Hotspots) -> dict[str, Any] | None:
    """How the density view was smoothed; None for the other views, which smooth nothing."""
    if found.wanted.view != "density":
        return None
    made = smoothed(found)
    smoothing = made.smoothing
    return {
        "kernel": found.wanted.kernel,
        "edge": found.wanted.edge,
        "bandwidth": found.wanted.bandwidth,
        "bandwidth_m": smoothing.bandwidth_m,
        "imprecise": found.wanted.imprecise,
        "rough_share": made.rough_share if made.rough_share == made.rough_share else None,
        "rule": smoothing.rule,
        "seed": SEED if smoothing.rule == "likelihood" else None,
    }


def list_views(session: Session) -> list[SavedRun]:
    """Saved views, newest first."""
    return list_saved_runs(session, KIND)


def address_of(session: Session, saved_run_id: UUID) -> list[tuple[str, str]]:
    """Query of a saved view, with the records as they stood when it was saved."""
    run = get_saved_run(session, saved_run_id, KIND)
    return as_saved(run.query, run.data_cut_off)


def as_saved(query: Sequence[tuple[str, str]], cut_off: datetime) -> list[tuple[str, str]]:
    """A saved query with its data cut-off; one that was itself a look back keeps its own."""
    pairs = list(query)
    return pairs if any(name == "as_at" for name, _ in pairs) else [*pairs, ("as_at", cut_off.isoformat())]
