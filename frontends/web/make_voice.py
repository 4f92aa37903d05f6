"""Speaks the pieces of announcements into static/voice: python make_voice.py (espeak-ng, sox, opus-tools).

A mall may replace any of them by a human's recording under the same name.
"""

import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "web_frontend" / "static" / "voice"
ALPHABET = "a be ce de e ef ge ha i je ka el em en o pe ki er es te u fe we eks ye zet"
LETTERS = dict(zip("abcdefghijklmnopqrstuvwxyz", ALPHABET.split(" "), strict=True))
COUNTED = "nol satu dua tiga empat lima enam tujuh delapan sembilan"
DIGITS = dict(zip("0123456789", COUNTED.split(" "), strict=True))
NUMBERS = {
    "10": "sepuluh",
    "11": "sebelas",
    "belas": "belas",
    "puluh": "puluh",
    "100": "seratus",
    "ratus": "ratus",
    "1000": "seribu",
    "ribu": "ribu",
}
WORDS = {
    "nomor": "nomor antrean",
    "silakan": "silakan menuju",
    "loket": "loket",
    "ulang": "panggilan ulang",
}
BITRATE, RATE, PACE = "20", "24000", "145"  # kbit/s, samples and words a minute
TRIM = ["silence", "1", "0.02", "0.2%", "reverse", "silence", "1", "0.02", "0.2%", "reverse"]
CHIME = ["synth", "0.55", "sine", "880", "sine", "1175", "fade", "0", "0.55", "0.4", "gain", "-12"]


def spoken(said: str, wav: Path) -> None:
    raw = wav.with_suffix(".raw.wav")
    subprocess.run(["espeak-ng", "-v", "id", "-s", PACE, "-w", str(raw), said], check=True)
    subprocess.run(["sox", raw, "-r", RATE, "-c", "1", wav, *TRIM, "norm", "-3"], check=True)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, said in {**LETTERS, **DIGITS, **NUMBERS, **WORDS}.items():
            wav = Path(folder) / f"{name}.wav"
            spoken(said, wav)
            _packed(wav)
        chime = Path(folder) / "chime.wav"
        subprocess.run(["sox", "-n", "-r", RATE, "-c", "1", "-b", "16", chime, *CHIME], check=True)
        _packed(chime)


def _packed(wav: Path) -> None:
    target = FOLDER / f"{wav.stem}.opus"
    words = ["opusenc", "--quiet", "--bitrate", BITRATE, "--discard-comments", "--serial", "1"]
    subprocess.run([*words, wav, target], check=True)


if __name__ == "__main__":
    main()
