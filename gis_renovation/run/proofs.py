"""Proofs of zones that a project keeps from run to run, each on a line of its own, written as soon as it is made.

A run that is stopped, or whose seconds run out, so keeps what it has proved. A line that was cut off or changed is
passed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, MutableMapping
from pathlib import Path


class KeptProofs(MutableMapping[str, str]):
    """Texts by key in one file; read when first asked, appended to with every new one."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or made yet."""
        self._path = path
        self._found: dict[str, str] | None = None

    def __getitem__(self, key: str) -> str:
        """The text kept under a key."""
        return self._texts()[key]

    def __setitem__(self, key: str, text: str) -> None:
        """Keep a text, in memory and in the file."""
        self._texts()[key] = text
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # One write of a whole line, so that two runs at once do not mix theirs; a line cut off before is ended.
        with self._path.open("ab") as file:
            file.write(f"\n{_sum_of(key, text)} {key} {text}".encode())

    def __delitem__(self, key: str) -> None:
        """Proofs do not become wrong."""
        raise TypeError(key)

    def __iter__(self) -> Iterator[str]:
        """The keys."""
        return iter(self._texts())

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._texts())

    def _texts(self) -> dict[str, str]:
        if self._found is None:
            self._found = {}
            if self._path.is_file():
                lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
                for line in lines:
                    told, _, rest = line.partition(" ")
                    key, _, text = rest.partition(" ")
                    if told and told == _sum_of(key, text):
                        self._found[key] = text
        return self._found


def _sum_of(key: str, text: str) -> str:
    return hashlib.sha256(f"{key} {text}".encode()).hexdigest()[:16]
