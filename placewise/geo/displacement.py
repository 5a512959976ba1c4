"""Displacement: whether records fell more where something was done than elsewhere, and moved next door."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from scipy import special

from placewise.core.errors import MissingValue

Alternative = Literal["different", "fewer", "more"]
Verdict = Literal["fewer", "more", "ordinary", "too_few"]
Reading = Literal[
    "benefit_spread", "none", "part_displaced", "benefit_cancelled", "no_net_fall", "nought_counted"
]


class BeforeAfter(NamedTuple):
    """One area's records before and after.

    Attributes
    ----------
    before, after : int >= 0
    size : float > 0
        Relative size of the area (km², or 1 where areas are not to be put on one scale).
    """

    before: int
    after: int
    size: float = 1.0


@dataclass(frozen=True)
class DisplacementDifference:
    """The result of `weighted_displacement_difference`, in records of the after period per unit of size.

    Attributes
    ----------
    estimate, se, z : float
        Change where something was done minus change in the comparison area, buffers included. Below
        nought: fewer than expected. z is NaN where no area has a record.
    low, high : float
        Two-sided interval at ``confidence``.
    p : float
        For ``alternative``.
    local, spread : float
        The parts of ``estimate`` from the treated area and from its buffer; a ``spread`` above nought
        hints at displacement, below nought at benefit next door.
    expected_after : float
        Records the treated area would have had after, had it changed as its comparison did.
    detectable_fall : float or None
        Smallest fall below ``expected_after`` that would have been found with probability ``power``; None
        where not even a fall to nought would.
    verdict : {"fewer", "more", "ordinary", "too_few"}
        ``"too_few"``: no difference found, and none could have been expected to be.
    alternative, confidence, power
        As given.
    """

    estimate: float
    se: float
    z: float
    low: float
    high: float
    p: float
    local: float
    spread: float
    expected_after: float
    detectable_fall: float | None
    verdict: Verdict
    alternative: Alternative
    confidence: float
    power: float


@dataclass(frozen=True)
class DisplacementQuotient:
    """The result of `weighted_displacement_quotient`.

    Attributes
    ----------
    wdq : float
        NaN where it cannot be read.
    reading : str
        ``"benefit_spread"`` (above nought), ``"none"`` (nought), ``"part_displaced"`` (down to -1, less
        was displaced than gained), ``"benefit_cancelled"`` (-1 and below), ``"no_net_fall"`` (the treated
        area did not fall against its comparison, so there is nothing to displace), ``"nought_counted"``
        (the comparison area has a nought).
    gross_effect, net_effect, total_net_effect : float
        Before minus after; the same relative to the comparison area; records prevented in both areas.
        No standard error is known for any of them.
    """

    wdq: float
    reading: Reading
    gross_effect: float
    net_effect: float
    total_net_effect: float


def weighted_displacement_difference(
    treated: BeforeAfter,
    control: BeforeAfter,
    *,
    buffer: BeforeAfter | None = None,
    buffer_control: BeforeAfter | None = None,
    before_days: float = 1.0,
    after_days: float = 1.0,
    alternative: Alternative = "different",
    confidence: float = 0.95,
    power: float = 0.8,
) -> DisplacementDifference:
    """Compare the change where something was done with the change where it was not.

    It says whether more changed than independent records scatter by. It does not say that the plan did
    it: areas are chosen when they are at their worst and fall back by themselves, so fix areas and
    periods beforehand. Repeats of one child make ordinary scatter look extraordinary: count each child
    once an area and period. Young people's safety is more than records; fewer may mean unseen.

    Parameters
    ----------
    treated, control : BeforeAfter
    buffer, buffer_control : BeforeAfter, optional
        Where displacement is feared, and its comparison; both or neither.
    before_days, after_days : float > 0
        Lengths of the periods; records before are scaled to the length of after.
    alternative : {"different", "fewer", "more"}
        Fixed beforehand. The interval is two-sided whatever it is.
    confidence, power : float
        Between 0 and 1.

    Raises
    ------
    MissingValue
        A count is negative or not whole, or a size or length not above nought.

    Notes
    -----
    ``WDD = Σ ± (after − f before) / size`` with f = after_days / before_days, plus for treated areas;
    variance ``Σ (after + f² before) / size²`` (Poisson). Wheeler and Ratcliffe 2018,
    doi 10.1186/s40163-018-0085-5. The detectable fall d solves ``d = (z_α + z_power) √(V − d)``, V the
    variance had the treated area gone as expected.

    Examples
    --------
    >>> done = weighted_displacement_difference(BeforeAfter(100, 80), BeforeAfter(100, 90))
    >>> done.estimate, round(done.se, 1), round(done.low, 1), round(done.high, 1), done.verdict
    (-10.0, 19.2, -47.7, 27.7, 'ordinary')
    """
    if (buffer is None) != (buffer_control is None):
        raise ValueError("A buffer needs a comparison of its own, and the other way round.")
    areas = [treated, control]
    if buffer is not None and buffer_control is not None:
        areas += [buffer, buffer_control]
    _check(areas, before_days, after_days, confidence, power)
    factor = after_days / before_days
    change = [(a.after - factor * a.before) / a.size for a in areas]
    variance = sum((a.after + factor**2 * a.before) / a.size**2 for a in areas)
    local = change[0] - change[1]
    spread = change[2] - change[3] if buffer is not None else 0.0
    estimate, se = local + spread, math.sqrt(variance)
    z = estimate / se if se else math.nan
    p = _p_value(z, alternative) if se else 1.0
    alpha = 1 - confidence
    half = float(special.ndtri(1 - alpha / 2)) * se
    expected = max(treated.after - local * treated.size, 0.0)
    at_expected = variance * treated.size**2 + expected - treated.after
    fall = _detectable(at_expected, expected, alternative, alpha, power)
    return DisplacementDifference(
        estimate=estimate,
        se=se,
        z=z,
        low=estimate - half,
        high=estimate + half,
        p=p,
        local=local,
        spread=spread,
        expected_after=expected,
        detectable_fall=fall,
        verdict=_verdict(estimate, p <= alpha, fall),
        alternative=alternative,
        confidence=confidence,
        power=power,
    )


def weighted_displacement_quotient(
    treated: BeforeAfter, buffer: BeforeAfter, control: BeforeAfter
) -> DisplacementQuotient:
    """Say how much of a gain was displaced to the buffer, or spread to it, as a share of the gain.

    A ratio of ratios of counts: it swings wildly when counts are small and has no standard error. Show
    it beside `weighted_displacement_difference`, never alone. Sizes are not used: they cancel.

    Raises
    ------
    MissingValue
        A count is negative or not whole.

    Notes
    -----
    ``WDQ = (Da/Ca − Db/Cb) / (Ra/Ca − Rb/Cb)``, with R treated, D buffer, C control, b before, a after.
    Bowers and Johnson 2003, doi 10.1023/A:1024909009240; Guerette 2009 (POP Guide 10, appendix B).

    Examples
    --------
    >>> weighted_displacement_quotient(BeforeAfter(100, 50), BeforeAfter(100, 150), BeforeAfter(100, 100)).wdq
    -1.0
    """
    _check([treated, buffer, control], 1.0, 1.0, 0.95, 0.8)
    gross = float(treated.before - treated.after)
    if not (control.before and control.after):
        return DisplacementQuotient(math.nan, "nought_counted", gross, math.nan, math.nan)
    share = control.after / control.before
    net = treated.before / control.before - treated.after / control.after
    total = (treated.before * share - treated.after) + (buffer.before * share - buffer.after)
    # In whole numbers, so that a quotient of exactly nought or -1 is not missed by a rounding.
    fell = treated.before * control.after - treated.after * control.before
    rose = buffer.after * control.before - buffer.before * control.after
    if fell <= 0:
        return DisplacementQuotient(math.nan, "no_net_fall", gross, net, total)
    return DisplacementQuotient(-rose / fell if rose else 0.0, _reading(fell, rose), gross, net, total)


def _reading(fell: int, rose: int) -> Reading:
    if rose < 0:
        return "benefit_spread"
    if rose == 0:
        return "none"
    return "part_displaced" if rose < fell else "benefit_cancelled"


def _check(
    areas: list[BeforeAfter], before_days: float, after_days: float, confidence: float, power: float
) -> None:
    counts = [count for area in areas for count in (area.before, area.after)]
    if not all(math.isfinite(count) and count >= 0 and count == int(count) for count in counts):
        raise MissingValue("Counts must be whole numbers of nought or more.")
    if not all(0 < size < math.inf for size in (*(area.size for area in areas), before_days, after_days)):
        raise MissingValue("Areas and periods must be larger than nought.")
    if not (0 < confidence < 1 and 0 < power < 1):
        raise ValueError("confidence and power must lie between 0 and 1")


def _p_value(z: float, alternative: Alternative) -> float:
    if alternative == "different":
        return min(1.0, 2 * float(special.ndtr(-abs(z))))
    if alternative in ("fewer", "more"):
        return float(special.ndtr(z if alternative == "fewer" else -z))
    raise ValueError(f"alternative is different, fewer or more, not {alternative!r}")


def _detectable(
    variance: float, expected: float, alternative: Alternative, alpha: float, power: float
) -> float | None:
    if alternative == "more":
        return None
    tail = alpha if alternative == "fewer" else alpha / 2
    reach = float(special.ndtri(1 - tail) + special.ndtri(power))
    # Each record fewer takes one from the variance too: d² = reach² (variance − d). A power below alpha
    # is had for nothing.
    k = max(reach, 0.0) ** 2
    fall = (math.sqrt(k * k + 4 * k * variance) - k) / 2
    return fall if fall <= expected and expected > 0 else None


def _verdict(estimate: float, found: bool, fall: float | None) -> Verdict:
    if found:
        return "fewer" if estimate < 0 else "more"
    return "ordinary" if fall is not None else "too_few"
