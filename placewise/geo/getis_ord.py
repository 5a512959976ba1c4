"""Getis–Ord Gi*: which neighbourhoods hold more records than chance would put there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from placewise.core.errors import MissingValue, NoVariation, TooFewCells
from placewise.geo.adjacency import Adjacency, neighbourhood_sums
from placewise.geo.crs import Flags, Floats, Integers, require_counts
from placewise.geo.multiplicity import benjamini_hochberg
from placewise.geo.shuffle import shuffle_tail

Method = Literal["even_spread", "shuffle", "normal"]

MIN_CELLS = 3
# Below one expected record an empty neighbourhood is what chance gives anyway, and five is the smallest
# number of records we are prepared to call a cluster.
MIN_EXPECTED = 1.0
MIN_OBSERVED = 5


@dataclass(frozen=True)
class GiStar:
    """The result of `gi_star`, one entry a cell.

    Attributes
    ----------
    z : ndarray of float64
        Gi* as a standard score, no unit. 0 where the neighbourhood is the whole study area.
    p : ndarray of float64
        Chance, under the null of ``method``, of a neighbourhood total at least this high; in (0, 1].
    q : ndarray of float64
        ``p`` adjusted over all cells (Benjamini–Hochberg).
    total : ndarray of float64
        Records in the cell and its neighbours.
    expected : ndarray of float64
        Mean of ``total`` under the null; each child once a neighbourhood if ``total`` is so counted.
    too_few : ndarray of bool
        Fewer than `MIN_EXPECTED` expected and fewer than `MIN_OBSERVED` seen: too few to tell.
    method : str
    """

    z: Floats
    p: Floats
    q: Floats
    total: Floats
    expected: Floats
    too_few: Flags
    method: Method

    def hot(self, *, q_at_most: float = 0.05) -> Flags:
        """Return the cells to show as hot: q small enough and at least `MIN_OBSERVED` records."""
        flags: Flags = (self.q <= q_at_most) & (self.total >= MIN_OBSERVED)
        return flags


def gi_star(
    counts: ArrayLike,
    adjacency: Adjacency,
    *,
    method: Method = "even_spread",
    totals: ArrayLike | None = None,
    exposure: ArrayLike | None = None,
) -> GiStar:
    """Compare each cell and its neighbours with the whole study area.

    A hot cell says that records are concentrated around it, *as recorded*. It does not say that harm is
    concentrated there (perhaps only recording is), why, or that it will go on; and it does not say that
    the other cells are safe. Alternative, fixed beforehand: more than chance ("hot"). Cold spots are not
    sought, because few records may mean few reports.

    Parameters
    ----------
    counts : array_like of int >= 0, shape (n,)
        Records by cell position. Count each child once a cell (`counts.independent_reports_per_cell`)
        and give ``totals`` too: the repeats of one child are not independent. Not modified.
    adjacency : Adjacency
        Neighbours of the n cells, without the cell itself (which Gi* adds). Binary weights.
    method : {"even_spread", "shuffle", "normal"}
        Where p comes from; z does not depend on it.

        ``"even_spread"`` — exact binomial tail: had the N records fallen independently and evenly over
        the study area, how often would this neighbourhood hold so many? Right for sparse counts.
        ``"shuffle"`` — exact tail over all ways of dealing the n counts, as they are, to the n cells.
        Allows for uneven counts, but cannot single out one exceptional cell: see `docs/methods.md`.
        ``"normal"`` — upper tail of z, the textbook figure. Too ready to call sparse cells hot.
    totals : array_like of int, shape (n,), optional
        Neighbourhood totals for ``"even_spread"``, when they are fewer than the sum of the counts because
        a child in two cells counts once (`counts.independent_reports_around`).
    exposure : array_like of float > 0, shape (n,), optional
        Relative size of each cell for ``"even_spread"``, e.g. ``HexGrid.share_inside``; equal by default.

    Returns
    -------
    GiStar

    Raises
    ------
    MissingValue
        A count is NaN, infinite or negative, or not whole where the method needs whole records.
    TooFewCells
        Fewer than three cells, or every neighbourhood is the whole area.
    NoVariation
        All counts are equal.

    Notes
    -----
    With ``k`` cells in the neighbourhood (itself included), mean x̄ and population deviation s of the n
    counts: ``z = (total − k x̄) / (s √((n k − k²) / (n − 1)))``. Time O(n k), and for ``"shuffle"`` also
    O(distinct counts × k × largest total). Ord and Getis 1995, doi 10.1111/j.1538-4632.1995.tb00912.x.

    Examples
    --------
    >>> from placewise.geo.adjacency import adjacency_from_pairs
    >>> line = adjacency_from_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], n_cells=4)
    >>> result = gi_star([4, 4, 0, 0], line)
    >>> result.total.tolist(), round(float(result.z[0]), 4)   # (8 - 2*2) / (2 * sqrt((8-4)/3))
    ([8.0, 8.0, 4.0, 0.0], 1.7321)
    >>> round(float(result.p[0]), 6)                          # all 8 in 2 of 4 cells: (1/2)**8
    0.003906
    """
    values = require_counts(counts)
    neighbours = adjacency.degree + 1
    if method != "even_spread" and (totals is not None or exposure is not None):
        raise ValueError("totals and exposure belong to the even_spread method")
    _check_comparable(values, neighbours)
    summed = neighbourhood_sums(values, adjacency)
    share = _share_of_area(adjacency, neighbours, exposure)
    return gi_star_of_sums(values, summed, neighbours, method=method, totals=totals, share=share)


def gi_star_of_sums(
    counts: ArrayLike,
    summed: Floats,
    neighbours: Integers,
    *,
    method: Method = "even_spread",
    totals: ArrayLike | None = None,
    share: Floats | None = None,
) -> GiStar:
    """Judge neighbourhood sums that are already made, as `gi_star` does.

    Parameters
    ----------
    counts : array_like of int >= 0, shape (n,)
    summed : ndarray of float64, shape (n,)
        Sum of each cell and its neighbours.
    neighbours : ndarray of int64, shape (n,)
        How many cells each sum is of.
    method, totals
        As for `gi_star`.
    share : ndarray of float64, shape (n,), optional
        Share of the study area in each neighbourhood; ``neighbours / n`` by default.

    Raises
    ------
    MissingValue, TooFewCells, NoVariation
        As for `gi_star`.
    """
    values = require_counts(counts)
    _check_comparable(values, neighbours)
    if method != "normal" and np.any(values != np.rint(values)):
        raise MissingValue("This test counts whole records; spread or weighted records need another method.")
    z = star_z(values, summed, neighbours)
    total = summed if totals is None else _checked_totals(totals, summed)
    share = neighbours / values.size if share is None else share
    records = independent_records(values, summed, total)
    p = _upper_tail(
        method, z=z, values=values, total=total, neighbours=neighbours, records=records, share=share
    )
    expected = records * share
    too_few = (expected < MIN_EXPECTED) & (total < MIN_OBSERVED)
    return GiStar(z, p, benjamini_hochberg(p), total, expected, too_few, method)


def _checked_totals(totals: ArrayLike, summed: Floats) -> Floats:
    checked = require_counts(totals, what="totals")
    if checked.shape != summed.shape or np.any(checked > summed):
        raise ValueError("totals needs one value a cell, no more than the sum of the neighbourhood's counts")
    return checked


def _check_comparable(values: Floats, neighbours: Integers) -> None:
    if values.size != neighbours.size:
        raise ValueError(f"{values.size} counts for {neighbours.size} cells")
    if values.size < MIN_CELLS or neighbours.min() >= values.size:
        raise TooFewCells("There are too few cells to compare neighbourhoods. Choose a smaller cell width.")
    if values.min() == values.max():
        raise NoVariation("Every cell has the same count, so none stands out.")


def star_z(values: Floats, total: Floats, neighbours: Integers) -> Floats:
    """Return Gi* as a standard score; see `gi_star`."""
    n = values.size
    k = neighbours.astype(np.float64)
    spread = values.std() * np.sqrt((n * k - k * k) / (n - 1))
    whole = neighbours == n
    z = (total - values.mean() * k) / np.where(whole, 1.0, spread)
    return np.where(whole, 0.0, z)


def _share_of_area(adjacency: Adjacency, neighbours: Integers, exposure: ArrayLike | None) -> Floats:
    if exposure is None:
        return neighbours / neighbours.size
    sizes = require_counts(exposure, what="exposures")
    if sizes.shape != neighbours.shape or np.any(sizes == 0):
        raise ValueError("exposure needs one value above nought for each cell")
    # A neighbourhood that is the whole area can come out one rounding above 1.
    share: Floats = np.minimum(neighbourhood_sums(sizes, adjacency) / sizes.sum(), 1.0)
    return share


def _upper_tail(
    method: Method,
    *,
    z: Floats,
    values: Floats,
    total: Floats,
    neighbours: Integers,
    records: float,
    share: Floats,
) -> Floats:
    if method == "normal":
        return np.asarray(special.ndtr(-z), dtype=np.float64)
    if method == "shuffle":
        return shuffle_tail(values.astype(np.int64), total.astype(np.int64), neighbours)
    if method == "even_spread":
        return _binomial_tail(total, records, share)
    raise ValueError(f"method is even_spread, shuffle or normal, not {method!r}")


def independent_records(counts: Floats, summed: Floats, total: Floats) -> float:
    """Return how many records would give such neighbourhood totals, were no child's repeats left out.

    A child in two cells of a neighbourhood is counted in both by ``counts``, and once by ``total``. To expect
    as many as ``counts`` has and to observe as few as ``total`` would be too strict on hot spots and too
    ready with cold ones.

    Parameters
    ----------
    counts : ndarray of float64, shape (n,)
    summed : ndarray of float64, shape (n,)
        Sum of the counts of each cell and its neighbours.
    total : ndarray of float64, shape (n,)
        Not above ``summed``.

    Examples
    --------
    >>> independent_records(np.array([4.0, 2.0]), np.array([6.0, 6.0]), np.array([4.0, 5.0]))
    4.5
    """
    whole = float(summed.sum())
    return float(counts.sum()) * (float(total.sum()) / whole) if whole else 0.0


def _binomial_tail(total: Floats, records: float, share: Floats) -> Floats:
    """Return P(X >= total) for X ~ Binomial(records, share), by the incomplete beta function.

    ``records`` need not be whole. It is an average, so a neighbourhood may hold more.
    """
    some = total > 0
    tail = np.ones_like(total)
    tail[some] = special.betainc(total[some], np.maximum(records - total[some], 0.0) + 1, share[some])
    return tail
