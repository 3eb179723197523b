"""The client in docs/protocol.md works: by_hand.py PAGE TYPED_ECHO.

Its code is run as it stands there, but for the port and the names of things.
"""

import re
import signal
import subprocess
import sys
import tempfile



def give_up(number, frame):
    raise TimeoutError("the client waits in vain")


signal.signal(signal.SIGALRM, give_up)
signal.alarm(30)
page, typed_echo = sys.argv[1:]
with open(page, encoding="utf-8") as file:
    code = re.search(r"```python\n(.*?)```", file.read(), re.DOTALL).group(1)

with tempfile.TemporaryDirectory() as directory:
    settings = ["websocket.listen=", "udp.listen=", "tcp.listen=127.0.0.1:0"]
    server = subprocess.Popen(
        [typed_echo] + [word for setting in settings for word in ("--set", setting)],
        cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr:
            found = re.search(r"transport=tcp addr=127\.0\.0\.1:(\d+)", line)
            if found:
                break
        for old, new in (("4000", found.group(1)), ("paint.dot", "test.point"),
                         ("/join lobby", "hello")):
            assert old in code, f"{old} is not in {page}"
            code = code.replace(old, new)
        names = {}
        exec(compile(code, page, "exec"), names)
        assert names["client_id"] == 1, names["client_id"]
        assert names["opcodes"]["test.point"] == (18, "x f32,y f32", ""), names["opcodes"]
        assert names["receive"]() == b"hello"
        assert names["receive"]() == b"\xf8\x12\0\0\0\0\x3f\0\0\x80\x3e"
        names["server"].close()
    finally:
        server.terminate()
    assert server.wait(20) == 0
