"""Labels are read from three or four columns, and what is wrong with a file is said with its place."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from streams.evaluation.labels import Label, LabelsInvalid, read_labels


def test_four_columns_name_the_case(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("event_id,label,scenario,case\na,1,T01,T01-elimai-1\nb,0,,wedding-3\nc,0,,\n", encoding="utf-8")
    labels = read_labels([file])
    found = {event: labels.known[number] for event, number in labels.numbers.items()}
    assert found == {
        b"a": Label(True, "T01", "T01-elimai-1"),
        b"b": Label(False, "", "wedding-3"),
        b"c": Label(False, "", ""),
    }


def test_three_columns_and_compressed_files_do_too(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.gz"
    with gzip.open(file, "wt") as stream:
        stream.write("event_id,label,scenario\na,1,fan_in\n")
    labels = read_labels([file])
    assert labels.known[labels.numbers[b"a"]] == Label(True, "fan_in", "")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "a.csv:1:1:"),
        ("id,label\n", "a.csv:1:1:"),
        ("event_id,label,scenario\nx,yes,\n", "a.csv:2:3:"),
        ("event_id,label,scenario\nab,1,\n", "a.csv:2:6:"),
        ("event_id,label,scenario\nab,1\n", "a.csv:2:1:"),
        ("event_id,label,scenario\n,0,\n", "a.csv:2:1:"),
        ("event_id,label,scenario\na,0,\nb,0,\na,0,\n", "a.csv:4:1:"),
    ],
)
def test_faults_are_told_with_file_line_and_column(tmp_path: Path, text: str, place: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(LabelsInvalid) as refused:
        read_labels([file])
    assert place in str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"event_id,label,scenario\n\xff\xfe,0,\n")
    with pytest.raises(LabelsInvalid, match=r"a\.csv"):
        read_labels([file])
