"""A line as a sorted list that can be kept and thrown away."""

from collections.abc import Iterable
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from queue_service.places import CHUNK, Place, Places

places = st.builds(
    Place,
    rank=st.integers(0, 2),
    order=st.integers(-5, 400),
    seq=st.integers(1, 3),
    ticket=st.integers(0, 1).map(lambda n: UUID(int=n)),
)


def line(of: Iterable[Place]) -> Places:
    made = Places()
    for place in of:
        made = made.add(place)
    return made


class AgainstASortedList(RuleBasedStateMachine):
    """Whatever is added and removed, it is the plain sorted list."""

    def __init__(self) -> None:
        super().__init__()
        self.places, self.plain = Places(), list[Place]()

    @rule(new=st.lists(places, min_size=1, max_size=20))
    def add(self, new: list[Place]) -> None:
        self.add_all(new)

    @rule(seed=st.integers(0, 1000))
    def add_many(self, seed: int) -> None:
        chance = Random(seed)
        self.add_all(
            Place(chance.randint(0, 2), chance.randint(-5, 400), n % 3, UUID(int=n % 2)) for n in range(300)
        )

    def add_all(self, new: Iterable[Place]) -> None:
        for place in new:
            if place not in self.plain:
                self.places, self.plain = self.places.add(place), sorted([*self.plain, place])

    @rule(which=st.lists(st.integers(0, 10_000), min_size=1, max_size=100))
    def remove(self, which: list[int]) -> None:
        for number in which:
            if self.plain:
                place = self.plain.pop(number % len(self.plain))
                self.places = self.places.remove(place)

    @rule(place=places)
    def ask_about(self, place: Place) -> None:
        assert self.places.ahead_of(place) == sum(other < place for other in self.plain)
        assert self.places.start_of(place.rank) == sum(other.rank < place.rank for other in self.plain)
        if place not in self.plain:
            with pytest.raises(KeyError):
                self.places.remove(place)

    @invariant()
    def is_the_sorted_list(self) -> None:
        assert list(self.places) == self.plain and len(self.places) == len(self.plain)
        assert self.places.first == (self.plain[0] if self.plain else None)
        assert all(0 < len(chunk) <= CHUNK for chunk in self.places.chunks)
        for index in (0, len(self.plain) // 2, len(self.plain) - 1, len(self.plain)):
            there = self.plain[index] if 0 <= index < len(self.plain) else None
            assert self.places.nth(index) == there or index < 0


AgainstASortedList.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
test_places_are_a_sorted_list = AgainstASortedList.TestCase


@given(st.lists(places, unique=True, max_size=300))
def test_an_older_line_is_not_changed_by_what_is_made_of_it(some: list[Place]) -> None:
    before = line(some)
    after = before
    for place in some[::2]:
        after = after.remove(place)
    assert list(before) == sorted(some) and list(after) == sorted(set(some) - set(some[::2]))


def test_nobody_stands_before_anybody_in_an_empty_line() -> None:
    place = Place(1, 1, 1, UUID(int=1))
    assert Places().ahead_of(place) == 0 and Places().first is None and Places().nth(0) is None
    with pytest.raises(KeyError):
        Places().remove(place)
