"""The staff sees the day's tickets."""

from .house import Venue


async def test_the_staff_of_a_mall_reads_its_tickets_page_by_page_in_order_of_issue(venue: Venue) -> None:
    issued = [(await venue.ticket())["number"] for _ in range(7)]
    read, cursor = [], ""
    while True:
        page = await venue.get(f"/malls/{venue.slug}/tickets?limit=3{cursor}", role="officer")
        read += [ticket["number"] for ticket in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert read == issued


async def test_a_list_can_be_narrowed_to_who_waits_is_held_or_was_missed(venue: Venue) -> None:
    tickets = [await venue.ticket() for _ in range(3)]
    await venue.call(1)
    await venue.act(tickets[0], "hold")
    await venue.call(1)
    await venue.act(tickets[1], "miss")
    for status, number in (("held", "A001"), ("missed", "A002"), ("waiting", "A003")):
        page = await venue.get(f"/malls/{venue.slug}/tickets?status={status}", role="officer")
        assert [ticket["number"] for ticket in page["items"]] == [number]
    answer = await venue.ask("GET", f"/malls/{venue.slug}/tickets?status=lost", role="officer")
    assert answer.status_code == 422


async def test_only_the_staff_of_the_mall_reads_the_list(venue: Venue) -> None:
    path = f"/malls/{venue.slug}/tickets"
    foreign = venue.mint.token("officer", malls=["9999"])
    asked = [await venue.ask("GET", path), await venue.ask("GET", path, role="citizen")]
    asked.append(await venue.ask("GET", path, token=foreign))
    assert [answer.status_code for answer in asked] == [401, 403, 403]


async def test_a_cursor_that_is_not_ours_is_refused(venue: Venue) -> None:
    for cursor in ("nonsense", "WyJub3QgYW4gaWQiXQ"):
        answer = await venue.ask("GET", f"/malls/{venue.slug}/tickets?cursor={cursor}", role="officer")
        assert answer.status_code == 400, answer.text
