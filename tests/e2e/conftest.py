# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the end-to-end tests. Each test module builds its sites once and shares them among its tests; modules run
beside each other (pytest-xdist --dist loadfile), so nothing outside the module's own namespaces is touched."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import BUILD, Lab, clean_dead  # noqa: E402

NEEDED = ("causewayd", "causewayctl", "tests/tools/relay", "tests/tools/vlan_tag.bpf.o", "tests/tools/xdp_pass.bpf.o",
          "vm/initrd.gz")


def pytest_sessionstart(session):
    del session
    if os.geteuid():
        pytest.exit("the end-to-end tests need root: they make network namespaces", 1)
    missing = [n for n in NEEDED if not os.path.exists(os.path.join(BUILD, n))]
    if missing and not os.environ.get("CAUSEWAY_TEST_LAB_ONLY"):
        pytest.exit(f"not built: {', '.join(missing)} (make tests vm)", 1)
    clean_dead()


def pytest_configure(config):
    config.addinivalue_line("markers", "only(variant): the test makes sense for this variant of its fixture alone; it is not "
                                       "collected for the others")


def pytest_collection_modifyitems(config, items):
    """@pytest.mark.only("interface") leaves the af_packet variants of a test out: before a packet socket sees a frame, the
    kernel makes every tag an 802.1Q one, drops what is shorter than tag and EtherType, and puts IPv4 fragments together.
    Nothing is ever skipped."""
    def wanted(item):
        words = set(item.callspec.id.split("-")) if hasattr(item, "callspec") else set()
        return all(set(mark.args) <= words for mark in item.iter_markers("only"))

    gone = [i for i in items if not wanted(i)]
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = [i for i in items if wanted(i)]


@pytest.fixture(scope="module")
def lab():
    with Lab() as the_lab:
        yield the_lab


@pytest.fixture
def own_lab():
    """For tests that break things."""
    with Lab() as the_lab:
        yield the_lab


def pytest_terminal_summary(terminalreporter):
    """What tests measured: record_property("seen", text)."""
    for reports in terminalreporter.stats.values():
        for r in reports:
            seen = [text for name, text in getattr(r, "user_properties", ()) if name == "seen"]
            if seen and getattr(r, "when", "") == "call":
                terminalreporter.section(f"seen by {r.nodeid}")
                for text in seen:
                    terminalreporter.write_line(text)
