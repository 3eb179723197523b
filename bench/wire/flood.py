#!/usr/bin/env python3
"""Peers that mean harm, for bench/wire/harm.sh: flood.py KIND HOST:PORT SECONDS

  udp        datagrams from thousands of addresses of this machine, one each
  tls        garbage in the place of a ClientHello, connection after connection
  handshake  handshakes that never go on after the first bytes, 200 at a time
  tcp        lengths of 0, beyond the limit and of six bytes, and bodies cut short

Prints how many it sent.  Only addresses of this machine are accepted.
"""

import os
import random
import socket
import ssl
import struct
import sys
import time

SOURCES = 512  # sockets, each at another address
AT_ONCE = 200
PER_SECOND = 20000  # datagrams


def until(seconds):
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        yield count
        count += 1


def udp(target, seconds):
    generator = random.Random(1)
    sources = []
    for _ in range(SOURCES):
        source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        source.setblocking(False)
        source.bind((f"127.{generator.randrange(1, 255)}.{generator.randrange(256)}."
                     f"{generator.randrange(1, 255)}", 0))
        source.connect(target)
        sources.append(source)
    sent = 0
    begin = time.monotonic()
    for i in until(seconds):
        if sent > (time.monotonic() - begin) * PER_SECOND:
            time.sleep(0.001)
            continue
        if i % 64 == 0:  # as another peer from now on
            old = sources[i // 64 % SOURCES]
            address = old.getsockname()[0]
            old.close()
            new = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            new.setblocking(False)
            new.bind((address, 0))
            new.connect(target)
            sources[i // 64 % SOURCES] = new
        try:
            sources[i % SOURCES].send(b"x" * 64)
            sent += 1
        except OSError:
            pass  # a full buffer, or a refusal that was heard of
    return sent


def talk(target, text):
    with socket.create_connection(target, 10) as peer:
        try:
            peer.sendall(text)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(4096):
                pass
        except OSError:
            pass  # reset: that is what it is for


def tls(target, seconds):
    for i in until(seconds):
        talk(target, os.urandom(300) if i % 2 else b"GET / HTTP/1.1\r\n\r\n")
    return i + 1


def tcp(target, seconds):
    bad = [b"\0", b"\xff\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x80\x80", b"\x64cut short"]
    for i in until(seconds):
        talk(target, bad[i % len(bad)])
    return i + 1


def hello():
    """The first bytes of a real ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def handshake(target, seconds):
    whole = hello()
    peers = []
    count = 0
    for i in until(seconds):
        peer = socket.create_connection(target, 10)
        peer.sendall(whole if i % 2 else whole[: len(whole) // 2])
        peers.append(peer)
        count += 1
        if len(peers) > AT_ONCE:
            oldest = peers.pop(0)
            oldest.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            oldest.close()
        time.sleep(0.002)
    return count


def main():
    kinds = {"udp": udp, "tls": tls, "tcp": tcp, "handshake": handshake}
    if len(sys.argv) != 4 or sys.argv[1] not in kinds:
        sys.exit(__doc__)
    host, port = sys.argv[2].rsplit(":", 1)
    if not host.startswith("127."):
        sys.exit("flood.py: only 127.x.y.z is ever a target")
    print(kinds[sys.argv[1]]((host, int(port)), float(sys.argv[3])))


main()
