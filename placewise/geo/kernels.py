"""The arithmetic of smoothing, in units of grid cells: sums, shares and convolutions."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import fft, ndimage

from placewise.geo.binning import CUBIC_REACH, LINEAR_VARIANCE, cubic_bins, linear_bins
from placewise.geo.crs import Flags, Floats

Kernel = Literal["quartic", "gaussian"]
Binning = Literal["linear", "cubic"]

SQUARE_METRES_PER_KM2 = 1_000_000.0
# Bandwidths beyond which a record is not looked at: at nine deviations a Gaussian is below rounding.
_REACH: dict[Kernel, float] = {"quartic": 1.0, "gaussian": 9.0}
# Where binned anyway, five deviations do: four parts in a million of the weight lie beyond.
_BINNED_REACH = 5.0
# Bins are this fine at least, in subcells a bandwidth; then binning's error (`docs/methods.md`) hardly shows.
_FINE_ENOUGH = 12
_SUBCELLS = 3  # odd, so that every cell's centre is a subcell's centre
# For bandwidths of fewer cells even those are coarse, and a spot reaches few cells: up to so many spots an exact
# sum costs less than 0.2 s.
_NARROW, _EXACT_SPOTS_NARROW = 5, 100_000
# A subcell costs binning as much as this many pairs of spot and cell cost the exact sum (measured: 3).
_PAIRS_A_SUBCELL = 4
_FEWEST_EXACT = 200  # up to so many spots the sum is exact however far it reaches
_EXACT_SPOTS_GAUSSIAN = 2_000
_SPECK = 1e-12  # of the peak
_PAIRS = 1 << 20  # spots × cells handled at once in the exact sum


def smooth_points(
    u: Floats,
    v: Floats,
    weights: Floats | None,
    *,
    shape: tuple[int, int],
    bandwidth: float,
    kernel: Kernel,
    binning: Binning = "linear",
) -> Floats:
    """Return density per square cell at the cell centres.

    Parameters
    ----------
    u, v : ndarray of shape (n,)
        Column and row coordinates from the grid's corner; the first cell's centre is (0.5, 0.5).
    weights : ndarray of shape (n,) or None
    shape : (rows, columns)
    bandwidth : float, in cells
    kernel : {"quartic", "gaussian"}
    binning : {"linear", "cubic"}
        How points are shared among cells where there are too many spots for an exact sum.
    """
    u, v, weights = _near(u, v, weights, shape, bandwidth * _REACH[kernel] + 1)
    exact, binned = {
        "quartic": (quartic_exact, quartic_binned),
        "gaussian": (gaussian_exact, gaussian_binned),
    }[kernel]
    # Sorting out distinct spots pays only where it may bring the number down far enough.
    most = exact_spots(kernel, shape, bandwidth)
    spots = _distinct_spots(u, v, weights) if u.size <= 4 * most else None
    if spots is not None and spots[0].size <= most:
        return exact(*spots, shape, bandwidth)
    return binned(u, v, weights, shape, bandwidth, binning=binning)


def exact_spots(kernel: Kernel, shape: tuple[int, int], bandwidth: float) -> int:
    """Return the number of distinct spots up to which the sum is exact: beyond it, binning is quicker.

    Parameters
    ----------
    kernel : {"quartic", "gaussian"}
    shape : (rows, columns)
    bandwidth : float, in cells
    """
    if kernel == "gaussian":
        return _EXACT_SPOTS_GAUSSIAN
    cells_a_spot = np.pi * (bandwidth + 0.5) ** 2
    bins = _subcells(bandwidth) ** 2 * (shape[0] + 2 * bandwidth) * (shape[1] + 2 * bandwidth)
    fewest = _EXACT_SPOTS_NARROW if bandwidth < _NARROW else _FEWEST_EXACT
    return max(fewest, int(_PAIRS_A_SUBCELL * bins / cells_a_spot))


def _subcells(bandwidth: float) -> int:
    """Subcells along a cell's side that the quartic is binned to; its bandwidth is in cells."""
    return 1 if bandwidth >= _FINE_ENOUGH else _SUBCELLS


def _near(
    u: Floats, v: Floats, weights: Floats | None, shape: tuple[int, int], margin: float
) -> tuple[Floats, Floats, Floats | None]:
    """Drop the points more than a margin off the grid."""
    near = (u > -margin) & (u < shape[1] + margin) & (v > -margin) & (v < shape[0] + margin)
    if near.all():
        return u, v, weights
    return u[near], v[near], None if weights is None else weights[near]


def _distinct_spots(u: Floats, v: Floats, weights: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Merge records at the same spot: published points are snapped, so this saves most of the work."""
    order = np.lexsort((u, v))
    us, vs = u[order], v[order]
    ws = np.ones(u.size) if weights is None else weights[order]
    if not us.size:
        return us, vs, ws
    first = np.flatnonzero(np.concatenate([[True], (us[1:] != us[:-1]) | (vs[1:] != vs[:-1])]))
    return us[first], vs[first], np.add.reduceat(ws, first)


def quartic_exact(u: Floats, v: Floats, weights: Floats, shape: tuple[int, int], bandwidth: float) -> Floats:
    """Sum the quartic kernel of every spot at every cell centre within reach, without approximation."""
    rows, columns = shape
    reach = int(np.ceil(bandwidth + 0.5))
    offset = np.arange(-reach, reach + 1)
    # Keep the cells of the window that a spot somewhere in the middle cell can reach.
    away = np.maximum(np.abs(offset) - 0.5, 0)
    row_offset, column_offset = (a - reach for a in np.nonzero(away[:, None] ** 2 + away**2 < bandwidth**2))
    # Wide enough that the window of a spot just beyond the grid never wraps round.
    pad = 2 * reach + 2
    stride = columns + 2 * pad
    total = np.zeros((rows + 2 * pad) * stride)
    flat_offset = row_offset * stride + column_offset
    step = max(1, _PAIRS // row_offset.size)
    for start in range(0, u.size, step):
        us, vs, ws = u[start : start + step], v[start : start + step], weights[start : start + step]
        column, row = np.floor(us), np.floor(vs)
        squared = ((column + 0.5 - us)[:, None] + column_offset) ** 2
        squared += ((row + 0.5 - vs)[:, None] + row_offset) ** 2
        closeness = np.maximum(1 - squared / bandwidth**2, 0)
        home = ((row + pad) * stride + column + pad).astype(np.int64)
        cell = home[:, None] + flat_offset
        total += np.bincount(cell.ravel(), (ws[:, None] * closeness**2).ravel(), total.size)
    total *= 3 / (np.pi * bandwidth**2)
    return total.reshape(-1, stride)[pad : pad + rows, pad : pad + columns].copy()


def quartic_binned(
    u: Floats,
    v: Floats,
    weights: Floats | None,
    shape: tuple[int, int],
    bandwidth: float,
    *,
    binning: Binning = "linear",
) -> Floats:
    """Approximate `quartic_exact`: share points among subcells, then convolve once."""
    rows, columns = shape
    parts = _subcells(bandwidth)
    fine = bandwidth * parts
    pad = int(np.ceil(fine)) + CUBIC_REACH + 2 * parts
    linear = binning == "linear"
    binned = (linear_bins if linear else cubic_bins)(
        u * parts + pad,
        v * parts + pad,
        weights,
        (rows * parts + 2 * pad, columns * parts + 2 * pad),
    )
    stencil = _quartic_stencil(fine)
    smooth = _convolved(binned, _sharpened(stencil) if linear else stencil)
    middle = pad + parts // 2
    picked = smooth[middle : middle + rows * parts : parts, middle : middle + columns * parts : parts]
    # Sharpening and Fourier rounding leave specks about nought, where no record reaches.
    density: Floats = np.where(picked > _SPECK * picked.max(), picked, 0.0) * parts**2
    return density


def _quartic_stencil(bandwidth: float) -> Floats:
    """Kernel at whole-cell offsets with a border of nought; sums to about 1."""
    offset = np.arange(-int(np.ceil(bandwidth)) - 1, int(np.ceil(bandwidth)) + 2)
    closeness = np.maximum(1 - (offset[:, None] ** 2 + offset**2) / bandwidth**2, 0)
    stencil: Floats = 3 / (np.pi * bandwidth**2) * closeness**2
    return stencil


def _sharpened(stencil: Floats) -> Floats:
    """Undo, to second order, the smear of linear sharing: a triangle on either axis."""
    sharp: Floats = stencil - ndimage.laplace(stencil, mode="constant") * (LINEAR_VARIANCE / 2)
    return sharp


def gaussian_exact(u: Floats, v: Floats, weights: Floats, shape: tuple[int, int], bandwidth: float) -> Floats:
    """Sum the Gaussian kernel of every spot at every cell centre: a product of one factor an axis."""
    rows, columns = shape
    along_x = _gaussian_factor((np.arange(columns) + 0.5 - u[:, None]) / bandwidth)
    along_y = _gaussian_factor((np.arange(rows) + 0.5 - v[:, None]) / bandwidth)
    total: Floats = (along_y * weights[:, None]).T @ along_x / (2 * np.pi * bandwidth**2)
    return total


def _gaussian_factor(deviations: Floats) -> Floats:
    """Return exp(-d²/2), nought where it is below rounding: denormal numbers are slow to multiply."""
    squared = deviations**2
    near = squared < _REACH["gaussian"] ** 2
    factor: Floats = np.exp(-0.5 * squared, where=near, out=np.zeros_like(squared))
    return factor


def gaussian_binned(
    u: Floats,
    v: Floats,
    weights: Floats | None,
    shape: tuple[int, int],
    bandwidth: float,
    *,
    binning: Binning = "linear",
) -> Floats:
    """Approximate `gaussian_exact`: share points among cells, then blur along either axis."""
    rows, columns = shape
    margin = _BINNED_REACH * bandwidth + 1
    u, v, weights = _near(u, v, weights, shape, margin)
    pad = int(np.ceil(margin)) + CUBIC_REACH
    linear = binning == "linear"
    binned = (linear_bins if linear else cubic_bins)(
        u + pad, v + pad, weights, (rows + 2 * pad, columns + 2 * pad)
    )
    # Linear sharing has already spread each point a little; cubic sharing has not.
    sigma = np.sqrt(bandwidth**2 - (LINEAR_VARIANCE if linear else 0.0))
    smooth: Floats = ndimage.gaussian_filter(binned, sigma, mode="constant", truncate=_BINNED_REACH)
    density: Floats = np.maximum(smooth[pad : pad + rows, pad : pad + columns], 0.0)
    return density


def smooth_mask(inside: Flags, bandwidth: float, kernel: Kernel) -> Floats:
    """Return the share of a kernel centred on each cell that falls on cells inside, 1 well inside."""
    mask = inside.astype(np.float64)
    if kernel == "gaussian":
        share: Floats = ndimage.gaussian_filter(mask, bandwidth, mode="constant", truncate=_BINNED_REACH)
        return share
    stencil = _quartic_stencil(bandwidth)
    return _convolved(mask, stencil / stencil.sum())


def _convolved(image: Floats, stencil: Floats) -> Floats:
    """Convolution of the size of the image, by FFT; `scipy.signal` has it too but takes seconds to import."""
    full = [a + b - 1 for a, b in zip(image.shape, stencil.shape, strict=True)]
    size = [fft.next_fast_len(n, real=True) for n in full]
    product = fft.irfft2(fft.rfft2(image, size) * fft.rfft2(stencil, size), size)
    rows, columns = ((b - 1) // 2 for b in stencil.shape)
    same: Floats = product[rows : rows + image.shape[0], columns : columns + image.shape[1]]
    return same
