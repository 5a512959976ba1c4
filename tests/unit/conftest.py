"""What unit tests share."""

from __future__ import annotations

import pytest

from fixtures.partnership import write_partnership
from tests.partner_files import SEED, Files


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The demo borough at its default size."""
    folder = tmp_path_factory.mktemp("borough")
    write_partnership(folder, seed=SEED, events=3200)
    return Files(folder)
