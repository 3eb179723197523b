"""A TCP client of another make: sends messages in one of the four framings, in one of
several ways, ends its half of the connection, and takes what comes until the other end.

    tcp_client.py ADDRESS FRAMING echo COUNT MANNER
    tcp_client.py ADDRESS FRAMING chat COUNT MANNER

ADDRESS is 127.0.0.1:80, [::1]:80 or unix:/path, with `tls:` in front for TLS.  MANNER is
`together` (all in one write, with TLS also the end of the handshake and of the stream),
`each` (one write per message) or `bytewise`.  With `echo` each answer must be the
message that was sent, and their number is printed.  With `chat` it joins the room `reef`
and says `message 0` and so on.
"""

import random
import socket
import ssl
import sys

PATIENCE_S = 60


class TlsConnection:
    """TLS, whose two halves end one after the other, as those of a socket do."""

    def __init__(self, connection):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = connection
        self.input, self.output = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.input, self.output)
        self.is_corked = True
        self.wait_for(self.tls.do_handshake)

    def flush(self):
        self.socket.sendall(self.output.read())

    def flush_unless_corked(self):
        if not self.is_corked:
            self.flush()

    def wait_for(self, call):
        while True:
            try:
                result = call()
                self.flush_unless_corked()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                data = self.socket.recv(65536)
                assert data, "the stream was cut off"
                self.input.write(data)

    def sendall(self, data):
        for at in range(0, len(data), 16384):
            self.tls.write(data[at:at + 16384])
            self.flush_unless_corked()

    def recv(self, size):
        try:
            return self.wait_for(lambda: self.tls.read(size))
        except ssl.SSLZeroReturnError:
            return b""

    def shutdown(self, _how):
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.is_corked = False
        self.flush()

    def close(self):
        self.socket.close()


def connect(address):
    if address.startswith("tls:"):
        return TlsConnection(connect(address[len("tls:"):]))
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address[len("unix:"):])
    else:
        host, port = address.rsplit(":", 1)
        connection = socket.create_connection((host.strip("[]"), int(port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.settimeout(PATIENCE_S)
    return connection


def encode_varint(size):
    out = bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out)


def encode(framing, message):
    if framing == "varint":
        return encode_varint(len(message)) + message
    if framing == "u32":
        return len(message).to_bytes(4, "big") + message
    return message + b"\n" if framing == "lines" else message


def decode_varint(data):
    """The messages of a whole stream; what is left must be nothing."""
    messages = []
    at = 0
    while at < len(data):
        size = shift = 0
        while True:
            size |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if data[at - 1] < 0x80:
                break
        assert 0 < size <= len(data) - at, "a length that does not fit"
        messages.append(data[at:at + size])
        at += size
    return messages


def decode_u32(data):
    messages = []
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        assert 0 < size <= len(data) - at - 4, "a length that does not fit"
        messages.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return messages


def decode(framing, data):
    if framing == "varint":
        return decode_varint(data)
    if framing == "u32":
        return decode_u32(data)
    if framing == "lines":
        assert data == b"" or data.endswith(b"\n"), "the last line is cut"
        return data.split(b"\n")[:-1]
    return [data]


def make_messages(framing, count, limit):
    """Of all sizes, most of them small; the same ones in every run."""
    source = random.Random(count)
    messages = []
    for number in range(count):
        size = min(source.choice([1, 2, 20, 127, 128, 129, 300, 5000, 16384]), limit)
        message = source.randbytes(size)
        if framing == "lines":
            message = message.replace(b"\n", b"-").replace(b"\r", b"-")
        messages.append(message)
    return messages


def send(connection, frames, manner):
    if manner == "together":
        connection.sendall(b"".join(frames))
        return
    for frame in frames:
        pieces = [frame] if manner == "each" else [frame[i:i + 1] for i in range(len(frame))]
        for piece in pieces:
            connection.sendall(piece)


def receive_all(connection):
    data = bytearray()
    while piece := connection.recv(65536):
        data += piece
    return bytes(data)


def echo(connection, framing, messages, manner):
    send(connection, [encode(framing, message) for message in messages], manner)
    connection.shutdown(socket.SHUT_WR)
    answers = decode(framing, receive_all(connection))
    if framing == "raw":
        assert answers == [b"".join(messages)], "other bytes came back"
        answers = messages
    assert answers == messages[:len(answers)], "other messages came back"
    print(len(answers))


def chat(connection, framing, count, manner):
    messages = [b"/join reef"] + [b"message %d" % number for number in range(count)]
    send(connection, [encode(framing, message) for message in messages], manner)
    connection.shutdown(socket.SHUT_WR)
    receive_all(connection)


def main(address, framing, what, count, manner):
    connection = connect(address)
    if manner != "together" and address.startswith("tls:"):
        connection.is_corked = False
    if what == "chat":
        chat(connection, framing, int(count), manner)
    else:
        # All answers must fit what is held for a client that does not read yet.
        limit = 64 if manner == "bytewise" else 16384
        echo(connection, framing, make_messages(framing, int(count), limit), manner)
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
