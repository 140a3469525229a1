# SPDX-License-Identifier: BSD-3-Clause
"""Numbered datagrams from one host to another: what is lost, and what comes twice."""
import contextlib
import itertools
import socket
import struct
import threading
import time

from netns import wait_for

PORT = itertools.count(7000)


class Stream:
    """Context manager: numbered datagrams from one host to another, `rate` a second, until it is left."""

    def __init__(self, frm, to, rate=500, size=64):
        self.rate, self.fill = rate, bytes(size - 4)
        self.sent, self.seen, self.twice = 0, set(), 0
        self.to, port = to, next(PORT)
        with to.ns.entered():
            self.rx = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.rx.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
            self.rx.bind((to.ip, port))
            self.rx.settimeout(0.3)
        with frm.ns.entered():
            self.tx = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.tx.connect((to.ip, port))
        self.stop, self.all_sent = threading.Event(), threading.Event()
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self._send, self._receive)]

    def _send(self):
        begin = time.monotonic()
        while not self.stop.is_set():
            while self.sent < (time.monotonic() - begin) * self.rate:
                with contextlib.suppress(OSError):  # ECONNREFUSED, should there be any
                    self.tx.send(struct.pack("!I", self.sent) + self.fill)
                self.sent += 1
            time.sleep(1 / self.rate)

    def _receive(self):
        last = False
        while not last:
            last = self.all_sent.is_set()  # then all there is comes before a silence that begins now
            with contextlib.suppress(TimeoutError):
                while True:
                    n = struct.unpack("!I", self.rx.recv(100)[:4])[0]
                    self.twice += n in self.seen
                    self.seen.add(n)

    def __enter__(self):
        for t in self.threads:
            t.start()
        wait_for(lambda: len(self.seen) > 20, 5, lambda: f"the stream to {self.to.name} flows: {len(self.seen)}")
        return self

    def __exit__(self, *exc):
        self.end()

    def end(self):
        for event, thread in zip((self.stop, self.all_sent), self.threads):
            event.set()
            thread.join(10)
        self.tx.close()
        self.rx.close()

    def goes_on(self, n=50, timeout=10):
        """Waits until n more have come."""
        least = self.sent + n
        wait_for(lambda: self.seen and max(self.seen) >= least, timeout, lambda: f"{least} comes: {sorted(self.seen)[-3:]}")

    def lost(self):
        """Numbers that never came; after end()."""
        return sorted(set(range(self.sent)) - self.seen)
