"""Some thousand inputs for PHP and for the test portal's view of PHP, always the same ones.

A line is `[operation, input]` as JSON. Usage: php_inputs.py COUNT
"""

import json
import random
import sys
from urllib.parse import quote

CHANCE = random.Random(24)
LETTERS = "abzAZ019 ._-+%=[]&#?$@<>!'\"\\/ßЖ\u4e2d\U0001f600\t\n"
NAMES = ["fields", "filter", "select", "a.b", "a b", "x", "", "0", "00", "-1", "ID", "<=DATE"]
NUMBERS = ["0", "00", "082", "1", "-7", "+3", "1.9", ".5", "5.", "1e3", "1E-2", "-0", "1e400",
           "9223372036854775807", "9223372036854775808", "-9223372036854775808",
           "-9223372036854775809", "99999999999999999999", "0x1A", "1_000", "1,5", "e3", ".", "-",
           "--1", "1e", "1e+", "0Array", "0$result[g][0][ID]", "Y", "true", "", "٣"]
SPACES = ["", "", "", " ", "\t", "\n", "\r", "\x0b", "\x0c", "\xa0", "\x00"]
FLOATS = [0.0, -0.0, 1.0, 1.5, 0.1, 0.1 + 0.2, 1e14, 1e15, 1e16, 1e17, 1e18, 123456789012345678.0,
          1e19, -1e19, 1e25, 1e-3, 1e-4, 1e-5, 1.5e-7, 3.0e-10, 1760000000.11, 2.0**63, -(2.0**63),
          1.7976931348623157e308, 99999999999999.5]


def word(most=8):
    return "".join(CHANCE.choice(LETTERS) for _ in range(CHANCE.randint(0, most)))


def maybe_encoded(text):
    """Percent signs stay alone only where no byte comes of it: JSON could not show it."""
    return quote(text, safe="") if CHANCE.random() < 0.6 or "%" in text else text


def key():
    """A name with brackets, most of them well-formed."""
    text = CHANCE.choice(NAMES) if CHANCE.random() < 0.7 else word(4)
    for _ in range(CHANCE.choice([0, 0, 1, 1, 2, 3])):
        inner = CHANCE.choice(["", "", "0", "1", "7", "01", "x", " ", "a.b", ">=ID", word(3)])
        text += CHANCE.choice(["[{}]", "[{}]", "[{}]", "[{}]", "[{}", "{}]", "[[{}]", "[{}]x"]).format(inner)
    return maybe_encoded(text)


def query():
    pairs = []
    for _ in range(CHANCE.randint(1, 6)):
        pair = key()
        if CHANCE.random() < 0.9:
            pair += "=" + maybe_encoded(word())
        pairs.append(pair)
    return "&".join(pairs)


def number_text():
    text = CHANCE.choice(NUMBERS)
    if CHANCE.random() < 0.3:
        text = "".join(CHANCE.choice("0123456789.e+- ") for _ in range(CHANCE.randint(1, 12)))
    return CHANCE.choice(SPACES) + text + CHANCE.choice(SPACES)


def number():
    if CHANCE.random() < 0.5:
        return CHANCE.choice(FLOATS)
    if CHANCE.random() < 0.5:
        return CHANCE.choice([0, 1, -1, 82, 2**53, 2**63 - 1, -(2**63), 2**63, 2**64 - 82, 2**64])
    # More digits than that the portal's own JSON reader does not read to the last one.
    return float(f"{CHANCE.uniform(-1, 1) * 10.0 ** CHANCE.randint(-8, 20):.12g}")


def value(depth=0):
    kind = CHANCE.randint(0, 6 if depth < 3 else 4)
    if kind == 0:
        return CHANCE.choice([None, True, False])
    if kind == 1:
        return number()
    if kind in (2, 3, 4):
        return number_text() if CHANCE.random() < 0.3 else word()
    if kind == 5:
        return [value(depth + 1) for _ in range(CHANCE.randint(0, 3))]
    names = ["0", "1", "2", "00", "-0", "x", "a/b", "ß"]
    return {CHANCE.choice(names): value(depth + 1) for _ in range(CHANCE.randint(0, 4))}


def broken_json():
    """JSON that is cut, padded or has a letter changed."""
    text = json.dumps(value(), ensure_ascii=CHANCE.random() < 0.5)
    at = CHANCE.randint(0, len(text))
    if CHANCE.random() < 0.3:
        text = text[:at] + CHANCE.choice(LETTERS) + text[at:]
    if CHANCE.random() < 0.2:
        text = text[:at]
    return CHANCE.choice(["", " ", "\n", "\ufeff"]) + text + CHANCE.choice(["", " ", "\x00"])


TASKS = {
    "parse_str": query,
    "int": lambda: CHANCE.choice([number_text, number, value])(),
    "numeric": lambda: CHANCE.choice([number_text, number_text, number, value])(),
    "empty": lambda: CHANCE.choice([number_text, number, value])(),
    "text": lambda: CHANCE.choice([number, value])(),
    "decode": broken_json,
    "encode": value,
}

for _ in range(int(sys.argv[1])):
    operation = CHANCE.choice(["parse_str"] * 4 + list(TASKS))
    print(json.dumps([operation, TASKS[operation]()]))
