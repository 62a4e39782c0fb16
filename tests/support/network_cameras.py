"""Devices on 127.0.0.1 that answer a WS-Discovery probe as ONVIF cameras do."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator, Sequence

__all__ = ["answer", "responding"]

ANSWER = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>'
    "<a:RelatesTo>{to}</a:RelatesTo></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch>"
    "<d:Scopes>onvif://www.onvif.org/type/video_encoder {scopes}</d:Scopes><d:XAddrs>{addresses}</d:XAddrs>"
    "</d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"
)


@contextlib.contextmanager
def responding(answers: Sequence[str], to: str = "") -> Iterator[tuple[tuple[str, int], list[str]]]:
    """Devices on this computer: each answers every probe; where they listen, and the probes.

    Args:
        answers: with `{to}` for the probe's id. to: what stands there instead.
    """
    probes: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.bind(("127.0.0.1", 0))
        device.settimeout(0.1)
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    data, asker = device.recvfrom(65_507)
                    probes.append(data.decode())
                    own = re.search(r"<w:MessageID>([^<]+)</", probes[-1])
                    assert own is not None
                    for answer in answers:
                        device.sendto(answer.replace("{to}", to or own[1]).encode(), asker)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield device.getsockname(), probes
        finally:
            stopped.set()
            thread.join()


def answer(scopes: str, *addresses: str) -> str:
    """Of a device with these scopes and addresses, to the probe whose id comes for `{to}`."""
    return ANSWER.replace("{scopes}", scopes).replace("{addresses}", " ".join(addresses))
