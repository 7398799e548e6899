"""The inputs of the real programs, written anew for each measurement: same seed, same bytes.

SPDX-License-Identifier: MIT
"""


def make(wanted, directory, percent, seed):
    directory.mkdir(exist_ok=True)
