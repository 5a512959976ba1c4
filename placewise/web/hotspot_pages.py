"""The hotspot map: the page, its layers as JSON, the base map's tiles, and saved views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from flask import redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from placewise.core.errors import BadRequest, NotFound
from placewise.core.scope import PANEL, READERS, Action
from placewise.core.vocabulary import placeable_accuracies, terms
from placewise.panel import hotspot_area, hotspot_runs
from placewise.panel.hotspot_calculated import Calculated, find_calculated, with_calculated
from placewise.panel.hotspot_cells import cell_facts, cell_table
from placewise.panel.hotspot_filter import (
    CELL_WIDTHS_M,
    NOT_RECORDED,
    OVERLAYS,
    VIEWS,
    HotspotFilter,
    Problem,
    mappable_relations,
)
from placewise.panel.hotspot_layers import layer, map_bounds, opening_bounds, outlines_layer, places_layer
from placewise.panel.hotspot_months import months_between, named, short_name
from placewise.panel.hotspot_nearby import Namer, nearby_names
from placewise.panel.hotspot_rates import CellRates, rates_in_view
from placewise.panel.hotspot_reporting import read_reporting, reporting_sentence
from placewise.panel.hotspot_ward_rates import ward_rates
from placewise.panel.hotspot_why import explain_cell
from placewise.panel.hotspot_words import SNAP_POINTS, WARNING
from placewise.panel.hotspots import Hotspots, Laid, Nothing, find_hotspots, lay_records, read_choices
from placewise.store.door import Membership
from placewise.store.geography import count_boundaries
from placewise.store.session import Session
from placewise.store.tiles import EMPTY_TILE, get_tile
from placewise.web import charts
from placewise.web.analysis_pages import following
from placewise.web.map_options import calculation_options, drawing_options
from placewise.web.maps import MAX_ZOOM, MIN_ZOOM, MapParts, hotspot_map, zoom_to_hold
from placewise.web.openings import PARAMETER
from placewise.web.pages import Answer, Subject, opening_pass
from placewise.web.static_files import asset

subject = Subject("map", __name__)

Found = TypeVar("Found", Hotspots, Laid)

VIEW_LABELS = {
    "counts": "Counts",
    "density": "Density",
    "significance": "What stands out",
    "rates": "Rates",
    "emerging": "Emerging",
    "scan": "Clusters",
}
#: Calculations with a page of their own, as the map offers them.
FURTHER = {"near_repeats": "Do records repeat nearby?", "back_test": "How well did earlier maps do?"}
OVERLAY_LABELS = {"places": "Places", "ward": "Wards", "lsoa": "LSOAs", "dots": "Dots"}


@subject.page("/p/<slug>/map", roles=READERS, action=Action.CONSULT_MAP, navigation="Map")
def page(session: Session, membership: Membership) -> Answer:
    """The hotspot map with its filters, legend and table."""
    found, problems = find_hotspots(session, _query())
    if isinstance(found, Nothing):
        return render_template("map_empty.html", nothing=found, may_import=bool(membership.roles & PANEL))
    near, rates = nearby_names(session, found.records.columns.place_id), rates_in_view(found)
    calculated = find_calculated(session, found, near=near)
    chosen, problems = _chosen_cell(found, rates, problems, near)
    if calculated and calculated.outcome.state == "refused":
        problems = [*problems, Problem(f"{found.wanted.view}-choices", calculated.outcome.message)]
    chosen = chosen and with_calculated(calculated, found, chosen)
    places = places_layer(session, found)
    session.note(count=found.accounted.asked_for, view=found.wanted.view)
    # The first layer comes with the page: asking for it would count everything twice.
    drawn = calculated.drawn if calculated else layer(found, rates)
    figures = rates if rates and rates.rates is not None else None  # noughts would be read as figures
    html = render_template(
        "map.html",
        first_layer=drawn,
        calculated=calculated,
        following=following(calculated.outcome) if calculated else None,
        found=found,
        wanted=found.wanted,
        problems=problems,
        sentence=drawn["sentence"],
        legend=drawn["legend"],
        left_out=drawn["left_out"],
        warning=WARNING,
        snap_points=SNAP_POINTS if _is_snapped(found) else None,
        measure=figures and figures.measure,
        wards=ward_rates(found, rates),
        table=cell_table(found, figures, near=near),
        chosen=chosen,
        why=explain_cell(found, chosen.cell) if chosen else None,
        places=places.drawn,
        places_words=places.words,
        made=_map(found),
        bounds=opening_bounds(found),
        overlays=_overlays(session, bool(places.drawn)),
        reporting=(reporting := read_reporting(found)),
        reporting_sentence=reporting_sentence(reporting),
        **_area(hotspot_area.area_facts(found, None)),
        **_form(membership, found),
    )
    return html, 400 if problems else 200


def _form(membership: Membership, found: Hotspots) -> dict[str, Any]:
    """What may be chosen and done on the page, and the addresses that its links and scripts use."""
    state = _layer_state(found.wanted)
    whole = state.but(month=None)
    return {
        "options": _options(found),
        "months": [(month, named(month)) for month in found.records.months],
        "views": VIEW_LABELS,
        "further": FURTHER,
        "may_see_saved": bool(membership.roles & PANEL),
        "may_save": bool(membership.roles & hotspot_runs.SAVERS),
        "study": map_bounds(found),
        "query": _address(found.wanted),
        "with_change": lambda **changes: _address(found.wanted.but(**changes)),
        "layer_query": _address(state),
        "period_query": _address(whole),
        "layer_pass": urlencode({PARAMETER: opening_pass(membership, whole.query())}),
    }


@subject.page("/p/<slug>/map/layer.json", roles=READERS, action=Action.CONSULT_MAP, within_opening=("month",))
def layer_json(session: Session, membership: Membership) -> Answer:
    """The main layer with its legend and sentence; for an open page, of any month of its period."""
    found = _asked(session)
    session.note(count=found.accounted.asked_for, view=found.wanted.view)
    calculated = _calculated(session, found)
    return _json(calculated.drawn if calculated else layer(found, rates_in_view(found)))


@subject.page(
    "/p/<slug>/map/area.json", roles=READERS, action=Action.CONSULT_MAP, within_opening=hotspot_area.EDGES
)
def area_json(session: Session, membership: Membership) -> Answer:
    """Months and hours of the records in one part of the map, as the piece of the page that shows them."""
    box = hotspot_area.read_box(_query())
    laid = _understood(*lay_records(session, _query()))
    facts = hotspot_area.area_facts(laid, box)
    session.note(count=facts.n)
    return _json({"html": render_template("map_area.html", **_area(facts)), "n": facts.n})


@subject.page("/p/<slug>/map/cell.json", roles=READERS, action=Action.CONSULT_MAP_CELL)
def cell_json(session: Session, membership: Membership) -> Answer:
    """The facts of one cell in plain words."""
    found = _asked(session)
    facts = cell_facts(
        found,
        found.wanted.cell or "",
        rates_in_view(found),
        near=nearby_names(session, found.records.columns.place_id),
    )
    facts = with_calculated(_calculated(session, found), found, facts)
    session.note(count=int(found.accounted.placed), cell=facts.cell)
    why = render_template("map_why.html", why=explain_cell(found, facts.cell))
    return _json(
        {name: getattr(facts, name) for name in ("cell", "title", "verdict", "lines")} | {"why": why}
    )


@subject.page("/p/<slug>/map/outlines/<kind>.json", roles=READERS, action=Action.READ_BASE_MAP)
def outlines_json(session: Session, membership: Membership, kind: str) -> Answer:
    """Outlines of wards or small areas as GeoJSON."""
    if kind not in ("ward", "lsoa"):
        raise NotFound("There are no such outlines.")
    return _json(outlines_layer(session, kind))


@subject.page(
    "/p/<slug>/tiles/<int:zoom>/<int:column>/<int:row>.mvt", roles=READERS, action=Action.READ_BASE_MAP
)
def tile(session: Session, membership: Membership, zoom: int, column: int, row: int) -> Answer:
    """One vector tile of the base map; outside Great Britain it is empty."""
    try:
        content = get_tile(session, zoom, column, row)
    except NotFound:
        content = EMPTY_TILE
    return Response(content, content_type="application/vnd.mapbox-vector-tile")


@subject.page("/p/<slug>/map/saved", roles=PANEL, action=Action.CONSULT_MAP)
def runs(session: Session, membership: Membership) -> Answer:
    """Saved views of the map, newest first."""
    saved = hotspot_runs.list_views(session)
    session.note(count=len(saved))
    return render_template(
        "map_runs.html",
        runs=[(run, urlencode(hotspot_runs.as_saved(run.query, run.data_cut_off))) for run in saved],
        just_saved=request.args.get("just_saved"),
    )


@subject.page("/p/<slug>/map/saved", roles=hotspot_runs.SAVERS, action=Action.SAVE_RUN, methods=("POST",))
def save(session: Session, membership: Membership) -> Answer:
    """Keep the view that the form carries, as the records stand now."""
    found = _asked(session, MultiDict(request.form))
    saved = hotspot_runs.save_view(session, found, request.form.get("title", ""))
    session.note(object_id=saved, count=found.accounted.asked_for)
    return redirect(url_for("map.runs", just_saved=saved), 303)


def _query(source: MultiDict[str, str] | None = None) -> Mapping[str, Sequence[str]]:
    return (request.args if source is None else source).to_dict(flat=False)


def _asked(session: Session, source: MultiDict[str, str] | None = None) -> Hotspots:
    """The picture for a request that is not a page: what cannot be understood is an error.

    Raises
    ------
    BadRequest
        A value of the address is wrong, or there is nothing to map.
    """
    return _understood(*find_hotspots(session, _query(source)))


def _calculated(session: Session, found: Hotspots) -> Calculated | None:
    """What a worker calculated for such a request; an option that cannot be is an error as any other."""
    calculated = find_calculated(session, found)
    if calculated and calculated.outcome.state == "refused":
        raise BadRequest(calculated.outcome.message)
    return calculated


def _understood(found: Found | Nothing, problems: list[Problem]) -> Found:
    if problems:
        raise BadRequest(problems[0].message)
    if isinstance(found, Nothing):
        raise BadRequest("There is nothing to map yet.")
    return found


def _area(facts: hotspot_area.AreaFacts) -> dict[str, Any]:
    """What map_area.html needs beside the filter."""
    return {
        "area": facts,
        "charts": charts,
        "few_drawn": hotspot_area.FEW_DRAWN,
        "few_timed": hotspot_area.FEW_TIMED,
    }


def _chosen_cell(
    found: Hotspots, rates: CellRates | None, problems: list[Problem], near: Namer
) -> tuple[Any, list[Problem]]:
    if found.wanted.cell is None:
        return None, problems
    try:
        return cell_facts(found, found.wanted.cell, rates, near=near), problems
    except NotFound:
        outside = Problem("cell", "The cell in the address is not part of this study area. None is chosen.")
        return None, [*problems, outside]


def _overlays(session: Session, has_places: bool) -> dict[str, str]:
    """What can be drawn over the layer: a box for what is not held would do nothing."""
    held = {kind for kind, n in count_boundaries(session).items() if n} | (
        {"dots", "places"} if has_places else {"dots"}
    )
    return {code: label for code, label in OVERLAY_LABELS.items() if code in held}


def _map(found: Hotspots) -> MapParts:
    wanted = found.wanted
    bounds = map_bounds(found)
    (west, south), (east, north) = bounds
    centre = ((west + east) / 2, (south + north) / 2)
    if wanted.lat is not None and wanted.lon is not None:
        centre = (wanted.lon, wanted.lat)
    margin = max(east - west, north - south)
    return hotspot_map(
        centre,
        min(wanted.zoom or 13, MAX_ZOOM),
        bounds=[(west - margin, south - margin), (east + margin, north + margin)],
        leaflet_js=asset("vendor/leaflet/leaflet.js"),
        leaflet_css=asset("vendor/leaflet/leaflet.css"),
        min_zoom=MIN_ZOOM if found.ground.parts is None else zoom_to_hold(bounds),
    )


def _options(found: Hotspots) -> dict[str, list[tuple[str, str]]]:
    """What each filter offers, as (value, label)."""
    choices = read_choices(found.ground)
    months = months_between(choices.first_month, choices.last_month) if choices else []
    return {
        "month": [(month, short_name(month)) for month in months],
        "harm": [*_labels("harm_type"), (NOT_RECORDED, "Not recorded")],
        "category": _labels("crime_category"),
        "agency": sorted(choices.agencies.items(), key=lambda pair: pair[1]) if choices else [],
        "relation": [pair for pair in _labels("relation") if pair[0] in mappable_relations()],
        "accuracy": [pair for pair in _labels("accuracy") if pair[0] in placeable_accuracies()],
        "kind": _labels("event_kind"),
        "width": [(str(width), f"{width} m") for width in CELL_WIDTHS_M],
        **drawing_options(found.wanted),
        **calculation_options(),
        "view": [(view, VIEW_LABELS[view]) for view in VIEWS],
        "show": [(name, OVERLAY_LABELS[name]) for name in OVERLAYS],
    }


def _labels(vocabulary: str) -> list[tuple[str, str]]:
    return [(code, term.label) for code, term in terms(vocabulary).items()]


def _is_snapped(found: Hotspots) -> bool:
    """Whether most of what is on the map stands at published points."""
    snap = list(terms("accuracy")).index("snap_point")
    on_map = found.records.columns.accuracy[found.position >= 0]
    return bool(on_map.size and (on_map == snap).mean() > 0.5)


def _layer_state(wanted: HotspotFilter) -> HotspotFilter:
    """The part of the state that changes the layer, not the screen."""
    return wanted.but(cell=None, lat=None, lon=None, zoom=None, sort="count", page=1)


def _address(wanted: HotspotFilter) -> str:
    return urlencode(wanted.query())


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), content_type="application/json")
