"""Engines: whoever runs the work, the results are the same and in order; what goes wrong in a worker is told."""

import os
import signal
import subprocess
import sys
import time

import pytest

from detector.engines import Engine, engine_named
from detector.errors import UsageError

ENGINES = ("serial", "processes")
TASKS = list(range(23))


@pytest.fixture(params=ENGINES)
def engine(request):
    return engine_named(request.param)


def squared(task, advance):
    advance(task)
    if task % 5 == 0:
        time.sleep(0.01)
    return task * task


def run(engine, tasks, work, jobs=3):
    told = []
    return list(engine.run(tasks, work, jobs=jobs, advance=told.append)), told


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_results_come_in_the_order_of_the_tasks(engine, jobs):
    results, told = run(engine, TASKS, squared, jobs)
    assert results == [task * task for task in TASKS]
    assert sum(told) == sum(TASKS)


def test_progress_is_told_while_the_work_goes_on(engine):
    def slow(_task, advance):
        for _ in range(5):
            advance(10)
            time.sleep(0.06)

    _, told = run(engine, [1], slow)
    assert sum(told) == 50
    assert len(told) > 1


def test_work_that_tells_nothing_is_fine(engine):
    assert run(engine, ["a", "b"], lambda task, _advance: task.upper()) == (["A", "B"], [])


def test_no_tasks_are_no_results(engine):
    assert run(engine, [], squared) == ([], [])


def test_work_need_not_be_picklable(engine):
    closed_over = (line for line in "abc")
    assert run(engine, [1], lambda task, _advance: (task, closed_over is not None))[0] == [(1, True)]


def test_what_a_worker_raises_is_raised_here_behind_the_results_before(engine):
    def work(task, _advance):
        if task == 2:
            raise LookupError("the third")
        return task

    results = []
    with pytest.raises(LookupError, match="the third"):
        results.extend(engine.run([0, 1, 2, 3, 4], work, jobs=2, advance=lambda _: None))
    assert results == [0, 1]


def test_a_caller_may_stop_early(engine):
    results = engine.run(TASKS, squared, jobs=2, advance=lambda _: None)
    assert next(results) == 0
    results.close()
    with pytest.raises(StopIteration):
        next(results)


def test_ctrl_c_in_the_work_ends_it(engine):
    def work(_task, _advance):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(engine, [1, 2], work)


def test_a_worker_that_dies_is_no_result():
    with pytest.raises(RuntimeError, match="terminated abruptly"):
        run(engine_named("processes"), [1, 2], lambda _task, _advance: os._exit(9))


def test_workers_work_beside_each_other():
    results, _ = run(engine_named("processes"), TASKS, lambda _task, _advance: (time.sleep(0.02), os.getpid())[1], 2)
    assert 1 <= len(set(results)) <= 2
    assert os.getpid() not in results


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_shared_tasks_come_to_one_worker_each(engine, jobs):
    shared = engine.share(TASKS)

    def some(_number, _advance):
        taken = []
        for task in shared:
            taken.append(task)
            time.sleep(0.001)
            if len(taken) == 5:
                break
        return taken

    results, _ = run(engine, TASKS, some, jobs)
    assert sorted(task for taken in results for task in taken) == TASKS
    assert all(taken == sorted(taken) for taken in results)


def test_an_engine_has_the_name_of_its_file():
    for name in ENGINES:
        assert engine_named(name).name == name


@pytest.mark.parametrize("name", ["", "dask", "__init__", "../serial", "serial.run"])
def test_an_engine_that_does_not_exist_is_wrong_usage(name):
    with pytest.raises(UsageError, match="there are processes, serial"):
        engine_named(name)


def test_another_package_may_bring_an_engine(monkeypatch):
    serial = engine_named("serial")
    theirs = Engine(name="theirs", run=serial.run, share=serial.share)

    class Point:
        def load(self):
            return theirs

    def points(*, group, name):
        assert group == "detector.engines"
        return [Point()] if name == "theirs" else []

    monkeypatch.setattr("importlib.metadata.entry_points", points)
    assert engine_named("theirs") is theirs


CODE = """
import os
import time
from detector.engines import engine_named

def work(task, advance):
    os.write(1, b"works\\n")  # print would let two workers write into one line
    time.sleep(30)

try:
    list(engine_named("processes").run([1, 2], work, jobs=2, advance=lambda _: None))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def interrupted(code):
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout.readline() == "works\n"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=25)
    assert out.endswith("interrupted\n")
    assert err == ""


def test_ctrl_c_ends_all_processes_at_once_without_a_word():
    interrupted(CODE)


def test_ctrl_c_between_two_forks_is_heard_after_both():
    """The first worker works while the second is not yet forked, or has not yet begun."""
    slow_to_fork = "os.register_at_fork(before=lambda: time.sleep(0.3), after_in_child=lambda: time.sleep(0.3))"
    interrupted(CODE.replace("import time\n", f"import time\n{slow_to_fork}\n"))
