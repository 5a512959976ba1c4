"""Folium makes the map's part of a page; nothing but numbers and our own constants goes into it.

branca renders what it has rendered a second time as a template, so a text from the data could run code on the
server. Everything that comes from data (names, addresses of layers, words of the legend) is therefore written by
our own templates or fetched as JSON, and the scripts that folium emits only call functions of ``static/map*.js``
by fixed names. This is the only module that imports folium.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import folium
from branca.element import CssLink, JavascriptLink, MacroElement
from folium.map import Layer
from folium.template import Template

from placewise.core.errors import AssetsUnusable

MIN_ZOOM, MAX_ZOOM = 9, 18
#: The whole of Great Britain on a small screen; the page's address allows no less.
FURTHEST_ZOOM = 5
_SMALL_SCREEN_PX, _WORLD_PX = 280, 256
_ID = "hotspots"
#: A host of any kind in a script that folium wrote; the name of SVG is no request.
_HOST = re.compile(r"""["'`(](?:https?:)?//(?!www\.w3\.org)""")


@dataclass(frozen=True, slots=True)
class MapParts:
    """What a template places itself: the style and the script under the answer's nonce.

    Attributes
    ----------
    styles, scripts : tuple of str
        Addresses on this server, in the order in which they must load.
    style, html, script : str
        Written by folium from numbers and constants only.
    """

    styles: tuple[str, ...]
    scripts: tuple[str, ...]
    style: str
    html: str
    script: str


class LocalMap(folium.Map):
    """A map that loads Leaflet from this server and nothing else from anywhere."""

    def __init__(self, *, leaflet_js: str, leaflet_css: str, **options: Any) -> None:
        super().__init__(tiles=None, **options)
        self.default_js = [("leaflet", leaflet_js)]
        self.default_css = [("leaflet_css", leaflet_css)]


class BrowserLayer(Layer):
    """A layer that our own script makes, and fills from this server; ``maker`` is its name there."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = placewiseMap.{{ this.maker }}({{ this._parent.get_name() }});\n"
        "{% endmacro %}"
    )

    def __init__(self, maker: str) -> None:
        super().__init__(name=maker, overlay=True, control=False)
        self._name = "Layer"
        self._id = maker.lower()
        self.maker = maker


class Start(MacroElement):
    """The last line: everything is on the map."""

    _template = Template(
        "{% macro script(this, kwargs) %}placewiseMap.start({{ this._parent.get_name() }});{% endmacro %}"
    )

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library is not typed
        self._name = "Start"
        self._id = _ID


#: Functions of map*.js that make a layer, lowest first.
LAYERS = ("baseMap", "mainLayer", "outlines", "names", "places")


def zoom_to_hold(bounds: Sequence[tuple[float, float]]) -> int:
    """The zoom, `MIN_ZOOM` or further out, at which a small screen holds all between two of (lon, lat).

    >>> zoom_to_hold([(-0.02, 51.5), (0.08, 51.56)]), zoom_to_hold([(-1.8, 51.5), (0.1, 53.9)])
    (9, 6)
    """
    (west, south), (east, north) = bounds
    high, low = (math.asinh(math.tan(math.radians(latitude))) / math.tau for latitude in (north, south))
    share_of_world = max((east - west) / 360, high - low, 1e-9)
    zoom = math.floor(math.log2(_SMALL_SCREEN_PX / _WORLD_PX / share_of_world))
    return max(FURTHEST_ZOOM, min(MIN_ZOOM, zoom))


def hotspot_map(
    centre: tuple[float, float],
    zoom: int,
    *,
    bounds: Sequence[tuple[float, float]],
    leaflet_js: str,
    leaflet_css: str,
    min_zoom: int = MIN_ZOOM,
) -> MapParts:
    """Make the map.

    Parameters
    ----------
    centre : (lon, lat)
        WGS84 degrees.
    zoom : int
    bounds : two of (lon, lat)
        South-west and north-east; the map cannot be dragged far beyond.
    leaflet_js, leaflet_css : str
        Addresses of Leaflet on this server.
    min_zoom : int
        How far one can zoom out.

    Raises
    ------
    AssetsUnusable
        Folium would load something from elsewhere.
    """
    (west, south), (east, north) = bounds
    made = LocalMap(
        leaflet_js=leaflet_js,
        leaflet_css=leaflet_css,
        location=[float(centre[1]), float(centre[0])],
        zoom_start=int(zoom),
        minZoom=min_zoom,
        maxZoom=MAX_ZOOM,
        maxBounds=[[float(south), float(west)], [float(north), float(east)]],
    )
    made._id = _ID  # folium's own ids are random: the script would differ at each request
    for maker in LAYERS:
        made.add_child(BrowserLayer(maker))
    made.add_child(Start())
    return _parts(made)


def _parts(made: folium.Map) -> MapParts:
    """Render and take apart; folium's page (CDN links, resets, a viewport that forbids zooming) is left."""
    root: Any = made.get_root()
    root.render()
    header = root.header._children
    styles = tuple(child.url for child in header.values() if isinstance(child, CssLink))
    scripts = tuple(child.url for child in header.values() if isinstance(child, JavascriptLink))
    style = "".join(
        found
        for child in header.values()
        if not isinstance(child, CssLink | JavascriptLink)
        for found in re.findall(r"<style>(.*?)</style>", child.render(), re.DOTALL)
        if f"#{made.get_name()}" in found
    )
    html, script = root.html.render(), root.script.render()
    foreign = [url for url in (*styles, *scripts) if not url.startswith("/static/")]
    if foreign or any(_HOST.search(text) for text in (style, html, script)):
        raise AssetsUnusable(f"The map would load from elsewhere: {', '.join(foreign) or 'in a script'}.")
    return MapParts(styles, scripts, style, html, script)
