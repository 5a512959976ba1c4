"""Scan statistics of the map's records: the circles and months that hold more than chance would put there."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import asdict
from typing import Any

import numpy as np

from placewise.core.errors import CalculationStopped, NotAllowed, TooFewRecords
from placewise.core.progress import OnProgress
from placewise.geo.monte_carlo import gumbel_p
from placewise.geo.scan import Cluster, ScanResult, plan_scan, scan
from placewise.geo.scan_models import ScanModel, bernoulli_model, permutation_model, poisson_model
from placewise.panel.analyses.analysis import Asked
from placewise.panel.analyses.scan_question import (
    AREA,
    BACKGROUND,
    LEAST_IN_CLUSTER,
    NOW,
    P_AT_MOST,
    WHOLE,
    read_question,
)
from placewise.panel.analyses.scan_task import ScanTask, make_task, n_movable
from placewise.panel.hotspot_months import named
from placewise.panel.hotspot_reporting import read_reporting
from placewise.panel.hotspots import Hotspots
from placewise.store.osgb import to_lonlat

#: A record may lie just beyond the boundary, in a cell of which a sliver is inside: where next to nothing is
#: expected, three such records would stand out.
_LEAST_EXPOSED = 0.5


class Scan:
    """Where, and in which months, there are more records than chance would put there."""

    code = "scan"
    label = "Clusters"

    def prepare(self, found: Hotspots, asked: Asked) -> ScanTask:
        """Take the records on the map by cell and month, and for a background all others located as finely.

        Parameters of the address: ``compared``, ``time``, ``longest`` (months), ``radius`` (metres), ``share``
        (percent), ``shufflings``, ``seed``.

        Raises
        ------
        BadRequest, NotAllowed, NoVariation, TooFewRecords, TooManyPairs
        """
        if not found.children_known:
            raise NotAllowed(
                "Your role sees only the records at the places named for your group, and nothing can be compared "
                "with chance from these alone."
            )
        months = (found.wanted.month,) if found.wanted.month else tuple(found.records.months)
        question = read_question(asked, n_months=len(months), cell_width_m=found.wanted.cell_width_m)
        task = make_task(found, question, months)
        if question.time == NOW and months[-1] in read_reporting(found).known.empty_months:
            raise TooFewRecords(
                f"Nobody has sent any record of {named(months[-1])}, so nothing can be said to be still going on. "
                "Let the period end with a month that has records."
            )
        return task

    def run(
        self, task: ScanTask, *, executor: Executor | None = None, on_progress: OnProgress
    ) -> dict[str, Any]:
        """Scan all circles and stretches of months; clusters come strongest first."""
        question = task.question
        if on_progress(0, question.shufflings) is False:
            raise CalculationStopped("The calculation was stopped before it began; there is no result.")
        plan = plan_scan(
            _model(task),
            task.x_m,
            task.y_m,
            seed=question.seed,
            max_share=question.share_percent / 100,
            max_radius_m=task.reach_m,
            max_steps=task.longest_steps,
            prospective=question.time == NOW,
            alternative="high",
            min_cases=LEAST_IN_CLUSTER,
        )
        result = scan(plan, replicates=question.shufflings, executor=executor, on_progress=on_progress)
        return {
            "parameters": {
                **asdict(question),
                "alternative": "high",
                "p_at_most": P_AT_MOST,
                "least_in_cluster": LEAST_IN_CLUSTER,
                "cell_width_m": task.cell_width_m,
            },
            "period": [task.months[0], task.months[-1]],
            "records": {
                "matching": task.matching,
                "on_map": task.on_map,
                "used": result.n_cases,
                "background": int((~task.case).sum()),
                "kept_in_place": len(task.cell) - n_movable(task),
            },
            "cells": result.n_sites,
            "circles": result.n_circles,
            "windows": result.n_windows,
            "shufflings_made": result.replicates.size,
            "stopped_early": result.stopped_early,
            "clusters": _told(task, result),
        }


SCAN = Scan()


def _model(task: ScanTask) -> ScanModel:
    n_cells = task.x_m.size
    if task.question.compared == AREA:
        return poisson_model(
            np.bincount(task.cell, minlength=n_cells), np.maximum(task.inside, _LEAST_EXPOSED)
        )
    if task.question.compared == BACKGROUND:
        return bernoulli_model(
            task.cell,
            task.case,
            n_locations=n_cells,
            step=task.step,
            n_steps=task.n_steps,
            child=task.together,
        )
    return permutation_model(
        task.cell, task.step, n_locations=n_cells, n_steps=task.n_steps, child=task.together
    )


def _told(task: ScanTask, result: ScanResult) -> list[dict[str, Any]]:
    """Clusters that stand out; where none does, the strongest, so that it can be said how little it is."""
    shown = result.standing_out(p_at_most=P_AT_MOST) or result.clusters[:1]
    if not shown:
        return []
    lon, lat = to_lonlat([c.centre_x_m for c in shown], [c.centre_y_m for c in shown])
    return [
        {
            "number": number,
            "lon": round(float(lon[number - 1]), 6),
            "lat": round(float(lat[number - 1]), 6),
            **_facts(task, result, cluster),
        }
        for number, cluster in enumerate(shown, start=1)
    ]


def _facts(task: ScanTask, result: ScanResult, cluster: Cluster) -> dict[str, Any]:
    whole = task.question.time == WHOLE
    first, last = (0, len(task.months) - 1) if whole else (cluster.first_step, cluster.last_step)
    inside = np.isin(task.cell, cluster.members) & task.case
    inside &= (task.step >= cluster.first_step) & (task.step <= cluster.last_step)
    children = np.unique(task.child[inside[task.child_record]])
    return {
        "x_m": round(cluster.centre_x_m),
        "y_m": round(cluster.centre_y_m),
        # To the outer corners of its cells, so that every record counted lies in the circle drawn.
        "radius_m": math.ceil(cluster.radius_m + task.corner_m),
        "reach_m": round(cluster.radius_m, 3),
        "first_month": task.months[first],
        "last_month": task.months[last],
        "observed": cluster.observed,
        "expected": round(cluster.expected, 2),
        "ratio": round(cluster.observed / cluster.expected, 2),
        "p": round(cluster.p, 6),
        "p_low": round(cluster.p_low, 6),
        "p_high": round(cluster.p_high, 6),
        "stands_out": cluster.p <= P_AT_MOST,
        "recurrence_months": cluster.recurrence_interval_steps,
        "gumbel_p": _beyond_all(cluster, result),
        "cells": cluster.members.size,
        "children": int(children.size),
    }


def _beyond_all(cluster: Cluster, result: ScanResult) -> float | None:
    """A p below one over the shufflings, only for a cluster beyond all of them and where the curve fits."""
    if result.stopped_early or cluster.p_low > 0:
        return None
    curve = gumbel_p(cluster.log_likelihood_ratio, result.replicates)
    return None if curve.warning else curve.p
