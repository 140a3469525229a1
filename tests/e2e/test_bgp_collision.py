# SPDX-License-Identifier: BSD-3-Clause
"""Both ends dial at once (R2.3, RFC 4271 section 6.8): one session, at the first attempt, whoever decides."""
import contextlib
import time

import pytest

from bgp import ASN, KEEPALIVE, NOTIFICATION, OPEN, BgpGateway, RawListener, RawPeer, bgp_conf
from frr import Frr
from lab import Lab
from netns import wait_for

WEB = "web"
RAW, FRR = "198.18.0.9", "198.18.0.8"
LOWER, HIGHER = "10.0.0.9", "198.18.0.9"  # than 198.18.0.1, which is Paris
ROUNDS = 6


@pytest.fixture(scope="module")
def raw():
    """Paris, and an address that it dials and that a test answers."""
    with Lab() as lab:
        wan = lab.wan(delay=100)
        paris = lab.site("paris", wan, 1)
        ns = lab.netns("raw")
        wan.attach(ns, "wan0", "raw")
        ns.ip(f"addr add {RAW}/24 dev wan0")
        wan.start()
        with BgpGateway(paris, bgp_conf(paris, [RAW])) as gw:
            yield ns, gw, paris.address


@contextlib.contextmanager
def both(raw, router_id):
    """(the connection that Paris dialled, the one that we dialled): both are up, and on both Paris said OPEN. Paris dials
    again after every test: the one before it was lost, which does not pause it."""
    ns, gw, at = raw
    with RawListener(ns, RAW) as listener, listener.accept(router_id=router_id) as theirs, \
            RawPeer(ns, RAW, at, router_id=router_id) as ours:
        theirs.expect(OPEN)
        ours.expect(OPEN)
        yield theirs, ours
    gw.wait_no_session(RAW)


def lives(gw, p):
    """The session on this connection takes routes, and there was no other."""
    p.send(p.type2("02:dd:00:00:00:07", RAW))
    gw.wait_mac(WEB, "02:dd:00:00:00:07", RAW)
    assert gw.established(RAW)
    p.send(p.type2("02:dd:00:00:00:07", RAW, reach=False))
    gw.gone(WEB, "02:dd:00:00:00:07")


@pytest.mark.parametrize("first", ["theirs", "ours"])
def test_the_higher_identifier_is_ours(raw, first):
    """So Paris waits to be told: it ends nothing before our KEEPALIVE, and then its own connection."""
    with both(raw, HIGHER) as (theirs, ours):
        for p in (theirs, ours) if first == "theirs" else (ours, theirs):
            p.send(p.open_message())
        ours.expect(KEEPALIVE)
        ours.send(ours.message(KEEPALIVE))
        assert theirs.notification() == (6, 7)
        lives(raw[1], ours)


def test_the_higher_identifier_is_ours_and_we_choose_the_other_connection(raw):
    """As a peer does for which that one is Established already. Paris must not have closed it by then."""
    with both(raw, HIGHER) as (theirs, ours):
        theirs.send(theirs.open_message())
        ours.send(ours.open_message())
        ours.expect(KEEPALIVE)
        ours.send(ours.message(NOTIFICATION, b"\x06\x07"))
        theirs.expect(KEEPALIVE)
        theirs.send(theirs.message(KEEPALIVE))
        lives(raw[1], theirs)


def test_the_higher_identifier_is_paris(raw):
    """It keeps its own."""
    with both(raw, LOWER) as (theirs, ours):
        theirs.send(theirs.open_message())
        theirs.expect(KEEPALIVE)
        ours.send(ours.open_message())
        assert ours.notification() == (6, 7)
        theirs.send(theirs.message(KEEPALIVE))
        lives(raw[1], theirs)


def test_the_higher_identifier_is_paris_whose_connection_comes_to_nothing(raw):
    """For a second at most, and without a KEEPALIVE before it."""
    with both(raw, LOWER) as (theirs, ours):
        began = time.monotonic()
        ours.send(ours.open_message())
        ours.expect(KEEPALIVE)
        assert time.monotonic() - began < 1.5
        assert theirs.notification() == (6, 7)
        ours.send(ours.message(KEEPALIVE))
        lives(raw[1], ours)


@pytest.mark.parametrize("frr_id", [LOWER, HIGHER])
def test_frr_and_we_dial_at_once(own_lab, frr_id):
    """The session is cleared again and again, over 150 ms each way, and most of the dials that follow cross: bgpd's comes a
    little less than two seconds later, as does ours. Each time there is one session, and none is lost again: no side waits for
    the other for more than a second, and that is longer than six times the delay."""
    wan = own_lab.wan(delay=150000)
    paris = own_lab.site("paris", wan, 1)
    ns = own_lab.netns("frr")
    wan.attach(ns, "wan0", "frr")
    ns.ip(f"addr add {FRR}/24 dev wan0")
    wan.start()
    # Who lives at which MAC is known before, so that no delay is added for ARP.
    wait_for(lambda: ns.run("ping", "-c", 1, "-W", 2, paris.address, check=False).returncode == 0, 20, "a way over the WAN")
    frr = Frr(ns, ASN, frr_id, [f"{paris.address} remote-as {ASN}"])
    with BgpGateway(paris, bgp_conf(paris, [FRR], connect_retry=2)) as gw:
        frr.start()
        gw.wait_session(FRR)
        for _ in range(ROUNDS):
            ups = gw.log.count("session established")
            frr.vtysh("clear bgp l2vpn evpn *")
            gw.wait_no_session(FRR)
            wait_for(lambda: gw.log.count("session established") > ups, 10, "a session")
            frr.wait_established(paris.address)
        sessions = gw.peer(FRR)["sessions"]
        assert sessions["dials"] > ROUNDS / 2 < sessions["accepted"], f"they did not cross: {sessions}"
        assert (sessions["established"], sessions["dropped"]) == (ROUNDS + 1, ROUNDS), sessions
