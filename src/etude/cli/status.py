"""The statuses with which the command ends."""

FAULT = 1
BAD_INPUT = 2
NO_DATA = 3
TARGET_MISSED = 4
INTERRUPTED = 130
TERMINATED = 143
