"""Someone who brings files in at a browser without scripts."""

from __future__ import annotations

import io
import re
import time

from placewise.web.import_pages import uploads
from tests.conftest import csrf_token

PLACES = "local_ref,name,location_type,easting,northing\n"
GOOD = PLACES + "P1,Mill Park,park,441000,381000\nP2,The Arcade,shopping,441100,381100\n"


class Visitor:
    """Someone at a browser without scripts, in one partnership."""

    def __init__(self, client, partnership):
        self.client, self.root = client, f"/p/{partnership.slug}/imports"
        self.token = csrf_token(client, self.root)

    def send(self, content, name="file.csv", *, layout="places", agency="police"):
        body = content.encode() if isinstance(content, str) else content
        form = {"csrf_token": self.token, "layout": layout, "agency": agency}
        answer = self.client.post(f"{self.root}/new", data={**form, "file": (io.BytesIO(body), name)})
        answer.request.environ["wsgi.input"].close()  # the client's own copy of a large body is a file
        return answer

    def look(self, content, name="file.csv", **chosen):
        sent = self.send(content, name, **chosen)
        assert sent.status_code == 303, sent.get_data(as_text=True)
        self.at = sent.location
        return self.page(self.at)

    def page(self, address):
        return self.client.get(address, follow_redirects=True).get_data(as_text=True)

    def post(self, what, **form):
        return self.client.post(f"{self.at}/{what}", data={"csrf_token": self.token, **form})

    def bring_in(self, content, name="file.csv", **chosen):
        self.look(content, name, **chosen)
        return self.accept()

    def accept(self):
        running = self.post("accept").location
        for _ in range(400):
            answer = self.client.get(running)
            if answer.status_code == 303:
                self.batch = answer.location.partition("?")[0]
                return self.page(answer.location)
            if "stopped" in (page := answer.get_data(as_text=True)):
                return page
            time.sleep(0.05)
        raise AssertionError("the import did not end")


def figures(page):
    values = re.findall(r'pw-figure__value">([\d,]+)', page)
    return [int(value.replace(",", "")) for value in values]


def folder(app):
    with app.app_context():
        return uploads()._folder
