"""One line on stderr for what is wrong, and the exit statuses, as the acre command has them.

SPDX-License-Identifier: MIT
"""
import shutil
import sys
import time

DONE, RUN_FAILED, USAGE, FAILED, INTERRUPTED = 0, 1, 2, 125, 130


def plain(text):
    """The text as one line, whatever was typed."""
    return "".join(c if c.isprintable() else "?" for c in text)


def note(text):
    print("acre: " + plain(text), file=sys.stderr, flush=True)


def wrong(text):
    """Ends for a command line that is wrong."""
    note(text)
    raise SystemExit(USAGE)


def failed(text):
    """Ends because acre could not do its part."""
    note(text)
    raise SystemExit(FAILED)


class Progress:
    """A line on the terminal that says how far it is; nothing where stderr is none."""

    def __init__(self, total):
        self.total = total
        self.done = 0
        self.start = time.monotonic()
        self.shows = sys.stderr.isatty()

    def show(self, text):
        if not self.shows:
            return
        left = ""
        if self.done > 3:
            seconds = (time.monotonic() - self.start) / self.done * (self.total - self.done)
            left = f", {seconds / 60:.0f} min left" if seconds > 90 else f", {seconds:.0f} s left"
        line = f"{self.done} of {self.total} runs{left}: {text}"
        width = shutil.get_terminal_size().columns - 1
        print("\r\033[K" + line[:width], end="", file=sys.stderr, flush=True)

    def clear(self):
        if self.shows:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
