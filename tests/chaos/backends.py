"""A backend of the chaos run: answers with the request's own id, until it is told to misbehave. A process of its own.

  backends.py NAME PORT RELAY LOG   prints its port and its relay's (0: new ones); a word on stdin is the new mode; LOG gets the id of every POST carried out
"""
import asyncio
import base64
import hashlib
import logging
import random
import socket
import sys

GARBAGE = [b"\x00\x01\x02\r\n\r\n", b"SSH-2.0-OpenSSH_9\r\n\r\n", b"HTTP/1.1 20\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
           b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"HTTP/1.1 101 X\r\n\r\n",
           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"]
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nPOISONED"


class Backend:
    def __init__(self, name, log):
        self.name, self.mode = name, "ok"
        self.changed = asyncio.Event()
        self.log = open(log, "a", buffering=1)

    async def listen(self, port):
        return await asyncio.start_server(self.serve, "127.0.0.1", port, backlog=512, reuse_address=True)

    def set_mode(self, mode):
        self.mode = mode
        self.changed.set()
        self.changed = asyncio.Event()

    async def serve(self, reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while await self.one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.transport.abort() if self.mode == "reset" else writer.close()

    async def body(self, reader, fields):
        if fields.get("transfer-encoding", "").lower() == "chunked":
            size = 0
            while n := int((await reader.readline()).split(b";")[0], 16):
                await reader.readexactly(n + 2)
                size += n
            while (await reader.readline()).strip():
                pass
            return size
        size = int(fields.get("content-length", "0"))
        await reader.readexactly(size)
        return size

    async def one(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
        method, target, _ = head[0].split(" ")
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        if "upgrade" in fields:
            return await self.tunnel(reader, writer, fields.get("sec-websocket-key", ""))
        size = await self.body(reader, fields)
        if method == "POST":
            self.log.write(fields.get("x-id", "?") + "\n")
        if self.mode == "hang":
            await self.changed.wait()
            return False
        if self.mode == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        if self.mode == "garbage":
            writer.write(random.choice(GARBAGE))
            await writer.drain()
            await asyncio.wait_for(reader.read(1), 2)
            return False
        body = f"{fields.get('x-id', '?')} {self.name} {size}\n".encode()
        if target.startswith("/big"):
            size = int(target.split("/")[2]) if target.count("/") > 1 else 200_000
            body += body * (size // len(body))
        answer = b"HTTP/1.1 200 OK\r\nX-Backend: %s\r\nContent-Length: %d\r\n\r\n" % (self.name.encode(), len(body)) + body
        if random.random() < 0.2:
            answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        return await self.send(writer, reader, answer)

    async def send(self, writer, reader, answer):
        if self.mode in ("half-close", "truncate"):
            writer.write(answer[:-5])
            await writer.drain()
            if self.mode == "half-close":
                writer.write_eof()
                await reader.read(1)
            return False
        if self.mode == "drip":
            for at in range(0, min(len(answer), 400), 3):
                writer.write(answer[at:at + 3])
                await asyncio.sleep(0.002)
            answer = answer[min(len(answer), 402) if len(answer) > 402 else len(answer):]
        if self.mode == "poison":
            answer += POISON
        writer.write(answer)
        await writer.drain()
        return self.mode != "poison" or await asyncio.sleep(0.2, False)

    async def tunnel(self, reader, writer, key):
        proof = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n" % proof)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        return False


async def slice_and_delay(reader, writer):
    """One direction of the relay."""
    try:
        while data := await reader.read(4096):
            at = 0
            while at < len(data):
                size = random.choice((1, 2, 7, 50, 4096))
                writer.write(data[at:at + size])
                await writer.drain()
                at += size
                if random.random() < 0.1:
                    await asyncio.sleep(random.random() * 0.02)
        writer.write_eof()
    except (ConnectionError, OSError, RuntimeError):
        writer.close()


async def relay(port, at):
    async def pair(reader, writer):
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return writer.transport.abort()
        for w in (writer, back):
            w.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.gather(slice_and_delay(reader, back), slice_and_delay(there, writer))
        writer.close(), back.close()
    return await asyncio.start_server(pair, "127.0.0.1", at, reuse_address=True)


async def run(backend, port, relay_port):
    """Serves until its stdin ends. `backend` has listen(port) and set_mode(word)."""
    server = await backend.listen(port)
    own = server.sockets[0].getsockname()[1]
    in_front = await relay(own, relay_port)
    relayed = in_front.sockets[0].getsockname()[1]
    print(own, relayed, flush=True)
    words = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    while line := await words.readline():
        backend.set_mode(line.decode().strip())


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it warns of every peer that left
    asyncio.run(run(Backend(sys.argv[1], sys.argv[4]), int(sys.argv[2]), int(sys.argv[3])))
