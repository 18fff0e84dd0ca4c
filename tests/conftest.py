"""Fixtures and options that all tests share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser):
    parser.addoption("--accept", action="store_true", help="write what the formats read now as the expected output")


@pytest.fixture
def accept(request):
    return request.config.getoption("--accept")


@pytest.fixture(scope="session")
def root():
    return ROOT
