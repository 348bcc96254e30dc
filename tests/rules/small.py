"""A small rulebook that is sound, for tests to break in one place."""

from __future__ import annotations

TYPOLOGY = """\
id: T90
version: 1
status: active
owner: tests
name: {kk: Сынақ, ru: Проверка, en: Test}
explanation:
  summary: {kk: "Сома {event.amount} теңге", ru: "Сумма {event.amount} тенге", en: "The sum is {event.amount} tenge"}
  advice: {kk: Күтіңіз, ru: Ждите, en: Wait}
legal_basis:
  - text: {kk: Заң, ru: Закон, en: Law}
    source: nobody
    confidence: L
subject: payer
when: event.kind == 'transfer' and event.amount >= p.least
parameters:
  - {name: least, value: 1000, unit: tenge, source: nobody}
signals:
  - id: many
    when: payer.payees_1d >= 3
    weight: 0.5
    text: {kk: "Алушылар көп", ru: "Много получателей", en: "Many payees"}
  - id: night
    when: event.hour < 6
    weight: 0.3
    text: {kk: Түнде, ru: Ночью, en: At night}
alert_at: 0.5
actions:
  - at: 0.8
    decision: hold
    legal_basis: {kk: Заң бойынша, ru: По закону, en: By law}
    source: nobody
evidence: {within: P1D, limit: 10}
false_positives:
  - {kk: Тойда, ru: На свадьбе, en: At a wedding}
examples:
  alerting:
    - name: Three payees in an hour
      events:
        - {at: 2026-01-05T10:00, every: PT10M, times: 3, payer: a, payee: b-*, amount: 5000}
    - name: Three payees at night
      events:
        - {at: 2026-01-05T01:00, every: PT10M, times: 4, payer: a, payee: b-*, amount: 5000}
      alerts: [3, 4]
  silent:
    - name: The same payee three times
      events:
        - {at: 2026-01-05T10:00, every: PT10M, times: 3, payer: a, payee: b, amount: 5000}
    - name: Three payees in three days
      events:
        - {at: 2026-01-05T10:00, every: P2D, times: 3, payer: a, payee: b-*, amount: 5000}
"""
FEATURES = """\
features:
  - name: payer.payees_1d
    aggregate: distinct
    of: counterparty
    where: {direction: out, kind: transfer}
    within: P1D
    unit: people
    text: {kk: Алушылар, ru: Получатели, en: Payees}
"""
SETTINGS = "version: test\nrisk: {at_alert: 0.6, at_most: 0.95, anomaly_at_most: 0.5}\n"


def documents(*changes: tuple[str, str], **others: str) -> dict[str, str]:
    """The rulebook with each first text of the typology replaced by the second, and with other files."""
    typology = TYPOLOGY
    for old, new in changes:
        assert typology.count(old) == 1, f"{old!r} stands {typology.count(old)} times"
        typology = typology.replace(old, new)
    return {
        "rulebook.yaml": SETTINGS,
        "features/payer.yaml": FEATURES,
        "typologies/T90-test.yaml": typology,
        **others,
    }
