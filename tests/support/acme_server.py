"""An ACME server of the tests' own (RFC 8555, 8737, 9773): it believes nothing that it has not checked, and fails as it is told.

What a client does against the protocol stands in `violations`, which a test expects to be empty.
"""
import base64
import datetime
import hashlib
import hmac
import http.client
import http.server
import json
import secrets
import socket
import ssl
import threading
import time

import josepy
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID, ObjectIdentifier

ERROR = "urn:ietf:params:acme:error:"
ACME_IDENTIFIER = ObjectIdentifier("1.3.6.1.5.5.7.1.31")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    assert "=" not in text, "base64url of ACME has no padding"
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def in_seconds(seconds):
    return datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)


class Refused(Exception):
    def __init__(self, kind, detail, status=400, headers=()):
        super().__init__(detail)
        self.kind, self.detail, self.status, self.headers = kind, detail, status, dict(headers)


class Authority:
    """The CA behind it."""

    def __init__(self, folder):
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ACME test root")])
        self.cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
                     .serial_number(x509.random_serial_number()).not_valid_before(in_seconds(-3600)).not_valid_after(in_seconds(86400 * 365))
                     .add_extension(x509.BasicConstraints(True, None), True)
                     .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), True)
                     .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False).sign(self.key, hashes.SHA256()))
        self.file = folder / "acme-root.pem"
        self.file.write_bytes(self.cert.public_bytes(serialization.Encoding.PEM))

    def issue(self, names, public_key, life):
        return (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(self.cert.subject).public_key(public_key)
                .serial_number(x509.random_serial_number()).not_valid_before(in_seconds(min(0, 2 * life))).not_valid_after(in_seconds(life))
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), True)
                .add_extension(x509.BasicConstraints(False, None), True)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
                .sign(self.key, hashes.SHA256()))

    def trusting(self):
        return ssl.create_default_context(cafile=str(self.file))


class AcmeServer:
    """`http` and `tls` say where the names that are to be proved are reached: callables that give "HOST:PORT", to be set by a test. With
    `pair`, a certificate and its key, it is asked by https."""

    def __init__(self, folder, pair=None):
        self.authority = Authority(folder)
        self.http = self.tls = None
        # -- what it does wrong, to be set by a test
        self.bad_nonce_every = 0      # refuses every nth nonce though it is good
        self.rate_limit = None        # newOrder: 429 with this Retry-After
        self.order_invalid = None     # finalize: the order becomes invalid, with this detail
        self.unbelieving = None       # every validation fails, with this detail
        self.away = False             # connections are closed without an answer
        self.slow = 0.0               # seconds before each answer
        self.body = {}                # {resource: bytes} instead of what belongs there
        self.polls = 0                # so many times an authorization and an order are still under way
        self.wrong_key = self.wrong_names = False  # of what it issues
        self.forgetful = False        # it knows no account that it gave a URL to
        # -- how it is
        self.offers = ["http-01", "dns-01", "tls-alpn-01"]
        self.life = 3600              # seconds, of what it issues
        self.external = None          # {kid: key}: whoever has no binding is refused
        self.window = None            # None: no renewalInfo; a function of the certificate that gives (start, end)
        # -- what happened
        self.violations, self.requests, self.issued, self.validated, self.replaced = [], [], [], [], []
        self.accounts, self.orders, self.authorizations = {}, {}, {}
        self.nonces, self.posts, self.lock = set(), 0, threading.RLock()
        self.hold = threading.Event()  # validations wait for it
        self.hold.set()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http_server_handler(self))
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, pair))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.base = f"{'https' if pair else 'http'}://127.0.0.1:{self.port}"
        self.directory = self.base + "/dir"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()

    def count(self, resource):
        return sum(1 for one in self.requests if one[1].strip("/").split("/")[0] == resource)

    # -- a request

    def nonce(self):
        with self.lock:
            made = b64(secrets.token_bytes(16))
            self.nonces.add(made)
            return made

    def answer(self, method, path, headers, body):
        """(status, headers, body)"""
        resource, *rest = path.strip("/").split("/")
        self.requests.append((method, path, body))
        try:
            if resource in self.body:
                return 200, {"Replay-Nonce": self.nonce()}, self.body[resource]
            if resource == "dir" and method == "GET":
                return self.json(200, self.directory_document())
            if resource == "nonce":
                return 200 if method == "HEAD" else 204, {"Replay-Nonce": self.nonce(), "Cache-Control": "no-store"}, b""
            if resource == "renewal" and method == "GET":
                return self.renewal_info(*rest)
            self.must(method == "POST", f"{method} {path}: everything else is asked by POST")
            self.must(headers.get("Content-Type") == "application/jose+json", f"{path}: Content-Type {headers.get('Content-Type')}")
            self.must(headers.get("User-Agent"), f"{path}: no User-Agent")
            with self.lock:
                return self.posted(resource, rest, path, body)
        except Refused as refused:
            document = {"type": ERROR + refused.kind, "detail": refused.detail, "status": refused.status}
            return refused.status, {"Content-Type": "application/problem+json", "Replay-Nonce": self.nonce(), **refused.headers}, json.dumps(document).encode()

    def must(self, holds, what):
        if not holds:
            self.violations.append(what)
            raise Refused("malformed", what)

    def json(self, status, document, **headers):
        more = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        return status, {"Content-Type": "application/json", "Replay-Nonce": self.nonce(), **more}, json.dumps(document).encode()

    def directory_document(self):
        document = {"newNonce": self.base + "/nonce", "newAccount": self.base + "/account", "newOrder": self.base + "/order",
                    "meta": {"termsOfService": self.base + "/terms", "externalAccountRequired": self.external is not None}}
        if self.window:
            document["renewalInfo"] = self.base + "/renewal"
        return document

    def posted(self, resource, rest, path, body):
        account, payload = self.opened(resource, path, body)
        if resource == "account":
            return self.new_account(*account, payload)
        if resource == "order" and not rest:
            return self.new_order(account, payload)
        if resource == "order":
            self.must(payload is None, f"{path}: what is only read has an empty payload")
            return self.json(200, self.order_document(self.orders[rest[0]], polled=True))
        if resource == "authorization":
            self.must(payload is None, f"{path}: what is only read has an empty payload")
            return self.json(200, self.authorization_document(self.authorizations[rest[0]], polled=True))
        if resource == "challenge":
            self.must(payload == {}, f"{path}: the payload of a challenge is {{}}, not {payload}")
            return self.respond(account, *rest)
        if resource == "finalize":
            return self.finalize(self.orders[rest[0]], payload)
        if resource == "certificate":
            self.must(payload is None, f"{path}: what is only read has an empty payload")
            return 200, {"Content-Type": "application/pem-certificate-chain", "Replay-Nonce": self.nonce()}, self.orders[rest[0]]["chain"]
        raise Refused("malformed", f"there is no {path}", 404)

    def opened(self, resource, path, body):
        """The signature holds, the nonce is new, the URL is this one: (account URL or (jwk, public key), payload)."""
        signed = json.loads(body)
        self.must(set(signed) == {"protected", "payload", "signature"}, f"{path}: the members of the JWS are {sorted(signed)}")
        header = json.loads(unb64(signed["protected"]))
        self.must(header.get("alg") == "ES256", f"{path}: alg is {header.get('alg')}")
        self.must(header.get("url") == self.base + path, f"{path}: url is {header.get('url')}")
        self.must(("jwk" in header) != ("kid" in header), f"{path}: one of jwk and kid")
        self.must(("jwk" in header) == (resource == "account"), f"{path}: jwk names a new account, kid any other")
        if "jwk" in header:
            jwk = header["jwk"]
            self.must(set(jwk) == {"kty", "crv", "x", "y"}, f"{path}: members of the jwk {sorted(jwk)}")
            key = ec.EllipticCurvePublicNumbers(int.from_bytes(unb64(jwk["x"]), "big"), int.from_bytes(unb64(jwk["y"]), "big"),
                                                ec.SECP256R1()).public_key()
            account = (jwk, key)
        else:
            account = header["kid"]
            if self.forgetful or account not in self.accounts:
                self.forgetful = False
                raise Refused("accountDoesNotExist", "this account is not known")
            key = self.accounts[account]["key"]
        signature = unb64(signed["signature"])
        self.must(len(signature) == 64, f"{path}: the signature has {len(signature)} bytes")
        try:
            key.verify(utils.encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")),
                       f"{signed['protected']}.{signed['payload']}".encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            self.must(False, f"{path}: the signature does not hold")
        self.posts += 1
        self.must(header.get("nonce") in self.nonces, f"{path}: the nonce was used before, or is none of ours")
        self.nonces.discard(header["nonce"])
        if self.bad_nonce_every and self.posts % self.bad_nonce_every == 0:
            raise Refused("badNonce", "this nonce is too old")
        return account, json.loads(unb64(signed["payload"])) if signed["payload"] else None

    # -- accounts

    def new_account(self, jwk, key, payload):
        thumbprint = b64(josepy.JWK.from_json(jwk).thumbprint())
        self.must(payload.get("termsOfServiceAgreed") is True, "newAccount: the terms are not agreed to")
        for url, known in self.accounts.items():
            if known["thumbprint"] == thumbprint:
                return self.json(200, {"status": "valid"}, Location=url)
        if self.external is not None:
            self.check_binding(payload.get("externalAccountBinding"), jwk)
        url = f"{self.base}/acct/{len(self.accounts) + 1}"
        self.accounts[url] = {"key": key, "thumbprint": thumbprint, "contact": payload.get("contact", [])}
        return self.json(201, {"status": "valid", "contact": payload.get("contact", [])}, Location=url)

    def check_binding(self, binding, jwk):
        if not binding:
            raise Refused("externalAccountRequired", "a binding is needed", 403)
        header = json.loads(unb64(binding["protected"]))
        self.must(header.get("alg") == "HS256" and header.get("url") == self.base + "/account" and "nonce" not in header, f"binding: {header}")
        self.must(json.loads(unb64(binding["payload"])) == jwk, "binding: its payload is not the account's key")
        key = self.external.get(header.get("kid"))
        if key is None:
            raise Refused("unauthorized", "there is no such kid", 403)
        mac = hmac.new(key, f"{binding['protected']}.{binding['payload']}".encode(), hashlib.sha256).digest()
        if mac != unb64(binding["signature"]):
            raise Refused("unauthorized", "the binding does not hold", 403)

    # -- orders

    def new_order(self, account, payload):
        if self.rate_limit is not None:
            raise Refused("rateLimited", "too many orders of late", 429, {"Retry-After": str(self.rate_limit)})
        names = [one["value"] for one in payload["identifiers"]]
        self.must(all(one["type"] == "dns" for one in payload["identifiers"]), "newOrder: identifiers that are no dns")
        self.must(len(set(names)) == len(names), "newOrder: a name stands there twice")
        open_orders = [one for one in self.orders.values() if one["names"] == names and one["status"] in ("pending", "ready", "processing")]
        if "replaces" in payload:
            self.replaced.append(payload["replaces"])
        order = {"id": str(len(self.orders) + 1), "account": account, "names": names, "status": "pending", "authorizations": [], "polls": self.polls,
                 "beside": len(open_orders)}
        for name in names:
            made = {"id": str(len(self.authorizations) + 1), "name": name, "status": "pending", "token": b64(secrets.token_bytes(32)), "error": None,
                    "polls": self.polls, "order": order, "tried": None}
            self.authorizations[made["id"]] = made
            order["authorizations"].append(made)
        self.orders[order["id"]] = order
        return self.json(201, self.order_document(order), Location=f"{self.base}/order/{order['id']}")

    def order_document(self, order, polled=False):
        if order["status"] == "pending" and all(one["status"] == "valid" for one in order["authorizations"]):
            order["status"] = "ready"
        if any(one["status"] == "invalid" for one in order["authorizations"]):
            order["status"] = "invalid"
        if order["status"] == "processing" and polled:
            order["polls"] -= 1
            if order["polls"] < 0:
                order["status"] = "valid"
        document = {"status": order["status"], "identifiers": [{"type": "dns", "value": name} for name in order["names"]],
                    "authorizations": [f"{self.base}/authorization/{one['id']}" for one in order["authorizations"]],
                    "finalize": f"{self.base}/finalize/{order['id']}"}
        if order["status"] == "valid":
            document["certificate"] = f"{self.base}/certificate/{order['id']}"
        if order.get("error"):
            document["error"] = order["error"]
        return document

    def authorization_document(self, one, polled=False):
        if polled and one["polls"] > 0 and one["tried"]:
            one["polls"] -= 1
            shown = "pending"
        else:
            shown = one["status"]
        challenges = []
        for kind in self.offers:
            challenge = {"type": kind, "url": f"{self.base}/challenge/{one['id']}/{kind}", "token": one["token"], "status": shown}
            if one["error"] and one["tried"] == kind:
                challenge["error"] = one["error"]
            challenges.append(challenge)
        return {"status": shown, "identifier": {"type": "dns", "value": one["name"]}, "challenges": challenges}

    def respond(self, account, number, kind):
        one = self.authorizations[number]
        self.must(one["order"]["account"] == account, "a challenge of another account")
        self.must(one["status"] == "pending" and one["tried"] is None, "a challenge that was tried already")
        one["tried"] = kind
        threading.Thread(target=self.validate, args=(one, kind, f"{one['token']}.{self.accounts[account]['thumbprint']}"), daemon=True).start()
        return self.json(200, {"type": kind, "url": f"{self.base}/challenge/{number}/{kind}", "token": one["token"], "status": "processing"})

    def validate(self, one, kind, authorization):
        self.hold.wait(60)
        error = self.unbelieving
        if error is None:
            try:
                error = {"http-01": self.look_http, "tls-alpn-01": self.look_tls}[kind](one["name"], one["token"], authorization)
            except (OSError, ssl.SSLError, http.client.HTTPException, ValueError) as failed:
                error = f"{type(failed).__name__}: {failed}"
        with self.lock:
            self.validated.append((one["name"], kind, error))
            one["error"] = {"type": ERROR + "unauthorized", "detail": error} if error else None
            one["status"] = "invalid" if error else "valid"

    def look_http(self, name, token, authorization):
        host, port = self.http().rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        connection.request("GET", f"/.well-known/acme-challenge/{token}", headers={"Host": name, "User-Agent": "acme-test"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            return f"status {answer.status}"
        return None if body.decode().rstrip() == authorization else f"the body is {body!r}"

    def look_tls(self, name, _token, authorization):
        host, port = self.tls().rsplit(":", 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["acme-tls/1"])
        with socket.create_connection((host, int(port)), 10) as sock, context.wrap_socket(sock, server_hostname=name) as secured:
            agreed, der = secured.selected_alpn_protocol(), secured.getpeercert(binary_form=True)
        if agreed != "acme-tls/1":
            return f"ALPN gave {agreed}"
        leaf = x509.load_der_x509_certificate(der)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if [one.value for one in names] != [name]:
            return f"the names are {list(names)}"
        shown = leaf.extensions.get_extension_for_oid(ACME_IDENTIFIER)
        digest = b"\x04\x20" + hashlib.sha256(authorization.encode()).digest()
        if not shown.critical or shown.value.value != digest:
            return "acmeIdentifier is not that of this authorization"
        return None

    def finalize(self, order, payload):
        self.order_document(order)
        self.must(order["status"] == "ready", f"finalize of an order that is {order['status']}")
        request = x509.load_der_x509_csr(unb64(payload["csr"]))
        self.must(request.is_signature_valid, "the CSR is not signed by its key")
        names = [one.value for one in request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value]
        self.must(sorted(names) == sorted(order["names"]), f"the CSR is for {names}, the order for {order['names']}")
        self.must(all(key.public_numbers() != request.public_key().public_numbers() for key in (one["key"] for one in self.accounts.values())),
                  "the certificate's key is the account's")
        if self.order_invalid:
            order["status"], order["error"] = "invalid", {"type": ERROR + "serverInternal", "detail": self.order_invalid}
            return self.json(200, self.order_document(order))
        public_key = ec.generate_private_key(ec.SECP256R1()).public_key() if self.wrong_key else request.public_key()
        leaf = self.authority.issue(["else.test"] if self.wrong_names else names, public_key, self.life)
        self.issued.append(leaf)
        order["chain"] = leaf.public_bytes(serialization.Encoding.PEM) + self.authority.cert.public_bytes(serialization.Encoding.PEM)
        order["status"] = "processing" if order["polls"] else "valid"
        return self.json(200, self.order_document(order))

    # -- ARI

    def renewal_info(self, number):
        for leaf in self.issued:
            authority = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
            serial = leaf.serial_number
            if number == b64(authority) + "." + b64(serial.to_bytes(serial.bit_length() // 8 + 1, "big")) and self.window:
                start, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in self.window(leaf))
                return self.json(200, {"suggestedWindow": {"start": start, "end": end}}, Retry_After=21600)
        raise Refused("malformed", f"there is no certificate {number}", 404)


def http_server_handler(owner):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args):
            pass

        def serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if owner.slow:
                time.sleep(owner.slow)
            if owner.away:
                self.close_connection = True
                return
            status, headers, answer = owner.answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_HEAD = do_POST = serve

        def handle(self):
            try:
                super().handle()
            except (OSError, ssl.SSLError):
                pass  # the client went, or did not believe our certificate
    return Handler
