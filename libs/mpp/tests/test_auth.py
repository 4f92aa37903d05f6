"""A token counts when a trusted issuer signed it, and never for more than that issuer may grant."""

import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from fastapi import APIRouter
from starlette.responses import Response

from mpp.eventsourcing.decider import Forbidden
from mpp.eventsourcing.log import Unavailable
from mpp.testing.serving import serving, settings_for
from mpp.testing.tokens import TokenMint
from mpp.web.answer import json_response
from mpp.web.app import create_app
from mpp.web.auth import ANONYMOUS, Actor, Who, needs
from mpp.web.problems import Unauthenticated
from mpp.web.tokens import Verifier

router = APIRouter()
Officer = Annotated[Actor, needs("officer", "supervisor")]


@router.get("/whoami")
async def whoami(actor: Who) -> Response:
    return json_response({"role": actor.role, "anonymous": actor.anonymous})


@router.post("/malls/{mall}/call-next")
async def call_next(mall: str, actor: Officer) -> Response:
    actor.require("officer", "supervisor", mall=mall)
    return json_response({})


async def ready() -> dict[str, bool]:
    return {}


@pytest.fixture
def mint() -> Iterator[TokenMint]:
    with TokenMint() as mint:
        yield mint


@pytest.fixture
async def verifier(mint: TokenMint) -> AsyncIterator[Verifier]:
    made = Verifier([mint.issuer()], pause=0)
    yield made
    await made.aclose()


@pytest.fixture
async def http(mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_for("hall", issuers=(mint.issuer(),))
    app = create_app(
        service="hall", title="Hall", version="1", routers=[router], settings=settings, ready=ready
    )
    async with serving(app) as url, httpx.AsyncClient(base_url=f"{url}/api/hall/v1") as client:
        yield client


def unsigned(claims: dict[str, Any], alg: str, kid: str) -> str:
    parts = ({"alg": alg, "kid": kid, "typ": "JWT"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        + "."
    )


async def test_a_good_token_tells_who_asks_and_where_they_may(mint: TokenMint, verifier: Verifier) -> None:
    who = uuid4()
    token = mint.token("officer", malls=["7406"], agencies=["disdukcapil"], subject=str(who))
    actor = await verifier.verify(token)
    assert actor == Actor(who, frozenset({"officer"}), frozenset({"7406"}), frozenset({"disdukcapil"}))


async def test_a_subject_that_is_no_uuid_gets_one_of_ours(mint: TokenMint, verifier: Verifier) -> None:
    actor = await verifier.verify(mint.token("citizen", subject="budi@example.test"))
    again = await verifier.verify(mint.token("citizen", subject="budi@example.test"))
    assert isinstance(actor.id, UUID)
    assert actor.id == again.id


@pytest.mark.parametrize(
    "wrong",
    [
        lambda mint: mint.expired("officer"),
        lambda mint: mint.forged("officer"),
        lambda mint: mint.token("officer", audience="another"),
        lambda mint: mint.token("officer", issuer="http://localhost:1"),
        lambda mint: mint.token("officer", claims={"nbf": int(time.time()) + 600}),
        lambda mint: mint.token("officer", claims={"iat": int(time.time()) + 600}),
        lambda mint: mint.token("officer", claims={"exp": None}),
        lambda mint: mint.token("officer", claims={"sub": 7}),
        lambda mint: mint.token("officer", claims={"malls": "7406"}),
        lambda mint: mint.token("officer", claims={"agencies": [1]}),
        lambda mint: mint.token("officer")[:-4],
        lambda mint: mint.token("officer", claims={"padding": "x" * 9000}),
        lambda mint: "nonsense",
        lambda mint: "",
        lambda mint: "é.è.ê",
        lambda mint: base64.urlsafe_b64encode(b"[" * 4000).decode() + ".e30.e30",
    ],
    ids=[
        "expired",
        "forged",
        "audience",
        "issuer",
        "not yet",
        "issued tomorrow",
        "no end",
        "odd subject",
        "malls as a word",
        "agencies as numbers",
        "cut",
        "too long",
        "nonsense",
        "empty",
        "not ascii",
        "deep",
    ],
)
async def test_a_token_that_does_not_count_is_refused(
    mint: TokenMint, verifier: Verifier, wrong: Any
) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(wrong(mint))


async def test_a_token_without_signature_or_signed_with_the_public_key_is_refused(
    mint: TokenMint, verifier: Verifier
) -> None:
    claims = jwt.decode(mint.token("national-admin"), options={"verify_signature": False})
    public = mint.keys[mint.kid].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    shared = jwt.encode(claims, base64.b64encode(pem), "HS256", {"kid": mint.kid})
    for token in (unsigned(claims, "none", mint.kid), unsigned(claims, "ES256", mint.kid), shared):
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)


@pytest.mark.parametrize("alg", ["RS256", "EdDSA"])
async def test_other_sound_algorithms_count_too(alg: str) -> None:
    key: Any = (
        rsa.generate_private_key(65537, 2048) if alg == "RS256" else ed25519.Ed25519PrivateKey.generate()
    )
    algorithm = jwt.algorithms.RSAAlgorithm if alg == "RS256" else jwt.algorithms.OKPAlgorithm
    public = json.loads(algorithm.to_jwk(key.public_key())) | {"kid": "k", "alg": alg}
    jwks = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"keys": [public, {"kty": "oct", "kid": "s"}]})
    )
    issuer = TokenMint().issuer()
    verifier = Verifier([issuer], httpx.AsyncClient(transport=jwks))
    claims = {"iss": issuer.issuer, "aud": "mpp", "sub": "a", "roles": ["kiosk"]}
    now = int(time.time())
    token = jwt.encode(claims | {"iat": now, "exp": now + 60}, key, alg, {"kid": "k"})
    assert (await verifier.verify(token)).role == "kiosk"


async def test_an_issuer_grants_no_role_and_no_mall_beyond_its_own(mint: TokenMint) -> None:
    hall = Verifier([mint.issuer(roles=["officer", "system"], malls=["7406"])])
    actor = await hall.verify(mint.token(roles=["officer", "national-admin", "king"], malls=["7406", "3271"]))
    assert (actor.roles, actor.malls) == (frozenset({"officer"}), frozenset({"7406"}))
    service = await hall.verify(mint.token("system"))
    assert service.malls == frozenset({"7406"})


async def test_only_national_roles_reach_every_mall_and_a_claim_narrows_them(
    mint: TokenMint, verifier: Verifier
) -> None:
    assert (await verifier.verify(mint.token("officer"))).malls == frozenset()
    assert (await verifier.verify(mint.token("national-admin"))).malls is None
    assert (await verifier.verify(mint.token("analyst", malls=["7406"]))).malls == frozenset({"7406"})


async def test_an_officer_who_is_also_analyst_is_no_officer_of_every_mall(
    mint: TokenMint, verifier: Verifier
) -> None:
    both = await verifier.verify(mint.token(roles=["officer", "analyst"]))
    assert both.may("analyst", mall="7406")
    with pytest.raises(Forbidden):
        both.require("officer", mall="7406")


def test_nobody_sees_another_mall_or_agency() -> None:
    officer = Actor(uuid4(), frozenset({"officer"}), frozenset({"7406"}), frozenset({"bpjs"}))
    officer.require("officer", "supervisor", mall="7406", agency="bpjs")
    for asked in ({"mall": "3271"}, {"mall": "7406", "agency": "samsat"}):
        with pytest.raises(Forbidden):
            officer.require("officer", **asked)
    with pytest.raises(Forbidden):
        officer.require("supervisor", mall="7406")
    with pytest.raises(Unauthenticated):
        ANONYMOUS.require("officer")


async def test_keys_are_fetched_once_and_again_when_the_issuer_has_a_new_one(
    mint: TokenMint, verifier: Verifier
) -> None:
    for _ in range(3):
        await verifier.verify(mint.token("kiosk"))
    assert mint.fetches == 1
    mint.rotate()
    await verifier.verify(mint.token("kiosk"))
    assert mint.fetches == 2


async def test_unknown_keys_cannot_make_us_flood_the_issuer(mint: TokenMint) -> None:
    patient = Verifier([mint.issuer()], pause=3600)
    await patient.verify(mint.token("kiosk"))
    mint.rotate()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await patient.verify(mint.token("kiosk"))
    assert mint.fetches == 1


async def test_with_the_issuer_away_known_keys_stay_good_and_unknown_ones_are_unavailable(
    mint: TokenMint, verifier: Verifier
) -> None:
    await verifier.verify(mint.token("kiosk"))
    mint.stop()
    await verifier.verify(mint.token("kiosk"))
    mint.rotate()
    with pytest.raises(Unavailable):
        await verifier.verify(mint.token("kiosk"))
    mint.start()
    await verifier.verify(mint.token("kiosk"))


async def test_a_verified_token_is_remembered_but_never_past_its_end(
    mint: TokenMint, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = Verifier([mint.issuer()], remembered=2)
    token = mint.token("kiosk", ttl=30)
    checks: list[str] = []
    check = jwt.decode

    def counted(token: str, *given: Any, **more: Any) -> dict[str, Any]:
        checks.append(token)
        return check(token, *given, **more)

    monkeypatch.setattr(jwt, "decode", counted)
    await verifier.verify(token)
    checks.clear()
    await verifier.verify(token)
    assert checks == []
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 31)
    with pytest.raises(Unauthenticated):
        await Verifier([mint.issuer()]).verify(mint.expired("kiosk"))
    checks.clear()
    await verifier.verify(token)  # within the leeway for clocks that differ, but checked anew
    assert token in checks


async def test_the_memory_for_tokens_is_bounded(mint: TokenMint) -> None:
    verifier = Verifier([mint.issuer()], remembered=3)
    for _ in range(10):
        await verifier.verify(mint.token("kiosk"))
    assert len(verifier._seen) == 3


async def test_over_http_nobody_is_401_somebody_else_403_and_a_bad_token_never_nobody(
    http: httpx.AsyncClient, mint: TokenMint
) -> None:
    def bearing(token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    assert (await http.get("/whoami")).json() == {"role": "", "anonymous": True}
    nobody = await http.post("/malls/7406/call-next")
    assert (nobody.status_code, nobody.json()["type"]) == (401, "urn:mpp:problem:unauthenticated")
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    for bad in (mint.expired("officer"), mint.forged("officer"), mint.token("officer", audience="x"), "x"):
        assert (await http.get("/whoami", headers=bearing(bad))).status_code == 401
    assert (await http.get("/whoami", headers={"Authorization": "Basic eDp5"})).status_code == 401
    there = mint.token("officer", malls=["7406"])
    assert (await http.post("/malls/7406/call-next", headers=bearing(there))).status_code == 200
    assert (await http.post("/malls/3271/call-next", headers=bearing(there))).status_code == 403
    assert (await http.post("/malls/7406/call-next", headers=bearing(mint.token("kiosk")))).status_code == 403


async def test_over_http_an_issuer_that_cannot_be_asked_is_503(
    http: httpx.AsyncClient, mint: TokenMint
) -> None:
    token = mint.token("officer")
    mint.stop()
    answer = await http.get("/whoami", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:mpp:problem:unavailable")


def test_a_role_that_does_not_exist_cannot_be_needed() -> None:
    with pytest.raises(ValueError, match="offizer"):
        needs("offizer")
