"""The arithmetic of smoothing, in units of grid cells: sums, shares and convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from scipy import fft, ndimage

from placewise.geo.crs import Flags, Floats, Integers

Kernel = Literal["quartic", "gaussian"]

SQUARE_METRES_PER_KM2 = 1_000_000.0
# Bandwidths beyond which a record is not looked at: at nine deviations a Gaussian is below rounding.
_REACH: dict[Kernel, float] = {"quartic": 1.0, "gaussian": 9.0}
# Where binned anyway, five deviations do: four parts in a million of the weight lie beyond.
_BINNED_REACH = 5.0
# Above this many distinct spots the exact sum costs more than binning.
EXACT_SPOTS: dict[Kernel, int] = {"quartic": 50_000, "gaussian": 2_000}
_SUBCELLS = 3  # odd, so that every cell's centre is a subcell's centre
_CHUNK = 1 << 15
_PAIRS = 1 << 20  # spots × cells handled at once in the exact sum


def smooth_points(
    u: Floats, v: Floats, weights: Floats | None, *, shape: tuple[int, int], bandwidth: float, kernel: Kernel
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
    """
    u, v, weights = _near(u, v, weights, shape, bandwidth * _REACH[kernel] + 1)
    exact, binned = {
        "quartic": (quartic_exact, quartic_binned),
        "gaussian": (gaussian_exact, gaussian_binned),
    }[kernel]
    # Sorting out distinct spots pays only where it may bring the number down far enough.
    spots = _distinct_spots(u, v, weights) if u.size <= 4 * EXACT_SPOTS[kernel] else None
    if spots is not None and spots[0].size <= EXACT_SPOTS[kernel]:
        return exact(*spots, shape, bandwidth)
    return binned(u, v, weights, shape, bandwidth)


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
    u: Floats, v: Floats, weights: Floats | None, shape: tuple[int, int], bandwidth: float
) -> Floats:
    """Approximate `quartic_exact`: share points among subcells, then convolve once."""
    rows, columns = shape
    fine = bandwidth * _SUBCELLS
    pad = int(np.ceil(fine)) + 2 + 2 * _SUBCELLS
    binned = linear_bins(
        u * _SUBCELLS + pad,
        v * _SUBCELLS + pad,
        weights,
        (rows * _SUBCELLS + 2 * pad, columns * _SUBCELLS + 2 * pad),
    )
    smooth = _convolved(binned, _sharpened(_quartic_stencil(fine)))
    middle = pad + _SUBCELLS // 2
    picked = smooth[
        middle : middle + rows * _SUBCELLS : _SUBCELLS, middle : middle + columns * _SUBCELLS : _SUBCELLS
    ]
    # Sharpening and Fourier rounding can leave specks just below nought.
    density: Floats = np.maximum(picked, 0.0) * _SUBCELLS**2
    return density


def _quartic_stencil(bandwidth: float) -> Floats:
    """Kernel at whole-cell offsets with a border of nought; sums to about 1."""
    offset = np.arange(-int(np.ceil(bandwidth)) - 1, int(np.ceil(bandwidth)) + 2)
    closeness = np.maximum(1 - (offset[:, None] ** 2 + offset**2) / bandwidth**2, 0)
    stencil: Floats = 3 / (np.pi * bandwidth**2) * closeness**2
    return stencil


def _sharpened(stencil: Floats) -> Floats:
    """Undo, to second order, the smear of linear sharing: a triangle of variance 1/6 on either axis."""
    sharp: Floats = stencil - ndimage.laplace(stencil, mode="constant") / 12
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
    u: Floats, v: Floats, weights: Floats | None, shape: tuple[int, int], bandwidth: float
) -> Floats:
    """Approximate `gaussian_exact`: share points among cells, then blur along either axis."""
    rows, columns = shape
    margin = _BINNED_REACH * bandwidth + 1
    u, v, weights = _near(u, v, weights, shape, margin)
    pad = int(np.ceil(margin)) + 2
    binned = linear_bins(u + pad, v + pad, weights, (rows + 2 * pad, columns + 2 * pad))
    # Linear sharing has already spread each point with variance 1/6 of a cell on either axis.
    sigma = np.sqrt(bandwidth**2 - 1 / 6)
    smooth: Floats = ndimage.gaussian_filter(binned, sigma, mode="constant", truncate=_BINNED_REACH)
    return smooth[pad : pad + rows, pad : pad + columns].copy()


def linear_bins(u: Floats, v: Floats, weights: Floats | None, shape: tuple[int, int]) -> Floats:
    """Share each point among the four nearest cell centres ("cloud in cell"); keeps count and mean place.

    Parameters
    ----------
    u, v : ndarray of shape (n,)
        Column and row coordinates, at least half a cell and at most ``shape - 0.5`` from the corner.
    weights : ndarray of shape (n,) or None
    shape : (rows, columns)
    """
    cell = np.empty(u.size, dtype=np.int64)
    right, up, both = np.empty(u.size), np.empty(u.size), np.empty(u.size)
    for part in _chunks(u.size):
        column, row = np.floor(u[part] - 0.5), np.floor(v[part] - 0.5)
        cell[part] = row * shape[1] + column
        f, g = u[part] - 0.5 - column, v[part] - 0.5 - row
        w = 1.0 if weights is None else weights[part]
        right[part], up[part], both[part] = f * w, g * w, f * g * w
    whole = _sum_by_cell(cell, weights, shape)
    east, north, corner = (_sum_by_cell(cell, share, shape) for share in (right, up, both))
    # Four sums by one index array, then shared out cell by cell: cheaper than sixteen scattered adds.
    bins = whole - east - north + corner
    bins[:, 1:] += (east - corner)[:, :-1]
    bins[1:] += (north - corner)[:-1]
    bins[1:, 1:] += corner[:-1, :-1]
    return bins


def _sum_by_cell(cell: Integers, weights: Floats | None, shape: tuple[int, int]) -> Floats:
    return np.bincount(cell, weights, shape[0] * shape[1]).astype(np.float64, copy=False).reshape(shape)


def _chunks(n: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, n, _CHUNK))


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
