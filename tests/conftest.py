"""Fixtures and options that all tests share."""

import signal
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from machine import small_ruleset

from detector.scan import Scanner
from detector.signatures import load

ROOT = Path(__file__).parent.parent
LONG = {
    "test_stories.py", "test_kept_answers.py", "test_hostile.py", "test_invariants.py", "test_cli_answer.py",
    "test_spread.py", "test_corpus_900.py", "test_first_minutes.py", "test_real_servers.py",
}  # fmt: skip
"""Files whose tests take long, begun first: the workers end at about the same time."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda one: one.path.name not in LONG)


def pytest_addoption(parser):
    parser.addoption("--accept", action="store_true", help="write what the formats read now as the expected output")


def pytest_configure(config):
    """No property fails because the machine is busy; coverage trebles the time, so fewer examples are tried then."""
    settings.register_profile("whole", deadline=None)
    settings.register_profile("traced", deadline=None, max_examples=20)
    settings.load_profile("traced" if config.getoption("cov_source", None) else "whole")


@pytest.fixture
def accept(request):
    return request.config.getoption("--accept")


@pytest.fixture(scope="session", autouse=True)
def ctrl_c():
    """What a shell starts in the background ignores it, and so would every program that a test starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def closed_pipes():
    """The command line lets a closed pipe end the program; a test that calls it must not do so to those behind it."""
    before = signal.getsignal(signal.SIGPIPE)
    yield
    signal.signal(signal.SIGPIPE, before)


@pytest.fixture(autouse=True)
def ended_workers():
    """A test that starts the workers of sinks ends them: they would go on, beside the tests behind it."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and thread.name.startswith("sink ")]
    for thread in left:
        thread.join(1)
    assert not [thread.name for thread in left if thread.is_alive()]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory, worker_id):
    """No test reads or writes the cache of the person who runs it; all workers share one."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str((base if worker_id == "master" else base.parent) / "cache"))
        yield


@pytest.fixture(scope="session")
def catalogue(private_cache):  # noqa: ARG001 - what is checked once is kept there
    return load()


@pytest.fixture(scope="session")
def scanner(catalogue):
    """The whole catalogue, made ready once."""
    return Scanner(catalogue)


@pytest.fixture(scope="session")
def ruleset():
    return small_ruleset()
