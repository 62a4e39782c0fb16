"""Durable files: atomic writes, locks, documents and identifiers.

`logs` has append-only logs with sealed rows, `state` the seals of files that are replaced as a whole, `vault` encrypted files.

Not here: what is written. `engine.postgres` is the counterpart over a database.
"""

from engine.storage.arrays import read_arrays
from engine.storage.files import (
    Document,
    FileDocument,
    append_lines,
    atomic_write,
    claimed,
    clean_text,
    csv_line,
    decode_cell,
    document,
    encode_cell,
    file_name,
    locked,
    new_id,
    read_cell,
    read_rows,
    repeatable,
    repeatable_ids,
    storage_errors,
    table_cell,
    table_rows,
    table_text,
    writable,
    write_table,
)
from engine.storage.foreign import below, parse_json

__all__ = [
    "Document",
    "FileDocument",
    "append_lines",
    "atomic_write",
    "below",
    "claimed",
    "clean_text",
    "csv_line",
    "decode_cell",
    "document",
    "encode_cell",
    "file_name",
    "locked",
    "new_id",
    "parse_json",
    "read_arrays",
    "read_cell",
    "read_rows",
    "repeatable",
    "repeatable_ids",
    "storage_errors",
    "table_cell",
    "table_rows",
    "table_text",
    "writable",
    "write_table",
]
