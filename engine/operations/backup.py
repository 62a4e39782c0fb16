"""Backups: a workspace with its keys in one encrypted file, taken while recorders run, and put back elsewhere."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import cast

from engine.config import load_config
from engine.errors import InputError, StorageError
from engine.storage import locked, storage_errors
from engine.storage.chunked import Decrypting, Encrypting
from engine.storage.logs import give_witnesses, key_folder, sealer_of, set_witnesses_aside
from engine.storage.pictures import FOLDER, LOG, pictures_in
from engine.storage.state import GALLERIES, LIST, SECRETS, TABLES
from engine.workbench import Workbench

_SKIPPED = re.compile(r"\..*\.(lock|tmp)|.*\.lock|recording-.*")
_LOG = re.compile(r"(.+?)(-\d{4}-\d{2}-\d{2})?(@[\w.-]+)?\.csv")
_KEYS = "keys"
_DATA = "workspace"


@dataclass(frozen=True)
class Restored:
    """What `restore` did: the number of files, and of people who were erased again."""

    files: int
    forgotten: int


def backup(workspace: Path, target: Path, secret: bytes) -> int:
    """Write a workspace and its keys to one encrypted file and read it back; return the number of files.

    Recorders go on: each log is copied while its lock is held, after the journal that names its heads; state files while the list of
    their seals is locked; pictures then, and the keys last.

    Args:
        secret: passphrase, or content of a key file.

    Raises:
        InputError: there is no such workspace, or a database holds its rows.
        StorageError: something cannot be read or written; no file remains.
    """
    if not workspace.is_dir():
        raise InputError(f"there is no workspace {workspace}", hint="name one with --workspace")
    if load_config(workspace).store:
        raise InputError(
            f"a database holds the rows of {workspace}",
            hint="back it up with pg_dump, or copy it to files first: `muster store copy`",
        )
    if target.resolve().is_relative_to(workspace.resolve()):
        raise InputError(f"{target} lies in the workspace", hint="write the backup elsewhere")
    part = target.with_name(f".{target.name}.part")
    try:
        with (
            storage_errors(target),
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
        ):
            stream = Encrypting(file, secret)
            with tarfile.open(fileobj=stream, mode="w|") as archive:
                written = sum(_put(archive, workspace, place) for place in _workspaces(workspace))
            stream.finish()
            file.flush()
            os.fsync(file.fileno())
        read = _read(part, secret, lambda _archive, _member: None)
        if read != written:
            raise StorageError(
                f"{target} holds {read} files instead of {written}", hint="check the disk, then try again"
            )
        with storage_errors(target):
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return written


def _workspaces(home: Path) -> list[Path]:
    sites = home / "sites"
    return [home, *(sorted(path for path in sites.iterdir() if path.is_dir()) if sites.is_dir() else ())]


def _put(archive: tarfile.TarFile, home: Path, place: Path) -> int:
    """Add one workspace without its sites; return the number of files."""
    base = PurePosixPath(_DATA, *place.relative_to(home).parts)
    count = 0
    with locked(place / LIST):  # what writers are in the middle of is accepted by the list as it is now
        for name in (LIST, *TABLES, *SECRETS, *GALLERIES, *(f"gallery/.{Path(each).stem}.parts" for each in GALLERIES)):
            count += _add(archive, place / name, base / name)
    done = {LIST, *TABLES, *SECRETS, *GALLERIES}
    logs = sorted(place.glob("log/*.csv"), key=lambda path: (path.name != "seals.csv", path.name))
    lists = [path for path in logs if path.name.startswith(f"{LOG}-")]
    count += sum(_put_log(archive, place, base, path, done) for path in logs if path not in lists)
    done |= {
        each.relative_to(place).as_posix() for path in lists for each in (path, path.parent / ".heads" / path.name)
    }
    pictures = set[str]()
    for path in _others(place, done):
        name = path.relative_to(place).as_posix()
        if _add(archive, path, base / name):
            count += 1
            pictures.add(name)
    # after the pictures, so that none is missing that is listed; what was written meanwhile follows
    count += sum(_put_log(archive, place, base, path, done) for path in lists)
    for path in pictures_in(place / FOLDER, "*"):
        name = path.relative_to(place).as_posix()
        if name not in pictures:
            count += _add(archive, path, base / name)
    for path, name in _keys(place):
        count += _add(archive, path, PurePosixPath(_KEYS) / name)
    return count


def _put_log(archive: tarfile.TarFile, place: Path, base: PurePosixPath, path: Path, done: set[str]) -> int:
    """Add a log with its running head while its lock is held; return the number of files."""
    match = _LOG.fullmatch(path.name)
    count = 0
    with locked(path.parent / (match.group(1) if match else path.stem)):
        for each in (path, path.parent / ".heads" / path.name):
            name = each.relative_to(place).as_posix()
            count += _add(archive, each, base / name)
            done.add(name)
    return count


def _others(place: Path, done: set[str]) -> Iterator[Path]:
    for folder, folders, names in os.walk(place):
        here = Path(folder)
        if here == place:
            folders[:] = [name for name in folders if name != "sites"]
        for name in sorted(names):
            relative = (here / name).relative_to(place).as_posix()
            known = relative in done or (relative.startswith("gallery/.") and relative.endswith(".parts"))
            if not known and not _SKIPPED.fullmatch(name) and (here / name).is_file():
                yield here / name


def _keys(place: Path) -> Iterator[tuple[Path, str]]:
    """The keys of a workspace that lie outside of it, with their names in the user's folder of keys."""
    seal = sealer_of(place, load_config(place).seal_key).key_path
    if seal.exists() and not seal.resolve().is_relative_to(place.resolve()):
        yield seal, seal.name if seal.parent == key_folder() else f"chosen/{place.name}.key"
    with contextlib.suppress(OSError):
        vault = (place / "vault.id").read_text(encoding="ascii").strip()
        for path in sorted((key_folder() / "vaults" / vault).rglob("*")) if vault.isalnum() else ():
            if path.is_file() and not _SKIPPED.fullmatch(path.name):
                yield path, path.relative_to(key_folder()).as_posix()


def _add(archive: tarfile.TarFile, path: Path, name: PurePosixPath) -> bool:
    """Add a file as it is at this moment; return whether there is one."""
    with storage_errors(path):
        try:
            content, status = path.read_bytes(), path.stat()
        except (FileNotFoundError, IsADirectoryError):  # erased meanwhile
            return False
    info = tarfile.TarInfo(str(name))
    info.size, info.mode, info.mtime = len(content), status.st_mode & 0o777, int(status.st_mtime)
    archive.addfile(info, io.BytesIO(content))
    return True


def _read(source: Path, secret: bytes, take: Callable[[tarfile.TarFile, tarfile.TarInfo], object]) -> int:
    with storage_errors(source), source.open("rb") as file:
        stream = io.BufferedReader(cast(io.RawIOBase, Decrypting(file, secret)))
        count = 0
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    take(archive, member)
                    count += 1
            while stream.read(1 << 20):  # to the end, which is authenticated
                pass
        except tarfile.TarError as error:
            raise StorageError(f"{source}: {error}", hint="take another backup") from error
    return count


def restore(source: Path, target: Path, secret: bytes) -> Restored:
    """Put a backup into a new folder, check all seals, and erase again whoever was erased since.

    Keys that this user already has stay as they are: what was destroyed since the backup stays destroyed.

    Raises:
        InputError: the folder is not empty, the file is no backup, or the secret is wrong.
        StorageError: the backup was changed, a seal does not hold, or something cannot be written.
    """
    if target.exists() and any(target.iterdir()):
        raise InputError(f"{target} is not empty", hint="give a new folder")
    making = target.with_name(f".{target.name}.restoring")
    shutil.rmtree(making, ignore_errors=True)
    try:
        count = _read(source, secret, lambda archive, member: archive.extract(member, making, filter="data"))
        if not (making / _DATA).is_dir():
            raise StorageError(f"{source} holds no workspace", hint="take another backup")
        _put_keys(making / _KEYS)
        with storage_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                target.rmdir()
            (making / _DATA).rename(target)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    forgotten = 0
    for place in _workspaces(target):
        chosen = load_config(place).seal_key
        set_witnesses_aside(place, chosen)
        bench = Workbench(place)
        _drop_erased(bench)
        wrong = [each for each in bench.records.verify() if not each.harmless]
        if wrong:
            raise StorageError(
                f"{place} is restored, but {len(wrong)} seals do not hold, first: {wrong[0].file}: {wrong[0].detail}",
                hint="`muster verify` names them; take another backup",
            )
        give_witnesses(place, chosen)
        forgotten += len(bench.privacy.forget_again())
    return Restored(count, forgotten)


def _drop_erased(bench: Workbench) -> None:
    """Erase pictures whose keys were destroyed since the backup."""
    vault = bench.records.vault
    for path in bench.records.pictures() if vault.ring.exists and not vault.ring.lost else ():
        if (name := vault.key_of(path)) is not None and vault.ring.owner_of(name) is None:
            vault.erase(path)


def _put_keys(folder: Path) -> None:
    own = key_folder()
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        relative = path.relative_to(folder)
        place = own / relative
        vault = relative.parts[:2] if relative.parts[0] == "vaults" else ()
        if path.is_dir() or place.exists() or (len(vault) == 2 and (own.joinpath(*vault) / "ring").exists()):
            continue
        with storage_errors(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)
            place.chmod(0o600)
