"""The page about templates is what the layouts say."""

from __future__ import annotations

from pathlib import Path

from placewise.intake.layouts import LAYOUTS
from placewise.intake.template_page import page

WRITTEN = Path(__file__).parents[2] / "docs" / "templates" / "README.md"


def test_the_page_is_up_to_date() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == page()


def test_every_column_of_every_layout_is_on_the_page() -> None:
    text = page()
    assert all(f"| `{column.name}` |" in text for layout in LAYOUTS.values() for column in layout.columns)
