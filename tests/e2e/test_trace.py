# SPDX-License-Identifier: BSD-3-Clause
"""causewayctl trace: what it says would happen to a frame happens."""
import pytest

from gateway import INTERFACE, network
from probe import BROADCAST, HOST_A, HOST_B, REMOTE, running_probe
from scapy.all import Ether, Raw

WEB = "web"


def conf(p):
    c = p.gateway_conf([network(WEB, 100, 10100, p.vtep(2)), network("native", "untagged", 10001, p.vtep(3))])
    c["fastpath"]["mode"] = "on"  # whatever the other tests run with
    return c


def conf_off(p):
    c = conf(p)
    c["fastpath"]["mode"] = "off"
    return c


@pytest.fixture(scope="module")
def p():
    with running_probe(conf, kind=INTERFACE) as probe:
        probe.learn(100, HOST_A)
        probe.learn(100, HOST_B, wire=probe.lan1, where="trunk1")
        probe.learn_remote(REMOTE)
        yield probe


def trace(p, *args):
    return p.gw.ctl("trace", *args)


def frame(dst, src, vlan=100):
    return bytes(Ether(src=src, dst=dst, type=0x800) / Raw(bytes(46))) if vlan is None else \
        bytes(Ether(src=src, dst=dst, type=0x8100)) + vlan.to_bytes(2, "big") + b"\x08\x00" + bytes(46)


def steps(t, name):
    return [s for s in t["steps"] if s["step"] == name]


def reasons(t):
    return {s["reason"] for s in steps(t, "drop")}


@pytest.mark.parametrize("dst, vlan", [(REMOTE, 100), (HOST_B, 100), (BROADCAST, 100), ("02:cc:00:00:00:01", 100),
                                       ("01:80:c2:00:00:00", 100), (REMOTE, 999), (HOST_A, 100)])
def test_from_a_port_as_it_happens(p, dst, vlan):
    f = frame(dst, HOST_A, vlan)
    t = trace(p, "--port", "trunk0", "--frame", f.hex())
    before = p.gw.drops()
    lan1, wan = p.from_lan0(f)
    out = steps(t, "out")
    assert len([s for s in out if s.get("port") == "trunk1"]) == len(lan1), (t, lan1)
    assert len([s for s in out if "vtep" in s]) == len(wan), (t, wan)
    assert (t["verdict"] == "dropped") == (not lan1 and not wan), t
    after = p.gw.drops()
    assert reasons(t) == {r for r in after if after[r] > before[r]}


def test_from_a_vtep(p):
    t = trace(p, "--vtep", p.vtep(2), "--network", WEB, "--src", REMOTE, "--dst", HOST_B)
    assert t["verdict"] == "forwarded" and steps(t, "out")[0]["port"] == "trunk1"
    t = trace(p, "--vtep", p.vtep(2), "--network", WEB, "--src", REMOTE, "--dst", REMOTE)
    assert reasons(t) == {"split_horizon"}
    t = trace(p, "--vtep", p.vtep(3), "--network", WEB, "--src", REMOTE, "--dst", HOST_A)
    assert reasons(t) == {"vtep_unknown"}


def test_too_long_for_the_way(p):
    args = ("--port", "trunk0", "--network", WEB, "--src", HOST_A, "--dst", REMOTE)
    assert trace(p, *args, "--length", "1518")["verdict"] == "forwarded"
    assert reasons(trace(p, *args, "--length", "1900")) == {"path_mtu"}


def test_nothing_was_learned(p):
    new = "02:cc:00:00:00:77"
    t = trace(p, "--port", "trunk0", "--network", WEB, "--src", new, "--dst", REMOTE)
    assert "learned" in steps(t, "source")[0]["text"]
    assert p.gw.mac(WEB, new) is None


@pytest.mark.parametrize("args, words", [
    ((), "from where"), (("--port", "trunk0"), "which frame"), (("--port", "none", "--frame", "00"), "show ports"),
    (("--port", "trunk0", "--vtep", "198.18.0.2", "--frame", "00"), "from where"),
    (("--port", "trunk0", "--frame", "0g"), "hexadecimal"), (("--port", "trunk0", "--frame", "00" * 300), "hexadecimal"),
    (("--port", "trunk0", "--frame", "00", "--length", "9999"), "length"),
    (("--vtep", "198.18.0.2", "--frame", "00" * 20), "which network"),
    (("--port", "trunk0", "--network", WEB, "--src", HOST_A, "--dst", HOST_B, "--ethertype", "ip"), "ethertype")])
def test_wrong_questions(p, args, words):
    done = p.gw.ctl_run("trace", *args)
    assert done.returncode in (1, 2) and words in done.stderr, done


def test_cut_frames(p):
    f = frame(REMOTE, HOST_A)
    for n in range(1, 18):
        assert reasons(trace(p, "--port", "trunk0", "--frame", f[:n].hex())) == {"truncated"}


def test_text(p):
    done = p.gw.ctl_run("trace", "--port", "trunk0", "--network", WEB, "--src", HOST_A, "--dst", REMOTE)
    assert done.returncode == 0 and "leaves to VTEP" in done.stdout and "verdict" in done.stdout, done
    assert "fast path" in done.stdout and "the worker does not see it" in done.stdout, done


# ---- the fast path

def carried(p):
    """Frames that the fast path took in by each port; drops among them."""
    f = p.gw.ctl("show", "fastpath")
    return {x["port"]: x["carried_in"]["frames"] for x in f["ports"]}, {x["reason"]: x["count"] for x in f["punts"]}


@pytest.mark.parametrize("dst, vlan, verdict", [
    (REMOTE, 100, "forwarded"), (HOST_B, 100, "forwarded"), (BROADCAST, 100, "worker"), ("02:cc:00:00:00:01", 100, "worker"),
    ("01:80:c2:00:00:00", 100, "dropped"), (REMOTE, 999, "dropped"), (HOST_A, 100, "dropped")])
def test_fast_path_as_it_happens(p, dst, vlan, verdict):
    f = frame(dst, HOST_A, vlan)
    idle = carried(p)
    t = trace(p, "--port", "trunk0", "--frame", f.hex())["fastpath"]
    assert carried(p) == idle, "a trace counts nothing"
    assert (t["state"], t["verdict"]) == ("on", verdict), t
    lan1, wan = p.from_lan0(f)
    now = carried(p)
    assert now[0]["trunk0"] - idle[0]["trunk0"] == (verdict != "worker"), (t, idle, now)
    if verdict == "worker":
        reason = steps(t, "worker")[0]["reason"]
        markers = 1 if reason == "group" else 0  # from_lan0() sends one behind it
        assert now[1][reason] - idle[1].get(reason, 0) == 1 + markers, (t, idle, now)
    elif verdict == "forwarded":
        assert [x.hex() for x in lan1 + wan] == [t["frame"]] and t["length"] == len(t["frame"]) // 2
    else:
        assert reasons(t) == reasons(trace(p, "--port", "trunk0", "--frame", f.hex()))


def test_fast_path_from_a_vtep(p):
    args = ("--vtep", p.vtep(2), "--network", WEB, "--src", REMOTE)
    t = trace(p, *args, "--dst", HOST_B)["fastpath"]
    assert t["verdict"] == "forwarded" and steps(t, "out")[0]["port"] == "trunk1", t
    assert [s["step"] for s in t["steps"]] == ["network", "tunnel", "source", "destination", "out"]
    frame_in = bytes(Ether(src=REMOTE, dst=HOST_B, type=0x800) / Raw(bytes(46)))
    (out,) = p.from_wan(p.outer(frame_in))[1]
    assert out.hex() == t["frame"]
    assert reasons(trace(p, *args, "--dst", REMOTE)["fastpath"]) == {"split_horizon"}
    t = trace(p, "--vtep", p.vtep(3), "--network", WEB, "--src", REMOTE, "--dst", HOST_A)["fastpath"]
    assert reasons(t) == {"vtep_unknown"} and not steps(t, "tunnel")


def test_fast_path_is_off():
    with running_probe(conf_off, kind=INTERFACE) as p:
        args = ("--port", "trunk0", "--network", WEB, "--src", HOST_A, "--dst", REMOTE)
        t = trace(p, *args)["fastpath"]
        assert t["state"] == "off" and "off in the configuration" in t["why"] and "verdict" not in t
        assert "off in the configuration" in p.gw.ctl_run("trace", *args).stdout
