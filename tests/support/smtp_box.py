"""A mail server on the loopback that keeps what it gets."""

from __future__ import annotations

import contextlib
import email
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """What arrived, and at which port; `busy`: how many of the next messages are refused for now."""

    port: int = 0
    busy: int = 0
    messages: list[tuple[str, EmailMessage]] = field(default_factory=list)

    @property
    def recipients(self) -> list[str]:
        """Whose messages came, in their order."""
        return [to for to, _ in self.messages]


@contextlib.contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Serve SMTP (RFC 5321, the least that a client needs)."""
    box, lock = Mailbox(), threading.Lock()

    class Handler(socketserver.StreamRequestHandler):
        def answer(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            self.answer("220 ready")
            to = ""
            for raw in self.rfile:
                word = raw.decode().strip().upper()
                if word.startswith("RCPT TO:"):
                    to = raw.decode().partition("<")[2].partition(">")[0]
                    with lock:
                        refused = box.busy > 0
                        box.busy -= refused
                    self.answer("451 busy, try later" if refused else "250 fine")
                elif word == "DATA":
                    self.answer("354 go on")
                    lines = []
                    for line in self.rfile:
                        if line == b".\r\n":
                            break
                        lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                    parsed = email.message_from_bytes(b"".join(lines), policy=policy.default)
                    assert isinstance(parsed, EmailMessage)
                    box.messages.append((to, parsed))
                    self.answer("250 kept")
                elif word == "QUIT":
                    self.answer("221 bye")
                    return
                else:
                    self.answer("250 fine")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        yield box
        server.shutdown()
        thread.join(5)
