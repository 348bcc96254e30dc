"""How to reach a secured Kafka: one reading of the environment for every client, whichever library it is from."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.kafka_process import KafkaUnavailable


class SecurityRefused(KafkaUnavailable):
    """The settings name no connection that could be made."""


class KafkaSecurity(BaseSettings):
    """How to reach a cluster, and who one is there; each from ANTIFRAUD_KAFKA_<NAME> where not passed."""

    model_config = SettingsConfigDict(env_prefix="ANTIFRAUD_KAFKA_", frozen=True)

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="how to reach a given cluster; one that is started here is PLAINTEXT"
    )
    ca_file: Path | None = Field(
        default=None, description="PEM: whom the brokers' certificates are believed from; not given: as the system does"
    )
    certificate_file: Path | None = Field(default=None, description="PEM: our own certificate, where brokers ask")
    certificate_key_file: Path | None = Field(default=None, description="PEM: its key, without a password")
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        default="SCRAM-SHA-512", description="how the password is proved"
    )
    sasl_username: str = Field(default="", description="who one is")
    sasl_password_file: Path | None = Field(default=None, description="holds the password, closed to others")

    @classmethod
    def load(cls) -> KafkaSecurity:
        """What the environment says.

        Raises:
            SecurityRefused: it says what is no setting.
        """
        try:
            return cls()
        except ValidationError as error:
            fault = error.errors(include_input=False, include_url=False)[0]
            name = f"ANTIFRAUD_KAFKA_{'.'.join(map(str, fault['loc'])).upper()}"
            raise SecurityRefused(f"{name}: {fault['msg']}.", "Correct the setting.") from None

    @property
    def secured(self) -> bool:
        """Whether anything but a plain connection is asked for."""
        return self.security_protocol != "PLAINTEXT"

    def options(self) -> dict[str, Any]:
        """The options that kafka-python and aiokafka share; none for a plain connection.

        Raises:
            SecurityRefused: a file cannot be read or is no secret, or there is no user.
        """
        if not self.secured:
            return {}
        options: dict[str, Any] = {"security_protocol": self.security_protocol}
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = self._context()
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"], options["sasl_plain_password"] = self._user()
        return options

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.certificate_key_file, password="")
        except (OSError, ValueError) as error:
            raise SecurityRefused(
                f"The certificates for Kafka cannot be read ({type(error).__name__}).",
                "Check ANTIFRAUD_KAFKA_CA_FILE, …_CERTIFICATE_FILE and …_CERTIFICATE_KEY_FILE: PEM, and ours to read.",
            ) from None
        return context

    def _user(self) -> tuple[str, str]:
        """Who one is, and the password."""
        file = self.sasl_password_file
        if not self.sasl_username or file is None:
            raise SecurityRefused(
                f"{self.security_protocol} needs a user and a password.",
                "Set ANTIFRAUD_KAFKA_SASL_USERNAME and ANTIFRAUD_KAFKA_SASL_PASSWORD_FILE.",
            )
        try:
            if file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
                raise SecurityRefused(f"Everybody can read or change {file}.", f"Run: chmod 600 {file}")
            return self.sasl_username, file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecurityRefused(
                f"The password file {file} cannot be read ({type(error).__name__}).", "Check path and owner."
            ) from None
