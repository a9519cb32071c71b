"""Reads parameters from standard input and prints the SHA-256 of their text: the program of `demo.checksum`."""

import hashlib
import json
import sys

text = json.load(sys.stdin)["text"]
try:
    data = text.encode()
except UnicodeEncodeError:
    sys.stderr.write("the text holds half of a character\n")
    sys.exit(2)
sys.stderr.write(f"read {len(data):,} bytes\n")
sys.stdout.write(json.dumps({"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}) + "\n")
