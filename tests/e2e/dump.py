# SPDX-License-Identifier: BSD-3-Clause
"""All BGP that is sent into a WAN, captured, and read by tshark."""
import os
import signal

from netns import run, wait_for

PORT = 179
MARKER_TYPE = 0x88b5


class Capture:
    """Context manager. Each frame once, where it comes into the WAN."""

    def __init__(self, wan, path):
        self.ns, self.path, self.log = wan.ns, path, f"{path}.log"
        self.dump = self.marker = None
        # A cable of the capture's own, with both ends here.
        self.ns.ip("link add mark0 type veth peer name mark1")
        for dev in ("mark0", "mark1"):
            self.ns.quiet(dev)
            self.ns.ip(f"link set {dev} up")

    def __enter__(self):
        # In immediate mode each packet has room for the longest there may be: with -s 0 the buffer holds eight of them, and
        # a capture with a gap is one that tshark reads nothing from. With this one it holds 8,192.
        with open(self.log, "w", encoding="ascii") as log:
            self.dump = self.ns.start("tcpdump", "-i", "any", "-Q", "in", "-s", 1800, "-B", 16384, "-U", "-w", self.path,
                                      "--immediate-mode", "tcp", "port", PORT, "or", "ether", "proto", MARKER_TYPE, stderr=log)
        wait_for(lambda: os.path.exists(self.path) and os.path.getsize(self.path) >= 24, 20, "tcpdump writes")
        self.marker = self.ns.raw_socket("mark0", mib=1)
        return self

    def __exit__(self, *_):
        try:
            self.read()
        finally:
            self.marker.close()
            self.dump.send_signal(signal.SIGINT)
            self.dump.wait(20)
            self.dump = None

    def read(self):
        """A file with all that came before this call, and no half of a packet behind it: tcpdump writes when it gets to it,
        and what is in its buffer when it ends it does not write at all. So it ends with a frame that is sent now."""
        done = f"{self.path}.read"
        if not self.dump:
            return done
        last = os.urandom(32)
        self.marker.send(bytes(12) + MARKER_TYPE.to_bytes(2, "big") + last)

        def there():
            with open(self.path, "rb") as f:
                data = f.read()
            at = data.find(last)
            return data[:at + len(last)] if at >= 0 else None

        data = wait_for(there, 30, lambda: f"tcpdump's packet: {os.path.getsize(self.path)} bytes, "
                        f"{open(self.log, encoding='ascii').read()}")
        with open(done, "wb") as f:
            f.write(data)
        return done

def tshark(capture, *args):
    return run("tshark", "-n", "-r", capture.read(), "-o", "tcp.desegment_tcp_streams:TRUE", "-o",
               "tcp.reassemble_out_of_order:TRUE", *args, timeout=120).stdout

def faults(capture, *sources):
    """What tshark finds wrong with the BGP messages of these senders: expert level warning or above, and malformed ones.
    How the TCP connection fares (a reset, a duplicate acknowledgement: group sequence) is not how messages are made."""
    seen = tshark(capture, "-Y", "bgp.type == 2", "-c", 1000, "-T", "fields", "-e", "ip.src", "-e", "ipv6.src").split()
    for source in sources:
        assert source in seen, f"no UPDATE of {source} in {capture.path}"
    where = " || ".join(f"{'ip' if '.' in source else 'ipv6'}.src == {source}" for source in sources)
    return tshark(capture, "-Y", f"({where}) && bgp && (_ws.malformed || (_ws.expert.severity >= 0x600000 && "
                  "!(_ws.expert.group == 0x02000000)))", "-V", "-O", "ip,ipv6,bgp,_ws.expert")
