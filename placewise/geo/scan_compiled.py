"""The inner loops of the scan, compiled: the largest likelihood ratio of every circle, and of every replicate.

Written as plain loops, because a circle that grows by one site at a time touches each count once: as arrays, each
of those steps would be written to memory and read again. See `compiled` for when to import this module.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from placewise.compiled import compiled
from placewise.geo.crs import Floats, Integers
from placewise.geo.scan_kernels import Layout, Passing, Terms


@compiled
def _relative_entropy(x: float, y: float) -> float:
    if x > 0.0 and y > 0.0:
        return x * math.log(x / y)
    return 0.0 if x == 0.0 else math.inf


@compiled
def log_ratio(count: float, baseline: float, terms: Terms) -> float:
    """Return the log likelihood ratio of one count; see `scan_kernels.Likelihood.ratio`."""
    share = terms.cases / terms.total
    expected = baseline * share
    high = terms.high and count > expected and count >= terms.min_cases
    if not high and not (terms.low and count < expected):
        return 0.0
    outside = max(terms.total - baseline, 0.0)
    value = _relative_entropy(count, expected) + _relative_entropy(terms.cases - count, outside * share)
    if terms.bernoulli:
        controls = terms.total - terms.cases
        value += _relative_entropy(baseline - count, baseline * (1 - share))
        value += _relative_entropy(controls - (baseline - count), outside * (1 - share))
    return max(value, 0.0)


@compiled
def log_ratios(counts: Floats, baselines: Floats, terms: Terms) -> Floats:
    """Return the log likelihood ratios of n counts, shape (n,)."""
    values = np.empty(counts.size)
    for i in range(counts.size):
        values[i] = log_ratio(counts[i], baselines[i], terms)
    return values


@compiled
def _within(running: Floats, before: int, until: int) -> float:
    # The difference of two equal totals can come out a rounding below nought.
    total = running[until] - running[before] if before >= 0 else running[until]
    return max(float(total), 0.0)


@compiled
def best_by_circle(layers: Floats, layout: Layout, terms: Terms) -> tuple[Floats, Integers]:
    """Return each circle's largest ratio over its windows, and the first window that has it, shape (m,).

    ``layers`` is of shape (s, layers): the counts as running totals over time.
    """
    best = np.zeros(layout.member.size)
    window = np.zeros(layout.member.size, dtype=np.int64)
    for centre in range(layout.indptr.size - 1):
        counts, baseline = np.zeros(layers.shape[1]), np.zeros(layers.shape[1])
        for entry in range(layout.indptr[centre], layout.indptr[centre + 1]):
            counts += layers[layout.member[entry]]
            baseline += layout.baseline[layout.member[entry]]
            if not layout.closes[entry]:
                continue
            for w in range(layout.until.size):
                before, until = layout.before[w], layout.until[w]
                value = log_ratio(_within(counts, before, until), _within(baseline, before, until), terms)
                if value > best[entry]:
                    best[entry], window[entry] = value, w
    return best, window


class _Circle(NamedTuple):
    """A circle's totals by layer (and replicate, for counts) while it grows."""

    counts: NDArray[Any]
    baseline: Floats


class _Window(NamedTuple):
    """Layers as in `Layout`, what is expected, and what passes: from ``least`` up, or below ``above``."""

    before: int
    until: int
    baseline: float
    least: int
    above: int


@compiled
def _any_passes(counts: NDArray[Any], window: _Window) -> bool:
    some = False
    # No branch inside the loops: the processor then compares many counts at a time.
    if window.before < 0:
        for k in range(counts.shape[1]):
            some |= (counts[window.until, k] >= window.least) | (counts[window.until, k] < window.above)
    else:
        for k in range(counts.shape[1]):
            total = counts[window.until, k] - counts[window.before, k]
            some |= (total >= window.least) | (total < window.above)
    return some


@compiled
def _raise_to(best: Floats, counts: NDArray[Any], window: _Window, terms: Terms) -> None:
    for k in range(best.size):
        total = counts[window.until, k] - (counts[window.before, k] if window.before >= 0 else 0)
        if total >= window.least or total < window.above:
            best[k] = max(best[k], log_ratio(float(total), window.baseline, terms))


@compiled
def _judge(best: Floats, circle: _Circle, layout: Layout, passing: Passing, terms: Terms) -> None:
    """Raise each replicate's best by one circle's windows."""
    for w in range(layout.until.size):
        before, until = layout.before[w], layout.until[w]
        expected = _within(circle.baseline, before, until)
        # The root can come out one rounding beyond the last entry.
        entry = min(int(math.sqrt(expected) * passing.scale), passing.least.size - 1)
        window = _Window(before, until, expected, passing.least[entry], passing.above[entry])
        if _any_passes(circle.counts, window):
            _raise_to(best, circle.counts, window, terms)


@compiled
def raise_best(best: Floats, layers: NDArray[Any], layout: Layout, passing: Passing, terms: Terms) -> None:
    """Raise ``best`` in place to the largest ratio of each of r replicates, shape (r,), where counts pass.

    ``layers`` is of shape (s, layers, r): unsigned counts as running totals over time, of a type that no
    circle's count reaches the end of.
    """
    n_layers, n_replicates = layers.shape[1], layers.shape[2]
    circle = _Circle(np.empty((n_layers, n_replicates), layers.dtype), np.empty(n_layers))
    for centre in range(layout.indptr.size - 1):
        circle.counts[:] = 0
        circle.baseline[:] = 0
        for entry in range(layout.indptr[centre], layout.indptr[centre + 1]):
            site = layout.member[entry]
            for layer in range(n_layers):
                circle.baseline[layer] += layout.baseline[site, layer]
                for k in range(n_replicates):
                    circle.counts[layer, k] += layers[site, layer, k]
            if layout.closes[entry]:
                _judge(best, circle, layout, passing, terms)
