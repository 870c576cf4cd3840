"""The HTTP/1 clients of the chaos run, all in one process. Every request carries an id, and every answer has to begin with it.

  clients.py HOST PORT      until its stdin ends; then one JSON object on stdout: what was done, and everything that failed
"""
import asyncio
import logging
import itertools
import json
import random
import socket
import sys
import time

ids = itertools.count(1)
WHERE = ("", "/two")  # the services: one's backends speak HTTP/1, the other's HTTP/2


class Cut(Exception):
    """The connection ended; `begun`: within an answer."""

    def __init__(self, begun):
        self.begun = begun


class Connection:
    def __init__(self, address):
        self.address, self.reader, self.writer = address, None, None

    async def open(self):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(*self.address)
            self.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self, reset=False):
        if self.writer:
            self.writer.transport.abort() if reset else self.writer.close()
        self.reader = self.writer = None

    async def answer(self):
        """(status, fields, body) of the next final answer."""
        begun = False
        try:
            while True:
                line = await self.reader.readuntil(b"\r\n")
                begun = True
                head = [line] + [x async for x in self.lines()]
                status = int(head[0].split(b" ")[1])
                if status >= 200 or status == 101:
                    break
            fields = {k.strip().lower(): v.strip() for k, _, v in (x.decode("latin1").partition(":") for x in head[1:])}
            return status, fields, await self.body(fields) if status != 101 else b""
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Cut(begun or bool(getattr(error, "partial", b""))) from error

    async def lines(self):
        while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
            yield line

    async def body(self, fields):
        if fields.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                parts.append((await self.reader.readexactly(size + 2))[:-2])
            async for _ in self.lines():
                pass
            return b"".join(parts)
        return await self.reader.readexactly(int(fields.get("content-length", "0")))


class Ledger:
    """What was done, what failed and when, and answers that were not to what was asked. `where`: the path of the service that was asked."""

    def __init__(self):
        self.ended = False
        self.done, self.failures, self.wrong = {}, [], []

    def note(self, kind, begun, outcome, error="", where=None):
        if outcome == "ok":
            self.done[kind] = self.done.get(kind, 0) + 1
        else:
            self.failures.append({"kind": kind, "begun": begun, "ended": time.monotonic(), "outcome": outcome, "error": error, "where": where})

    def judge(self, kind, begun, own, status, fields, body, where=None):
        line = body.partition(b"\n")[0] + b"\n"
        if status == 200 and (line.split(b" ")[0] != own.encode() or body != line * (len(body) // len(line))):
            self.wrong.append({"kind": kind, "asked": own, "got": body[:100].decode("latin1"), "at": time.monotonic()})
        self.note(kind, begun, "ok" if status == 200 else str(status), fields.get("x-sluice-error", ""), where)

    async def run(self, tasks):
        """Until stdin ends, then tells."""
        words = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
        await words.read()
        self.ended = True
        results = await asyncio.gather(*tasks, return_exceptions=True)
        broken = [repr(r) for r in results if isinstance(r, BaseException)]
        print(json.dumps({"done": self.done, "failures": self.failures, "wrong": self.wrong, "broken_clients": broken}))


class Clients(Ledger):
    def __init__(self, address):
        super().__init__()
        self.address = address

    async def exchange(self, connection, kind, own, request):
        where = random.choice(WHERE)
        request = request.replace(b" /", b" %s/" % where.encode(), 1)
        begun = time.monotonic()
        try:
            await asyncio.wait_for(connection.open(), 15)
            connection.writer.write(request)
            status, fields, body = await asyncio.wait_for(connection.answer(), 15)
            self.judge(kind, begun, own, status, fields, body, where)
            if fields.get("connection") == "close":
                connection.close()
        except Cut as cut:
            self.note(kind, begun, "broken" if cut.begun else "cut", where=where)
            connection.close()
        except (OSError, asyncio.TimeoutError) as error:
            self.note(kind, begun, "late" if isinstance(error, asyncio.TimeoutError) else "cut", repr(error), where)
            connection.close()
            await asyncio.sleep(0.05)

    async def forever(self, one):
        connection = Connection(self.address)
        while not self.ended:
            await one(connection)
        connection.close()

    async def get(self, connection):
        own = f"g{next(ids)}"
        await self.exchange(connection, "GET", own, f"GET /e HTTP/1.1\r\nHost: a\r\nX-Id: {own}\r\n\r\n".encode())
        await asyncio.sleep(random.random() * 0.01)

    async def put(self, connection):
        own, size = f"u{next(ids)}", random.choice((0, 10, 5000))
        await self.exchange(connection, "PUT", own, f"PUT /e HTTP/1.1\r\nHost: a\r\nX-Id: {own}\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size)
        await asyncio.sleep(random.random() * 0.02)

    async def post(self, connection):
        own, size = f"p{next(ids)}", random.choice((1, 5000, 100_000))
        body = b"Content-Length: %d\r\n\r\n" % size + b"x" * size
        if random.random() < 0.5:
            body = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n"
        await self.exchange(connection, "POST", own, f"POST /e HTTP/1.1\r\nHost: a\r\nX-Id: {own}\r\n".encode() + body)
        await asyncio.sleep(random.random() * 0.02)

    async def pipeline(self, connection):
        begun, own = time.monotonic(), [f"l{next(ids)}" for _ in range(3)]
        try:
            await connection.open()
            connection.writer.write("".join(f"GET {random.choice(WHERE)}/e HTTP/1.1\r\nHost: a\r\nX-Id: {one}\r\n\r\n" for one in own).encode())
            for one in own:
                status, fields, body = await asyncio.wait_for(connection.answer(), 15)
                self.judge("pipeline", begun, one, status, fields, body)
        except (Cut, OSError, asyncio.TimeoutError) as error:
            self.note("pipeline", begun, "broken" if isinstance(error, Cut) and error.begun else "cut")
            connection.close()
        await asyncio.sleep(random.random() * 0.05)

    async def slow(self, connection):
        """A head in drips, and a big answer read slowly."""
        own, begun, where = f"s{next(ids)}", time.monotonic(), random.choice(WHERE)
        try:
            await connection.open()
            for byte in f"GET {where}/big HTTP/1.1\r\nHost: a\r\nX-Id: {own}\r\n\r\n".encode():
                connection.writer.write(bytes([byte]))
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.3)
            status, fields, body = await asyncio.wait_for(connection.answer(), 15)
            self.judge("slow", begun, own, status, fields, body, where)
        except (Cut, OSError, asyncio.TimeoutError) as error:
            self.note("slow", begun, "broken" if isinstance(error, Cut) and error.begun else "cut", where=where)
            connection.close()

    async def abort(self, connection):
        """Leaves at any point; nothing is expected."""
        try:
            await connection.open()
            request = b"POST /big HTTP/1.1\r\nHost: a\r\nX-Id: abort\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000
            connection.writer.write(request[:random.randrange(len(request))] if random.random() < 0.7 else request)
            await asyncio.sleep(random.random() * 0.05)
        except OSError:
            pass
        connection.close(random.random() < 0.5)
        self.note("abort", 0, "ok")
        await asyncio.sleep(0.01)

    async def tunnel(self, connection):
        begun = time.monotonic()
        try:
            await connection.open()
            connection.writer.write(b"GET %s/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % random.choice(WHERE).encode())
            status, fields, _ = await asyncio.wait_for(connection.answer(), 15)
            if status != 101:
                return self.note("tunnel", begun, str(status), fields.get("x-sluice-error", ""))
            for _ in range(20):
                own = f"t{next(ids)}".encode() * random.randrange(1, 500)
                connection.writer.write(own)
                got = await asyncio.wait_for(connection.reader.readexactly(len(own)), 15)
                if got != own:
                    self.wrong.append({"kind": "tunnel", "asked": own[:50].decode(), "got": got[:50].decode("latin1"), "at": time.monotonic()})
                await asyncio.sleep(0.01)
            self.note("tunnel", begun, "ok")
        except (Cut, OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            self.note("tunnel", begun, "cut")
        finally:
            connection.close()
            await asyncio.sleep(0.02)

    def crowd(self):
        crowd = [(self.get, 8), (self.put, 2), (self.post, 3), (self.pipeline, 2), (self.slow, 2), (self.abort, 2), (self.tunnel, 2)]
        return [asyncio.create_task(self.forever(one)) for one, n in crowd for _ in range(n)]


async def main():
    clients = Clients((sys.argv[1], int(sys.argv[2])))
    await clients.run(clients.crowd())


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it warns of every peer that left
    asyncio.run(main())
