"""The tracking number: read however it was typed, refused when it was typed wrong."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tracking_service.number import LETTERS, number_of, read

IDS = st.uuids()
MALLS = st.sampled_from(["7406", "3271", "1671-2"])


@given(MALLS, IDS)
def test_a_number_is_read_as_it_was_printed_and_as_people_type_it(mall: str, application: UUID) -> None:
    number = number_of(mall, application)
    assert read(number) == number
    assert read(f"  {number.lower()} ") == number
    assert read(number.replace("-", " ")) == number
    assert read(number.replace("0", "O").replace("1", "I")) == number


@given(MALLS, IDS, st.data())
def test_a_wrong_letter_is_noticed(mall: str, application: UUID, data: st.DataObject) -> None:
    number = number_of(mall, application)
    place = data.draw(st.sampled_from([n for n in range(len(mall) + 1, len(number)) if number[n] != "-"]))
    other = data.draw(st.sampled_from([letter for letter in LETTERS if letter != number[place]]))
    assert read(number[:place] + other + number[place + 1 :]) != number
    same = {number[place], other} == {LETTERS[0], LETTERS[31]}  # a check of 31 can't tell these two apart
    assert read(number[:place] + other + number[place + 1 :]) is None or same


@given(MALLS, IDS, st.data())
def test_two_neighbours_exchanged_are_noticed(mall: str, application: UUID, data: st.DataObject) -> None:
    number = number_of(mall, application)
    begin = len(mall) + 1
    place = data.draw(st.sampled_from([begin, begin + 1, begin + 2, begin + 3, begin + 6, begin + 7]))
    first, second = number[place], number[place + 1]
    swapped = number[:place] + second + first + number[place + 2 :]
    alike = {first, second} == {LETTERS[0], LETTERS[31]}
    assert read(swapped) == (number if first == second else None) or alike


@given(st.text(max_size=40))
def test_anything_else_is_no_number(said: str) -> None:
    found = read(said)
    assert found is None or read(found) == found


@given(MALLS, IDS)
def test_a_number_says_nothing_of_when_or_how_many(mall: str, application: UUID) -> None:
    """Only its random end counts: the time in front of a UUID version 7 is not in it."""
    later = UUID(bytes=bytes(6) + application.bytes[6:])
    assert number_of(mall, later) == number_of(mall, application)
