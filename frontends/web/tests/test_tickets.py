"""A number from home: found by need, taken once, followed, cancelled."""

import re

from .visitor import Visitor

SERVICE = "/mpp/bombana/layanan/adminduk.kk-baru"


def taken(visitor: Visitor) -> str:
    visitor.open(SERVICE)
    return visitor.send("/ambil").path


def test_a_service_is_found_by_need_in_spite_of_a_typo(visitor: Visitor) -> None:
    visitor.open("/")
    page = visitor.send("/cari", q="kartu keluraga baru")
    assert "Penerbitan Kartu Keluarga Baru" in page.words and "MPP Kabupaten Bombana" in page.words
    assert "Tidak ada layanan yang cocok" in visitor.send("/cari", q="zzzzzz").words


def test_the_page_of_a_service_tells_what_to_bring_and_how_long(visitor: Visitor) -> None:
    page = visitor.open(SERVICE)
    for said in ("Buku nikah atau akta cerai", "Gratis", "24 jam", "Buka sampai pukul 16.00", "Ambil nomor"):
        assert said in page.words


def test_a_number_is_taken_and_its_page_tells_where_it_stands(visitor: Visitor) -> None:
    path = taken(visitor)
    page = visitor.open(path)
    assert re.search(r"Nomor Anda A\d{3}", page.words)
    assert "Anda berikutnya." in page.words or "di depan Anda" in page.words
    assert "Batalkan nomor" in page.words


def test_the_same_press_gives_the_same_number(visitor: Visitor) -> None:
    visitor.open(SERVICE)
    shown = visitor.page
    first = visitor.send("/ambil").path
    visitor.page = shown
    assert visitor.send("/ambil").path == first


def test_only_its_holder_can_do_something_with_a_number(visitor: Visitor) -> None:
    path = taken(visitor)
    with Visitor(visitor.address) as stranger:
        page = stranger.open(path)
        assert page.status == 200 and "Batalkan nomor" not in page.words
        sign = {"tanda": page.form("/bahasa").fields["tanda"]}
        assert stranger.http.post(f"{path}/batalkan", data=sign).status_code == 403
    assert "Batalkan nomor" in visitor.open(path).words


def test_a_cancelled_number_says_so(visitor: Visitor) -> None:
    visitor.open(taken(visitor))
    assert "Nomor ini dibatalkan." in visitor.send("/batalkan").words


def test_a_wish_to_be_told_is_kept(visitor: Visitor) -> None:
    visitor.open(taken(visitor))
    page = visitor.send("/beri-tahu", ke="3")
    assert re.search(r'value="3" selected', page.answer.text)


def test_a_closed_mall_gives_no_number_and_offers_another_day(visitor: Visitor) -> None:
    visitor.open("/")
    visitor.send("/waktu", waktu="2026-11-29T09:00")  # a Sunday
    page = visitor.open(SERVICE)
    assert "Hari ini tutup." in page.words and "Ambil nomor" not in [f.action for f in page.forms]
    assert "Reservasi untuk hari lain" in page.words


def test_english_is_a_press_away_and_stays(visitor: Visitor) -> None:
    visitor.open(SERVICE)
    page = visitor.send("/bahasa", ("bahasa", "en"))
    assert page.path == SERVICE and "What to bring" in page.words and "Take a number" in page.words
    assert "people" in visitor.open(taken(visitor)).words or "You are next." in visitor.page.words


def test_what_does_not_exist_says_so(visitor: Visitor) -> None:
    for path in (
        "/mpp/tidak-ada",
        "/mpp/bombana/layanan/x.y",
        "/tiket/00000000-0000-0000-0000-000000000001",
        "/x",
    ):
        page = visitor.open(path)
        assert page.status == 404 and "Halaman tidak ditemukan" in page.words, path
