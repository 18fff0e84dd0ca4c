"""Logs keep their identity however they are rotated: every line once, from the bytes on disk alone."""

import bz2
import gzip
import os
import random
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import UnreadableSource
from detector.sources import Compression, Fate, Log, StreamState, bind, chunks, key_of, listed, open_stream
from detector.sources.held import open_below

NOW = 1_700_000_000_000_000
MINUTE = 60_000_000


class Tail:
    """The smallest reader that binds as the daemon does: states in a list, lines in another."""

    def __init__(self, *names):
        self.names, self.states, self.lines, self.fates, self.mirrors = names, [], [], {}, {}

    def look(self, now=None):
        listing = listed([str(name) for name in self.names], self.states)
        found = bind(listing.logs, self.states, now or 2 * NOW, self.mirrors)
        self.fates = {Path(one.file.name).name: one.fate for one in found.files}
        self.mirrors = {key_of(one.file): one.state.id for one in found.files if one.state and one.fate is Fate.MIRROR}
        for one in found.files:
            if one.fate not in (Fate.MIRROR, Fate.WAITING):
                self.read(one)
        return found

    def read(self, binding):
        log, state = binding.file, binding.state
        if state is None:
            state = StreamState(f"s{len(self.states)}", "source", log.name)
        else:
            self.states.remove(state)
        with log.prints() as prints, log.segment() as segment:
            stop = prints.last_line() if log.compression is Compression.NONE else log.length
            if stop > state.offset:
                with open_stream(segment._replace(start=state.offset, stop=stop)) as reader:
                    for chunk in chunks(reader, state.offset, stop):
                        self.lines += bytes(chunk.buffer[: chunk.size]).splitlines()
        offset = max(stop, state.offset)
        with log.prints() as prints:
            found = prints.at(offset)
        self.states.append(
            state._replace(path=log.name, device=log.device, inode=log.inode, size=log.size, modified=log.modified,
                offset=offset, compression=log.compression, is_final=log.compression is not Compression.NONE,
                head_bytes=found.head_bytes, head_sha256=found.head_sha256,
                guard_bytes=found.guard_bytes, guard_sha256=found.guard_sha256,
            )
        )  # fmt: skip


class Writer:
    """Writes numbered lines, so that a lost or a doubled one shows."""

    def __init__(self, path):
        self.path, self.count, self.written = path, 0, []

    def write(self, lines=50, path=None):
        with (path or self.path).open("ab") as file:
            for _ in range(lines):
                line = b"%08d clearview.ai and some more words" % self.count
                self.count += 1
                self.written.append(line)
                file.write(line + b"\n")


@pytest.fixture
def log(tmp_path):
    return Writer(tmp_path / "access.log")


@pytest.fixture
def tail(tmp_path):
    return Tail(tmp_path / "access*")


def compressed(path, pack=gzip.compress, suffix=".gz"):
    path.with_name(path.name + suffix).write_bytes(pack(path.read_bytes()))


def rename_and_create(log):
    log.path.rename(f"{log.path}.1")


def copy_and_truncate(log):
    shutil.copy(log.path, f"{log.path}.1")
    os.truncate(log.path, 0)


def dated(log):
    log.path.rename(f"{log.path}-20200102")


def compressed_at_once(log):
    compressed(log.path)
    log.path.unlink()


def bzipped_copy(log):
    compressed(log.path, bz2.compress, ".1.bz2")
    os.truncate(log.path, 0)


def new_inode_of_same_name(log):
    log.path.rename(log.path.with_name("elsewhere"))
    shutil.copy(log.path.with_name("elsewhere"), log.path)
    log.path.with_name("elsewhere").unlink()


STYLES = [rename_and_create, copy_and_truncate, dated, compressed_at_once, bzipped_copy, new_inode_of_same_name]


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
@pytest.mark.parametrize("unread", [0, 40])
def test_a_rotated_log_is_read_once(log, tail, style, unread):
    log.write()
    tail.look()
    if unread:
        log.write(unread)
    style(log)
    log.write()
    tail.look()
    log.write()
    tail.look()
    assert sorted(tail.lines) == log.written


def test_a_log_is_compressed_late(log, tail, tmp_path):
    log.write()
    tail.look()
    log.write()
    rename_and_create(log)
    log.write()
    tail.look()
    compressed(tmp_path / "access.log.1")
    tail.look()
    assert tail.fates == {"access.log": Fate.GOES_ON, "access.log.1": Fate.GOES_ON, "access.log.1.gz": Fate.MIRROR}
    tail.look()
    (tmp_path / "access.log.1").unlink()
    log.write()
    tail.look()
    assert tail.fates == {"access.log": Fate.GOES_ON, "access.log.1.gz": Fate.ADOPTED}
    assert sorted(tail.lines) == log.written


def test_half_an_archive_is_a_mirror_while_the_log_is_there(log, tail, tmp_path):
    log.write(5000)
    tail.look()
    whole = gzip.compress(log.path.read_bytes())
    for part in (3, 200, len(whole) // 2, len(whole)):
        (tmp_path / "access.log.1.gz").write_bytes(whole[:part])
        tail.look()
        assert tail.fates.get("access.log.1.gz") in (Fate.MIRROR, None)
    log.path.unlink()
    tail.look()
    assert tail.fates == {"access.log.1.gz": Fate.ADOPTED}
    assert tail.lines == log.written


def test_half_a_copy_waits_when_the_log_has_gone(log, tail, tmp_path):
    log.write(500)
    tail.look()
    whole = log.path.read_bytes()
    log.path.unlink()
    copy = tmp_path / "access.log.1"
    copy.write_bytes(whole[: len(whole) // 2])
    modified = copy.stat().st_mtime_ns // 1000
    tail.look(now=modified + MINUTE // 2)
    assert tail.fates == {"access.log.1": Fate.WAITING}
    copy.write_bytes(whole)
    tail.look(now=modified + MINUTE // 2)
    assert tail.lines == log.written


def test_half_a_copy_that_is_left_alone_is_a_log_of_its_own(log, tail, tmp_path):
    log.write(500)
    tail.look()
    whole = log.path.read_bytes()
    log.path.unlink()
    copy = tmp_path / "access.log.1"
    copy.write_bytes(whole[: whole.rindex(b"\n", 0, len(whole) // 2) + 1])
    tail.look(now=copy.stat().st_mtime_ns // 1000 + 2 * MINUTE)
    assert tail.fates["access.log.1"] in (Fate.NEW, Fate.TRUNCATED)  # a file system may give the inode again


def test_a_backup_is_a_mirror_and_takes_over_where_it_is_longer(log, tail, tmp_path):
    log.write(100)
    shutil.copy(log.path, tmp_path / "access.backup")
    tail.look()
    assert sorted(tail.fates.values()) == [Fate.MIRROR, Fate.NEW]
    log.write(100)
    tail.look()
    tail.look()
    assert sorted(tail.fates.values()) == [Fate.GOES_ON, Fate.MIRROR]
    assert tail.lines == log.written


def test_a_truncated_log_is_a_new_stream(log, tail):
    log.write(100)
    tail.look()
    os.truncate(log.path, 0)
    found = tail.look()
    assert len(found.gone) == 1
    log.write(10)
    tail.look()
    assert tail.fates == {"access.log": Fate.TRUNCATED}
    assert tail.lines == log.written


def test_a_log_truncated_and_grown_beyond_its_old_size_is_a_new_stream(log, tail):
    log.write(100)
    tail.look()
    os.truncate(log.path, 0)
    log.write(300)
    tail.look()
    assert tail.fates == {"access.log": Fate.TRUNCATED}
    assert tail.lines == log.written


def test_an_inode_given_to_another_log_is_told_by_the_bytes(log, tail, tmp_path):
    log.write(100)
    tail.look()
    state = tail.states[0]
    other = Writer(tmp_path / "access.other")
    other.count = 5000
    other.write(200)
    tail.states = [state._replace(inode=other.path.stat().st_ino)]
    tail.look()
    assert tail.fates == {"access.log": Fate.ADOPTED, "access.other": Fate.TRUNCATED}
    assert sorted(tail.lines) == log.written + other.written


def test_a_partial_last_line_moves_nothing(log, tail):
    log.write(3)
    with log.path.open("ab") as file:
        file.write(b"00000003 clear")
    tail.look()
    assert tail.lines == log.written
    with log.path.open("ab") as file:
        file.write(b"view.ai\n")
    tail.look()
    assert tail.lines == [*log.written, b"00000003 clearview.ai"]


def test_equal_lines_are_lines_of_their_own(tmp_path, tail):
    path = tmp_path / "access.log"
    path.write_bytes(b"same\n" * 1000)
    tail.look()
    with path.open("ab") as file:
        file.write(b"same\n" * 500)
    tail.look()
    assert len(tail.lines) == 1500


def test_members_of_an_archive_are_streams_of_their_own(tmp_path, tail):
    one, two = Writer(tmp_path / "one"), Writer(tmp_path / "two")
    one.write()
    two.count = 1000
    two.write()
    with zipfile.ZipFile(tmp_path / "access.zip", "w") as archive:
        archive.write(one.path, "one.log")
        archive.write(two.path, "two.log")
    tail.look()
    tail.look()
    assert tail.fates == {"access.zip!one.log": Fate.GOES_ON, "access.zip!two.log": Fate.GOES_ON}
    assert sorted(tail.lines) == one.written + two.written


def test_a_damaged_archive_is_no_log_and_nothing_breaks(tmp_path, tail):
    (tmp_path / "access.zip").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "access.gz").write_bytes(b"\x1f\x8b and no more")
    (tmp_path / "access.log").write_bytes(b"good\n")
    listing = listed(tail.names and [str(tmp_path / "access*")])
    assert [one.path for one in listing.refused] == [str(tmp_path / "access.zip")]
    found = bind(listing.logs, [], NOW)
    assert [Path(one.file.name).name for one in found.files] == ["access.log"]
    assert [Path(one.path).name for one in found.unread] == ["access.gz"]


def test_utf16_is_followed_in_utf8(tmp_path, tail):
    path = tmp_path / "access.log"
    path.write_bytes("first\nsecond\n".encode("utf-16"))
    tail.look()
    with path.open("ab") as file:
        file.write("third ✓\n".encode("utf-16-le"))
    tail.look()
    assert tail.lines == ["\ufefffirst".encode(), b"second", "third ✓".encode()]


class TestOpening:
    def test_a_link_inside_the_folder_is_its_target(self, tmp_path, log, tail):
        log.write()
        (tmp_path / "access.latest").symlink_to(log.path)
        tail.look()
        tail.look()
        assert tail.lines == log.written

    def test_a_link_out_of_the_folder_is_refused(self, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("root\n")
        folder = tmp_path / "logs"
        folder.mkdir()
        (folder / "access.log").symlink_to(secret)
        log = Log(str(folder / "access.log"), str(folder))
        with pytest.raises(UnreadableSource, match="is a link that leads out of its folder"), log.opened():
            pass
        assert [one.reason for one in bind([log], [], NOW).unread] == ["is a link that leads out of its folder"]

    def test_a_pipe_is_refused_without_waiting(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UnreadableSource, match="is not a regular file"):
            open_below(str(tmp_path / "pipe"), str(tmp_path))

    def test_a_file_that_was_replaced_is_not_read_as_the_one_that_was_listed(self, log):
        log.write()
        listed_log = Log(str(log.path), str(log.path.parent))
        log.path.rename(f"{log.path}.1")
        log.write()
        with pytest.raises(UnreadableSource, match="was replaced while it was looked at"), listed_log.opened():
            pass

    def test_a_held_file_is_read_to_its_end_after_it_was_removed(self, log):
        log.write()
        held = Log(str(log.path), str(log.path.parent)).hold()
        log.path.unlink()
        with held.segment() as segment, open_stream(segment) as reader:
            assert reader.read(1 << 20).splitlines() == log.written
        held.close()
        with pytest.raises(UnreadableSource, match="No such file"), held.opened():
            pass

    def test_what_has_gone_is_refused(self, tmp_path):
        with pytest.raises(UnreadableSource, match="No such file"):
            Log(str(tmp_path / "none"), str(tmp_path))

    def test_streams_of_files_that_cannot_be_read_have_not_gone(self, log, tail, monkeypatch):
        log.write()
        tail.look()
        monkeypatch.setattr(Log, "verifies", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        found = tail.look()
        assert (found.files, found.gone) == ((), ())
        assert "Input/output error" in found.unread[0].reason


def test_an_archive_read_to_its_end_is_not_unpacked_again(log, tail, monkeypatch):
    log.write()
    compressed_at_once(log)
    tail.look()
    monkeypatch.setattr(Log, "verifies", lambda *_: pytest.fail("unpacked again"))
    tail.read = lambda _: None
    tail.look()
    assert tail.fates == {"access.log.gz": Fate.GOES_ON}


def test_a_mirror_that_has_not_changed_is_not_unpacked_again(log, tail, monkeypatch):
    log.write()
    tail.look()
    compressed(log.path)
    tail.look()
    monkeypatch.setattr(Log, "length", property(lambda _: pytest.fail("unpacked again")))
    tail.read = lambda _: None
    tail.look()
    assert tail.fates == {"access.log": Fate.GOES_ON, "access.log.gz": Fate.MIRROR}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(3, 12))
def test_whatever_happens_between_two_looks_every_line_is_read_once(tmp_path_factory, seed, steps):
    rng = random.Random(seed)
    folder = tmp_path_factory.mktemp("any")
    log, tail = Writer(folder / "access.log"), Tail(folder / "access*")
    for step in range(steps):
        log.write(rng.choice([1, 3, 40, 400]))
        if rng.random() < 0.6:
            tail.look()
        if rng.random() < 0.5:
            rotate(log, rng, f"{step}")
    log.write()
    tail.look()
    tail.look()
    assert sorted(tail.lines) == log.written


def rotate(log, rng, name):
    """Rotate in one of the styles, under a name of its own; sometimes compress an older rotation."""
    if log.path.exists():
        style = rng.choice(["rename", "copy", "gzip"])
        target = log.path.with_name(f"access.log.{name}")
        if style == "rename":
            log.path.rename(target)
        elif style == "copy":
            shutil.copy(log.path, target)
            os.truncate(log.path, 0)
        else:
            target.with_name(f"{target.name}.gz").write_bytes(gzip.compress(log.path.read_bytes()))
            log.path.unlink()
    plain = [one for one in sorted(log.path.parent.glob("access.log.*")) if one.suffix not in (".gz", ".bz2")]
    if plain and rng.random() < 0.5:
        chosen = rng.choice(plain)
        compressed(chosen)
        chosen.unlink()
