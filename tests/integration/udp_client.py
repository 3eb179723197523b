#!/usr/bin/env python3
"""A client of the UDP transport, written from docs/wire.md alone.

udp_client.py echo HOST PORT COUNT    that many messages of all sizes come back
udp_client.py cookie HOST PORT        no session without the cookie, and one with it
"""
import socket
import sys

WINDOW = 8
MAGIC = b"\xffRC1"


def connect(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    client.settimeout(20)
    client.connect((host, int(port)))
    return client


def largest(host):
    """IPv6 has the larger header, and loopback takes packets of 64 KiB."""
    return 65536 - 40 - 8 if ":" in host else 65507


def message(number, size):
    """Like no other."""
    return (b"%d:" % number + bytes(range(256)) * 256)[:size]


def echo(host, port, count):
    client = connect(host, port)
    count = int(count)
    sizes = [1 + number * 37 % 1400 for number in range(count - 1)] + [largest(host)]
    for first in range(0, count, WINDOW):
        numbers = range(first, min(first + WINDOW, count))
        for number in numbers:
            client.send(message(number, sizes[number]))
        for number in numbers:
            assert client.recv(65536) == message(number, sizes[number]), number
    client.send(b"")


def cookie(host, port):
    client = connect(host, port)
    client.send(bytes(11))  # too short for an answer
    client.send(b"hello, this is long enough")
    challenge = client.recv(65536)
    assert len(challenge) == 12 and challenge.startswith(MAGIC), challenge
    client.send(challenge + b"first")
    assert client.recv(65536) == b"first"
    client.send(b"second")
    assert client.recv(65536) == b"second"
    other = connect(host, port)
    other.send(challenge + b"not mine")
    assert other.recv(65536) != b"not mine"


if __name__ == "__main__":
    {"echo": echo, "cookie": cookie}[sys.argv[1]](*sys.argv[2:])
    print("done")
