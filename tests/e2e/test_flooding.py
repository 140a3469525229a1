# SPDX-License-Identifier: BSD-3-Clause
"""Frame by frame: flooding and MAC tables (section 8), limits, and moves, as seen on a gateway's cables."""
import time

import pytest
from scapy.all import IP, Ether, Raw

from gateway import AF_PACKET, INTERFACE, network
from netns import wait_for
from probe import BROADCAST, VTEP_MACS, running_probe
from wire import VXLAN, marker

GROUP = "01:00:5e:01:02:03"
GROUP6 = "33:33:00:00:12:34"
NOBODY, EXCEPTION = "02:00:00:00:99:01", "02:00:00:00:99:02"
STATIC_PORT, STATIC_VTEP = "02:00:00:00:55:01", "02:00:00:00:55:02"
RATE = 20  # frames per second of the limited network


def conf(p):
    def peers(*numbers):
        return [{"address": p.vtep(n), "learning": True} for n in numbers]

    c = p.gateway_conf([
        network("web", 100, 10100, ageing=0, peers=peers(2, 3)),
        network("one", 101, 10101, ageing=0, peers=peers(2)),
        network("native", "untagged", 10001, ageing=0, peers=peers(2)),
        network("flooded", 201, 10201, ageing=0, unknown_unicast="flood", peers=peers(2, 3)),
        network("except", 202, 10202, ageing=0, flood_macs=[EXCEPTION], peers=peers(2)),
        network("static", 203, 10203, ageing=0, peers=peers(2, 3),
                static_macs=[{"mac": STATIC_PORT, "port": "trunk1"}, {"mac": STATIC_VTEP, "vtep": p.vtep(2)}]),
        network("limited", 204, 10204, ageing=0, unknown_unicast="flood", peers=peers(2),
                limits={"broadcast": RATE, "multicast": RATE, "unknown_unicast": RATE}),
        network("few", 205, 10205, ageing=0, mac_limit=3, peers=peers(2)),
        network("lonely", 206, 10206, ageing=0),
        network("lost", 207, 10207, ageing=0, peers=[{"address": p.vtep(77), "learning": False}]),
    ])
    c["access"][1]["networks"] = [n["name"] for n in c["networks"] if n["name"] not in ("native", "lonely", "lost")]
    c["access"][1]["mac_limit"] = 12
    return c


@pytest.fixture(scope="module", params=[INTERFACE, AF_PACKET])
def p(request):
    with running_probe(conf, kind=request.param) as probe:
        yield probe


def host(n, net=0):
    return f"02:aa:00:01:{net:02x}:{n:02x}"


def remote(n, net=0):
    return f"02:bb:00:01:{net:02x}:{n:02x}"


def payload():
    return Raw(b"\x11" * 50)


def frame(src, dst):
    return Ether(src=src, dst=dst, type=0x88b6) / payload()


def where_to(wan):
    """(VTEP address, VNI) of frames on the underlay."""
    return sorted((Ether(f)[IP].dst, Ether(f)[VXLAN].vni) for f in wan)


# ---- the flood list


@pytest.mark.parametrize("dst", [BROADCAST, GROUP, GROUP6])
def test_R8_1_flood_list(p, dst):
    """A copy to each VTEP of the network and to its other ports, none elsewhere, none back."""
    f = frame(host(1), dst)
    lan1, wan = p.from_lan0(p.tagged(f))
    assert lan1 == [p.tagged(f)]
    assert where_to(wan) == [(p.vtep(2), 10100), (p.vtep(3), 10100)]
    assert {Ether(w).dst for w in wan} == {VTEP_MACS[2], VTEP_MACS[3]}
    assert all(bytes(Ether(w)[VXLAN].payload) == bytes(f) for w in wan)
    f = frame(host(1, 1), dst)
    assert where_to(p.from_lan0(p.tagged(f, 101))[1]) == [(p.vtep(2), 10101)]


def test_R8_1_flooded_from_the_wan_to_all_ports(p):
    f = frame(remote(1), BROADCAST)
    assert p.from_wan(p.outer(f)) == ([p.tagged(f)], [p.tagged(f)])


def test_R8_1_untagged_network(p):
    f = frame(host(1, 2), BROADCAST)
    lan1, wan = p.from_lan0(bytes(f))
    assert lan1 == [] and where_to(wan) == [(p.vtep(2), 10001)]
    back = frame(remote(1, 2), BROADCAST)
    assert p.from_wan(p.outer(back, vni=10001)) == ([bytes(back)], [])


def test_priority_tag_belongs_to_the_untagged_network(p):
    """VLAN 0 only carries a priority (IEEE 802.1Q section 6.9)."""
    f = frame(host(1, 2), BROADCAST)
    out = p.from_lan0(p.tagged(f, 5 << 13))[1]
    assert where_to(out) == [(p.vtep(2), 10001)]
    assert bytes(Ether(out[0])[VXLAN].payload) == bytes(f)


def test_nowhere_to_flood_to(p):
    p.dropped_from_lan0("no_target", p.tagged(frame(host(1, 6), BROADCAST), 206))


def test_unresolved_next_hop(p):
    assert not p.gw.vtep(p.vtep(77))["resolved"]
    p.dropped_from_lan0("vtep_unresolved", p.tagged(frame(host(1, 7), BROADCAST), 207))


def test_network_not_on_this_port(p):
    """Network lost is not carried by trunk1."""
    with p.drops(vlan_unknown=1):
        p.lan1.send(p.tagged(frame(host(2, 7), BROADCAST), 207))


# ---- unknown unicast


def test_R8_2_unknown_unicast_does_not_cross_the_wan(p):
    """By default it goes to the other ports of the site alone."""
    f = frame(host(1), NOBODY)
    with p.drops():
        assert p.from_lan0(p.tagged(f)) == ([p.tagged(f)], [])


def test_R8_2_unknown_unicast_dropped_where_there_is_no_other_port(p):
    p.learn(None, host(1, 2), network="native")
    p.dropped_from_lan0("unknown_unicast", bytes(frame(host(1, 2), NOBODY)))


def test_R8_2_unknown_unicast_from_the_wan(p):
    """It has crossed already: the site's ports get it, so that a silent host is found."""
    f = frame(remote(1), NOBODY)
    assert p.from_wan(p.outer(f)) == ([p.tagged(f)], [p.tagged(f)])


def test_R8_2_flood(p):
    f = frame(host(1, 3), NOBODY)
    lan1, wan = p.from_lan0(p.tagged(f, 201))
    assert lan1 == [p.tagged(f, 201)] and where_to(wan) == [(p.vtep(2), 10201), (p.vtep(3), 10201)]
    f = frame(remote(1, 3), NOBODY)
    assert p.from_wan(p.outer(f, vni=10201)) == ([p.tagged(f, 201)], [p.tagged(f, 201)])


def test_R8_2_exception(p):
    f = frame(host(1, 4), EXCEPTION)
    lan1, wan = p.from_lan0(p.tagged(f, 202))
    assert lan1 == [p.tagged(f, 202)] and where_to(wan) == [(p.vtep(2), 10202)]
    f = frame(host(1, 4), NOBODY)
    assert p.from_lan0(p.tagged(f, 202)) == ([p.tagged(f, 202)], [])
    assert p.gw.mac("except", EXCEPTION)["origin"] == "flood"


# ---- where MACs are


def test_known_unicast_goes_to_one_place(p):
    p.learn(100, host(2), p.lan1, where="trunk1")
    p.learn_remote(remote(2), vtep=2)
    p.learn_remote(remote(3), vtep=3)
    f = frame(host(1), host(2))
    assert p.from_lan0(p.tagged(f)) == ([p.tagged(f)], [])
    for n in (2, 3):
        lan1, wan = p.from_lan0(p.tagged(frame(host(1), remote(n))))
        assert lan1 == [] and where_to(wan) == [(p.vtep(n), 10100)]
    f = frame(remote(2), host(2))
    assert p.from_wan(p.outer(f)) == ([], [p.tagged(f)])


def test_to_the_port_it_came_from(p):
    p.learn(100, host(3))
    p.dropped_from_lan0("same_port", p.tagged(frame(host(1), host(3))))


def test_one_mac_in_two_networks(p):
    """Tables are per network."""
    p.learn(100, host(4))
    p.learn(101, host(4), p.lan1, network="one", where="trunk1")
    assert p.gw.mac("web", host(4))["port"] == "trunk0"
    f = frame(remote(2), host(4))
    assert p.from_wan(p.outer(f)) == ([p.tagged(f)], [])


def test_moves_between_port_and_wan_and_back(p):
    for n in range(3):
        vm = host(50 + n)  # with more moves of one it would be a duplicate (R5.1)
        p.learn(100, vm)
        f = frame(remote(2), vm)
        assert p.from_wan(p.outer(f)) == ([p.tagged(f)], [])
        p.learn(100, vm, p.lan1, where="trunk1")
        assert p.from_wan(p.outer(f)) == ([], [p.tagged(f)])
        p.learn_remote(vm, vtep=3)
        assert where_to(p.from_lan0(p.tagged(frame(host(1), vm)))[1]) == [(p.vtep(3), 10100)]
        p.learn_remote(vm, vtep=2)
        assert where_to(p.from_lan0(p.tagged(frame(host(1), vm)))[1]) == [(p.vtep(2), 10100)]


@pytest.mark.parametrize("src", ["00:00:00:00:00:00", BROADCAST, GROUP])
def test_source_that_cannot_be(p, src):
    p.dropped_from_lan0("src_invalid", p.tagged(frame(src, BROADCAST)))
    p.dropped_from_wan("src_invalid", p.outer(frame(src, BROADCAST)))
    assert p.gw.mac("web", src) is None


def test_static_macs(p):
    lan1, wan = p.from_lan0(p.tagged(frame(host(1, 5), STATIC_PORT), 203))
    assert len(lan1) == 1 and not wan
    lan1, wan = p.from_lan0(p.tagged(frame(host(1, 5), STATIC_VTEP), 203))
    assert not lan1 and where_to(wan) == [(p.vtep(2), 10203)]
    # From elsewhere they are impostors, and the entry stays.
    p.dropped_from_lan0("src_static", p.tagged(frame(STATIC_PORT, BROADCAST), 203),
                        p.tagged(frame(STATIC_VTEP, BROADCAST), 203))
    p.dropped_from_wan("src_static", p.outer(frame(STATIC_PORT, BROADCAST), vni=10203),
                       p.outer(frame(STATIC_VTEP, BROADCAST), vni=10203, vtep=3))
    assert p.gw.mac("static", STATIC_PORT)["port"] == "trunk1"
    assert p.gw.mac("static", STATIC_VTEP)["vtep"] == p.vtep(2)
    # From where they belong they are welcome.
    f = frame(STATIC_VTEP, BROADCAST)
    assert p.from_wan(p.outer(f, vni=10203)) == ([p.tagged(f, 203)], [p.tagged(f, 203)])
    # Clearing does not touch them.
    p.gw.ctl("clear", "macs", "--network", "static")
    assert set(p.gw.macs("static")) == {STATIC_PORT, STATIC_VTEP}


# ---- limits


@pytest.mark.parametrize("dst,reason", [(BROADCAST, "limit_broadcast"), (GROUP, "limit_multicast"),
                                        (NOBODY, "limit_unknown_unicast")])
def test_R8_3_storm_limits(p, dst, reason):
    """Each of its own: a burst is cut to about the rate, the rest counted by its name; the others pass."""
    n = 400
    p.learn(204, host(1, 8), network="limited")

    def pass_again():
        return p.from_lan0(p.tagged(frame(host(1, 8), dst), 204))[1]

    wait_for(pass_again, 5, "the limit lets frames through again", interval=0.2)
    before, start = p.gw.drops(), time.monotonic()
    lan1, wan = p.from_lan0(*[p.tagged(frame(host(1, 8), dst), 204)] * n)
    took = time.monotonic() - start
    wait_for(lambda: p.gw.drops()[reason] == before[reason] + n - len(wan), 3,
             lambda: (len(wan), p.gw.drops()[reason] - before[reason]))
    assert len(lan1) == len(wan)
    assert len(wan) <= RATE * (took + 1) + 2
    for other in (BROADCAST, GROUP, NOBODY):
        if other != dst:
            wait_for(lambda: p.from_lan0(p.tagged(frame(host(1, 8), other), 204))[1], 5, f"{other} passes", interval=0.2)
    f = frame(host(1, 8), remote(1, 8))
    p.learn_remote(remote(1, 8), vni=10204, network="limited")
    assert len(p.from_lan0(*[p.tagged(f, 204)] * 100)[1]) == 100  # known unicast has no limit
    wait_for(pass_again, 5, "the limit lets frames through again", interval=0.2)


def test_R8_3_limits_are_per_port(p):
    p.from_lan0(*[p.tagged(frame(host(1, 8), BROADCAST), 204)] * 200)
    p.lan0.drain()
    p.lan1.send(p.tagged(frame(host(2, 8), BROADCAST) / marker(), 204))
    p.lan0.packets(lambda f: f.src == host(2, 8))


def test_R8_4_mac_limit_of_a_network(p):
    """The fourth is not learned, its frames still pass, and the first three go on."""
    for n in range(3):
        p.learn(205, host(n, 9), network="few")
    f = frame(host(7, 9), BROADCAST)
    assert len(p.from_lan0(*[p.tagged(f, 205)] * 3)[1]) == 3
    p.learn(100, host(6))  # a later event that has been handled
    assert p.gw.mac("few", host(7, 9)) is None
    assert set(p.gw.macs("few")) == {host(n, 9) for n in range(3)}
    f = frame(remote(9, 9), BROADCAST)
    assert len(p.from_wan(p.outer(f, vni=10205))[0]) == 1
    p.learn_remote(remote(8), vtep=3)
    assert p.gw.mac("few", remote(9, 9)) is None
    # One of the old ones moves: that is no new MAC.
    p.learn(205, host(0, 9), p.lan1, network="few", where="trunk1")
    wait_for(lambda: "limit" in p.gw.log, what="an alert in the log")
    # Room again: learned again.
    p.gw.ctl("clear", "macs", "--network", "few")
    p.learn(205, host(7, 9), network="few")


def test_R8_4_mac_limit_of_a_port(p):
    p.gw.ctl("clear", "macs")
    for n in range(12):
        p.learn(100 + n % 2, host(n, 10), p.lan1, network=("web", "one")[n % 2], where="trunk1")
    f = frame(host(13, 10), BROADCAST)
    p.lan1.send(*[p.tagged(f)] * 3)
    p.lan0.packets(lambda x: x.src == host(13, 10), 3)
    p.learn(100, host(6))
    assert p.gw.mac("web", host(13, 10)) is None
    f = frame(remote(2), host(4, 10))
    assert p.from_wan(p.outer(f)) == ([], [p.tagged(f)])
    # At the other port it is learned.
    p.learn(100, host(13, 10))
    p.gw.ctl("clear", "macs")
