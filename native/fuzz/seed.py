"""Write the corpus that every run of the fuzzers starts from: `seed.py DIRECTORY`."""

import struct
import sys
from pathlib import Path


def frame(kind: int, payload: bytes = b"") -> bytes:
    """Return one frame."""
    return struct.pack("<BI", kind, len(payload)) + payload


def number(kind: int, value: int) -> bytes:
    """Return a frame that is a number."""
    return struct.pack("<BI", kind, value)


REJECTED = frame(19, struct.pack("<II", 127, 2) + b"program not found")
EXIT = struct.pack("<Bi", 8, 3)
FRAMES = {
    "exit": b"\x03" + EXIT,
    "output": b"\x04" + frame(5, b"out") + frame(6, b"error") + frame(5) + frame(6) + EXIT,
    "stdin-closed": b"\x00" + frame(4) + EXIT,
    "stdin-bytes": b"\x00" + frame(4, b"x"),
    "unknown": b"\x09" + frame(99),
    "huge": b"\x05" + struct.pack("<BI", 5, 0xFFFFFFFF) + b"some",
    "half-a-header": b"\x02\x05\x01",
    "hello": b"\x04" + number(16, 2) + frame(5, b"out") + number(22, 15) + number(20, 15),
    "rejected": b"\x05" + number(16, 2) + REJECTED,
    "direct": b"\x13" + number(22, 2) + EXIT,
    "direct-signal": b"\x10" + number(20, 9),
    "direct-rejected": b"\x16" + REJECTED,
    "direct-output": b"\x12" + frame(5, b"out"),
    "rejected-without-code": b"\x12" + frame(19, b"short"),
}

FIELDS = [
    "configuration=/k8psh.yaml",
    "stamp=1700000000000000000 12",
    "runtime=/python",
    "runtime=-m",
    "connectTimeoutMs=-1",
    "root=/a/b",
    "wire=/x",
    "root=/a",
    "wire=",
    "server=alpha",
    "port=2301",
    "socket=@k8psh:2301",
    "tcp=yes",
    "command=false",
    "lane=auto",
    "command=true",
    "lane=direct",
    "outside=/tmp",
    "pass=A",
    "pass=B",
    "server=beta",
    "port=2302",
    "socket=/run/k8psh-2302.sock",
    "tcp=no",
    "end=",
]


def routes(fields: list[str]) -> bytes:
    """Return a routes file; the fuzzer puts its size right."""
    return b"".join(text.encode() + b"\0" for text in ["k8psh-routes=1", "bytes=0000000000", *fields])


ROUTES = {
    "good": routes(FIELDS),
    "no-servers": routes([*FIELDS[:9], "end="]),
    "torn": routes(FIELDS[:7]),
    "unknown-field": routes(["color=red", *FIELDS]),
}

REQUEST = {
    "plain": b"\x40" + b"sub\0a\0b c\0\0pass=A\0pass=B\0A=1\0B=\0C=3\0",
    "byte-by-byte": b"\x00" + b"\0-x\0\0pass=HOME\0HOME=/root\0HOME=second\0",
    "nothing": b"\x05\0",
    "relay": b"\x40" + b"sub\0a\0\0",
}


def main(directory: Path) -> None:
    """Write each seed to a file of its own."""
    for name, seeds in {"frames": FRAMES, "routes": ROUTES, "request": REQUEST}.items():
        (directory / name).mkdir(parents=True, exist_ok=True)
        for seed, data in seeds.items():
            (directory / name / seed).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
