"""Long work goes through one interface: here, processes of this machine and a Dask cluster of two workers."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
from distributed import LocalCluster
from numpy.typing import NDArray

from placewise.core.errors import ExecutorUnavailable
from placewise.geo.scan import plan_scan, scan
from placewise.geo.scan_models import poisson_model
from placewise.panel.analyses.executors import executor


def drawn(seed: int) -> tuple[NDArray[np.float64], int]:
    """Something random, and the process that drew it."""
    return np.random.default_rng(seed).normal(size=3), os.getpid()


def found(pool: object = None) -> NDArray[np.float64]:
    """The replicates of a small scan, wherever they are made."""
    rng = np.random.default_rng(4)
    x, y = 540_000 + rng.uniform(0, 5000, 60), 180_000 + rng.uniform(0, 5000, 60)
    plan = plan_scan(poisson_model(rng.poisson(3, 60), np.ones(60)), x, y, seed=7)
    return scan(plan, replicates=99, stop_after=None, executor=pool).replicates


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        yield cluster.scheduler_address


def test_processes_of_this_machine_give_the_same_bits() -> None:
    with executor(processes=2) as pool:
        values, process = pool.submit(drawn, 3).result()
        assert process != os.getpid()
        np.testing.assert_array_equal(values, drawn(3)[0])
        np.testing.assert_array_equal(found(pool), found())


def test_a_dask_cluster_gives_the_same_bits(scheduler: str) -> None:
    with executor(dask=scheduler) as pool:
        values, process = pool.submit(drawn, 3).result()
        assert process != os.getpid()
        np.testing.assert_array_equal(values, drawn(3)[0])
        np.testing.assert_array_equal(found(pool), found())


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with pytest.raises(ExecutorUnavailable, match="PLACEWISE_DASK"), executor(dask="tcp://127.0.0.1:9"):
        pass
