"""A WebSocket, a WSS, a TCP and a UDP client talk in one room, each heard by all.

one_room.py WEBSOCKET WSS TCP UDP: addresses like 127.0.0.1:8080.  The TCP listener frames
by lines; it and UDP carry text.
"""

import base64
import os
import socket
import ssl
import struct
import sys

DEADLINE = 20  # seconds, of every wait


def address(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


class Stream:
    """Bytes of a connected socket, in the pieces that are asked for."""

    def __init__(self, connected):
        self.socket = connected
        self.bytes = b""

    def take(self, count):
        while len(self.bytes) < count:
            more = self.socket.recv(65536)
            assert more, "the server has ended the connection"
            self.bytes += more
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def take_until(self, end):
        while end not in self.bytes:
            more = self.socket.recv(65536)
            assert more, "the server has ended the connection"
            self.bytes += more
        taken, self.bytes = self.bytes.split(end, 1)
        return taken


class WebSocket:
    name = "websocket"

    def __init__(self, text):
        self.stream = Stream(self.connect(text))
        key = base64.b64encode(os.urandom(16)).decode()
        self.stream.socket.sendall(
            (
                "GET /room HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                "Sec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        head = self.stream.take_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head

    def connect(self, text):
        return socket.create_connection(address(text), DEADLINE)

    def say(self, text):
        body = text.encode()
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))
        self.stream.socket.sendall(struct.pack("!BB", 0x81, 0x80 | len(body)) + mask + masked)

    def hear(self):
        head, size = self.stream.take(2)
        assert head == 0x81, hex(head)
        if size == 126:
            (size,) = struct.unpack("!H", self.stream.take(2))
        return self.stream.take(size).decode()


class SecureWebSocket(WebSocket):
    name = "wss"

    def connect(self, text):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # a development certificate signs itself
        return context.wrap_socket(super().connect(text), server_hostname="localhost")


class Lines:
    name = "tcp"

    def __init__(self, text):
        self.stream = Stream(socket.create_connection(address(text), DEADLINE))

    def say(self, text):
        self.stream.socket.sendall(text.encode() + b"\n")

    def hear(self):
        return self.stream.take_until(b"\n").decode()


class Datagrams:
    name = "udp"

    def __init__(self, text):
        host, port = address(text)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE)
        self.socket.connect((host, port))

    def say(self, text):
        self.socket.send(text.encode())

    def hear(self):
        return self.socket.recv(65536).decode()


def expect(client, wanted):
    heard = client.hear()
    assert heard == wanted, f"{client.name} heard {heard!r} instead of {wanted!r}"


def main():
    kinds = [WebSocket, SecureWebSocket, Lines, Datagrams]
    clients = []
    for kind, text in zip(kinds, sys.argv[1:], strict=True):
        client = kind(text)
        client.say(f"/nick {client.name}")
        expect(client, f"[System] Your nickname is now: {client.name}")
        client.say("/join reef")
        expect(client, "[System] Joined room: reef")
        clients.append(client)
    for speaker in clients:
        for text in ["hello", "größe €", "x" * 300]:
            if speaker.name in ("websocket", "wss") and len(text) > 125:
                continue  # such frames are not what this is about
            speaker.say(text)
            for listener in clients:
                expect(listener, f"{speaker.name}: {text}")
    clients[0].say("/leave")
    expect(clients[0], "[System] Left room: reef")


main()
