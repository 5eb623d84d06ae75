"""Mail through a server of our own that speaks SMTP with STARTTLS and AUTH: a try by command and over
HTTP, what is refused, and (in the long form) a real fault told through an outage and a kill.

usage: step_mail.py
"""
import base64
import email
import email.policy
import http.client
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from lib import PROGRAM, QUICK, Failure, Server, claim, free_port, maru
from step_https import Https, make_home, wait_for
from step_syslog import health_of

PASSWORD = "a mail password 7"
NAME = "mail.localhost"  # Resolves to this computer (RFC 6761), and is none of the names that need no TLS.


class Sink:
    """An SMTP server: one thread a connection, what was taken stands in `mails`."""

    def __init__(self, port, certificate, starttls=True, refuse=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.starttls = starttls
        self.refuse = refuse
        self.mails = []
        self.commands = []
        self.in_clear = []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(8)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(plain,), daemon=True).start()

    def _one(self, line):
        try:
            self._talk(line)
        except (OSError, ssl.SSLError, ValueError):
            pass
        finally:
            line.close()

    def _talk(self, line):
        state = {"tls": False, "auth": False, "from": None, "to": []}
        line.settimeout(20)
        line.sendall(b"220 sink\r\n")
        data = b""
        while True:
            while b"\r\n" not in data:
                piece = line.recv(4096)
                if not piece:
                    return
                data += piece
            command, data = data.split(b"\r\n", 1)
            word = command.split(b" ")[0].upper()
            self.commands.append(command.decode())
            if not state["tls"] and word not in (b"EHLO", b"STARTTLS", b"QUIT"):
                self.in_clear.append(command.decode())
            if word == b"EHLO":
                offers = [b"250-sink"] + ([b"250-STARTTLS"] if self.starttls and not state["tls"] else [])
                line.sendall(b"\r\n".join(offers + [b"250 AUTH PLAIN"]) + b"\r\n")
            elif word == b"STARTTLS" and self.starttls:
                line.sendall(b"220 go\r\n")
                line = self.context.wrap_socket(line, server_side=True)
                state["tls"], data = True, b""
            elif word == b"AUTH":
                parts = command.split(b" ")
                if len(parts) < 3:
                    line.sendall(b"334 \r\n")
                    secret = line.recv(4096).strip()
                else:
                    secret = parts[2]
                good = base64.b64decode(secret).split(b"\0")[1:] == [b"maru", PASSWORD.encode()]
                state["auth"] = good
                line.sendall(b"235 in\r\n" if good else b"535 wrong\r\n")
            elif word in (b"MAIL", b"RCPT") and not state["auth"]:
                line.sendall(b"530 sign in first\r\n")
            elif word == b"MAIL":
                line.sendall(b"250 ok\r\n")
            elif word == b"RCPT":
                if self.refuse:
                    line.sendall(self.refuse + b"\r\n")
                else:
                    state["to"].append(command.decode().split("<")[1].split(">")[0])
                    line.sendall(b"250 ok\r\n")
            elif word == b"DATA":
                line.sendall(b"354 go\r\n")
                while b"\r\n.\r\n" not in data:
                    data += line.recv(65536)
                text, data = data.split(b"\r\n.\r\n", 1)
                self.mails.append((state["to"], email.message_from_bytes(text, policy=email.policy.default)))
                state["to"] = []
                line.sendall(b"250 taken\r\n")
            elif word == b"QUIT":
                line.sendall(b"221 bye\r\n")
                return
            else:
                line.sendall(b"500 what\r\n")

    def end(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def ask(server, token, method, path, body=None):
    connection = http.client.HTTPConnection(server.address, timeout=60)
    headers = {"Authorization": "Bearer " + token, "Accept-Language": "en"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def make_certificate(folder, name, host):
    home = make_home(folder, name, f'tls = "on"\nhost_name = "{host}"\n')
    server = Https("run", home)
    (folder / f"{name}.ca").write_bytes(server.plain("GET", "/maru-ca.crt")[1])
    server.stop()
    return str(home / "keys" / "tls.pem"), str(folder / f"{name}.ca")


def settings(port):
    return {"enabled": True, "server": f"smtp://{NAME}:{port}", "login": "maru", "password": PASSWORD, "sender": "maru@plant.example",
            "recipients": [{"address": "kim@plant.example"}, {"address": "lee@plant.example", "language": "en"}]}


def check_try(sink, home, server, token):
    done = subprocess.run([PROGRAM, "mail", str(home), "--test"], capture_output=True, text=True)
    claim(done.returncode == 0, f"maru mail --test: {done.stderr}")
    status, text = ask(server, token, "POST", "/api/v1/mail/test")
    claim(status == 204, f"POST mail/test gave {status}: {text}")
    claim(len(sink.mails) == 4, f"{len(sink.mails)} mails came, not 4")
    claim(not sink.in_clear, f"sent before TLS: {sink.in_clear}")
    by_address = {to[0]: mail for to, mail in sink.mails}
    korean, english = by_address["kim@plant.example"], by_address["lee@plant.example"]
    claim(korean["Subject"] == "[Maru] 시험 메일" and english["Subject"] == "[Maru] Test mail", "a subject differs")
    claim("Maru가 메일을" in korean.get_content() and "Health" in english.get_content(), "a body differs")
    claim(korean["Auto-Submitted"] == "auto-generated" and korean["From"] == "Maru <maru@plant.example>"
          and korean["Message-ID"] and korean["Date"], "a header is missing")


def check_secret(home, server, token):
    status, text = ask(server, token, "GET", "/api/v1/mail")
    claim(status == 200 and PASSWORD not in text and json.loads(text)["has_password"], f"GET mail: {text}")
    for path in pathlib.Path(home).glob("hub.db*"):
        claim(PASSWORD.encode() not in path.read_bytes(), f"the password stands in {path.name}")
    changed = settings(1)
    del changed["password"]
    status, text = ask(server, token, "PUT", "/api/v1/mail", changed)
    claim(status == 400 and "again" in text, f"a stored password goes to another server: {status} {text}")
    for wrong in ({"recipients": [{"address": "a@b", "language": "fr"}]}, {"recipients": ["a@b"]}, {"recipients": [{"address": "a@b"}] * 21},
                  {"server": "mail"}, {"sender": "x\r\nBcc: y@z"}, {"unknown": 1}):
        status, _ = ask(server, token, "PUT", "/api/v1/mail", wrong)
        claim(status in (400, 422), f"PUT mail {wrong} gave {status}")
    viewer = maru("token", home, "--role", "viewer").strip()
    claim(ask(server, viewer, "GET", "/api/v1/mail")[0] == 403, "a viewer reads the mail settings")


def check_refusals(folder, port, certificate, server, token):
    cases = [("a server without STARTTLS", dict(certificate=certificate, starttls=False), "TLS"),
             ("a server that is not trusted", dict(certificate=make_certificate(folder, "stranger", NAME)[0]), "trusted"),
             ("a server that refuses", dict(certificate=certificate, refuse=b"550 no such person"), "refused"),
             ("a server that asks for patience", dict(certificate=certificate, refuse=b"451 later"), "later")]
    for words, options, expected in cases:
        sink = Sink(port, **options)
        status, text = ask(server, token, "POST", "/api/v1/mail/test")
        claim(status == 502 and expected in json.loads(text)["detail"], f"{words}: {status} {text}")
        claim(not sink.mails and not sink.in_clear, f"{words}: {sink.in_clear} {sink.mails}")
        sink.end()
    sink = Sink(port, certificate)
    ask(server, token, "PUT", "/api/v1/mail", {**settings(port), "password": "wrong"})
    status, text = ask(server, token, "POST", "/api/v1/mail/test")
    claim(status == 502 and "password" in json.loads(text)["detail"] and not sink.mails, f"a wrong password: {status} {text}")
    sink.end()
    status, text = ask(server, token, "POST", "/api/v1/mail/test")
    claim(status == 502 and "reached" in json.loads(text)["detail"], f"nobody there: {status} {text}")
    claim(ask(server, token, "PUT", "/api/v1/mail", settings(port))[0] == 200, "the right settings were refused")


def make_person(server, home, login, address):
    """Somebody of every plant whose e-mail address is known: of a plant only such are told."""
    secret = maru("owner", home, "--reset").strip().split("#")[-1]
    cookie = ""
    for method, path, body in (("POST", "/api/v1/setup", {"secret": secret, "login": login, "password": "correct horse 7"}),
                               ("PUT", "/api/v1/me", {"email": address})):
        connection = http.client.HTTPConnection(server.address, timeout=60)
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", "X-Requested-With": "maru", "Cookie": cookie})
        answer = connection.getresponse()
        text = answer.read().decode()
        claim(answer.status == 200, f"{method} {path} gave {answer.status}: {text}")
        cookie = (answer.getheader("Set-Cookie") or cookie).split(";")[0]
        connection.close()


def check_outage(home, port, certificate, server, token):
    """A device that does not answer is told, after an outage of the mail server and a kill."""
    make_person(server, home, "kim", "kim@plant.example")
    make_person(server, home, "lee", "Lee@plant.example")
    status, text = ask(server, token, "PUT", "/api/v1/plants/main/devices/press9",
                       {"driver": "modbus", "address": "127.0.0.1:1", "options": "unit=1"})
    claim(status in (200, 201), f"PUT of a device gave {status}: {text}")
    status, text = ask(server, token, "PUT", "/api/v1/plants/main/tags/press9.temp",
                       {"type": "f64", "device": "press9", "source": "holding:0"})
    claim(status in (200, 201), f"PUT of a tag gave {status}: {text}")
    wait_for(lambda: "device.down" in health_of(server, token), "the device is not down", 20)
    wait_for(lambda: json.loads(ask(server, token, "GET", "/api/v1/mail")[1])["waiting"] == 2, "no mail waits", 150)
    wait_for(lambda: "mail.failing" in health_of(server, token), "health does not tell that mail fails", 40)
    server.kill()
    sink = Sink(port, certificate)
    server = Server("run", home)
    try:
        wait_for(lambda: len(sink.mails) >= 2, "the mails did not come after outage and kill", 150)
        time.sleep(5)
        claim(len(sink.mails) == 2, f"{len(sink.mails)} mails came, not 2")
        by_address = {to[0]: mail for to, mail in sink.mails}
        claim("press9" in by_address["kim@plant.example"].get_content() and "장치" in by_address["kim@plant.example"].get_content(),
              f"the Korean mail does not name the device: {by_address['kim@plant.example'].get_content()}")
        claim("No fresh values from device press9" in by_address["lee@plant.example"].get_content(), "the English mail does not say it")
        wait_for(lambda: "mail.failing" not in health_of(server, token), "health still complains", 10)
    finally:
        sink.end()
        server.stop()


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="maru-mail-"))
    port = free_port()
    try:
        certificate, ca = make_certificate(folder, "sink", NAME)
        home = make_home(folder, "home", f'mail_ca = "{ca}"\nbackup = false\n')
        token = maru("token", home, "--role", "owner", "--scope", "read,write").strip()
        server = Server("run", home)
        try:
            claim(ask(server, token, "POST", "/api/v1/mail/test")[0] == 409, "a try without settings")
            status, text = ask(server, token, "PUT", "/api/v1/mail", settings(port))
            claim(status == 200, f"PUT mail gave {status}: {text}")
            sink = Sink(port, certificate)
            check_try(sink, home, server, token)
            sink.end()
            check_secret(home, server, token)
            check_refusals(folder, port, certificate, server, token)
            if not QUICK:
                check_outage(home, port, certificate, server, token)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
    print("mail: STARTTLS and its refusals" + ("" if QUICK else ", a fault told through an outage and a kill"))


if __name__ == "__main__":
    try:
        main()
    except Failure as fault:
        sys.exit(f"FAILED: {fault}")
