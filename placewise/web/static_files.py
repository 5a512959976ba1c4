"""Scripts, styles and pictures: all from this server, each named with the hash of its content."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Flask, request, send_from_directory, url_for
from werkzeug.wrappers import Response

from placewise.web.assets import load_manifest
from placewise.web.pages import Subject

STATIC = Path(__file__).parent / "static"
#: A year: an address with a version names one content for ever.
FOR_EVER = "public, max-age=31536000, immutable"

subject = Subject("files", __name__)


@subject.public("/static/<path:name>")
def file(name: str) -> Response:
    """One file; kept by the browser only when the address names its version."""
    response = send_from_directory(STATIC, name)
    if request.args.get("v") and request.args["v"] == version_of(name):
        response.headers["Cache-Control"] = FOR_EVER
    return response


def asset(name: str) -> str:
    """Address of a file under ``static``, with its version: ``asset("vendor/leaflet/leaflet.js")``."""
    return url_for("files.file", name=name, v=version_of(name))


def version_of(name: str) -> str:
    """A short hash of the file's content, made again when the file changes."""
    path = STATIC / name
    return _version(path, path.stat().st_mtime_ns)


def add_to(app: Flask) -> None:
    """Give templates ``asset(name)``, after checking that the vendor files were made."""
    load_manifest()
    app.jinja_env.globals["asset"] = asset


@lru_cache(maxsize=256)
def _version(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
