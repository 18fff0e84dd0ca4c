"""A child makes every other piece of a long text, and is not missed where it cannot."""

import os
import signal
import threading
from pathlib import Path

import pytest

from detector import forking
from detector.forking import in_two

ACTIVE_COUNT = threading.active_count
TASKS = range(100)


def where(task: int) -> str:
    return f"{task} {os.getpid()}"


def has_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def handles() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(forking.os, "sched_getaffinity", lambda _process: {0, 1})
    monkeypatch.setattr(forking.threading, "active_count", lambda: 1)  # whoever runs the tests may have threads
    yield
    assert not has_children()


def test_pieces_come_in_order_from_two_processes():
    numbers, processes = zip(*(piece.split() for piece in in_two(TASKS, where)), strict=True)
    assert [*map(int, numbers)] == [*TASKS]
    assert {*processes[::2]} == {str(os.getpid())}
    assert len({*processes[1::2]} - {str(os.getpid())}) == 1


def test_pieces_may_be_longer_than_a_pipe_holds():
    assert all(len(piece) == 3_000_001 for piece in in_two(TASKS, lambda task: f"{task % 10:0>3000000}é"))


@pytest.mark.parametrize("task", [1, 51])
def test_a_child_that_ends_is_not_missed(task):
    mine = os.getpid()

    def work(number: int) -> str:
        if number == task and os.getpid() != mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return str(number)

    assert [*in_two(TASKS, work)] == [*map(str, TASKS)]


def test_a_fault_is_raised_here(capfd):
    def work(number: int) -> str:
        return str(1 // (TASKS[-1] - number))

    with pytest.raises(ZeroDivisionError):
        list(in_two(TASKS, work))
    assert capfd.readouterr() == ("", "")


def test_whoever_has_enough_leaves_no_child():
    pieces = in_two(TASKS, lambda _task: "x" * 1_000_000)
    next(pieces)
    pieces.close()


def test_nothing_to_make():
    assert not [*in_two(TASKS[:0], where)]


def test_one_core_works_alone(monkeypatch):
    monkeypatch.setattr(forking.os, "sched_getaffinity", lambda _process: {0})
    assert [*in_two(TASKS, where)] == [*map(where, TASKS)]


def test_beside_other_threads_nothing_is_forked(monkeypatch):
    monkeypatch.setattr(forking.threading, "active_count", ACTIVE_COUNT)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert [*in_two(TASKS, where)] == [*map(where, TASKS)]
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("call", ["pipe", "fork"])
def test_where_nothing_can_be_forked_it_works_alone(monkeypatch, call):
    def refused() -> int:
        raise BlockingIOError

    before = handles()
    monkeypatch.setattr(forking.os, call, refused)
    assert [*in_two(TASKS, where)] == [*map(where, TASKS)]
    assert handles() == before


def test_where_pipes_may_not_be_large(monkeypatch):
    def refused(*_arguments: object) -> int:
        raise PermissionError

    monkeypatch.setattr(forking.fcntl, "fcntl", refused)
    assert [piece.split()[0] for piece in in_two(TASKS, where)] == [*map(str, TASKS)]
