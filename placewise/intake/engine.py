"""The engine: a file and a layout in; checked batches, and what is to be said aloud, out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from placewise.core.errors import FileRefused, QuestionsOpen
from placewise.intake.batch import CheckedBatch, Refusal
from placewise.intake.checks import BatchChecker
from placewise.intake.findings import Finding, Severity
from placewise.intake.geometry import KNOWN_CRS
from placewise.intake.headings import plain
from placewise.intake.layouts import Layout, Match, best_layout, match
from placewise.intake.layouts.layout import GEOMETRY_COLUMN, REFUSAL_COLUMNS
from placewise.intake.limits import Limits
from placewise.intake.messages import Header, Message, Rows
from placewise.intake.refusals import undo_neutralising
from placewise.intake.run import Context, Run
from placewise.intake.sandbox import read_confined
from placewise.intake.summary import said_aloud
from placewise.store.loading import Fault

#: Bytes read so far, bytes of the file.
Progress = Callable[[int, int], None]


class Check:
    """One pass over a file; iterate it once, then ask what there is to say.

    Attributes
    ----------
    header : tuple of str
        Column names as the file has them, without those our own refusals file adds, and with the one in
        which the shapes of refused features go out.
    counts : Counter of str
        ``read``, ``accepted``, ``refused`` and ``blank`` rows so far.
    """

    def __init__(
        self,
        path: Path,
        layout: Layout,
        *,
        context: Context,
        limits: Limits,
        name: str | None = None,
        on_progress: Progress | None = None,
    ) -> None:
        self.header: tuple[str, ...] = ()
        self.counts: Counter[str] = Counter()
        self._path, self._layout, self._limits, self._name = path, layout, limits, name
        self._progress = on_progress
        self._run = Run(context)
        self._kept: list[int] | None = None
        self._mended = False
        self._checker: BatchChecker | None = None
        self._not_kept: tuple[str, ...] = ()
        self._questions: list[Finding] = []

    @property
    def findings(self) -> list[Finding]:
        """Everything to be said about the file so far; complete once the iteration has ended."""
        said = said_aloud(self._run, self._layout, self.counts, not_kept=self._not_kept)
        return [*self._run.findings, *self._questions, *said]

    def __iter__(self) -> Iterator[CheckedBatch]:
        """Batches in the order of the file.

        Raises
        ------
        FileRefused
            Nothing of the file can be taken.
        QuestionsOpen
            After the last batch (or before the first): a person must answer; nothing may be stored.
        SandboxUnavailable
            This machine cannot lock the reader in.
        """
        total = self._path.stat().st_size
        answers = self._run.context.answers
        reading = read_confined(
            self._path,
            limits=self._limits,
            name=self._name,
            answers=answers,
            wanted=self._layout.headings,
        )
        with closing(reading) as messages:
            yield from self._batches(messages, total)
        if not self.counts["read"]:
            raise FileRefused("The file has column names but no rows.", code="empty")
        self._require_answers()

    def with_shapes(self, faults: Iterable[Fault], batch: CheckedBatch) -> list[Fault]:
        """Faults that the store found in a batch, with the shapes of their rows as refusals carry them."""
        return self._checker.with_shapes(faults, batch) if self._checker is not None else list(faults)

    def _batches(self, messages: Iterator[Message], total: int) -> Iterator[CheckedBatch]:
        for message in messages:
            if isinstance(message, Finding):
                self._hear(message)
            elif isinstance(message, Header):
                self._checker = self._begin(message)
            elif self._checker is not None:
                batch = self._checker.check(self._own_cells(message), bytes_total=total)
                self._count(batch, message)
                yield batch

    def _hear(self, finding: Finding) -> None:
        self._run.findings.append(finding)
        if finding.severity is Severity.ASK:
            self._require_answers()

    def _begin(self, header: Header) -> BatchChecker:
        self._mended = any(plain(cell) in map(plain, REFUSAL_COLUMNS) for cell in header.cells)
        # Features have shapes of their own, whatever a property says.
        added = set(map(plain, (*REFUSAL_COLUMNS, GEOMETRY_COLUMN) if header.crs else REFUSAL_COLUMNS))
        kept = [index for index, cell in enumerate(header.cells) if plain(cell) not in added]
        if len(kept) < len(header.cells):
            self._kept = kept
        self.header = tuple(header.cells[index] for index in kept)
        _refuse_twice(self.header)
        found = match(self.header, self._layout, geometry=bool(header.crs))
        if not found.fits:
            self._ask_for_header(header)
            raise FileRefused(_lacking(found, self.header, geometry=bool(header.crs)), code="missing-column")
        if header.crs and self._layout.geometry == "none":
            raise FileRefused(
                f"“{self._layout.title}” is a table without a map. Send it as CSV or Excel.",
                code="type-not-accepted",
            )
        self._not_kept = found.not_kept
        if found.unknown:
            self._run.findings.append(_unmapped(found))
        checker = BatchChecker(
            found, self.header, self._crs(header), self._run, vertices=self._limits.vertices
        )
        if header.crs:
            self.header = (*self.header, GEOMETRY_COLUMN)
        return checker

    def _crs(self, header: Header) -> str:
        crs = self._run.context.answers.get("crs", header.crs) if header.crs else ""
        if crs and crs not in KNOWN_CRS:
            message = "The file does not say a coordinate system that can be read. Which is it?"
            self._questions.append(Finding("crs", Severity.ASK, message, choices=KNOWN_CRS))
            self._require_answers()
        return crs

    def _ask_for_header(self, header: Header) -> None:
        for offset, cells in enumerate(header.opening, 1):
            if match(cells, self._layout).fits:
                row = header.row + offset
                message = f"The column names seem to be in row {row}, below a title. Is that so?"
                self._questions.append(Finding("header-row", Severity.ASK, message, choices=(str(row),)))
                self._require_answers()

    def _own_cells(self, rows: Rows) -> Rows:
        """Rows of a mended refusals file without the columns it added, and with cells as they were."""
        if self._kept is None:
            return rows
        as_it_was = undo_neutralising if self._mended else list
        kept, width = self._kept, len(rows.columns)
        bad = [
            # A row of another length cannot be told apart: it stays as it came.
            (row, code, text, as_it_was(cells[index] for index in kept) if len(cells) == width else cells)
            for row, code, text, cells in rows.bad
        ]
        columns = [as_it_was(rows.columns[index]) for index in kept]
        return replace(rows, columns=columns, bad=bad)

    def _count(self, batch: CheckedBatch, rows: Rows) -> None:
        self.counts["read"] += batch.rows_read
        self.counts["accepted"] += len(batch)
        self.counts["refused"] += batch.rows_read - len(batch)
        self.counts["blank"] += rows.blank
        if self._progress is not None:
            self._progress(batch.bytes_read, batch.bytes_total)

    def _require_answers(self) -> None:
        findings = self.findings
        for finding in findings:
            if finding.severity is Severity.REJECT:
                raise FileRefused(finding.message, code=finding.code)
        if asked := [f for f in findings if f.severity is Severity.ASK]:
            raise QuestionsOpen(" ".join(f.message for f in asked))


@dataclass(slots=True)
class Preview:
    """What a person sees before anything is accepted.

    Attributes
    ----------
    batch : CheckedBatch or None
        The first accepted rows with their typed values; None when there are none.
    refusals : list of Refusal
        The first faults.
    findings : list of Finding
        What is to be said, and questions to be answered.
    counts : Counter of str
        ``read``, ``accepted``, ``refused``, ``blank`` rows of the whole file; of the accepted ones ``held``
        are held already and ``repeated`` repeat an earlier row.
    header : tuple of str
        Column names as the file has them.
    refused : FileRefused or None
        Why nothing of the file can be taken.
    """

    batch: CheckedBatch | None = None
    refusals: list[Refusal] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    header: tuple[str, ...] = ()
    refused: FileRefused | None = None

    @property
    def questions(self) -> list[Finding]:
        """Findings that a person must answer first."""
        return [finding for finding in self.findings if finding.severity is Severity.ASK]


def read_and_check(
    path: Path,
    layout: Layout,
    *,
    context: Context,
    limits: Limits,
    name: str | None = None,
    on_progress: Progress | None = None,
) -> Check:
    """Read a file in a sandbox and check it against a layout.

    Parameters
    ----------
    path : Path
        The file, at a path of our own making.
    layout : Layout
        What its columns should be.
    context : Context
        Sending agency, present time, answers given.
    limits : Limits
        ``UPLOAD_LIMITS`` or ``COMMAND_LIMITS``.
    name : str, optional
        Name the sender gave the file; only its ending is used. Default: the name of ``path``.
    on_progress : callable, optional
        Called after each batch with the bytes read and the bytes of the file.

    Returns
    -------
    Check
        Iterate it for ``CheckedBatch`` es; afterwards ``findings`` holds what is to be said aloud. Memory
        does not grow with the file, but for 12 bytes a row by which repeats are noticed.
    """
    return Check(path, layout, context=context, limits=limits, name=name, on_progress=on_progress)


def preview(
    path: Path,
    layout: Layout,
    *,
    context: Context,
    limits: Limits,
    name: str | None = None,
    on_progress: Progress | None = None,
    rehearse: Callable[[CheckedBatch], tuple[list[Fault], int]] = lambda _batch: ([], 0),
    refusals: int = 50,
) -> Preview:
    """Read and check a whole file without keeping it: its first batch, first faults, counts and questions.

    Parameters
    ----------
    path, layout, context, limits, name, on_progress
        As for ``read_and_check``.
    rehearse : callable, optional
        Faults of a batch that only the database knows, and how many of its other rows are held already.
    refusals : int
        Faults to keep.
    """
    seen = Preview()
    known: Counter[str] = Counter()
    check = read_and_check(path, layout, context=context, limits=limits, name=name, on_progress=on_progress)
    try:
        with suppress(QuestionsOpen):  # they are in the findings
            for batch in check:
                if seen.batch is None and len(batch):
                    seen.batch = batch
                faults, held = rehearse(batch)
                found = (Refusal(f.row, f.column, f.code, f.message, f.cells) for f in faults)
                wrong = (*batch.refusals, *found)
                seen.refusals.extend(wrong[: max(0, refusals - len(seen.refusals))])
                refused = {fault.row for fault in faults}
                repeated = set(batch.row_numbers[batch.repeats].tolist()) - refused
                known.update(accepted=-len(refused), refused=len(refused), held=held, repeated=len(repeated))
    except FileRefused as refused:
        seen.refused = refused
    known.update(check.counts)
    seen.findings, seen.counts, seen.header = check.findings, known, check.header
    return seen


def _refuse_twice(header: tuple[str, ...]) -> None:
    named = Counter(key for cell in header if (key := plain(cell)))
    if twice := [key for key, count in named.items() if count > 1]:
        titles = ", ".join(next(c.strip() for c in header if plain(c) == key) for key in twice)
        raise FileRefused(
            f"These columns come twice: {titles}. Take one of each out.", code="duplicate-header"
        )


def _lacking(found: Match, header: tuple[str, ...], *, geometry: bool) -> str:
    missing = ", ".join(name.replace("_", " ") for name in found.missing)
    text = f"The file lacks these columns of “{found.layout.title}”: {missing}."
    better = next((m for m in best_layout(header, geometry=geometry) if m.fits), None)
    if better is not None:
        return f"{text} It fits “{better.layout.title}” ({better.layout.name}); choose that layout."
    near = best_layout(header, geometry=geometry)
    if near and near[0].layout is not found.layout:
        lacks = ", ".join(name.replace("_", " ") for name in near[0].missing)
        text = f"{text} “{near[0].layout.title}” ({near[0].layout.name}) is nearest, but lacks {lacks}."
    has = ", ".join(cell.strip() for cell in header[:20] if cell.strip())
    return f"{text} No layout fits as it is: the file has {has}. Add the columns, or rename those that hold them."


def _unmapped(found: Match) -> Finding:
    names = ", ".join(found.unknown[:20])
    return Finding(
        "unmapped-columns",
        Severity.WARN,
        f"These columns are not part of “{found.layout.title}” and are not kept: {names}.",
        len(found.unknown),
    )
