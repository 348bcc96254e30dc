"""deploy/compose.yaml starts the broker that streams/kafka.py would start."""

from __future__ import annotations

from pathlib import Path

import yaml

from streams.kafka import IMAGE, KafkaSettings, container_environment


def test_the_compose_file_has_the_settings_of_the_code(repository: Path) -> None:
    service = yaml.safe_load((repository / "deploy" / "compose.yaml").read_text())["services"]["kafka"]
    environment = service["environment"]
    port = KafkaSettings.model_fields["port"].default
    heap = KafkaSettings.model_fields["heap_mib"].default
    assert service["image"] == IMAGE
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert environment == container_environment(port, 9093, cluster=environment["CLUSTER_ID"], heap_mib=heap)
