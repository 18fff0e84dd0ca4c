"""Strict YAML: plain data only, every fault with its place, and no text that takes the program down."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yaml import safe_dump

from detector import documents
from detector.documents import DEPTH_LIMIT, SIZE_LIMIT_BYTES, parse, read


def data(text):
    document = parse(text.encode(), "f.yml")
    assert document.problems == ()
    return document.data


def problem(text):
    document = parse(text if isinstance(text, bytes) else text.encode(), "f.yml")
    assert document.data is None
    (only,) = document.problems
    return str(only)


@pytest.mark.parametrize(
    "text",
    ["no", "on", "Yes", "true", "012", "0x1F", "0o17", "12:30:00", "1e3", ".inf", "2020-02-27", "1_000", "!", "="],
)
def test_what_yaml_would_make_something_else_stays_text(text):
    assert data(f"a: {text}" if text != "!" else "a: '!'") == {"a": text}


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_a_plain_nothing_is_none_and_a_quoted_one_is_text(text):
    assert data(f"a: {text}") == {"a": None}
    assert data(f"a: '{text}'") == {"a": text}


def test_keys_are_text_whatever_they_look_like():
    assert data("null: 1\n1: 2\nno: 3\n<<: 4\n? long\n: 5\n") == {
        "null": "1",
        "1": "2",
        "no": "3",
        "<<": "4",
        "long": "5",
    }


def test_mappings_and_sequences_nest():
    assert data("a: [1, {b: [x]}]\nc:\n  - d: e\n    f: g\n  -\n") == {
        "a": ["1", {"b": ["x"]}],
        "c": [{"d": "e", "f": "g"}, None],
    }


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "--- ~\n...\n"])
def test_an_empty_document_is_none_without_a_problem(text):
    assert data(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\n'a': 3\n", "f.yml:3:1: key 'a' stands twice"),
        ("x:\n  - {k: 1, k: 2}\n", "f.yml:2:12: key 'k' stands twice"),
        ("a: &x 1\n", "f.yml:1:4: anchors are not allowed: write the value again"),
        ("a: &x {b: 1}\n", "f.yml:1:4: anchors are not allowed: write the value again"),
        ("a: 1\nb: *a\n", "f.yml:2:4: aliases are not allowed: write the value again"),
        ("a: !!python/object/apply:os.system [id]\n", "f.yml:1:4: tags are not allowed: write plain values"),
        ("a: !!str 1\n", "f.yml:1:4: tags are not allowed: write plain values"),
        ("? [a, b]\n: 1\n", "f.yml:1:3: a key must be text"),
        ("{{a: 1}: 2}", "f.yml:1:2: a key must be text"),
        ("a: 1\n---\nb: 2\n", "f.yml:2:1: only one document a file is allowed"),
        ("a: [1, 2\nb: 3\n", "f.yml:2:2: is not YAML: did not find expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", "f.yml:2:1: is not YAML: found a tab character that violates indentation"),
    ],
)
def test_what_is_not_allowed_is_told_with_its_place(text, message):
    assert problem(text) == message


def test_columns_count_characters_not_bytes():
    assert problem("ключ: {ä: 1, ä: 2}\n") == "f.yml:1:14: key 'ä' stands twice"


@pytest.mark.parametrize(
    "text", [b"\x00\x01\x02\x7fELF", b"\xff\xfe\x00", b"a: \xc3\x28\n", b"a: \x07\n", b"\x1f\x8b\x08rest"]
)
def test_binary_is_a_problem(text):
    assert problem(text).startswith("f.yml:")


def test_a_byte_order_mark_and_utf_16_are_read():
    assert parse(b"\xef\xbb\xbfa: 1\n", "f").data == {"a": "1"}
    assert parse("\ufeffa: ä\n".encode("utf-16-le"), "f").data == {"a": "ä"}


def test_depth_up_to_the_limit_is_read_and_beyond_refused():
    assert data("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT)
    assert problem("[" * (DEPTH_LIMIT + 1) + "]" * (DEPTH_LIMIT + 1)) == "f.yml:1:21: is nested deeper than 20 levels"


@pytest.mark.parametrize(
    "bomb",
    [
        "[" * 20_000,
        "{a: " * 20_000,
        "- " * 20_000,
        "\n".join(" " * depth + "a:" for depth in range(2_000)),
        "a: &a [x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)),
        "a: &a [*a]\n",
        "? " * 20_000,
    ],
    ids=["flow", "maps", "sequences", "block", "laughs", "itself", "keys"],
)
def test_a_bomb_is_refused_at_once(bomb):
    started = time.process_time()
    assert problem(bomb).startswith("f.yml:")
    assert time.process_time() - started < 1


def test_a_file_over_the_size_limit_is_refused(tmp_path):
    path = tmp_path / "big.yml"
    path.write_bytes(b"a: 1 #" + b"x" * (SIZE_LIMIT_BYTES - 6))
    assert read(path).data == {"a": "1"}
    path.write_bytes(b"a: 1 #" + b"x" * SIZE_LIMIT_BYTES)
    assert str(read(path).problems[0]) == f"{path}:0:0: is larger than {SIZE_LIMIT_BYTES} bytes"


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path):
    assert (
        str(read(tmp_path / "none.yml").problems[0])
        == f"{tmp_path / 'none.yml'}:0:0: cannot be read: No such file or directory"
    )
    assert "Is a directory" in str(read(tmp_path, "shown").problems[0])
    assert read(tmp_path, "shown").path == "shown"


PLACES = b"# comment\nid: x\nlist:\n  - a\n  - key: value\n    other: [1, 2]\nempty:\n"


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ((), (2, 1)),
        (("id",), (2, 1)),
        (("list",), (3, 1)),
        (("list", 0), (4, 5)),
        (("list", 1), (5, 5)),
        (("list", 1, "other"), (6, 5)),
        (("list", 1, "other", 1), (6, 16)),
        (("list", 7), (3, 1)),
        (("list", 1, "missing"), (5, 5)),
        (("list", "tagged-union", 1, "key"), (5, 5)),
        (("id", "deeper"), (2, 1)),
        (("empty", 0), (7, 1)),
    ],
)
def test_a_problem_stands_at_the_value_or_its_nearest_parent(keys, place):
    found = parse(PLACES, "f.yml").problem(keys, "is wrong")
    assert (found.line, found.column) == place
    assert str(found) == f"f.yml:{place[0]}:{place[1]}: is wrong"


def test_a_problem_of_an_empty_document_means_the_whole_file():
    assert str(parse(b"", "f.yml").problem(("a",), "is missing")) == "f.yml:0:0: is missing"


def test_many_problems_of_one_large_file_are_placed_in_a_moment():
    document = parse(b"".join(b"key%05d: value\n" % number for number in range(20_000)), "f.yml")
    started = time.process_time()
    assert [document.problem((f"key{number:05d}",), "").line for number in range(20_000)] == list(range(1, 20_001))
    assert time.process_time() - started < 10


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
DATA = st.recursive(
    st.none() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(DATA)
def test_what_is_written_as_yaml_is_read_as_it_was(value):
    written = safe_dump(value, allow_unicode=True, default_style='"' if isinstance(value, str) else None)
    document = parse(written.encode(), "f")
    assert document.problems == ()
    assert document.data == value


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text("[]{}:-?&*!|>'\"#%@` \n\tab1,~", max_size=60).map(str.encode))
def test_no_bytes_raise(text):
    document = parse(text, "f")
    assert document.problems or documents.Document("f", document.data, text) == document
