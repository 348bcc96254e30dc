"""The topics file: what it expands to, what it forbids, and how its faults are told."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from schwifty import BIC
from typer.testing import CliRunner

from streams.cli.topics import topics_app
from streams.contracts.fields import MAX_BYTES
from streams.topics import FILE, INSTITUTIONS, Topics, TopicsInvalid

ENTRY = """
  - name: {name}
    text: A topic.
    partitions: {partitions}
    cleanup: {cleanup}
    {retention}
    max_message_bytes: 1048576
    timestamps: append
    owner: screen
    write: [{write}]
    read: [center]
"""


def entry(
    name: str = "facts",
    partitions: str = "screen",
    cleanup: str = "delete",
    retention: str = "retention: P7D",
    write: str = "center",
) -> str:
    return ENTRY.format(name=name, partitions=partitions, cleanup=cleanup, retention=retention, write=write)


def load(folder: Path, *entries: str) -> Topics:
    path = folder / "topics.yaml"
    path.write_text("topics:" + "".join(entries))
    return Topics.load(path)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INSTITUTIONS", "OPERATORS", "PARTITIONS", "TX_PARTITIONS", "REPLICAS"):
        monkeypatch.delenv(f"ANTIFRAUD_{name}", raising=False)


def test_each_institution_has_its_own_topics() -> None:
    topics = Topics.load(institutions=["CASPKZKA", "HSBKKZKX"], partitions=4, tx_partitions=2)
    own = [topic.name for topic in topics if topic.publisher == "HSBKKZKX"]
    assert own == [f"{kind}.HSBKKZKX" for kind in ("tx", "loans", "orders", "rejected", "decisions")]
    assert topics["tx.CASPKZKA"].write == ("institution:CASPKZKA",)
    assert topics["decisions.HSBKKZKX"].read == ("institution:HSBKKZKX",)
    assert topics["tx.CASPKZKA"].partitions == 2
    assert {topics[name].partitions for name in ("facts", "views", "judged", "decisions.CASPKZKA")} == {4}
    assert topics["rulebook"].partitions == 1


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIFRAUD_INSTITUTIONS", "CASPKZKA, KCJBKZKX")
    monkeypatch.setenv("ANTIFRAUD_PARTITIONS", "3")
    topics = Topics.load()
    assert topics.institutions == ("CASPKZKA", "KCJBKZKX")
    assert topics["facts"].partitions == topics.partitions == 3
    assert Topics.load(partitions=5).partitions == 5


def test_default_institutions_are_real_banks_and_one_invented_lender() -> None:
    *banks, lender = INSTITUTIONS
    assert all(BIC(name).exists for name in banks)
    assert BIC(lender).is_valid
    assert not BIC(lender).exists


def test_settings_under_the_names_of_kafka() -> None:
    topics = Topics.load(replicas=3)
    assert topics["facts"].settings() == {
        "cleanup.policy": "delete",
        "retention.ms": str(14 * 86_400_000),
        "max.message.bytes": str(16 * 1024 * 1024),
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": "2",
    }
    assert topics["rulebook"].settings()["cleanup.policy"] == "compact"
    assert topics["rulebook"].settings()["retention.ms"] == "-1"
    assert all(topic.retention for topic in topics if topic.cleanup == "delete")


def test_order_of_time_is_the_brokers() -> None:
    topics = Topics.load()
    assert {topic.timestamps for topic in topics if topic.name.startswith(("tx.", "facts", "views", "judged"))} == {
        "append"
    }


def test_nobody_may_more_than_declared() -> None:
    topics = Topics.load(institutions=["CASPKZKA", "HSBKKZKX"])
    rows = topics.acls()
    assert len(rows) == len(set(rows))

    def who(operation: str, topic: str) -> set[str]:
        return {row.principal for row in rows if (row.operation, row.resource) == (operation, topic)}

    assert who("READ", "identities") == {"vault"}
    assert who("WRITE", "tx.CASPKZKA") == {"institution:CASPKZKA"}
    assert who("WRITE", "rulebook") == {"operator"}
    assert who("WRITE", "suspicious-operations") == {"center"}
    assert who("WRITE", "calls.KCELL") == {"telecom:KCELL"}
    assert who("WRITE", "registry.credit-refusals") == {"state:EGOV"}
    assert who("WRITE", "dispositions") == {"state:AFM", "state:POLICE", "state:GENPROC"}
    assert who("WRITE", "orders.CASPKZKA") == {"fiu"}
    assert who("READ", "registry.lists") == {"center", "fiu"}
    assert who("READ", "rejected.KCELL") == {"telecom:KCELL", "operator", "fiu"}
    assert who("READ", "rejected.EGOV") == {"state:EGOV", "operator", "fiu"}
    institution = [row for row in rows if row.principal == "institution:CASPKZKA"]
    assert {(row.operation, row.resource) for row in institution} == {
        ("WRITE", "tx.CASPKZKA"),
        ("DESCRIBE", "tx.CASPKZKA"),
        ("WRITE", "loans.CASPKZKA"),
        ("DESCRIBE", "loans.CASPKZKA"),
        ("READ", "orders.CASPKZKA"),
        ("DESCRIBE", "orders.CASPKZKA"),
        ("READ", "rejected.CASPKZKA"),
        ("DESCRIBE", "rejected.CASPKZKA"),
        ("READ", "decisions.CASPKZKA"),
        ("DESCRIBE", "decisions.CASPKZKA"),
        ("READ", "CASPKZKA."),  # its consumer groups
    }
    assert {row.principal for row in rows if row.operation == "CREATE"} == {"operator"}


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (entry().replace("owner", "ownr"), ":9:5:", "unknown key 'ownr'; did you mean 'owner'?"),
        (entry(partitions="none"), ":4:", "partitions"),
        (entry(partitions="0"), ":4:", "partitions"),
        (entry(retention="").replace("    \n", ""), ":2:", "needs a retention"),
        (entry(cleanup="compact"), ":2:", "leave retention out"),
        (entry(retention="retention: a week"), ":6:", "retention"),
        (entry(write="bank"), ":10:", "'bank' is not one of"),
        (entry(write='"institution:{institution}"'), ":10:", "put {institution} in its name"),
        (entry(write='"telecom:{operator}"'), ":10:", "put {operator} in its name"),
        (entry(write='"state:EGOV"'), ":2:", "records says what publishers may send"),
        (entry().replace("text:", "records: [heartbeat]\n    text:"), ":2:", "records says what publishers may send"),
        (entry().replace("text:", "records: [gift]\n    text:"), ":3:", "'gift' is not one of"),
        (entry(name="Facts"), ":2:", "lower-case words"),
        (entry() + entry(), ":2:", "facts is declared twice"),
        (entry().replace("text: A topic.\n", ""), ":", ""),
        ("", ":1:", "topics"),
        ("\n  - &a x\n  - *a", ":2:", ""),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, text: str, place: str, said: str) -> None:
    with pytest.raises(TopicsInvalid) as caught:
        load(tmp_path, text)
    faults = str(caught.value).splitlines()
    assert any(fault.startswith(str(tmp_path / "topics.yaml") + place) and said in fault for fault in faults), faults


def test_sources_say_who_may_send_what() -> None:
    sources = {source.name: source for source in Topics.load(institutions=["CASPKZKA"], operators=["KCELL"]).sources}
    assert list(sources) == [
        "tx.CASPKZKA",
        "loans.CASPKZKA",
        "calls.KCELL",
        "registry.credit-refusals",
        "registry.lists",
        "registry.blocked-resources",
        "dispositions",
    ]
    assert sources["tx.CASPKZKA"].records == {"transaction", "heartbeat", "reversal"}
    assert (sources["calls.KCELL"].owner, sources["calls.KCELL"].field) == ("KCELL", "operator")
    assert sources["dispositions"].publishers == ("AFM", "POLICE", "GENPROC")
    assert [source.name for source in sources.values() if source.largest > MAX_BYTES] == [
        "registry.credit-refusals",
        "registry.lists",
    ]


def test_whoever_may_publish_has_a_topic_for_what_is_refused() -> None:
    topics = Topics.load()
    for source in topics.sources:
        for publisher in source.publishers:
            assert f"rejected.{publisher}" in topics
    assert len({name for source in topics.sources for name in source.publishers}) == 6 + 3 + 5


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TopicsInvalid, match="cannot be read"):
        Topics.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"institutions": []}, "ANTIFRAUD_INSTITUTIONS: at least one"),
        ({"institutions": ["kaspi"]}, "ANTIFRAUD_INSTITUTIONS: 'kaspi' is not a BIC"),
        ({"institutions": ["CASPKZKA", "CASPKZKA"]}, "named twice"),
        ({"operators": ["KCELLKZKA"]}, "ANTIFRAUD_OPERATORS: 'KCELLKZKA' is not a name"),
        ({"partitions": 0}, "ANTIFRAUD_PARTITIONS: "),
        ({"tx_partitions": -1}, "ANTIFRAUD_TX_PARTITIONS: "),
        ({"replicas": 9}, "ANTIFRAUD_REPLICAS: "),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(settings: dict[str, int], said: str) -> None:
    with pytest.raises(TopicsInvalid, match=said):
        Topics.load(**settings)  # type: ignore[arg-type]


def test_list_needs_no_kafka() -> None:
    result = CliRunner().invoke(topics_app, ["list", "--json", "--institutions", "CASPKZKA", "--partitions", "2"])
    assert result.exit_code == 0
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["facts"]["partitions"] == 2
    assert timedelta(days=7) == Topics.load()["tx.CASPKZKA"].retention
    assert rows["tx.CASPKZKA"]["retention"] == "P7D"
    assert rows["identities"]["read"] == ["vault"]


def test_list_of_rights_and_wrong_settings() -> None:
    result = CliRunner().invoke(topics_app, ["list", "--acls", "--json"])
    assert {
        "principal": "vault",
        "operation": "READ",
        "resource_type": "topic",
        "resource": "identities",
    }.items() <= next(row for row in json.loads(result.stdout) if row["principal"] == "vault").items()
    wrong = CliRunner().invoke(topics_app, ["list", "--partitions", "0"])
    assert wrong.exit_code == 2
    assert "ANTIFRAUD_PARTITIONS" in wrong.stderr


def test_no_kafka_is_its_own_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("ANTIFRAUD_KAFKA_DATA", str(tmp_path))
    for command in ("diff", "apply"):
        result = CliRunner().invoke(topics_app, [command])
        assert result.exit_code == 3
        assert "No Kafka is running" in result.stderr


def test_the_file_is_the_packaged_one() -> None:
    assert FILE.name == "topics.yaml"
    assert FILE.exists()
