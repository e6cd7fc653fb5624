#!/usr/bin/env python3
"""Writes strings and the tokens that the reference tokenizer (the `tokenizers` wheel) gives them.

One JSON object a line: {"text": …, "ids": […]}. The strings come from a seed, so two runs agree: words in many
scripts, accents in both normal forms, CJK, emoji sequences, control and zero-width characters, very long words,
special tokens, and a mix of all general categories. With --every-character, short lines that together hold every
code point of planes 0 to 3 and 14 follow.
"""
import argparse
import json
import random
import sys
import unicodedata

from tokenizers import Tokenizer

WORDS = """the a of to pdf convert library package development files server network Debian GNU/Linux C++ Python3 utf-8
don't can't state-of-the-art e.g. i.e. 3.14 1,000,000 $5.99 50% http://example.org/a?b=c#d user@example.org foo_bar
CamelCase UPPER lower internationalization antidisestablishmentarianism supercalifragilisticexpialidocious
Straße naïve café Ångström Dvořák São Łódź İstanbul ıssız ΣΊΣΥΦΟΣ Ὀδυσσεύς Москва ёлка Київ Тбилиси თბილისი Երևան
שָׁלוֹם مَرْحَبًا فارسی اردو हिन्दी नमस्ते বাংলা தமிழ் తెలుగు ಕನ್ನಡ മലയാളം සිංහල ไทย ภาษาไทย ລາວ မြန်မာ ខ្មែរ བོད་ཡིག አማርኛ ᏣᎳᎩ ᠮᠣᠩᠭᠣᠯ
中文 汉字 漢字 東京都 日本語 ひらがな カタカナ ﾊﾝｶｸ 한국어 조선말 ㄱㄴㄷ 𠀀𠀁 豈更 ﬁ ﬂ ½ ² ℌ ℵ ™ © € £ ¥ № ① Ⅷ ∑ ∞ ≠ → ⇒
😀 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 1️⃣ ☎️ [CLS] [SEP] [MASK] [PAD] [UNK] [cls] [SEP ##ing ## # [[SEP]]""".split()
SPACES = [" ", " ", " ", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\u200b", "\u200d", "\ufeff", "", "\x0b", "\x85"]
MARKS = ["\u0301", "\u0308", "\u0327", "\u0323", "\u20dd", "\u0489", "\u093c", "\u0e48", "\u302e", "\u1d165", "\ufe0f", "\u0345"]
CONTROLS = [chr(c) for c in list(range(0x20)) + list(range(0x7F, 0xA0))] + list("\u00ad\u200b\u200c\u200e\u202e\u2060\ufeff\ufffd\ufffe\ue000")


def by_category():
    found = {}
    for c in range(0x110000):
        category = unicodedata.category(chr(c))
        if category != "Cs":
            found.setdefault(category, []).append(chr(c))
    return list(found.values())


def mixed_word(rng):
    word = rng.choice(WORDS)
    change = rng.random()
    if change < 0.15:
        word = unicodedata.normalize(rng.choice(["NFC", "NFD", "NFKC", "NFKD"]), word)
    elif change < 0.25:
        at = rng.randrange(len(word) + 1)
        word = word[:at] + "".join(rng.choice(MARKS) for _ in range(rng.randint(1, 3))) + word[at:]
    elif change < 0.32:
        at = rng.randrange(len(word) + 1)
        word = word[:at] + rng.choice(CONTROLS) + word[at:]
    elif change < 0.37:
        word = word.upper()
    elif change < 0.42:
        word += rng.choice(WORDS)
    return word


def make(rng, categories):
    kind = rng.random()
    if kind < 0.55:
        return "".join(mixed_word(rng) + rng.choice(SPACES) for _ in range(rng.randint(0, 40)))
    if kind < 0.80:
        return "".join(rng.choice(rng.choice(categories)) for _ in range(rng.randint(1, 60)))
    if kind < 0.90:
        letters = [chr(rng.choice([rng.randint(33, 126), rng.randint(0xA1, 0x24F), rng.randint(0x370, 0x52F)])) for _ in range(rng.randint(1, 80))]
        return "".join(letters)
    if kind < 0.95:  # around the longest word that is not [UNK], and around the window
        return rng.choice(["a", "ab", "é", "e\u0301", "я", "語", "x\u200b"]) * rng.randint(48, 260)
    return "".join(rng.choice(CONTROLS + SPACES + MARKS + ["a", "."]) for _ in range(rng.randint(0, 30)))


def every_character():
    known = [c for c in range(0x40000) if not 0xD800 <= c < 0xE000] + list(range(0xE0000, 0xE0200))
    for at in range(0, len(known), 24):
        yield "".join("a" + chr(c) + "b " for c in known[at : at + 24])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer", help="tokenizer.json of the model")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--tokens-max", type=int, default=256)
    parser.add_argument("--every-character", action="store_true")
    arguments = parser.parse_args()

    rng = random.Random(arguments.seed)
    categories = by_category()
    texts = [make(rng, categories) for _ in range(arguments.count)]
    if arguments.every_character:
        texts.extend(every_character())
    tokenizer = Tokenizer.from_file(arguments.tokenizer)
    tokenizer.no_padding()
    tokenizer.enable_truncation(arguments.tokens_max)
    for text, encoding in zip(texts, tokenizer.encode_batch(texts)):
        sys.stdout.write(json.dumps({"text": text, "ids": encoding.ids}) + "\n")


if __name__ == "__main__":
    main()
