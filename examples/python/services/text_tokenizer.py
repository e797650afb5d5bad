"""Tokenizers, one a language, each with a vocabulary of 250,000 pieces in a file that takes a while to read."""
import json
import os
import tempfile
from collections import OrderedDict
from itertools import product

_CONSONANTS, _VOWELS = "bcdfghjklmnpqrstvwxz", "aeiouy"


def write_vocabulary(path: str, language: str) -> None:
    """A vocabulary as BPE files have it: pieces and their IDs."""
    pieces = {chr(c): c for c in range(32, 127)}
    syllables = [c + v for c, v in product(_CONSONANTS, _VOWELS)]
    for first, second, third in product(syllables, syllables, _CONSONANTS):
        pieces.setdefault(first + second + third, len(pieces) + 127)
    for word in (f"{language}{i}" for i in range(250_000 - len(pieces))):
        pieces[word] = len(pieces) + 127
    with open(path, "w") as file:
        json.dump(pieces, file)


class Tokenizer:
    """The longest piece that fits is the next token."""

    def __init__(self, path: str) -> None:
        with open(path) as file:
            self._ids: dict[str, int] = json.load(file)
        self._longest = max(map(len, self._ids))

    def encode(self, text: str) -> list[int]:
        ids, at = [], 0
        while at < len(text):
            size = next((n for n in range(min(self._longest, len(text) - at), 0, -1) if text[at:at + n] in self._ids), 0)
            ids.append(self._ids[text[at:at + size]] if size else 0)
            at += size or 1
        return ids


class Tokenizers:
    """Holds so many tokenizers, and evicts the one that was not used for longest."""

    def __init__(self, languages: list[str], most: int) -> None:
        self._most = most
        self._held: OrderedDict[str, Tokenizer] = OrderedDict()
        self._seen: set[str] = set()
        folder = tempfile.mkdtemp(prefix="tokenizers-")
        self._paths = {language: os.path.join(folder, f"{language}.json") for language in languages}
        for language, path in self._paths.items():
            write_vocabulary(path, language)

    def get(self, language: str) -> Tokenizer | None:
        if language in self._held:
            self._held.move_to_end(language)
        return self._held.get(language)

    def load(self, language: str) -> tuple[Tokenizer, bool]:
        """Returns the tokenizer, and whether this process had it before."""
        self._held[language] = tokenizer = Tokenizer(self._paths[language])
        while len(self._held) > self._most:
            self._held.popitem(last=False)
        again = language in self._seen
        self._seen.add(language)
        return tokenizer, again
