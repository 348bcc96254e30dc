"""The notice contract: what a body outside the center is asked to do about a subject; and the record of a look-up."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from streams.contracts.fields import Contract, EventId, Instant, Publisher
from streams.contracts.suspicious_operation import AlertId, Role, TokenText
from streams.contracts.text import Text

NOTICES: Final = "notices"
NECESSITY: Final = "necessity"
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
TypologyId = Annotated[str, Field(pattern=r"^T[0-9]{2,3}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,47}$")]


class NoticeEvent(Contract):
    """Published to `notices` when a notice is issued and when it ends; the highest `number` is the present one."""

    type: Literal["notice"]
    notice_id: Hash
    number: int = Field(ge=0)
    outcome: Literal["open", "done", "withdrawn", "unanswered"]
    measure: Word
    measure_text: Text
    addressee: Word
    addressee_text: Text
    legal_basis: Text
    typology: TypologyId
    alert_id: AlertId
    institution: Publisher = Field(description="Publisher of the event")
    event_id: EventId
    role: Role = Field(description="What the subject is in the event")
    subject: TokenText
    since: Instant
    at: Instant = Field(description="When this outcome came")
    deadline: Instant


class NecessityRecord(Contract):
    """Published to `necessity` whenever a sensitive list spoke in a finding: why it was looked into, and for what."""

    type: Literal["necessity"]
    record_id: Hash
    list: Word
    typology: TypologyId
    typology_version: str
    purpose: Text
    source: str = Field(min_length=3, description="What the purpose rests on")
    alert_id: AlertId
    institution: Publisher = Field(description="Publisher of the event")
    event_id: EventId
    role: Role
    subject: TokenText
    at: Instant


_TEXT: Final = {
    "kk": "Осы алушы ақша жинайтын сайттарды бұғаттау",
    "ru": "Заблокировать сайты, через которые этот получатель собирает деньги",
    "en": "Block the sites through which this payee collects money",
}
_EVENT: Final = {
    "alert_id": "0f3c5d7e9a1b2c3d4e5f60718293a4b5",
    "institution": "CASPKZKA",
    "event_id": "7f0c2a9e-3b51-4c0e-9f57-1d1f2a6c9b10",
    "role": "payee",
    "subject": "k1:ffeeddccbbaa99887766554433221100",
}
EXAMPLE: Final[dict[str, Any]] = {
    "type": "notice",
    "notice_id": "6d41402abc4b2a76b9719d911017c592",
    "number": 0,
    "outcome": "open",
    "measure": "block_site",
    "measure_text": _TEXT,
    "addressee": "site_blocking_body",
    "addressee_text": {"kk": "Ақпарат комитеті", "ru": "Комитет информации", "en": "Information Committee"},
    "legal_basis": {
        "kk": "2004 жылғы 5 шілдедегі № 567 Заң, 41-1-бап",
        "ru": "Закон от 5 июля 2004 года № 567, статья 41-1",
        "en": "Law of 5 July 2004 No. 567, Article 41-1",
    },
    "typology": "T10",
    **_EVENT,
    "since": "2026-11-23T05:00:00.160Z",
    "at": "2026-11-23T05:00:00.160Z",
    "deadline": "2026-11-30T05:00:00.160Z",
}
NECESSITY_EXAMPLE: Final[dict[str, Any]] = {
    "type": "necessity",
    "record_id": "7d41402abc4b2a76b9719d911017c592",
    "list": "convicted",
    "typology": "T13",
    "typology_version": "1",
    "purpose": {
        "kk": "Сотталған адамның ақша жинай бастағанын ерте байқау",
        "ru": "Раннее обнаружение сбора денег ранее осуждённым",
        "en": "Early detection of a convicted person who begins to collect money",
    },
    "source": "Letter of the Prosecutor General, 2023",
    **_EVENT,
    "at": "2026-11-23T05:00:00.160Z",
}
