"""Who may post here, what browsers are told, and that no session can be given to somebody."""

import json
from base64 import urlsafe_b64decode

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from web_frontend.guard import SAFE, posted
from web_frontend.pages import local

from .pages import made
from .visitor import Visitor

PATH = "/mpp/bombana/layanan/adminduk.kk-baru"


def test_every_answer_carries_the_headers_that_keep_others_out(visitor: Visitor) -> None:
    for path in ("/", "/cari?q=x", "/tidak-ada", "/masuk"):
        told = visitor.http.get(path, follow_redirects=False).headers
        policy = told["content-security-policy"]
        assert (
            "script-src 'self';" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        )
        assert (told["x-content-type-options"], told["cache-control"]) == ("nosniff", "no-store")
        assert told["referrer-policy"] == "same-origin"


def test_every_door_that_changes_something_asks_for_the_sign_of_the_session() -> None:
    unsafe = [route for route in iter_route_contexts(made().routes) if (route.methods or set()) - SAFE]
    assert len(unsafe) > 5
    for route in unsafe:
        assert posted in {below.call for below in route.dependant.dependencies}, route.path_format


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_can_not_post_here(visitor: Visitor, headers: dict[str, str]) -> None:
    sign = visitor.open(PATH).form("/ambil").fields
    assert visitor.http.post(f"{PATH}/ambil", data=sign, headers=headers).status_code == 403


def test_a_form_of_another_session_is_not_taken(visitor: Visitor) -> None:
    foreign = visitor.open(PATH).form("/ambil").fields
    with Visitor(visitor.address) as other:
        other.open("/")
        answer = other.http.post(f"{PATH}/ambil", data=foreign)
        assert answer.status_code == 403 and "terlalu lama terbuka" in answer.text


def test_who_signs_in_gets_a_new_session(visitor: Visitor) -> None:
    visitor.open("/")
    before = visitor.http.cookies["sesi"], visitor.page.form("/bahasa").fields["tanda"]
    page = visitor.sign_in("citizen/Siti Rahmawati")
    assert page.status == 200 and "Akun saya" in page.words
    assert page.form("/bahasa").fields["tanda"] != before[1]
    visitor.http.cookies.set("sesi", before[0], domain="localhost.local")
    assert "Masuk" in visitor.open("/").words  # the session of before is nobody's


def test_no_token_is_in_the_browser(visitor: Visitor) -> None:
    visitor.sign_in("officer/7406")
    text = visitor.open("/").answer.text
    for cookie in visitor.http.cookies.jar:
        value = (cookie.value or "").strip('"')
        assert "HttpOnly" in cookie._rest  # type: ignore[attr-defined]
        assert b"eyJ" not in urlsafe_b64decode(value + "=" * (-len(value) % 4)) if len(value) > 8 else True
    assert "eyJ" not in text and "Bearer" not in text


def test_signing_in_answers_only_what_was_asked(visitor: Visitor) -> None:
    for query in ("?code=x&state=y", "?state=y", ""):
        page = visitor.open(f"/masuk/kembali{query}")
        assert "Masuk dibatalkan" in page.words


def test_a_code_counts_once(visitor: Visitor) -> None:
    visitor.open("/masuk")
    form = visitor.page.form("/oidc/authorize")
    sent = visitor.http.post(
        "/oidc/authorize", data={**form.fields, "as": "national-admin"}, follow_redirects=False
    )
    back = sent.headers["location"]
    kept = httpx.Cookies(visitor.http.cookies)
    assert "Akun saya" in visitor.http.get(back).text
    with httpx.Client(cookies=kept, follow_redirects=True) as thief:
        assert "Akun saya" not in thief.get(back).text


@pytest.mark.parametrize(
    "path",
    [
        "//elsewhere.example",
        "https://elsewhere.example",
        "/\\elsewhere.example",
        "javascript:alert(1)",
        "\\x",
        "",
    ],
)
def test_no_link_of_ours_leads_elsewhere(path: str) -> None:
    assert local(path) == "/"
    assert local("/mpp/bombana?q=x") == "/mpp/bombana?q=x"


def test_a_forged_cookie_is_nobodys(visitor: Visitor) -> None:
    visitor.http.cookies.set("sesi", json.dumps({"id": "x", "person": {"roles": ["national-admin"]}}))
    page = visitor.open("/")
    assert page.status == 200 and "Akun saya" not in page.words


def test_words_of_people_are_words_and_no_markup(visitor: Visitor) -> None:
    page = visitor.open("/cari?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page.answer.text and "&lt;script&gt;" in page.answer.text
