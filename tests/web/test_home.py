"""The start pages."""

from placewise.core.scope import Role


def test_the_home_page_opens(client_as, partnership):
    answer = client_as(Role.COORDINATOR).get(f"/p/{partnership.slug}/")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert "No records yet" in answer.get_data(as_text=True)
