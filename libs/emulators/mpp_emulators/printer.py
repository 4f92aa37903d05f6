"""A receipt printer: reads ESC/POS as an Epson of 80 mm does, and shows the paper as a picture."""

from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

DOTS = 576  # across 72 mm at 203 dots per inch
CELL = (12, 24)  # dots of one character of font A
MARGIN = 24


class NotUnderstood(ValueError):
    """Bytes that this printer does not know."""


@dataclass
class Printer:
    """`papers`: every paper that was cut, as a picture in black and white; `texts`: what is written on it."""

    papers: list[Image.Image] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def feed(self, data: bytes) -> None:
        """Everything that was sent; raises NotUnderstood at the first byte that says nothing."""
        paper, at = _Paper(), 0
        while at < len(data):
            if data[at] in _COMMANDS:
                command = next((c for c in _COMMANDS[data[at]] if data.startswith(c, at)), None)
                if command is None:
                    raise NotUnderstood(f"{data[at : at + 4].hex(' ')} at {at}")
                at, cut = _COMMANDS[data[at]][command](paper, data, at + len(command))
                if cut:
                    self.papers.append(paper.picture())
                    self.texts.append(paper.text)
                    paper = _Paper()
            elif data[at] == 0x0A:
                paper.line_feed()
                at += 1
            elif data[at] >= 0x20:
                paper.write(chr(data[at]))
                at += 1
            else:
                raise NotUnderstood(f"{data[at]:#04x} at {at}")


class _Paper:
    """One paper in the making."""

    def __init__(self) -> None:
        self.rows: list[Image.Image] = []
        self.text = ""
        self.align, self.bold, self.size = 0, False, (1, 1)
        self._line: list[tuple[str, bool, tuple[int, int]]] = []

    def write(self, character: str) -> None:
        self._line.append((character, self.bold, self.size))
        self.text += character

    def line_feed(self) -> None:
        """The line is printed, as high as its largest character."""
        height = max((size[1] for _, _, size in self._line), default=1) * CELL[1]
        width = sum(size[0] * CELL[0] for _, _, size in self._line)
        row, x = Image.new("L", (DOTS, height + 6), 255), self._left(width)
        for character, bold, size in self._line:
            glyph = _glyph(character, bold, size)
            row.paste(glyph, (x, height - glyph.height))
            x += size[0] * CELL[0]
        self.rows.append(row)
        self.text += "\n"
        self._line = []

    def raster(self, image: Image.Image) -> None:
        row = Image.new("L", (DOTS, image.height), 255)
        row.paste(image, (self._left(image.width), 0))
        self.rows.append(row)

    def _left(self, width: int) -> int:
        return max(0, (0, (DOTS - width) // 2, DOTS - width)[self.align])

    def picture(self) -> Image.Image:
        height = sum(row.height for row in self.rows) + 2 * MARGIN
        made, y = Image.new("L", (DOTS + 2 * MARGIN, height), 255), MARGIN
        for row in self.rows:
            made.paste(row, (MARGIN, y))
            y += row.height
        return made


def _glyph(character: str, bold: bool, size: tuple[int, int]) -> Image.Image:
    """A character in its cell, as broad as fits: printers have letters of one width."""
    width, height = CELL[0] * size[0], CELL[1] * size[1]
    font, cell = ImageFont.load_default(0.84 * height), Image.new("L", (width, height), 255)
    drawn = Image.new("L", (2 * height, height), 255)
    stroke = 0.02 * height if bold else 0.0
    ImageDraw.Draw(drawn).text((height / 2, 0), character, 0, font, stroke_width=stroke)
    ink = drawn.point(lambda dot: 255 - dot).getbbox()
    if ink:
        broad = min(ink[2] - ink[0], width - size[0])
        glyph = drawn.crop((ink[0], 0, ink[2], height)).resize((broad, height), Image.Resampling.LANCZOS)
        cell.paste(glyph, ((width - broad) // 2, 0))
    return cell


Done = tuple[int, bool]


def _set(name: str, read: Callable[[int], object]) -> Callable[[_Paper, bytes, int], Done]:
    def command(paper: _Paper, data: bytes, at: int) -> Done:
        setattr(paper, name, read(data[at]))
        return at + 1, False

    return command


def _initialise(paper: _Paper, data: bytes, at: int) -> Done:
    paper.align, paper.bold, paper.size = 0, False, (1, 1)
    return at, False


def _ignored(paper: _Paper, data: bytes, at: int) -> Done:
    """A code page, a font, a colour: what our papers do not need."""
    return at + 1, False


def _mode(paper: _Paper, data: bytes, at: int) -> Done:
    paper.size = (2 if data[at] & 0x20 else 1, 2 if data[at] & 0x10 else 1)
    paper.bold = bool(data[at] & 0x08)
    return at + 1, False


def _lines(paper: _Paper, data: bytes, at: int) -> Done:
    for _ in range(data[at]):
        paper.line_feed()
    return at + 1, False


def _raster(paper: _Paper, data: bytes, at: int) -> Done:
    """GS v 0 m xL xH yL yH: bytes across, dots down, one bit a dot."""
    across, down = (
        int.from_bytes(data[at + 1 : at + 3], "little"),
        int.from_bytes(data[at + 3 : at + 5], "little"),
    )
    begin, size = at + 5, across * down
    if len(data) < begin + size:
        raise NotUnderstood("a picture that ends before its end")
    image = Image.frombytes("1", (across * 8, down), data[begin : begin + size]).convert("L")
    paper.raster(image.point(lambda dot: 255 - dot))
    return begin + size, False


def _cut(paper: _Paper, data: bytes, at: int) -> Done:
    return at + (2 if data[at] >= 65 else 1), True


_SIZE = _set("size", lambda n: ((n >> 4) + 1, (n & 7) + 1))
_COMMANDS: dict[int, dict[bytes, Callable[[_Paper, bytes, int], Done]]] = {
    0x1B: {
        b"\x1b@": _initialise,
        b"\x1ba": _set("align", lambda n: n % 48),
        b"\x1bE": _set("bold", bool),
        b"\x1b!": _mode,
        b"\x1bt": _ignored,
        b"\x1bM": _ignored,
        b"\x1b-": _ignored,
        b"\x1bd": _lines,
    },
    0x1D: {b"\x1d!": _SIZE, b"\x1dv0": _raster, b"\x1dV": _cut, b"\x1dB": _ignored},
}
