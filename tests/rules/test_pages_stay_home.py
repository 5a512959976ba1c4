"""No page, script or style names another host: nothing leaves the deployment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "placewise/web"
OURS = sorted(
    path
    for folder, endings in ((WEB / "templates", {".html"}), (WEB / "static", {".css", ".js", ".svg"}))
    for path in folder.rglob("*")
    if path.suffix in endings and "vendor" not in path.parts
)
VENDORED_STYLES = sorted((WEB / "static/vendor").rglob("*.css"))
#: Names of languages, not addresses that are fetched.
NAMES = ("http://www.w3.org/", "https://www.w3.org/")
#: An address with a scheme, or one that begins with a host and borrows the page's scheme.
ADDRESS = re.compile(r"""(?:https?|wss?|ftp)://[^\s"'`<>)]*|(?<=["'`(=])//[\w-]+\.[\w.-]+""")


COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


def templates() -> dict[str, str]:
    """Templates by name, without their comments."""
    return {path.name: COMMENT.sub("", path.read_text("utf-8")) for path in OURS if path.suffix == ".html"}


def foreign(text: str) -> list[str]:
    """Addresses of other hosts in a text."""
    return [found for found in ADDRESS.findall(text) if not found.startswith(NAMES)]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.relative_to(WEB).as_posix())
def test_no_file_of_ours_names_another_host(path):
    assert foreign(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", VENDORED_STYLES, ids=lambda path: path.name)
def test_no_vendored_style_fetches_from_another_host(path):
    fetched = re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')]+)", path.read_text(encoding="utf-8"))
    assert [address for address in fetched if foreign(f"({address}")] == []


@pytest.mark.parametrize(
    "text",
    [
        '<img src="https://tiles.invalid/1.png">',
        '<script src="//cdn.invalid/x.js">',
        "url(http://fonts.invalid/a)",
    ],
)
def test_the_rule_notices_what_it_is_for(text):
    assert foreign(text)


def test_no_template_has_inline_handlers_or_styles():
    """The policy refuses them in the browser; this names the file."""
    refused = re.compile(r"<[^>]*\s(?:on\w+|style)\s*=", re.IGNORECASE)
    assert [name for name, text in templates().items() if refused.search(text)] == []


def test_every_inline_script_and_style_carries_the_nonce():
    bare = re.compile(r"<(?:script|style)(?![^>]*(?:src=|nonce=))[^>]*>")
    assert [name for name, text in templates().items() if bare.search(text)] == []
