"""The pipeline beside this file as Dagster assets.

Run one date of everything:   dagster asset materialize -f definitions.py --select "*" --partition 2026-01-09
Browse and run in a browser:  pip install dagster-webserver && dagster dev -f definitions.py
"""

from pathlib import Path

from basalt_dagster import build_definitions

defs = build_definitions(Path(__file__).with_name("pipeline.toml"))
