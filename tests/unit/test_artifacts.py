"""Content kept by its hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from core.artifacts import Artifacts
from core.errors import NotFound, StorageFailed


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


async def test_content_is_found_by_its_hash(artifacts: Artifacts) -> None:
    content_hash = await artifacts.keep(b"content")
    assert content_hash == hashlib.sha256(b"content").hexdigest()
    assert await artifacts.read(content_hash) == b"content"


async def test_nothing_may_be_kept_too(artifacts: Artifacts) -> None:
    assert await artifacts.read(await artifacts.keep(b"")) == b""


async def test_content_that_was_never_kept_is_not_found(artifacts: Artifacts) -> None:
    with pytest.raises(NotFound):
        await artifacts.read("0" * 64)


async def test_the_directory_is_made_again_when_somebody_removed_it(artifacts: Artifacts, tmp_path: Path) -> None:
    content_hash = await artifacts.keep(b"content")
    artifacts.path(content_hash).unlink()
    artifacts.path(content_hash).parent.rmdir()
    (tmp_path / "artifacts").rmdir()
    assert await artifacts.read(await artifacts.keep(b"content")) == b"content"


async def test_a_disk_that_refuses_is_told_and_leaves_nothing_behind(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageFailed, match="No space left on device"):
        await artifacts.keep(b"content")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_place_that_is_no_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageFailed):
        await Artifacts(tmp_path / "file").keep(b"content")
