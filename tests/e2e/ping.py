# SPDX-License-Identifier: BSD-3-Clause
"""Echo requests from a namespace, and what came of them.

The usual ping waits for its last reply only as long as one interval (50 ms here) once it has had another: on a busy
machine that is a frame lost that came. This one waits for each reply, the last one too, as long as it is told.
"""
import os
import select
import socket
import struct
import threading
import time

from netns import Failed

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_DO = 10, 23, 2
SO_TIMESTAMPNS = 35
REQUEST, REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}


class Ping:
    """Begins at once, in a thread of its own. count requests, one each interval (s), with size bytes of data; then wait (s)
    for those replies that are missing. finish() waits for the end; stop() means no further request."""

    def __init__(self, ns, to, count=3, interval=0.05, wait=1, size=56, fragment=True):
        self.to, self.count, self.interval, self.wait = str(to), count, interval, wait
        self.sent, self.received, self.duplicates, self.wrong = 0, 0, 0, 0
        self.last_sent = None  # time.monotonic()
        self._times, self._sent_at, self._errors = {}, {}, []
        self._family = 6 if ":" in self.to else 4
        self._data = os.urandom(size)
        with ns.entered():
            self._socket = self._open(fragment)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _open(self, fragment):
        """The kernel gives such a socket an identifier, and what has that identifier."""
        v6 = self._family == 6
        s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM,
                          socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
        s.setblocking(False)
        s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if not fragment:
            s.setsockopt(*((socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER) if v6 else (socket.IPPROTO_IP, IP_MTU_DISCOVER)), PMTUDISC_DO)
        return s

    def _run(self):
        due = end = time.monotonic()
        while self._more() or (self.received < self.sent and time.monotonic() < end):
            now = time.monotonic()
            if self._more() and now >= due:
                self._send()
                self.last_sent = now
                due, end = now + self.interval, now + self.wait
            select.select([self._socket], [], [], max(0, (due if self._more() else end) - time.monotonic()))
            self._take()
        self._socket.close()

    def _more(self):
        return self.sent < self.count and not self._stop.is_set()

    def _send(self):
        n = self.sent & 65535
        self._sent_at[n] = time.time_ns()
        try:
            self._socket.sendto(struct.pack("!BBHHH", REQUEST[self._family], 0, 0, 0, n) + self._data, (self.to, 0))
        except OSError as e:
            self._errors.append(f"{n}: {e}")
        self.sent += 1

    def _take(self):
        """All that is there."""
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(65536, 256)
            except BlockingIOError:
                return
            except OSError as e:
                self._errors.append(str(e))
                return
            n = struct.unpack_from("!H", data, 6)[0]
            if data[0] != REPLY[self._family] or n not in self._sent_at or data[8:] != self._data:
                self.wrong += 1
            elif n in self._times:
                self.duplicates += 1
            else:
                at = [struct.unpack("qq", d) for level, kind, d in ancillary if kind == SO_TIMESTAMPNS]
                ns = at[0][0] * 10**9 + at[0][1] if at else time.time_ns()
                self._times[n] = (ns - self._sent_at[n]) / 1e6
                self.received += 1

    def stop(self):
        self._stop.set()

    def finish(self):
        most = self.count * self.interval + self.wait + 60
        self._thread.join(most)
        if self._thread.is_alive():
            raise Failed(f"not ended within {most} s: {self}")
        return self

    @property
    def complete(self):
        return 0 < self.sent == self.received and not self.duplicates and not self.wrong

    # Round trips in ms; None without any.

    @property
    def min(self):
        return min(self._times.values(), default=None)

    @property
    def max(self):
        return max(self._times.values(), default=None)

    @property
    def avg(self):
        return sum(self._times.values()) / len(self._times) if self._times else None

    @property
    def text(self):
        """For the message of a test that fails: what came, in its order, and what did not, with the time of day."""
        lost = [f"{n} (sent at {time.strftime('%H:%M:%S', time.gmtime(ns // 10**9))}.{ns % 10**9:09})"
                for n, ns in self._sent_at.items() if n not in self._times]
        times = ", ".join(f"{n}: {ms:.3f}" for n, ms in self._times.items())
        return f"{self!r}: ms {times}; without an answer: {', '.join(lost) or 'none'}; errors: {self._errors}"

    def __repr__(self):
        return (f"<ping to {self.to}: {self.received}/{self.sent} +{self.duplicates} twice, {self.wrong} wrong, "
                f"{self.min} ms>")
