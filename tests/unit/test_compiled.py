"""The web service and its pages never wait for the compiler to load (decision 0013)."""

import subprocess
import sys

PAGES = """
import importlib, pkgutil, sys
import geopandas, numpy, shapely
from placewise import panel, web

for package in (panel, web):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)

from placewise.geo.getis_ord import gi_star
from placewise.geo.hexgrid import hex_grid
from placewise.geo.season import find_season
from placewise.geo.square_cells import square_cells
from placewise.geo.trend import mann_kendall

area = geopandas.GeoSeries([shapely.box(540000, 180000, 542000, 182000)], crs="EPSG:27700")
for cells in (hex_grid, square_cells):  # a map view: where the records are, and what stands out
    grid = cells(area, cell_width_m=250)
    at = grid.locate([540500.0, 541000.0], [180500.0, 181000.0])
    gi_star(numpy.bincount(at, minlength=grid.n_cells), grid.adjacency)
months = [2, 3, 2, 1, 2, 9, 8, 9, 2, 1, 3, 2] * 2
mann_kendall(months), find_season(months, first_month=1, permutations=9)
print("numba" in sys.modules)
mann_kendall(numpy.column_stack([months, months]))
print("numba" in sys.modules)
"""


def test_pages_do_not_load_the_compiler_and_work_on_many_series_does() -> None:
    told = subprocess.run([sys.executable, "-c", PAGES], check=True, capture_output=True, text=True)
    assert told.stdout.split() == ["False", "True"]
