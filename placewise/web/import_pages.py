"""Partners' files: the list of imports, and one file's way in — chosen, looked at, accepted, accounted for."""

from __future__ import annotations

import csv
import io
import re
from typing import Any
from uuid import UUID

import numpy as np
from flask import Response, redirect, render_template, request, url_for
from flask import session as cookie
from werkzeug.datastructures import FileStorage

from placewise.core.errors import BadRequest, FileRefused, NotFound
from placewise.core.scope import IMPORTERS, Action, Role, Scope
from placewise.intake.bring_in import look_at, write_batch_refusals
from placewise.intake.layouts import LAYOUTS, Layout, Need, get_layout
from placewise.intake.layouts.layout import GEOMETRY_COLUMN
from placewise.intake.limits import MEGABYTE, UPLOAD_LIMITS
from placewise.store import imports as held
from placewise.store.door import Membership
from placewise.store.geography import count_boundaries, list_outlines
from placewise.store.loading import be_patient
from placewise.store.session import Session
from placewise.web import import_preview as words
from placewise.web import imports_running as running
from placewise.web.layout_maps import preview_map
from placewise.web.pages import TOKEN, Answer, Subject, request_id, services
from placewise.web.uploads import Upload, Uploads

subject = Subject("imports", __name__)

#: The chair sees that files came in and how they ended, not their rows.
WATCHERS = Role.CHAIR | IMPORTERS
PAGE_LENGTH = 50
SHOWN_REFUSALS = 20
MOST_ANSWERS = 20
GROUPS = (
    (
        "Partners’ own templates",
        ("incidents", "missing", "places", "people", "links", "groups"),
    ),
    ("Open police data", ("police_street", "police_api", "police_stop_search")),
    ("Base map", ("boundaries", "streets", "features")),
)
_ANSWER = re.compile(r"answer-([a-z][a-z-]{1,39})")
#: Boundaries to lay under the preview, the first kind that is held, and how far a line may be simplified.
_GROUND = (("ward", 20.0), ("local_authority", 50.0), ("msoa", 20.0), ("lsoa", 10.0))


@subject.page("/p/<slug>/imports", roles=WATCHERS, action=Action.CONSULT_IMPORTS, navigation="Imports")
def imports(session: Session, membership: Membership) -> Answer:
    """Every import, newest first, and the files of one's own that wait."""
    total = held.count_batches(session)
    page = max(1, request.args.get("page", 1, type=int))
    if page > 1 and (page - 1) * PAGE_LENGTH >= total:
        raise NotFound("There is no such page.")
    batches = held.list_batches(session, limit=PAGE_LENGTH, offset=(page - 1) * PAGE_LENGTH)
    session.note(count=len(batches))
    waiting = uploads().of(membership.partnership_id, membership.account_id)
    return render_template(
        "imports/list.html",
        batches=batches,
        total=total,
        page=page,
        pages=-(-total // PAGE_LENGTH),
        waiting=[(upload, running.progress_of(uploads(), upload)) for upload in waiting],
        layouts=LAYOUTS,
        may_import=bool(membership.roles & IMPORTERS),
        discarded="discarded" in request.args,
    )


@subject.page("/p/<slug>/imports/new", roles=IMPORTERS, action=Action.CONSULT_IMPORTS)
def new(session: Session, membership: Membership) -> Answer:
    """The form for a file."""
    return _form(session, membership)


@subject.page("/p/<slug>/imports/new", roles=IMPORTERS, action=Action.COLLECT_FILE, methods=("POST",))
def send(session: Session, membership: Membership) -> Answer:
    """Keep the file until it is accepted; say what is wrong beside the field it concerns."""
    session.note(step="received")
    errors: dict[str, str] = {}
    if request.form.get("agency") not in dict(held.list_agencies(session)):
        errors["agency"] = "Choose the agency that sent the file"
    if request.form.get("layout") not in LAYOUTS:
        errors["layout"] = "Choose what the file holds"
    file = request.files.get("file")
    if file is None or not file.filename:
        errors["file"] = "Choose a file"
    elif not errors:
        try:
            kept = _keep(file, file.filename, membership)
        except FileRefused as refusal:
            errors["file"] = str(refusal)
        else:
            return redirect(url_for("imports.waiting", upload_id=kept.upload_id), 303)
    return _form(session, membership, errors), 422


@subject.page("/p/<slug>/imports/waiting/<uuid:upload_id>", roles=IMPORTERS, action=Action.CONSULT_IMPORTS)
def waiting(session: Session, membership: Membership, upload_id: UUID) -> Answer:
    """What the file says, before anything of it is stored."""
    upload = _mine_or_import(session, membership, upload_id)
    if isinstance(upload, UUID):
        return _to_import(upload)
    progress = running.progress_of(uploads(), upload)
    if progress.state in {"running", "done"}:
        return redirect(url_for("imports.progress", upload_id=upload_id), 303)
    be_patient(session)
    seen = look_at(session, running.sending(uploads(), upload))
    session.note(count=seen.counts["read"], step="preview")
    layout = get_layout(upload.layout)
    return render_template(
        "imports/waiting.html",
        upload=upload,
        layout=layout,
        agency=dict(held.list_agencies(session)).get(upload.agency, upload.agency),
        progress=progress,
        preview=seen,
        shown=words.show(seen, layout, file_name=upload.name),
        picture=preview_map(seen.batch, _ground(session)) if seen.batch else None,
        refusals=seen.refusals[: words.SHOWN_REFUSALS],
        words=words,
    )


@subject.page(
    "/p/<slug>/imports/waiting/<uuid:upload_id>/answers",
    roles=IMPORTERS,
    action=Action.CONSULT_IMPORTS,
    methods=("POST",),
)
def answer(session: Session, membership: Membership, upload_id: UUID) -> Answer:
    """Keep the answers, or take them back, and look at the file again."""
    upload = _idle(upload_id, membership)
    given = {
        found[1]: text.strip()
        for name, text in request.form.items()
        if (found := _ANSWER.fullmatch(name)) and text.strip()
    }
    if len(given) > MOST_ANSWERS or any(len(text) > 200 for text in given.values()):
        raise BadRequest("That is more than was asked.")
    answers = {} if "forget" in request.form else {**upload.answers, **given}
    uploads().change(upload, answers=answers)
    return redirect(url_for("imports.waiting", upload_id=upload_id), 303)


@subject.page(
    "/p/<slug>/imports/waiting/<uuid:upload_id>/layout",
    roles=IMPORTERS,
    action=Action.CONSULT_IMPORTS,
    methods=("POST",),
)
def switch(session: Session, membership: Membership, upload_id: UUID) -> Answer:
    """Read the file as another layout."""
    upload = _idle(upload_id, membership)
    layout = get_layout(request.form.get("layout", ""))
    uploads().change(upload, layout=layout.name, answers={})
    return redirect(url_for("imports.waiting", upload_id=upload_id), 303)


@subject.page(
    "/p/<slug>/imports/waiting/<uuid:upload_id>/discard",
    roles=IMPORTERS,
    action=Action.CONSULT_IMPORTS,
    methods=("POST",),
)
def discard(session: Session, membership: Membership, upload_id: UUID) -> Answer:
    """Delete the file; nothing of it was stored."""
    upload = _idle(upload_id, membership)
    uploads().discard(upload)
    return redirect(url_for("imports.imports", discarded=1), 303)


@subject.page(
    "/p/<slug>/imports/waiting/<uuid:upload_id>/accept",
    roles=IMPORTERS,
    action=Action.CONSULT_IMPORTS,
    methods=("POST",),
)
def accept(session: Session, membership: Membership, upload_id: UUID) -> Answer:
    """Begin the import, once however often this is sent, as the person who asks."""
    upload = _mine_or_import(session, membership, upload_id)
    if isinstance(upload, Upload):
        session.note(step="accepted")
        scope = Scope(cookie[TOKEN], membership.partnership_id, request_id())
        running.start(uploads(), upload, database=services().database, scope=scope)
    return redirect(url_for("imports.progress", upload_id=upload_id), 303)


@subject.page("/p/<slug>/imports/running/<uuid:upload_id>", roles=IMPORTERS, action=Action.CONSULT_IMPORTS)
def progress(session: Session, membership: Membership, upload_id: UUID) -> Answer:
    """How far the import is; its own page once it is done."""
    upload = _mine_or_import(session, membership, upload_id)
    if isinstance(upload, UUID):
        return _to_import(upload)
    far = running.progress_of(uploads(), upload)
    if far.state == "ready":
        return redirect(url_for("imports.waiting", upload_id=upload_id), 303)
    return render_template(
        "imports/running.html", upload=upload, progress=far, layout=get_layout(upload.layout)
    )


@subject.page("/p/<slug>/imports/running/<uuid:upload_id>/progress", roles=IMPORTERS, action=Action.READ_PART)
def progress_json(session: Session, membership: Membership, upload_id: UUID) -> Answer:
    """The same for the page's script, again and again: it tells nothing of any record, so no look is logged."""
    upload = _mine_or_import(session, membership, upload_id)
    far = running.Progress("done") if isinstance(upload, UUID) else running.progress_of(uploads(), upload)
    return {"state": far.state, "percent": far.percent, "over": far.over}


@subject.page(
    "/p/<slug>/imports/running/<uuid:upload_id>/cancel",
    roles=IMPORTERS,
    action=Action.CONSULT_IMPORTS,
    methods=("POST",),
)
def cancel(session: Session, membership: Membership, upload_id: UUID) -> Answer:
    """Stop a running import; what it had read so far is rolled back."""
    upload = _mine_or_import(session, membership, upload_id)
    if isinstance(upload, Upload):  # else it is too late
        running.cancel(uploads(), upload)
        session.note(step="cancelled")
    return redirect(url_for("imports.progress", upload_id=upload_id), 303)


@subject.page("/p/<slug>/imports/<uuid:batch_id>", roles=WATCHERS, action=Action.CONSULT_IMPORTS)
def batch(session: Session, membership: Membership, batch_id: UUID) -> Answer:
    """One import: what became of its rows."""
    found = held.get_batch(session, batch_id)
    session.note(object_id=batch_id, count=found.read)
    may_import = bool(membership.roles & IMPORTERS)
    row = request.args.get("row", "").strip()
    return render_template(
        "imports/batch.html",
        batch=found,
        layout=LAYOUTS.get(found.layout),
        said=[words.said(one["message"], one.get("count", 0)) for one in found.summary],
        refusals=list(held.list_refusals(session, batch_id, limit=SHOWN_REFUSALS)) if may_import else [],
        row=row,
        fate=held.find_fate(session, batch_id, int(row)) if _is_row(row) else None,
        may_import=may_import,
        fresh="fresh" in request.args,
        shapes_in=GEOMETRY_COLUMN,
    )


@subject.page(
    "/p/<slug>/imports/<uuid:batch_id>/refused.csv", roles=IMPORTERS, action=Action.DISCLOSE_REFUSALS
)
def refused(session: Session, membership: Membership, batch_id: UUID) -> Answer:
    """The refused rows, to be mended and sent again."""
    out = io.StringIO(newline="")
    write_batch_refusals(session, batch_id, out)
    # The mark tells Excel that this is UTF-8; our own reader takes it off again.
    return _csv("\ufeff" + out.getvalue(), f"placewise-refused-{str(batch_id)[:8]}.csv")


@subject.page("/p/<slug>/imports/layouts/<name>", roles=IMPORTERS, action=Action.CONSULT_IMPORTS)
def layout(session: Session, membership: Membership, name: str) -> Answer:
    """The columns of one layout."""
    return render_template("imports/layout.html", layout=get_layout(name), Need=Need)


@subject.page("/p/<slug>/imports/layouts/<name>/template.csv", roles=IMPORTERS, action=Action.CONSULT_IMPORTS)
def template(session: Session, membership: Membership, name: str) -> Answer:
    """An empty file with the right column names."""
    chosen = get_layout(name)
    out = io.StringIO(newline="")
    csv.writer(out).writerow([column.name for column in chosen.columns])
    return _csv(out.getvalue(), f"placewise-{chosen.name}.csv")


def uploads() -> Uploads:
    """The waiting files of this deployment."""
    return Uploads(services().settings.data_dir / "uploads")


def _keep(file: FileStorage, name: str, membership: Membership) -> Upload:
    return uploads().receive(
        file.stream,
        name=name,
        layout=request.form["layout"],
        agency=request.form["agency"],
        partnership_id=membership.partnership_id,
        account_id=membership.account_id,
    )


def _mine(upload_id: UUID, membership: Membership) -> Upload:
    return uploads().find(
        upload_id, partnership_id=membership.partnership_id, account_id=membership.account_id
    )


def _mine_or_import(session: Session, membership: Membership, upload_id: UUID) -> Upload | UUID:
    """One's own file; once it is in and forgotten, the import that it became."""
    try:
        upload = _mine(upload_id, membership)
    except NotFound:
        upload = None
    # After the look at the file: how it ended is noted before the file is forgotten.
    if batch_id := running.brought_in(uploads(), upload_id):
        return held.get_batch(session, batch_id).batch_id  # not found in any partnership but its own
    if upload is None:
        raise NotFound("There is no such file.")
    return upload


def _to_import(batch_id: UUID) -> Answer:
    return redirect(url_for("imports.batch", batch_id=batch_id, fresh=1), 303)


def _idle(upload_id: UUID, membership: Membership) -> Upload:
    """One's own file, not being brought in at this moment."""
    upload = _mine(upload_id, membership)
    if running.is_running(uploads(), upload):
        raise BadRequest("This file is being brought in. Cancel that first.")
    return upload


def _ground(session: Session) -> Any:
    there = count_boundaries(session)
    for kind, tolerance_m in _GROUND:
        if there.get(kind):
            return list_outlines(session, kind, tolerance_m=tolerance_m).shapes
    return np.zeros(0, dtype=object)


def _form(session: Session, membership: Membership, errors: dict[str, str] | None = None) -> str:
    agencies = held.list_agencies(session)
    own = next((code for code, name in agencies if name == membership.agency), "")
    return render_template(
        "imports/new.html",
        agencies=agencies,
        groups=[(title, [_layout(name) for name in names]) for title, names in GROUPS],
        agency=request.form.get("agency", own),
        chosen=request.form.get("layout", ""),
        errors=errors or {},
        limits=UPLOAD_LIMITS,
        megabytes=UPLOAD_LIMITS.file_bytes // MEGABYTE,
    )


def _layout(name: str) -> Layout:
    return LAYOUTS[name]


def _is_row(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 9


def _csv(text: str, name: str) -> Response:
    response = Response(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
