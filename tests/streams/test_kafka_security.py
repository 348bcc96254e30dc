"""What the environment may say about a secured Kafka, and what is refused before anybody is called."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from streams.delivery import NotAllowed, connection_options
from streams.kafka import Kafka
from streams.kafka_security import KafkaSecurity, SecurityRefused
from streams.transport import credentials_of


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("a secret\n")
    file.chmod(0o600)
    return file


def test_a_plain_connection_says_nothing() -> None:
    assert connection_options({}) == {}
    assert credentials_of({}) is None


def test_one_environment_tells_every_library(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIFRAUD_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("ANTIFRAUD_KAFKA_SASL_USERNAME", "center")
    monkeypatch.setenv("ANTIFRAUD_KAFKA_SASL_PASSWORD_FILE", str(secret))
    options = connection_options({"client_id": "one"})
    assert options == {
        "client_id": "one",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "center",
        "sasl_plain_password": "a secret",
    }
    credentials = credentials_of(options)
    assert credentials is not None
    assert (credentials.protocol.value, credentials.mechanism.value) == ("SASL_PLAINTEXT", "SCRAM-SHA-512")
    assert "a secret" not in f"{KafkaSecurity.load()!r} {credentials!r}"
    # Who says himself how to connect is not mixed with the environment.
    assert connection_options({"security_protocol": "PLAINTEXT"}) == {"security_protocol": "PLAINTEXT"}
    with pytest.raises(SecurityRefused, match="started here"):
        Kafka.find_or_start()


def test_a_certificate_of_ours_and_an_authority_of_ours(tmp_path: Path) -> None:
    own, key = tmp_path / "own.pem", tmp_path / "key.pem"
    asked = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=center"
    subprocess.run([*asked.split(), "-keyout", key, "-out", own], check=True, capture_output=True)
    security = KafkaSecurity(security_protocol="SSL", ca_file=own, certificate_file=own, certificate_key_file=key)
    options = security.options()
    (authority,) = options["ssl_context"].get_ca_certs()
    assert dict(name[0] for name in authority["subject"]) == {"commonName": "center"}
    assert options["ssl_context"].check_hostname
    credentials = credentials_of(options)
    assert credentials is not None
    assert credentials.protocol.value == "SSL"
    key.write_text("no key")
    with pytest.raises(SecurityRefused, match="certificates for Kafka cannot be read"):
        security.options()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, "ANTIFRAUD_KAFKA_SECURITY_PROTOCOL"),
        ({"SECURITY_PROTOCOL": "SASL_SSL"}, "needs a user and a password"),
        ({"SECURITY_PROTOCOL": "SSL", "CA_FILE": "/nowhere/ca.pem"}, "certificates for Kafka cannot be read"),
        ({"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SASL_USERNAME": "center"}, "needs a user and a password"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    settings: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"ANTIFRAUD_KAFKA_{name}", value)
    with pytest.raises(NotAllowed, match=said):
        connection_options({})


def test_a_password_that_everybody_can_read_is_none(secret: Path) -> None:
    secret.chmod(0o644)
    security = KafkaSecurity(security_protocol="SASL_SSL", sasl_username="center", sasl_password_file=secret)
    with pytest.raises(SecurityRefused, match="Everybody can read"):
        security.options()
