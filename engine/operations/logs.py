"""Log lines of servers: as text or as JSON, to standard error and to a file that is rotated.

The parts of `muster serve` write each record as a line of JSON to the supervisor, which names the part and writes it on. So there is one
writer, and a file can be rotated. Secrets are masked where a record is made (`engine.masking.mask_process`), and once more here.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal

from engine.errors import InputError
from engine.masking import mask, mask_process
from engine.storage import parse_json

Format = Literal["text", "json"]
VARIABLE = "_MUSTER_LOG"
"""Set for processes whose records another one writes on."""
_PLAIN = "muster (%(levelname)s): %(message)s"
_LARGEST, _KEPT = 10_000_000, 5
_TALKATIVE = ("engine.operations.site", "engine.operations.supervisor", "app.recorder")


class _Lines(logging.Formatter):
    """A line of JSON for each record.

    Args:
        part: the record's, if it names none.
    """

    def __init__(self, part: str = "") -> None:
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        """See `logging`."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "part": getattr(record, "part", self._part),
            "logger": record.name,
            "message": _message(record),
        }
        return json.dumps(told, ensure_ascii=False)


class _Text(logging.Formatter):
    """Time, level, part and message, each further line of the message indented."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging`."""
        time = datetime.fromtimestamp(record.created).astimezone().isoformat(sep=" ", timespec="milliseconds")
        message = _message(record).replace("\n", "\n    ")
        return f"{time} {record.levelname:<7} {getattr(record, 'part', 'serve')}: {message}"


class _File(logging.handlers.RotatingFileHandler):
    """A rotated file that only this user and group can read."""

    def _open(self) -> TextIOWrapper:
        made = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        return os.fdopen(made, "a", encoding="utf-8", errors="backslashreplace")


def _message(record: logging.LogRecord) -> str:
    text = mask(record.getMessage())
    if record.exc_info and not record.exc_text:
        record.exc_text = mask(logging.Formatter().formatException(record.exc_info))
    return f"{text}\n{record.exc_text}" if record.exc_text else text


def begin_logs() -> None:
    """Set up the log of a server's process: lines for the supervisor, or plain ones."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines() if os.environ.get(VARIABLE) else logging.Formatter(_PLAIN))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in _TALKATIVE if os.environ.get(VARIABLE) else ():
        logging.getLogger(name).setLevel(logging.INFO)
    mask_process()


def begin_written_logs(form: Format, path: Path | None) -> None:
    """Set up the log of the supervisor.

    Args:
        form: of each line.
        path: a file beside standard error; it is rotated at 10 MB, and five older ones are kept.

    Raises:
        InputError: the file cannot be written.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handlers.append(_File(path, maxBytes=_LARGEST, backupCount=_KEPT, encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}", hint="choose another --log-file") from error
    for handler in handlers:
        handler.setFormatter(_Lines("serve") if form == "json" else _Text())
    logging.basicConfig(level=logging.WARNING, handlers=handlers)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    mask_process()


def write_on(part: str, line: str) -> None:
    """Write a line of a part into the log: a record of `begin_logs`, or what a library printed."""
    if not line.strip():
        return
    told: dict[str, Any] = {"message": line, "level": "INFO", "logger": "output"}
    if line.startswith('{"time": '):
        try:
            told = parse_json(line)
            created = datetime.fromisoformat(told["time"]).timestamp()
        except (ValueError, KeyError, TypeError):
            told, created = {"message": line, "level": "INFO", "logger": "output"}, datetime.now(UTC).timestamp()
    else:
        created = datetime.now(UTC).timestamp()
    level = logging.getLevelNamesMapping().get(str(told["level"]), logging.INFO)
    values = {"created": created, "part": part, "levelno": level, "levelname": logging.getLevelName(level)}
    record = logging.makeLogRecord({**values, "name": str(told["logger"]), "msg": str(told["message"])})
    for handler in logging.getLogger().handlers:
        handler.handle(record)


def flush() -> None:
    """Write what waits."""
    for handler in logging.getLogger().handlers:
        handler.flush()
    sys.stderr.flush()
