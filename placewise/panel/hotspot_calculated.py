"""Views of the map that a worker has to calculate first: emerging hot spots and clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from placewise.panel.analyses.analysis import Analysis, Asked
from placewise.panel.analyses.answers import Answer, find_answer
from placewise.panel.analyses.catalogue import ANALYSES, ON_THE_MAP
from placewise.panel.hotspot_cells import CellFacts
from placewise.panel.hotspot_clusters import cell_cluster_lines, clusters_layer
from placewise.panel.hotspot_emerging import EmergingTable, emerging_layer, emerging_lines, emerging_table
from placewise.panel.hotspot_nearby import Namer, nameless
from placewise.panel.hotspot_reporting import nobody_reported
from placewise.panel.hotspot_words import Legend, left_out
from placewise.panel.hotspots import Hotspots, as_held, period_words
from placewise.store.session import Session

_WHY_EMPTY = {
    "refused": "not calculated, because an option that is asked for is not possible",
    "impossible": "cannot be calculated from these records",
    "": "not calculated yet for these records",
}


@dataclass(frozen=True)
class Calculated:
    """One such view.

    Attributes
    ----------
    drawn : dict
        Layer, legend and words, ready for JSON, as those of the other views; an empty layer until there is a result.
    emerging : EmergingTable or None
    clusters : sequence of dict
        The same facts as tables; of one of the two.
    """

    analysis: Analysis[Any]
    outcome: Answer
    drawn: dict[str, Any]
    emerging: EmergingTable | None = None
    clusters: Sequence[Mapping[str, Any]] = ()


def find_calculated(session: Session, found: Hotspots, *, near: Namer = nameless) -> Calculated | None:
    """The view that the picture asks for, as far as it is calculated; None for a view that needs no worker."""
    if found.wanted.view not in ON_THE_MAP:
        return None
    analysis = ANALYSES[found.wanted.view]
    outcome = find_answer(session, analysis, found, _asked(found))
    made = _calculated(analysis, outcome, found, near)
    return replace(made, drawn=made.drawn | {"sentence": as_held(found.wanted, made.drawn["sentence"])})


def _calculated(analysis: Analysis[Any], outcome: Answer, found: Hotspots, near: Namer) -> Calculated:
    if outcome.result is None:
        return Calculated(analysis, outcome, _empty(found, analysis, outcome.state))
    silence = {"silence": nobody_reported(found)}
    if found.wanted.view == "emerging":
        table = emerging_table(found, outcome.result, near=near)
        return Calculated(analysis, outcome, emerging_layer(found, outcome.result) | silence, emerging=table)
    drawn = clusters_layer(found, outcome.result, near=near) | silence
    return Calculated(analysis, outcome, drawn, clusters=drawn.pop("rows"))


def with_calculated(calculated: Calculated | None, found: Hotspots, facts: CellFacts) -> CellFacts:
    """One cell's facts with what the calculation says of it, first."""
    if calculated is None or calculated.outcome.result is None:
        return facts
    told = emerging_lines if found.wanted.view == "emerging" else cell_cluster_lines
    lines = [*told(found, calculated.outcome.result, facts.cell), *facts.lines]
    return replace(facts, lines=lines)


def _asked(found: Hotspots) -> Asked:
    return {name: [value] for name, value in found.wanted.options}


def _empty(found: Hotspots, analysis: Analysis[Any], state: str) -> dict[str, Any]:
    legend = Legend(analysis.label, [], ["Nothing is drawn until it has been calculated for these records."])
    return {
        "view": found.wanted.view,
        "layer": {"kind": "nothing"},
        "legend": asdict(legend),
        "sentence": f"{analysis.label}, {period_words(found.wanted)}: {_WHY_EMPTY.get(state, _WHY_EMPTY[''])}.",
        "left_out": left_out(found),
        "silence": nobody_reported(found),
        "n": found.accounted.placed,
    }
