"""Pictures and words that the pages of finished calculations take from their own modules."""

from __future__ import annotations

from flask import Flask

from placewise.panel import back_test_words, near_repeat_words
from placewise.panel.analyses import back_test, near_repeats
from placewise.web.back_test_chart import back_test_chart, curve_key
from placewise.web.near_repeat_chart import near_repeat_chart, shade_key


def add_to(app: Flask) -> None:
    """Give templates the charts as filters, the words of verdicts, and what a form offers at first."""
    app.add_template_filter(near_repeat_chart)
    app.add_template_filter(back_test_chart)
    app.add_template_filter(curve_key, "back_test_key")
    app.add_template_filter(back_test_words.points, "back_test_points")
    app.add_template_global(shade_key, "near_repeat_key")
    app.jinja_env.globals.update(
        near_repeat_verdicts=near_repeat_words.VERDICTS,
        back_test_verdicts=back_test_words.VERDICTS,
        back_test_surfaces=back_test_words.SURFACES,
        near_repeat_usual={
            "distances": ", ".join(map(str, near_repeats.BOUNDS_M)),
            "days": ", ".join(map(str, near_repeats.LAST_DAYS)),
            "within_m": str(near_repeats.WITHIN_M),
            "within_days": str(near_repeats.WITHIN_DAYS),
            "nearest": str(near_repeats.NEAREST),
        },
        back_test_usual={
            "surface": "density",
            "before": str(back_test.USUAL_BEFORE),
            "share": str(back_test.USUAL_SHARE),
        },
        back_test_shares=back_test.SHARES,
    )
