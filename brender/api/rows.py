"""What all nouns of the farm share: a row as it was when it was last told, and a list of rows to iterate over.

It must not know a single noun.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from brender.api.pages import all_rows

if TYPE_CHECKING:
    from typing import Self

    from brender.api.farm import Farm

R = TypeVar("R", bound="Row")


class Row:
    """One thing of the farm. `data` is what the master last said of it; `refresh` asks again.

    `row["key"]` is a value of it: one that was not told yet is asked for. Two rows are equal when they are the same
    thing, whatever is known of it.
    """

    noun: ClassVar[str]

    def __init__(self, farm: Farm, data: dict[str, Any]) -> None:
        self.farm = farm
        self.data = data

    @property
    def id(self) -> int:
        """Its number, which no other thing of its kind ever has."""
        return int(self.data["id"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.data["name"])

    @property
    def version(self) -> int:
        """Grows with every change; `set(version=…)` refuses when somebody else has changed it meanwhile."""
        return int(self["version"])

    def __getitem__(self, key: str) -> Any:
        if key not in self.data:
            self.refresh()
        if key not in self.data:
            raise KeyError(f"A {self.noun} has no {key!r}; it has {', '.join(self.data)}.")
        return self.data[key]

    def refresh(self) -> Self:
        """Ask for everything that is known of it now. Raises NotFound when it is gone."""
        self.data = self._show()
        return self

    def _show(self) -> dict[str, Any]:
        found: dict[str, Any] = self.farm.ask(f"{self.noun}.show", {self.noun: self.id})
        return found

    def _set(self, selector: dict[str, Any], values: dict[str, Any], version: int | None) -> None:
        """`noun.set`, and the new row kept."""
        expected = {} if version is None else {"version": version}
        answer = self.farm.ask(f"{self.noun}.set", {**selector, "values": values, **expected})
        self.data = answer["rows"][0]

    def _identity(self) -> tuple[object, ...]:
        return (type(self), id(self.farm), self.data["id"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} (id {self.id})>"


class Rows(Generic[R]):
    """All things of one noun: iterate over them, or take one by name or id: `farm.workers["render-01"]`."""

    noun: ClassVar[str]
    _row: type[R]

    def __init__(self, farm: Farm) -> None:
        self.farm = farm

    def __iter__(self) -> Iterator[R]:
        return self._all({})

    def __getitem__(self, name: str | int) -> R:
        """The one of this name or id. Raises NotFound with the nearest names."""
        return self._row(self.farm, self.farm.ask(f"{self.noun}.show", {self.noun: name}))

    def count(self) -> int:
        """How many there are."""
        return int(self.farm.ask(f"{self.noun}.list", {"limit": 1})["total"])

    def _all(self, params: dict[str, Any]) -> Iterator[R]:
        return (self._row(self.farm, data) for data in listed(self.farm, self.noun, params))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.farm.place}>"


def listed(farm: Farm, noun: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All rows of `noun.list`, whatever their number."""

    def fetch(offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        answer = farm.ask(f"{noun}.list", {**params, "limit": limit, "offset": offset})
        return answer[f"{noun}s"], int(answer["total"])

    return all_rows(fetch, lambda row: row["name"] if noun == "preset" else row["id"])


def given(**values: Any) -> dict[str, Any]:
    """The values that were given: those that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def words(value: str | Iterable[str]) -> str:
    """Some words as a command takes them, a,b."""
    return value if isinstance(value, str) else ",".join(value)


def references(which: Iterable[Any]) -> list[str | int]:
    """Names, ids, globs and states as they are, things of the farm as their ids."""
    return [one.id if isinstance(one, Row) else one for one in which]
