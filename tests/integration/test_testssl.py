"""X6: testssl.sh finds nothing to complain about. A file of its own, for it takes long and runs beside the others."""
import json
import subprocess

from sluice import config_of, service
from tls import Authority

# What it says of every server with certificates of a private authority, or that is no web site.
OF_THE_TEST_ITSELF = {
    "cert_chain_of_trust": "our authority is made for the test",
    "cert_trust": "as above",
    "cert_revocation": "it has no revocation lists",
    "cert_crlDistributionPoints": "as above",
    "cert_ocspURL": "as above",
    "cert_notAfter": "the certificates of the tests last a few days",
    "cert_expirationStatus": "as above",
    "cert_serialNumberLen": "our authority counts from 1",
    "DNS_CAArecord": "there is no such domain",
}
GRAVE = {"LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL"}  # WARN: it could not find out, which is forgiven where we do not insist


def test_X6_testssl_finds_nothing_to_complain_about(sluice, backend, folder):
    authority = Authority(folder)
    pairs = [authority.issue("ecdsa", "site.test"), authority.issue("rsa", "site.test", kind="rsa")]
    daemon = sluice(config_of({"api": service({"blue": [backend("blue-1")]})}, listeners=[
        {"name": "web", "bind": "127.0.0.1:0", "tls": {"certificates": [{"cert": str(c), "key": str(k)} for c, k in pairs]}}]))
    port = daemon.address().rsplit(":", 1)[1]
    report = folder / "report.json"
    # Protocols, suites in their order, forward secrecy, the certificates, and every vulnerability it knows.
    done = subprocess.run(["testssl", "--quiet", "--warnings", "batch", "--color", "0", "--ip", "127.0.0.1", "--nodns", "none",
                           "-p", "-s", "-f", "-S", "-U", "--jsonfile", report, f"site.test:{port}"],
                          capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL)
    findings = json.loads(report.read_text())
    wanted = {"TLS1_2", "TLS1_3", "heartbleed", "ROBOT", "secure_renego", "BEAST", "LUCKY13", "PFS"}
    answered = {f["id"] for f in findings if f["severity"] != "WARN"}
    assert not wanted - answered, (wanted - answered, findings)
    bad = [f for f in findings if f["severity"] in GRAVE and f["id"].split(" ")[0] not in OF_THE_TEST_ITSELF]
    assert not bad, bad
