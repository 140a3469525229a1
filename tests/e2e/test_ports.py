# SPDX-License-Identifier: BSD-3-Clause
"""Ports: what is not ours stays with the kernel, links go down and up, and whatever was attached is detached again."""
import os
import socket
from types import SimpleNamespace

import pytest

from gateway import AF_PACKET, CAUSEWAYD, INTERFACE, VARIANTS, Gateway, gateway_conf, network
from lab import Lab, LinuxVtep
from netns import Failed, wait_for


def build(lab, kind, ip6=False):
    wan = lab.wan()
    paris = lab.site("paris", wan, 1, wan_kernel=kind == INTERFACE)
    linux = LinuxVtep(lab, "linux", wan, 2)
    wan.start()
    at, linux_at = (paris.address6, linux.address6) if ip6 else (paris.address, linux.address)
    linux.network(10100, [at], ip6=ip6)
    if kind == AF_PACKET:
        paris.detach_kernel("lan0")
    a = paris.host("a", 100, "10.100.0.1/24")
    b = linux.host("b", 10100, "10.100.0.2/24")
    conf = gateway_conf(paris, [network("web", 100, 10100, linux_at)], ip6=ip6, underlay=kind, access=kind)
    return SimpleNamespace(wan=wan, paris=paris, linux=linux, a=a, b=b, at=at, linux_at=linux_at, kind=kind, ip6=ip6,
                           gw=Gateway(paris, conf))


@pytest.fixture(scope="module", params=["interface-ipv4", "af_packet-ipv4", "interface-ipv6", "af_packet-ipv6"])
def s(request):
    kind, family = request.param.split("-")
    with Lab() as lab:
        s = build(lab, kind, family == "ipv6")
        with s.gw:
            s.gw.wait_vtep(s.linux_at)
            s.a.reaches(s.b)
            yield s


@pytest.fixture(params=VARIANTS)
def fresh(request, own_lab):
    """A site of its own, its gateway not started."""
    s = build(own_lab, request.param)
    yield s
    s.gw.end()


def tcp_exchange(server_ns, address, client_ns, size=300000):
    """A TCP connection from client to server: `size` bytes there and their number back."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with server_ns.entered():
        server = socket.create_server((address, 2222), family=family)
    with client_ns.entered():
        client = socket.create_connection((address, 2222), timeout=5)
    server.settimeout(5)
    with server, client, server.accept()[0] as peer:
        peer.settimeout(5)
        client.settimeout(5)
        got, data = 0, bytes(size)
        sent = 0
        while got < size:
            if sent < size:
                sent += client.send(data[sent:sent + 30000])
            got += len(peer.recv(65536))
        peer.sendall(str(got).encode())
        assert client.recv(100) == str(size).encode()


# ---- what is not ours


def test_arp_and_icmp_to_the_vtep(s):
    s.linux.ns.ip("neigh flush dev wan0")
    s.linux.ns.run("ping", "-n", "-c", 3, "-i", 0.05, "-W", 1, s.at)


def test_icmp_from_the_vtep(s):
    s.paris.ns.run("ping", "-n", "-c", 3, "-i", 0.05, "-W", 1, "-I", s.at, s.linux_at)


def test_pings_are_not_doubled(s):
    done = s.linux.ns.run("ping", "-n", "-c", 3, "-i", 0.05, "-W", 1, s.at)
    assert "duplicates" not in done.stdout


def test_tcp_to_the_vtep(s):
    tcp_exchange(s.paris.ns, s.at, s.linux.ns)


def test_tcp_from_the_vtep(s):
    tcp_exchange(s.linux.ns, s.linux_at, s.paris.ns)


def test_other_udp_stays_with_the_kernel(s):
    """Also UDP that is nearly VXLAN: to the next port."""
    family = socket.AF_INET6 if s.ip6 else socket.AF_INET
    with s.paris.ns.entered():
        server = socket.socket(family, socket.SOCK_DGRAM)
        server.bind((s.at, 4790))
        server.settimeout(5)
    with s.linux.ns.entered():
        client = socket.socket(family, socket.SOCK_DGRAM)
    client.sendto(b"not vxlan", (s.at, 4790))
    assert server.recv(100) == b"not vxlan"
    server.close()
    client.close()


# ---- links


@pytest.mark.parametrize("dev", ["lan0", "wan0"])
def test_link_down_and_up(s, dev):
    """At the far end of the cable, so the port loses its carrier; and by `ip link` on the port itself."""
    far = s.wan.ns if dev == "wan0" else s.paris.switch
    far_dev = "paris" if dev == "wan0" else "lan0"
    for ns, name in ((far, far_dev), (s.paris.ns, dev)):
        ns.ip(f"link set {name} down")
        if dev == "wan0" and s.kind == INTERFACE:
            wait_for(lambda: not s.gw.vtep(s.linux_at)["resolved"], 5, lambda: s.gw.vtep(s.linux_at))
        s.a.ping(s.b, count=3, wait=0.1)
        ns.ip(f"link set {name} up")
        if s.kind == INTERFACE and dev == "wan0" and s.ip6 and ns is s.paris.ns:
            ns.ip(f"addr replace {s.at}/64 dev wan0 nodad")  # the kernel drops IPv6 addresses with the link
        s.gw.wait_vtep(s.linux_at)
        s.a.reaches(s.b, timeout=10)
        assert s.a.ping(s.b).complete
    assert s.gw.alive()


def test_ports_are_shown_as_they_are(s):
    ports = s.gw.ports()
    assert ports["trunk0"]["up"] and ports["trunk0"]["role"] == "access"
    assert [p["role"] for p in ports.values()].count("underlay") == 1
    if s.kind == INTERFACE:
        assert ports["trunk0"]["driver"] == "net_af_xdp" and ports["trunk0"]["xdp"] == "native"
    else:
        assert "kernel" in [p["role"] for p in ports.values()]


# ---- ending


def attached(ns):
    """What a causewayd may leave behind in a namespace."""
    found = []
    for link in ns.ip_json("link", "show"):
        name = link["ifname"]
        if "xdp" in link:
            found.append(f"{name}: XDP program {link['xdp']}")
        if link.get("promiscuity", 0) or "PROMISC" in link["flags"]:
            found.append(f"{name}: promiscuous")
        if name not in ("lo", "lan0", "wan0"):
            found.append(f"{name}: left over")
    return found


def clean_before(ns):
    assert attached(ns) == []


def test_sigterm_detaches_everything(fresh):
    clean_before(fresh.paris.ns)
    fresh.gw.start()
    fresh.gw.wait_vtep(fresh.linux_at)
    fresh.a.reaches(fresh.b)
    assert attached(fresh.paris.ns)
    fresh.gw.stop()
    wait_for(lambda: not attached(fresh.paris.ns), 5, lambda: attached(fresh.paris.ns))
    assert not os.path.exists(fresh.gw.socket)


def test_kill_detaches_everything(fresh):
    """But for a fast path that is pinned (test_fastpath.py)."""
    fresh.gw.conf["fastpath"] = "off"
    fresh.gw.write()
    fresh.gw.start()
    fresh.gw.wait_vtep(fresh.linux_at)
    fresh.a.reaches(fresh.b)
    fresh.gw.kill()
    wait_for(lambda: not attached(fresh.paris.ns), 5, lambda: attached(fresh.paris.ns))


def test_restart_after_kill(fresh):
    for last in (False, False, True):
        fresh.gw.start()
        fresh.gw.wait_vtep(fresh.linux_at)
        fresh.a.forget_neighbours()  # the new gateway knows no MAC yet, and R8.2 holds
        fresh.a.reaches(fresh.b)
        assert fresh.a.ping(fresh.b).complete
        if last:
            fresh.gw.stop()
        else:
            fresh.gw.kill()
    wait_for(lambda: not attached(fresh.paris.ns), 5, lambda: attached(fresh.paris.ns))


# ---- what cannot be started says why


def refused(gw, *words, prefix=(), status=1):
    """It ends by itself, with this status, and says all these words on one line."""
    gw.spawn(*prefix)
    wait_for(lambda: not gw.alive(), 15, lambda: f"causewayd ends\n{gw.log}")
    lines = [x for x in gw.log.splitlines() if all(w.lower() in x.lower() for w in words)]
    if not lines or gw.process.returncode != status:
        raise Failed(f"status {gw.process.returncode}, looked for {words} in:\n{gw.log}")
    return lines[-1]


def needs_much_memory(gw):
    """More than a machine sets aside as hugepages for nothing: buffers for packets of 60,000 bytes."""
    gw.conf["access"][0]["mtu"] = 60000
    gw.write()


def test_hugepages_on_but_too_few(fresh):
    fresh.gw.conf["dataplane"]["hugepages"] = "on"
    needs_much_memory(fresh.gw)
    assert "vm.nr_hugepages" in refused(fresh.gw, "dataplane.hugepages is on", "MB of free hugepages are needed")


def test_too_few_hugepages_are_done_without(fresh):
    fresh.gw.conf["dataplane"]["hugepages"] = "auto"
    needs_much_memory(fresh.gw)
    fresh.gw.start()
    assert "going on without" in fresh.gw.log
    assert fresh.gw.ask("show status")["hugepages"] is False
    fresh.gw.wait_vtep(fresh.linux_at)
    fresh.a.reaches(fresh.b)


def test_no_such_cpu(fresh):
    fresh.gw.conf["dataplane"]["cpu"] = 999
    fresh.gw.write()
    refused(fresh.gw, "dataplane.cpu is 999", "no such CPU")


@pytest.fixture
def one_cpu():
    """What is started has one CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    yield max(before)
    os.sched_setaffinity(0, before)


def test_more_workers_than_cpus(fresh, one_cpu):
    fresh.gw.conf["dataplane"] |= {"workers": 2, "poll": "busy"}
    fresh.gw.write()
    refused(fresh.gw, "dataplane.workers is 2", "with poll: busy each worker needs one")
    fresh.gw.conf["dataplane"] |= {"poll": "adaptive", "cpu": one_cpu}
    fresh.gw.write()
    refused(fresh.gw, f"dataplane.workers is 2 and their first CPU {one_cpu}", "1 only")
    fresh.gw.conf["dataplane"]["cpu"] = "any"
    fresh.gw.write()
    fresh.gw.start()
    assert "2 workers share 1 CPUs" in fresh.gw.log


@pytest.mark.only("af_packet")
@pytest.mark.parametrize("device", ["net_nonsense0", "net_pcap0,rx_pcap=/nonexistent"])
def test_wrong_vdevs_are_refused_by_name(fresh, device):
    fresh.gw.conf["access"].append({"name": "other", "dpdk": device})
    fresh.gw.write()
    refused(fresh.gw, "other", device.split(",")[0])


@pytest.mark.only("af_packet")
@pytest.mark.parametrize("where", ["underlay", "access"])
@pytest.mark.parametrize("driver,args", [("net_ring", ""), ("net_tap", ",iface=cwvdev"), ("net_pcap", ",iface=lan0"),
                                         ("net_memif", ",role=server,socket={dir}/memif.sock,socket-abstract=no"),
                                         ("net_vhost", ",iface={dir}/vhost.sock")])
def test_every_vdev_can_be_a_port(fresh, driver, args, where):
    """It comes up beside the others, is shown, and is gone again at the end; with a TAP where it is the underlay."""
    device = driver + "7" + args.format(dir=fresh.paris.lab.dir)
    if where == "underlay":
        fresh.gw.conf["underlay"]["port"] = {"dpdk": device}
    else:
        fresh.gw.conf["access"][0]["dpdk"] = device
    fresh.gw.write()
    fresh.gw.start()
    port = next(x for x in fresh.gw.ask("show ports")["ports"] if x["device"] == device)
    assert port["driver"] == driver and port["role"] == where
    if where == "underlay":
        mac = fresh.paris.ns.ip_json("link", "show", "cw-wan")[0]["address"]
        assert fresh.gw.ask("show status")["underlay"]["mac"] == mac != "00:00:00:00:00:00"
    fresh.gw.stop()
    assert attached(fresh.paris.ns) == []


@pytest.mark.parametrize("where", ["underlay", "access"])
def test_missing_interface(fresh, where):
    section = fresh.gw.conf["underlay"]["port"] if where == "underlay" else fresh.gw.conf["access"][0]
    if fresh.kind == INTERFACE:
        section["interface"] = "nothere0"
    else:
        section["dpdk"] = section["dpdk"].replace("wan0", "nothere0").replace("lan0", "nothere0")
    fresh.gw.write()
    refused(fresh.gw, "nothere0")
    assert attached(fresh.paris.ns) == []


@pytest.mark.parametrize("key", ["interface", "tap"])
def test_name_too_long(fresh, key):
    if key == "tap":
        fresh.gw.conf["underlay"]["tap"] = "a-name-of-17-char"
    else:
        fresh.gw.conf["access"][0] = {"name": "trunk0", "interface": "a-name-of-17-char"}
    fresh.gw.write()
    line = refused(fresh.gw, "a-name-of-17-char")
    assert line.startswith(fresh.gw.file + ":")


def test_no_rights(fresh):
    os.chmod(fresh.paris.lab.dir, 0o755)
    refused(fresh.gw, "root", prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                      "--inh-caps=-all", "--bounding-set=-all"))
    assert attached(fresh.paris.ns) == []


def test_socket_in_use(fresh):
    """By a gateway in another namespace: the first one keeps it."""
    london = fresh.paris.lab.site("london", fresh.wan, 3, wan_kernel=fresh.kind == INTERFACE)
    fresh.gw.start()
    conf = gateway_conf(london, [network("web", 100, 10100, fresh.linux_at)], underlay=fresh.kind, access=fresh.kind)
    other = Gateway(london, conf | {"api": {"socket": fresh.gw.socket}})
    try:
        refused(other, fresh.gw.socket)
    finally:
        other.end()
    assert attached(london.ns) == []
    assert fresh.gw.ask("show status")["site"] == "paris"
    fresh.gw.wait_vtep(fresh.linux_at)
    fresh.a.reaches(fresh.b)


@pytest.mark.only("interface")
def test_interface_in_use_by_another_gateway(fresh):
    """The second one says so, and the first goes on."""
    fresh.gw.start()
    other = Gateway(fresh.paris, dict(fresh.gw.conf, gateway="other", api={"socket": fresh.gw.socket + "2"}), "other")
    try:
        assert "another causewayd" in refused(other, "error", "0")
    finally:
        other.end()
    fresh.gw.wait_vtep(fresh.linux_at)
    fresh.a.reaches(fresh.b)
    assert fresh.a.ping(fresh.b).complete


def test_unusable_devargs(fresh):
    fresh.gw.conf["access"][0] = {"name": "trunk0", "dpdk": "net_nosuchdriver0,iface=lan0"}
    fresh.gw.write()
    refused(fresh.gw, "net_nosuchdriver0")


def test_no_rights_is_no_matter_for_a_check(fresh):
    """--check needs none."""
    os.chmod(fresh.paris.lab.dir, 0o755)
    done = fresh.paris.ns.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CAUSEWAYD, "--check",
                              fresh.gw.file)
    assert done.returncode == 0


# ---- a TAP of a VM as access port


def test_tap_as_access_port(own_lab):
    """dpdk: net_tap makes the interface that a VM's switch or the kernel's bridge would use."""
    s = build(own_lab, INTERFACE)
    s.gw.conf["access"].append({"name": "vm", "dpdk": "net_tap5,iface=cwvm0", "untagged": "web"})
    s.gw.write()
    with s.gw:
        s.gw.wait_vtep(s.linux_at)
        s.paris.ns.ip("link set cwvm0 up", "addr add 10.100.0.7/24 dev cwvm0")
        mac = s.paris.ns.ip_json("link", "show", "cwvm0")[0]["address"]
        wait_for(lambda: s.paris.ns.run("ping", "-n", "-c", 1, "-W", 1, s.b.ip, check=False).returncode == 0, 5,
                 "a ping from the TAP to the other site")
        assert s.gw.wait_mac("web", mac, "vm")
        s.paris.ns.run("ping", "-n", "-c", 3, "-i", 0.05, "-W", 1, s.a.ip)  # bridged to the trunk, with its tag
    wait_for(lambda: not attached(s.paris.ns), 5, lambda: attached(s.paris.ns))
