"""The settings: each read from the environment, each documented in ``docs/settings.md``.

A setting may be given as ``NAME`` or, for secrets, as ``NAME_FILE`` (a file holding the value).
A default is safe in production and fit to publish; where there is none, there is no default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from placewise.core.errors import SettingMissing

#: Every name that Placewise reads; a test holds them against ``docs/settings.md``.
NAMES = (
    "PLACEWISE_DATABASE_URL",
    "PLACEWISE_DOOR_URL",
    "PLACEWISE_ADMIN_URL",
    "PLACEWISE_WORKER_URL",
    "PLACEWISE_PROCESSES",
    "PLACEWISE_DASK",
    "PLACEWISE_SECRET_KEY",
    "PLACEWISE_ENV",
    "PLACEWISE_DATA_DIR",
    "PLACEWISE_PORT",
    "PLACEWISE_BIND",
    "PLACEWISE_IDLE_MINUTES",
    "PLACEWISE_SESSION_HOURS",
    "PLACEWISE_ASK_PURPOSE",
    "PLACEWISE_PROXIES",
    "PLACEWISE_HOSTS",
)


def read(name: str, environ: Mapping[str, str] | None = None) -> str | None:
    """Value of one setting from ``NAME`` or from the file that ``NAME_FILE`` names."""
    env = os.environ if environ is None else environ
    if name not in NAMES:
        raise SettingMissing(f"{name} is not a setting of Placewise; see docs/settings.md.")
    if value := env.get(name):
        return value
    if path := env.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise SettingMissing(
                f"{name}_FILE names {path}, which cannot be read: {problem.strerror}."
            ) from problem
    return None


def require(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Value of a setting that has no default.

    Raises
    ------
    SettingMissing
        The setting is absent; the message names it.
    """
    value = read(name, environ)
    if value is None:
        raise SettingMissing(f"Set {name} (or {name}_FILE); see docs/settings.md.")
    return value


@dataclass(frozen=True, slots=True)
class Settings:
    """What the web service needs, read once at start."""

    database_url: str
    door_url: str
    secret_key: str
    data_dir: Path
    demo: bool = False
    idle_minutes: int = 15
    session_hours: int = 10
    ask_purpose: bool = True
    proxies: int = 0
    hosts: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment.

        Raises
        ------
        SettingMissing
            A required setting is absent or not a number.
        """
        return cls(
            database_url=require("PLACEWISE_DATABASE_URL", environ),
            door_url=require("PLACEWISE_DOOR_URL", environ),
            secret_key=require("PLACEWISE_SECRET_KEY", environ),
            data_dir=Path(require("PLACEWISE_DATA_DIR", environ)),
            demo=read("PLACEWISE_ENV", environ) == "demo",
            idle_minutes=read_whole("PLACEWISE_IDLE_MINUTES", environ) or 15,
            session_hours=read_whole("PLACEWISE_SESSION_HOURS", environ) or 10,
            ask_purpose=read("PLACEWISE_ASK_PURPOSE", environ) != "no",
            proxies=read_whole("PLACEWISE_PROXIES", environ, least=0) or 0,
            hosts=tuple((read("PLACEWISE_HOSTS", environ) or "").split()),
        )


def read_whole(name: str, environ: Mapping[str, str] | None = None, *, least: int = 1) -> int | None:
    """Value of one setting that is a whole number.

    Raises
    ------
    SettingMissing
        It is none, or less than ``least``.
    """
    value = read(name, environ)
    if value is None:
        return None
    if not value.isdecimal() or int(value) < least:
        raise SettingMissing(f"{name} is {value!r}; it must be a whole number of {least} or more.")
    return int(value)
