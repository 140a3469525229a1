# SPDX-License-Identifier: BSD-3-Clause
"""tests/tools/vm_peer.c notices what it is there to notice: a changed, lost or repeated byte, a connection that ends, a
silence. Between its two ends is a relay of the test's own that does just that."""
import contextlib
import select
import socket
import time

import pytest

from netns import wait_for
from vm import VM_PORT, Peer, whole, worst

PORT = VM_PORT + 1
SIZE = 500


class Between:
    """Carries one connection, and lets change(n, data) have each piece of what goes to the listener; n: bytes before it."""

    def __init__(self, ns):
        with ns.entered():
            self.server, self.out = socket.socket(), socket.socket()
        self.server.bind(("127.0.0.1", PORT))
        self.server.listen()
        self.ends, self.change, self.carried = [], lambda n, data: data, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in (self.server, self.out, *self.ends):
            s.close()

    def open(self):
        self.server.settimeout(10)
        self.out.connect(("127.0.0.1", VM_PORT))
        self.ends = [self.server.accept()[0], self.out]

    def carry(self, seconds=0.02):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for s in select.select(self.ends, [], [], left)[0]:
                with contextlib.suppress(OSError):
                    data = s.recv(65536)
                    other = self.ends[s is self.ends[0]]
                    if not data:
                        other.shutdown(socket.SHUT_WR)
                    elif s is self.ends[0]:
                        other.sendall(self.change(self.carried, data))
                        self.carried += len(data)
                    else:
                        other.sendall(data)
        return True

    def until(self, condition, what):
        wait_for(lambda: self.carry() and condition(), 10, what, interval=0)


@pytest.fixture
def s(own_lab):
    ns = own_lab.netns("both")
    with Between(ns) as b, Peer(ns, listen=True) as b.listener:
        wait_for(lambda: f":{VM_PORT}" in ns.run("ss", "-Htln").stdout, 5, "it listens")
        with Peer(ns, connect=[("127.0.0.1", PORT, 2000, SIZE)]) as b.client:
            b.open()
            b.until(lambda: all(p.report()[0]["received"] > 20 for p in (b.listener, b.client)), "blocks pass")
            yield b


def test_nothing_wrong(s):
    assert all(whole(p.report()) for p in (s.listener, s.client))
    s.client.say("end")
    s.until(lambda: all(p.report()[0]["state"] == "ended" for p in (s.listener, s.client)), "both ends have ended")
    rows = [p.report()[0] for p in (s.listener, s.client)]
    assert whole(rows) and rows[0]["received"] == rows[1]["sent"] == rows[1]["peer_received"], rows
    assert rows[1]["received"] == rows[0]["sent"], rows


def once(alter):
    done = []

    def change(_, data):
        if done:
            return data
        done.append(1)
        return alter(data)
    return change


@pytest.mark.parametrize("alter", [
    lambda d: d[:-1] + bytes([d[-1] ^ 1]), lambda d: bytes([d[0] ^ 0x80]) + d[1:], lambda d: d[:20] + bytes([d[20] ^ 1]) + d[21:],
    lambda d: d[:-1], lambda d: d + d, lambda d: b"", lambda d: d[:60] + d[61:] + b"\0"],
    ids=["last bit", "magic", "number", "byte lost", "repeated", "block lost", "shifted"])
def test_wrong_bytes(s, alter):
    """Said by the end that got them, and by the other, which is told so or sees the connection break."""
    s.change = once(alter)
    s.until(lambda: s.listener.report()[0]["state"] == "broken", "the listener says so")
    row = s.listener.report()[0]
    assert row["bad"] == 1 and "wrong" in row["error"] and not whole([row]), row
    s.until(lambda: s.client.report()[0]["state"] == "broken", "the client sees it")


def test_connection_that_ends(s):
    s.ends[0].close()
    wait_for(lambda: s.client.report()[0]["state"] == "broken", 5, "the client says so")
    assert not whole(s.client.report())


def test_silence(s):
    for p in (s.client, s.listener):
        p.mark()
    begin = time.monotonic()
    wait_for(lambda: worst(s.client.report()) > 300, 5, "a silence of 300 ms")  # counted while it lasts, too
    assert time.monotonic() - begin > 0.25
    s.carry(0.2)
    silent = worst(s.client.report())
    assert 300 < silent < (time.monotonic() - begin) * 1e3 + 50
    s.client.mark()
    s.carry(0.2)
    assert worst(s.client.report()) < silent
    assert whole(s.client.report())
