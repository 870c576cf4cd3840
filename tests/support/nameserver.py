"""A name server on a loopback port, as tests want it: records that change, and a server that is away, fails or knows nothing."""
import contextlib
import ipaddress
import random
import socket
import struct
import threading

TYPES = {1: "A", 28: "AAAA", 33: "SRV"}


def encoded(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split(".")) + b"\0"


class NameServer:
    """`records`: {"web.test": {"A": ["127.0.0.1"], "SRV": [(priority, weight, port, host)]}}. `mode`: "up", "silent", "servfail"."""

    def __init__(self, records=None, ttl=1, at=("127.0.0.1", 0), shuffled=False):
        self.records, self.ttl, self.mode = dict(records or {}), ttl, "up"
        self.shuffled = shuffled
        self.asked = []  # (name, type)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(at)
        self.address = "%s:%d" % self.sock.getsockname()
        self.ended = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def stop(self):
        self.ended = True
        with contextlib.suppress(OSError):  # "not connected", but it wakes the thread
            self.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.sock.close()

    def times(self, name, kind="A"):
        return self.asked.count((name, kind))

    def _serve(self):
        while not self.ended:
            query, client = self.sock.recvfrom(4096)
            if len(query) < 12:
                continue
            answer = self._answer(query)
            if answer:
                self.sock.sendto(answer, client)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += query[at] + 1
        question = query[12:at + 5]
        name, kind = ".".join(labels), TYPES.get(struct.unpack("!H", query[at + 1:at + 3])[0], "?")
        self.asked.append((name, kind))
        if self.mode == "silent":
            return None
        known = self.records.get(name)
        code = 2 if self.mode == "servfail" else 0 if known is not None else 3
        data = [self._data(kind, value) for value in (known or {}).get(kind, [])] if code == 0 else []
        if self.shuffled:
            random.shuffle(data)
        head = query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(data), 0, 0)
        number = {v: k for k, v in TYPES.items()}.get(kind, 1)
        return head + question + b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", number, 1, self.ttl, len(one)) + one for one in data)

    def _data(self, kind, value):
        if kind == "SRV":
            priority, weight, port, host = value
            return struct.pack("!HHH", priority, weight, port) + encoded(host)
        return ipaddress.ip_address(value).packed
