"""Search: Indonesian words in any form, a typo forgiven, the best match first."""

from collections.abc import Callable

import httpx
import pytest

Client = Callable[..., httpx.AsyncClient]


async def codes(client: Client, q: str, mall: str = "bombana") -> list[str]:
    answer = await client().get(f"/malls/{mall}/services", params={"q": q, "limit": 500})
    assert answer.status_code == 200, answer.text
    return [item["code"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("kartu keluarga baru", "adminduk.kk-baru"),
        ("terbit kartu keluarga baru", "adminduk.kk-baru"),  # penerbitan and terbit have one stem
        ("kartu kelaurga baru", "adminduk.kk-baru"),
        ("akta kelahirn", "adminduk.akta-kelahiran"),
        ("SKCK baru", "polri.skck-baru"),
        ("skc", "polri.skck-baru"),
        ("STNK", "samsat.stnk-tahunan"),
        ("bpjs kesehatan mandiri", "bpjskes.pbpu"),
    ],
)
async def test_a_service_is_found_by_words_stems_and_typos(client: Client, words: str, code: str) -> None:
    assert code in (await codes(client, words))[:5]


async def test_nonsense_finds_nothing(client: Client) -> None:
    assert await codes(client, "xqzwv") == []


async def test_signs_of_a_query_language_are_only_text(client: Client) -> None:
    for words in ("'", '"', "\\", "a & | ! ( )", "%_", ":*", "-", "or", "🙂", "' or 1=1 --"):
        assert isinstance(await codes(client, words), list)


async def test_a_search_stays_in_its_mall_and_runs_through_pages(client: Client) -> None:
    first = (await client().get("/malls/bombana/services", params={"q": "kartu", "limit": 3})).json()
    rest = (
        await client().get("/malls/bombana/services", params={"q": "kartu", "cursor": first["next"]})
    ).json()
    seen = [item["code"] for item in first["items"] + rest["items"]]
    assert seen == await codes(client, "kartu") and len(set(seen)) == len(seen)
    assert {item["mall"] for item in first["items"] + rest["items"]} == {"7406"}


async def test_a_search_without_a_mall_finds_every_mall_that_offers_it(client: Client) -> None:
    found = (await client().get("/services", params={"q": "paspor biasa"})).json()["items"]
    assert {"3271", "1671"} <= {item["mall"] for item in found if item["code"] == "imigrasi.paspor"}


async def test_services_of_one_agency_are_listed_apart(client: Client) -> None:
    page = (await client().get("/services", params={"agency": "imigrasi", "limit": 500})).json()
    assert {item["agency"] for item in page["items"]} == {"imigrasi"}
