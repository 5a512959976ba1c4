"""Front-end files: copied from the installed packages, de-branded, checked and listed with hashes.

``python -m placewise.web.assets`` makes ``static/vendor``; pages link only what its manifest lists.
GOV.UK's crown, crest and typeface are for services on GOV.UK, which Placewise is not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import sys
from dataclasses import KW_ONLY, dataclass
from importlib.util import find_spec
from pathlib import Path

from placewise.core.errors import AssetsUnusable

VENDOR = Path(__file__).parent / "static" / "vendor"
MANIFEST = "manifest.json"

_LICENCES = Path(__file__).parent / "licences"


@dataclass(frozen=True, slots=True)
class Package:
    """What is served of one package.

    Attributes
    ----------
    folder : str
        Its folder under ``static/vendor``.
    files : tuple of str
        Scripts, style sheets and pictures, by path in the package. Pictures that a style sheet
        names are taken along.
    licence : str
        Path of its licence in the package, or the licence's name where the package ships none.
    holder : str
        Who holds the copyright, for a package that ships no licence.
    pictures : str
        Folder of its pictures in the package.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    _: KW_ONLY
    licence: str = "LICENSE"
    holder: str = ""
    pictures: str = ""
    is_python: bool = False


PACKAGES = (
    Package(
        "govuk-frontend",
        "govuk",
        ("dist/govuk/govuk-frontend.min.css", "dist/govuk/govuk-frontend.min.js"),
        licence="MIT",
        holder="2017 Crown Copyright (Government Digital Service)",
    ),
    Package(
        "@ministryofjustice/frontend",
        "moj",
        ("moj/moj-frontend.min.css", "moj/moj-frontend.min.js"),
        licence="MIT",
        holder="2018 Crown Copyright (Ministry of Justice)",
        pictures="moj/assets/images",
    ),
    Package(
        "leaflet",
        "leaflet",
        (
            "dist/leaflet.css",
            "dist/leaflet.js",
            "dist/images/marker-icon-2x.png",  # named by the script, not by the style sheet
            "dist/images/marker-shadow.png",
        ),
        pictures="dist/images",
    ),
    Package("protomaps-leaflet", "protomaps", ("dist/protomaps-leaflet.js",)),
    Package("cytoscape", "cytoscape", ("dist/cytoscape.min.js",)),
    Package(
        "folium",
        "folium",
        ("templates/leaflet_heat.min.js",),
        licence="BSD-2-Clause",
        holder="2014 Vladimir Agafonkin",
        is_python=True,
    ),
)

#: What no served style sheet may hold, comments and the name of SVG aside.
_REFUSED = (
    r"@import[^;]*",
    r"url\(\s*[\"']?https?[^)]*",
    r"//[\w-]+(\.[\w-]+)+",  # any host at all
    r"url\(\s*[\"']?/[^)]*",  # nothing of ours lies there
    r"GDS Transport",
    r"url\([^)]*(crest|crown)[^)]*",
)


def load_manifest(vendor: Path = VENDOR) -> dict[str, str]:
    """Served files and their hashes, e.g. ``{"leaflet/leaflet.js": "sha384-…"}``.

    Raises
    ------
    AssetsUnusable
        The assets were not made.
    """
    try:
        listed: dict[str, str] = json.loads((vendor / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AssetsUnusable("The front-end files are missing; run: make assets") from None
    return listed


def build(node_modules: Path, vendor: Path = VENDOR) -> dict[str, str]:
    """Make ``vendor`` anew from the installed packages and return its manifest.

    The old folder stays in place until the new one is complete and has passed every check.

    Raises
    ------
    AssetsUnusable
        A file is missing, or one that would be served calls on another host or shows GOV.UK's
        brand.
    """
    fresh = vendor.with_name(vendor.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for package in PACKAGES:
        source = _python_package(package.name) if package.is_python else node_modules / package.name
        _copy(package, source, fresh / package.folder)
    manifest = {
        path.relative_to(fresh).as_posix(): integrity(path.read_bytes())
        for path in sorted(fresh.rglob("*"))
        if path.is_file()
    }
    (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)
    return manifest


def integrity(content: bytes) -> str:
    """Subresource Integrity value of one file."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def debrand(css: str) -> str:
    """Style sheet without GOV.UK's typeface and crest.

    >>> debrand('@font-face{font-family:GDS Transport;src:url(/a.woff)}b{font-family:GDS Transport,arial,serif}')
    'b{font-family:Arial,Helvetica,serif}'
    """
    css = re.sub(r'@font-face\s*\{[^}]*"?GDS Transport"?[^}]*\}', "", css)
    css = re.sub(r'"?GDS Transport"?\s*,\s*arial', "Arial,Helvetica", css, flags=re.IGNORECASE)
    return re.sub(r'url\("?[^)"]*-crest[^)"]*"?\)', "none", css)


def check_style(css: str, *, name: str) -> None:
    """Refuse a style sheet that calls on another file's host, or shows GOV.UK's brand.

    Raises
    ------
    AssetsUnusable
        The message names the file and what was found.
    """
    said = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL).replace("http://www.w3.org/2000/svg", "")
    for pattern in _REFUSED:
        if found := re.search(pattern, said, flags=re.IGNORECASE):
            raise AssetsUnusable(f"{name} may not be served: it contains {found[0][:80]!r}.")


def _copy(package: Package, source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for file in package.files:
        path = _existing(source / file)
        if path.suffix == ".png":
            _copy_picture(path, target)
            continue
        text = _without_source_map(path.read_text(encoding="utf-8"))
        if path.suffix == ".css":
            text = debrand(text).replace("url(/assets/images/", "url(images/")
            check_style(text, name=f"{package.name}/{file}")
            for name in _pictures(text):
                _copy_picture(_existing(source / package.pictures / name), target)
        (target / path.name).write_text(text, encoding="utf-8")
    _write_licence(package, source, target)


def _copy_picture(path: Path, target: Path) -> None:
    (target / "images").mkdir(exist_ok=True)
    shutil.copyfile(path, target / "images" / path.name)


def _pictures(css: str) -> list[str]:
    return sorted(set(re.findall(r"""url\(["']?images/([\w.@-]+)["']?\)""", css)))


def _without_source_map(text: str) -> str:
    return re.sub(r"\n?(?://[#@] sourceMappingURL=\S+|/\*[#@] sourceMappingURL=[^*]*\*/)", "", text)


def _write_licence(package: Package, source: Path, target: Path) -> None:
    if package.holder:
        text = (
            (_LICENCES / f"{package.licence}.txt").read_text(encoding="utf-8").format(holder=package.holder)
        )
    else:
        text = _existing(source / package.licence).read_text(encoding="utf-8")
    (target / "LICENCE.txt").write_text(text, encoding="utf-8")


def _python_package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise AssetsUnusable(f"The Python package {name} is not installed; run: make install")
    return Path(spec.origin).parent


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise AssetsUnusable(f"{path} is missing; run: make assets")
    return path


def main() -> int:
    """Make the assets of this checkout and say what was made."""
    root = Path(__file__).resolve().parents[2]
    try:
        manifest = build(root / "node_modules")
    except AssetsUnusable as problem:
        print(problem, file=sys.stderr)
        return 1
    size_kb = sum((VENDOR / name).stat().st_size for name in manifest) // 1024
    print(f"{len(manifest)} files, {size_kb:,} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
