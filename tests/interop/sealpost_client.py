#!/usr/bin/env python3
"""A complete Sealpost client in Python's standard library: to interoperate with, and to learn from.
A message is a frame: four bytes of length, big endian, then that many bytes of JSON. Request, reply,
request, reply. The bytes are the same in plain TCP and inside TLS; only the socket differs.
    PW=... sealpost_client.py HOST PORT plain|tls|mtls [--ca F] [--cert F --key F] selftest
(selftest over mtls ends with a login by certificate: a user named like its CN must exist)"""
import argparse, hashlib, json, os, secrets, socket, ssl, struct
class Refused(Exception):
    """The server said no: a code, for programs, and a message, for people."""
class Client:
    def __init__(self, host, port, mode="mtls", ca=None, cert=None, key=None):
        self.sock = socket.create_connection((host, port), timeout=30)
        if mode != "plain":
            # CERT_REQUIRED and check_hostname are on here: the server must prove that it is `host`.
            context = ssl.create_default_context(cafile=ca)
            context.set_alpn_protocols(["sealpost/1"])
            if mode == "mtls":  # mutual: the client proves who it is, too
                context.load_cert_chain(cert, key)
            self.sock = context.wrap_socket(self.sock, server_hostname=host)
        # In TLS 1.3 our handshake ends before the server has judged our certificate; a refusal arrives
        # as an alert in the next read. So: say "connected" only after the reply to hello.
        self.hello = self.ask(op="hello", version=1, agent="sealpost_client.py/1")

    # Frames
    def send(self, **message):
        text = json.dumps(message, ensure_ascii=False).encode()
        self.sock.sendall(struct.pack(">I", len(text)) + text)  # in one piece: one packet, one record

    def read_exactly(self, count):
        parts = []  # recv returns what is there, often less than was asked for
        while count > 0:
            parts.append(self.sock.recv(min(count, 1 << 18)))
            if not parts[-1]:
                raise EOFError("truncated: the connection ended inside a message")
            count -= len(parts[-1])
        return b"".join(parts)

    def reply(self):
        length = struct.unpack(">I", self.read_exactly(4))[0]
        if not 1 <= length <= 65_536:  # never believe a length before it was checked
            raise ValueError(f"a frame of {length} bytes")
        reply = json.loads(self.read_exactly(length))
        if not reply["ok"]:
            raise Refused(reply["code"], reply["message"])
        return reply

    def ask(self, **message):
        self.send(**message)
        return self.reply()

    # Accounts
    def register(self, user, password): return self.ask(op="register", user=user, password=password)
    def login(self, user, password): return self.ask(op="login", user=user, password=password)
    def login_by_certificate(self): return self.ask(op="login")
    def passwd(self, old, new): return self.ask(op="passwd", old=old, new=new)
    def whoami(self): return self.ask(op="whoami")
    def quit(self):
        self.ask(op="quit")
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock = self.sock.unwrap()  # close_notify: the end was meant, nobody cut the line
        self.sock.close()

    # Files
    def stat(self, name): return self.ask(op="stat", name=name)["file"]
    def delete(self, name): return self.ask(op="delete", name=name)
    def rename(self, old, new, conflict="error"):
        return self.ask(**{"op": "rename", "from": old, "to": new, "conflict": conflict})["file"]
    def list(self, prefix="", limit=500):
        page = {"files": [{"name": ""}], "more": True}
        while page["more"]:  # a page at a time: each begins after the last name of the one before
            page = self.ask(op="list", prefix=prefix, after=page["files"][-1]["name"], limit=limit)
            yield from page["files"]
    def get(self, name, offset=0):  # check the digest of a rest yourself, once joined to its beginning
        file = self.ask(op="get", name=name, offset=offset)["file"]
        data = self.read_exactly(file["size"] - offset)
        if offset == 0 and hashlib.sha256(data).hexdigest() != file["sha256"]:
            raise ValueError("checksum mismatch")
        return data
    def put(self, name, data, conflict="error"):
        go = self.ask(op="put", name=name, size=len(data), conflict=conflict)
        self.held = go["offset"]  # what the server kept of an interrupted upload
        if self.held > 0:  # join only what both ends have proved equal; else all of it again
            same = hashlib.sha256(data[:self.held]).hexdigest() == go["prefix_sha256"]
            self.send(resume=same)
            self.held *= same
        try:
            self.sock.sendall(data[self.held:])
            self.send(sha256=hashlib.sha256(data).hexdigest())
        except OSError:
            pass  # the server may have refused in the middle; its reply says why
        return self.reply()["file"]  # only now is it uploaded

def selftest(connect, user, password):
    """Every operation once, a line for each; a surprise is an exception."""
    def no(code, action, *arguments):  # what must be refused, and how
        try: action(*arguments)
        except Refused as refusal: assert refusal.args[0] == code, refusal; return f"refused, {code}"
        raise AssertionError(f"{action.__name__} was allowed")
    c, tag, data, new = connect(), secrets.token_hex(4), os.urandom(300_000), password + "-2"
    user, name, other = f"{user}-{tag}", f"{tag}/课程 1.bin", f"{tag}/2.bin"
    print("hello:", c.hello, "\nstat before login:", no("login_required", c.stat, name))
    print("register:", c.register(user, password), "\npasswd:", c.passwd(password, new)); c.quit(); c = connect()
    print("old password:", no("login_failed", c.login, user, password), "\nlogin:", c.login(user, new))
    print("whoami:", c.whoami(), "\nput:", c.put(name, data), "\nput again:", no("exists", c.put, name, data))
    print("put rename:", c.put(name, data, "rename")["name"], "\nput overwrite:", c.put(name, b"new", "overwrite"))
    cut = connect(); cut.login(user, new); cut.ask(op="put", name=other, size=len(data), conflict="resume")
    cut.sock.sendall(data[:200_000]); cut.sock.close()  # an upload is cut in the middle
    print("put resume:", c.put(other, data, "resume"), "from byte", c.held)
    print("list:", [file["name"] for file in c.list(tag, limit=1)], "\nstat:", c.stat(other))
    assert c.get(other) == data and c.get(other, 299_000) == data[299_000:]; print("get: whole, and from an offset")
    print("rename:", c.rename(other, f"{tag}/3.bin")["name"], "\nold name:", no("not_found", c.stat, other))
    for file in list(c.list(tag)): print("delete:", file["name"], c.delete(file["name"]))
    print("quit:", c.quit()); c = connect()
    if c.hello["secure"] == "mtls": print("login by certificate:", c.login_by_certificate()); c.quit()
if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("host", "port", "mode", "--ca", "--cert", "--key", "command"): arguments.add_argument(name)
    a, password = arguments.parse_args(), os.environ["PW"]  # every user of the machine can read arguments
    selftest(lambda: Client(a.host, int(a.port), a.mode, a.ca, a.cert, a.key), "python", password)
