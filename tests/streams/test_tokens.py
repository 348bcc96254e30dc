"""Tokens and the vault: the same every time, apart by kind and key, and kept by safe keys only."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.tokens import KeyRefused, SealBroken, Token, TokenKey, Vault, demo_keys, parse_token

SECRET = bytes(range(32))
HEXADECIMAL = SECRET.hex()


def test_a_token_is_an_hmac_cut_to_120_bits_and_the_mark_of_its_key() -> None:
    key = TokenKey("k1", SECRET)
    token = key.token("person", "791028302728")
    made = hmac.digest(SECRET, b"person\x00791028302728", "sha256")[:16]
    expected = made[:8] + hashlib.sha256(b"k1").digest()[:1] + made[9:]
    assert token.raw == expected
    assert key.text(token) == f"k1:{expected.hex()}"
    assert parse_token(key.text(token)) == ("k1", token)
    assert key.first_halves("person", ["791028302728", "061211600012"]) == [
        token.key,
        key.token("person", "061211600012").key,
    ]
    assert key.text(token).startswith(key.prefix(token.key)), "a history knows its counterparties by the first half"


def test_the_token_of_an_earlier_key_is_written_with_its_id() -> None:
    first = TokenKey("k1", SECRET)
    second = TokenKey("k2", SECRET[::-1], retired=["k1"])
    old, new = first.token("phone", "+77010000001"), second.token("phone", "+77010000001")
    assert second.text(old) == first.text(old)
    assert second.text(new).startswith("k2:")
    said = f"k2:{SECRET.hex()}"
    loaded = TokenKey.load({"ANTIFRAUD_TOKEN_KEY": said, "ANTIFRAUD_TOKEN_KEY_RETIRED": "k0, k1"})
    assert loaded.text(old) == first.text(old)
    with pytest.raises(KeyRefused, match="letter"):
        TokenKey("k2", SECRET, retired=["K1"])


def test_key_ids_that_look_alike_in_tokens_are_refused() -> None:
    mark = hashlib.sha256(b"k1").digest()[0]
    alike = next(name for name in map("x{}".format, range(5_000)) if hashlib.sha256(name.encode()).digest()[0] == mark)
    with pytest.raises(KeyRefused, match="told apart"):
        TokenKey("k1", SECRET, retired=[alike])


def test_an_identity_says_under_which_key_it_was_sealed() -> None:
    sealed = Vault("k1", SECRET).seal(b"k1:00", b"who")
    assert sealed.startswith(b"k1:")
    with pytest.raises(SealBroken, match="sealed under key k1, this is k2"):
        Vault("k2", SECRET).open(b"k1:00", sealed)


@given(st.text(max_size=40))
def test_kinds_and_keys_have_nothing_in_common(value: str) -> None:
    tokens = {
        key.token(kind, value)
        for key in (TokenKey("k1", SECRET), TokenKey("k2", SECRET[::-1]))
        for kind in ("person", "account", "phone", "device")
    }
    assert len(tokens) == 8


def test_event_and_content_hashes_are_keyed() -> None:
    one, other = TokenKey("k1", SECRET), TokenKey("k1", SECRET[::-1])
    assert one.event_hash("CASPKZKA", "1") == one.event_hash("CASPKZKA", "1")
    assert (
        len({one.event_hash("CASPKZKA", "1"), one.event_hash("IRTYKZKA", "1"), other.event_hash("CASPKZKA", "1")}) == 3
    )
    assert one.content_hash(b"x") != other.content_hash(b"x")


@pytest.mark.parametrize("text", ["", "k1", "k1:00", "k1:" + "g" * 32])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"token|hexadecimal"):
        parse_token(text)


def test_the_vault_opens_only_what_it_sealed_under_that_token() -> None:
    vault = Vault("k1", SECRET)
    sealed = vault.seal(b"k1:00", b"who")
    assert b"who" not in sealed
    assert sealed != vault.seal(b"k1:00", b"who")
    assert vault.open(b"k1:00", sealed) == b"who"
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for opener, token, content in (
        (vault, b"k1:01", sealed),
        (vault, b"k1:00", flipped),
        (vault, b"k1:00", b""),
        (vault, b"k1:00", sealed[:5]),
        (Vault("k1", SECRET[::-1]), b"k1:00", sealed),
    ):
        with pytest.raises(SealBroken):
            opener.open(token, content)


def test_keys_come_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"k7:{HEXADECIMAL}\n")
    file.chmod(0o600)
    from_file = TokenKey.load({"ANTIFRAUD_TOKEN_KEY_FILE": str(file)})
    from_environment = TokenKey.load({"ANTIFRAUD_TOKEN_KEY": HEXADECIMAL})
    assert (from_file.key_id, from_environment.key_id) == ("k7", "k1")
    assert from_file.token("phone", "+7").key == from_environment.token("phone", "+7").key
    assert Vault.load({"ANTIFRAUD_VAULT_KEY_FILE": str(file)}).key_id == "k7"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "neither ANTIFRAUD_TOKEN_KEY_FILE nor ANTIFRAUD_TOKEN_KEY"),
        ({"ANTIFRAUD_TOKEN_KEY": "k1:secret"}, "at least 64 hexadecimal digits"),
        ({"ANTIFRAUD_TOKEN_KEY": "k1:" + "00" * 31}, "at least 64 hexadecimal digits"),
        ({"ANTIFRAUD_TOKEN_KEY": "k1:" + "00" * 32}, "random"),
        ({"ANTIFRAUD_TOKEN_KEY": "demo:" + HEXADECIMAL}, "demo"),
        ({"ANTIFRAUD_TOKEN_KEY_FILE": "/nowhere/key"}, "cannot be read"),
    ],
)
def test_unfit_keys_are_refused_with_a_remedy(environment: dict[str, str], words: str) -> None:
    with pytest.raises(KeyRefused, match=words) as caught:
        TokenKey.load(environment)
    assert caught.value.remedy
    assert HEXADECIMAL not in str(caught.value)


def test_a_key_file_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"k1:{HEXADECIMAL}")
    file.chmod(0o644)
    with pytest.raises(KeyRefused, match="chmod 600"):
        TokenKey.load({"ANTIFRAUD_TOKEN_KEY_FILE": str(file)})


def test_the_demo_keys_serve_the_demo_only() -> None:
    key, vault = demo_keys()
    assert key.key_id == vault.key_id == "demo"
    assert TokenKey.load({"ANTIFRAUD_DEMO": "1"}).token("person", "x") == key.token("person", "x")
    secret = key._secret.hex()
    assert TokenKey.load({"ANTIFRAUD_DEMO": "1", "ANTIFRAUD_TOKEN_KEY": secret})
    with pytest.raises(KeyRefused, match="demo"):
        TokenKey.load({"ANTIFRAUD_TOKEN_KEY": secret})


def test_nothing_shows_a_secret() -> None:
    assert HEXADECIMAL not in repr(TokenKey("k1", SECRET)) + repr(Vault("k1", SECRET))


def test_a_token_has_two_halves() -> None:
    assert Token(1, 2).raw == (1).to_bytes(8, "little") + (2).to_bytes(8, "little")
