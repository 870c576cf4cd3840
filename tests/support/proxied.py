"""PROXY protocol headers, written and read independently of the proxy (haproxy.org's specification, section 2)."""
import ipaddress
import socket
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source, destination="127.0.0.1", source_port=40000, destination_port=80):
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {destination} {source_port} {destination_port}\r\n".encode()


def v2(source=None, destination="127.0.0.1", source_port=40000, destination_port=80, tlvs=b"", command=0x21):
    block = b""
    family = 0
    if source:
        ends = [ipaddress.ip_address(source), ipaddress.ip_address(destination)]
        family = 0x11 if ends[0].version == 4 else 0x21
        block = ends[0].packed + ends[1].packed + struct.pack("!HH", source_port, destination_port)
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(block + tlvs)) + block + tlvs


class Announced:
    """A backend's listening side that takes the PROXY header off every connection before the backend serves it."""

    def __init__(self, backend):
        self.headers = []
        serve = backend._serve

        def take(connection):
            try:
                header = self._take(connection)
            except Exception:  # the connection ended, or what came is no header
                header = None
            self.headers.append(header)
            if header is None:
                connection.close()
            else:
                serve(connection)

        backend._serve = take

    @staticmethod
    def _take(connection):
        while len(connection.buffer) < 8:
            connection.more()
        if connection.buffer.startswith(b"PROXY "):
            return ("v1", *connection.line().decode().split()[1:])
        fixed = connection.exactly(16)
        assert fixed.startswith(SIGNATURE), fixed
        command, family, size = struct.unpack("!BBH", fixed[12:])
        block = connection.exactly(size)
        if command == 0x20:
            return ("v2", "LOCAL")
        family, width = (socket.AF_INET, 4) if family == 0x11 else (socket.AF_INET6, 16)
        return ("v2", "TCP4" if width == 4 else "TCP6", socket.inet_ntop(family, block[:width]),
                socket.inet_ntop(family, block[width:2 * width]), *(str(p) for p in struct.unpack("!HH", block[2 * width:2 * width + 4])))
