"""HTTPS as a stranger meets it: Maru's own authority and certificate, certificate files that change
while it runs, and what is answered to those who come without TLS. Python's ssl checks.

usage: step_https.py
"""
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
import warnings

from lib import QUICK, Failure, Server, claim, free_port, maru


class Https(Server):
    """A Maru that serves HTTPS; its lines are kept."""

    def __init__(self, *args, **kwargs):
        self.lines = []
        super().__init__(*args, **kwargs)
        self.port = int(self.address.rsplit(":", 1)[1])

    def _drain(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if line.startswith("setup "):
                self.setup = line.split()[1]

    def said(self, start):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for line in list(self.lines):
                if line.startswith(start):
                    return line[len(start):].strip()
            time.sleep(0.02)
        raise Failure(f"no line {start!r} on stdout: {self.lines}")

    def plain(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content


def colons(der):
    return ":".join(f"{byte:02X}" for byte in hashlib.sha256(der).digest())


def trusting(pem):
    context = ssl.create_default_context(cadata=pem.decode())
    return context


def connect(port, context, name="127.0.0.1"):
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    return context.wrap_socket(plain, server_hostname=name)


def served(port, context, name="127.0.0.1"):
    """The fingerprint of what is served, checked by the context."""
    with connect(port, context, name) as line:
        return colons(line.getpeercert(binary_form=True))


def ask(line, path, token=None, method="GET", body=b"", more=""):
    """One request on an open connection: (status, headers, body)."""
    extra = f"Authorization: Bearer {token}\r\n" if token else ""
    line.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Language: en\r\n{extra}{more}"
                 f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    head = b""
    while b"\r\n\r\n" not in head:
        piece = line.recv(65536)
        claim(piece, f"{method} {path}: the connection was closed")
        head += piece
    head, rest = head.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = {}
    for one in lines[1:]:
        name, value = one.split(":", 1)
        headers[name.strip()] = value.strip()
    size = int(headers.get("Content-Length", 0))
    while len(rest) < size:
        rest += line.recv(65536)
    return int(lines[0].split()[1]), headers, rest


def make_home(folder, name, conf):
    home = folder / name
    maru("init", home)
    text = (home / "maru.conf").read_text()
    text = re.sub(r"(?m)^listen.*$", f'listen = "127.0.0.1:{free_port()}"', text)
    (home / "maru.conf").write_text(text + conf)
    return home


def check_plain(server):
    """What those get who come without TLS."""
    answer, _ = server.plain("GET", "/trend?x=1")
    claim(answer.status == 307 and answer.getheader("Location") == f"https://127.0.0.1:{server.port}/trend?x=1",
          f"a page without TLS gave {answer.status} {answer.getheader('Location')}")
    for target in ("@evil.example/", ".evil.example/", "https://evil.example/"):
        answer, _ = server.plain("GET", target)
        place = answer.getheader("Location")
        claim(answer.status >= 400 or place.startswith(f"https://127.0.0.1:{server.port}/"), f"GET {target} led to {place}")
    answer, _ = server.plain("POST", "/api/v1/session", b"{}", {"Content-Type": "application/json"})
    claim(answer.status == 426, f"a sign-in without TLS gave {answer.status}")
    answer, _ = server.plain("GET", "/api/v1/plants", headers={"Authorization": "Bearer maru_x"})
    claim(answer.status == 426, f"a token without TLS gave {answer.status}")
    answer, _ = server.plain("GET", "/", headers={"Host": "evil.example"})
    claim(answer.status == 421 and answer.getheader("Location") is None, "a foreign name was redirected")
    answer, _ = server.plain("GET", "/healthz")
    claim(answer.status == 200, f"/healthz without TLS gave {answer.status}")
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        line.sendall(b"\x16\x03\x01\x00\x05hello")  # Looks like TLS and is none.
        while line.recv(4096):
            pass
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        line.sendall(b"\x00\x01\x02 rubbish\r\n\r\n")
        while line.recv(4096):
            pass


def check_silence(server, context):
    """Connections that say nothing take no place from those that do."""
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(200)]
    begin = time.monotonic()
    served(server.port, context)
    claim(time.monotonic() - begin < 5, "silent connections held up another")
    for line in silent:
        line.close()


def own(folder):
    home = make_home(folder, "own", 'tls = "on"\nhost_name = "plant-pc"\n')
    server = Https("run", home)
    try:
        claim(server.base.startswith("https://"), f"ready says {server.base}")
        fingerprint = server.said("certificate sha256 ")
        authority = server.said("authority sha256 ")
        answer, pem = server.plain("GET", "/maru-ca.crt")
        claim(answer.status == 200 and answer.getheader("Content-Type") == "application/x-x509-ca-cert",
              f"/maru-ca.crt without TLS gave {answer.status}")
        claim(b"PRIVATE" not in pem and pem.count(b"BEGIN") == 1, "the authority's file holds more than a certificate")
        claim(colons(ssl.PEM_cert_to_DER_cert(pem.decode())) == authority, "the authority's fingerprint differs")
        context = trusting(pem)
        for name in ("127.0.0.1", "localhost", "plant-pc", "::1"):
            claim(served(server.port, context, name) == fingerprint, f"the fingerprint as {name} differs")
        try:
            served(server.port, context, "evil.example")
            raise Failure("the certificate is good for evil.example")
        except ssl.SSLCertVerificationError:
            pass
        try:
            served(server.port, ssl.create_default_context())
            raise Failure("a stranger trusts our authority")
        except ssl.SSLCertVerificationError:
            pass
        warnings.simplefilter("ignore", DeprecationWarning)  # Of asking for what is out of date.
        old = trusting(pem)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        try:
            served(server.port, old)
            raise Failure("TLS 1.1 was served")
        except (ssl.SSLError, OSError):
            pass
        with connect(server.port, context) as line:
            status, headers, body = ask(line, "/api/v1/tls")
            facts = json.loads(body)
            claim(status == 200 and facts["certificate"] == "own" and facts["sha256"] == fingerprint
                  and facts["authority_sha256"] == authority and facts["authority"] == "/maru-ca.crt",
                  f"/api/v1/tls says {facts}")
            claim("Strict-Transport-Security" not in headers, "HSTS with an authority of its own")
            secret = server.setup.split("#")[1]
            status, headers, body = ask(line, "/api/v1/setup", method="POST", body=json.dumps(
                {"secret": secret, "login": "owner", "password": "correct horse battery", "display": "Owner"}).encode(),
                more="Content-Type: application/json\r\nX-Requested-With: maru\r\n")
            cookie = headers.get("Set-Cookie", "")
            claim(status == 200 and all(word in cookie for word in ("; Secure", "HttpOnly", "SameSite=Strict")),
                  f"set-up gave {status}, cookie {cookie.split(';', 1)[-1]}")
        check_plain(server)
        check_silence(server, context)
    finally:
        server.stop()
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (home / "keys").iterdir()}
    claim(set(modes.values()) == {"0o600"} and set(modes) == {"tls.pem", "tls-ca.pem"}, f"HOME/keys holds {modes}")
    conf = home / "maru.conf"
    conf.write_text(conf.read_text().replace("plant-pc", "plant-two.local"))
    server = Https("run", home)
    try:
        claim(server.said("authority sha256 ") == authority, "a restart made a new authority")
        claim(server.said("certificate sha256 ") != fingerprint, "the new name is not in the certificate")
        served(server.port, context, "plant-two.local")  # Trusted without trusting anything anew.
    finally:
        claim(server.stop() == 0, "it did not end in order")


def findings(line, token):
    status, _, body = ask(line, "/api/v1/plants/main/health", token)
    claim(status == 200, f"health gave {status}")
    return {one["id"]: one for one in json.loads(body)["items"]}


def wait_for(what, words, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.1)
    raise Failure(words)


def reload_files(folder):
    """Certificates change under a running server. The files are of other homes of Maru."""
    pems = []
    for name in ("one", "two"):
        home = make_home(folder, name, 'tls = "on"\n')
        server = Https("run", home)
        pems.append(server.plain("GET", "/maru-ca.crt")[1])
        server.stop()
    site = folder / "site"
    site.mkdir()

    def put(content):
        for name in ("cert.pem", "key.pem"):
            (site / (name + ".new")).write_bytes(content)
            os.replace(site / (name + ".new"), site / name)

    files = [(folder / name / "keys" / "tls.pem").read_bytes() for name in ("one", "two")]
    put(files[0])
    home = make_home(folder, "served", f'tls_certificate = "{site}/cert.pem"\ntls_key = "{site}/key.pem"\n')
    token = maru("token", home, "--role", "owner", "--scope", "read,write").strip()
    server = Https("run", home)
    both = ssl.create_default_context(cadata=(pems[0] + pems[1]).decode())
    try:
        first = served(server.port, trusting(pems[0]))
        claim(not [line for line in server.lines if line.startswith("authority")], "files, and yet an authority")
        open_line = connect(server.port, both)
        status, headers, _ = ask(open_line, "/healthz")
        claim(status == 200 and "max-age=" in headers.get("Strict-Transport-Security", ""), "no HSTS with a certificate file")
        claim(server.plain("GET", "/maru-ca.crt")[0].status == 404, "there is an authority where files are served")
        claim("Strict-Transport-Security" not in dict(server.plain("GET", "/healthz")[0].getheaders()), "HSTS without TLS")
        put(files[1])
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: served(server.port, both) != first, "SIGHUP did not bring the new certificate")
        second = served(server.port, trusting(pems[1]))
        claim(ask(open_line, "/healthz")[0] == 200, "the open connection was closed by the new certificate")
        put(b"-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "certificate.unreadable" in findings(open_line, token), "health does not tell of the broken file")
        claim(served(server.port, trusting(pems[1])) == second, "the broken file is served, or nothing")
        (site / "cert.pem").write_bytes(files[0])  # The key does not fit yet.
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "does not belong" in findings(open_line, token).get("certificate.unreadable", {"words": ""})["words"]
                 or "cannot be read" in findings(open_line, token).get("certificate.unreadable", {"words": ""})["words"],
                 "health does not tell that the key does not fit")
        claim(served(server.port, trusting(pems[1])) == second, "half of a new pair is served")
        put(files[0])
        if QUICK:
            server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: served(server.port, both) == first, "changed files were not noticed within a minute", 60)
        claim("certificate.unreadable" not in findings(open_line, token), "health still complains")
        storm(server, both, put, files)
        open_line.close()
    finally:
        claim(server.stop() == 0, "it did not end in order")


def storm(server, context, put, files):
    """Handshakes and changes at the same time: each handshake gets one whole certificate."""
    wrong = []
    stop = threading.Event()

    def run():
        while not stop.is_set():
            try:
                served(server.port, context)
            except (OSError, Failure) as fault:
                wrong.append(str(fault))

    threads = [threading.Thread(target=run, daemon=True) for _ in range(3)]
    for one in threads:
        one.start()
    for i in range(8):
        put(files[i % 2])
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
    stop.set()
    for one in threads:
        one.join()
    claim(not wrong, f"handshakes failed while certificates changed: {wrong[:3]}")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="maru-https-"))
    try:
        own(folder)
        reload_files(folder)
    finally:
        shutil.rmtree(folder)
    print("https: own authority and certificate, files changed under way, no TLS told apart")


if __name__ == "__main__":
    try:
        main()
    except Failure as fault:
        sys.exit(f"FAILED: {fault}")
