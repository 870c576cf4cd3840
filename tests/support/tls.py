"""Certificates of an authority of our own, and a client that speaks TLS."""
import pathlib
import select
import socket
import ssl
import subprocess
import threading

from client import Client


def openssl(*args, **options):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, timeout=60, **options)
    assert done.returncode == 0, done
    return done.stdout


class Authority:
    """A CA and what it signs, as PEM files in `folder`."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name, self.serial = pathlib.Path(folder), name, 100
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cert, self.key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "365", "-subj",
                f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self.key, "-out", self.cert)

    def issue(self, file, *names, kind="ec", days=365, subject=None):
        """(certificate, key) for these names and addresses."""
        cert, key, request = (self.folder / f"{file}.{end}" for end in ("pem", "key", "csr"))
        how = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] if kind == "ec" else ["rsa:2048"]
        openssl("req", "-new", "-newkey", *how, "-nodes", "-subj", subject or f"/CN={file}", "-keyout", key, "-out", request)
        alternatives = ",".join(("IP:" if name[0].isdigit() else "DNS:") + name for name in names)
        self.serial += 1
        extensions = f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth,clientAuth\n" if names else "extendedKeyUsage=clientAuth\n"
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-set_serial", self.serial, "-days", days,
                "-extfile", "/dev/stdin", "-out", cert, input=extensions.encode())
        return cert, key

    def trusting(self, **options):
        """A client's context that believes this authority alone."""
        context = ssl.create_default_context(cafile=str(self.cert))
        for name, value in options.items():
            setattr(context, name, value)
        return context


class TlsServer:
    """A relay that speaks TLS before a backend in clear; `resumed` says of each session whether it was. With `announced` each
    connection begins with a PROXY header of version 1, in clear; `headers` keeps them. One that is `rude` ends without close_notify, as somebody who cuts the connection would."""

    def __init__(self, to, pair, trusted=None, announced=False, rude=False):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*map(str, pair))
        if trusted:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(str(trusted))
        self.to, self.resumed, self.announced, self.headers, self.rude = to, [], announced, [], rude
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        if self.announced:
            header = b""
            while not header.endswith(b"\r\n"):  # to the byte: TLS begins behind it
                byte = sock.recv(1)
                if not byte:
                    return sock.close()
                header += byte
            self.headers.append(header.decode())
        try:
            secured = self.context.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError):
            return sock.close()
        self.resumed.append(secured.session_reused)
        host, port = self.to.split(":")
        inner = socket.create_connection((host, int(port)))
        secured.setblocking(False)
        try:
            self.relay(secured, inner)
        except (OSError, ssl.SSLError):
            pass
        inner.close()
        secured.close()

    def relay(self, secured, inner):
        """Both ways in one thread: an SSL object is not for two."""
        while True:
            ready = [secured] if secured.pending() else select.select([secured, inner], [], [], 30)[0]
            if secured in ready:
                try:
                    data = secured.recv(65536)
                    if not data:
                        return
                    inner.sendall(data)
                except ssl.SSLWantReadError:
                    pass
            if inner in ready:
                data = inner.recv(16384)
                if not data:
                    if not self.rude:
                        secured.setblocking(True)
                        secured.unwrap()
                    return
                secured.setblocking(True)
                secured.sendall(data)
                secured.setblocking(False)


class TlsClient(Client):
    """One TLS connection. `name` is the SNI, None for none; `ahead` goes out in clear before the handshake."""

    def __init__(self, address, context, name="site.test", timeout=10.0, session=None, ahead=b""):
        super().__init__(address, timeout)
        try:
            self.sock.sendall(ahead)
            self.sock = context.wrap_socket(self.sock, server_hostname=name, session=session, suppress_ragged_eofs=False)
        except BaseException:
            self.sock.close()
            raise

    def half_close(self):
        """close_notify, then FIN."""
        try:
            self.sock.unwrap()
        except (OSError, ssl.SSLError):
            pass
        self.sock.shutdown(socket.SHUT_WR)
