"""The desk behind the rulebook pages of one application, and what is refused there, as pages and API say it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Annotated, Final

import structlog
from fastapi import Depends, FastAPI, Request

from console import audit
from console.rulebooks.approval import NotReady
from console.rulebooks.desk import Desk
from console.rulebooks.files import FilesRefused
from console.rulebooks.shelf import Shelf
from console.rulebooks.workshop import Busy, Workshop
from console.store.errors import StoreError
from console.web.house import House
from console.web.refusals import Refusal
from streams.rulebook_topic import RulebookTopic

log = structlog.get_logger(__name__)

PUBLISH_SECONDS: Final = 5.0
PRINTED: Final = r"^[^\x00]*$"  # of texts that are kept: PostgreSQL takes no NUL
_opening = threading.Lock()


def open_desk(app: FastAPI, bootstrap_servers: str | None) -> Desk:
    """Make the desk of an application; None: a console without Kafka, where nothing can be published.

    What is approved is published in the background as well, so that an approval on another page, or while Kafka was
    away, comes to the topic by itself. `Desk.close` ends that.
    """
    house: House = app.state.house
    topic = RulebookTopic(bootstrap_servers) if bootstrap_servers else None
    shelf = Shelf(topic.read if topic else None, house.clock)
    desk = Desk(house.store, shelf, Workshop(), house.clock, topic, bootstrap_servers, house.settings.events)
    app.state.desk = desk
    if topic is not None:
        threading.Thread(target=_publish_always, args=(desk,), name="rulebook-publisher", daemon=True).start()
    return desk


def desk_of(request: Request) -> Desk:
    """The desk of the application that answers a request; one without Kafka where none was made."""
    with _opening:
        desk = getattr(request.app.state, "desk", None) or open_desk(request.app, None)
    assert isinstance(desk, Desk)
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]


@contextlib.contextmanager
def refused() -> Iterator[None]:
    """Turn what the library refuses into an answer with a text of texts/rulebook.yaml."""
    try:
        yield
    except FilesRefused as error:
        raise Refusal(422, f"rulebook.refused.{error.key}") from None
    except NotReady as error:
        raise Refusal(409, f"rulebook.not_ready.{error.key}") from None
    except Busy:
        raise Refusal(503, "rulebook.refused.busy") from None


def _publish_always(desk: Desk) -> None:
    while not desk.closing.wait(PUBLISH_SECONDS):
        try:
            desk.publish_waiting(audit.System())
        except StoreError as error:  # full or away for a while: the next turn tries again
            log.warning("approved rulebooks could not be looked for", cause=error.message)
