"""The demo borough's partner files, read back as a stranger would read them."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
from convertbng.cutil import convert_bng

SEED = 20260514
COARSE = {"street", "ward", "borough"}


class Files:
    """What was written, read back as a stranger would read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.truth: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))

    def table(self, name: str) -> list[dict[str, str]]:
        if name.endswith(".xlsx"):
            return _sheet(self.folder / name)
        text = (self.folder / name).read_text(encoding="utf-8-sig")
        return list(csv.DictReader(io.StringIO(text), strict=True))

    def named(self, layout: str) -> list[str]:
        return [file["file"] for file in self.manifest["files"] if file["layout"] == layout]

    def incidents(self) -> list[dict[str, str]]:
        """Sound rows of the incidents layout, each once."""
        spoilt = {row["local_ref"] for row in self.truth["bad_rows"]}
        rows = {
            row["local_ref"]: row | {"agency": file["agency"]}
            for file in self.manifest["files"]
            if file["layout"] == "incidents"
            for row in self.table(file["file"])
        }
        return [row for ref, row in rows.items() if ref not in spoilt]

    def missing(self) -> list[dict[str, str]]:
        return self.table("social-care-missing.csv")

    def events(self) -> list[dict[str, str]]:
        return self.incidents() + self.missing()


def _sheet(path: Path) -> list[dict[str, str]]:
    header, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    return [
        {
            str(name): f"{cell:%d/%m/%Y %H:%M}" if isinstance(cell, datetime) else cell or ""
            for name, cell in zip(header, row, strict=True)
        }
        for row in rows
    ]


def moment(text: str) -> datetime:
    if "T" in text:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    return datetime.strptime(text, "%d/%m/%Y %H:%M")  # noqa: DTZ007 - partner files carry local times


def began(row: dict[str, str]) -> datetime:
    return moment(row.get("occurred_from") or row["missing_from"])


def month(row: dict[str, str]) -> str:
    return f"{began(row):%Y-%m}"


def xy(row: dict[str, str]) -> tuple[float, float] | None:
    if row.get("easting"):
        return float(row["easting"]), float(row["northing"])
    if row.get("longitude"):
        x, y = convert_bng([float(row["longitude"])], [float(row["latitude"])])
        return float(x[0]), float(y[0])
    return None
