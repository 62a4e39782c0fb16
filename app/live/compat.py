"""What is changed of aioice by a name that it does not promise to keep."""

from __future__ import annotations

import aioice.ice

_SILENCES = 2


def end_silent_connections() -> None:
    """From now on a WebRTC connection ends when the browser no longer answers, after ten seconds instead of thirty.

    A tab that is closed says no goodbye: the connection ends when the browser has not answered a few times (RFC 7675), five seconds
    apart. On the short ways that this is for, two are enough, and threads are freed sooner.
    """
    aioice.ice.CONSENT_FAILURES = _SILENCES
