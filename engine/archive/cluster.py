"""Workers as actors of a Ray cluster (https://docs.ray.io), with one core each."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from engine.archive.crew import Crew, Task, Worker, WorkerLost, perform
from engine.archive.observe import Recipe
from engine.errors import InputError, MusterError

_MEMORY = 100 * 2**20  # bytes for objects: answers are small
_CACHE = "MUSTER_CACHE"
_ONE_MACHINE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""If this is 0, Ray listens on loopback alone, as it does by default on other systems than Linux."""
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_TOKEN_FILE = Path.home() / ".ray" / "auth_token"
_PYTHON = "the same versions of Python, Ray and Muster must be installed on every node"


class Actor:
    """A Ray actor that keeps the networks loaded."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def perform(self, task: Task | None) -> bytes:
        try:
            return perform(task, self._recipe)
        except MusterError as error:  # only the worker knows its node
            host = os.uname().nodename
            raise type(error)(f"{error.message} (on {host})", hint=error.hint) from None


class _RayWorker(Worker):
    """A Ray actor that does one task at a time."""

    def __init__(self, ray: Any, recipe: Recipe) -> None:
        self._ray, self._recipe = ray, recipe
        self.start()

    def start(self) -> None:
        # the crew, not Ray, replaces a dead actor, so that no segment waits for a node that has gone
        options = {"num_cpus": 1, "max_restarts": 0, "max_task_retries": 0, "scheduling_strategy": "SPREAD"}
        self._actor = self._ray.remote(Actor).options(**options).remote(self._recipe)

    def submit(self, task: Task | None) -> Future[bytes]:
        answer: Future[bytes] = Future()

        def forward(done: Future[bytes]) -> None:
            error = done.exception()
            if error is None:
                answer.set_result(done.result())
            elif isinstance(error, self._ray.exceptions.RayTaskError) and isinstance(error.cause, MusterError):
                answer.set_exception(error.cause)
            elif isinstance(error, self._ray.exceptions.RayTaskError):
                answer.set_exception(MusterError(str(error.cause)))
            elif isinstance(error, self._ray.exceptions.RayError):
                answer.set_exception(WorkerLost(str(error)))
            else:
                answer.set_exception(error)

        self._actor.perform.remote(task).future().add_done_callback(forward)
        return answer

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._ray.kill(self._actor, no_restart=True)


@contextlib.contextmanager
def ray_crew(address: str, recipe: Recipe, workers: int | None) -> Iterator[Crew]:
    """Yield workers on a Ray cluster.

    Args:
        address: `HOST:PORT` of its head, `auto` for the cluster of this machine, or `local` for one on this machine that ends with
            the command.
        workers: how many; None: one per core of the cluster.

    Raises:
        InputError: Ray is not installed, the cluster cannot be reached, or is on other machines and has no token.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent outside
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    _guarded(address)  # before Ray reads its settings
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError("Ray is not installed", hint="pip install 'muster[cluster]', or leave --ray out") from error
    with contextlib.redirect_stdout(sys.stderr):  # Ray reports dead workers there, which must not mix with results
        yield from _connected(ray, address, recipe, workers)


@contextlib.contextmanager
def _without_secrets() -> Iterator[None]:
    """Within the context, processes that are started inherit none of Muster's settings: workers need none, and some are passwords."""
    held = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("MUSTER_") and name != _CACHE}
    try:
        yield
    finally:
        os.environ.update(held)


def _guarded(address: str) -> None:
    """Give a cluster of this machine a token, and demand one for any other: whoever reaches a cluster without one runs code there.

    Raises:
        InputError: the cluster is on other machines, and this command has no token for it.
    """
    if address == "local":
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
        os.environ[_ONE_MACHINE] = "0"
        return
    place = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    host = place.removeprefix("ray://").rpartition(":")[0].strip("[]")
    if host in _LOOPBACK or place in {"", "auto"}:
        return
    has_token = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH") or _TOKEN_FILE.exists()
    if os.environ.get("RAY_AUTH_MODE", "token").lower() != "token" or not has_token:
        raise InputError(
            f"the cluster at {place} is used without a token, so whoever reaches it could run code here and there",
            hint="start it with RAY_AUTH_MODE=token and RAY_AUTH_TOKEN=…, and set both for this command, see docs/archives.md",
        )


def _connected(ray: Any, address: str, recipe: Recipe, workers: int | None) -> Iterator[Crew]:
    here: dict[str, Any] = {"num_cpus": workers, "object_store_memory": _MEMORY, "include_dashboard": False}
    try:
        with _without_secrets():
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                namespace="muster",
                **(here if address == "local" else {}),
            )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, ray.exceptions.RayError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        what = (lines[-1] if lines else type(error).__name__)[:160]
        raise InputError(
            f"no Ray cluster answers at {address} ({what})",
            hint=f"start it with `ray start --head`, give this command its RAY_AUTH_TOKEN, and mind: {_PYTHON}",
        ) from error
    try:
        held = ray.cluster_resources()
        count = workers or max(1, int(held.get("CPU", 1)))
        with contextlib.closing(Crew([_RayWorker(ray, recipe) for _ in range(count)])) as crew:
            yield crew
    finally:
        ray.shutdown()
