"""From names to chunks of whole lines, whatever is around the bytes."""

import bz2
import functools
import gzip
import io
import json
import lzma
import os
import random
import subprocess
import sys
import zipfile
from itertools import pairwise
from unittest.mock import Mock, patch

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import examples, planned, small_ruleset, small_sizes

from detector.errors import UnreadableSource
from detector.events import Layout
from detector.formats import own_formats
from detector.scan import Scanner, Settings, gather, scan
from detector.sources import (
    Compression,
    DamagedStream,
    Framing,
    Limits,
    Segment,
    chunks,
    detect,
    find,
    framing_of,
    laid_out,
    members,
    open_regular,
    open_stream,
    segments_of,
)
from detector.sources.chunks import KEPT_HEAD_BYTES, KEPT_TAIL_BYTES, LINE_LIMIT_BYTES
from detector.sources.compression import inflated
from detector.sources.framing import framed
from detector.sources.opening import utf16_of

PACKERS = {
    Compression.GZIP: lambda data: gzip.compress(data, mtime=0), Compression.ZSTD: zstandard.ZstdCompressor(write_checksum=True).compress,  # noqa: E501
    Compression.BZIP2: bz2.compress, Compression.XZ: lzma.compress,
}  # fmt: skip
rng = random.Random(3)
TEXT = b"".join(b"%d %s\n" % (number, rng.randbytes(30).hex().encode()) for number in range(20_000))


@functools.cache
def packed_text(compression):
    return PACKERS[compression](TEXT)


class Blocks:
    """A stream in pieces of any size that may break at its end."""

    def __init__(self, data, sizes=(1 << 20,), fault=None):
        self.data, self.sizes, self.fault, self.turn = io.BytesIO(data), sizes, fault, 0

    def read(self, limit):
        self.turn += 1
        block = self.data.read(min(limit, self.sizes[self.turn % len(self.sizes)]))
        if not block and self.fault:
            raise self.fault
        return block

    def readinto(self, view):
        block = self.read(len(view))
        view[: len(block)] = block
        return len(block)


def cut(data, size=4096, start=0, stop=None, **said):
    """The chunks of some bytes as (offset, bytes, oversize bytes, hole bytes)."""
    reader = Blocks(data[max(start - 1, 0) :], **said)
    return [(one.offset, bytes(one.buffer[: one.size]), one.oversize_bytes, one.hole_bytes)
            for one in chunks(reader, start, stop, size)]  # fmt: skip


def segment(path, **said):
    with open_regular(str(path)) as file:
        return Segment("s", str(path), "", detect(file.read(512)), **said)


def read_all(one, limit=1 << 16, **said):
    """The bytes of a segment and why they end."""
    data = b""
    try:
        with open_stream(one, **said) as reader:
            while block := reader.read(limit):
                data += block
    except DamagedStream as fault:
        return data, str(fault)
    return data, ""


class TestFinding:
    def test_names_lead_to_files_once_and_in_order(self, tmp_path):
        for name in ("b.log", "a.log", ".hidden", "sub/c.log"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        found = find([str(tmp_path), str(tmp_path / "a.log"), str(tmp_path / "*.log"), "-"])
        assert [os.path.relpath(path, tmp_path) if path != "-" else path for path in found.paths] == [
            ".hidden", "a.log", "b.log", "sub/c.log", "-",
        ]  # fmt: skip
        assert found.refused == ()

    @pytest.mark.parametrize(("name", "reason"), [("missing", "no such file or folder"), ("*.nothing", "no file matches"),  # noqa: E501
                                                  ("a\0b", "no such file or folder")])  # fmt: skip
    def test_a_name_that_leads_nowhere_is_refused(self, name, reason, tmp_path):
        found = find([str(tmp_path / name)])
        assert [fault.reason for fault in found.refused] == [reason]

    def test_a_name_with_the_letters_of_a_glob_is_a_name_first(self, tmp_path):
        (tmp_path / "[a].log").touch()
        assert find([str(tmp_path / "[a].log")]).paths == (str(tmp_path / "[a].log"),)

    def test_a_link_that_is_named_is_followed_and_a_dangling_one_refused(self, tmp_path):
        (tmp_path / "a.log").touch()
        (tmp_path / "link").symlink_to("a.log")
        (tmp_path / "dangling").symlink_to("nowhere")
        found = find([str(tmp_path / "link"), str(tmp_path / "dangling")])
        assert found.paths == (str(tmp_path / "link"),)
        assert [fault.reason for fault in found.refused] == ["No such file or directory"]


class TestOpening:
    def test_what_is_no_regular_file_is_refused(self, tmp_path):
        os.mkfifo(tmp_path / "fifo")
        for name in (tmp_path, tmp_path / "fifo", tmp_path / "missing", "/dev/zero"):
            with pytest.raises(UnreadableSource):
                open_regular(str(name))

    def test_standard_input_is_read_as_it_comes(self, root):
        code = ("from detector.sources import *\nwith open_stream(Segment('s', '-', '', Compression.NONE)) as reader:\n"
                "    print([bytes(one.buffer[:one.size]) for one in chunks(reader, 0, None)])")  # fmt: skip
        done = subprocess.run([sys.executable, "-c", code], input=b"a\nb\n", capture_output=True, check=True, cwd=root)
        assert done.stdout == b"[b'a\\nb\\n']\n"

    @pytest.mark.parametrize(("head", "encoding"), [
        (b"\xff\xfea\0", "utf-16-le"), (b"\xfe\xff\0a", "utf-16-be"), (b"a\0b\0c\0d\0", "utf-16-le"), (b"\0a\0b\0c\0d", "utf-16-be"),  # noqa: E501
        (b"\xff\xfe\0\0a\0\0\0", None), (b"plain text", None), (b"", None), (b"\0" * 300, None), (b"a\0", None),
    ])  # fmt: skip
    def test_utf16_is_told_by_its_mark_or_its_nul_bytes(self, head, encoding):
        assert utf16_of(head) == encoding

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    @pytest.mark.parametrize("packed", [False, True])
    def test_utf16_becomes_utf8(self, encoding, packed, tmp_path):
        text = "\ufeffübung \U0001f600 line\n" * 3000
        data = text.encode(encoding)
        (tmp_path / "a").write_bytes(gzip.compress(data) if packed else data)
        assert read_all(segment(tmp_path / "a"), 1001) == (text.encode(), "")

    def test_half_a_character_at_the_end_is_replaced(self, tmp_path):
        (tmp_path / "a").write_bytes("\ufeffab\n".encode("utf-16-le") + b"x")
        assert read_all(segment(tmp_path / "a"))[0] == "\ufeffab\n\ufffd".encode()

    @pytest.mark.parametrize("ahead", [False, True])
    @pytest.mark.parametrize("compression", PACKERS)
    def test_what_was_packed_comes_out(self, compression, ahead, tmp_path):
        (tmp_path / "a").write_bytes(packed_text(compression))
        assert segment(tmp_path / "a").compression is compression
        assert read_all(segment(tmp_path / "a"), 70_001, ahead=ahead) == (TEXT, "")

    @pytest.mark.parametrize("compression", PACKERS)
    def test_members_follow_each_other_with_padding_between(self, compression, tmp_path):
        pack = PACKERS[compression]
        parts = [TEXT[:5], b"", TEXT[5:3000], TEXT[3000:3001], TEXT[3001:]]
        (tmp_path / "a").write_bytes(b"".join(pack(part) + b"\0" * 512 for part in parts))
        assert read_all(segment(tmp_path / "a")) == (TEXT, "")

    @pytest.mark.parametrize("ahead", [False, True])
    @pytest.mark.parametrize("compression", PACKERS)
    @pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
    def test_a_cut_off_file_gives_what_stands_before_the_cut(self, compression, share, ahead, tmp_path):
        packed = packed_text(compression)
        (tmp_path / "a").write_bytes(packed[: int(len(packed) * share)])
        data, reason = read_all(segment(tmp_path / "a"), ahead=ahead)
        assert TEXT.startswith(data)
        assert "cut off" in reason
        if compression in (Compression.GZIP, Compression.ZSTD):
            assert len(data) > len(TEXT) * (share - 0.2)

    @pytest.mark.parametrize("compression", PACKERS)
    def test_a_corrupt_file_gives_a_beginning_and_the_reason(self, compression, tmp_path):
        packed = bytearray(packed_text(compression))
        packed[len(packed) // 2] ^= 0xFF
        packed[len(packed) // 2 + 1] ^= 0xFF
        (tmp_path / "a").write_bytes(packed)
        data, reason = read_all(segment(tmp_path / "a"))
        assert "corrupt compressed data" in reason
        same = len(os.path.commonprefix([data, TEXT]))  # noqa: RUF071
        assert same >= (len(TEXT) // 3 if compression is Compression.GZIP else 0)

    @pytest.mark.parametrize("text", [TEXT, TEXT[:300]])
    def test_a_wrong_checksum_costs_no_line(self, text, tmp_path):
        packed = gzip.compress(text)
        (tmp_path / "a").write_bytes(packed[:-8] + b"\1\2\3\4" + packed[-4:])
        data, reason = read_all(segment(tmp_path / "a"))
        assert data == text
        assert "checksum" in reason.lower()

    @pytest.mark.parametrize("compression", PACKERS)
    @pytest.mark.parametrize("tail", [b"garbage", b"\0\0garbage that is longer than magic"])
    def test_a_garbage_tail_is_told_and_costs_no_line(self, compression, tail, tmp_path):
        (tmp_path / "a").write_bytes(packed_text(compression) + tail)
        data, reason = read_all(segment(tmp_path / "a"))
        assert data == TEXT
        assert reason

    def test_a_fault_of_the_disk_is_survived_where_the_second_try_works(self, tmp_path):
        text, faults, buffer = random.Random(3).randbytes(1 << 20), [OSError(5, "Input/output error")], bytearray(1000)
        (tmp_path / "a").write_bytes(lzma.compress(text))
        with (tmp_path / "a").open("rb", buffering=0) as file:

            def fails_once(size):
                if faults and file.tell():
                    raise faults.pop()
                return file.read(size)

            reader = inflated(Compression.XZ, Mock(read=fails_once, seek=file.seek))
            data = reader.read(1000)
            while len(data) < len(text):
                data += buffer[: reader.readinto(memoryview(buffer))]
            assert data == text
            assert not faults
            with pytest.raises(DamagedStream, match="Input/output"):
                reader.read(1)

    def test_a_gzip_file_that_fails_once_is_read_again_by_pieces(self, tmp_path):
        (tmp_path / "a").write_bytes(gzip.compress(TEXT))
        with (tmp_path / "a").open("rb", buffering=0) as file:
            reader = inflated(Compression.GZIP, file)
            first = reader.read(1000)
            with patch.object(gzip.GzipFile, "read", side_effect=OSError(5, "Input/output error")):
                rest = b"".join(iter(lambda: reader.read(1 << 20), b""))
            assert first + rest == TEXT

    def test_a_giant_dictionary_is_refused(self, tmp_path):
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
        (tmp_path / "a").write_bytes(lzma.compress(b"x\n", filters=filters))
        assert "emory" in read_all(segment(tmp_path / "a"))[1]

    @pytest.mark.parametrize("limits", [Limits(2, 1 << 40, 1000), Limits(10**6, 5000, 1)])
    def test_a_stream_that_grows_too_much_is_refused(self, limits, tmp_path):
        (tmp_path / "a").write_bytes(gzip.compress(b"x" * 10**7))
        data, reason = read_all(segment(tmp_path / "a"), 1000, limits=limits)
        assert "decompression bomb" in reason
        assert len(data) < 10**6

    def test_a_hole_in_a_log_is_no_bomb(self, tmp_path):
        hole, rest = bytes(10**7), random.Random(3).randbytes(10**6)
        (tmp_path / "a").write_bytes(gzip.compress(hole + rest))
        assert read_all(segment(tmp_path / "a"), 1 << 20, limits=Limits(20, 1 << 40, 1000)) == (hole + rest, "")

    def test_a_tar_archive_is_refused(self, tmp_path):
        (tmp_path / "a").write_bytes(b"a.log".ljust(257, b"\0") + b"ustar\x0000" + b"\0" * 300)
        with pytest.raises(UnreadableSource, match="tar"), open_stream(segment(tmp_path / "a")):
            pass

    def test_leaving_early_stops_the_thread(self, tmp_path):
        (tmp_path / "a").write_bytes(gzip.compress(TEXT * 20))
        with open_stream(segment(tmp_path / "a"), ahead=True) as reader:
            assert reader.read(10) == TEXT[:10]

    @pytest.mark.parametrize(("head", "compression"), [
        (b"BZh91AY&SY", Compression.BZIP2), (b"BZhello, a log", Compression.NONE), (b"\x50\x2a\x4d\x18", Compression.ZSTD),  # noqa: E501
        (b"P*M", Compression.NONE), (b"PK\5\6", Compression.ZIP), (b"", Compression.NONE), (b"\x1f", Compression.NONE),
    ])  # fmt: skip
    def test_compression_is_told_by_magic_bytes(self, head, compression):
        assert detect(head) is compression


class TestZip:
    def archive(self, path, *entries, method=zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(path, "w", method) as file:
            for name, data in entries:
                file.writestr(name, data)
        return path

    def part(self, path, name):
        return Segment("s", str(path), name, Compression.ZIP)

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_members_are_listed_and_read(self, method, tmp_path):
        path = self.archive(tmp_path / "a", ("x/", b""), ("x/a.log", TEXT), ("../b.log", b"b\n"), method=method)
        assert [name for name, _ in members(str(path))] == ["x/a.log", "../b.log"]
        assert read_all(self.part(path, "x/a.log")) == (TEXT, "")
        assert self.part(path, "x/a.log").name == f"{path}!x/a.log"

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_any_flipped_byte_is_told_or_harmless(self, method, tmp_path):
        data = self.archive(tmp_path / "a", ("a.log", TEXT[:3000]), method=method).read_bytes()
        bad = tmp_path / "bad"
        for _ in range(150):
            changed = bytearray(data)
            changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            bad.write_bytes(changed)
            try:
                for name, _ in members(str(bad)):
                    read_all(self.part(bad, name))
            except UnreadableSource:
                pass

    def test_what_cannot_be_unpacked_is_refused(self, tmp_path):
        path = self.archive(tmp_path / "a", ("a.log", b"a\n"))
        with pytest.raises(UnreadableSource, match="cannot be unpacked"), open_stream(self.part(path, "missing")):
            pass
        path.write_bytes(path.read_bytes()[:-4])
        with pytest.raises(UnreadableSource, match="damaged zip archive"):
            members(str(path))

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_two_members_of_one_name_are_refused(self, tmp_path):
        path = self.archive(tmp_path / "a", ("a.log", b"a\n"), ("a.log", b"b\n"))
        with pytest.raises(UnreadableSource, match="several files of one name"):
            members(str(path))

    def test_a_fault_of_the_caller_is_not_taken_for_one_of_the_archive(self, tmp_path):
        path = self.archive(tmp_path / "a", ("a.log", b"a\n"))
        with pytest.raises(ValueError, match="mine"), open_stream(self.part(path, "a.log")):
            raise ValueError("mine")


class TestChunks:
    def test_lines_come_whole(self):
        found = cut(TEXT, 4096)
        assert b"".join(data for _, data, _, _ in found) == TEXT
        assert all(data.endswith(b"\n") for _, data, _, _ in found)
        assert [offset for offset, _, _, _ in found] == [
            len(b"".join(d for _, d, _, _ in found[:n])) for n in range(len(found))
        ]
        assert all(offset // 4096 < 1 + (offset + len(data) - 1) // 4096 for offset, data, _, _ in found)

    @pytest.mark.parametrize("data", [b"", b"\n", b"a", b"a\n", b"\n\n\n", b"a\nb"])
    def test_small_streams_are_one_chunk_or_none(self, data):
        assert cut(data) == ([(0, data, 0, 0)] if data else [])

    @settings(deadline=None, derandomize=True, max_examples=examples(150))
    @given(data=st.lists(st.sampled_from([b"", b"a", b"\0" * 90, b"\0" * 300 + b"c", b"b" * 63, b"b" * 64, b"x" * 255, b"x" * 256,  # noqa: E501
                                          b"x" * 257, b"y" * 700]), max_size=30).map(b"\n".join),
           sizes=st.lists(st.integers(1, 400), min_size=1, max_size=4), size=st.sampled_from([16, 64, 256]))  # fmt: skip  # noqa: E501
    def test_chunks_depend_on_the_bytes_alone(self, data, sizes, size):
        limits, *_ = small_sizes(line=256)
        with limits:
            found = cut(data, size, sizes=sizes)
            assert found == cut(data, size)
            assert sum((over or len(kept)) + hole for _, kept, over, hole in found) == len(data)
            assert sum(
                1 if over else kept.count(b"\n") + (not kept.endswith(b"\n")) for _, kept, over, _ in found
            ) == data.count(b"\n") + bool(data and not data.endswith(b"\n"))
            for offset, kept, over, _ in found:
                assert data[offset : offset + (64 if over else len(kept))] == kept[: 64 if over else None]
            ranges = [*range(0, max(len(data), 1), size), None]
            parts = [one for start, stop in pairwise(ranges) for one in cut(data, size, start, stop)]
            assert b"".join(kept for _, kept, _, _ in parts) == b"".join(kept for _, kept, _, _ in found)

    def test_a_line_at_the_limit_is_whole_and_one_beyond_is_not(self):
        whole = b"x" * LINE_LIMIT_BYTES + b"\n"
        assert cut(whole, 1 << 20) == [(0, whole, 0, 0)]
        ((offset, kept, over, _),) = cut(b"x" + whole, 1 << 20)
        assert (offset, len(kept), over) == (0, KEPT_HEAD_BYTES + KEPT_TAIL_BYTES, len(whole) + 1)
        assert kept.endswith(b"x\n")

    def test_an_oversize_line_keeps_its_head_and_its_tail(self):
        line = b"head" + b"x" * 3_000_000 + b"tail"
        for end in (b"", b"\n", b"\nnext\n"):
            found = cut(b"before\n" + line + end, 1 << 20)
            kept = found[1]
            assert (kept[0], kept[2]) == (7, len(line) + bool(end))
            assert kept[1].startswith(b"headx")
            assert kept[1].rstrip(b"\n").endswith(b"xtail")
            assert len(found) == (3 if b"next" in end else 2)

    def test_a_hole_is_left_out_and_counted(self):
        found = cut(b"a\n" + b"\0" * 3_000_000 + b"b\n\0c\n", 1 << 20)
        assert found == [(0, b"a\n", 0, 0), (3_000_002, b"b\n", 0, 3_000_000), (3_000_004, b"\0c\n", 0, 0)]

    def test_a_hole_up_to_the_end_is_a_line(self):
        assert cut(b"a\n" + b"\0" * 3_000_000, 1 << 20) == [(0, b"a\n", 0, 0), (3_000_001, b"\0", 0, 2_999_999)]

    def test_a_hole_before_an_oversize_line_counts(self):
        _, (offset, kept, over, hole) = cut(b"a\n" + b"\0" * 2_000_000 + b"x" * 2_000_000 + b"\n", 1 << 20)
        assert (offset, over, hole) == (2_000_002, 2_000_001, 2_000_000)
        assert kept.startswith(b"xx")

    @pytest.mark.parametrize("fault", [DamagedStream("broken"), OSError(5, "Input/output error")])
    @pytest.mark.parametrize(("data", "given_bytes"), [
        (b"a\nb\nunfinished", 4), (b"", 0), (b"unfinished", 0), (b"a\n", 2), (TEXT, len(TEXT)), (b"a\n" + b"x" * 3_000_000, 2),  # noqa: E501
        (b"a\n" + b"\0" * 3_000_000, 2), (b"a\n" + b"\0" * 2_000_000 + b"x" * 2_000_000, 2), (b"a\n" + b"\0" * 2_000_000 + b"x", 2),  # noqa: E501
    ])  # fmt: skip
    def test_every_line_before_a_break_is_given_and_no_part_of_one(self, data, given_bytes, fault):
        found = []
        with pytest.raises(type(fault)):  # noqa: PT012
            for one in chunks(Blocks(data, fault=fault), 0, None, 1 << 20):
                found.append(bytes(one.buffer[: one.size]))  # noqa: PERF401
        assert b"".join(found) == data[:given_bytes]

    def test_a_break_before_the_first_line_of_a_range_is_raised(self):
        with pytest.raises(DamagedStream):
            list(chunks(Blocks(b"no newline", fault=DamagedStream("broken")), 100, None, 50))

    def test_ranges_hold_the_lines_that_start_in_them(self):
        data = b"aaa\nbbb\n" + b"c" * 30 + b"\nddd"
        assert [cut(data, 4, start, start + 4 if start < 36 else None) for start in (0, 4, 8, 12, 36)] == [
            [(0, b"aaa\n", 0, 0)], [(4, b"bbb\n", 0, 0)], [(8, b"c" * 30 + b"\n", 0, 0)], [], [(39, b"ddd", 0, 0)],
        ]  # fmt: skip

    def test_only_plain_files_are_cut_into_ranges(self):
        whole = Segment("s", "a", "", Compression.NONE)
        assert len(segments_of(whole, 1000, 100)) == 10
        assert segments_of(whole, 100, 100) == [whole]
        for other in (whole._replace(compression=Compression.GZIP), whole._replace(framing=Framing.WRAPPED)):
            assert segments_of(other, 1000, 100) == [other]


class TestFraming:
    RECORDS = [{"a": 1, "b": {"c": [1, {"d": "}\n]"}]}}, {"a": 'x,"y\\'}, {"a": [], "n": None}]  # noqa: RUF012

    @pytest.mark.parametrize(("text", "framing"), [
        (json.dumps(RECORDS), Framing.WRAPPED), (json.dumps(RECORDS, indent=1), Framing.WRAPPED),
        (json.dumps({"value": RECORDS}), Framing.WRAPPED), (json.dumps({"d": {"results": RECORDS}}, indent=2), Framing.WRAPPED),  # noqa: E501
        ("\n".join(json.dumps(one, indent=1) for one in RECORDS), Framing.OBJECTS),
        ("\n".join(json.dumps(one) for one in RECORDS), Framing.LINES), ("", Framing.LINES), ("[1]", Framing.LINES),
        ('{"a":"cut o\n{"a":1}\n', Framing.LINES), ("plain", Framing.LINES), ('{"a":1}', Framing.LINES), ('{"value":[{"a":1}]}\n{"value":[{"a":2}]}', Framing.LINES),  # noqa: E501
    ])  # fmt: skip
    @pytest.mark.parametrize("limit", [1, 7, 4096])
    def test_records_lie_one_a_line_and_bytes_stay_where_they_are(self, text, framing, limit):
        data = text.encode()
        assert framing_of(data) is framing
        if framing is Framing.LINES:
            return
        frames, laid = framed(Blocks(data), framing), b""
        while block := frames.read(limit):
            laid += block
        assert len(laid) == len(data)
        assert [json.loads(line) for line in laid.split(b"\n") if line.strip(b" ,\0")] == self.RECORDS
        at = data.index(b'"a"')
        assert laid[at : at + 3] == b'"a"'

    @pytest.mark.parametrize("text", [
        '{"queryEndTime":"messagesBlocked","messagesDelivered":[],"messagesBlocked":[{"a":1,"clicksBlocked":[2]}]}',
        '{\n "clicksPermitted": [ ],\n "messagesBlocked": [\n {\n"a":1,\n "clicksBlocked":[2]}\n]\n}\n',
        '{"messagesBlocked":[{"a":1,"clicksBlocked":[2]}]}\n{"queryEndTime":"now","clicksBlocked":[]}\n',
    ])  # fmt: skip
    def test_the_name_of_an_array_that_tells_of_its_records_stands_before_them(self, text):
        assert framing_of(text.encode()) is Framing.WRAPPED
        laid = laid_out(text.encode(), Layout.JSON)
        lines = [line.strip() for line in laid.split(b"\n")]
        at = lines.index(b'"messagesBlocked"', lines.index(b'"messagesDelivered"') if b"Delivered" in laid else 0)
        assert json.loads(next(line for line in lines[at + 1 :] if line)) == {"a": 1, "clicksBlocked": [2]}
        assert len(laid) == len(text)

    @pytest.mark.parametrize("indent", [None, 1])
    @pytest.mark.parametrize("names", [("Schema", "Results"), ("schema", "results")])
    def test_an_array_that_describes_the_records_holds_none(self, names, indent):
        schema = [{"Name": "a", "Type": "Int64"}, {"Name": "b", "Type": "Object"}]
        text = json.dumps({"Stats": {"x": 1.5}, names[0]: schema, names[1]: self.RECORDS}, indent=indent)
        assert framing_of(text.encode()) is Framing.WRAPPED
        laid = laid_out(text.encode(), Layout.JSON)
        assert [json.loads(line) for line in laid.split(b"\n") if line.strip(b" ,\0")] == self.RECORDS

    def test_a_document_that_breaks_off_gives_what_is_whole(self):
        frames, laid = framed(Blocks(b'[{"a":1},{"b":"unfinished'), Framing.WRAPPED), b""
        while block := frames.read(5):
            laid += block
        assert laid == b'\n{"a":1}\n{"b":"unfinished'

    def test_a_string_without_end_is_given_out_at_last(self):
        with patch("detector.sources.jsonframes.STRING_LIMIT_BYTES", 100):
            frames, laid = framed(Blocks(b'[{"a":"' + b"x" * 1000, sizes=(50,)), Framing.WRAPPED), b""
            while block := frames.read(50):
                laid += block
        assert laid == b'\n{"a":"' + b"x" * 1000

    def test_brackets_too_many_are_harmless(self):
        frames = framed(Blocks(b']}]{"a":1}]]\n{"b":2}'), Framing.OBJECTS)
        assert frames.read(100).split() == [b'{"a":1}', b'{"b":2}']


MAIL_BYTES = st.lists(
    st.sampled_from((
        b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b"From ", b"From a@b.org Thu Feb 27 10:00:00 2020", b">From x", b"A: x",
        b" fold", b"\t", b"A:b", b"no field", b"\r", b"\x1f", b"\x1e", b"x" * 70, b"x" * 1100, b"\0", b":", b" ",
    )),
    max_size=40,
).map(b"".join)  # fmt: skip


class TestMails:
    """Header blocks on lines of their own, bodies without what stood in them."""

    def laid(self, data, framing, sizes=(1 << 20,)):
        blocks, laid = framed(Blocks(data, sizes=sizes), framing), b""
        while block := blocks.read(1 << 20):
            laid += block
        return laid

    @given(data=MAIL_BYTES, size=st.sampled_from([1, 2, 3, 7, 50, 300, 1200]), is_mbox=st.booleans())
    def test_blocks_never_matter_and_bytes_stay_where_they_are(self, data, size, is_mbox):
        framing = Framing.MBOX if is_mbox else Framing.MAIL
        with patch("detector.sources.mailframes.BODY_LINE_BYTES", 64):
            whole = self.laid(data, framing)
            assert self.laid(data, framing, sizes=(size,)) == whole
            with patch("detector.sources.mailframes.MailFrames._usual"):
                assert self.laid(data, framing) == whole
        assert len(whole) == len(data)
        for before, after in zip(data, whole, strict=True):
            assert after == before or after in b" \n\x1f"
        assert whole.count(b"\x1f") <= data.count(b"\n") + data.count(b"\r\n")

    def test_lines_are_apart_folds_hold_no_carriage_return_and_bodies_are_blank(self):
        data = b"From a@b Thu Feb 27 10:00:00 2020\r\nA: b\r\n c\r\nD: e\r\n\r\nSecret: x\r\n>From y\r\n\r\n"
        laid = self.laid(data + b"From c@d Thu Feb 27 10:00:00 2020\nF: g", Framing.MBOX)
        assert laid.replace(b" ", b"") == (
            b"Froma@bThuFeb2710:00:002020\x1fA:b\x1f\x1fc\x1fD:e\n\n\n\n\nFromc@dThuFeb2710:00:002020\x1fF:g"
        )
        assert b"Secret" not in laid

    def test_what_poses_as_a_separator_is_a_blank(self):
        assert self.laid(b"A: b\x1fForged: c\rD: e\x1f\n\n", Framing.MAIL) == b"A: b Forged: c D: e \n\n"

    def test_a_line_without_a_field_ends_the_header(self):
        assert self.laid(b"A: b\nno field\nC: d\n", Framing.MAIL) == b"A: b\n        \n    \n"
        assert self.laid(b"A: b\n>From x y\nC: d\n", Framing.MAIL) == b"A: b\x1f>From x y\x1fC: d\n"

    def test_empty_lines_before_a_mail_are_passed(self):
        assert self.laid(b"\r\n\nA: b\n\nc", Framing.MAIL, sizes=(1,)) == b"\r\n\nA: b\n\n "

    def test_long_lines_of_bodies_are_cut_alike_however_they_come(self):
        data = b"A: b\n\n" + b"x" * 300_000 + b"\nshort\n"
        laid = self.laid(data, Framing.MAIL)
        assert [len(line) for line in laid.split(b"\n")] == [4, 0, 65_535, 65_535, 65_535, 65_535, 37_856, 5, 0]
        assert self.laid(data, Framing.MAIL, sizes=(1000, 77_777)) == laid

    def test_a_mail_before_a_break_is_given(self):
        blocks, laid = framed(Blocks(b"A: b\nC: d\n\nbo", fault=DamagedStream("broken")), Framing.MBOX), b""
        with pytest.raises(DamagedStream):  # noqa: PT012
            while block := blocks.read(1 << 20):
                laid += block
        assert laid == b"A: b\x1fC: d\n\n  "

    @pytest.mark.parametrize(("text", "framing"), [
        (b"From a@b.org Thu Feb 27 10:00:00 2020\nA: b\n\n", Framing.MBOX),
        (b"\xef\xbb\xbf\nFrom - Thu Feb 27 10:00:00 +0100 2020\n", Framing.MBOX),
        (b"From the desk of Ann\n", Framing.LINES), (b"From: a@b.org\nTo: c@d.org\n\nbody", Framing.MAIL),
        (b"Return-Path: <>\nX: y\n", Framing.LINES), (b"Return-Path: <>\nX: y\n z\nReceived: by b", Framing.MAIL),
        (b"From: a\n\nTo: b\n", Framing.LINES), (b"#Date: x\n#From: y\n#Fields: date\n", Framing.LINES),
        (b"From " + b"x" * 2000 + b" Thu Feb 27 10:00:00 2020\n", Framing.LINES),
    ])  # fmt: skip
    def test_mails_are_told_by_their_first_bytes(self, text, framing):
        assert framing_of(text) is framing
        assert framing_of(text, Layout.LINES) is Framing.LINES
        assert framing_of(text, Layout.MAILS) is (framing if framing is Framing.MBOX else Framing.MAIL)


class TestScan:
    """What only shows when a log breaks while it is scanned."""

    def log(self, path, name="squid"):
        return planned([path], name)[0]

    def test_a_log_that_vanishes_is_a_gap(self, tmp_path):
        (tmp_path / "a").write_bytes(b"x\n")
        one = self.log(tmp_path / "a")
        (tmp_path / "a").unlink()
        squid, scanner = own_formats()["squid"], Scanner(small_ruleset())
        (part,) = scan(one.segment, squid, one.dialect, scanner, Settings())
        assert [(gap.start, gap.stop, gap.reason) for gap in part.gaps] == [(0, None, "No such file or directory")]
        assert list(gather(one.segment, squid, one.dialect, frozenset({"k"}), Settings(), 0)) == []

    def test_a_window_leaves_sightings_out_and_unknown_times_in(self):
        window = Settings(since=10, until=20)
        assert [window.covers(at) for at in (9, 10, 19, 20, None)] == [False, True, True, False, True]

    def test_progress_counts_every_byte(self, tmp_path):
        data = b"\0" * 2_000_000 + b"x\n" + b"y" * 2_000_000
        (tmp_path / "a").write_bytes(data)
        one, told = self.log(tmp_path / "a"), []
        list(scan(one.segment, own_formats()["squid"], one.dialect, Scanner(small_ruleset()), Settings(), told.append))
        assert sum(told) == len(data)

    def test_silence_longer_than_the_gap_is_a_gap(self, tmp_path):
        line = "{}.000     45 10.0.0.7 TCP_MISS/200 0 CONNECT example.org:443 u1 HIER_DIRECT/192.0.2.1 -\n"
        (tmp_path / "a").write_text("".join(line.format(at) for at in (1_000_000_000, 1_000_000_100, 1_000_200_000)))
        one = self.log(tmp_path / "a")
        (part,) = scan(one.segment, own_formats()["squid"], one.dialect, Scanner(small_ruleset()), Settings())
        assert part.spans.gaps == ((1_000_000_100_000_000, 1_000_200_000_000_000),)
        assert (part.spans.first, part.spans.last) == (1_000_000_000_000_000, 1_000_200_000_000_000)

    def test_a_log_without_stamps_has_no_span(self, tmp_path):
        (tmp_path / "a").write_bytes(b"no stamp in this line\n" * 20_000)
        one = self.log(tmp_path / "a")
        (part,) = scan(one.segment, own_formats()["squid"], one.dialect, Scanner(small_ruleset()), Settings())
        assert (part.spans.first, part.spans.last, part.spans.gaps) == (None, None, ())
