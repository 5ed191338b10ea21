"""A network namespace for a test file: importing this starts the file again inside of one that nobody else is in."""

import os
import sys

_INSIDE = "HUSK_NET_TEST_INSIDE"
if len(sys.argv) >= 5 and _INSIDE not in os.environ:
    os.environ[_INSIDE] = "1"
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    os.execvp("unshare", ["unshare", "--net", *user, sys.executable, "-B", *sys.argv])
