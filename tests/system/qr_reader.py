"""Reads a QR code out of a terminal's transcript, as a phone's camera would off the screen.

The decoder is zbar, which shares nothing with what drew the code.
"""

import pathlib
import subprocess
import tempfile

HALF_BLOCKS = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
PIXELS_PER_MODULE = 6


def half_block_lines(text):
    """The longest run of lines that hold nothing but half blocks."""
    best, run = [], []
    for line in text.split("\n") + ["end"]:
        if len(line) > 20 and set(line) <= set(HALF_BLOCKS):
            run.append(line)
        else:
            best, run = max(best, run, key=len), []
    return best


def ascii_lines(text):
    best, run = [], []
    for line in text.split("\n") + ["end"]:
        if len(line) > 40 and set(line) <= {"#", " "}:
            run.append(line)
        else:
            best, run = max(best, run, key=len), []
    return best


def rows_of_half_blocks(lines):
    width = max(len(line) for line in lines)
    for line in lines:
        cells = [HALF_BLOCKS[character] for character in line.ljust(width)]
        yield [upper for upper, _ in cells]
        yield [lower for _, lower in cells]


def rows_of_ascii(lines):
    width = max(len(line) for line in lines)
    for line in lines:
        yield [int(character == "#") for character in line.ljust(width)[::2]]


def decode(rows):
    """The text of the QR code whose light modules are 1, as they shine on a dark terminal."""
    rows = list(rows)
    scale, dark_frame = PIXELS_PER_MODULE, 4
    width = (len(rows[0]) + 2 * dark_frame) * scale
    frame = [bytes(width)] * (dark_frame * scale)
    image = list(frame)
    for row in rows:
        line = b"".join(bytes([255 * light]) * scale for light in row)
        edge = bytes(dark_frame * scale)
        image += [edge + line + edge] * scale
    image += frame
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "screen.pgm")
        path.write_bytes(b"P5 %d %d 255\n" % (width, len(image)) + b"".join(image))
        done = subprocess.run(["zbarimg", "--quiet", "--raw", path], capture_output=True, text=True,
                              timeout=60)
    return done.stdout.strip()


def decode_half_blocks(text):
    lines = half_block_lines(text)
    return decode(rows_of_half_blocks(lines)) if lines else ""


def decode_ascii(text):
    lines = ascii_lines(text)
    return decode(rows_of_ascii(lines)) if lines else ""
