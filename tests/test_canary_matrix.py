"""Every indicator × every format, and every mail domain × every mail format, is sighted."""

from collections import Counter

import pytest

from detector.audit import canary
from detector.events import Col, Dialect, Kind
from detector.formats import own_formats
from detector.signatures.applications import application_names, normal

FORMATS = own_formats()
MAIL_FORMATS = [name for name, one in FORMATS.items() if one.kind is Kind.MAIL or Col.SENDER in one.columns]


def _missed(scanner, log_format, wanted, event):
    dialect = Dialect(written_until=event[Col.AT])  # stamps without a year get that of the log's last change
    found = {sighting.service for sighting in canary.sighted(scanner, log_format, event, dialect)}
    return None if wanted in found else f"{log_format.name}: {wanted} not among {sorted(found)} for {event}"


@pytest.mark.repeats
@pytest.mark.parametrize("name", FORMATS)
def test_a_synthetic_line_of_every_indicator_is_sighted_in_every_network_format(scanner, catalogue, name):
    log_format = FORMATS[name]
    misses, tried = [], 0
    for indicator in catalogue.indicators():
        event = canary.event_for(indicator, log_format)
        if event is None:
            continue
        tried += 1
        if (miss := _missed(scanner, log_format, indicator.service, event)) is not None:
            misses.append(f"{indicator.id}: {miss}")
    assert not misses, f"{len(misses)} of {tried} indicators missed:\n" + "\n".join(misses[:40])
    if log_format.kind in (Kind.PROXY, Kind.DNS):
        assert tried > len(catalogue.indicators()) / 4


@pytest.mark.repeats
@pytest.mark.parametrize("name", MAIL_FORMATS)
def test_a_synthetic_mail_of_every_domain_is_sighted_in_every_mail_format(scanner, catalogue, name):
    log_format = FORMATS[name]
    misses, tried = [], 0
    for signature in catalogue.signatures:
        for domain in signature.mail.domains:
            tried += 1
            event = canary.mail_event_for(domain)
            if log_format.kind is not Kind.MAIL:
                event[Col.KIND] = Kind.MAIL.value
            if (miss := _missed(scanner, log_format, signature.id, event)) is not None:
                misses.append(miss)
    assert not misses, f"{len(misses)} of {tried} mail domains missed:\n" + "\n".join(misses[:40])
    assert tried > len(catalogue.signatures) / 2


@pytest.mark.repeats
@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if Col.APPLICATION in one.columns])
def test_a_grant_to_every_application_is_sighted_in_every_format_that_tells_of_grants(scanner, catalogue, name):
    log_format = FORMATS[name]
    owners = Counter(called for one in catalogue.signatures for called in application_names(one))
    misses, tried = [], 0
    for signature in catalogue.signatures:
        if owners[normal(signature.name)] > 1:
            continue
        tried += 1
        event = canary.grant_event_for(signature.name, log_format)
        if (miss := _missed(scanner, log_format, signature.id, event)) is not None:
            misses.append(miss)
    assert not misses, f"{len(misses)} of {tried} applications missed:\n" + "\n".join(misses[:40])
    assert tried > len(catalogue.signatures) * 0.9


def test_no_two_services_own_the_same_mail_domain(catalogue):
    owners = Counter(domain for one in catalogue.signatures for domain in one.mail.domains)
    assert [domain for domain, count in owners.items() if count > 1] == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_line_of_no_service_is_not_sighted(scanner, name):
    log_format = FORMATS[name]
    for host in ("notclearview.ai", "clearview.ai.example.org", "example.org", "clearviewai.com.example.net"):
        if log_format.kind is Kind.MAIL:
            event = canary.mail_event_for(host)
        else:
            event = {Col.AT: 1_582_797_600_000_000, Col.SOURCE_IP: "10.0.0.7"}
            event[Col.QUESTION if log_format.kind is Kind.DNS else Col.DOMAIN] = host
        assert canary.sighted(scanner, log_format, event) == []


@pytest.mark.parametrize("name", FORMATS)
def test_the_canary_of_an_audit_proves_every_format(scanner, catalogue, name):
    assert canary.proves(scanner, FORMATS[name], catalogue)
