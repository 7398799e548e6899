"""words.py FILE - counts and indexes the words of a text with the containers of Python.

A job of acre bench: classes, dictionaries, lists, strings, json; half of its blocks are above the
512 bytes to which Python has an allocator of its own.

SPDX-License-Identifier: MIT
"""
import collections
import json
import re
import sys


class Word:
    """One word, with the lines that it stands in."""

    def __init__(self, text):
        self.text = text
        self.lines = []
        self.followers = collections.Counter()


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().split("\n")


def index(lines):
    words = {}
    for number, line in enumerate(lines):
        before = None
        for text in re.findall(r"[a-z]+", line):
            word = words.setdefault(text, Word(text))
            word.lines.append(number)
            if before is not None:
                before.followers[text] += 1
            before = word
    return words


def main():
    lines = read(sys.argv[1])
    words = index(lines)
    paragraphs = [" ".join(lines[i:i + 40]).upper().title() for i in range(0, len(lines), 20)]
    document = {word.text: {"lines": word.lines, "next": word.followers.most_common(5)}
                for word in words.values()}
    again = json.loads(json.dumps(document, indent=1))
    ordered = sorted(again, key=lambda text: (-len(again[text]["lines"]), text))
    total = sum(map(len, paragraphs))
    print(len(lines), len(words), total, ordered[:10], sum(map(hash, (len(p) for p in paragraphs))))


main()
