"""The sign-ins of the fictional borough, one for each role; they are made and shown in demo mode only."""

from __future__ import annotations

from dataclasses import dataclass

from placewise.core.scope import Role


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One invented person; ``agency`` is the code of an agency of the demo borough."""

    email: str
    name: str
    roles: Role
    agency: str
    password: str
    may: str


#: No secret: the same for everyone, printed on the sign-in page, and refused by nothing but demo mode.
_PASSWORD = "fictional borough only"  # noqa: S105 - see above

DEMO_ACCOUNTS = (
    DemoAccount(
        "coordinator@demo.invalid", "Cora Dunmore", Role.COORDINATOR, "community_safety", _PASSWORD,
        "prepares meetings, brings files in, sees names with a reason",
    ),
    DemoAccount(
        "chair@demo.invalid", "Chidi Harrow", Role.CHAIR, "childrens_social_care", _PASSWORD,
        "maps, places and networks, sees names with a reason",
    ),
    DemoAccount(
        "analyst@demo.invalid", "Anwen Leck", Role.ANALYST, "police", _PASSWORD,
        "maps, networks and imports, without names",
    ),
    DemoAccount(
        "member@demo.invalid", "Mabel Okoro", Role.MEMBER, "health", _PASSWORD,
        "maps, places and connections, without names",
    ),
    DemoAccount(
        "task@demo.invalid", "Tariq Sten", Role.TASK_MEMBER, "youth_justice", _PASSWORD,
        "only the places named for the task-and-finish group",
    ),
    DemoAccount(
        "auditor@demo.invalid", "Audley Pryce", Role.AUDITOR, "community_safety", _PASSWORD,
        "who opened what and why; no records",
    ),
    DemoAccount(
        "administrator@demo.invalid", "Adaeze Minns", Role.ADMINISTRATOR, "community_safety", _PASSWORD,
        "accounts and roles; no records",
    ),
)  # fmt: skip
