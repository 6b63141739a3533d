"""Runs ministack with the fixes of this project, on 127.0.0.1 only, until its standard input closes.

`--check` only checks that every private name that the fixes use exists. GATEWAY_PORT is the port, and TMPDIR the folder
for its files, which it removes at the end.
"""

import os
import shutil
import signal
import sys
import threading

# No __pycache__ in the project's tree.
sys.dont_write_bytecode = True
os.environ["BIND_HOST"] = "127.0.0.1"

from ministack import app  # noqa: E402

import fixes.api_gateway  # noqa: E402, F401
import fixes.custom_resources  # noqa: E402, F401
import fixes.iam  # noqa: E402, F401
from fixes import MISSING, PRIVATE_NAMES, cloudformation, logs, secrets, streaming  # noqa: E402


def apply_fixes():
    """Applies the fixes that importing their modules has not applied."""
    cloudformation.add_types()
    secrets.add_rotation_schedule()
    streaming.load_polyfill()
    logs.shorten_drain()


def end_with_parent():
    """Ends this process group, including the functions' workers, when the parent has exited for any reason."""
    sys.stdin.buffer.read()
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def main():
    """Checks the names, and starts ministack."""
    if MISSING:
        sys.exit(f"error: this ministack has no {MISSING[0]} ({len(MISSING)} names missing); install the pinned one")
    if "--check" in sys.argv:
        print(f"{len(PRIVATE_NAMES)} private names of ministack found")
        return
    apply_fixes()
    threading.Thread(target=end_with_parent, daemon=True).start()
    app.main()


if __name__ == "__main__":
    main()
