"""Search for services: Indonesian full text first, then what is spelt much alike."""

import asyncpg

from catalog_service.answers import ServiceAnswer
from mpp.web.answer import Page, decode_cursor, encode_cursor

ALIKE = 0.45  # least share of trigrams in common: a transposed pair in a word of eight letters still counts

_SERVICE = """select s.mall, s.code, s.title, s.agency, t.title as agency_title, l.line, s.minutes,
        s.standard, s.generated
    from services s
    join tenants t on t.mall = s.mall and t.agency = s.agency
    left join lines l on l.mall = s.mall and s.code = any(l.services)"""

_LIST = f"""{_SERVICE}
    where ($1::text is null or s.mall = $1) and ($2::text is null or s.agency = $2)
        and (s.mall, s.code) > ($3, $4)
    order by s.mall, s.code limit $5"""

# The two ways to match are a union, not an `or`: each uses its own index.
_SEARCH = f"""with found as (
        select mall, code, ts_rank(to_tsvector('indonesian', words), query) + 1 as rank
        from services, websearch_to_tsquery('indonesian', $5) as query
        where to_tsvector('indonesian', words) @@ query
        union all
        select mall, code, public.word_similarity($5, words) as rank
        from services where $5 operator(public.<%) words),
    ranked as (select mall, code, max(rank) as rank from found group by mall, code)
    {_SERVICE} join ranked r on r.mall = s.mall and r.code = s.code
    where ($1::text is null or s.mall = $1) and ($2::text is null or s.agency = $2)
    order by r.rank desc, s.title, s.mall, s.code limit $3 offset $4"""


async def services(
    db: asyncpg.Connection,
    *,
    mall: str | None,
    agency: str | None,
    words: str | None,
    cursor: str | None,
    limit: int,
) -> Page[ServiceAnswer]:
    """Services of one mall or of all, by code; with `words` the best matches come first."""
    if words and words.strip():
        return await _search(db, mall, agency, words.strip(), cursor, limit)
    after = decode_cursor(cursor, str, str) or ("", "")
    rows = await db.fetch(_LIST, mall, agency, *after, limit + 1)
    last = encode_cursor(rows[limit - 1]["mall"], rows[limit - 1]["code"]) if len(rows) > limit else None
    return Page(items=[ServiceAnswer(**row) for row in rows[:limit]], next=last)


async def _search(
    db: asyncpg.Connection,
    mall: str | None,
    agency: str | None,
    words: str,
    cursor: str | None,
    limit: int,
) -> Page[ServiceAnswer]:
    (skip,) = decode_cursor(cursor, int) or (0,)
    async with db.transaction():
        await db.execute(f"set local pg_trgm.word_similarity_threshold = {ALIKE}")
        rows = await db.fetch(_SEARCH, mall, agency, limit + 1, max(skip, 0), words)
    return Page(
        items=[ServiceAnswer(**row) for row in rows[:limit]],
        next=encode_cursor(skip + limit) if len(rows) > limit else None,
    )
