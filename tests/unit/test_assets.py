"""Front-end files: only what is ours to serve, nothing that calls elsewhere, each with its hash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from placewise.core.errors import AssetsUnusable
from placewise.web import assets
from placewise.web.assets import PACKAGES, build, check_style, debrand, integrity, load_manifest


@pytest.fixture
def node_modules(tmp_path: Path) -> Path:
    """Every npm package that is served, with the least that it must hold."""
    folder = tmp_path / "node_modules"
    for package in (package for package in PACKAGES if not package.is_python):
        home = folder / package.name
        for file in package.files:
            path = home / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("/* made for a test */" if path.suffix != ".png" else "picture")
        if not package.holder:
            (home / package.licence).write_text(f"Licence of {package.name}")
    return folder


def govuk_css(node_modules: Path) -> Path:
    return node_modules / "govuk-frontend" / "dist" / "govuk" / "govuk-frontend.min.css"


def test_every_served_file_is_listed_with_its_hash(node_modules: Path, tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    manifest = build(node_modules, vendor)
    served = {path.relative_to(vendor).as_posix() for path in vendor.rglob("*") if path.is_file()}
    assert set(manifest) == served - {"manifest.json"}
    assert load_manifest(vendor) == manifest
    for name, value in manifest.items():
        assert value == integrity((vendor / name).read_bytes())


def test_integrity_is_the_browsers_form() -> None:
    # Published example of the Subresource Integrity recommendation, section 3.2.
    assert integrity(b"alert('Hello, world.');") == (
        "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"
    )


def test_each_package_keeps_its_licence(node_modules: Path, tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    build(node_modules, vendor)
    for package in PACKAGES:
        text = (vendor / package.folder / "LICENCE.txt").read_text()
        assert package.holder in text if package.holder else text == f"Licence of {package.name}"
        assert "{" not in text


def test_missing_manifest_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(AssetsUnusable, match="run: make assets"):
        load_manifest(tmp_path)


def test_missing_file_is_named_and_the_old_folder_stays(node_modules: Path, tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    before = build(node_modules, vendor)
    (node_modules / "leaflet" / "dist" / "leaflet.js").unlink()
    with pytest.raises(AssetsUnusable, match=r"leaflet\.js is missing"):
        build(node_modules, vendor)
    assert load_manifest(vendor) == before
    assert (vendor / "leaflet" / "leaflet.js").exists()


def test_a_folder_left_by_an_interrupted_run_does_not_matter(node_modules: Path, tmp_path: Path) -> None:
    leftover = tmp_path / "vendor.new" / "old"
    leftover.mkdir(parents=True)
    (leftover / "stale.js").write_text("stale")
    assert "old/stale.js" not in build(node_modules, tmp_path / "vendor")


def test_the_brand_of_govuk_is_removed() -> None:
    css = (
        '@font-face{font-family:"GDS Transport";font-style:normal;src:url(/assets/fonts/a.woff2)}'
        "a{font-family:GDS Transport,arial,sans-serif}"
        'b{font-family:"GDS Transport", Arial}'
        "c{mask-image:url(/assets/images/govuk-crest.svg);color:red}"
    )
    assert debrand(css) == (
        "a{font-family:Arial,Helvetica,sans-serif}b{font-family:Arial,Helvetica}c{mask-image:none;color:red}"
    )


@pytest.mark.parametrize(
    "css",
    [
        "@import 'other.css';",
        '@IMPORT url("x.css")',
        "a{src:url(http://fonts.example/a.woff)}",
        'a{src:url( "https://fonts.example/a.woff" )}',
        "a{src:url(//fonts.example/a.woff)}",
        "a{background:image-set('//cdn.example.org/a.png' 1x)}",
        "a{font-family:GDS Transport}",
        "a{background:url(images/moj-logotype-crest.svg)}",
        "a{background:url(images/CROWN.png)}",
        "a{background:url(/assets/fonts/a.woff)}",
    ],
)
def test_a_style_sheet_that_calls_elsewhere_or_shows_the_brand_is_refused(css: str) -> None:
    with pytest.raises(AssetsUnusable, match=r"x\.css may not be served: it contains"):
        check_style(css, name="x.css")


@pytest.mark.parametrize(
    "css",
    [
        "/* see https://example.org */ a{color:red}",
        "a{background:url(images/layers.png)}",
        "a{behavior:url(#default#VML)}",
        "a{background:url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E\")}",
        ".govuk-footer__crown{margin:0}",
    ],
)
def test_a_style_sheet_that_keeps_to_itself_is_served(css: str) -> None:
    check_style(css, name="x.css")


def test_a_leak_inside_a_package_stops_the_build(node_modules: Path, tmp_path: Path) -> None:
    govuk_css(node_modules).write_text("@font-face{src:url(http://fonts.example/a.woff)}")
    with pytest.raises(AssetsUnusable, match="govuk-frontend"):
        build(node_modules, tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


def test_pictures_named_by_a_style_sheet_come_along(node_modules: Path, tmp_path: Path) -> None:
    moj = node_modules / "@ministryofjustice" / "frontend" / "moj"
    (moj / "moj-frontend.min.css").write_text("a{mask:url(/assets/images/icon-document.svg)}")
    (moj / "assets" / "images").mkdir(parents=True)
    (moj / "assets" / "images" / "icon-document.svg").write_text("<svg/>")
    (moj / "assets" / "images" / "moj-logotype-crest.svg").write_text("<svg/>")
    vendor = tmp_path / "vendor"
    build(node_modules, vendor)
    assert (vendor / "moj" / "moj-frontend.min.css").read_text() == "a{mask:url(images/icon-document.svg)}"
    assert [path.name for path in (vendor / "moj" / "images").iterdir()] == ["icon-document.svg"]


@pytest.mark.parametrize("note", ["\n//# sourceMappingURL=x.js.map", "/*# sourceMappingURL=x.css.map */"])
def test_comments_that_ask_for_a_source_map_are_removed(
    note: str, node_modules: Path, tmp_path: Path
) -> None:
    govuk_css(node_modules).with_suffix(".js").write_text("run();" + note)
    build(node_modules, tmp_path / "vendor")
    assert (tmp_path / "vendor" / "govuk" / "govuk-frontend.min.js").read_text() == "run();"


def test_the_assets_of_this_checkout_are_whole_and_unbranded() -> None:
    manifest = load_manifest()
    for name, value in manifest.items():
        content = (assets.VENDOR / name).read_bytes()
        assert integrity(content) == value, name
        assert b"GDS Transport" not in content, name
        assert b"sourceMappingURL" not in content, name
        assert "crest" not in name
        assert "crown" not in name


def test_packages_are_pinned_and_the_lock_names_no_host() -> None:
    root = Path(__file__).resolve().parents[2]
    wanted = json.loads((root / "package.json").read_text())
    for version in {**wanted["dependencies"], **wanted["devDependencies"]}.values():
        assert version.replace(".", "").isdecimal()
    locked = json.loads((root / "package-lock.json").read_text())["packages"]
    for name, entry in locked.items():
        assert "resolved" not in entry, name
        assert not name or entry["integrity"].startswith("sha512-")
