"""Importing from the shell: progress, a report, and a refusal that names every fault."""

import json
from pathlib import Path

import pytest

from catalog_service import shell
from mpp.service import Running

ROWS = "code,agency,title,minutes\nx.shell,samsat,Dari terminal,5\n"


async def test_a_file_is_rehearsed_and_leaves_no_trace(
    running: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(ROWS)
    before = await running.reader.fetchval("select count(*) from events")
    assert await shell.import_(running, [str(file), "--mall", "palembang", "--dry-run"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["changes"] == {"service-published": 1}
    assert "1 of 1 rows read" in told.err
    assert await running.reader.fetchval("select count(*) from events") == before


async def test_a_file_with_faults_is_refused_and_each_is_named(
    running: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(ROWS + "x.bad,samsat,Buruk,lima\nx.worse,atlantis,Lebih buruk,5\n")
    assert await shell.import_(running, [str(file), "--mall", "palembang"]) == 1
    told = capsys.readouterr().err
    assert "services row 3, minutes:" in told and "services row 4, agency: atlantis" in told
    found = "select count(*) from services where code like 'x.%' and mall = '1671'"
    assert await running.reader.fetchval(found) == 0


@pytest.mark.parametrize(
    "arguments", [["missing.csv", "--mall", "1671"], ["list.pdf"], ["list.csv", "--mall", "atlantis"]]
)
async def test_what_cannot_be_imported_ends_with_a_word_and_not_a_trace(
    running: Running, arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text(ROWS)
    name, *rest = arguments
    assert await shell.import_(running, [str(tmp_path / name), *rest]) == 1
    assert "Traceback" not in capsys.readouterr().err
