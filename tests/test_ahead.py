"""A child decompresses the first log while the program loads: the same bytes, bounded memory, nothing left over."""

import gzip
import io
import json
import mmap
import os
import random
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector import ahead
from detector.__main__ import answer
from detector.ahead import BLOCK_BYTES, BLOCKS, BUSY_BLOCKS, TOLD, Begun, Decompressing
from detector.cli import run
from detector.sources import Compression, DamagedStream, Limits, Segment, open_stream

rng = random.Random(11)
TEXT = b"".join(b"%d %s\n" % (number, rng.randbytes(30).hex().encode()) for number in range(40_000))
NUMBERS = b"".join(b"%08d\n" % number + TEXT[: BLOCK_BYTES + 997 * number] for number in range(BLOCKS + 60))
LINE = b"1582761600.%03d    200 10.0.0.%d TCP_MISS/200 900 GET http://%s/ - HIER_DIRECT/10.1.1.1 text/html\n"


def packed(path, data, level=1):
    path.write_bytes(gzip.compress(data, level, mtime=0))
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """More than all blocks hold."""
    return packed(tmp_path_factory.mktemp("large") / "a", NUMBERS)


def log(path):
    """A squid log, packed, with three lines of a service."""
    names = [rng.randbytes(20).hex().encode() + b".example" for _ in range(90_000)]
    names[77::30_000] = [b"app.clearview.ai"] * 3
    return packed(path, b"".join(LINE % (number % 1000, number % 9, name) for number, name in enumerate(names)))


def all_of(path, limit, one=None, limits=None):
    """Everything that a segment gives, and why it ended."""
    segment = Segment("s", str(path), "", Compression.GZIP)
    data = bytearray()
    try:
        with open_stream(segment, limits, begun=one) as reader:
            while block := reader.read(limit):
                data += block
    except DamagedStream as fault:
        return bytes(data), str(fault)
    return bytes(data), ""


class Beginning:
    """A file that is begun, whatever its size."""

    def __init__(self, path):
        with io.FileIO(path) as file:
            self.one = Begun(file)

    def __enter__(self):
        return self.one

    def __exit__(self, *_):
        self.one.end()


@contextmanager
def begun(arguments):
    """The log that a command begins with, as the command ends it."""
    one = ahead.begun(arguments)
    try:
        yield one
    finally:
        if one is not None:
            one.end()


def wait_until_full(child):
    """Until it has filled all its memory, and sleeps."""
    while Path(f"/proc/{child}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "S":
        pass


def handles():
    """Open handles of this process."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}


class TestTheSameBytes:
    @pytest.mark.parametrize("limit", [70_001, 1 << 20, 3 << 20])
    def test_what_was_packed_comes_out(self, limit, tmp_path):
        path = packed(tmp_path / "a", TEXT)
        with Beginning(path) as one:
            assert all_of(path, limit, one) == (TEXT, "")

    def test_more_than_all_blocks_hold_comes_out(self, large):
        with Beginning(large) as one:
            assert all_of(large, 1 << 20, one) == (NUMBERS, "")

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        parts=st.lists(st.binary(max_size=3000), max_size=4),
        tail=st.sampled_from([b"", b"\0" * 600, b"garbage behind it"]),
        damage=st.none() | st.tuples(st.integers(0, 20_000), st.integers(0, 60)),
    )  # fmt: skip
    def test_damaged_or_not_it_gives_what_is_given_without_a_child(self, parts, tail, damage, tmp_path):
        whole = bytearray(b"".join(gzip.compress(part, mtime=0) for part in [TEXT[:20_000], *parts])) + tail
        if damage is not None:
            flip, cut = damage
            whole[10 + flip % (len(whole) - 10)] ^= 0x55
            del whole[len(whole) - cut :]
        (tmp_path / "a").write_bytes(whole)
        with Beginning(tmp_path / "a") as one:
            assert all_of(tmp_path / "a", 4096, one) == all_of(tmp_path / "a", 4096)

    @pytest.mark.parametrize("limits", [Limits(2, 1 << 40, 1000), Limits(10**6, 5000, 1)])
    def test_a_bomb_is_refused_as_without_a_child(self, limits, tmp_path):
        path = packed(tmp_path / "a", b"x" * 10**7)
        with Beginning(path) as one:
            data, reason = all_of(path, 1000, one, limits)
        assert "decompression bomb" in reason
        assert (data, reason) == all_of(path, 1000, None, limits)

    def test_a_child_that_is_killed_costs_no_byte(self, large):
        with Beginning(large) as one:
            wait_until_full(one.child)
            os.kill(one.child, signal.SIGKILL)
            assert all_of(large, 1 << 20, one) == (NUMBERS, "")

    def test_a_log_that_is_cut_short_meanwhile_ends_the_child_and_nothing_else(self, large, tmp_path):
        path = tmp_path / "a"
        path.write_bytes(large.read_bytes())
        with Beginning(path) as one:
            wait_until_full(one.child)
            os.truncate(path, path.stat().st_size * 9 // 10)
            data, reason = all_of(path, 1 << 20, one)
        assert (data, reason) == all_of(path, 1 << 20)
        assert NUMBERS.startswith(data)
        assert "cut off" in reason

    def test_behind_its_end_there_is_nothing_however_often_it_is_asked(self, tmp_path):
        path = packed(tmp_path / "a", TEXT[:1000])
        with Beginning(path) as one:
            assert [one.read(4096) for _ in range(4)] == [TEXT[:1000], b"", b"", b""]

    def test_it_is_taken_once_and_only_for_its_own_file(self, tmp_path):
        path, other = packed(tmp_path / "a", TEXT), packed(tmp_path / "b", TEXT[:50])
        with Beginning(path) as one:
            assert all_of(other, 4096, one) == (TEXT[:50], "")
            assert all_of(path, 1 << 20, one) == (TEXT, "")
            assert all_of(path, 1 << 20, one) == (TEXT, "")

    def test_a_process_that_is_forked_later_takes_it_too(self, tmp_path):
        path = packed(tmp_path / "a", TEXT)
        with Beginning(path) as one:
            worker = os.fork()
            if not worker:
                os._exit(0 if all_of(path, 1 << 20, one) == (TEXT, "") else 1)
            assert os.waitpid(worker, 0)[1] == 0
            with io.FileIO(path) as file:
                assert not one.takes(file)


class TestNothingIsLeftOver:
    def test_a_child_that_waits_is_ended(self, large):
        with Beginning(large) as one:
            wait_until_full(one.child)
        with pytest.raises(ProcessLookupError):
            os.kill(one.child, 0)

    def test_no_handle_stays_open(self, large):
        before = handles()
        with begun([str(large)]) as one:
            assert one is not None
        assert handles() == before

    @pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
    def test_a_program_that_is_killed_takes_its_child_along(self, end, large):
        code = f"""if True:
            import sys, os
            from detector.ahead import begun
            begun([{str(large)!r}]).read(1000)
            print("works", flush=True)
            sys.stdin.read()
        """
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"works\n"
            process.send_signal(end)
            assert process.stdout.read() == b""  # the child holds it open as long as it lives

    def test_ctrl_c_ends_both_without_a_word(self, large):
        code = f"""if True:
            import sys
            from detector.ahead import begun
            one = begun([{str(large)!r}])
            try:
                print("works", flush=True)
                sys.stdin.read()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            finally:
                one.end()
        """
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:  # fmt: skip
            assert process.stdout.readline() == b"works\n"
            os.killpg(process.pid, signal.SIGINT)
            assert process.communicate() == (b"interrupted\n", b"")

    def test_memory_is_bounded(self, large):
        code = f"""if True:
            from pathlib import Path
            from detector.ahead import BLOCK_BYTES
            from test_ahead import begun, wait_until_full
            def peak(process):
                return int(Path(f"/proc/{{process}}/status").read_text().split("VmHWM:")[1].split()[0])
            with begun([{str(large)!r}]) as one:
                before = peak("self")
                wait_until_full(one.child)
                print(peak(one.child) - before)
                while one.read(BLOCK_BYTES):
                    pass
                print(peak("self") - before)
        """
        path = os.pathsep.join((str(Path(__file__).parent), *sys.path))
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONPATH": path})
        child, own = map(int, out.stdout.split())
        assert child < (BLOCKS + 8) * 1024
        assert own < (BUSY_BLOCKS + 8) * 1024


class TestWhatTheChildDoes:
    """In a thread of this process, where it can be watched."""

    def blocks_of(self, path, *freed):
        """(number, bytes) of each block that is told, and the memory; some are freed each time that the child waits."""
        told, tell = os.pipe()
        freed_end, give = os.pipe()
        shared = mmap.mmap(-1, BLOCKS * BLOCK_BYTES)
        found, size = [], 1

        def work():
            with io.FileIO(path) as file, suppress(BrokenPipeError):
                Decompressing(file, shared, tell, freed_end).run()

        thread = Thread(target=work)
        thread.start()
        for more in freed:
            os.write(give, more)
            for _ in more:
                if size:
                    number, size = TOLD.unpack(os.read(told, TOLD.size))
                    found.append((number, shared[number * BLOCK_BYTES :][:size]))
        os.close(give)
        thread.join()
        for handle in (told, tell, freed_end):
            os.close(handle)
        return found, shared

    def test_it_takes_the_lowest_block_and_waits_when_none_is_free(self, large):
        blocks, _ = self.blocks_of(large, b"\5\2\7", b"\1", b"\6\0")
        assert [number for number, _ in blocks] == [2, 5, 7, 1, 0, 6]
        assert b"".join(data for _, data in blocks) == NUMBERS[: 6 * BLOCK_BYTES]

    def test_the_end_of_the_log_is_an_empty_block_and_its_memory_is_given_back_when_that_was_read(self, tmp_path):
        path = packed(tmp_path / "a", TEXT[:1000])
        for last, kept in ((b"", TEXT[:1000]), (b"\2", bytes(1000))):
            blocks, shared = self.blocks_of(path, b"\3", b"\4\2", last)
            assert blocks == [(3, TEXT[:1000]), (2, b"")]
            assert shared[3 * BLOCK_BYTES :][:1000] == kept

    def test_where_the_kernel_gives_no_memory_at_once_it_comes_page_by_page(self, large):
        with patch("detector.ahead._POPULATE_WRITE", 12345):
            blocks, _ = self.blocks_of(large, b"\0\1")
        assert b"".join(data for _, data in blocks) == NUMBERS[: 2 * BLOCK_BYTES]


class TestWhereItHelps:
    @patch("detector.ahead.WORTHWHILE_BYTES", 1000)
    def test_the_first_of_several_logs_is_begun(self, tmp_path):
        paths = [str(log(tmp_path / name)) for name in ("b.gz", "a.gz")]
        with begun(paths) as one, io.FileIO(paths[1]) as first, io.FileIO(paths[0]) as second:
            assert not one.takes(second)
            assert one.takes(first)

    @patch("detector.ahead.WORTHWHILE_BYTES", 1000)
    def test_what_else_the_command_line_says_does_not_stand_in_the_way(self, tmp_path):
        path = log(tmp_path / "b.gz")
        (tmp_path / "a.yml").write_bytes(TEXT)
        with begun(["--policy", str(tmp_path / "a.yml"), "-f", "json", str(path)]) as one, io.FileIO(path) as file:
            assert one.takes(file)

    @pytest.mark.parametrize("data", [TEXT * 4, gzip.compress(TEXT[:1000]), b""], ids=["plain", "small", "empty"])
    def test_other_logs_are_not(self, data, tmp_path):
        (tmp_path / "a").write_bytes(data)
        with begun([str(tmp_path / "a")]) as one:
            assert one is None

    def test_nor_is_what_is_no_file(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        for names in ([], ["-"], [str(tmp_path)], [str(tmp_path / "pipe")], [str(tmp_path / "*.gz")]):
            with begun(names) as one:
                assert one is None

    def test_nor_where_there_is_one_core_or_no_other_process(self, large):
        before = handles()
        with patch("os.sched_getaffinity", return_value={0}), begun([str(large)]) as one:
            assert one is None
        with patch("os.fork", side_effect=BlockingIOError(11, "no more processes")), begun([str(large)]) as one:
            assert one is None
        assert handles() == before


class TestAudit:
    def report(self, paths, capsys, *options):
        arguments = ["audit", *map(str, paths), "-f", "json", "--no-progress", *options]
        with begun(arguments) as one:
            assert run(arguments, one) == 0
        return json.loads(capsys.readouterr().out)

    def test_the_command_begins_with_its_log(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(sys, "argv", ["shadowit", "audit", str(log(tmp_path / "a.gz")), "-f", "json"])
        taken, takes = [], Begun.takes
        small = patch("detector.ahead.WORTHWHILE_BYTES", 1000)
        noted = patch.object(Begun, "takes", lambda one, file: taken.append(takes(one, file)) or taken[-1])
        with small, noted:
            assert answer() == 0
        assert taken == [True]
        assert json.loads(capsys.readouterr().out)["totals"]["sightings"] == 3

    @pytest.mark.parametrize("engine", ["serial", "processes"])
    @pytest.mark.parametrize("count", [1, 2])
    def test_a_report_is_the_same_with_and_without_a_child(self, count, engine, tmp_path, capsys):
        paths = [log(tmp_path / f"{number}.log.gz") for number in range(count)]
        taken = []
        takes = Begun.takes
        small = patch("detector.ahead.WORTHWHILE_BYTES", 1000)
        with small, patch.object(Begun, "takes", lambda one, file: taken.append(takes(one, file)) or taken[-1]):
            found = self.report(paths, capsys, "--engine", engine)
        assert True in taken or engine == "processes"
        with patch("detector.ahead.WORTHWHILE_BYTES", 1 << 40):
            assert self.report(paths, capsys, "--engine", engine) == found
        assert found["totals"]["sightings"] == 3 * count
