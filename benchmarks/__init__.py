"""Each claim of speed beside the peer it is measured against, in one run.

`bench_surfaces`: A1 to A4 density, B1 and B2 Gi*. `bench_density_sql`: A5. `bench_emerging`: C1 and C2. `bench_scan`:
D1 and D2. `bench_tiles`: F1 tiles, F2 filter, and growth from 10,000 to 5,000,000 records. `bench_map`, with several
``--events``: F3 bytes of the page. `bench_import`: F4. `bench_network`: E2, E4, parts, cores, bridges and paths.
`bench_network_load`: E1, and pages of connections. `bench_communities`: E3. `bench_contagion`, `bench_geo`: the other
statistics.
"""
