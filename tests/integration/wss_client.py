"""A client of another make that says all it has to say in one piece: the request, COUNT
messages, its close frame, the end of TLS and that of the stream.  Every message must
come back, then a close frame, then the end of TLS; their number is printed.

    wss_client.py ADDRESS COUNT deflate|plain

ADDRESS is that of an echo server, 127.0.0.1:80 for WebSocket and tls:127.0.0.1:80 for
WebSocket over TLS.
"""

import socket
import struct
import sys
import zlib

sys.dont_write_bytecode = True  # beside the sources

from tcp_client import connect, receive_all  # noqa: E402

REQUEST = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"
)
BINARY, CLOSE = 0x82, 0x88
COMPRESSED = 0x40
TAIL = b"\0\0\xff\xff"  # RFC 7692 section 7.2.1


def frame(head, payload):
    assert len(payload) < 126
    return struct.pack("!BBI", head, 0x80 | len(payload), 0) + payload


def parse(data):
    """The frames of a whole stream."""
    frames = []
    while data:
        head, size = struct.unpack_from("!BB", data)
        assert size < 126 and len(data) >= 2 + size, "a frame that does not fit"
        frames.append((head, data[2 : 2 + size]))
        data = data[2 + size :]
    return frames


def inflate(frames):
    """A message that does not shrink may have been left as it is."""
    context = zlib.decompressobj(-15)
    for head, payload in frames:
        if head & COMPRESSED:
            payload = context.decompress(payload + TAIL)
        yield head & ~COMPRESSED, payload


def main(address, count, manner):
    messages = [b"message %d " % number * 5 for number in range(int(count))]
    extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    connection = connect(address)
    connection.sendall(
        (REQUEST % (extension if manner == "deflate" else "")).encode()
        + b"".join(frame(BINARY, message) for message in messages)
        + frame(CLOSE, struct.pack("!H", 1000))
    )
    connection.shutdown(socket.SHUT_WR)
    head, rest = receive_all(connection).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    assert (b"permessage-deflate" in head) == (manner == "deflate"), head
    answers = list(inflate(parse(rest)))
    assert answers[-1] == (CLOSE, struct.pack("!H", 1000)), answers[-1]
    assert answers[:-1] == [(BINARY, message) for message in messages][: len(answers) - 1]
    print(len(answers) - 1)
    connection.close()


main(*sys.argv[1:])
