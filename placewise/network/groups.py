"""Who belongs to which peer groups, for measures of what lies between groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from placewise.core.errors import InvalidLinks
from placewise.network.arrays import positions
from placewise.network.links import IndexArray


@dataclass(frozen=True)
class Groups:
    """Groups that nodes belong to: none, one or several each.

    Attributes
    ----------
    matrix : csr_array of float64, shape (n, groups)
        1 where a node belongs to a group.
    """

    matrix: csr_array

    @classmethod
    def build(cls, n_nodes: int, member: ArrayLike, group: ArrayLike, *, n_groups: int) -> Groups:
        """Put memberships together; the same one twice counts once.

        Parameters
        ----------
        n_nodes : int
        member, group : array_like of int, shape (memberships,)
            Positions of members (people, and a group's own node if it has one), and numbers of groups.
        n_groups : int

        Raises
        ------
        InvalidLinks
            A member is not among the nodes, a group not among the groups, or one is missing.

        Examples
        --------
        >>> Groups.build(4, [0, 1, 1], [0, 0, 1], n_groups=2).sets
        ((0,), (0, 1))
        """
        who, which = positions(member, n_nodes), positions(group, n_groups)
        if who.size != which.size:
            raise InvalidLinks("Every membership needs a member and a group.")
        pairs = np.unique(np.stack([who, which], axis=1), axis=0)
        matrix = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n_nodes, n_groups))
        return cls(matrix)

    def require(self, n_nodes: int) -> None:
        """Refuse to be used with a network of another number of nodes, by `InvalidLinks`."""
        if self.matrix.shape[0] != n_nodes:
            raise InvalidLinks(
                f"The groups are of {self.matrix.shape[0]:,} nodes, the network of {n_nodes:,}."
            )

    @property
    def n_groups(self) -> int:
        """Number of groups, those without members included."""
        return int(self.matrix.shape[1])

    @cached_property
    def _sets(self) -> tuple[IndexArray, tuple[tuple[int, ...], ...]]:
        number = np.full(self.matrix.shape[0], -1, dtype=np.int32)
        known: dict[tuple[int, ...], int] = {}
        starts, columns = self.matrix.indptr.tolist(), self.matrix.indices.tolist()
        for v in self.members.tolist():
            number[v] = known.setdefault(tuple(columns[starts[v] : starts[v + 1]]), len(known))
        return number, tuple(known)

    @property
    def set_of(self) -> IndexArray:
        """Which of `sets` are a node's groups; -1 where it has none, shape (n,)."""
        return self._sets[0]

    @property
    def sets(self) -> tuple[tuple[int, ...], ...]:
        """Different sets of groups that someone belongs to, each ascending."""
        return self._sets[1]

    @cached_property
    def members(self) -> IndexArray:
        """Positions of all who belong to a group, ascending."""
        return np.flatnonzero(np.diff(self.matrix.indptr)).astype(np.int32)

    @cached_property
    def _by_group(self) -> csr_array:
        return csr_array(self.matrix.T)

    def members_of(self, groups: tuple[int, ...]) -> IndexArray:
        """Return positions of all who belong to at least one of these groups, ascending."""
        rows = self._by_group
        found = [rows.indices[rows.indptr[g] : rows.indptr[g + 1]] for g in groups]
        return np.unique(np.concatenate(found)).astype(np.int32)
